"""Shards of synthetic speech put together, and matched with their hypotheses."""

from collections.abc import Callable, Iterable, Sequence

from errors import InputError


def read_all(paths: Iterable[str], read: Callable[[str], list[dict]]) -> list[dict]:
    """Return the rows of several files, one after the other; an id in two of them is an error."""
    rows: list[dict] = []
    file_of: dict[str, str] = {}
    for path in paths:
        for row in read(path):
            if row["id"] in file_of:
                raise InputError(
                    f"{path}: id {row['id']!r} stands already in {file_of[row['id']]};"
                    " give each shard once"
                )
            file_of[row["id"]] = path
            rows.append(row)
    return rows


def match(utterances: Sequence[dict], hypotheses: Sequence[dict]) -> dict[str, str | None]:
    """Return the hypothesis of each id, or null if it is too long to have one.

    The two lists must have the same ids.
    """
    text_of = {
        row["id"]: row["text"] if row.get("transcribed", True) else None for row in hypotheses
    }
    wanted = {row["id"] for row in utterances}
    for names, what in (
        (sorted(wanted - text_of.keys()), "utterances have no hypothesis"),
        (sorted(text_of.keys() - wanted), "hypotheses have no utterance"),
    ):
        if names:
            raise InputError(
                f"{len(names)} {what}, first {names[0]!r}; transcribe these very manifests"
            )
    return text_of
