"""What a summary says of a checkpoint, in a model card's words."""

from escaping import markdown
from paths import coefficient
from reporting.words import percent, spread
from scoring.summary import SummaryRow, TargetSummary


def verdict(row: SummaryRow) -> str:
    """Say plainly whether a row is better than the pretrained model."""
    comparison = row.versus_pretrained
    if comparison is None:
        return "It was not compared with the pretrained model."
    difference = f"({spread(comparison)})"
    if comparison.p_adjusted is None:
        shown = "is not better" if comparison.difference >= 0 else "is not shown to be better"
        return (
            f"**It {shown} than the pretrained model** {difference}: no way of choosing λ picked"
            " this one, so the difference was not tested."
        )
    if not comparison.significant:
        return f"**It is not shown to be better than the pretrained model** {difference}."
    if comparison.difference < 0:
        return f"It makes fewer word errors than the pretrained model {difference}."
    return f"**It makes more word errors than the pretrained model** {difference}."


def about_coefficient(row: SummaryRow, entry: TargetSummary) -> str:
    """Say whether the checkpoint's λ is the one that the table's way of choosing picked."""
    if row.chosen:
        return f"The table's λ, {markdown(str(row.chosen_on))}, is the same."
    for other in entry.rows:
        if not other.chosen or other.scaling_coefficient is None:
            continue
        if (other.arm, other.tts, other.vector) == (row.arm, row.tts, row.vector):
            return (
                f"**It is not the table's λ**, which is {coefficient(other.scaling_coefficient)}"
                f" ({markdown(str(other.chosen_on))}; WER {percent(other.wer)} %)."
            )
    return "The table has chosen no λ for this model."
