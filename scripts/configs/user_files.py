"""The user's files that a config names, checked before the first job."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from domains.own_data import read_texts_of_user
from domains.untranscribed import read_untranscribed
from errors import InputError
from files.regular import check_reachable, check_regular
from inputs import reading
from inputs.folders import files_of, open_folder
from texts.folding import LOOK_ALIKES
from texts.long_texts import pieces, speaking_time
from texts.pronunciations import occurring, read_pronunciations
from texts.spoken import MARKUP, without_remarks

OF_RECORDINGS = ("manifest", "test_manifest")
OF_TEXTS = ("texts", "test_texts")
ALWAYS_OWN = ("pronunciations", "untranscribed")  # never in an artifact
ON_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[\w-]+")  # owner and name


def check_files(domains: Mapping[str, dict], language: str) -> list[str]:
    """Return remarks on the files of a config's domains.

    Texts, pronunciations and lists of untranscribed recordings are read; of others it is seen
    where they are. Raises ``InputError`` for the first line that can't be what it should be, and
    for a file that is not there; what is in an artifact may not be fetched yet.
    """
    remarks: list[str] = []
    for name, domain in domains.items():
        check_there(name, domain)
        if "artifact" not in domain:
            for path in own_paths(domain, *OF_TEXTS):
                texts = read_texts_of_user(path, name, language, domain.get("column"))
                check_speakable([text for _, text, _ in texts], path, domain.get("max_duration"))
        if "untranscribed" in domain:
            read_untranscribed(domain["untranscribed"])
        for path in own_paths(domain, "pronunciations"):
            remarks += without_a_text(path, name, domain, language)
    return remarks


def check_there(name: str, domain: Mapping) -> None:
    """Refuse what is not there, with its key, and what is no file or folder."""
    paths = {key: domain[key] for key in (*OF_RECORDINGS, *OF_TEXTS) if key in domain}
    paths |= {f"splits.{key}": path for key, path in domain.get("splits", {}).items()}
    if "artifact" in domain:
        paths = {}
    paths |= {key: domain[key] for key in ALWAYS_OWN if key in domain}
    for key, path in paths.items():
        place = f"config: domains.{name}.{key}: {path}"
        check_reachable(path, place)
        files = files_of(Path(path))
        for file in files:
            if file.exists() and not file.is_dir():
                check_regular(file)
        if files[0].is_dir() and key != "untranscribed":
            open_folder(Path(path))  # refuses it
        if files[0].exists():
            continue
        if key not in OF_TEXTS + ALWAYS_OWN and ON_HUB.fullmatch(path):
            raise InputError(
                f"{place}: no such file or folder; a data set of a hub is declared under artifacts"
                f" (docs/domains.md), or fetched before: hf download {path} --repo-type dataset"
                f" --local-dir {path}"
            )
        raise InputError(
            f"{place}: no such file or folder; correct it (paths are absolute, or relative to the"
            " folder that the workflow runs in)"
        )


def check_speakable(texts: Sequence[str], path: Path, longest: float | None) -> None:
    """Refuse texts of which none has a sentence that is said within the longest utterance (s)."""
    parts = (part for text in texts for part in pieces(without_remarks(text), longest or 0))
    if longest and not any(speaking_time(part) <= longest for part in parts):
        raise InputError(
            f"{path}: none of {len(texts)} texts can be said in {longest:g} s, the first takes"
            f" about {speaking_time(texts[0]):.0f} s: {texts[0][:60]!r}; part them, or raise"
            " max_duration"
        )


def without_a_text(path: Path, name: str, domain: Mapping, language: str) -> Iterator[str]:
    """Yield a remark on each pronunciation of a word that is in no text of a domain.

    Nothing is said of what comes with an artifact, which may not be fetched yet.
    """
    listed, texts = read_pronunciations(path), [*texts_of_user(name, domain, language)]
    there = {entry for text in texts for _, entry in occurring(text, listed)}
    for entry in listed if texts else ():
        if entry not in there:
            capitals = " (in capitals, as it is written here)" if entry.word.isupper() else ""
            yield (
                f"remark: {entry.place}: {entry.word!r}{capitals} is in no text of domain {name},"
                " so that nothing there is said otherwise"
            )


def texts_of_user(name: str, domain: Mapping, language: str) -> Iterator[str]:
    """Yield the texts of a user's own files, much as they are spoken: folding would take long."""
    if "artifact" in domain:
        return
    splits = domain.get("splits", {})
    column, audio_column = domain.get("column"), domain.get("audio_column")
    texts = [
        text
        for path in own_paths(domain, "texts", "test_texts")
        for _, text, _ in read_texts_of_user(path, name, language, column)
    ]
    texts += [
        str(entry.text)
        for path in own_paths(domain, "manifest") + own_paths(splits, *splits)
        for entry in reading.recordings(path, column, audio_column)
    ]
    for text in texts:
        yield " ".join(MARKUP.sub(" ", text.translate(LOOK_ALIKES)).split())


def own_paths(declared: Mapping, *keys: str) -> list[Path]:
    """Return the paths that are named by keys and whose files are there."""
    paths = [Path(declared[key]) for key in keys if key in declared]
    return [path for path in paths if all(file.is_file() for file in files_of(path))]
