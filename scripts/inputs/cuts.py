"""Lhotse's manifests of cuts, read as the JSON lines that they are; gzipped or not.

Each supervision with a text is an utterance. What a cut does to its audio when Lhotse loads it
(speed, volume, mixing) is not done here, so such cuts are refused.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from errors import InputError
from inputs.entry import Entry, beside

SAVE = "save the audio as files (CutSet.save_audios), and name those cuts"
AGAIN = "write the cuts again"
HARMLESS = {"Resample"}  # it is done anyway


def is_lhotse(row: dict[str, Any]) -> bool:
    """Say whether the first object of a file is one of Lhotse's."""
    return str(row.get("type", "")).endswith("Cut") or bool(
        {"recording", "recording_id", "sources", "tracks"} & set(row)
    )


def utterances_of(place: str, cut: dict[str, Any], folder: Path) -> Iterator[Entry]:
    """Yield the utterances of a cut."""
    recording = cut.get("recording")
    if not isinstance(recording, dict):
        kind = "a mixed cut" if "tracks" in cut else "no cut with its recording"
        remedy = SAVE if "tracks" in cut else "make cuts of recordings (lhotse cut simple)"
        raise InputError(f"{place}: is {kind}; {remedy}")
    supervisions = objects(place, cut, "supervisions")
    if not supervisions:
        raise InputError(
            f"{place}: the cut {cut.get('id')!r} has no supervision, so no text; add it"
        )
    changes = {str(each.get("name")) for each in objects(place, recording, "transforms")}
    changes -= HARMLESS
    if changes:
        raise InputError(f"{place}: the recording is changed by {min(changes)}; {SAVE}")
    for each in supervisions:
        channel = each.get("channel")
        audio, position = source(place, recording, channel)
        try:
            offset = float(cut["start"]) + float(each["start"])
            duration = float(each["duration"])
        except (KeyError, TypeError, ValueError):
            raise InputError(
                f"{place}: the cut {cut.get('id')!r} has no start or duration in s; write it again"
            ) from None
        id = cut.get("id") if len(supervisions) == 1 else each.get("id")
        yield Entry(
            place,
            beside(audio, folder),
            each.get("text"),
            id,
            each.get("speaker"),
            round(offset, 6),
            duration,
            position,
        )


def objects(place: str, part: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the objects that stand in a list under a key, which may be lacking or null."""
    found = part.get(key) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise InputError(f"{place}: {key} is {str(found)[:40]!r}, not a list of objects; {AGAIN}")
    return found


def source(place: str, recording: dict[str, Any], channel: Any) -> tuple[Any, int | None]:
    """Return the file with a channel of a recording, and which of its channels that is.

    All are taken (None) of a file that has no other, or if several are said.
    """
    for each in objects(place, recording, "sources"):
        channels = each.get("channels") or []
        if not isinstance(channels, list):
            raise InputError(f"{place}: channels is {str(channels)[:40]!r}, not a list; {AGAIN}")
        if isinstance(channel, int) and channel not in channels:
            continue
        if each.get("type") != "file":
            raise InputError(
                f"{place}: the recording's source is of type {each.get('type')!r}, which is not"
                f" read; {SAVE}"
            )
        file = each.get("source")
        if not isinstance(file, str):
            raise InputError(f"{place}: source is {str(file)[:40]!r}, not a file's name; {AGAIN}")
        alone = not isinstance(channel, int) or len(channels) == 1
        return file, None if alone else channels.index(channel)
    raise InputError(f"{place}: no source has channel {channel!r}; {AGAIN}")
