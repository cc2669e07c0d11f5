"""More texts of a domain, as a language model writes them: its prompt, its lines, what is kept."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import InitVar, dataclass, field

from domains.usable import words
from texts.folding import fold
from texts.long_texts import speaking_time
from texts.normalise import normalise
from texts.spoken import clean_for_tts, without_remarks

ITEM = "-"  # before each text of the list that a model goes on with


def prompt_of(heading: str, examples: Sequence[str]) -> str:
    """Return a list of examples, one a line, that ends where the next one would begin."""
    return "\n".join([*filter(None, [heading]), *(f"{ITEM} {text}" for text in examples), ITEM])


def items_of(continuation: str) -> list[str]:
    """Return the texts of a list that was gone on with: up to the first line that is none of it.

    The last line is left out, for it may be cut off.
    """
    items = []
    for line in f"{ITEM}{continuation}".split("\n")[:-1]:
        if not line.startswith(ITEM):
            break
        items.append(line.removeprefix(ITEM).strip())
    return items


@dataclass
class Collection:
    """Texts that are kept of those that are written, and what the others were left out for.

    ``given`` are the texts that are shown: others have no characters but theirs, capitals or small,
    and no longer words. ``sentences`` are normalised, and not written again: those of all splits,
    and what is kept.
    """

    language: str
    min_words: int
    max_duration: float  # s, by estimate
    given: InitVar[Sequence[str]]
    sentences: set[str]
    kept: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def __post_init__(self, given: Sequence[str]) -> None:
        self.characters = {character for text in given for character in fold(text).casefold()}
        self.longest = max(len(word) for text in given for word in fold(text).split())

    def take(self, written: Iterable[str], number: int) -> None:
        """Keep texts that can be, until there are ``number``; count the others by reason."""
        for text in written:
            if len(self.kept) == number:
                break
            text = fold(text)
            if reason := self.against(text):
                self.left_out[reason] += 1
            else:
                self.kept.append(text)
                self.sentences.add(normalise(text, self.language))

    def against(self, text: str) -> str:
        """Return why a text is left out; nothing if it is kept."""
        sentence = normalise(text, self.language)
        if not sentence or not any(map(str.isalpha, text)):
            return "no letters"
        if not clean_for_tts(text, self.language) or without_remarks(text) != text:
            return "something that nobody says"
        if not {*text.casefold()} <= self.characters:
            return "a character that no given text has"
        if max(map(len, text.split())) > self.longest:
            return "a longer word than any given text has"
        if words(text, self.language) < self.min_words:
            return f"fewer than {self.min_words} words"
        if speaking_time(text) > self.max_duration:
            return f"longer than {self.max_duration:g} s to say"
        return "repeated" if sentence in self.sentences else ""
