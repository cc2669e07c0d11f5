"""Test-time adaptation: what a recogniser learns of the recordings that it is to transcribe.

No text is known of them. A new method is a module in adaptation/, with a function ``start``, and
its line in ``ADAPTATIONS``. The table is read wherever a workflow is planned, so it imports nothing
heavy; and it changes no weight, so nothing is transcribed again for it.
"""

from typing import NamedTuple

CTC, WHISPER = "CTC", "Whisper"  # kinds of recognisers


class About(NamedTuple):
    """What is to be known of a method before its module is imported.

    ``title`` stands behind an arm in tables. A ``continual`` one keeps what it learns of a
    recording for those that follow; the others begin anew with each.
    """

    title: str
    kinds: tuple[str, ...]
    continual: bool = False


ADAPTATIONS = {
    "dsuta": About("DSUTA", (CTC,), continual=True),
    "entropy": About("entropy minimization", (WHISPER,)),
    "pseudo_labels": About("pseudo-labels", (CTC, WHISPER)),
    "suta": About("SUTA", (CTC,)),
}
NAME = "|".join(ADAPTATIONS)
TEST_TIME = "test-time adaptation"  # for what an arm that ends in such a name uses test recordings


def refusal(name: str, kind: str) -> str:
    """Return why a method does not fit a kind of recogniser, with the remedy; "" if it does."""
    if kind in ADAPTATIONS[name].kinds:
        return ""
    others = ", ".join(other for other, about in ADAPTATIONS.items() if kind in about.kinds)
    fit = " and ".join(ADAPTATIONS[name].kinds)
    return f"{name} adapts {fit} models, and this is a {kind} model; take {others}"
