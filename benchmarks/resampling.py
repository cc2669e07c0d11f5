"""The paired bootstrap: 10,000 drawn test sets of SLURP's size, and a loop that scores each anew.

The loop takes hypotheses and references as they are drawn to jiwer, for both systems. Of its draws
only some are made; all take the same time. SLURP's test set has 13,078 recordings of 6.5 words.
"""

import sys

import jiwer
import numpy as np
from measure import Comparison, Growth, Report, arguments, in_turn, run

from scoring.bootstrap import CHUNK, interval, resampled_rates

UTTERANCES, RESAMPLES, DRAWN = 13_078, 10_000, 3  # SLURP's test set; draws that the loop makes
VOCABULARY = 200


def made_up(utterances: int) -> tuple[list[str], list[list[str]]]:
    """Return references, and hypotheses of two systems that have some words wrong."""
    random = np.random.default_rng(0)
    lengths = random.integers(3, 11, size=utterances)
    texts = [[f"word{n}" for n in random.integers(VOCABULARY, size=length)] for length in lengths]
    systems = [
        [" ".join("wrong" if random.random() < rate else word for word in text) for text in texts]
        for rate in (0.15, 0.12)
    ]
    return [" ".join(text) for text in texts], systems


def errors_of(references: list[str], hypotheses: list[str]) -> np.ndarray:
    """Return the word errors of each utterance; in these texts only substitutions."""
    return np.array([
        sum(a != b for a, b in zip(reference.split(), hypothesis.split(), strict=True))
        for reference, hypothesis in zip(references, hypotheses, strict=True)
    ])  # fmt: skip


def loop(references: list[str], systems: list[list[str]], draws: np.ndarray) -> np.ndarray:
    """Return the WERs [n_systems, draws] of drawn test sets, each scored with jiwer."""
    return np.array([
        [jiwer.wer([references[i] for i in draw], [texts[i] for i in draw]) for draw in draws]
        for texts in systems
    ])  # fmt: skip


def draw(below: int, count: int) -> None:
    """Draw integers, as many at a time as the bootstrap does."""
    generator = np.random.default_rng(0)
    for _ in range(count // CHUNK):
        generator.integers(below, size=CHUNK, dtype=np.int32)


def main() -> None:
    parser = arguments("resampling", __doc__)
    parser.add_argument("--only", type=int, help="resample so many utterances, and nothing else")
    options = parser.parse_args()
    utterances = options.only or (UTTERANCES // 10 if options.quick else UTTERANCES)
    references, systems = made_up(utterances)
    errors = np.stack([errors_of(references, texts) for texts in systems])
    words = np.array([len(text.split()) for text in references])
    if options.only:
        resampled_rates(errors, words, resamples=RESAMPLES)
        return
    report = Report("resampling")
    draws = np.random.default_rng(1).integers(utterances, size=(DRAWN, utterances))
    runs = in_turn(
        {
            "ours": lambda: resampled_rates(errors, words, resamples=RESAMPLES),
            "theirs": lambda: loop(references, systems, draws),
            "drawing": lambda: draw(utterances, utterances * RESAMPLES),
        },
        options.repeats,
    )
    seconds, drawing = runs["ours"].median, runs["drawing"].median
    report.add(
        Comparison(
            f"paired bootstrap, {utterances:,} utterances x {RESAMPLES:,} draws, two systems",
            seconds,
            f"a loop over jiwer ({DRAWN} draws measured)",
            runs["theirs"].median / DRAWN * RESAMPLES,
            RESAMPLES,
            "draws",
            bar=100,
            limit="drawing as many random numbers",
            limit_seconds=drawing,
            runs=runs,
        )
    )
    report.profile["bootstrap"] = {"random numbers": drawing, "counts and sums": seconds - drawing}
    counted = np.array([[row[draw].sum() / words[draw].sum() for draw in draws] for row in errors])
    gap = float(abs(counted - runs["theirs"].result).max())
    report.note("largest difference of a drawn WER from jiwer's", gap)
    low, high = interval(np.subtract(*runs["ours"].result))
    report.note("interval of the systems' difference, points", [100 * low, 100 * high])
    growth = Growth("utterances x 10,000 draws, with making them up")
    for size in (utterances // 16, utterances // 4, utterances):
        growth.add(size, *run([sys.executable, __file__, "--only", size]))
    report.growth.append(growth)
    report.write(options)


if __name__ == "__main__":
    main()
