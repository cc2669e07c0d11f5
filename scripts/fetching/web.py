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
from pathlib import Path

from addresses import HIDDEN, expanded, missing_variables, redacted
from errors import InputError
from fetching.archives import CHUNK, MAX_BYTES
from fetching.source import Source, Unavailable, say
from files.json_file import read_json
from files.regular import open_regular
from files.text_file import read_text

ZENODO = "https://zenodo.org/api/records"
PUBLISHED = "published"  # beside a download: the checksum that its record tells, "md5:..."
ATTEMPTS = 4  # of a URL, each going on where the one before stopped
TIMEOUT = 60  # s without a byte
REPORT_EVERY = 10  # s between two lines about one URL


def megabytes(size: int) -> str:
    """Return a size in bytes as MB, with one decimal."""
    return f"{size / 1e6:.1f} MB"


def url(source: Source, folder: Path, offline: bool) -> Path:
    """A file from an HTTP server; an interrupted download goes on where it stopped."""
    return download(source["url"], folder)


def zenodo(source: Source, folder: Path, offline: bool) -> Path:
    """A file of a Zenodo record, checked against the size and checksum that the record tells."""
    shutil.rmtree(folder / "record", ignore_errors=True)
    record = download(f"{ZENODO}/{source['zenodo']}", folder / "record")
    try:
        files = {
            file["key"]: (file["links"]["self"], file["size"], file["checksum"])
            for file in read_json(record)["files"]
        }
    except (InputError, KeyError, TypeError) as error:
        raise Unavailable(
            f"its record is not understood ({type(error).__name__}: {error})"
        ) from None
    if source["file"] not in files:
        raise Unavailable(f"the record has no file {source['file']!r}; it has {', '.join(files)}")
    address, size, checksum = files[source["file"]]
    (folder / PUBLISHED).write_text(checksum)
    whole = folder / "download"
    if not whole.is_file() or disagreement(whole, size, checksum):  # else of a run killed later
        whole = download(address, folder)
    if wrong := disagreement(whole, size, checksum):
        raise Unavailable(wrong)
    return whole


def disagreement(path: Path, size: int, checksum: str) -> str:
    """Return how a file differs from a size (bytes) and a checksum (``md5:...``), or nothing."""
    if (actual := path.stat().st_size) != size:
        return f"has {actual} bytes, the record tells {size}"
    algorithm = checksum.partition(":")[0]
    with open_regular(path) as file:
        digest = f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
    return "" if digest == checksum else f"has {digest}, the record tells {checksum}"


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
            if error.code == 416:  # nothing is left to send
                return part.replace(whole)
            reason = f"HTTP {error.code} {error.reason}"
            if error.code < 500:
                break
        except (OSError, http.client.HTTPException) as error:
            reason = redacted(f"{type(error).__name__}: {error}")
        if attempt < ATTEMPTS - 1:
            time.sleep(2**attempt)
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
    try:
        entry = netrc.netrc(path).authenticators(host)
    except FileNotFoundError:
        return None, None
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError) as error:
        say(f"{path} is not used, for it cannot be read ({type(error).__name__})")
        return None, None
    if entry is None:
        return None, None
    user, _, password = entry
    return urllib.parse.quote(user), urllib.parse.quote(password or "")


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects; user and password go to the host that they are for, and to no other."""

    def redirect_request(self, request, file, code, message, headers, address):
        new = super().redirect_request(request, file, code, message, headers, address)
        if new and origin(new.full_url) == origin(request.full_url):
            for name, value in request.unredirected_hdrs.items():
                if name == "Authorization":
                    new.add_unredirected_header(name, value)
        return new


def origin(address: str) -> tuple[str, str]:
    """Return scheme and host of an address."""
    parts = urllib.parse.urlsplit(address)
    return parts.scheme, parts.netloc


def resume(address: str, part: Path, authorization: str | None = None) -> None:
    """Fetch into ``part`` what it lacks; begin anew if the server's file is another one by now."""
    mark = part.with_suffix(".part.version")
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(  # noqa: S310 (``download`` takes http and https)
        address, headers={"User-Agent": "syn2real-fetch"}
    )
    if have:
        request.add_header("Range", f"bytes={have}-")
        if mark.is_file():
            request.add_header("If-Range", read_text(mark))
    if authorization:
        request.add_unredirected_header("Authorization", authorization)
    opener = urllib.request.build_opener(Redirects)
    with opener.open(request, timeout=TIMEOUT) as response:
        if response.status != 206:
            have = 0
        if version := response.headers["ETag"] or response.headers["Last-Modified"]:
            mark.write_text(version)
        length = response.headers["Content-Length"]
        whole = have + int(length) if length else None
        with part.open("ab" if have else "wb") as file:
            reported = time.monotonic()
            while chunk := response.read(CHUNK):
                have += len(chunk)
                if have > MAX_BYTES:
                    raise Unavailable(f"larger than the bound of {MAX_BYTES} bytes")
                file.write(chunk)
                if time.monotonic() - reported > REPORT_EVERY:
                    reported = time.monotonic()
                    say(f"{megabytes(have)} of {megabytes(whole or 0)} from {redacted(address)}")
    if whole is not None and have != whole:
        raise ConnectionError(f"the connection ended after {have} of {whole} bytes")
