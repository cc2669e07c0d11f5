"""What is to be known of a domain's texts before they are spoken: how many, and what is odd."""

import functools
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from domains.usable import words
from texts.folding import fold
from texts.languages import NAMES, SCRIPTS, script_of
from texts.long_texts import pieces, speaking_time
from texts.normalise import WITHOUT_SPACES, normalise
from texts.spoken import without_remarks

SHOWN = 3  # examples of a finding
LONGEST = 60  # characters of a text that are shown
LISTED = 8  # words or characters that are listed
AROUND = "\"'.,;:!?()-\u2013\u2014"  # a word, and no part of it
WORDS_TO_TELL = 6  # words of a text whose language can be told
OTHER_LANGUAGE = 0.01  # probability of the domain's language, at most
RARE = 3  # tokens of a word, at least
LATIN = ("LATIN",)
CODES = {"jw": "jv"}  # of Whisper's, as ISO 639 has them

Row = tuple[str, str, str]  # id, text, place
Rank = Callable[[str], Sequence[tuple[str, float]]]  # a text's languages, likely ones first


class Said(NamedTuple):
    """A text: as it was given, where it stands, what is said of it, and that normalised."""

    given: str
    place: str
    text: str
    sentence: str


@dataclass(frozen=True)
class Finding:
    """Something to look at: what, how many, and examples, most with their places."""

    what: str
    count: int
    examples: list[str]


@dataclass(frozen=True)
class Survey:
    """How much a domain's texts are, and what was found."""

    texts: int
    words: int
    different: int  # words, normalised
    minutes: float  # to say them, by estimate
    findings: list[Finding]


def survey(
    rows: Sequence[Row],
    language: str,
    longest: float,
    rank: Rank,
    tokens: Callable[[str], int] | None = None,
) -> Survey:
    """Return what is to be known of texts in a language, of which none may take over ``longest`` s.

    ``tokens`` gives the number of tokens that a recogniser writes a word with.
    """
    said = [
        Said(text, place, without_remarks(text), normalise(text, language))
        for _, text, place in rows
    ]
    findings = [
        wordless(said),
        partly_said(said),
        repeated(said),
        *long_ones(said, longest),
        foreign(said, language, rank),
        odd_characters(said, language),
    ]
    if tokens and language not in WITHOUT_SPACES:
        findings.append(rare_words(said, tokens))
    return Survey(
        texts=len(said),
        words=sum(words(each.text, language) for each in said),
        different=len({word for each in said for word in each.sentence.split()}),
        minutes=sum(speaking_time(each.text) for each in said) / 60,
        findings=[each for each in findings if each.count],
    )


def found(what: str, examples: Sequence[str]) -> Finding:
    """Return a finding of examples, of which the first are shown."""
    return Finding(what, len(examples), [*examples[:SHOWN]])


def quoted(each: Said) -> str:
    """Return a text as an example: where it stands, and how it begins."""
    more = "..." if len(each.given) > LONGEST else ""
    return f"{each.place}: {each.given[:LONGEST]}{more}"


def wordless(said: list[Said]) -> Finding:
    """Find texts without a word."""
    return found("texts without a word (left out)", [quoted(e) for e in said if not e.sentence])


def partly_said(said: list[Said]) -> Finding:
    """Find texts of which a part is taken for a remark, or a picture, that nobody says."""
    examples = [
        quoted(each)
        for each in said
        if each.sentence and len(each.text.split()) < len(fold(each.given).split())
    ]
    return found("texts of which a part is not said (in brackets, or a picture)", examples)


def repeated(said: list[Said]) -> Finding:
    """Find texts that repeat one before, but for case and punctuation."""
    first: dict[str, str] = {}
    examples = []
    for each in said:
        if each.sentence in first:
            examples.append(f"{quoted(each)}, as {first[each.sentence]}")
        elif each.sentence:
            first[each.sentence] = each.place
    return found("texts that repeat one before them (spoken once)", examples)


def long_ones(said: list[Said], longest: float) -> list[Finding]:
    """Find texts that take longer than ``longest`` s to say; those with a sentence that does."""
    split: list[str] = []
    left_out: list[str] = []
    for each in said:
        if (seconds := speaking_time(each.text)) > longest:
            alone = max(map(speaking_time, pieces(each.text, longest)))
            (left_out if alone > longest else split).append(f"{quoted(each)} ({seconds:.0f} s)")
    over = f"of over {longest:g} s, by estimate"
    return [
        found(f"texts {over} (split at ends of sentences)", split),
        found(f"texts with a sentence {over} (left out)", left_out),
    ]


def foreign(said: list[Said], language: str, rank: Rank) -> Finding:
    """Find texts in another language, of those that are long enough to tell."""
    own, examples = CODES.get(language, language), []
    for each in said:
        if len(each.text.split()) < WORDS_TO_TELL:
            continue
        likely = rank(each.text)
        if dict(likely).get(own, 1.0) < OTHER_LANGUAGE:
            name = NAMES.get(likely[0][0], likely[0][0])
            examples.append(f"{quoted(each)} ({name}?)")
    return found(f"texts that seem to be in another language than {NAMES[language]}", examples)


def odd_characters(said: list[Said], language: str) -> Finding:
    """Find letters of another script than the language's, and symbols that nobody says."""
    odd = [(each, {c for c in each.text if is_odd(c, language)}) for each in said]
    count = Counter(character for _, characters in odd for character in sorted(characters))
    listed = ", ".join(f"{character} ({n})" for character, n in count.most_common(LISTED))
    examples = [quoted(each) for each, characters in odd if characters]
    what = f"texts with characters foreign to {NAMES[language]}"
    return Finding(what, len(examples), [listed, *examples[:1]])


@functools.cache
def is_odd(character: str, language: str) -> bool:
    """Say whether a character is a letter of another script, or a symbol that nobody says."""
    plain = unicodedata.normalize("NFKC", character)[0]
    if plain.isalpha():
        return script_of(plain) not in SCRIPTS.get(language, LATIN)
    return unicodedata.category(character) in ("So", "Sk", "Co", "Cn")


def rare_words(said: list[Said], tokens: Callable[[str], int]) -> Finding:
    """Find words that a recogniser writes with many tokens: it has seldom met them."""
    spelt = (part.strip(AROUND) for each in said for part in each.text.split())
    count = Counter(word for word in spelt if any(map(str.isalpha, word)))
    rare = [f"{word} ({n})" for word, n in count.most_common() if tokens(word) >= RARE]
    what = f"words that the recogniser writes with {RARE} tokens or more, as it has seldom met them"
    return Finding(what, len(rare), [", ".join(rare[: 2 * LISTED])])
