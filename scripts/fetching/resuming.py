"""One answer of a web server, taken as it comes: from where a file stopped, and never without end.

A server that does not begin to answer, or sends next to nothing, is given up: another source may be
better. What it says of the file (status, length, which part it is) is held to what was asked for.
"""

import contextlib
import http.client
import re
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

from addresses import redacted
from fetching.archives import CHUNK, MAX_BYTES
from fetching.source import Unavailable, say
from files.text_file import read_text

TIMEOUT = 20  # s without a byte, and s until the answer begins
FLOOR = 1000  # bytes a second, in each WINDOW
WINDOW = 30  # s
REPORT_EVERY = 10  # s between two lines about one URL
SLOW = "it did not begin to answer within {} s"
DIGITS = r"[0-9]{1,19}"


def megabytes(size: int) -> str:
    """Return a size in bytes as MB, with one decimal."""
    return f"{size / 1e6:.1f} MB"


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects; user and password go to the host that they are for, and to no other.

    What stands in the answer itself is not read: it may have no end.
    """

    def redirect_request(self, request, file, code, message, headers, address):
        if not address.startswith(("https://", "http://")):
            raise Unavailable(f"leads to {address[:100]!r}, which is neither http nor https")
        new = super().redirect_request(request, file, code, message, headers, address)
        if new and origin(new.full_url) == origin(request.full_url):
            for name, value in request.unredirected_hdrs.items():
                if name == "Authorization":
                    new.add_unredirected_header(name, value)
        return new

    def http_error_302(self, request, file, code, message, headers):
        file.read = lambda *_: b""
        return super().http_error_302(request, file, code, message, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def origin(address: str) -> tuple[str, str]:
    """Return scheme and host of an address."""
    parts = urllib.parse.urlsplit(address)
    return parts.scheme, parts.netloc


class Connections(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    """Opens connections, and can end them all."""

    def __init__(self) -> None:
        urllib.request.HTTPSHandler.__init__(self)
        self.opened: list[http.client.HTTPConnection] = []

    def do_open(self, http_class: Any, req: Any, **http_conn_args: Any) -> Any:
        def connect(*place: Any, **more: Any) -> http.client.HTTPConnection:
            self.opened.append(http_class(*place, **more))
            return self.opened[-1]

        return super().do_open(connect, req, **http_conn_args)

    def end(self) -> None:
        """End them, as if the servers did; who waits for one sees it end."""
        for connection in self.opened:
            if connection.sock:
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)


def opened(request: urllib.request.Request) -> http.client.HTTPResponse:
    """Return a server's answer, all redirects and headers of which came within ``TIMEOUT``."""
    connections, late = Connections(), threading.Event()

    def end() -> None:
        late.set()
        connections.end()

    timer = threading.Timer(TIMEOUT, end)
    timer.daemon = True
    timer.start()
    try:
        opener = urllib.request.build_opener(Redirects, connections)
        response: http.client.HTTPResponse = opener.open(request, timeout=TIMEOUT)
    except (OSError, http.client.HTTPException):
        if late.is_set():
            raise TimeoutError(SLOW.format(TIMEOUT)) from None
        raise
    finally:
        timer.cancel()
    if late.is_set():  # headers that are cut off look whole
        raise TimeoutError(SLOW.format(TIMEOUT))
    return response


def resume(address: str, part: Path, authorization: str | None = None) -> None:
    """Fetch into ``part`` what it lacks; begin anew if the server's file is another one by now.

    Raises ``Unavailable`` for an answer that is none to what was asked for, and ``OSError`` or
    ``HTTPException`` for one that may be better another time.
    """
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
    with opened(request) as response:
        have = beginning(response, have, part)
        version = response.headers["ETag"] or response.headers["Last-Modified"] or ""
        mark.unlink(missing_ok=True)
        if re.fullmatch(r"[\x20-\x7e]{1,1000}", version):
            mark.write_text(version)
        whole = length(response, have)
        with part.open("ab" if have else "wb") as file:
            check_bound(max(have, whole or 0), part)
            reported = time.monotonic()
            for chunk in received(response):
                have += len(chunk)
                check_bound(have, part)
                file.write(chunk)
                if time.monotonic() - reported > REPORT_EVERY:
                    reported = time.monotonic()
                    say(f"{megabytes(have)} of {megabytes(whole or 0)} from {redacted(address)}")
    if whole is not None and have != whole:
        raise ConnectionError(f"the connection ended after {have} of {whole} bytes")


def beginning(response: http.client.HTTPResponse, have: int, part: Path) -> int:
    """Return at which byte of the file an answer begins: 0, or the ``have`` that was asked for."""
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise Unavailable(f"answers with Content-Encoding {encoding[:40]!r}, not asked for")
    if response.status == 200:
        return 0
    if response.status != 206:
        raise Unavailable(f"answers with HTTP {response.status}, not with the file")
    if not have:
        raise Unavailable("answers with HTTP 206, a part of the file, not asked for")
    told = response.headers.get("Content-Range", "")
    if not re.match(rf"bytes {have}-", told):
        part.unlink()
        raise ConnectionError(f"another part of the file came than was asked for ({told[:40]!r})")
    return have


def is_whole(headers: Message, part: Path) -> bool:
    """Say whether a file is as long as the server tells, who has nothing beyond it (HTTP 416)."""
    told = re.fullmatch(rf"bytes \*/({DIGITS})", headers.get("Content-Range", ""))
    return told is not None and part.is_file() and part.stat().st_size == int(told[1])


def length(response: http.client.HTTPResponse, have: int) -> int | None:
    """Return how many bytes the whole file has, if the server tells."""
    told = response.headers["Content-Length"]
    if told is None:
        return None
    if not re.fullmatch(DIGITS, told, re.ASCII):
        raise Unavailable(f"answers with Content-Length {told[:40]!r}, no number of bytes")
    return have + int(told)


def check_bound(size: int, part: Path) -> None:
    """Refuse a file that is larger than what may be fetched; nothing of it is kept."""
    if size > MAX_BYTES:
        part.unlink()
        raise Unavailable(f"larger than the bound of {MAX_BYTES} bytes")


def received(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Yield an answer as it comes; raise ``Unavailable`` if it is slower than ``FLOOR``."""
    began, count = time.monotonic(), 0
    while chunk := response.read1(CHUNK):
        yield chunk
        count += len(chunk)
        if (waited := time.monotonic() - began) > WINDOW:
            if count < FLOOR * waited:
                raise Unavailable(f"sends less than {FLOOR} bytes a second")
            began, count = time.monotonic(), 0
