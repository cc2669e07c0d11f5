"""SIGTERM, put off to where the work can stop and be taken up again."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import errors


class Sigterm:
    """Within ``with Sigterm() as sigterm``, SIGTERM is only noted: ``sigterm.came``.

    A cluster sends it seconds before it kills, at the end of a job's time, say.
    """

    def __init__(self) -> None:
        self.came = False
        self._raise = False

    def __enter__(self) -> "Sigterm":
        self._previous = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._previous)

    def _note(self, *_: object) -> None:
        self.came = True
        if self._raise:
            errors.stop()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Raise ``errors.Stopped`` within the block, which changes nothing that must be kept."""
        self._raise = True
        try:
            if self.came:
                errors.stop()
            yield
        finally:
            self._raise = False
