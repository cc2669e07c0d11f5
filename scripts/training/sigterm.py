"""SIGTERM and SIGINT, put off to where the work can stop and be taken up again."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import errors


class Sigterm:
    """Within ``with Sigterm() as sigterm``, SIGTERM and SIGINT are only noted: ``sigterm.came``.

    A cluster sends SIGTERM seconds before it kills, at the end of a job's time, say. A second
    Ctrl-C ends the script at once.
    """

    def __init__(self) -> None:
        self.number: int | None = None  # of the signal that came first
        self._raise = False

    @property
    def came(self) -> bool:
        """True once a signal has come."""
        return self.number is not None

    @property
    def name(self) -> str:
        """The signal's name; SIGTERM, if it came to another process of the same training."""
        return signal.Signals(self.number or signal.SIGTERM).name

    def __enter__(self) -> "Sigterm":
        self._previous = errors.handle(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        errors.restore(self._previous)

    def _note(self, number: int, _: object) -> None:
        if signal.SIGINT == number == self.number:
            raise KeyboardInterrupt
        self.number = self.number or number
        if self._raise:
            errors.stop(self.number)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Raise ``errors.Stopped`` within the block, which changes nothing that must be kept."""
        self._raise = True
        try:
            if self.number is not None:
                errors.stop(self.number)
            yield
        finally:
            self._raise = False
