"""Files from web servers, downloaded in several attempts, each going on where the last one stopped.

Secrets of an address (user and password, values of its query) are sent to its host and to no other.
"""

import base64
import hashlib
import http.client
import netrc
import os
import shutil
import string
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from addresses import HIDDEN, expanded, missing_variables
from errors import InputError, is_full_disk
from fetching.resuming import is_whole, resume
from fetching.source import Source, Unavailable, reason_of, say
from files.json_file import read_json
from files.regular import check_regular, open_regular
from files.typed_json import typed

ZENODO = "https://zenodo.org/api/records"
PUBLISHED = "published"  # beside a download: the checksum that its record tells, "md5:..."
ATTEMPTS = 4  # of a URL, each going on where the one before stopped
PAUSE = 1  # s before the second attempt; each further one waits twice as long
ALGORITHMS = ("md5", "sha1", "sha256", "sha512")  # of a record's checksums


@dataclass(frozen=True)
class Links:
    """Where a file of a Zenodo record is."""

    self: str


@dataclass(frozen=True)
class Recorded:
    """A file as its Zenodo record tells it: its name, size in bytes and checksum (``md5:...``)."""

    key: str
    size: int
    checksum: str
    links: Links


@dataclass(frozen=True)
class ZenodoRecord:
    """What is read of a Zenodo record."""

    files: list[Recorded]


def url(source: Source, folder: Path, offline: bool) -> Path:
    """A file from an HTTP server; an interrupted download goes on where it stopped."""
    return download(source["url"], folder)


def zenodo(source: Source, folder: Path, offline: bool) -> Path:
    """A file of a Zenodo record, checked against the size and checksum that the record tells."""
    shutil.rmtree(folder / "record", ignore_errors=True)
    path = download(f"{ZENODO}/{source['zenodo']}", folder / "record")
    try:
        record = typed(ZenodoRecord, read_json(path), "the record", "try another source")
    except InputError as error:
        raise Unavailable(f"its record is not understood ({error})") from None
    files = {file.key: file for file in record.files}
    if source["file"] not in files:
        raise Unavailable(f"the record has no file {source['file']!r}; it has {', '.join(files)}")
    told = files[source["file"]]
    if told.checksum.partition(":")[0] not in ALGORITHMS:
        raise Unavailable(f"the record's checksum {told.checksum[:40]!r} is of a kind not known")
    (folder / PUBLISHED).write_text(told.checksum)
    whole = folder / "download"
    if not whole.is_file() or disagreement(whole, told):  # else of a run killed later
        whole = download(told.links.self, folder)
    if wrong := disagreement(whole, told):
        raise Unavailable(wrong)
    return whole


def disagreement(path: Path, told: Recorded) -> str:
    """Return how a file differs from the size and checksum that its record tells, or nothing."""
    if (size := path.stat().st_size) != told.size:
        return f"has {size} bytes, the record tells {told.size}"
    algorithm = told.checksum.partition(":")[0]
    with open_regular(path) as file:
        digest = f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
    return "" if digest == told.checksum else f"has {digest}, the record tells {told.checksum}"


def download(address: str, folder: Path) -> Path:
    """Fetch an address into ``folder``, in several attempts, and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    if not address.startswith(("https://", "http://")):
        raise Unavailable("only http and https addresses are fetched; use 'path' for a local file")
    if HIDDEN in address:
        raise Unavailable(
            f"its secret was not written down ({HIDDEN}); fetch it with the experiment's own config"
        )
    if missing := ", ".join(missing_variables(address)):
        raise Unavailable(f"environment variable {missing} is not set, which the address names")
    if "${" in expanded(address):
        raise Unavailable(
            "only environment variables whose names begin with SYN2REAL_ are put into an address"
        )
    address, authorization = authorized(expanded(address))
    address = urllib.parse.quote(address, safe=string.punctuation)  # of letters with accents
    part, whole = folder / "download.part", folder / "download"
    for attempt in range(ATTEMPTS):
        try:
            resume(address, part, authorization)
            return part.replace(whole)
        except urllib.error.HTTPError as error:
            reason = f"HTTP {error.code} {error.reason}"
            if error.code == 416:  # nothing is left to send
                if is_whole(error.headers, part):
                    return part.replace(whole)
                part.unlink(missing_ok=True)
            elif error.code < 500:
                break
        except (OSError, http.client.HTTPException) as error:
            if is_full_disk(error):
                raise
            reason = reason_of(error)
        if attempt < ATTEMPTS - 1:
            say(f"{address}: {reason_of(Unavailable(reason))}; trying again")
            time.sleep(PAUSE * 2**attempt)
    raise Unavailable(reason)


def authorized(address: str) -> tuple[str, str | None]:
    """Return an address without user and password, and the header that says them, if there are any.

    They are the address's own, or those of ``~/.netrc`` (or ``$NETRC``) for its host.
    """
    try:
        parts = urllib.parse.urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        raise Unavailable(
            "the address has no host; write @ : / ? # in a password as %40 %3A %2F ..."
        )
    user, password = parts.username, parts.password
    if user is None:
        user, password = known_to_netrc(host)
    if user is None:
        return address, None
    plain = ":".join(urllib.parse.unquote(each or "") for each in (user, password))
    place = f"[{host}]" if ":" in host else host
    bare = parts._replace(netloc=place if port is None else f"{place}:{port}")
    return bare.geturl(), "Basic " + base64.b64encode(plain.encode()).decode()


def known_to_netrc(host: str) -> tuple[str | None, str | None]:
    """Return the user and password, quoted, that the user's netrc file has for a host."""
    path = os.environ.get("NETRC") or os.path.expanduser("~/.netrc")
    if not os.path.lexists(path):
        return None, None
    try:
        check_regular(path)
        entry = netrc.netrc(path).authenticators(host)
    except Exception as error:  # a file that it can't parse breaks it in several ways
        say(f"{path} is not used, for it cannot be read ({type(error).__name__})")
        return None, None
    if entry is None:
        return None, None
    user, _, password = entry
    return urllib.parse.quote(user), urllib.parse.quote(password or "")
