"""What a model card says of the checkpoint's other forms: how they decode, and what they do."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from errors import InputError
from exports.decoding import faster_whisper_options, whisper_cli_options, whisper_cpp_options
from exports.measured import Measured, read_measured
from paths import REAL, Manifest
from reporting.tables import change


def about_libraries(language: str, task: str) -> dict[str, str]:
    """Return the options with which libraries decode as the checkpoint does, as their code."""
    return {
        "faster_whisper": repr(faster_whisper_options(language, task)),
        "whisper_cpp": repr(whisper_cpp_options(language, task)),
        "whisper_cli": shlex.join(whisper_cli_options(language, task)),
    }


def about_exports(paths: Sequence[Path], checkpoint: Path) -> list[dict[str, Any]]:
    """Return what was measured of a checkpoint's exports; refuse those of another checkpoint."""
    return [about_export(read_measured(path), path, checkpoint) for path in paths]


def about_export(measured: Measured, path: Path, checkpoint: Path) -> dict[str, Any]:
    """Return the numbers of an export, and in words on what they were measured."""
    if measured.checkpoint != str(checkpoint):
        raise InputError(f"{path}: is of {measured.checkpoint}, not of {checkpoint}; leave it out")
    place = Manifest.parse("/".join(Path(measured.manifest).parts[-4:]))
    spoken = "recordings" if place.speech == REAL else f"synthetic speech, {place.speech}"
    return {
        "measured": measured,
        "library": ", ".join(f"{name} {version}" for name, version in measured.packages.items()),
        "difference": Markup(change(measured.difference)),  # its brackets are no link
        "of": f"{place.group}, {place.split} ({spoken})",
    }
