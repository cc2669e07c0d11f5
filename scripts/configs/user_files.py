"""The user's texts and pronunciations that a config names, checked before the first job."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from files.manifest import audio_rows
from texts.folding import LOOK_ALIKES
from texts.plain_texts import check_plain, numbered_lines
from texts.pronunciations import occurring, read_pronunciations
from texts.spoken import MARKUP


def check_files(domains: Mapping[str, dict]) -> list[str]:
    """Return remarks on the files of a config's domains.

    Raises ``InputError`` for the first line that is no text, or no pronunciation. Of a file that is
    not there Snakemake says that it is missing.
    """
    remarks: list[str] = []
    for name, domain in domains.items():
        for path in own_files(domain, "texts", "test_texts"):
            check_plain(path, numbered_lines(path))
        for path in own_files(domain, "pronunciations"):
            remarks += without_a_text(path, name, domain)
    return remarks


def without_a_text(path: Path, name: str, domain: Mapping) -> Iterator[str]:
    """Yield a remark on each pronunciation of a word that is in no text of a domain.

    Nothing is said of a published corpus, whose texts may not be fetched yet.
    """
    listed, texts = read_pronunciations(path), [*texts_of_user(domain)]
    there = {entry for text in texts for _, entry in occurring(text, listed)}
    for entry in listed if texts else ():
        if entry not in there:
            capitals = " (in capitals, as it is written here)" if entry.word.isupper() else ""
            yield (
                f"remark: {entry.place}: {entry.word!r}{capitals} is in no text of domain {name},"
                " so that nothing there is said otherwise"
            )


def texts_of_user(domain: Mapping) -> Iterator[str]:
    """Yield the texts of a user's own files, much as they are spoken: folding would take long."""
    splits = domain.get("splits", {})
    plain = own_files(domain, "texts", "test_texts")
    manifests = own_files(domain, "manifest") + own_files(splits, *splits)
    texts = [line.rpartition("\t")[2] for path in plain for _, line in numbered_lines(path)]
    texts += [str(row.get("text")) for path in manifests for row in audio_rows(path, strict=False)]
    for text in texts:
        yield " ".join(MARKUP.sub(" ", text.translate(LOOK_ALIKES)).split())


def own_files(declared: Mapping, *keys: str) -> list[Path]:
    """Return the files that are named by keys and are there."""
    return [path for key in keys if (path := Path(declared.get(key, ""))).is_file()]
