"""Tell what of an experiment can be deleted and made again, and what that would cost.

A file can be made again if the code that made it is what it was, and if all that it was made of is
there with the same bytes, or can itself be made again. What is deleted is noted in DIR/pruned.jsonl
(so that an audit knows); records stay. Of a deleted file the workflow makes what a later run needs;
audio comes with its manifest: delete that, too, if the audio is needed again. Nothing is deleted
behind a link: what a linked file or folder leads to may be somebody else's.
"""

import argparse
import contextlib
import fcntl
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from errors import InputError
from files.atomic import atomic_path, is_within
from files.regular import open_regular
from files.text_file import read_text
from lineages.code import SCRIPTS
from lineages.files import CACHES, PRUNED, Experiment
from lineages.hash_cache import HashCache
from lineages.remaking import Remaking
from records.record import MODEL_CARD, Record, duration

CARD, _ = MODEL_CARD  # beside a checkpoint that is delivered
KINDS = {
    "caches": "work, encodings and curves",
    "checkpoints": "models, but for those with a card",
    "delivered": "models with a card, which stays",
    "task_vectors": "differences of models",
    "audio": "recordings as they are trained and tested on, synthetic speech",
    "hypotheses": "what models heard",
}


class Candidate(NamedTuple):
    """A file that could be deleted, the record of who makes it, and why it cannot be made again."""

    name: str
    kind: str
    bytes: int
    maker: Record | None
    why_not: str | None


def kind_of(name: str, experiment: Experiment) -> str | None:
    """Return which kind of file this is, None if it is never deleted."""
    top, folder = name.split("/")[0], os.path.dirname(name)
    if name not in experiment.claims or f"{folder}/{CARD}" in outputs_with(name, experiment):
        return None
    if top == "models" and f"{os.path.dirname(folder)}/{CARD}" in experiment.files:
        return None  # an export of a model that is delivered
    if top == "models":
        return "delivered" if f"{folder}/{CARD}" in experiment.files else "checkpoints"
    return top if top in ("task_vectors", "audio", "hypotheses") else None


def outputs_with(name: str, experiment: Experiment) -> Iterable[str]:
    """Return all outputs of the stage that made a file."""
    maker = experiment.makers.get(name)
    return experiment.outputs(maker) if maker else ()


def candidates_of(experiment: Experiment, remaking: Remaking) -> Iterator[Candidate]:
    """Yield each file that is no external, record, manifest, score or summary."""
    kinds = {name: kind_of(name, experiment) for name in sorted(experiment.files)}
    experiment.hashes.learn(experiment.path(name) for name, kind in kinds.items() if kind)
    for name, kind in kinds.items():
        if not kind:
            continue
        why_not: str | None = "it is not what was made"
        if not is_own(name, experiment):
            place = os.path.dirname(os.path.realpath(experiment.path(name)))
            why_not = f"it lies in {place}, behind a link"
        elif remaking.is_as_made(name):
            why_not = remaking.why_not(name)
        size = os.lstat(experiment.path(name)).st_size
        yield Candidate(name, kind, size, remaking.maker(name), why_not)
    for cache in own_caches(experiment):
        for parent, _, names in os.walk(cache):
            for each in names:
                path = os.path.join(parent, each)
                name = os.path.relpath(path, experiment.folder)
                yield Candidate(name, "caches", os.lstat(path).st_size, None, None)


def is_own(name: str, experiment: Experiment) -> bool:
    """Return whether a file lies in the experiment's folder itself, and not behind a link in it."""
    path, folder = experiment.path(name), os.path.realpath(experiment.folder)
    return not os.path.islink(path) and is_within(os.path.realpath(path), folder)


def own_caches(experiment: Experiment) -> list[str]:
    """Return the folders of caches that are there, and are no links."""
    caches = map(experiment.path, CACHES)
    return [path for path in caches if os.path.isdir(path) and not os.path.islink(path)]


def check_folder(folder: str, follow: bool) -> None:
    """Refuse to delete in an experiment's folder that is, or lies in, a link to another place."""
    path = Path(os.path.normpath(folder))
    for each in (path, path.parent):
        if each.is_symlink() and not follow:
            raise InputError(
                f"{each}: is a link to {each.resolve()}, where somebody else's files may be; add"
                " --follow if these are your own"
            )


def delete(experiment: Experiment, chosen: list[Candidate]) -> None:
    """Delete files; a kill leaves a list of some that are still there, which an audit reads so."""
    note_pruned(experiment, [each for each in chosen if each.kind != "caches"])
    for each in chosen:
        if each.kind != "caches":
            if not is_own(each.name, experiment):
                raise InputError(f"{experiment.path(each.name)}: lies behind a link by now")
            Path(experiment.path(each.name)).unlink()
    if any(each.kind == "caches" for each in chosen):
        for cache in own_caches(experiment):
            shutil.rmtree(cache, ignore_errors=True)  # which follows no link


def note_pruned(experiment: Experiment, chosen: list[Candidate]) -> None:
    """Add files, with their hashes, to the list of those that were pruned."""
    path = Path(experiment.path(PRUNED))
    before = read_text(path) if path.exists() else ""
    rows = [
        {
            "path": each.name,
            "sha256": experiment.hashes.sha256(experiment.path(each.name)),
            "bytes": each.bytes,
        }
        for each in chosen
    ]
    with atomic_path(path) as temporary:
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        temporary.write_text(before + lines, encoding="utf-8")


@contextlib.contextmanager
def no_run(experiment: Experiment) -> Iterator[None]:
    """Hold the lock of the experiment's runs; raise ``InputError`` if one goes on."""
    path = Path(experiment.root, "logs", Path(experiment.folder).resolve().name, "run.lock")
    if not path.is_file():
        yield
        return
    with open_regular(path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{path}: a run of this experiment goes on; delete nothing until it has ended"
            ) from None
        yield


def table(candidates: list[Candidate]) -> Iterator[str]:
    """Yield a line for each kind: files that can be made again, their bytes, the time of making."""
    yield f"{'kind':<14}{'files':>8}{'MB':>12}{'made in':>12}"
    for kind, what in KINDS.items():
        these = [each for each in candidates if each.kind == kind and not each.why_not]
        seconds = sum(
            map(duration, {each.maker.sidecar: each.maker for each in these if each.maker}.values())
        )
        size = sum(each.bytes for each in these) / 1e6
        yield f"{kind:<14}{len(these):>8}{size:>12.1f}{seconds:>10.0f} s  {what}"


def kept(experiment: Experiment, candidates: Iterable[Candidate]) -> Iterator[str]:
    """Yield a line for each folder's files that cannot be made again, with the reason."""
    counts = Counter(
        (os.path.dirname(each.name), each.why_not) for each in candidates if each.why_not
    )
    for (folder, why_not), count in sorted(counts.items()):
        yield f"{experiment.path(folder)}: {count} files cannot be made again: {why_not}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("folder", metavar="DIR", help="an experiment's folder, as results/NAME")
    parser.add_argument(
        "--scripts",
        type=Path,
        default=SCRIPTS,
        help="folder of the code that would make the files again (default: this one)",
    )
    parser.add_argument(
        "--delete",
        metavar="KIND",
        nargs="+",
        choices=KINDS,
        default=[],
        help=f"delete what can be made again of these kinds: {', '.join(KINDS)}",
    )
    parser.add_argument(
        "--follow", action="store_true", help="delete even if DIR, or its parent, is itself a link"
    )


def main(options: argparse.Namespace) -> None:
    """Print what can be deleted and what cannot, and delete what is asked."""
    if not os.path.isdir(options.folder):
        raise InputError(f"{options.folder}: no such folder; name an experiment's, as results/NAME")
    if options.delete:
        check_folder(options.folder, options.follow)
    experiment = Experiment(options.folder, HashCache(options.folder))
    files = list(candidates_of(experiment, Remaking(experiment, options.scripts)))
    if not options.delete:
        print(*table(files), *kept(experiment, files), sep="\n")
        return
    asked = [each for each in files if each.kind in options.delete]
    chosen = [each for each in asked if not each.why_not]
    with no_run(experiment):
        delete(experiment, chosen)
    for line in kept(experiment, asked):
        print(line)
    size = sum(each.bytes for each in chosen) / 1e6
    print(f"deleted {len(chosen)} files, {size:.1f} MB; {experiment.path(PRUNED)} lists them")
