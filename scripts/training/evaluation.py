"""Evaluations on dev speech, which stop a training and choose its checkpoint."""

import torch

from recognisers.transcription import by_duration, transcribe
from scoring.word_errors import score
from training import several_processes as distributed
from training.data import Speech

EVALUATION_BATCH = 32  # utterances


@torch.no_grad()
def dev_loss(speech: Speech) -> float:
    """Return the loss per token (nats)."""
    speech.recogniser.model.eval()
    order = sorted(range(len(speech)), key=lambda index: len(speech.labels[index]))
    cut = [order[i : i + EVALUATION_BATCH] for i in range(0, len(order), EVALUATION_BATCH)]
    parts = [
        (indices, speech.duration(indices))
        for indices in cut[distributed.rank() :: distributed.size()]
    ]
    summed = 0.0
    for part, audio in zip(parts, speech.audio(parts), strict=True):
        summed += speech.loss(*part, audio).item()
    [summed] = distributed.total([summed], speech.recogniser.device)
    return summed / speech.tokens(order)


def dev_wer(speech: Speech) -> float:
    """Return the WER (a fraction)."""
    rows = [row | {"id": id} for row, id in zip(speech.utterances, speech.ids, strict=True)]
    cut = list(by_duration(rows, EVALUATION_BATCH))[distributed.rank() :: distributed.size()]
    share = [row for batch in cut for row in batch]
    hypotheses = transcribe(speech.recogniser, share, EVALUATION_BATCH, speech.readers)
    return score(rows, distributed.gather(hypotheses), speech.recogniser.language).wer


CRITERIA = {"loss": dev_loss, "wer": dev_wer}
