"""A domain's declaration: the keys that prepare.py describes, checked."""

from dataclasses import dataclass, field
from typing import Any, get_args, get_type_hints

from corpora import CORPORA, slurp
from domains.splits import SPLITS
from errors import InputError, remedy_for
from files.json_file import parse_object

KINDS = ("corpus", "manifest", "splits", "texts")
SLURP = "slurp"
DEV, TEST = 50, 200  # utterances drawn, if the domain does not say


@dataclass(frozen=True)
class Domain:
    """A domain's declaration; exactly one of the first four says where it comes from."""

    corpus: str | None = None
    manifest: str | None = None
    splits: dict[str, str] | None = None
    texts: str | None = None
    test_texts: str | None = None
    artifact: str | None = None
    topics: list[str] | None = None  # of a corpus that has them: those that are taken,
    without_topics: list[str] | None = None  # or all but these
    train: int = 0  # 0 (also of dev and test, where splits are given): all
    dev: int = 0
    test: int = 0
    min_words: int = 1
    min_duration: float = 0.3
    max_duration: float = 30.0
    max_silence: float = 0.6  # a fraction, as in the filter of synthetic speech
    max_clipping: float = 0.01  # a fraction
    min_speaking_rate: float = 4.0  # characters/s
    max_speaking_rate: float = 30.0
    speaker_disjoint: bool = False
    drop_repeated_sentences: bool = False
    skip_missing_audio: bool = False
    licence: str = "not stated"  # of a user's own files
    forbids: str = ""
    selection: slurp.Selection | None = None  # of SLURP
    language: str = field(kw_only=True)  # of the texts; the experiment's, a code of Whisper's


def parse_declaration(declaration: str, language: str) -> Domain:
    """Return the domain that a JSON object declares, in the language of the experiment."""
    given = parse_object(declaration, "--declaration", 'write {"key": value, ...}')
    of_slurp = get_type_hints(slurp.Selection) if given.get("corpus") == SLURP else {}
    known = get_type_hints(Domain) | of_slurp
    del known["selection"], known["language"]
    if "artifact" in given and {"licence", "forbids"} & set(given):
        raise InputError("domain: the artifact states the licence; remove licence and forbids")
    for key, value in given.items():
        if key not in known:
            raise InputError(f"domain: unknown key {key!r}; {remedy_for(key, known)}")
        check_value(key, value, get_args(known[key]) or (known[key],))
    kinds = [kind for kind in KINDS if given.get(kind)]
    if len(kinds) != 1:
        raise InputError(f"domain: has {kinds or 'none'} of {', '.join(KINDS)}; give exactly one")
    if kinds == ["corpus"] and given["corpus"] not in CORPORA:
        names = ", ".join(CORPORA)
        raise InputError(f"domain: no corpus {given['corpus']!r}; there are {names}")
    if kinds == ["splits"] and not {"train", "test"} <= set(given["splits"]) <= set(SPLITS):
        raise InputError("domain: splits must have train and test, and may have dev")
    if given.get("test_texts") and kinds != ["texts"]:
        raise InputError("domain: test_texts is for a domain of texts; remove it")
    check_topics(given)
    if of_slurp:
        selection = slurp.Selection(**{key: given.pop(key) for key in of_slurp if key in given})
        slurp.check_selection(selection)
        return Domain(**given, selection=selection, language=language)
    if kinds == ["corpus"] and CORPORA[given["corpus"]].split_by_speaker:
        return Domain(**given, language=language)
    drawn = {"dev": DEV} if kinds == ["texts"] else {"dev": DEV, "test": TEST}
    return Domain(**{**drawn, **given}, language=language)


def check_topics(given: dict[str, Any]) -> None:
    """Refuse topics of what is no corpus, and a declaration both of topics and of others."""
    named = [key for key in ("topics", "without_topics") if key in given]
    for key in named:
        topics = given[key]
        right = isinstance(topics, list) and all(isinstance(each, str) for each in topics)
        if not right or not topics:
            raise InputError(f"domain: {key} is {topics!r}; list at least one")
        if not given.get("corpus"):
            raise InputError(f"domain: {key} is for a published corpus; remove it")
    if len(named) == 2:
        raise InputError("domain: has topics and without_topics; give one of them")


def check_value(key: str, value: Any, kinds: tuple[type, ...]) -> None:
    """Refuse a switch that is not true or false, and a number that is none or negative."""
    if bool in kinds and not isinstance(value, bool):
        raise InputError(f"domain: {key} is {value!r}; give true or false")
    numbers = (int, float) if float in kinds else int
    right = isinstance(value, numbers) and not isinstance(value, bool) and value >= 0
    if {int, float} & set(kinds) and not right:
        raise InputError(f"domain: {key} is {value!r}; give a number, 0 or more")


def is_text_only(domain: Domain) -> bool:
    """Say whether a domain has no recordings."""
    return bool(domain.texts or (domain.selection and domain.selection.text_only))
