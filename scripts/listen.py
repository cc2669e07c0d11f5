"""Write the page on which one listens to what is trained on: synthetic speech of each target.

For each TTS and voice it has a few utterances, each beside what is written, what the TTS was told,
what the judge of the filter understood and what the filter made of it; then what the filter left
out, the most numerous reason first. It shows what is there, and says what is not made yet. A
browser plays the audio files where they lie, without a server. The same of all utterances is in a
table (TSV) beside the page.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from configs.reading import read
from errors import InputError, run
from escaping import visible
from files.atomic import atomic_path, check_outputs
from matrix import results_folder
from options import Parser
from reporting import listening
from reporting.pages import style, template
from reporting.synthesized import Speech, Texts, read_speech, read_training_texts
from roles import training_tts
from settings.schema import refer

COLUMNS = ("domain", "tts", "voice", "id", "written", "told", "understood", "verdict", "audio")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self' file:"
MANY = 4  # voices of a TTS, above which each is folded away


def link(audio: str, page: Path) -> str:
    """Return the address of an audio file, from the page's folder."""
    return quote(os.path.relpath(audio, page.parent))


def render(
    config: Mapping[str, Any],
    speeches: Sequence[Speech],
    texts_of: Mapping[str, Texts],
    count: int,
    page: Path,
) -> str:
    """Return the page that shows ``count`` utterances of each voice, and of each reason."""
    return template("listen.html.j2").render(
        name=config["name"],
        policy=POLICY,
        style=style(),
        table=page.with_suffix(".tsv").name,
        judge=config["filter"]["base_model"],
        language=config["language"],
        count=count,
        many=MANY,
        speeches=speeches,
        texts_of=texts_of,
        listening=listening,
        link=lambda audio: link(audio, page),
        is_there=lambda audio: Path(audio).is_file(),
    )


def table(speeches: Sequence[Speech]) -> str:
    """Return all utterances as tab-separated lines."""
    lines: list[Sequence[str]] = [COLUMNS]
    lines += [
        (speech.domain, speech.tts, each.voice, each.id, each.written, each.told)
        + (each.transcript or "", listening.verdict(each), each.audio)
        for speech in speeches
        for each in speech.utterances
    ]
    cells = ([visible(" ".join(cell.split())) for cell in line] for line in lines)
    return "".join("\t".join(line) + "\n" for line in cells)


def main(argv: list[str] | None = None) -> None:
    """Write the page as the command line says."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--experiment", type=Path, required=True, help="the experiment's YAML file")
    add("--domain", nargs="+", help="domains to listen to (default: the targets)")
    add("--utterances", type=int, default=5, help="of each voice, and of each reason (default 5)")
    add("--output", type=Path, help="HTML page to write (default results/NAME/listen.html)")
    options = parser.parse_args(argv)
    if options.utterances < 1:
        raise InputError(f"--utterances {options.utterances}: at least 1")
    config = read([options.experiment])
    results = Path(results_folder(config))
    page = options.output or results.with_name(config["name"]) / "listen.html"
    check_outputs([page, page.with_suffix(".tsv")], [options.experiment])
    domains = options.domain or config["targets"]
    for name in domains:
        refer(name, config["domains"], "--domain", "domains")
    if not results.is_dir():
        raise InputError(
            f"{results}: no such folder: no run of this experiment has begun here; start one, or go"
            " to the folder that it runs in"
        )
    texts_of = {
        name: read_training_texts(results, name, config["domains"][name]) for name in domains
    }
    speeches = [
        read_speech(results, config, name, tts, texts_of[name])
        for name in domains
        for tts in training_tts(config)
    ]
    html = render(config, speeches, texts_of, options.utterances, page)
    for path, content in ((page, html), (page.with_suffix(".tsv"), table(speeches))):
        with atomic_path(path) as temporary:
            temporary.write_text(content, encoding="utf-8")
    for speech in speeches:
        for what in listening.missing(speech):
            print(f"{speech.domain}, {speech.tts}: {what}")
    print(f"Listen: {page}")


if __name__ == "__main__":
    run(main)
