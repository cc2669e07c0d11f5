"""What made a number, a file or a checkpoint, is it still the same, and how is it made again?

The answers come from the records that each stage writes beside what it makes.
"""

import importlib
import sys

from errors import run
from options import Parser

COMMANDS = ("trace", "audit", "diff", "reproduce", "export", "prune")


def main(argv: list[str] | None = None) -> None:
    """Run one of the commands, each a module of its own; only that one is imported."""
    argv = sys.argv[1:] if argv is None else argv
    parser = Parser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in argv[:1] if argv and argv[0] in COMMANDS else COMMANDS:
        module = importlib.import_module(f"lineages.{name}")
        summary, *_ = str(module.__doc__).splitlines()
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(main=module.main)
    options = parser.parse_args(argv)
    options.main(options)


if __name__ == "__main__":
    run(main)
