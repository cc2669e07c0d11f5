"""Hypotheses and references as other toolkits write them, read into rows of ``id`` and ``text``.

``text``: one utterance per line, in the order of the references; ``trn``: NIST's ``words (id)``;
``ctm``: NIST's ``recording channel start duration word [confidence]``; ``kaldi``: ``id words`` of
Kaldi and ESPnet; ``jsonl``: JSON lines with ``id`` and ``text``, or NeMo's with ``audio_filepath``
and ``pred_text``. The suffix tells which it is, unless the user does.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from errors import InputError
from files.manifest import parse_json_line
from files.text_file import read_text as text_of

FORMAT_OF_SUFFIX = {
    ".txt": "text",
    ".trn": "trn",
    ".ctm": "ctm",
    "": "kaldi",  # Kaldi's own name for the file is just "text"
    ".jsonl": "jsonl",
    ".json": "jsonl",
}
TRN_LINE = re.compile(r"(?P<words>.*)\((?P<id>[^()\s]+)\)\s*")


class Line(NamedTuple):
    """A line of a file and where it stands, as messages name it."""

    place: str
    content: str


class Utterance(NamedTuple):
    """What a file says of one utterance, the line that says so, and further keys."""

    place: str
    id: str
    text: str
    more: dict


def read_hypotheses(
    path: Path, references: list[dict], form: str | None = None, absent_is_empty: bool = False
) -> list[dict]:
    """Return ``id`` and ``text`` of each hypothesis of a file, whichever toolkit wrote it.

    ``form`` is one of ``READERS``. A recording in which nothing was recognised has no line in a CTM
    file: ``absent_is_empty`` takes it so, for the references that such a file lacks.
    """
    form = form or format_of(path)
    rows = unique(READERS[form](lines_of(path), references))
    if form == "ctm":
        recognised = {row["id"] for row in rows}
        absent = [row["id"] for row in references if row["id"] not in recognised]
        if absent and not absent_is_empty:
            raise InputError(
                f"{path}: {len(absent)} of {len(references)} references have no words here, first"
                f" {absent[0]!r}; if nothing was recognised in them, say so by --absent-is-empty"
            )
        rows += [{"id": name, "text": ""} for name in absent]
    return [{"id": row["id"], "text": row["text"]} for row in rows]


def read_references(path: Path, form: str | None = None) -> list[dict]:
    """Return references: ``id``, ``text``, and of a manifest its further keys.

    Lines of plain text get their numbers as ids; rows of a manifest without ids, as NeMo's, get
    the paths of their audio.
    """
    form = form or format_of(path)
    if form == "ctm":
        raise InputError(f"{path}: references are no CTM; give a manifest, TRN or text")
    rows = unique(READERS[form](lines_of(path), None))
    if not rows:
        raise InputError(f"{path}: no references in it")
    return rows


def format_of(path: Path) -> str:
    """Return the format that a file's suffix stands for."""
    if path.suffix.lower() not in FORMAT_OF_SUFFIX:
        raise InputError(
            f"{path}: suffix {path.suffix!r} tells no format; say which of"
            f" {', '.join(READERS)} it is, by --format (or --references-format)"
        )
    return FORMAT_OF_SUFFIX[path.suffix.lower()]


def lines_of(path: Path) -> list[Line]:
    """Return a file's lines; only a newline ends one, as for the tools that write them."""
    text = text_of(path).replace("\r\n", "\n").replace("\r", "\n")
    lines = text.removesuffix("\n").split("\n") if text else []
    return [Line(f"{path}:{number}", line) for number, line in enumerate(lines, start=1)]


def unique(utterances: Iterator[Utterance]) -> list[dict]:
    """Return utterances as rows; refuse an id that comes twice."""
    place_of: dict[str, str] = {}
    rows = []
    for utterance in utterances:
        if utterance.id in place_of:
            raise InputError(
                f"{utterance.place}: id {utterance.id!r} stands already at"
                f" {place_of[utterance.id]}; ids must be unique"
            )
        place_of[utterance.id] = utterance.place
        rows.append(utterance.more | {"id": utterance.id, "text": utterance.text})
    return rows


def read_text(lines: Sequence[Line], references: list[dict] | None) -> Iterator[Utterance]:
    """Yield line after line, an empty one being an empty hypothesis."""
    if references is None:
        for number, (place, line) in enumerate(lines, start=1):
            yield Utterance(place, str(number), line.strip(), {})
        return
    file = lines[0].place.rpartition(":")[0] if lines else "the file"
    if len(lines) != len(references):
        raise InputError(
            f"{file}: {len(lines)} lines for {len(references)} references; plain text needs one"
            " line for each, empty where nothing was recognised"
        )
    ids = {row["id"] for row in references}
    if all(line.content.split(maxsplit=1)[:1] and line.content.split()[0] in ids for line in lines):
        raise InputError(f"{file}: every line begins with an id; say --format kaldi")
    for (place, line), reference in zip(lines, references, strict=True):
        yield Utterance(place, reference["id"], line.strip(), {})


def read_trn(lines: Sequence[Line], references: list[dict] | None) -> Iterator[Utterance]:
    """Yield NIST's transcripts: the id, in parentheses, ends the line."""
    for place, line in lines:
        if not line.strip() or line.startswith(";;"):
            continue
        match = TRN_LINE.fullmatch(line)
        if not match:
            raise InputError(f"{place}: {line.strip()[-40:]!r} does not end with an id, as (id)")
        if "{" in match["words"]:
            raise InputError(
                f"{place}: alternatives such as {{a / b}} can't be scored here; choose one of them"
            )
        yield Utterance(place, match["id"], match["words"].strip(), {})


def read_ctm(lines: Sequence[Line], references: list[dict] | None) -> Iterator[Utterance]:
    """Yield recordings, their words in the order of time."""
    words: dict[str, list[tuple[float, str]]] = {}
    first: dict[str, tuple[str, str]] = {}
    for place, line in lines:
        if not line.strip() or line.startswith(";;"):
            continue
        recording, channel, start, word = parse_ctm_line(place, line)
        first_place, first_channel = first.setdefault(recording, (place, channel))
        if channel != first_channel:
            raise InputError(
                f"{place}: {recording!r} is of channel {channel} here and of {first_channel} at"
                f" {first_place}; give each channel a recording id of its own"
            )
        words.setdefault(recording, []).append((start, word))
    for recording, timed in words.items():
        ordered = sorted(timed, key=lambda item: item[0])
        yield Utterance(first[recording][0], recording, " ".join(w for _, w in ordered), {})


def parse_ctm_line(place: str, line: str) -> tuple[str, str, float, str]:
    """Return recording, channel, start (s) and word of a CTM line."""
    fields = line.split()
    try:
        recording, channel, beginning, length, word = fields[:5]
        start, duration = float(beginning), float(length)
    except ValueError:
        raise InputError(
            f"{place}: {line.strip()[:60]!r} is not: recording channel start duration word"
        ) from None
    if not (0 <= start < math.inf and 0 <= duration < math.inf):
        raise InputError(
            f"{place}: start {beginning[:20]!r} and duration {length[:20]!r} are no times; give"
            " seconds from 0 on"
        )
    if word.startswith("<ALT"):
        raise InputError(f"{place}: alternatives can't be scored here; choose one of them")
    return recording, channel, start, word


def read_kaldi(lines: Sequence[Line], references: list[dict] | None) -> Iterator[Utterance]:
    """Yield utterances whose line begins with their id; an id alone is an empty hypothesis."""
    for place, line in lines:
        if line.strip():
            name, _, words = line.strip().replace("\t", " ").partition(" ")
            yield Utterance(place, name, words.strip(), {})


def read_jsonl(lines: Sequence[Line], references: list[dict] | None) -> Iterator[Utterance]:
    """Yield rows by ``id``, or without one by their audio; NeMo's ``text`` is the reference."""
    id_of_audio = ids_by_audio(references) if references is not None else {}
    for place, line in lines:
        if not line.strip():
            continue
        row = parse_json_line(place, line)
        key = "pred_text" if references is not None and "pred_text" in row else "text"
        if not isinstance(row.get(key), str):
            raise InputError(f"{place}: {key} is {row.get(key)!r} instead of a string")
        if "id" in row:
            name = str(row["id"])
        elif references is None:
            name = audio_of(place, row)
        else:
            name = match_audio(place, audio_of(place, row), id_of_audio)
        yield Utterance(place, name, row[key], row)


def audio_of(place: str, row: dict) -> str:
    """Return the path of a row's audio, which names an utterance that has no id."""
    path = row.get("audio_filepath")
    if not isinstance(path, str):
        raise InputError(f"{place}: has neither id nor audio_filepath; give it one")
    return path


def ids_by_audio(references: list[dict]) -> dict[str, str]:
    """Return ids by all that audio may be called: its path, its file's name, and the id itself.

    A name that two references share is left out, since it tells neither.
    """
    pairs = {
        (name, row["id"])
        for row in references
        for path in [row.get("audio_filepath", row["id"])]
        for name in (path, Path(path).name, row["id"])
    }
    count = Counter(name for name, _ in pairs)
    return {name: id_ for name, id_ in pairs if count[name] == 1}


def match_audio(place: str, audio: str, id_of_audio: dict[str, str]) -> str:
    """Return the id of the reference that has this audio: by path, name, or name without suffix."""
    for name in (audio, Path(audio).name, Path(audio).stem):
        if name in id_of_audio:
            return id_of_audio[name]
    raise InputError(
        f"{place}: {audio!r} is not the audio of exactly one reference; give each row the id that"
        " its reference has"
    )


READERS = {
    "text": read_text,
    "trn": read_trn,
    "ctm": read_ctm,
    "kaldi": read_kaldi,
    "jsonl": read_jsonl,
}
