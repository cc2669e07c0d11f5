"""The door for JSON: files, JSON lines and options, read strictly (RFC 8259, RFC 7493).

A key that stands twice in an object, NaN and Infinity, numbers that no machine has room for, half
characters and deep nesting are refused: other readers take each of them for something else.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from errors import InputError
from files.regular import MAX_BYTES, REMEDY
from files.text_file import read_lines, read_text

MAX_DEPTH = 64  # of objects and lists within each other
MAX_DIGITS = 20  # of a whole number: 64 bits have no more
LINE_ENDS = ("", "\n", "\r\n")
ONE_A_LINE = "one object per line"
DIGITS = bytes.maketrans(b"123456789", b"0" * 9)


class NotJSON(InputError):
    """A text that is no JSON at all."""


class _Refusal(ValueError):
    """What is JSON to some, and is not read here."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        count = Counter(key for key, _ in pairs)
        twice = next(key for key, _ in pairs if count[key] > 1)
        raise _Refusal(f"{twice!r} stands twice in an object")
    return content


def _fraction(text: str) -> float:
    if math.isinf(value := float(text)):
        raise _Refusal(f"{text[:MAX_DIGITS]} is too large for a number")
    return value


def _whole(text: str) -> int:
    if (digits := len(text.removeprefix("-"))) > MAX_DIGITS:
        raise _Refusal(f"{text[:MAX_DIGITS]}... has {digits} digits, more than {MAX_DIGITS}")
    return int(text)


def _constant(text: str) -> NoReturn:
    raise _Refusal(f"{text} is not a number")


_strict = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_fraction, parse_int=_whole, parse_constant=_constant
)
_fast = json.JSONDecoder(  # where there are many whole numbers, and none is long
    object_pairs_hook=_object, parse_float=_fraction, parse_constant=_constant
)


def parse(text: str, place: str | Path, remedy: str) -> Any:
    """Return what a text is in JSON; ``place``, a file and line or an option, is for messages.

    Raises ``InputError`` that says where, what stands there, and the remedy.
    """
    try:
        long = b"0" * MAX_DIGITS in text.encode("utf-8", "surrogatepass").translate(DIGITS)
        content = (_strict if long else _fast).decode(text)
        if _is_odd(text, content):
            raise _Refusal(_too_deep())
    except json.JSONDecodeError as error:
        raise NotJSON(f"{place}: {_fault(error)}; {remedy}") from None
    except UnicodeEncodeError as error:
        half = ascii(error.object[error.start])
        raise InputError(f"{place}: {half} is half a character; {remedy}") from None
    except _Refusal as refusal:
        raise InputError(f"{place}: {_key_of_number(text)}{refusal}; {remedy}") from None
    except RecursionError:
        raise InputError(f"{place}: {_too_deep()}; {remedy}") from None
    return content


def _kept(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def keep(text: str) -> Any:
        try:
            return read(text)
        except _Refusal as refusal:
            return refusal

    return keep


def _key_of_number(text: str) -> str:
    """Return where in a text the number stands that is refused, ``targets.0.wer: ``, if one is."""
    decode = json.JSONDecoder(
        parse_float=_kept(_fraction), parse_int=_kept(_whole), parse_constant=_kept(_constant)
    ).decode
    try:
        parts: list[tuple[tuple, Any]] = [((), decode(text))]
    except (ValueError, RecursionError):  # behind it the text is no JSON, or too deep
        return ""
    while parts:
        keys, part = parts.pop()
        if isinstance(part, _Refusal):
            return "".join(f"{key}." for key in keys)[:-1] + ": " * bool(keys)
        items = (
            part.items() if type(part) is dict else enumerate(part) if type(part) is list else ()
        )
        parts += [((*keys, key), each) for key, each in items]
    return ""


def _fault(error: json.JSONDecodeError) -> str:
    if not error.doc.strip():
        return "not JSON (it is empty)"
    line = f"line {error.lineno}, " if "\n" in error.doc.strip() else ""
    rest = error.doc[error.pos : error.pos + 40].split("\n")[0].strip()
    before = f" before {rest!r}" if rest else ""
    return f"not JSON ({error.msg}, {line}column {error.colno}{before})"


def _too_deep() -> str:
    return f"its lists or objects lie too deep, more than {MAX_DEPTH} within each other"


def _is_odd(text: str, content: Any) -> bool:
    """Say whether a content is too deep; raise ``UnicodeEncodeError`` for half a character."""
    if "\\ud" in text or "\\uD" in text:
        json.dumps(content, ensure_ascii=False).encode()
    return text.count("[") + text.count("{") > MAX_DEPTH and lies_deep(content)


def lies_deep(content: Any) -> bool:
    """Say whether more than ``MAX_DEPTH`` lists and objects lie within each other."""
    level = [[content]]
    for _ in range(MAX_DEPTH + 1):
        level = [
            part
            for each in level
            for part in (each.values() if type(each) is dict else each)
            if type(part) in (dict, list)
        ]
        if not level:
            return False
    return True


def parse_object(text: str, place: str | Path, remedy: str) -> dict[str, Any]:
    """Return the object that a text is in JSON (see ``parse``)."""
    content = parse(text, place, remedy)
    if not isinstance(content, dict):
        raise InputError(f"{place}: {text.strip()[:60]!r} is not a JSON object; {remedy}")
    return content


def read_json(path: str | Path, remedy: str = REMEDY, most: int = MAX_BYTES) -> Any:
    """Return the content of a JSON file of ``most`` bytes at most.

    ``remedy`` says what to do about a file that is missing or broken: "score it again".
    """
    return parse(read_text(path, remedy, most), path, remedy)


def read_object(path: str | Path, remedy: str = REMEDY, most: int = MAX_BYTES) -> dict[str, Any]:
    """Return the object that a JSON file holds (see ``read_json``)."""
    return parse_object(read_text(path, remedy, most), path, remedy)


def read_objects(path: str | Path, remedy: str = REMEDY) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number, from 1, and the object of each line of a file that is not blank.

    ``remedy`` says what to do about a file that is missing or can't be read.
    """
    for number, line in read_lines(path, remedy):
        try:
            content, end = _strict.raw_decode(line)
            right = type(content) is dict and line[end:] in LINE_ENDS and not _is_odd(line, content)
        except (ValueError, RecursionError):  # ``parse_object`` says where, and what
            right = False
        if right:
            yield number, content
        elif not line.isspace():
            yield number, parse_object(line, f"{path}:{number}", ONE_A_LINE)
