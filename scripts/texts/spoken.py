"""What is said of a text: the words that all learn from, and how a TTS should read them."""

import functools
import re

import regex

from texts.folding import fold

ENGLISH = "en"
# What stands in brackets, tokens of recognisers among it, pictures, and notes around what is sung.
REMARK = regex.compile(
    r"(?V1)\[[^\[\]]*\]|\([^()]*\)|<[^<>]*>|\{[^{}]*\}|\u3010[^\u3010\u3011]*\u3011"
    r"|[\p{Extended_Pictographic}\p{Regional_Indicator}\U0001f3fb-\U0001f3ff\u2669-\u266f\u20e3"
    r"--[\u00a9]]"
)
MARKUP = regex.compile(
    r"(?V1)[*_^~|\\<>{}\[\]()\u2022\p{So}--[\u00a9\u00b0\u2116]]|(?<!\w)@|@(?!\w)"
)
NUMBER = r"[$\u00a3\u20ac\u00a5\u20b9]?\.?\d"
FUNCTION_WORDS = frozenset(  # that would be spelt out if they were left in capitals
    re.findall(
        r"\w+",
        "and are at be been but by can could down for from get go got had has have he her him his"
        " how if its made make might my near not of on our per put shall she should some than that"
        " the their them there these they this those through to up was we were what when where"
        " which while whose why will with would you your",
    )
)
OTHER_WORDS = frozenset(  # short ones, as they stand in a line of capitals
    re.findall(
        r"\w+",
        "a all an any as did do i in is me no now off oh one out own so too two yes",
    )
)
ABBREVIATIONS = frozenset(["AM", "IT", "OR", "US", "WHO"])  # which are words as well
CONTRACTION = re.compile(
    r"(?:\w+(?:N'T|'LL|'RE|'VE|'M|'D)|(?:HE|SHE|IT|THAT|THERE|HERE|WHAT|WHO|WHERE|HOW|LET)'S)"
)
VOWEL = re.compile("[AEIOUY]|[^A-Z']")
RUN = r"(?<![\w&'.@])[^\W\d_]+(?:'[^\W\d_]+)*(?![\w&@]|['.]\w)"  # U.S. and R&D are none
WORD = re.compile(rf"(?<![/-]){RUN}(?![/-])")
PART = re.compile(RUN)


def clean_for_tts(text: str, language: str) -> str:
    """Return the text as it should be read aloud; empty if there is no word to say.

    Numbers, currencies and abbreviations stay: the engine's own front end says them. What it would
    not, a minus before a currency or after a number, is a word in English.
    """
    text = re.sub("(?<=\\d)\\s?[\u2013\u2014]\\s?(?=\\d)", "-", without_remarks(text))
    text = MARKUP.sub(" ", re.sub("[\u2013-\u2015]", " - ", text))
    if language == ENGLISH:
        text = re.sub(rf"(?<=\d)\s-(?={NUMBER})|(?<!\S)-(?!\d)(?={NUMBER})", " minus ", text)
    dash = rf"(?:\s-+(?!{NUMBER})|-{{2,}}|-+\s|^-+(?!{NUMBER})|-+$)+"
    text = re.sub(dash, ", ", f" {text} ")  # a dash is a pause
    text = re.sub(r"[?!]*\?[?!]*", "?", text)
    text = re.sub(r"!+", "!", text)
    text = re.sub(r"\.{2,}", "...", text)
    text = re.sub(r"([,;:])(?:\s*[,;:])+", r"\1", text)
    text = re.sub(r"\s+([,;:?!]|\.(?!\d))", r"\1", text)
    text = re.sub(r"(\.\.\.|[?!])[.,;:]+(?=\s|$)", r"\1", text)
    text = re.sub(r"^[\s,;:.!?]+(?!\d)", "", text)
    text = without_shouting(" ".join(text.split()), language)
    return text if any(map(str.isalnum, text)) else ""


@functools.lru_cache(1 << 16)  # a text is looked at again and again on its way through prepare
def without_remarks(text: str) -> str:
    """Return the text, folded, without what nobody says: ``[sighs] Well (hm).`` is ``Well.``

    This is the text that speech is learnt from and scored against, whoever speaks it. Brackets are
    always taken for a remark, as Whisper's normaliser takes them when words are counted.
    """
    text = said = fold(text)
    while (shorter := REMARK.sub(" ", said)) != said:  # brackets within brackets
        said = shorter
    if said != text:
        said = re.sub(r"\s+(?=[.,;:?!]+(?:\s|$))", "", f" {said}")
        said = re.sub(r"^[\s.,;:?!]+(?=\s)", "", said)
    return fold(said)


def without_shouting(text: str, language: str) -> str:
    """Return the text with shouted words in lower case.

    A line of capitals is lower-cased and its first letter kept, but for words without a vowel
    (``TV``). It must have several words, most of which look like words. In any other line capitals
    stay, since the engines read ``STOP`` as a word, and ``IT``, ``US`` or ``USPS`` letter by
    letter, as it is meant; but ``MY`` and further function words they would spell out, too, and
    those are lower-cased in English, as are contractions.
    """
    if _is_shouted(text, language):
        lower = PART.sub(lambda match: _lower(match[0]), text)
        lower = re.sub(r"\bi\b", "I", lower) if language == ENGLISH else lower
        first = next(at for at, letter in enumerate(lower) if letter.isalpha())
        return lower[:first] + lower[first].upper() + lower[first + 1 :]
    return WORD.sub(lambda match: _calm(match[0]), text) if language == ENGLISH else text


def _is_shouted(text: str, language: str) -> bool:
    words = PART.findall(text)
    telling = [word for word in words if word not in ABBREVIATIONS]
    likely = [word for word in telling if _looks_like_word(word, language)]
    return text.isupper() and len(words) > 1 and 2 * len(likely) > len(telling)


def _looks_like_word(capitals: str, language: str) -> bool:
    if language != ENGLISH:
        return len(capitals) > 2 and bool(VOWEL.search(capitals))
    if capitals.lower() in FUNCTION_WORDS | OTHER_WORDS or CONTRACTION.fullmatch(capitals):
        return True
    return len(capitals) > 3 and bool(VOWEL.search(capitals))


def _lower(word: str) -> str:
    return word.lower() if VOWEL.search(word) else word


def _calm(word: str) -> str:
    if not word.isupper() or len(word) == 1:
        return word
    if word.startswith("I'") and CONTRACTION.fullmatch(word):
        return "I" + word[1:].lower()
    shouted = word.lower() in FUNCTION_WORDS or CONTRACTION.fullmatch(word)
    return word.lower() if shouted else word
