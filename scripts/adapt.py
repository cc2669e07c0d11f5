"""Write an experiment that adapts a recogniser to a domain, from its texts alone, and say its plan.

``make adapt`` runs what this command has written. At a terminal it asks before long work.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

from configs.adapted import (
    CHANNELS,
    ENGLISH,
    Wanted,
    base_of,
    check_count,
    domain_name,
    experiment,
    slug,
)
from configs.reading import read
from domains.own_data import read_manifest_of_user
from errors import InputError, remedy_for, run
from escaping import visible
from files.atomic import atomic_path
from files.text_file import read_text
from names import check_name
from options import Parser
from paths import REAL, Manifest
from roles import voices_of
from runs import plan
from runs.shards import training_texts
from texts.languages import NAMES, known_code

LOCAL = ("local", "profiles/local")  # profiles that run on this machine
LONG = 5  # min, of work that is asked about at a terminal


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line's values."""
    parser = Parser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--texts", help="the domain's texts: one a line, or a table (see --column)")
    add("--column", help="of a table: the column that has the texts")
    add("--audio", help="manifest of the domain's transcribed recordings, to test on")
    add("--source", help="manifest of other transcribed recordings, heard as the domain will be")
    add("--name", help="of the domain (default: the name of the texts' file)")
    add("--base", help="artifact of the base model (default: Whisper tiny)")
    add("--language", default=ENGLISH, help="of the texts (default en)")
    add("--channel", help=f"through which the domain is heard: {', '.join(CHANNELS)}")
    add("--profile", default="profiles/local", help="of Snakemake: where it will run")
    add("--folder", type=Path, default=Path("experiments"), help="where to write NAME.yaml")
    return parser.parse_args(argv)


def wanted_of(options: argparse.Namespace) -> Wanted:
    """Return what the command line asks for, each value checked as far as it goes by itself."""
    if not options.texts and not options.audio:
        raise InputError("TEXTS (or AUDIO) is needed: make adapt TEXTS=my_domain.txt")
    for key in ("texts", "audio", "source"):
        path = getattr(options, key)
        if path and not Path(path).exists():
            raise InputError(f"{key.upper()}: {path}: no such file")
        if path and key != "texts":  # COLUMN is of the texts, which those of AUDIO alone are, too
            column = options.column if key == "audio" and not options.texts else None
            read_manifest_of_user(path, (column, None))
    if options.column and Path(options.texts or options.audio).suffix.lower() == ".txt":
        raise InputError(
            f"COLUMN: {options.texts or options.audio} is a file of texts, which has no columns;"
            " leave COLUMN out"
        )
    if options.channel and options.channel not in CHANNELS:
        remedy = remedy_for(options.channel, CHANNELS)
        raise InputError(f"CHANNEL: {options.channel!r} is not known; {remedy}")
    name = options.name or slug(Path(options.texts or options.audio).stem)
    check_name(domain_name(check_name(name, "experiment")), "domain")
    language = known_code(options.language, "LANGUAGE")
    kind = "texts" if options.texts else "manifest"
    return Wanted(
        name,
        training_texts({kind: options.texts or options.audio, "column": options.column}),
        language,
        base_of(options.base, language),
        options.texts,
        options.audio,
        options.column,
        options.source,
        options.channel,
    )


def write(text: str, path: Path) -> dict:
    """Write an experiment, unless it is there already, and return its config in full.

    Nothing is written if it can't be right, or if another stands there.
    """
    if path.exists():
        there, lines = read_text(path).splitlines(), text.splitlines()
        for number, (old, new) in enumerate(zip_longest(there, lines), start=1):
            if old != new:
                raise InputError(
                    f"{path}:{number}: is there already, and says {old!r} where this would be"
                    f" {new!r}; run it as it is (make run EXPERIMENT={path}), or remove it, or"
                    " choose another NAME"
                )
        return read([path])
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
        try:
            return read([temporary])
        except InputError as error:  # the file, whose line it names, will not be there
            raise InputError(
                re.sub(rf"^{re.escape(str(temporary))}:\d+: ", "", str(error))
            ) from None


def lines_of_plan(
    wanted: Wanted, path: Path, config: dict, jobs: Sequence[plan.Job], profile: str
) -> Iterator[str]:
    """Yield what a run would do, how long that takes, and how to change it."""
    target = domain_name(wanted.name)
    yield f"Plan of {path}: {wanted.base} for {wanted.name} ({NAMES[wanted.language]})"
    judged = config["domains"][target]["dev"]
    heard = f"recordings of {wanted.audio}" if wanted.audio else "no recordings (AUDIO)"
    learnt = plan.utterances(config, Manifest(target, REAL, "train"))
    yield f"  texts   about {learnt} to learn from, {judged} to judge by; {heard} to test on"
    for name, tts in config["tts"].items():
        train, dev = (voices_of(tts, split) for split in ("train", "dev"))
        yield (
            f"  voices  {name}: {len(train)} voices speak the texts to learn from, {len(dev)}"
            f" others those to judge by ({tts['dev_samples_per_text']} times each)"
        )
    trained = [job.wildcards["data"] for job in jobs if job.rule == "finetune"]
    anew = sum(not data.startswith(f"{target}-") for data in trained)
    source = ", ".join(config["source"])
    yield f"  source  {source}: " + (
        f"models to train, once for all later domains: {anew}" if anew else "its models are there"
    )
    yield f"  run     {extent(jobs, config, profile)}"
    yield (
        f"  change  in {path}: base_models, tts.{next(iter(config['tts']))}.voices,"
        f" task_vector.scaling_coefficients (docs/options.md); then make run EXPERIMENT={path}"
    )


def cores_of(profile: str) -> int:
    """Return the cores that a profile's jobs share: 1 of a cluster, as nobody knows them."""
    return plan.cores_here() if profile in LOCAL else 1


def extent(jobs: Sequence[plan.Job], config: dict, profile: str) -> str:
    """Return how much work jobs are: their number, minutes, and disk."""
    if not jobs:
        return "nothing: all is there"
    trained = sum(job.rule.startswith("finetune") for job in jobs)
    cores = cores_of(profile)
    low, high = plan.minutes(jobs, config, cores)
    here = profile in LOCAL
    place = f"this machine ({cores} cores)" if here else f"one core, and less where {profile} runs"
    free = shutil.disk_usage(".").free / 1e9
    return (
        f"{len(jobs)} jobs, {trained} trainings among them; about {low} to {high} minutes on"
        f" {place}, {plan.gigabytes(jobs, config):.1f} GB of disk ({free:.0f} GB are free)"
    )


def goes_on(question: TextIO, answers: TextIO) -> bool:
    """Ask whether to go on; a mere Enter is yes, the end of input no."""
    print("Go on? [Y/n] ", end="", file=question, flush=True)
    answer = answers.readline()
    if not answer:
        print(file=question)
    return bool(answer) and answer.strip().lower() in ("", "y", "yes")


def main(argv: Sequence[str] | None = None) -> None:
    """Write the experiment, say what its run would do, and print its path if it is to be run."""
    options = parse_arguments(argv)
    wanted = wanted_of(options)
    check_count(wanted)
    path = options.folder / f"{wanted.name}.yaml"
    is_new = not path.exists()
    config = write(experiment(wanted, path), path)
    try:
        jobs = plan.jobs_of(plan.dry_run(str(path), options.profile))
        if not wanted.count:
            raise InputError(f"{wanted.texts or wanted.audio}: no text is in it; give one a line")
    except InputError:
        if is_new:  # what is wrong with the files may change it
            path.unlink()
        raise
    for line in lines_of_plan(wanted, path, config, jobs, options.profile):
        print(visible(line), file=sys.stderr)
    is_long = plan.minutes(jobs, config, cores_of(options.profile))[1] > LONG
    if jobs and is_long and sys.stdin.isatty() and not goes_on(sys.stderr, sys.stdin):
        print(f"Nothing is run. To run it: make run EXPERIMENT={path}", file=sys.stderr)
        return
    print(path)


if __name__ == "__main__":
    run(main)
