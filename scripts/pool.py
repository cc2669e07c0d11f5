"""Join manifests of several domains into one."""

import argparse

from errors import InputError, run
from files.atomic import check_outputs
from files.manifest import fits, read_manifest, write_jsonl
from records.writing import write_record


def pool(manifests: dict[str, list[dict]]) -> list[dict]:
    """Return the utterances of all manifests (by path), in order.

    Of several manifests, ids become ``{domain}--{id}``, of utterances and of their texts: corpora
    may call theirs alike. Real and synthetic speech of a text still have one place in the order of
    training.
    """
    if len(manifests) == 1:
        return [row for rows in manifests.values() for row in rows]
    origin: dict[str, str] = {}
    pooled = []
    for path, rows in manifests.items():
        for row in rows:
            id = f"{row['domain']}--{row['id']}"
            if id in origin:
                raise InputError(
                    f"{path}: id {row['id']!r} of domain {row['domain']} is in {origin[id]} too;"
                    " pool each domain once"
                )
            origin[id] = path
            text = {"text_id": f"{row['domain']}--{row['text_id']}"} if "text_id" in row else {}
            pooled.append({**row, "id": id, **text})
    return pooled


def check_durations(manifests: dict[str, list[dict]], longest: float) -> None:
    """Raise ``InputError`` for the first utterance that is too long to be tested on."""
    longer = [
        (f"{path}:{line}", row)
        for path, rows in manifests.items()
        for line, row in enumerate(rows, start=1)
        if not fits(row, longest)
    ]
    if longer:
        place, row = longer[0]
        raise InputError(
            f"{place}: {row['id']!r} takes {row['duration']:.1f} s, longer than the window of"
            f" {longest:g} s in which models are tested ({len(longer)} such): {row['text'][:60]!r};"
            f" shorten or split the text {row.get('text_id', row['id'])!r}, lower the domain's"
            " max_duration, have it spoken faster (speed_range), or raise decoding_window"
        )


def main(argv: list[str] | None = None) -> None:
    """Join the manifests that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifests", nargs="+", help="manifests to join, in this order")
    parser.add_argument("--output", required=True, help="manifest to write")
    parser.add_argument("--max-duration", type=float, help="s; a longer utterance is refused")
    options = parser.parse_args(argv)
    check_outputs([options.output], options.manifests)
    manifests = {path: read_manifest(path) for path in options.manifests}
    if options.max_duration is not None:
        check_durations(manifests, options.max_duration)
    rows = pool(manifests)
    write_jsonl(options.output, rows)
    write_record(
        __file__, [options.output], options.manifests, {}, counts={"utterances": len(rows)}
    )


if __name__ == "__main__":
    run(main)
