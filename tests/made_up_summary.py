"""A made-up summary: rows, targets and the whole, complete but for what a test says of them."""

from pathlib import Path
from typing import Any

from scoring.differences import Comparison
from scoring.summary import MeanWordCounts, Summary, SummaryRow, TargetSummary, write_summary


def comparison(difference: float, half: float = 0.01) -> Comparison:
    """Return a difference of WERs; it is significant if the interval excludes 0."""
    sure = abs(difference) > half
    return Comparison(
        difference=difference,
        interval=(difference - half, difference + half),
        p=0.001 if sure else 0.4,
        p_adjusted=0.01 if sure else 0.9,
        significant=sure,
        mapsswe_p=0.002 if sure else 0.5,
    )


def made_up_row(arm: str, wer: float = 0.25, **changes: Any) -> SummaryRow:
    """Return a row of an arm without a task vector, compared with nothing."""
    row: dict[str, Any] = {
        "label": arm,
        "dev_wer": None,
        "wer_interval": (wer - 0.01, wer + 0.012),
        "cer_interval": (wer / 2 - 0.005, wer / 2 + 0.005),
        "versus_pretrained": None,
        "versus_baseline": None,
        "versus_without_vector": None,
        "choices": (),
        "exploratory": False,
        "chosen": False,
        "chosen_on": None,
        "dev_scores": (),
        "target_recordings_for_choice": 0,
        "evaluation": "0123456789ab",
        "command": f"snakemake {arm}.json",
        "arm": arm,
        "tts": None,
        "vector": None,
        "scaling_coefficient": None,
        "vector_on": None,
        "window": 30,
        "target_recordings": "none",
        "wer": wer,
        "cer": wer / 2,
        "wer_against_raw_references": wer + 0.05,
        "counts": MeanWordCounts(70, 20, 10, 900, 1000),
        "seeds": (1,),
        "wer_of_seeds": (wer,),
        "seed_sd": None,
        "models": (f"models/{arm}/seed1",),
        "scores": (f"scores/{arm}/seed1/test.json",),
        "hypotheses": (f"hypotheses/{arm}/seed1/test.jsonl",),
        "warnings": (),
        "decoded_again": 0.0,
        "leakage": None,
        "forgetting": (),
        "forgetting_by_kind": {},
    }
    return SummaryRow(**(row | changes))


def made_up_target(
    rows: tuple[SummaryRow, ...] | list[SummaryRow], **changes: Any
) -> TargetSummary:
    """Return the target music with these rows."""
    target: dict[str, Any] = {
        "base": "tiny",
        "target": "music",
        "speech": "real",
        "manifest": "test.jsonl",
        "line": None,
        "accepted_overlap": (),
        "name": "music",
        "utterances": 100,
        "words": 1000,
        "units": 100,
        "resampled_by": "sentence",
        "rows": tuple(rows),
        "choices": (),
        "plain_words": (),
        "checkpoints": (),
        "verdict": None,
    }
    return TargetSummary(**(target | changes))


def made_up_summary(*targets: TargetSummary, **changes: Any) -> Summary:
    """Return a summary of these targets, in English."""
    summary: dict[str, Any] = {
        "language": "en",
        "confidence": 0.95,
        "resamples": 10_000,
        "resampled_by": "sentence",
        "seed": 0,
        "comparisons": "Holm",
        "primary": (),
        "targets": targets,
    }
    return Summary(**(summary | changes))


def write_made_up_summary(path: Path, *targets: TargetSummary, **changes: Any) -> Path:
    """Write a summary of these targets; return its path."""
    write_summary(path, made_up_summary(*targets, **changes))
    return path
