"""Where a file can come from: one function for each kind of source.

Packages are fetched with the user's own clients (pip, npm, apt-get), so with his mirrors, proxies
and credentials. Secrets of an address (user and password, values of its query) are sent to its host
and told to nobody. Nothing of a package is installed, built or run; what a client is told to fetch
has passed ``declaration.check_source``.
"""

import base64
import hashlib
import http.client
import json
import netrc
import os
import re
import shutil
import string
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from addresses import HIDDEN, expanded, missing_variables, redacted
from escaping import visible
from fetching.archives import CHUNK, MAX_BYTES

Source = dict[str, Any]

ZENODO = "https://zenodo.org/api/records"
PUBLISHED = "published"  # beside a download: the checksum that its record tells, "md5:..."
ATTEMPTS = 4  # of a URL, each going on where the one before stopped
TIMEOUT = 60  # s without a byte
COMMAND_TIMEOUT = 3600  # s for a package
REPORT_EVERY = 10  # s between two lines about one URL
APT_LISTS = threading.Lock()


class Unavailable(Exception):
    """A source that does not give its file, and why."""


def say(message: str) -> None:
    """Write one line of progress."""
    sys.stderr.write(f"fetch: {visible(redacted(message))}\n")
    sys.stderr.flush()


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


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
            for file in json.loads(record.read_bytes())["files"]
        }
    except (ValueError, KeyError, TypeError) as error:
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
    """Return how a file differs from the size and checksum (``md5:...``) told of it, or nothing."""
    if (found := path.stat().st_size) != size:
        return f"has {found} bytes, the record tells {size}"
    algorithm = checksum.partition(":")[0]
    with path.open("rb") as file:
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
        found = netrc.netrc(path).authenticators(host)
    except FileNotFoundError:
        return None, None
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError) as error:
        say(f"{path} is not used, for it cannot be read ({type(error).__name__})")
        return None, None
    if found is None:
        return None, None
    user, _, password = found
    return urllib.parse.quote(user), urllib.parse.quote(password or "")


class Redirected(urllib.request.HTTPRedirectHandler):
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
    request = urllib.request.Request(address, headers={"User-Agent": "syn2real-fetch"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        if mark.is_file():
            request.add_header("If-Range", mark.read_text())
    if authorization:
        request.add_unredirected_header("Authorization", authorization)
    opener = urllib.request.build_opener(Redirected)
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


def wheel(source: Source, folder: Path, offline: bool) -> Path:
    """A wheel, by pip."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    options = ["--ignore-requires-python", "--progress-bar", "off", "--dest", str(folder)]
    execute([*command, *options, "--", source["pypi"]], folder)
    return only_file(folder, "*.whl")


def sdist(source: Source, folder: Path, offline: bool) -> Path:
    """A Python source distribution, by pip's own index search, unbuilt (see ``sdist.py``)."""
    script = Path(__file__).parent.parent / "sdist.py"
    execute([sys.executable, str(script), "--output", str(folder), "--", source["sdist"]], folder)
    return only_file(folder, "*")


def npm(source: Source, folder: Path, offline: bool) -> Path:
    """An npm package, by ``npm pack``."""
    execute(["npm", "pack", "--ignore-scripts", "--loglevel=error", "--", source["npm"]], folder)
    return only_file(folder, "*.tgz")


def deb(source: Source, folder: Path, offline: bool) -> Path:
    """A Debian package, by ``apt-get download``; without package lists, these are fetched first.

    The lists go into a folder of our own: no root is needed, and the system's stay as they are.
    """
    apt = ["apt-get", "-o", "Acquire::Retries=3"]
    if os.geteuid() == 0:  # else apt would change to a user who cannot write into our folder
        apt += ["-o", "APT::Sandbox::User=root"]
    try:
        execute([*apt, "download", "--", source["deb"]], folder)
    except Unavailable as first:
        try:
            lists = fresh_lists(apt, folder.parent)
            execute([*apt, *lists, "download", "--", source["deb"]], folder)
        except Unavailable as second:
            raise Unavailable(
                f"{first}; with fresh package lists: {second}; if it is the lists, run"
                " 'apt-get update' as root"
            ) from None
    return only_file(folder, "*.deb")


def fresh_lists(apt: list[str], work: Path) -> list[str]:
    """Fetch apt's package lists into ``work``, once in a run; return the options that use them."""
    lists = work / "lists"
    options = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={work / 'cache'}"]
    with APT_LISTS:
        if not lists.is_dir():
            (lists / "partial").mkdir(parents=True)
            say("downloading apt's package lists")
            execute([*apt, *options, "-o", "Acquire::Languages=none", "update"], work)
    return options


def path(source: Source, folder: Path, offline: bool) -> Path:
    """A file or folder of this machine."""
    local = Path(source["path"]).expanduser()
    if not local.exists():
        raise Unavailable("no such file or folder")
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


def execute(command: list[str], folder: Path) -> None:
    """Run a package client in ``folder``; its error, if it fails, is the reason given."""
    if shutil.which(command[0]) is None:
        raise Unavailable(f"the command {command[0]} is not installed")
    try:
        result = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=COMMAND_TIMEOUT
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} did not end within {COMMAND_TIMEOUT} s") from None
    if result.returncode:
        lines = [line.strip() for line in f"{result.stdout}\n{result.stderr}".splitlines()]
        lines = [line for line in lines if line and not line.endswith(":")]
        errors = [line for line in lines if re.match(r"(npm )?(E:|err|.*No module)", line, re.I)]
        reason = "; ".join((errors or lines[-1:] or ["no message"])[:2])
        raise Unavailable(f"{Path(command[0]).name}: {first_line(redacted(reason))}")


def only_file(folder: Path, pattern: str) -> Path:
    """Return the one file that a client has put into its folder."""
    files = [file for file in folder.glob(pattern) if file.is_file()]
    if len(files) != 1:
        raise Unavailable(f"the client left {len(files)} files, not one")
    return files[0]


def first_line(text: str, length: int = 300) -> str:
    return (text.strip().splitlines() or ["no message"])[0][:length]
