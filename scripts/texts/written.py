"""A transcript as Whisper writes it: behind a space, with a capital and a stop."""

import re
from typing import Literal, get_args

from texts.spoken import ENGLISH, without_remarks

LabelForm = Literal["sentence", "space", "bare"]
FORMS = get_args(LabelForm)
PRONOUN = re.compile(r"\bi\b(?!\.\w)")  # of English; not that of "i.e."
END = re.compile(r"[\w%°)\]\"'»”’]$")


def label_text(text: str, form: LabelForm, language: str) -> str:
    """Return the text that a Whisper decoder learns, without remarks.

    ``bare``: as it is, as the published scripts have it. ``space``: behind a space, with which
    Whisper's own transcripts begin. ``sentence``: also with a capital and a full stop, where a text
    is all in small letters, which Whisper hardly ever writes.
    """
    text = without_remarks(text)
    if form == "bare" or not text:
        return text
    return f" {as_sentence(text, language) if form == 'sentence' else text}"


def as_sentence(text: str, language: str) -> str:
    """Return a text of small letters with a capital and a full stop; any other as it is."""
    if text != text.lower() or text == text.upper():
        return text  # it has capitals, or its script has no case
    if language == ENGLISH:
        text = PRONOUN.sub("I", text)
    first = next(at for at, letter in enumerate(text) if letter.isalnum())
    text = text[:first] + text[first].upper() + text[first + 1 :]
    return f"{text}." if END.search(text) else text
