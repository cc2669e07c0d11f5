"""One spelling for characters that look alike, and none for those that are not seen.

Every use of a text folds it first: what a recogniser learns to write, what a TTS reads, what is
counted as a word or an error, and by what two sentences are held to be one.
"""

import unicodedata

import ftfy
import regex

ESCAPES_AND_ENCODINGS = ftfy.TextFixerConfig(unescape_html=True, fix_character_width=False)
LOOK_ALIKES = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2035\u00b4`\u02b9\u02bb\u02bc\u02bd", "'"),
        **dict.fromkeys("\u02c8\u02ca\u02cb\u055a\ua78c", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\u2039\u203a", '"'),
        **dict.fromkeys("\u301d\u301e\u301f", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2043\u02d7\ufe63", "-"),
        **dict.fromkeys("\u2122\u2120\u00ae", ""),  # trade marks, which nobody says
        "\u2024": ".",
        "\u2025": "..",
        "\u2026": "...",
        "\u2044": "/",
        "\u2215": "/",
        "\u2236": ":",
        "\u2800": " ",  # an empty Braille cell
        "\ufffc": " ",  # in place of an object
    }
)
MINUS = "\u2212"
# Letters, digits and ligatures that Unicode has twice: Roman numerals, of full or half width, in
# mathematical alphabets, as printed. Not the superscripts: m² is not m2.
TWICE = regex.compile(
    "[\u2103\u2109\u2160-\u217f\ufb00-\ufbff\ufe70-\ufefc\uff01-\uffee\U0001d400-\U0001d7ff]+"
)
CHINESE_OR_JAPANESE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")
WIDE_PUNCTUATION = "\uff0c\uff01\uff1f\uff1a\uff1b\uff0e"
FRACTIONS = "[\u00bc-\u00be\u2150-\u215e]"
# Arabic and Indic scripts need the two joiners (U+200C, U+200D) within a word.
UNSEEN = regex.compile(
    r"(?V1)[\p{Default_Ignorable_Code_Point}--[\u200c\u200d]]|(?<![\u0600-\u1aff])[\u200c\u200d]"
)
ESCAPED = regex.compile(r"""\\(?:u([0-9a-fA-F]{4})|(['"]))""")  # as in JSON and in code
AREA_CODE = regex.compile(r"\((\d{2,5})\)(?=[\s-]*\d)")


def fold(text: str) -> str:
    """Return a text in composed characters (NFC), with plain signs, and single spaces.

    Apostrophes become ``'``, quotation marks ``"``, hyphens and the minus sign ``-``, an ellipsis
    three dots; dashes stay. What is not seen goes, such as soft hyphens and marks of direction, as
    do trade marks. Entities of HTML (``&amp;``) and escapes (``\\u2019``) become their characters,
    and letters that were decoded by a wrong table those that were meant. Brackets around an area
    code, ``(800) 555``, go: all others hold what nobody says. Folding again changes nothing.
    """
    while (mended := _folded(text)) != text:
        text = mended
    return text


def _folded(text: str) -> str:
    text = ESCAPED.sub(lambda match: match[2] or chr(int(match[1], 16)), text)
    text = ftfy.fix_text(text, ESCAPES_AND_ENCODINGS)
    text = TWICE.sub(_plain, text).translate(LOOK_ALIKES).replace("''", '"')
    text = regex.sub(rf"(?<=\d)(?={FRACTIONS})", " ", text)  # 1½ is not 11/2
    text = regex.sub(FRACTIONS, _in_digits, text)
    text = regex.sub(rf"(?<=\w)\s*{MINUS}\s*(?=[\p{{Sc}}.]?\d)", " -", text)  # 10 − 3, no range
    text = regex.sub(rf"{MINUS}\s*(?=[\p{{Sc}}.]?\d)", "-", text).replace(MINUS, "-")
    text = AREA_CODE.sub(r" \1 ", UNSEEN.sub("", text))
    return unicodedata.normalize("NFC", " ".join(text.split()))


def _plain(match: regex.Match) -> str:
    """Return the usual characters for those of ``TWICE``; Chinese keeps its wide punctuation."""
    kept = WIDE_PUNCTUATION if CHINESE_OR_JAPANESE.search(match.string) else ""
    parts = regex.split(f"([{WIDE_PUNCTUATION}])", match[0])
    return "".join(p if p and p in kept else unicodedata.normalize("NFKC", p) for p in parts)


def _in_digits(match: regex.Match) -> str:
    """Return ``1/2`` for ½."""
    return unicodedata.normalize("NFKC", match[0]).replace("\u2044", "/")
