"""Bad and hostile sources of files: servers, package clients, declarations, folders to write in.

Whatever is wrong with a source is one line, and the next one is tried.
"""

import contextlib
import functools
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import fetch
from bad_input import RIGHT, Case, judge
from errors import InputError, run
from fetching import packages, resuming, sources, web
from fetching.downloads import describe

CONTENT = bytes(range(256)) * 20  # 5,120 bytes
SHA = hashlib.sha256(CONTENT).hexdigest()
Answer = Callable[[BaseHTTPRequestHandler], None]


# --- a server


def answer(
    status: int = 200, content: bytes = CONTENT, length: Any = True, **headers: str
) -> Answer:
    """Return what sends a status, headers and a content; ``length`` as if it were the content's."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        if length is not None:
            handler.send_header("Content-Length", str(len(content) if length is True else length))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return send


def raw(content: bytes) -> Answer:
    """Return what sends some bytes and no more."""
    return lambda handler: handler.wfile.write(content) and None


def without_end(begin: bytes, more: bytes, pause: float = 0.02) -> Answer:
    """Return what sends bytes again and again, until nobody listens."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(begin)
        began = time.monotonic()
        while time.monotonic() < began + 20:
            handler.wfile.write(more)
            time.sleep(pause)

    return send


def redirect(where: str, status: int = 302) -> Answer:
    return answer(status, b"", Location=where)


OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS: dict[str, tuple[Answer, str]] = {  # and what is said of it; nothing if it gives the file
    "the file": (answer(), ""),
    "the file in chunks": (
        raw(OK + b"Transfer-Encoding: chunked\r\n\r\n1400\r\n" + CONTENT + b"\r\n0\r\n\r\n"),
        "",
    ),
    "the file without a length": (answer(length=None), ""),
    "the file elsewhere": (redirect("/the%20file"), ""),
    "nothing": (raw(b""), "RemoteDisconnected"),
    "silence": (lambda handler: time.sleep(2), "begin to answer"),
    "silence after the headers": (without_end(OK + b"\r\n", b"", 2), "timed out|less than"),
    "a byte now and then": (without_end(OK + b"\r\n", b"x"), "less than .* bytes a second"),
    "headers byte by byte": (without_end(OK + b"X: ", b"x"), "begin to answer"),
    "to be continued for ever": (
        without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0),
        "begin to ans",
    ),
    "a redirect without an end": (
        without_end(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", bytes(1 << 16), 0),
        "HTTP 404",
    ),
    "a file without an end": (
        without_end(OK + b"\r\n", bytes(1 << 16), 0),
        "larger than the bound",
    ),
    "a promise of an exabyte": (answer(length=1 << 60), "larger than the bound"),
    "not HTTP": (raw(b"SSH-2.0-x\r\n"), "BadStatusLine|RemoteDisc"),
    "a status of three letters": (raw(b"HTTP/1.1 abc OK\r\n\r\n"), "BadStatusLine"),
    "an escape sequence as a status": (raw(b"HTTP/1.1 404 \x1b]0;x\x07\r\n\r\n"), "HTTP 404"),
    "a status of a million letters": (raw(b"HTTP/1.1 404 " + b"x" * 10**6), "LineTooLong"),
    "two hundred headers": (raw(OK + b"X: y\r\n" * 200 + b"\r\n"), "HTTPException.*100 headers"),
    "headers that are none": (raw(OK + b"\xff\xfe\x00\r\n\r\n" + CONTENT[:9]), "sha256"),
    "HTTP 204": (answer(204, b"", None), "HTTP 204"),
    "HTTP 203 and another content": (answer(203, b"x"), "HTTP 203"),
    "HTTP 300": (answer(300, b""), "HTTP 300"),
    "HTTP 401": (answer(401, b""), "HTTP 401"),
    "HTTP 407": (answer(407, b""), "HTTP 407"),
    "HTTP 416 at once": (answer(416, b""), "HTTP 416"),
    "HTTP 500": (answer(500, b""), "HTTP 500"),
    "HTTP 999": (answer(999, b""), "HTTP 999"),
    "a part, not asked for": (
        answer(206, CONTENT, Content_Range="bytes 0-5119/9999"),
        "206.* not asked for",
    ),
    "compressed, not asked for": (answer(Content_Encoding="gzip"), "Content-Encoding.*gzip"),
    "fewer bytes than promised": (answer(length=9999), "ended after 5120 of 9999"),
    "more bytes than promised": (answer(length=9), "sha256"),
    "a length of letters": (answer(length="many"), "Content-Length.*many"),
    "a negative length": (answer(length=-5), "Content-Length.*-5"),
    "a length of 5,000 digits": (answer(length="9" * 5000), "Content-Length.*99"),
    "a fraction of a length": (answer(length="5120.5"), "Content-Length.*5120.5"),
    "a length in words of Unicode": (answer(length="\xb2"), "Content-Length"),
    "chunks of no size": (raw(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx"), "Incomplete"),
    "chunks of a negative size": (
        raw(OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc"),
        "Incomplete|size",
    ),
    "chunks that break off": (raw(OK + b"Transfer-Encoding: chunked\r\n\r\n99\r\nx"), "Incomplete"),
    "a redirect in a circle": (redirect("/a%20redirect%20in%20a%20circle"), "HTTP 302"),
    "a redirect to a file": (redirect("file:///etc/passwd"), "HTTP 302.*file:"),
    "a redirect to FTP": (redirect("ftp://127.0.0.1/x"), "leads to 'ftp:"),
    "a redirect to no host": (redirect("http://"), "host"),
    "a redirect to half an address": (redirect("http://[::1/"), "IPv6"),
    "a redirect to a port of letters": (redirect("http://127.0.0.1:x/"), "x"),
    "a redirect to a host of dots": (redirect("http://a..b/"), "UnicodeError"),
    "a redirect to spaces and lines": (redirect("/a b\xe9\x0bc"), "HTTP 404"),
    "a redirect to nowhere": (answer(302, b""), "HTTP 302"),
    "HTML": (answer(content=b"<html>log in</html>"), "gave sha256"),
    "a version of two lines": (
        raw(OK + b'Content-Length: 5120\r\nETag: "a\r\n b"\r\n\r\n' + CONTENT[:100]),
        "ended after 100 of 5120",
    ),
    "a version of 9,000 letters": (answer(length=6000, ETag="x" * 9000), "ended after 5120"),
}


@functools.cache
def server() -> str:
    """Return the address of a server of ``ANSWERS``, each at the path of its name."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/").replace("%20", " ")
            with contextlib.suppress(OSError):
                (ANSWERS[name][0] if name in ANSWERS else answer(404, b""))(self)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{http.server_port}"


# --- what is tried


@contextlib.contextmanager
def impatient(is_slow: bool):
    """Wait for nothing; with ``is_slow`` not for a server either, as if it had had its time."""
    slow = {"TIMEOUT": 0.3, "FLOOR": 1e5, "WINDOW": 0.3} if is_slow else {}
    with (
        mock.patch.multiple(resuming, MAX_BYTES=1 << 20, **slow),
        mock.patch.multiple(web, ATTEMPTS=2, PAUSE=0),
        mock.patch.dict(os.environ, {"HF_HUB_OFFLINE": "", "no_proxy": "*"}),
        mock.patch.object(os, "fsync"),
    ):
        yield


def fetched(files: dict[str, Any], output: Path, is_slow: bool = False) -> None:
    declaration = json.dumps({"licence": "MIT", "files": files})
    arguments = ["--artifact", "demo", "--declaration", declaration, "--output", str(output)]
    with impatient(is_slow):
        run(partial(fetch.main, arguments))


def from_source(
    folder: Path,
    source: dict | Callable[[Path], dict],
    entry: dict,
    is_refused: bool = True,
    is_slow: bool = False,
) -> None:
    """Fetch a file from a source and, if it gives none, from the next; then from it alone."""
    given = source(folder) if callable(source) else source
    (folder / "local").write_bytes(CONTENT)
    local = {"path": str(folder / "local")}
    if "members" in given:
        local = {"path": str(folder), "members": "local"}
    if is_refused:
        try:
            fetched({"a": entry | {"sources": [given, local]}}, folder / "two", is_slow)
        except SystemExit as error:
            raise RuntimeError(f"{describe(given)}: the next source was not tried") from error
    try:
        fetched({"a": entry | {"sources": [given]}}, folder / "alone", is_slow)
    finally:
        if is_refused and any((folder / "alone").iterdir()):
            raise RuntimeError("something was left of what was refused")


def source_case(
    door: str,
    what: str,
    source: dict | Callable[[Path], dict],
    says: str,
    pinned: bool = True,
    is_slow: bool = False,
) -> Case:
    """A source that does not give its file; ``says`` is in the line about it, after its number."""
    entry = {"sha256": SHA} if pinned else {"checksum": "first-use"}
    one_line = rf"(?m)^ +1\. .*(?:{says})" if says else ""
    call = partial(from_source, source=source, entry=entry, is_refused=bool(says), is_slow=is_slow)
    return Case(door, what, call, one_line)


def answer_case(what: str, says: str, pinned: bool = True) -> Case:
    def at_server(folder: Path) -> dict:
        return {"url": f"{server()}/{what.replace(' ', '%20')}"}

    name = what + " (first use)" * (not pinned)
    return source_case("server", name, at_server, says, pinned, what in SLOW)


SLOW = (
    *("silence", "silence after the headers", "a byte now and then", "headers byte by byte"),
    "to be continued for ever",
)
UNGUARDED = (  # what no checksum would tell
    *("HTTP 204", "HTTP 203 and another content", "HTTP 416 at once", "a part, not asked for"),
    *("compressed, not asked for", "fewer bytes than promised", "a length of letters"),
    *("a byte now and then", "a file without an end", "a redirect to a file"),
)


def resumed(folder: Path, have: bytes, sends: Answer, pinned: bool) -> None:
    """Go on with a download of which a part is there, from a server that ``sends`` something."""
    address = f"{server()}/another"
    key = hashlib.sha256(json.dumps({"url": address}).encode()).hexdigest()[:16]
    part = folder / f"out/.demo.work/{key}/download.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(have)
    entry = {"sha256": SHA} if pinned else {"checksum": "first-use"}
    with mock.patch.dict(ANSWERS, {"another": (sends, "")}):
        try:
            fetched({"a": entry | {"sources": [{"url": address}]}}, folder / "out/demo")
        finally:
            for path in (folder / "out/.demo.work").rglob("*"):
                path.is_file() and path.unlink()
    if (folder / "out/demo/a").read_bytes() != CONTENT:
        raise RuntimeError("parts of two files were put together")


def resumed_case(
    what: str, have: bytes, sends: Answer, says: str = "", pinned: bool = True
) -> Case:
    call = partial(resumed, have=have, sends=sends, pinned=pinned)
    return Case("server, resumed", what, call, says)


def by_range(content: bytes, start: int | None, told: str) -> Answer:
    """Return what answers any range with that from ``start``, and tells of it what is ``told``."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        if "Range" not in handler.headers:
            answer(content=content)(handler)
        elif start is None:
            answer(416, b"", Content_Range=told)(handler)
        else:
            answer(206, content[start:], Content_Range=told)(handler)

    return send


X = b"x" * 9999


# --- Zenodo's records, package clients, the user's own folders

TOLD = {"key": "x", "size": 5120, "checksum": "", "links": {"self": ""}}


def record_case(what: str, content: bytes | dict | list, says: str) -> Case:
    def at_server(folder: Path) -> dict:
        told = content
        if isinstance(content, dict):
            whole = {"self": f"{server()}/the%20file"}
            checksum = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
            file = {"key": "x", "size": 5120, "checksum": checksum, "links": whole} | content
            told = {"files": [{k: v for k, v in file.items() if v is not ...}]}
        sent = told if isinstance(told, bytes) else json.dumps(told).encode()
        ANSWERS["records/1"] = (answer(content=sent), "")
        return {"zenodo": "1", "file": "x"}

    def call(folder: Path, base: Case) -> None:
        with mock.patch.object(web, "ZENODO", f"{server()}/records"):
            base.call(folder)

    base = source_case("Zenodo's record", what, at_server, says)
    return Case(base.door, what, partial(call, base=base), base.says)


def raises(error: Exception) -> Callable[..., Path]:
    def source(*_: object) -> Path:
        raise error

    return source


def raising_case(what: str, error: Exception, says: str) -> Case:
    """A client that fails in a way that nobody thought of."""
    base = source_case("client", what, {"npm": "a@1.0.0", "member": "b"}, says)

    def call(folder: Path) -> None:
        with mock.patch.dict(sources.SOURCES, {"npm": raises(error)}):
            base.call(folder)

    return Case(base.door, what, call, base.says)


def client_case(what: str, script: str, says: str) -> Case:
    """A client that is a script of a shell."""
    base = source_case("client", what, {"npm": "a@1.0.0", "member": "b"}, says)

    def call(folder: Path) -> None:
        (folder / "bin").mkdir()
        (folder / "bin/npm").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "bin/npm").chmod(0o755)
        path = {"PATH": f"{folder}/bin:{os.environ['PATH']}"}
        with mock.patch.dict(os.environ, path), mock.patch.object(packages, "COMMAND_TIMEOUT", 0.5):
            base.call(folder)

    return Case(base.door, what, call, base.says)


def path_case(what: str, make: Callable[[Path], object], says: str, **more: Any) -> Case:
    def source(folder: Path) -> dict:
        make(folder / "given")
        return {"path": str(folder / "given")} | more

    pinned = "members" not in more
    return source_case("path", what, source, says, pinned)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def with_pipe(path: Path) -> None:
    path.mkdir()
    os.mkfifo(path / "a.wav")


def netrc_case(what: str, make: Callable[[Path], object]) -> Case:
    """A file of passwords that is none is not read, and told; the address needs none."""

    def call(folder: Path) -> None:
        make(folder / "netrc")
        with mock.patch.dict(os.environ, {"NETRC": str(folder / "netrc")}):
            source = {"url": f"{server()}/the%20file"}
            fetched({"a": {"sha256": SHA, "sources": [source]}}, folder / "out")

    return Case("netrc", what, call)


# --- the folder that is written in


def output_case(what: str, prepare: Callable[[Path], object], says: str) -> Case:
    """A folder in which the file can't be put, whose name is ``demo``."""

    def call(folder: Path) -> None:
        prepare(folder / "demo")
        (folder / "local").write_bytes(CONTENT)
        entry = {"checksum": "first-use", "sources": [{"path": str(folder / "local")}]}
        fetched({"a": entry}, folder / "demo")

    return Case("folder of an artifact", what, call, says)


def known(content: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        folder.mkdir()
        (folder / "known.json").write_text(content)

    return write


def blocked(*parts: str) -> Callable[[Path], None]:
    """Return what makes a folder (or, of a name with a '|', a pipe) in the place of a file."""

    def write(folder: Path) -> None:
        for part in parts:
            path = folder.parent / part.strip("|")
            path.parent.mkdir(parents=True, exist_ok=True)
            os.mkfifo(path) if part.endswith("|") else path.mkdir(exist_ok=True)

    return write


# --- declarations

RIGHT_ENTRY = {"sha256": SHA, "sources": [{"path": "/x"}]}


def declaration_case(what: str, declaration: object, says: str) -> Case:
    def call(folder: Path) -> None:
        text = declaration if isinstance(declaration, str) else json.dumps(declaration)
        arguments = ["--artifact", "demo", "--declaration", text, "--output", str(folder / "out")]
        run(partial(fetch.main, arguments))

    return Case("declaration", what, call, says)


def of_files(files: object) -> dict:
    return {"licence": "MIT", "files": files}


def of_entry(**changes: object) -> dict:
    return of_files({"a": RIGHT_ENTRY | changes})


def of_source(**source: object) -> dict:
    return of_entry(sources=[source])


CASES = [
    *(answer_case(what, says) for what, (_, says) in ANSWERS.items()),
    *(answer_case(what, ANSWERS[what][1], pinned=False) for what in UNGUARDED),
    resumed_case("the rest", CONTENT[:100], by_range(CONTENT, 100, "bytes 100-5119/5120")),
    resumed_case("another part", CONTENT[:9], by_range(CONTENT, 8, "bytes 8-5119/5120")),
    resumed_case(
        "another part, first use", X[:9], by_range(CONTENT, 8, "bytes 8-/5120"), "", False
    ),
    resumed_case("an untold part", X[:9], by_range(CONTENT, 9, "lines 9-"), "", False),
    resumed_case("a part that is larger", X, by_range(CONTENT, None, "bytes */5120"), "", False),
    resumed_case("a whole part", CONTENT, by_range(CONTENT, None, "bytes */5120"), "", False),
    resumed_case("no size of the whole", X, by_range(CONTENT, None, "bytes */x"), "", False),
    record_case("right", {}, ""),
    record_case("not JSON", b"<html>", "record is not understood"),
    record_case("a list", [], "record is not understood"),
    record_case("endless lists", b"[" * 10**5, "record is not understood"),
    record_case("not UTF-8", b'{"files": "\xff"}', "record is not understood"),
    record_case("a name that is a list", {"key": []}, "record is not understood.*key"),
    record_case("a name that is a number", {"key": 7}, "record is not understood.*key"),
    record_case("a size of letters", {"size": "many"}, "record is not understood.*size"),
    record_case("a size that is none", {"size": None}, "record is not understood.*size"),
    record_case("a negative size", {"size": -1}, "has 5120 bytes, the record tells -1"),
    record_case("a size of 30 digits", b'{"files": [{"size": %s}]}' % (b"9" * 30), "30 digits"),
    record_case("no checksum", {"checksum": ...}, "record is not understood.*checksum"),
    record_case("a checksum that is a number", {"checksum": 7}, "record is not understood"),
    record_case("an unknown checksum", {"checksum": "crc:1"}, "crc.*not known|unknown"),
    record_case("a checksum of any length", {"checksum": "shake_128:00"}, "shake_128"),
    record_case("an empty checksum", {"checksum": ""}, "not known|unknown"),
    record_case("no links", {"links": None}, "record is not understood.*links"),
    record_case("a link that is a number", {"links": {"self": 7}}, "record is not understood"),
    record_case("a link to a file", {"links": {"self": "file:///etc/passwd"}}, "only http"),
    record_case("a link to half a host", {"links": {"self": "http://[x/"}}, "has no host"),
    record_case("an escape sequence as name", {"key": "\x1b]0;x\x07"}, r"has no file 'x'"),
    raising_case("a KeyError", KeyError("x"), "KeyError: 'x'"),
    raising_case("lines", ValueError("a\nb\nc"), "ValueError: a"),
    raising_case("a megabyte of text", TypeError("x" * 10**6), "TypeError: x"),
    raising_case("nothing", AssertionError(), "AssertionError"),
    raising_case("too deep", RecursionError("deep"), "RecursionError: deep"),
    raising_case("no memory", MemoryError(), "MemoryError"),
    raising_case("not UTF-8", UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "UnicodeDecodeEr"),
    client_case("bytes that are no text", "printf 'err \\377'; exit 1", "npm: .*err"),
    client_case("no word", "exit 3", "npm: no message"),
    client_case("an escape sequence", "printf 'err \\033[2J' >&2; exit 1", r"err \\x1b\[2J"),
    client_case("killed", "kill -9 $$", "npm: "),
    client_case("without an end", "sleep 9", "did not end within"),
    client_case("two packages", "touch a.tgz b.tgz", "left 2 files"),
    client_case("no package", "true", "left 0 files"),
    client_case("a folder", "mkdir a.tgz", "left 0 files"),
    client_case("a link", "ln -s /etc/passwd a.tgz", "zip, tar or deb|link"),
    path_case("FIFO", os.mkfifo, "neither a file nor a folder"),
    path_case("device", lambda path: path.symlink_to("/dev/zero"), "neither a file nor a folder"),
    path_case("folder", Path.mkdir, "is a folder; name the files"),
    path_case("link to itself", lambda path: path.symlink_to(path), "no such file|link|loop"),
    path_case("terabyte", sparse, "larger than the bound"),
    path_case("empty archive", Path.touch, "not a whole zip", member="a"),
    path_case("FIFO as member", with_pipe, "no file 'a.wav'", member="a.wav"),
    path_case("FIFO as members", with_pipe, "no file matches", members="*.wav"),
    netrc_case("FIFO", os.mkfifo),
    netrc_case("device", lambda path: path.symlink_to("/dev/zero")),
    netrc_case("folder", Path.mkdir),
    netrc_case("not UTF-8", lambda path: path.write_bytes(b"machine \xff login")),
    netrc_case("without a password", lambda path: path.write_text("machine 127.0.0.1 login")),
    output_case("none", lambda path: None, ""),
    output_case("a file", Path.touch, r"demo.*(Not a dir|File exists|is a file)"),
    output_case("a file above", lambda path: path.parent.joinpath("out").touch(), ""),
    output_case("a FIFO", os.mkfifo, r"demo.*(Not a dir|File exists)"),
    output_case(
        "a link to nowhere", lambda path: path.symlink_to("/dev/null/x"), r"null.*cannot be written"
    ),
    output_case("a FIFO as lock", blocked(".demo.lock|"), r"\.demo\.lock.*; "),
    output_case("a folder as lock", blocked(".demo.lock"), r"\.demo\.lock.*; "),
    output_case("a FIFO for work", blocked(".demo.work|"), r"\.demo\.work.*; "),
    output_case("a folder as index", blocked("demo/files.json"), "files.json.*; "),
    output_case("a FIFO as index", blocked("demo/files.json|"), ""),
    output_case("a folder as record", blocked("demo/files.json.lineage.json"), "lineage.json.*; "),
    output_case("a FIFO in the file's place", blocked("demo/a|"), ""),
    output_case("a FIFO as what is known", blocked("demo/known.json|"), "known.json: is a pipe"),
    output_case("known: a list", known("[]"), "known.json: '.*' is not a JSON object"),
    output_case("known: a number", known('{"a": 7}'), "known.json: a is '7'; must be an object"),
    output_case("known: no hash", known('{"a": {}}'), "known.json: a lacks sha256"),
    output_case("known: a hash of 7", known('{"a": {"sha256": 7}}'), "known.json: a"),
    output_case("known: not JSON", known("{"), "known.json: not JSON"),
    declaration_case("not JSON", "{", "--declaration: not JSON"),
    declaration_case("null", None, "--declaration: 'null' is not a JSON object"),
    declaration_case("a list", [], "not a JSON object"),
    declaration_case("deep", "[" * 99999, "--declaration: "),
    declaration_case("half a character", '{"licence": "\\ud800"}', "half a character"),
    declaration_case("twice a key", '{"files": {}, "files": {}}', "'files' stands twice"),
    declaration_case("no licence", {"files": {"a": RIGHT_ENTRY}}, "licence is missing"),
    declaration_case("a licence that is none", {"licence": None, "files": {}}, "licence: null"),
    declaration_case("a licence of numbers", {"licence": 7, "files": {}}, "licence: 7"),
    declaration_case("terms that are a list", of_files({}) | {"forbids": []}, r"forbids: \[\]"),
    declaration_case("files that are a list", of_files([RIGHT_ENTRY]), "files: "),
    declaration_case("files that are a text", of_files("a"), 'files: "a"; give a mapping'),
    declaration_case("files that are none", of_files(None), "files: null"),
    declaration_case("a file that is none", of_files({"a": None}), "a: null is not an object"),
    declaration_case("a file that is a list", of_files({"a": []}), r"a: \[\] is not an object"),
    declaration_case("a file without a name", of_files({"": RIGHT_ENTRY}), "files: '' is not"),
    declaration_case(
        "a name of 5,000 letters", of_files({"a" * 5000: RIGHT_ENTRY}), "files: .*long"
    ),
    declaration_case("a hash that is a number", of_entry(sha256=306), "sha256: 306"),
    declaration_case("a hash in capitals", of_entry(sha256=SHA.upper()), "sha256: "),
    declaration_case("a hash with a line", of_entry(sha256=SHA + "\n"), "sha256: "),
    declaration_case("a hash that is a list", of_entry(sha256=[SHA]), r"sha256: \["),
    declaration_case("both checks", of_entry(checksum="first-use"), "give either sha256 or"),
    declaration_case("sources that are one", of_entry(sources={"path": "/x"}), "sources: "),
    declaration_case("sources that are texts", of_entry(sources=["/x"]), "source '/x' must have"),
    declaration_case("a source in a list", of_entry(sources=[[{"path": "/x"}]]), "must have one"),
    declaration_case("a source without a kind", of_entry(sources=[{}]), "must have one of"),
    declaration_case("a join in a join", of_source(join=[{"join": [{"path": "/x"}]}]), "join"),
    declaration_case("a join of texts", of_source(join=["/x"]), "must have one of"),
    declaration_case("a join that is a text", of_source(join="ab"), "join is empty"),
    declaration_case("members of none", of_source(path="/x", members=[]), "members is empty"),
    declaration_case("members that are none", of_source(path="/x", members=None), "members"),
    declaration_case("a member that is none", of_source(path="/x", member=None), "None"),
    declaration_case("a member of no letters", of_source(path="/x", member=""), "''"),
    declaration_case("an address of dots", of_source(url="http://a..b/"), "no host"),
    declaration_case("a host of 99 letters", of_source(url=f"http://{'a' * 99}/"), "no host"),
    declaration_case("a port of 99999", of_source(url="http://a:99999/"), "host"),
    declaration_case("no scheme", of_source(url="//a/b"), "only http"),
    declaration_case("a scheme alone", of_source(url="http:"), "only http"),
    declaration_case("data", of_source(url="data:,x"), "only http"),
    declaration_case(
        "a change of direction", of_source(url="http://127.0.0.1:1/\u202ex"), "control character"
    ),
    declaration_case("an unknown secret", of_source(url="http://a/${HOME}"), "SYN2REAL_"),
    declaration_case(
        "a type that is a list", of_source(hub="a/b", file="c", repo_type=[]), "revis"
    ),
    declaration_case(
        "a revision that is a list", of_source(hub="a/b", file="c", revision=[]), "revision"
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.door}: {case.what}")
def test_bad_input_is_refused_well(case, tmp_path):
    outcome, said = judge(case, tmp_path)
    assert outcome in RIGHT, (outcome, said)


def test_a_number_of_jobs_that_is_none_is_refused():
    with pytest.raises(InputError, match="--jobs: '0'; give a whole number from 1 to 1024"):
        fetch.main(
            ["--artifact", "a", "--declaration", json.dumps(of_entry()), "--output", "x"]
            + ["--jobs", "0"]
        )
