"""The user's mistakes, told without a traceback."""

import sys
from collections.abc import Callable


class InputError(Exception):
    """A mistake in the user's input; says what, where, how many, and what to do about it."""


def run(main: Callable[[], None]) -> None:
    """Call a script's ``main``; an ``InputError`` becomes one message and exit status 2."""
    try:
        main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
