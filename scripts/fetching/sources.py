"""Where a file can come from: one function for each kind of source.

Each takes its declaration, a folder of its own and whether the network is out of reach; it returns
the file, or raises ``Unavailable``.
"""

from collections.abc import Callable
from pathlib import Path

from fetching.hub import hub
from fetching.packages import deb, npm, sdist, wheel
from fetching.source import Source, Unavailable
from fetching.web import url, zenodo


def path(source: Source, folder: Path, offline: bool) -> Path:
    """A file or folder of this machine."""
    local = Path(source["path"]).expanduser()
    if not local.exists():
        raise Unavailable("no such file or folder")
    if not (local.is_file() or local.is_dir()):
        raise Unavailable("is neither a file nor a folder")
    return local


SOURCES: dict[str, Callable[[Source, Path, bool], Path]] = {
    "hub": hub,
    "url": url,
    "zenodo": zenodo,
    "pypi": wheel,
    "sdist": sdist,
    "npm": npm,
    "deb": deb,
    "path": path,
}
RESUMED_KINDS = ("url", "zenodo")  # a partial download is gone on with
LOCAL_KINDS = ("path", "hub")  # the hub's own cache may have the file; nothing is downloaded
