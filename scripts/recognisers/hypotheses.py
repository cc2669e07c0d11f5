"""What a recogniser gives of an utterance: its text, and how sure it is of it, where asked."""

from typing import Any

DIGITS = 4  # of a log probability

Hypothesis = dict[str, Any]  # as a line of a file of hypotheses has it, but for the id


def hypothesis(text: str, log_probability: float | None = None) -> Hypothesis:
    """Return a hypothesis; ``log_probability`` is the mean of its tokens', in nats."""
    if log_probability is None:
        return {"text": text}
    return {"text": text, "log_probability": round(log_probability, DIGITS)}
