"""What a record says that its inputs were for."""

import os

from errors import InputError
from records.record import Record

WEIGHTS = ".safetensors"
# what leads a decoder, or is adapted to, and the setting that tells that there is any
AIDS = {"terms": "terms_bonus", "texts": "texts_weight", "recordings": "adaptation"}


def manifests_of(record: Record) -> dict[str, list[str]]:
    """Return the manifests of a training run: "train", "dev", and "fisher", to which it is held."""
    told = record.content.get("manifests", {})
    manifests = {
        role: [os.path.normpath(path) for path in told.get(role, [])]
        for role in ("train", "dev", "fisher")
    }
    named = {path for paths in manifests.values() for path in paths}
    checkpoints = {os.path.dirname(path) for path in record.inputs if path.endswith(WEIGHTS)}
    inputs = {path for path in record.inputs if os.path.dirname(path) not in checkpoints}
    if named != inputs:
        raise InputError(
            f"{record.sidecar}: does not say which of its inputs are to train on and which are to"
            f" select on: {', '.join(sorted(named ^ inputs))}; train this model again"
        )
    return manifests


def aids_of(record: Record) -> dict[str, list[str]]:
    """Return the files that led a transcription: "terms", "texts" and "recordings"."""
    told = record.content.get("aids", {})
    for kind, setting in AIDS.items():
        if record.content["parameters"].get(setting) is not None and not told.get(kind):
            raise InputError(
                f"{record.sidecar}: does not say which of its inputs are the {kind} that led the"
                " decoder; transcribe again"
            )
    return {kind: [os.path.normpath(path) for path in told.get(kind, [])] for kind in AIDS}
