"""Join manifests of several domains into one."""

from errors import InputError, run
from files.atomic import check_outputs
from files.manifest import read_manifest, write_jsonl
from options import Parser
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


def main(argv: list[str] | None = None) -> None:
    """Join the manifests that the command line names."""
    parser = Parser(description=__doc__)
    parser.add_argument("manifests", nargs="+", help="manifests to join, in this order")
    parser.add_argument("--output", required=True, help="manifest to write")
    options = parser.parse_args(argv)
    check_outputs([options.output], options.manifests)
    manifests = {path: read_manifest(path) for path in options.manifests}
    rows = pool(manifests)
    write_jsonl(options.output, rows)
    write_record(
        __file__, [options.output], options.manifests, {}, counts={"utterances": len(rows)}
    )


if __name__ == "__main__":
    run(main)
