"""How much of what a domain's test sentences say is in a selection of its texts: SLURP's scenarios.

No speech, no times: of each scenario so many training sentences are selected by each way, with all
other scenarios as the source. Counted are the words that they have, the share of the test
sentences' words that are among them, and the share of those that the source does not have. Of
random, the mean of ten draws. Coverage takes longer texts: so many random ones are drawn, too, that
they have as many words.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from measure import Report, arguments

from corpora.slurp import FILES, read_sentences
from domains.speakable import texts_to_speak
from select_texts import WAYS, select
from texts.normalise import normalise

SCENARIOS = ("cooking", "music", "news", "social", "weather")
DRAWS = 10
LONGER = "random, as many words as coverage"


def words_of(texts: Iterable[str]) -> list[str]:
    """Return all words of texts, normalised."""
    return [word for text in texts for word in normalise(text, "en").split()]


class Said(NamedTuple):
    """A domain's texts, the words of its test sentences, and those of the source."""

    rows: Sequence[dict]
    tested: Sequence[str]
    known: set[str]

    def mean_of(self, selections: Iterable[Iterable[int]]) -> list[float]:
        """Return the words of selections, and the shares (%) of tested and of new words in them."""
        return [float(v) for v in np.mean([*map(self.shares, selections)], axis=0).round(1)]

    def shares(self, chosen: Iterable[int]) -> list[float]:
        """Return the same of one selection."""
        words = words_of(self.rows[at]["text"] for at in chosen)
        new, there = [word for word in self.tested if word not in self.known], set(words)
        covered = [sum(word in there for word in each) / len(each) for each in (self.tested, new)]
        return [len(words), *(100 * share for share in covered)]

    def drawn(self, words: float, seed: int) -> list[int]:
        """Return the positions of random texts, so many that they have as many words."""
        chosen: list[int] = []
        for number in range(1, len(self.rows) + 1):
            chosen = select(self.rows, number, "random", "en", seed)
            if self.shares(chosen)[0] >= words:
                break
        return chosen


def main() -> None:
    parser = arguments("selection", __doc__)
    parser.add_argument("slurp", type=Path, help="folder with SLURP's train.jsonl and test.jsonl")
    parser.add_argument("--texts", type=int, default=100, help="to select (default: 100)")
    options = parser.parse_args()
    sentences = {split: read_sentences(options.slurp / FILES[split]) for split in ("train", "test")}
    report, facts = Report("selection"), {}
    for scenario in SCENARIOS[: 1 if options.quick else None]:
        tested = [each.text for each in sentences["test"] if each.scenario == scenario]
        apart = {normalise(text, "en") for text in tested}
        rows = texts_to_speak(
            ({"id": each.id, "text": each.text} for each in sentences["train"]
             if each.scenario == scenario and normalise(each.text, "en") not in apart),
            scenario, "en",
        )  # fmt: skip
        source = [{"text": each.text} for each in sentences["train"] if each.scenario != scenario]
        of_test = words_of(tested)
        said = Said(rows, of_test, {word for row in source for word in words_of([row["text"]])})
        for by in WAYS:
            seeds = range(1, DRAWS + 1) if by == "random" else [1]
            chosen = [select(rows, options.texts, by, "en", seed, source) for seed in seeds]
            facts[scenario, by] = said.mean_of(chosen)
        facts[scenario, LONGER] = said.mean_of(
            [said.drawn(facts[scenario, "coverage"][0], seed) for seed in range(1, DRAWS + 1)]
        )
        facts[scenario, "all"] = said.mean_of([range(len(rows))])
    for by in (*WAYS, LONGER, "all"):
        of_way = [values for (_, way), values in facts.items() if way == by]
        print(f"| {by} | {' | '.join(map(str, np.mean(of_way, axis=0).round(1)))} |")
    report.facts["each"] = [[*key, *values] for key, values in facts.items()]
    report.write(options)


if __name__ == "__main__":
    main()
