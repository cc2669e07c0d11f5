"""Label recordings with what a recogniser heard in them: its hypotheses are their texts.

Left out are those in which it heard no word, or repeats itself endlessly, and, if a bound is given,
those of whose text it was not sure. So a judge's hypotheses are references, and the base model's
are pseudo-labels to learn from. A transcript that stands there is not read.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from domains.untranscribed import FEWEST
from errors import InputError, run
from files.atomic import check_outputs
from files.manifest import HYPOTHESIS_KEYS, UTTERANCE_KEYS, read_jsonl, read_manifest, write_jsonl
from options import Parser
from recognisers.repetition import is_repetitive
from records.writing import write_record
from scoring.checks import check_same_ids, ids_of
from scoring.word_errors import normalised
from texts.languages import add_language

OF_RECORDING = (*UTTERANCE_KEYS, "sha256", "origin")  # keys that no transcript has a part in


def labelled(
    rows: Iterable[dict],
    hypotheses: Iterable[dict],
    language: str,
    left_out: Counter[str],
    least: float | None = None,
) -> list[dict]:
    """Return the utterances with their hypotheses as texts; count those that are left out.

    ``least`` is the lowest log probability (nats, the mean of its tokens') of a hypothesis that is
    taken; null is any.
    """
    heard, kept = {row["id"]: row for row in hypotheses}, []
    for row in rows:
        hypothesis = heard[row["id"]]
        text, again = hypothesis["text"], hypothesis.get("decoded_again", False)
        if not normalised(text, language):
            left_out["no word"] += 1
        elif again or is_repetitive(text, row["duration"]):
            left_out["endless repetition"] += 1
        elif least is not None and hypothesis["log_probability"] < least:
            left_out["not sure enough"] += 1
        else:
            kept.append({key: row[key] for key in row if key in OF_RECORDING} | {"text": text})
    return kept


def main(argv: list[str] | None = None) -> None:
    """Label the recordings that the command line names."""
    parser = Parser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--manifest", type=Path, required=True, help="recordings (see collect.py)")
    add("--hypotheses", type=Path, required=True, help="what was heard in them")
    add(
        "--min-log-probability",
        type=float,
        help="of a hypothesis, the lowest (nats; see transcribe.py --log-probability; default any)",
    )
    add(
        "--fewest",
        type=int,
        default=FEWEST,
        help=f"recordings that must be left (default {FEWEST})",
    )
    add("--output", type=Path, required=True, help="manifest to write")
    add_language(parser)
    options = parser.parse_args(argv)
    inputs, least = [options.manifest, options.hypotheses], options.min_log_probability
    check_outputs([options.output], inputs)
    keys = HYPOTHESIS_KEYS if least is None else HYPOTHESIS_KEYS | {"log_probability": float}
    rows, hypotheses = read_manifest(options.manifest), read_jsonl(options.hypotheses, keys)
    check_same_ids(ids_of(rows), ids_of(hypotheses), *inputs)
    left_out: Counter[str] = Counter()
    kept = labelled(rows, hypotheses, options.language, left_out, least)
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items())) or "none"
    print(f"{options.output}: {len(kept)} of {len(rows)} recordings (left out: {reasons})")
    if len(kept) < options.fewest:
        remedy = "take another model to hear them"
        if least is not None and left_out["not sure enough"]:
            surest = max(row["log_probability"] for row in hypotheses)
            remedy = f"lower min_log_probability, {least:g} (the surest hypothesis has {surest:g})"
        raise InputError(
            f"{options.hypotheses}: of {len(rows)} recordings {len(kept)} can be labelled (left"
            f" out: {reasons}), and fewer than {options.fewest} say little; give more recordings,"
            f" or {remedy}"
        )
    write_jsonl(options.output, kept)
    counts = {"utterances": len(kept), "left_out": dict(sorted(left_out.items()))}
    parameters = {"language": options.language}
    parameters |= {} if least is None else {"min_log_probability": least}
    write_record(__file__, [options.output], inputs, parameters, counts=counts)


if __name__ == "__main__":
    run(main)
