"""The matrix of an experiment: every number that it gives, as JSON."""

import json
from dataclasses import asdict

from configs.reading import complete_and_check, read
from errors import run
from files.atomic import atomic_path, check_outputs
from files.json_file import parse
from matrix import evaluations
from options import Parser
from records.writing import write_record


def main(argv: list[str] | None = None) -> None:
    """Write the matrix of an experiment."""
    parser = Parser(description=main.__doc__)
    parser.add_argument("--experiment", required=True, help="the config as JSON, or a YAML file")
    parser.add_argument("--output", help="JSON file to write (default: print)")
    options = parser.parse_args(argv)
    given = options.experiment
    check_outputs([options.output], [] if given.startswith("{") else [given])
    if given.startswith("{"):
        config = complete_and_check(parse(given, "--experiment", "or give a YAML file"))
    else:
        config = read([given])
    text = json.dumps([asdict(row) for row in evaluations(config)], indent=1) + "\n"
    if options.output is None:
        print(text, end="")
        return
    with atomic_path(options.output) as temporary:
        temporary.write_text(text)
    write_record(__file__, [options.output], [], {"experiment": config})


if __name__ == "__main__":
    run(main)
