"""Lines of text of the user's, and what a file of them turns out to be instead.

Of a table, of subtitles or of a page, ids, headers and markup would be spoken: they are refused,
each kind by its name and with what to do about it. Most are read under the name that says what they
are (inputs/reading.py).
"""

import re
from collections.abc import Sequence
from pathlib import Path

from errors import InputError
from files.json_file import NotJSON, parse
from files.text_file import read_text

ONE_A_LINE = "give one text a line, or id, tab and text in every line"
NAME_COLUMN = "name its column of texts in the domain (column: NAME)"
COLUMNS = frozenset(  # names that columns of published corpora have
    re.findall(
        r"\S+",
        "id ids key name index utt utt_id utterance utterance_id uttid segment segment_id clip_id"
        " sentence_id text_id text texts raw_text sentence sentences transcript transcripts"
        " transcription query command message body content title subject description comment"
        " normalized_text normalised_text normalized_transcript prompt phrase caption"
        " question answer label intent path paths audio audio_path audio_file audio_filepath wav"
        " wav_path wav_filename wav_filesize file files filename file_name file_path start end"
        " duration speaker speaker_id spk client_id user_id gender sex age accent accents locale"
        " lang language variant split up_votes down_votes domain emotion style date time",
    )
)
OF_ID = re.compile(r"(?:\w*_)?(?:id|uuid|path|file|filename|file_name|wav)")
OF_TEXT = re.compile(r"text|sentence|transcript|utterance|prompt|phrase|caption")
MARKUP = re.compile(r"<(?:!doctype|\?xml|html|head|body|div|p|table|tt|speak|srt)\b", re.IGNORECASE)
TIMES = re.compile(r"(?:\d+:)?\d{1,2}:\d\d[.,]\d{1,3}\s*-->\s*(?:\d+:)?\d{1,2}:\d\d")
TABLE_RULE = re.compile(r"\s*\|?\s*:?-{3,}:?\s*(?:\|\s*:?-{3,}:?\s*)+\|?\s*")
HEADING = re.compile(r"#{1,6}\s+\S|```")
KALDI_ID = re.compile(r"(?=\S*\d)[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)+$")
CSV_ID = re.compile(r"\"?(?=[\w./-]*\d)[\w./-]+\"?[,;](?=\S)")
NUMBERED = re.compile(r"\(?(\d+)[.):]\s+\S")

Lines = Sequence[tuple[int, str]]  # number and content
Fault = tuple[int, str, str] | None  # line, what it is, remedy


def numbered_lines(path: Path) -> Lines:
    """Return number and content of the lines that are not blank."""
    text = read_text(path)
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # of Windows, of old Macs
    lines = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not lines:
        raise InputError(f"{path}: is empty; {ONE_A_LINE}")
    return lines


def check_letters(place: str, text: str) -> None:
    """Raise ``InputError`` for a text of which a letter was lost when it was decoded."""
    lost = next((each for each in text if each == "\ufffd" or "\ud800" <= each <= "\udfff"), None)
    if lost:
        at = text.index(lost)
        raise InputError(
            f"{place}: a letter was lost (U+{ord(lost):04X}) in"
            f" {text[max(0, at - 20) : at + 20]!a}; correct it, or convert its source anew"
        )


def check_plain(path: Path, lines: Lines) -> None:
    """Raise ``InputError`` for a file whose lines are not texts, or not ids, tabs and texts."""
    for check in (json_lines, markup, subtitles, markdown, header, bars, commas, ids, numbers):
        if fault := check(lines):
            at, kind, remedy = fault
            raise InputError(f"{path}:{at}: {kind}; {remedy}")
    for at, line in lines:
        if path.suffix.lower() == ".csv" and re.search('[,;"]', line):
            raise InputError(
                f"{path}:{at}: is of a table by its name (CSV), whose first line names no column of"
                f" texts that is known; {NAME_COLUMN}, or export it as text: {ONE_A_LINE}"
            )
        check_letters(f"{path}:{at}", line)


def json_lines(lines: Lines) -> Fault:
    """Say whether the file is JSON: of one object a line, or as a whole."""
    at, first = lines[0]
    for text in (first, "\n".join(line for _, line in lines)):
        if text.strip()[:1] not in ("{", "["):
            return None
        try:
            value = parse(text, "texts", ONE_A_LINE)
        except NotJSON:
            continue
        except InputError:  # JSON to some
            value = [text]
        if isinstance(value, dict) and "audio_filepath" in value:
            return at, "is a manifest", "declare it under 'manifest', not 'texts'"
        if isinstance(value, dict | list) and value:
            remedy = f"name it .jsonl, with one object a line, or {ONE_A_LINE} (jq -r .text)"
            return at, "is JSON, not text", remedy
    return None


def markup(lines: Lines) -> Fault:
    """Say whether the file is a page of HTML or XML."""
    at, first = lines[0]
    if MARKUP.match(first.strip()):
        remedy = f"name a page .html, or take the texts out of it: {ONE_A_LINE}"
        return at, "is HTML or XML, not text", remedy
    return None


def subtitles(lines: Lines) -> Fault:
    """Say whether the file has the times of subtitles."""
    for at, line in lines:
        if line.strip().startswith("WEBVTT") or TIMES.search(line):
            remedy = f"name it .srt or .vtt, or remove numbers and times: {ONE_A_LINE}"
            return at, "is of subtitles (SRT, VTT)", remedy
    return None


def markdown(lines: Lines) -> Fault:
    """Say whether the file has a table, a heading or code of Markdown, or a comment."""
    for at, line in lines:
        if TABLE_RULE.fullmatch(line) or re.fullmatch(r"\|.*\|.*\|", line.strip()):
            remedy = f"name it .md, or take the texts out of it: {ONE_A_LINE}"
            return at, "is a table of Markdown", remedy
        if HEADING.match(line):
            return (
                at,
                f"{line.strip()[:40]!r} is a comment or Markdown, and would be spoken",
                "remove the line, or name Markdown .md",
            )
    return None


def header(lines: Lines) -> Fault:
    """Say whether the first line has names of columns, tabs, commas, semicolons or bars between."""
    at, first = lines[0]
    for sign, name in (("\t", "tabs"), (",", "commas"), (";", "semicolons"), ("|", "bars")):
        cells = [cell.strip().strip("\"'").lower().replace(" ", "_") for cell in first.split(sign)]
        known = [cell for cell in cells if cell in COLUMNS]
        names = len(known) == len(cells) or sign == "\t" or " " not in first  # no prose
        parted = len(cells) > 1 and 2 * sum(sign in line for _, line in lines) > len(lines)
        several = parted and names and (len(known) > 1 or OF_ID.fullmatch(cells[0]))
        alone = len(cells) == 1 < len(lines) and any(map(OF_TEXT.match, known))
        if several or alone:
            kind = f"{first.strip()[:60]!r} is the header of a table"
            if several:
                kind += f" with {name}"
            remedy = f"remove it, and columns other than id and text: {ONE_A_LINE}"
            return at, kind, f"{NAME_COLUMN}, or {remedy}"
    return None


def bars(lines: Lines) -> Fault:
    """Say whether all lines are an id, a bar and a text, as LJSpeech's."""
    cells = [line.split("|") for _, line in lines]
    ids = [row[0].strip() for row in cells]
    same = len({len(row) for row in cells}) == 1 < min(len(cells[0]), len(lines))
    if same and len(set(ids)) == len(ids) and not any(re.search(r"\s", id) for id in ids):
        remedy = f"{ONE_A_LINE} (cut -d'|' -f1,2 --output-delimiter=$'\\t')"
        return lines[0][0], "is a list with bars, such as LJSpeech's (id|text)", remedy
    return None


def commas(lines: Lines) -> Fault:
    """Say whether all lines are an id, a comma or semicolon and a text."""
    ids = [match[0] for _, line in lines if (match := CSV_ID.match(line))]
    if len(lines) == len(ids) == len(set(ids)) > 1:
        remedy = f"put the names of its columns before them, and {NAME_COLUMN}, or {ONE_A_LINE}"
        return lines[0][0], "is a table with commas (CSV)", remedy
    return None


def ids(lines: Lines) -> Fault:
    """Say whether all lines begin with an id and a space, as Kaldi's."""
    first = [line.split(maxsplit=1)[0] for _, line in lines if "\t" not in line]
    different = len(set(first)) == len(lines) > 1
    if different and all(map(KALDI_ID.match, first)):
        remedy = f"put a tab behind the ids (sed 's/ /\\t/'): {ONE_A_LINE}"
        return lines[0][0], f"has ids before the texts, such as {first[0]!r}, as Kaldi's", remedy
    return None


def numbers(lines: Lines) -> Fault:
    """Say whether the lines are numbered: 1., 2., 3., ..."""
    matches = [NUMBERED.match(line.strip()) for _, line in lines]
    numbers = [int(each[1]) for each in matches if each]
    if len(lines) > 2 and numbers and numbers == [*range(numbers[0], numbers[0] + len(lines))]:
        return lines[0][0], "has numbered lines", f"remove the numbers: {ONE_A_LINE}"
    return None
