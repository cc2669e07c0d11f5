"""What a run shows while it goes on: a line for each stage, and text that stays."""

import time

from runs.screen import Screen, line_of

SHOWN_EVERY = 0.5  # s, at most, where lines are overwritten
LINES_EVERY = 30  # s, of a stage that goes on, where lines can't be overwritten

Stages = dict[str, dict[str, int]]  # counts (planned, running, done, failed) by stage


class Display:
    """The terminal, or the file in its place; without a ``screen``, Snakemake shows the run.

    ``with_stages`` says whether stages have lines: not with ``--quiet progress``. Times are in s
    since 1970.
    """

    def __init__(self) -> None:
        self.screen: Screen | None = None
        self.with_stages = False
        self._lines: dict[str, str] = {}  # the last line of each stage
        self._updated = self._dated = 0.0  # of the last look at the stages; of the last lines

    def begin(self, now: float) -> None:
        """Take the time of the first job, from which lines that stay are dated."""
        self._dated = now

    def say(self, text: str) -> None:
        """Show text that stays."""
        if self.screen:
            self.screen.say(text)

    def update(self, stages: Stages, now: float, at_end: bool = False) -> None:
        """Bring the lines of stages up to date, if that is due."""
        if not (self.screen and self.with_stages):
            return
        if now - self._updated < SHOWN_EVERY and not at_end:
            return
        self._updated = now
        lines = {stage: line_of(stage, counts) for stage, counts in stages.items()}
        if self.screen.overwrites:
            self._overwrite(self.screen, lines, at_end)
        else:
            self._add(self.screen, stages, lines, now, at_end)

    def _overwrite(self, screen: Screen, lines: dict[str, str], at_end: bool) -> None:
        """Put the lines in the place of those before; at the end they stay."""
        if at_end:
            screen.show([])
            screen.say("\n".join(lines.values()))
        elif list(lines.values()) != list(self._lines.values()):
            screen.show(list(lines.values()))
            self._lines = lines

    def _add(
        self, screen: Screen, stages: Stages, lines: dict[str, str], now: float, at_end: bool
    ) -> None:
        """Add the lines that changed: of stages that ended, and every ``LINES_EVERY`` of all."""
        due = at_end or now - self._dated >= LINES_EVERY
        clock = time.strftime("%m-%d %H:%M:%S", time.localtime(now))
        for stage, line in lines.items():
            counts = stages[stage]
            has_ended = counts["done"] + counts["failed"] == counts["planned"]
            before = self._lines.get(stage, f"{stage:<13} 0/{counts['planned']} done")
            if (due or has_ended) and line != before:
                screen.say(f"[{clock}] {line}")
                self._lines[stage] = line
        if due:
            self._dated = now
