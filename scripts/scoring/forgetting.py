"""What adapted models have lost on other domains than their target."""

from typing import Any

from paths import PRETRAINED
from scoring.comparisons import TestSet, adjust, union
from scoring.scored import identity_of


def add_forgetting(
    rows: list[dict], table: list[dict], others: list[dict], settings: dict[str, Any]
) -> None:
    """Add to each row of the table how its model does on other domains, and what that has cost.

    ``forgetting`` has each test set; ``forgetting_by_kind`` all sets of a kind ("source", "out of
    domain") together, compared with the pretrained model.
    """
    for entry in table:
        entry["forgetting"], entry["forgetting_by_kind"] = [], {}
    entry_of = {identity_of(row): entry for row, entry in zip(rows, table, strict=True)}
    heard = [row for row in others if row["role"] == "forgetting"]
    for domain in dict.fromkeys(row["domain"] for row in heard):
        of_domain = [row for row in heard if row["domain"] == domain]
        elsewhere = TestSet(of_domain, settings)
        for index, row in enumerate(of_domain):
            other = elsewhere.index_of(row, PRETRAINED)
            entry_of[identity_of(row)]["forgetting"].append(
                {key: row[key] for key in ("domain", "kind", "wer", "scores")}
                | elsewhere.size
                | {"wer_interval": elsewhere.wer_interval(index)}
                | {"versus_pretrained": elsewhere.compare(index, other)}
            )
        found = [
            each["versus_pretrained"]
            for entry in table
            for each in entry["forgetting"]
            if each["domain"] == domain and each["versus_pretrained"] and not entry["exploratory"]
        ]
        adjust(found, settings["confidence"])
    for kind in dict.fromkeys(row["kind"] for row in heard):
        of_kind = [row for row in heard if row["kind"] == kind]
        for model, comparison in differences_of_kind(of_kind, entry_of, settings).items():
            entry_of[model]["forgetting_by_kind"][kind] = comparison and {
                key: comparison[key] for key in ("difference", "interval")
            }


def differences_of_kind(
    rows: list[dict], entry_of: dict[tuple, dict], settings: dict[str, Any]
) -> dict[tuple, dict | None]:
    """Return each model's difference from the pretrained one on all test sets of a kind together.

    Of a single test set that is the one that its entry in ``forgetting`` has.
    """
    sets_of: dict[tuple, list[dict]] = {}
    for row in rows:
        sets_of.setdefault(identity_of(row), []).append(row)
    if len({row["domain"] for row in rows}) == 1:
        domain = rows[0]["domain"]
        return {
            model: entry["versus_pretrained"]
            for model in sets_of
            for entry in entry_of[model]["forgetting"]
            if entry["domain"] == domain
        }
    whole = TestSet([union(of_model) for of_model in sets_of.values()], settings)
    return {
        model: whole.compare(index, whole.index_of(row, PRETRAINED))
        for index, (model, row) in enumerate(zip(sets_of, whole.rows, strict=True))
    }
