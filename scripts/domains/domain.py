"""A domain's declaration: the keys that prepare.py describes, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from corpora import CORPORA, slurp
from domains.splits import LONGEST_TEST, SPLITS
from errors import InputError, check_keys
from files.json_file import parse_object
from settings.fields import WRITE, fill

KINDS = ("corpus", "manifest", "splits", "texts")
NOT_DECLARED = ("selection", "language")
NOT_PREPARED = (  # for later stages
    *("augmentation", "accepted_overlap", "generate", "pronunciations", "select", "untranscribed"),
)
SLURP = "slurp"
DEV, TEST = 50, 200  # utterances drawn, if the domain does not say
Names = Annotated[list[str] | None, {"minItems": 1}]
Count = Annotated[int, {"minimum": 0, "maximum": 10_000_000}]
Rate = {"maximum": 1000}  # characters/s
Share = Annotated[float, {"minimum": 0, "maximum": 1}]


@dataclass(frozen=True)
class Domain:
    """A domain's declaration; exactly one of the first four says where it comes from."""

    corpus: Annotated[str | None, {"enum": CORPORA}] = None
    manifest: str | None = None
    splits: dict[str, str] | None = None
    texts: str | None = None
    test_texts: str | None = None
    test_manifest: str | None = None
    column: str | None = None  # of a table, that of the texts,
    audio_column: str | None = None  # and that of the recordings
    artifact: str | None = None  # of a corpus, or what the paths are in
    topics: Names = None  # of a corpus that has them: those that are taken,
    without_topics: Names = None  # or all but these
    line: Literal["bad"] | None = None  # that its recordings go through
    train: Count = 0  # 0 (also of dev and test, where splits are given): all
    dev: Count = 0
    test: Count = 0
    min_words: Annotated[int, {"minimum": 1, "maximum": 1000}] = 1
    min_duration: Annotated[float, {"minimum": 0, "maximum": 3600}] = 0.3
    max_duration: Annotated[float, {"exclusiveMinimum": 0, "maximum": 30}] = 30.0
    max_test_duration: Annotated[float, {"exclusiveMinimum": 0, "maximum": LONGEST_TEST}] = (
        LONGEST_TEST  # max_duration, where that is given alone
    )
    max_silence: Share = 0.6  # as in the filter of synthetic speech
    max_clipping: Share = 0.01
    min_speaking_rate: Annotated[float, {"minimum": 0} | Rate] = 4.0
    max_speaking_rate: Annotated[float, {"exclusiveMinimum": 0} | Rate] = 30.0
    speaker_disjoint: bool = False
    drop_repeated_sentences: bool = False
    skip_missing_audio: bool = False
    licence: str = "not stated"  # of a user's own files
    forbids: str = ""
    selection: slurp.Selection | None = None  # of SLURP
    language: str = field(kw_only=True)  # of the texts; the experiment's, a code of Whisper's


def parse_declaration(declaration: str, language: str) -> Domain:
    """Return the domain that a JSON object declares, in the language of the experiment."""
    return domain_of(parse_object(declaration, "--declaration", WRITE), language)


def domain_of(given: Mapping[str, Any], language: str) -> Domain:
    """Return the domain that some keys declare (see ``parse_declaration``)."""
    of_slurp = names_of(slurp.Selection) if given.get("corpus") == SLURP else []
    own = [name for name in names_of(Domain) if name not in NOT_DECLARED]
    check_keys(given, [*own, *of_slurp], "domain")
    if "artifact" in given and {"licence", "forbids"} & set(given):
        raise InputError("domain: the artifact states the licence; remove licence and forbids")
    kinds = [kind for kind in KINDS if given.get(kind)]
    if len(kinds) != 1:
        raise InputError(f"domain: has {kinds or 'none'} of {', '.join(KINDS)}; give exactly one")
    corpus = CORPORA.get(str(given.get("corpus")))
    drawn = {"dev": DEV} if kinds == ["texts"] else {"dev": DEV, "test": TEST}
    has_splits = of_slurp or (corpus is not None and corpus.split_by_speaker)
    values = ({} if has_splits else drawn) | {"language": language}
    if "max_duration" in given:
        values |= {"max_test_duration": given["max_duration"]}
    values |= {key: value for key, value in given.items() if key in own}
    domain = fill(Domain, values, "domain")
    if domain.splits and not {"train", "test"} <= set(domain.splits) <= set(SPLITS):
        raise InputError("domain: splits must have train and test, and may have dev")
    for key in ("test_texts", "test_manifest"):
        if getattr(domain, key) and not domain.texts:
            raise InputError(f"domain: {key} is for a domain of texts; remove it")
    if domain.test_texts and domain.test_manifest:
        raise InputError("domain: has test_texts and test_manifest; give one of them")
    check_columns(domain)
    check_topics(domain)
    if of_slurp:
        chosen = {key: value for key, value in given.items() if key in of_slurp}
        domain = replace(domain, selection=fill(slurp.Selection, chosen, "domain"))
    if is_text_only(domain):
        for key in ("line", "max_test_duration"):
            if given.get(key):
                raise InputError(f"domain: {key} is for recordings, and it has none; remove it")
    elif domain.max_test_duration < domain.max_duration:
        raise InputError(
            f"domain: max_test_duration: {domain.max_test_duration:g} s is less than the"
            f" max_duration of {domain.max_duration:g} s; raise it, or lower that"
        )
    return domain


def check_topics(domain: Domain) -> None:
    """Refuse topics of what is no corpus, and a declaration both of topics and of others."""
    for key in ("topics", "without_topics"):
        if getattr(domain, key) and not domain.corpus:
            raise InputError(f"domain: {key} is for a published corpus; remove it")
    if domain.topics and domain.without_topics:
        raise InputError("domain: has topics and without_topics; give one of them")


def check_columns(domain: Domain) -> None:
    """Refuse columns of what is no table."""
    if domain.column and domain.corpus:
        raise InputError("domain: column is for texts, manifest and splits; remove it")
    if domain.audio_column and not (domain.manifest or domain.splits or domain.test_manifest):
        raise InputError("domain: audio_column is for recordings, and it has none; remove it")


def named_paths(declared: Mapping[str, Any]) -> list[Path]:
    """Return the paths of its own that a domain names, whose files it is prepared from."""
    named = [declared.get(key) for key in ("manifest", "texts", "test_texts", "test_manifest")]
    return [Path(path) for path in [*named, *(declared.get("splits") or {}).values()] if path]


def located(path: str, domain: Domain, artifact: Path | None) -> Path:
    """Return where a path of a domain leads: into the artifact's folder, if it has one."""
    return folder_of(artifact) / path if domain.artifact else Path(path)


def folder_of(artifact: Path | None) -> Path:
    """Return the folder of fetched files, which must be given."""
    if artifact is None:
        raise InputError("--artifact is missing: the folder of the domain's fetched files")
    return artifact


def names_of(kind: type) -> list[str]:
    """Return the names of a dataclass's fields."""
    return [each.name for each in fields(kind)]


def is_text_only(domain: Domain) -> bool:
    """Say whether a domain has no recordings."""
    return bool(domain.texts or (domain.selection and domain.selection.text_only))
