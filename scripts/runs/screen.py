"""Where a run shows itself: a terminal, whose last lines it overwrites, or a file."""

import os
import shutil
from typing import TextIO

from escaping import visible


class Screen:
    """A terminal whose last lines are overwritten, or a file to which lines are added."""

    def __init__(self, stream: TextIO):
        self.stream = stream
        self.overwrites = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._lines: list[str] = []

    def say(self, text: str) -> None:
        """Write text that stays."""
        shown = self._lines
        self.show([])
        self.stream.write(visible(text.rstrip("\n")) + "\n")
        self.show(shown)
        self.stream.flush()

    def show(self, lines: list[str]) -> None:
        """Put lines in the place of those shown before; the last ones, if they are too many."""
        size = shutil.get_terminal_size()
        lines = [line[: size.columns - 1] for line in lines[-max(1, size.lines - 2) :]]
        if self.overwrites and (lines or self._lines):
            back = f"\x1b[{len(self._lines)}F" if self._lines else ""
            self.stream.write(back + "\x1b[J" + "".join(f"{line}\n" for line in lines))
            self.stream.flush()
        self._lines = lines


def line_of(stage: str, counts: dict[str, int]) -> str:
    """Return a stage's line: ``finetune      3/9 done, 2 running, 1 failed``."""
    parts = [f"{counts['done']}/{counts['planned']} done"]
    parts += [f"{counts[key]} {key}" for key in ("running", "failed") if counts[key]]
    return f"{stage:<13} {', '.join(parts)}"
