"""Put a checkpoint into one folder with what leads its decoder: a domain's key terms and texts.

Beside the checkpoint's files, copied as they are, stand key_terms.jsonl and texts.jsonl, as far as
given, which transcribe.py takes; key_terms.txt, one term a line, for other recognisers (hotwords, a
prompt); and decoding.json: the options with which transcribe.py decodes as was measured.
"""

import argparse
import json
from pathlib import Path

from errors import InputError, run
from files.atomic import atomic_path, check_outputs
from files.manifest import read_jsonl
from options import Parser
from records.record import WEIGHTS, checkpoint_files
from records.writing import write_record
from texts.languages import add_language
from vectors.arithmetic import copy, copy_companions

FILES = {"terms": "key_terms.jsonl", "texts": "texts.jsonl"}
PLAIN_TERMS, DECODING = "key_terms.txt", "decoding.json"


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's values."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True, help=f"{WEIGHTS} of the model")
    add("--terms", type=Path, help="key terms (JSON lines: id, text)")
    add("--terms-bonus", type=float, default=1.0, help="of a term's first token, nats (default 1)")
    add("--texts", type=Path, help="texts whose n-grams lead the decoder (JSON lines: id, text)")
    add("--texts-weight", type=float, default=0.1, help="of their log probabilities (default 0.1)")
    add("--window", type=float, required=True, help="audio window it is decoded in, s")
    add("--max-length", type=int, required=True, help="tokens of a hypothesis, at most")
    add("--guard-repetition", action="store_true", help="as transcribe.py has it")
    add_language(parser)
    add("--task", default="transcribe", help="transcribe or translate (default transcribe)")
    add("--output", type=Path, required=True, help=f"{WEIGHTS} to write, in its own folder")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Deliver a checkpoint as the command line says."""
    options = parse_arguments(argv)
    leading: dict[str, Path] = {
        kind: path for kind in FILES if (path := getattr(options, kind)) is not None
    }
    if not leading:
        raise InputError("nothing leads the decoder: give --terms, --texts or both")
    folder = options.output.parent
    check_outputs([options.output], [options.checkpoint.parent, *leading.values()])
    rows = {kind: read_jsonl(path) for kind, path in leading.items()}
    outputs = [copy(options.checkpoint, options.output)]
    outputs += copy_companions(options.checkpoint, folder)
    outputs += [copy(path, folder / FILES[kind]) for kind, path in leading.items()]
    settings = {
        "terms_bonus": options.terms_bonus if options.terms else None,
        "texts_weight": options.texts_weight if options.texts else None,
        "window": options.window,
        "max_length": options.max_length,
        "guard_repetition": options.guard_repetition,
        "language": options.language,
        "task": options.task,
    }
    written = {DECODING: json.dumps(settings, indent=1) + "\n"}
    if "terms" in rows:
        written[PLAIN_TERMS] = "".join(f"{row['text']}\n" for row in rows["terms"])
    for name, text in written.items():
        outputs.append(folder / name)
        with atomic_path(outputs[-1]) as temporary:
            temporary.write_text(text, encoding="utf-8")
    write_record(
        __file__,
        outputs,
        [*checkpoint_files(options.checkpoint.parent), *leading.values()],
        settings,
        counts={kind: len(each) for kind, each in rows.items()},
    )


if __name__ == "__main__":
    run(main)
