"""Methods that make one task vector of several, or another of one, by their names in a config.

A new method is a module in merging/, with a function ``merge``, and its line in ``METHODS``. The
table is read wherever a workflow is planned, so it imports nothing heavy; and it shapes no vector,
so none is made again for it.
"""

import math
import re
from typing import NamedTuple

from errors import InputError


class Number(NamedTuple):
    """What a number behind a method's name is (ties0.3), its bounds, and whether one must stand."""

    what: str
    lowest: float
    highest: float
    required: bool = False


class About(NamedTuple):
    """What is to be known of a method before its module is imported.

    ``title`` stands behind a vector in tables; ``fewest`` and ``most`` are numbers of vectors that
    it takes; ``attends``: it is of the cross-attention, which CTC models do not have.
    """

    title: str
    number: Number | None = None
    fewest: int = 1
    most: float = math.inf
    attends: bool = False


DENSITY = Number("share of the values that are kept", 0.0001, 1)
AT_ONE_END = Number("factor at the end that is scaled down", 0, 1)

METHODS = {
    "breadcrumbs": About("by Breadcrumbs", DENSITY),
    "cross_attention": About(
        "with the cross-attention times",
        Number("factor of the cross-attention", 0, math.inf, required=True),
        attends=True,
    ),
    "dare": About("by DARE", DENSITY),
    "iso_c": About("by Iso-C"),
    "lines": About("by LiNeS", AT_ONE_END),
    "lines_falling": About("by falling LiNeS", AT_ONE_END),
    "model_stock": About("by Model Stock", fewest=2),
    "slerp": About("by SLERP", Number("way from the first to the second", 0, 1), fewest=2, most=2),
    "ties": About("by TIES", DENSITY),
    "tsv_m": About("by TSV-M"),
}
METHOD = rf"(?:{'|'.join(METHODS)})(?:\d+(?:\.\d+)?)?"  # ties, ties0.3


class Method(NamedTuple):
    """A method's name, and the number behind it, if any."""

    name: str
    number: float | None


def method_of(text: str) -> Method:
    """Return the method that is named, as "ties" or "ties0.3".

    Raises ``InputError`` for one that is unknown, and for a number that is not within its bounds,
    not as short as it can be written, or not there.
    """
    match = re.fullmatch(rf"({'|'.join(METHODS)})(\d.*)?", text)
    if not match:
        raise InputError(f"{text!r} is no method; known are {', '.join(METHODS)}")
    name, written = match.groups()
    if not written:
        if (number := METHODS[name].number) and number.required:
            raise InputError(f"{text!r} lacks its number, the {number.what}: {name}0.5")
        return Method(name, None)
    return Method(name, number_of(name, written))


def number_of(name: str, written: str) -> float:
    """Return the number that stands behind a method's name."""
    number = METHODS[name].number
    if number is None:
        raise InputError(f"'{name}{written}': {name} takes no number; write {name}")
    bounds = f"from {number.lowest:g}"
    if number.highest < math.inf:
        bounds += f" to {number.highest:g}"
    try:
        value = float(written)
    except ValueError:
        value = math.nan
    if not number.lowest <= value <= number.highest or f"{value:g}" != written:
        raise InputError(
            f"'{name}{written}': behind {name} stands the {number.what}, {bounds}, as short as it"
            f" can be written: {name}0.5"
        )
    return value


def parts_of(kind: str) -> tuple[str, str]:
    """Return of what a kind of task vector is made, and by which method, "" for none.

    Of "domains-ties0.3" they are "domains" and "ties0.3".
    """
    match = re.fullmatch(f"(.+)-({METHOD})", kind)
    return (match[1], match[2]) if match else (kind, "")


def titled(vector: str, method: str) -> str:
    """Return a vector as it is shown, made by a method: "τ of domains by TIES 0.3"."""
    name, number = method_of(method)
    title = f"{vector.removeprefix('mean ')} {METHODS[name].title}"
    return title if number is None else f"{title} {number:g}"
