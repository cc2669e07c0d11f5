"""Which files of an experiment can be made again, and what stands in the way of the others."""

import os
from collections.abc import Iterator
from pathlib import Path

from files.manifest import audio_rows
from lineages.code import Code
from lineages.fetched import Fetched
from lineages.files import Experiment
from records.record import Record


class Remaking:
    """Decides which files of an experiment can be made again, and gives the reason if not."""

    def __init__(self, experiment: Experiment, scripts: Path) -> None:
        self.experiment, self.hashes = experiment, experiment.hashes
        self.code, self.fetched = Code(scripts), Fetched(experiment.hashes)
        self.speaker = {
            audio.path: experiment.makers[manifest]
            for manifest, files in experiment.audio.items()
            if "--audio-dir" in experiment.makers[manifest].content.get("command", ())
            for audio in files
        }
        self._of_stage: dict[str, str | None] = {}
        self._of_manifest: dict[str, str | None] = {}

    def maker(self, name: str) -> Record | None:
        """Return the record of the stage that made a file, or the manifest of an audio file."""
        return self.experiment.makers.get(name) or self.speaker.get(name)

    def why_not(self, name: str) -> str | None:
        """Return why a file cannot be made again; None if it can."""
        maker = self.maker(name)
        if maker is None:
            return "no record tells how it was made"
        if maker.sidecar not in self._of_stage:
            self._of_stage[maker.sidecar] = "it was made of itself"  # until all is asked
            self._of_stage[maker.sidecar] = next(self.obstacles(maker), None)
        return self._of_stage[maker.sidecar]

    def obstacles(self, record: Record) -> Iterator[str]:
        """Yield why a stage cannot run again as it did."""
        if changed := self.code.change(record):
            yield f"the code that made it was changed since: {changed}"
        for name in self.experiment.outputs(record):
            if name in self.experiment.files and not self.is_as_made(name):
                yield f"{self.experiment.path(name)} is not what was made, and would be made again"
        for path, sha256 in record.inputs.items():
            place, is_inside = self.experiment.locate(path)
            why_not = self.lacks(place, sha256) if is_inside else self.lacks_external(place, sha256)
            if why_not:
                yield why_not
            for manifest in (place,) if is_inside else ():
                if why_not := self.lacks_audio(manifest):
                    yield why_not

    def is_as_made(self, name: str) -> bool:
        """Return whether a file has the bytes that its record, or every row about it, names."""
        digest = self.hashes.sha256(self.experiment.path(name))
        return self.experiment.claims[name].keys() == {digest}

    def lacks(self, name: str, sha256: str) -> str | None:
        """Return why an input from the experiment is neither there nor can be made again."""
        path = self.experiment.path(name)
        if name in self.experiment.files and self.hashes.sha256(path) == sha256:
            return None
        if sha256 not in self.experiment.claims.get(name, ()):
            return f"{path}, of which it was made, was of other bytes then"
        if why_not := self.why_not(name):
            return f"{path} is needed, not there as it was, and cannot be made again: {why_not}"
        return None

    def lacks_external(self, path: str, sha256: str) -> str | None:
        """Return how a file from outside is not what it was, or what it lists is not there."""
        if self.hashes.sha256(path) != sha256:
            return f"{path} is needed, and not there as it was"
        if path.endswith(".jsonl"):
            for row in audio_rows(path):
                audio = os.path.join(self.experiment.root, row["audio_filepath"])
                if not os.path.isfile(audio):
                    return f"{audio} is needed, and not there"
        return next(self.fetched.faults(path), None)

    def lacks_audio(self, manifest: str) -> str | None:
        """Return why audio that a manifest lists is neither there nor can be made again."""
        if manifest not in self._of_manifest:
            reasons = (
                self.lacks(path, sha256) if is_inside else self.lacks_external(path, sha256)
                for path, is_inside, sha256 in self.experiment.audio.get(manifest, ())
            )
            self._of_manifest[manifest] = next(filter(None, reasons), None)
        return self._of_manifest[manifest]
