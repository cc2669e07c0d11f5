"""Bad and hostile options: one line, before anything is read, and nothing that a terminal obeys."""

import ast
import importlib
from functools import partial
from pathlib import Path

import pytest

from bad_input import RIGHT, Case, judge
from conftest import ROOT
from errors import InputError
from options import BOUNDS, Parser

OF = {  # a command with each of these options
    "transcribe": ("--window", "--batch-size", "--max-length", "--terms-bonus", "--threads"),
    "summarize": ("--resamples", "--seed", "--constant"),
    "compare": ("--resamples", "--utterances"),
    "breakdown": ("--most",),
    "finetune": ("--window", "--learning-rate", "--epochs", "--max-steps", "--processes"),
    "synthesize": ("--shards", "--samples-per-text", "--max-failures"),
    "augment": ("--jobs", "--max-duration"),
    "filter": ("--max-cer", "--max-silence"),
    "write_texts": ("--number", "--temperature"),
    "task_vector apply": ("--scaling-coefficient",),
}
COMMANDS = {  # imported beforehand: PyTorch takes its time
    name: importlib.import_module(name)
    for name in (*(command.split()[0] for command in OF), "fetch", "lineage", "score")
}
VALUES = (
    "nan",
    "inf",
    "-1e400",
    "1e12",
    "999999999999999999999999",
    "true",
    "١٢",
    "1_000",
    "x" * 9000,
)
HOSTILE = ("\x1b[2J\x1b[H", "a\u202eb", "\x07", "a\nerror: no", "\udcff")


def called(folder: Path, command: str, options: list[str]) -> None:
    """Call a command, whose outputs would go under ``out``."""
    name, *more = command.split()
    COMMANDS[name].main([*more, *options])


def case(command: str, options: list[str], says: str) -> Case:
    shown = " ".join(options)[:40]
    return Case(
        "options", f"{command} {shown!r}", partial(called, command=command, options=options), says
    )


CASES = [
    *(
        case(command, [f"{option}={value}"], f"^{option}: .*; give a (whole )?number from .* to ")
        for command, options in OF.items()
        for option in options
        for value in VALUES
    ),
    *(
        case("score", [option], r"^unrecognized arguments|^the following|arguments")
        for option in HOSTILE
    ),
    *(case("fetch", ["--artifact", name], "can't be a name here") for name in HOSTILE),
    *(
        case(
            "score",
            ["--language", name, "--references", "a", "--hypotheses", "b", "--output", "c"],
            "--language",
        )
        for name in HOSTILE
    ),
    *(case("transcribe", ["--precision", name], "--precision: invalid choice") for name in HOSTILE),
    case("lineage", ["audti"], "invalid choice: 'audti'"),
    case("lineage", [], "required: COMMAND"),
    case("synthesize", ["--speed-range", "1", "nan"], "--speed-range: 'nan'; give a number"),
    case("score", ["--language"], "--language: expected one argument"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.door}: {case.what}")
def test_bad_options_are_refused_well(case, tmp_path):
    outcome, said = judge(case, tmp_path)
    assert outcome in RIGHT, said


def numeric_options(source: str) -> set[str]:
    """Return the options of a module that are numbers."""
    return {
        ast.unparse(call.args[0]).strip("'")
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "type" and ast.unparse(keyword.value) in ("int", "float")
    }


def test_every_option_that_is_a_number_has_bounds():
    modules = [path.read_text() for path in ROOT.glob("scripts/**/*.py")]
    assert set().union(*map(numeric_options, modules)) - {"flag"} <= set(BOUNDS)
    assert not any(
        "argparse.ArgumentParser(" in text for text in modules if "KEPT_OPTIONS" not in text
    )


def test_a_number_within_its_bounds_is_taken_as_it_is():
    parser = Parser()
    parser.add_argument("--window", type=float)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args(["--window", "1e1", "--seed", "4294967295"])
    assert (options.window, options.seed) == (10.0, 2**32 - 1)
    with pytest.raises(InputError, match=r"--seed: '-1'; give a whole number from 0 to 4294967295"):
        parser.parse_args(["--seed", "-1"])
