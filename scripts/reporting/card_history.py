"""The records of an adapted checkpoint and of all that it was made from."""

import functools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from errors import InputError
from records.reading import record_of_fetched, upstream
from records.record import INDEX, WEIGHTS, Record


@dataclass(frozen=True)
class History:
    """The records of a checkpoint and of all that it was made from, and who made each file."""

    records: list[Record]
    maker: dict[str, Record]

    @property
    def own(self) -> Record:
        """Return the record of the checkpoint itself."""
        return self.records[-1]

    @property
    def is_led(self) -> bool:
        """Say whether something leads its decoder, which stands in its folder."""
        return self.own.script == "deliver.py"

    @property
    def training(self) -> Record | None:
        """Return the record of its last training; None for the pretrained model, which is led."""
        line = (self.own, *self.descent(self.own))
        return next((record for record in line if record.script == "finetune.py"), None)

    def made_by(self, script: str) -> list[Record]:
        """Return the records of a stage."""
        return [record for record in self.records if record.script == script]

    def descent(self, record: Record) -> Iterator[Record]:
        """Yield the records of the checkpoints that one was made from, back to the base model."""
        for path in record.inputs:
            if Path(path).name == WEIGHTS and path in self.maker:
                yield self.maker[path]
                yield from self.descent(self.maker[path])

    def vector(self) -> list[Record]:
        """Return the records of the trainings whose difference, or mean of them, was added."""
        added = [path for path in self.own.inputs if is_vector(path)]
        trainings: dict[str, Record] = {}
        while added:
            record = self.maker[added.pop()]
            added += [path for path in record.inputs if is_vector(path)]
            for path in record.inputs:
                if not is_vector(path):
                    trainings[path] = self.maker[path]
        return list(trainings.values())


def is_vector(path: str) -> bool:
    """Say whether a file of tensors is a task vector, and no checkpoint."""
    return path.endswith(".safetensors") and Path(path).name != WEIGHTS


def read_history(checkpoint: Path) -> History:
    """Return the history of an adapted checkpoint, back to the fetched files."""
    behind = upstream(checkpoint)
    own = behind[-1]
    is_delivered = own.script in ("finetune.py", "deliver.py")
    if not is_delivered and own.content["parameters"].get("command") != "apply":
        raise InputError(
            f"{checkpoint}: was made by {own.script}, not by finetune.py, task_vector.py apply or"
            " deliver.py; cards are for adapted checkpoints"
        )
    fetched = functools.cache(lambda folder: record_of_fetched(folder / INDEX))
    origins = [fetched(record.at(path).parent) for record in behind for path in record.inputs]
    records = {record.sidecar: record for record in [*filter(None, origins), *behind]}
    return History(
        list(records.values()),
        {output: record for record in records.values() for output in record.outputs},
    )


def lineage(history: History) -> str:
    """Return the records as canonical JSON, by path from the folder that the workflow ran in.

    ``run`` is left out: names of machines are nobody's business on a hub, and without times the
    same work gives the same bytes.
    """
    root = history.own.root
    records = {
        os.path.relpath(record.sidecar, root): {
            key: value for key, value in record.content.items() if key != "run"
        }
        for record in history.records
    }
    return json.dumps({"version": 1, "records": records}, indent=1, sort_keys=True) + "\n"
