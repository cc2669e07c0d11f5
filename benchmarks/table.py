"""Show what benchmarks have found, as tables in benchmarks/README.md between its two marks."""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from measure import RESULTS, ROOT

from errors import InputError, run
from files.atomic import atomic_path

README = ROOT / "benchmarks" / "README.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
ORDER = (
    "finetuning", "transcription", "task_vectors", "sweep", "resampling", "synthesis", "planning",
    "features", "from_nothing",
)  # fmt: skip


def read_results(folder: Path) -> list[dict]:
    """Return the benchmarks' results, in the order of the table."""
    found = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    return [found[name] for name in ORDER if name in found]


def show(folder: Path) -> str:
    """Return the tables of a folder; of folders within, other machines', the comparisons alone."""
    results = read_results(folder)
    if not results:
        raise InputError(f"{folder}: no results; run `make bench` first")
    parts = [f"Measured on {machine(results)}.", comparisons(results)]
    parts += [facts(results), growths(results), profiles(results)]
    for other in sorted(path for path in folder.iterdir() if path.is_dir()):
        results = read_results(other)
        parts += [f"On another machine, {machine(results)}:", comparisons(results)]
    return "\n\n".join(parts)


def machine(results: Sequence[dict]) -> str:
    """Return what the numbers were measured on; each machine once."""
    lines = []
    for result in results:
        about = result["machine"]
        line = (
            f"{about['cores']} cores of {about['processor']} ({', '.join(about['instructions'])}),"
            f" {about['memory_gb']:g} GB, {about['gpu'] or 'no GPU'}, Python {about['python']}"
        )
        if line not in lines:
            lines.append(line)
    return "; ".join(lines)


def comparisons(results: Sequence[dict]) -> str:
    """Return the table of all comparisons."""
    rows = [
        (
            row["work"],
            f"{duration(row['seconds'])}{rate(row)}",
            f"{row['peer']}: {duration(row['peer_seconds'])}" if row["peer"] else "–",
            ratio(row),
            bound(row),
        )
        for result in results
        for row in result["comparisons"]
    ]
    return markdown(("work", "ours", "peer", "ratio (bar)", "limit"), rows)


def duration(seconds: float) -> str:
    """Return seconds with three digits."""
    return f"{seconds:.0f} s" if seconds >= 100 else f"{seconds:.3g} s"


def rate(row: dict) -> str:
    """Return how much of the work is done in a second, where the work has parts."""
    if row["amount"] == 1:
        return ""
    return f" ({row['amount'] / row['seconds']:.3g} {row['unit']}/s)"


def ratio(row: dict) -> str:
    """Return how many times faster we are, what is asked for, and whether it is reached."""
    if row["ratio"] is None:
        return "–"
    found = f"**{row['ratio']:.3g}×**"
    if row["bar"] is None:
        return found
    return f"{found} (≥ {row['bar']:g}{met(row['ratio'] >= row['bar'])})"


def bound(row: dict) -> str:
    """Return what the machine allows, how near we are, and what is asked for."""
    parts = []
    if row["limit"]:
        times = row["seconds"] / row["limit_seconds"]
        parts.append(f"{row['limit']}: {duration(row['limit_seconds'])}, ours {times:.3g}×")
    if row["at_most"]:
        within = met(row["seconds"] <= row["at_most"])
        parts.append(f"at most {duration(row['at_most'])}{within}")
    return "; ".join(parts) or "–"


def met(reached: bool) -> str:
    """Return a mark for a bar that is not reached."""
    return "" if reached else ", **not met**"


def facts(results: Iterable[dict]) -> str:
    """Return the table of all that is no time."""
    rows = [
        (
            result["name"],
            fact,
            ", ".join(map(number, value if isinstance(value, list) else [value])),
        )
        for result in results
        for fact, value in result["facts"].items()
    ]
    return markdown(("benchmark", "what else was found", "value"), rows)


def number(value: object) -> str:
    """Return a number with four digits at most, anything else as it is."""
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}"


def growths(results: Iterable[dict]) -> str:
    """Return the table of how time and memory grow with the work."""
    rows = []
    for result in results:
        for growth in result["growth"]:
            for place, size in enumerate(growth["sizes"]):
                memory = growth["peak_memory"][place]
                per = 1000 * growth["seconds"][place] / size
                rows.append(
                    (
                        growth["what"],
                        f"{size:,}",
                        duration(growth["seconds"][place]),
                        f"{per:.3g} ms",
                        f"{memory / 1e6:.0f} MB" if memory else "–",
                    )
                )
    return markdown(("growth in", "size", "time", "time for each", "peak memory"), rows)


def profiles(results: Iterable[dict]) -> str:
    """Return the table of where the time goes."""
    rows = []
    for result in results:
        for what, parts in result["profile"].items():
            whole = sum(parts.values())
            shares = (f"{part} {100 * taken / whole:.0f} %" for part, taken in parts.items())
            rows.append((result["name"], what, ", ".join(shares)))
    return markdown(("benchmark", "where the time goes", "shares"), rows)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of JSON files")
    parser.add_argument("--readme", type=Path, default=README, help="page to bring up to date")
    options = parser.parse_args(argv)
    tables = show(options.results)
    text = options.readme.read_text(encoding="utf-8")
    if not text.count(BEGIN) == text.count(END) == 1:
        raise InputError(f"{options.readme}: must have the marks {BEGIN} and {END} once")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    with atomic_path(options.readme) as temporary:
        temporary.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    run(main)
