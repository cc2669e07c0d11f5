"""Label recordings that nobody has transcribed: a judge's hypotheses are their texts.

Left out are those in which the judge heard no word, or repeats itself endlessly.
"""

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from domains.untranscribed import FEWEST
from errors import InputError, run
from files.atomic import check_outputs
from files.manifest import read_jsonl, read_manifest, write_jsonl
from recognisers.repetition import is_repetitive
from records.writing import write_record
from scoring.checks import check_same_ids, ids_of
from scoring.word_errors import normalised
from texts.languages import add_language


def labelled(
    rows: Iterable[dict], hypotheses: Iterable[dict], language: str, left_out: Counter[str]
) -> list[dict]:
    """Return the utterances with their hypotheses as texts; count those that are left out."""
    heard, kept = {row["id"]: row for row in hypotheses}, []
    for row in rows:
        text, again = heard[row["id"]]["text"], heard[row["id"]].get("decoded_again", False)
        if not normalised(text, language):
            left_out["no word"] += 1
        elif again or is_repetitive(text, row["duration"]):
            left_out["endless repetition"] += 1
        else:
            kept.append(row | {"text": text})
    return kept


def main(argv: list[str] | None = None) -> None:
    """Label the recordings that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--manifest", type=Path, required=True, help="recordings (see collect.py)")
    add("--hypotheses", type=Path, required=True, help="what the judge heard")
    add("--output", type=Path, required=True, help="manifest to write")
    add_language(parser)
    options = parser.parse_args(argv)
    inputs = [options.manifest, options.hypotheses]
    check_outputs([options.output], inputs)
    rows, hypotheses = read_manifest(options.manifest), read_jsonl(options.hypotheses)
    check_same_ids(ids_of(rows), ids_of(hypotheses), *inputs)
    left_out: Counter[str] = Counter()
    kept = labelled(rows, hypotheses, options.language, left_out)
    if len(kept) < FEWEST:
        raise InputError(
            f"{options.hypotheses}: of {len(rows)} recordings {len(kept)} have words of the"
            f" judge's, and fewer than {FEWEST} say little; give more untranscribed recordings, or"
            " take another judge"
        )
    write_jsonl(options.output, kept)
    counts = {"utterances": len(kept), "left_out": dict(sorted(left_out.items()))}
    parameters = {"language": options.language}
    write_record(__file__, [options.output], inputs, parameters, counts=counts)


if __name__ == "__main__":
    run(main)
