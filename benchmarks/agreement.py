"""What a judge's agreement says of models, held to the transcripts of the same recordings.

The judge, a larger model, transcribes the test recordings of an experiment that was run, as if
nobody had. Each arm is compared with the pretrained model three times: by the
transcripts, by what the judge heard, and by that with the domain's words that the judge never
wrote excused, as the verdict does it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from measure import Report, arguments

from errors import InputError
from evaluation import ScoredEvaluation
from files.manifest import read_jsonl, read_manifest, read_texts
from paths import PRETRAINED
from places import TrainingTexts
from scoring.bootstrap import interval, mean_over_seeds, resampled_rates
from scoring.evaluations import ModelKey, labels_of, read_evaluations
from scoring.unknown_words import excused, words_of
from scoring.word_errors import score

Rows = Sequence[dict]
KINDS = ("by the transcripts", "by the judge", "unknown words excused")


def errors(references: Rows, hypotheses: Sequence[Rows]) -> tuple[np.ndarray, np.ndarray]:
    """Return errors, means over the seeds, and words of each utterance: [n_utterances]."""
    scores = [score(references, rows, "en").per_utterance for rows in hypotheses]
    of_seeds = [[utterance.word_errors for utterance in each] for each in scores]
    return mean_over_seeds(np.array(of_seeds)), np.array([u.reference_words for u in scores[0]])


def differences(
    folder: Path, rows: Sequence[ScoredEvaluation], heard: Path
) -> Iterator[tuple[str, list[str]]]:
    """Yield each arm of a target with its differences from the pretrained model, in points.

    ``heard`` are the judge's hypotheses of the target's test recordings.
    """
    said = read_manifest(rows[0].manifest)
    text_of = {row["id"]: row["text"] for row in read_jsonl(heard)}
    judged = [row | {"text": text_of[row["id"]]} for row in said if text_of[row["id"]].strip()]
    texts = read_texts(folder / str(TrainingTexts(rows[0].target)))
    unknown = words_of(texts, "en") - words_of(judged, "en")
    ids = {row["id"] for row in judged}
    said = [row for row in said if row["id"] in ids]
    models = dict.fromkeys(ModelKey.of(row) for row in rows)
    counts = {}
    for model in models:
        files = [row.hypotheses for row in rows if ModelKey.of(row) == model]
        each = [[row for row in read_jsonl(path) if row["id"] in ids] for path in files]
        known = [excused(judged, hypotheses, unknown, "en") for hypotheses in each]
        counts[model] = [errors(said, each), errors(judged, each), errors(judged, known)]
    pretrained = next(model for model in models if model.arm.arm == PRETRAINED)
    labels = labels_of(models)
    for model in models:
        cells = []
        for (ours, words), (theirs, _) in zip(counts[model], counts[pretrained], strict=True):
            rates = resampled_rates(np.stack([ours, theirs]), words)
            low, high = interval(rates[0] - rates[1])
            difference = (ours.sum() - theirs.sum()) / words.sum()
            cells.append(f"{100 * difference:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]")
        if model != pretrained:
            yield labels[model], cells


def main() -> None:
    parser = arguments("agreement", __doc__)
    parser.add_argument("experiment", type=Path, help="folder of results, such as results/calls")
    parser.add_argument(
        "--heard", type=Path, required=True, help="folder of the judge's hypotheses: TARGET.jsonl"
    )
    options = parser.parse_args()
    report, facts = Report("agreement"), []
    rows = [
        each
        for each in read_evaluations(options.experiment / "evaluations.json")
        if isinstance(each, ScoredEvaluation) and each.role == "test"
    ]
    print(f"| target | arm | {' | '.join(KINDS)} |")
    print("|---|---|---|---|---|")
    for target in dict.fromkeys(each.target for each in rows):
        heard = options.heard / f"{target}.jsonl"
        if not heard.is_file():
            raise InputError(f"{heard}: is not there; transcribe the test recordings of {target}")
        of_target = [each for each in rows if each.target == target]
        for label, cells in differences(options.experiment, of_target, heard):
            print(f"| {target} | {label} | {' | '.join(cells)} |")
            facts.append(dict(zip(KINDS, cells, strict=True)) | {"target": target, "model": label})
        wer = score(read_manifest(of_target[0].manifest), read_jsonl(heard), "en").wer
        report.note(f"the judge's WER on {target}, %", round(100 * wer, 1))
    report.facts["each"] = facts
    report.write(options)


if __name__ == "__main__":
    main()
