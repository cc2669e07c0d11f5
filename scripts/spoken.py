"""What a TTS is given to read: a transcript without what is not spoken, in plain characters."""

import re
import unicodedata

PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u00ad", "-"),
        **dict.fromkeys("\u2012\u2013\u2014\u2015", " - "),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff", ""),  # of no width
        "\u2026": "...",
        "\u2044": "/",
    }
)
REMARK = re.compile(r"\[[^\]]*\]|\([^)]*\)|<[^>]*>|\{[^}]*\}")
MARKUP = re.compile(r"[*_^~|\\<>{}\[\]()]|(?<!\w)@|@(?!\w)")
SHORT_WORDS = frozenset(  # that would be spelt out if they were left in capitals
    re.findall(
        r"\w+",
        "a all am an and any are as at be but by can did do for get go got had has he her him his"
        " how if in is it its me my no nor not now of off oh on one or our out own she so the to"
        " too two up us was we who why yes you",
    )
)
VOWELS = frozenset("AEIOUY")


def clean_for_tts(text: str) -> str:
    """Return the text as it should be read aloud; empty if there is no word to say.

    Numbers, currencies and abbreviations stay: the engine's own front end says them.
    """
    text = unicodedata.normalize("NFC", text).translate(PLAIN)
    text = MARKUP.sub(" ", without_remarks(text))
    text = re.sub(r"(?:\s-+(?!\d)|-{2,}|-+\s|^-+|-+$)+", ", ", f" {text} ")  # a dash is a pause
    text = re.sub(r"[?!]*\?[?!]*", "?", text)
    text = re.sub(r"!+", "!", text)
    text = re.sub(r"\.{2,}", "...", text)
    text = re.sub(r"([,;:])(?:\s*[,;:])+", r"\1", text)
    text = re.sub(r"\s+([.,;:?!])", r"\1", text)
    text = re.sub(r"(\.\.\.|[?!])[.,;:]+(?=\s|$)", r"\1", text)
    text = re.sub(r"^[\s,;:.!?]+(?!\d)", "", text)
    text = without_shouting(" ".join(text.split()))
    return text if any(map(str.isalnum, text)) else ""


def without_remarks(text: str) -> str:
    """Return the text without what stands in brackets, which nobody says: ``[sighs] Well (hm).``

    Whisper's normaliser leaves the same out when words are counted.
    """
    return " ".join(REMARK.sub(" ", text).split())


def without_shouting(text: str) -> str:
    """Return the text with words in capitals in lower case, as far as they are words.

    ``STOP`` and ``MY`` are words; ``FBI``, ``TV`` and ``PBX`` are spelt out and stay. Where all is
    in capitals, all is lower-cased and the first letter kept.
    """
    letters = [letter for letter in text if letter.isalpha()]
    if any(map(_is_word, text.split()[1:])) and all(map(str.isupper, letters)):
        lower = re.sub(r"\bi\b", "I", text.lower())
        first = next(at for at, letter in enumerate(lower) if letter.isalpha())
        return lower[:first] + lower[first].upper() + lower[first + 1 :]
    return re.sub(r"[^\W\d_]+(?:'[^\W\d_]+)?", lambda match: _unshouted(match[0]), text)


def _unshouted(word: str) -> str:
    if word.startswith("I'"):
        return "I" + word[1:].lower()
    return word.lower() if word.isupper() and _is_word(word) else word


def _is_word(word: str) -> bool:
    """Say whether capitals are to be read as a word, not letter by letter."""
    stem = word.partition("'")[0]
    if len(word) == 1:
        return False
    return (
        word.lower() in SHORT_WORDS or stem != word or (len(stem) > 3 and bool(VOWELS & set(stem)))
    )
