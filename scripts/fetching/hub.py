"""Files from a model hub, by its own client."""

from pathlib import Path

from addresses import redacted
from fetching.source import Source, Unavailable, first_line


def hub(source: Source, folder: Path, offline: bool) -> Path:
    """A file of a model hub's repository at a commit, or with ``members`` a folder of its files."""
    import huggingface_hub

    where = {
        "repo_id": source["hub"],
        "revision": source["revision"],
        "repo_type": source.get("repo_type", "model"),
        "local_files_only": offline,
    }
    try:
        if "members" in source:
            return Path(
                huggingface_hub.snapshot_download(**where, allow_patterns=source["members"])
            )
        return Path(huggingface_hub.hf_hub_download(filename=source["file"], **where))
    except (
        Exception
    ) as error:  # the client raises kinds of its own, of its HTTP library and OSError
        reason = first_line(redacted(str(error)))  # which may have the address of a signed download
        raise Unavailable(f"{type(error).__name__}: {reason}") from None
