"""Fetching: the declared bytes or nothing, from whichever source gives them. Needs no network."""

import gzip
import hashlib
import io
import json
import lzma
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

import fetch
import sdist
from conftest import ROOT
from errors import InputError
from fetching import alone, archives, identity, packages, sources, web
from fetching.source import Unavailable

CONTENT = bytes(range(256)) * 20  # 5,120 bytes


METADATA = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def artifact(**files: dict) -> dict:
    return {"licence": "MIT", "files": files}


def one_file(*where: dict, content: bytes = CONTENT) -> dict:
    """An artifact of one file, ``model.bin``."""
    return artifact(**{"model.bin": {"sha256": sha(content), "sources": list(where)}})


def fetch_main(declaration: dict, output: Path, *options: str) -> None:
    arguments = ["--artifact", "demo", "--declaration", json.dumps(declaration)]
    fetch.main([*arguments, "--output", str(output), *options])


@pytest.fixture
def local(tmp_path) -> dict:
    """A source that works: a file on this machine."""
    (tmp_path / "local.bin").write_bytes(CONTENT)
    return {"path": str(tmp_path / "local.bin")}


@pytest.fixture(autouse=True)
def online(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(web.time, "sleep", lambda seconds: None)


# --- which source, and what happens to wrong bytes


def test_the_first_source_that_works_is_used_and_later_ones_are_not_asked(
    tmp_path, local, monkeypatch
):
    monkeypatch.setitem(sources.SOURCES, "npm", lambda *_: pytest.fail("npm was asked"))
    missing = {"path": str(tmp_path / "missing")}
    later = {"npm": "a@1.0.0", "member": "b"}
    used = fetch.fetch(one_file(missing, local, later)["files"], tmp_path / "out")
    assert used == {"model.bin": f"path {local['path']}"}
    assert (tmp_path / "out" / "model.bin").read_bytes() == CONTENT


def test_wrong_bytes_are_refused_and_removed_and_the_next_source_is_tried(tmp_path, local):
    (tmp_path / "wrong").write_bytes(CONTENT + b"!")
    fetch_main(one_file({"path": str(tmp_path / "wrong")}, local), tmp_path / "out")
    assert (tmp_path / "out" / "model.bin").read_bytes() == CONTENT


def test_if_no_source_works_the_error_names_each_with_its_reason_and_nothing_is_left(tmp_path):
    (tmp_path / "wrong").write_bytes(b"wrong")
    declaration = one_file({"path": str(tmp_path / "missing")}, {"path": str(tmp_path / "wrong")})
    with pytest.raises(InputError) as error:
        fetch_main(declaration, tmp_path / "out")
    message = str(error.value)
    assert f"1. path {tmp_path}/missing: no such file" in message
    assert f"2. path {tmp_path}/wrong: gave sha256 {sha(b'wrong')}" in message
    assert "Remedy" in message
    assert list((tmp_path / "out").iterdir()) == []
    assert not (tmp_path / ".out.work").exists()


def test_the_files_that_could_be_had_stay_when_another_fails(tmp_path, local):
    declaration = one_file(local)
    declaration["files"]["b"] = {"sha256": sha(b"b"), "sources": [{"path": "/none"}]}
    with pytest.raises(InputError, match="1 of 2 files"):
        fetch_main(declaration, tmp_path / "out")
    assert (tmp_path / "out" / "model.bin").is_file()
    assert not (tmp_path / "out" / "files.json").exists()


def test_a_file_that_is_there_is_kept_and_a_damaged_one_replaced(tmp_path, local):
    out = tmp_path / "out"
    fetch_main(one_file(local), out)
    Path(local["path"]).unlink()
    fetch_main(one_file(local), out)  # nothing to fetch from: it is there
    (out / "model.bin").write_bytes(b"damaged")
    with pytest.raises(InputError, match="no such file"):
        fetch_main(one_file(local), out)
    Path(local["path"]).write_bytes(CONTENT)
    fetch_main(one_file(local), out)
    assert (out / "model.bin").read_bytes() == CONTENT


def test_the_index_is_the_same_whichever_source_gave_the_file(tmp_path, local):
    (tmp_path / "copy").write_bytes(CONTENT)
    fetch_main(one_file(local), tmp_path / "one")
    fetch_main(one_file({"path": str(tmp_path / "copy")}), tmp_path / "two")
    index = (tmp_path / "one" / "files.json").read_text()
    assert index == (tmp_path / "two" / "files.json").read_text()
    assert json.loads(index) == {
        "licence": "MIT",
        "files": {"model.bin": {"sha256": sha(CONTENT), "bytes": 5120}},
    }
    lineage = json.loads((tmp_path / "two" / "files.json.lineage.json").read_text())
    assert lineage["sources"] == {"model.bin": f"path {tmp_path}/copy"}


def test_parts_are_joined_in_their_order(tmp_path):
    (tmp_path / "a").write_bytes(CONTENT[:100])
    (tmp_path / "b").write_bytes(CONTENT[100:])
    parts = [{"path": str(tmp_path / "a")}, {"path": str(tmp_path / "b")}]
    fetch_main(one_file({"join": parts}), tmp_path / "out")
    assert (tmp_path / "out" / "model.bin").read_bytes() == CONTENT


def test_one_package_is_downloaded_once_though_four_threads_want_files_of_it(tmp_path, monkeypatch):
    calls = []

    def package(source, folder, offline):
        calls.append(source)
        with zipfile.ZipFile(folder / "x.whl", "w") as wheel:
            for name in "abcd":
                wheel.writestr(name, name)
        return folder / "x.whl"

    monkeypatch.setitem(sources.SOURCES, "pypi", package)
    files = {
        name: {"sha256": sha(name.encode()), "sources": [{"pypi": "x==1", "member": name}]}
        for name in "abcd"
    }
    fetch_main(artifact(**files), tmp_path / "out", "--jobs", "4")
    assert len(calls) == 1
    assert sorted(path.name for path in (tmp_path / "out").glob("?")) == ["a", "b", "c", "d"]


# --- offline


@pytest.mark.parametrize("variable", [None, "1", "TRUE"])
def test_offline_only_local_files_are_taken(tmp_path, local, monkeypatch, variable):
    for kind in ("url", "zenodo", "pypi", "sdist", "npm", "deb"):
        monkeypatch.setitem(sources.SOURCES, kind, lambda *_: pytest.fail("asked the network"))
    if variable:
        monkeypatch.setenv("HF_HUB_OFFLINE", variable)
    options = [] if variable else ["--offline"]
    remote = [
        {"url": "http://x/"},
        {"zenodo": "1", "file": "x"},
        {"pypi": "x==1", "member": "m"},
        {"npm": "x@1.0.0", "member": "m"},
        {"deb": "xy", "member": "m"},
    ]
    fetch_main(one_file(*remote, local), tmp_path / "out", *options)
    with pytest.raises(InputError, match="not tried: offline"):
        fetch_main(one_file(*remote), tmp_path / "other", *options)


# --- URLs


@pytest.fixture
def server():
    """A server of CONTENT that can break off, ignore ranges, or change its file."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state = self.server.state
            state["requests"].append(self.headers.get("Range"))
            state["paths"].append(self.path)
            if state["hold"]:
                state["hold"].wait(60)
            if state["status"]:
                self.send_error(state["status"])
                return
            content, start = state["content"], 0
            about = "/records/" in self.path
            if about:
                content = json.dumps({"files": [state["record"]]}).encode()
            same = self.headers.get("If-Range") in (None, state["etag"])
            if state["ranges"] and self.headers.get("Range") and same:
                start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
                if start >= len(content):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(content)}")
                    self.end_headers()
                    return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-/{len(content)}")
            self.send_header("ETag", state["etag"])
            self.end_headers()
            breaks = state["break_at"] and not about
            end = state["break_at"].pop(0) if breaks else len(content)
            self.wfile.write(content[start:end])

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.state = {
        "content": CONTENT,
        "etag": '"1"',
        "ranges": True,
        "status": 0,
        "break_at": [],
        "hold": None,
        "requests": [],
        "paths": [],
    }
    threading.Thread(target=http.serve_forever, daemon=True).start()
    http.address = f"http://127.0.0.1:{http.server_port}/model.bin"
    yield http
    http.shutdown()
    http.server_close()


def test_a_download_goes_on_where_the_connection_broke(tmp_path, server):
    server.state["break_at"] = [1000, 3000]
    fetch_main(one_file({"url": server.address}), tmp_path / "out")
    assert server.state["requests"] == [None, "bytes=1000-", "bytes=3000-"]
    assert (tmp_path / "out" / "model.bin").read_bytes() == CONTENT


def test_an_interrupted_run_leaves_only_a_part_and_the_next_run_resumes_it(
    tmp_path, server, monkeypatch
):
    monkeypatch.setattr(web, "ATTEMPTS", 1)
    server.state["break_at"] = [1000]
    with pytest.raises(InputError, match="ended after 1000 of 5120 bytes"):
        fetch_main(one_file({"url": server.address}), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    (part,) = (tmp_path / ".out.work").rglob("*.part")
    assert part.read_bytes() == CONTENT[:1000]
    fetch_main(one_file({"url": server.address}), tmp_path / "out")
    assert server.state["requests"][-1] == "bytes=1000-"
    assert (tmp_path / "out" / "model.bin").read_bytes() == CONTENT
    assert not (tmp_path / ".out.work").exists()


def test_a_server_that_ignores_ranges_is_read_from_the_beginning(tmp_path, server):
    server.state.update(break_at=[1000], ranges=False)
    fetch_main(one_file({"url": server.address}), tmp_path / "out")
    assert (tmp_path / "out" / "model.bin").read_bytes() == CONTENT


def test_a_file_that_changed_on_the_server_is_read_from_the_beginning(
    tmp_path, server, monkeypatch
):
    monkeypatch.setattr(web, "ATTEMPTS", 1)
    server.state.update(break_at=[1000], content=b"x" * 5120, etag='"0"')
    with pytest.raises(InputError):
        fetch_main(one_file({"url": server.address}), tmp_path / "out")
    server.state.update(content=CONTENT, etag='"1"')
    fetch_main(one_file({"url": server.address}), tmp_path / "out")
    assert (tmp_path / "out" / "model.bin").read_bytes() == CONTENT


def test_a_part_that_was_whole_already_is_taken(tmp_path, server, monkeypatch):
    monkeypatch.setattr(web, "ATTEMPTS", 1)
    server.state["break_at"] = [5000]
    with pytest.raises(InputError):
        fetch_main(one_file({"url": server.address}), tmp_path / "out")
    (part,) = (tmp_path / ".out.work").rglob("*.part")
    part.write_bytes(CONTENT)
    fetch_main(one_file({"url": server.address}), tmp_path / "out")
    assert (tmp_path / "out" / "model.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (503, web.ATTEMPTS)])
def test_a_refusal_is_final_and_a_server_fault_is_tried_again(tmp_path, server, status, requests):
    server.state["status"] = status
    with pytest.raises(InputError, match=f"HTTP {status}"):
        fetch_main(one_file({"url": server.address}), tmp_path / "out")
    assert len(server.state["requests"]) == requests


def test_a_url_cannot_name_a_local_file(tmp_path, local):
    with pytest.raises(InputError, match="only http and https"):
        fetch_main(one_file({"url": f"file://{local['path']}"}), tmp_path / "out")


# --- Zenodo


@pytest.fixture
def record(server, monkeypatch, tmp_path):
    """A Zenodo record on the server, of one file: an archive with a folder of recordings."""
    archive = make_tar(tmp_path / "packed.tar.gz").read_bytes()
    told = {
        "key": "data.tar.gz",
        "size": len(archive),
        "checksum": f"md5:{hashlib.md5(archive).hexdigest()}",
        "links": {"self": server.address},
    }
    server.state.update(content=archive, record=told)
    monkeypatch.setattr(web, "ZENODO", server.address.replace("model.bin", "api/records"))
    return told


ZENODO = {"zenodo": 4274930, "file": "data.tar.gz", "members": "data/*.bin"}
FOLDER = sha(f"{sha(CONTENT)}  a.bin\n{sha(b'b')}  deep/b.bin\n".encode())


def first_use(*where: dict) -> dict:
    """An artifact of one folder whose checksum is not known in advance."""
    return artifact(data={"checksum": "first-use", "sources": list(where)})


def known(output: Path) -> dict:
    return json.loads((output / "known.json").read_text())["data"]


def test_a_zenodo_file_is_found_by_its_record_and_recorded_with_the_records_checksum(
    tmp_path, server, record
):
    fetch_main(first_use(ZENODO), tmp_path / "out")
    assert (tmp_path / "out" / "data" / "a.bin").read_bytes() == CONTENT
    assert known(tmp_path / "out") == {
        "sha256": FOLDER,
        "bytes": 5121,
        "source": "zenodo 4274930: data.tar.gz: data/*.bin",
        "published": record["checksum"],
    }
    assert server.state["paths"] == ["/api/records/4274930", "/model.bin"]
    index = json.loads((tmp_path / "out" / "files.json").read_text())
    assert index["files"] == {"data": {"sha256": FOLDER, "bytes": 5121}}


def test_an_interrupted_zenodo_download_is_gone_on_with(tmp_path, server, record, monkeypatch):
    monkeypatch.setattr(web, "ATTEMPTS", 1)
    server.state["break_at"] = [100]
    with pytest.raises(InputError, match="ended after 100 of"):
        fetch_main(first_use(ZENODO), tmp_path / "out")
    fetch_main(first_use(ZENODO), tmp_path / "out")
    assert server.state["requests"][-1] == "bytes=100-"
    assert known(tmp_path / "out")["sha256"] == FOLDER
    assert not (tmp_path / ".out.work").exists()


def test_a_whole_zenodo_download_of_a_killed_run_is_not_fetched_again(tmp_path, server, record):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "download").write_bytes(server.state["content"])
    assert web.zenodo(ZENODO, folder, False) == folder / "download"
    assert server.state["paths"] == ["/api/records/4274930"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"checksum": "md5:" + "0" * 32}, "has md5:.*the record tells md5:0000"),
        ({"size": 7}, "bytes, the record tells 7"),
        ({"key": "other"}, "has no file 'data.tar.gz'; it has other"),
        ({"links": {}}, r"its record is not understood \(the record: files\[0\]\.links lack"),
    ],
)
def test_what_disagrees_with_the_zenodo_record_is_refused(tmp_path, record, change, message):
    record.update(change)
    with pytest.raises(InputError, match=message):
        fetch_main(first_use(ZENODO), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    assert not (tmp_path / ".out.work").exists()


# --- checksums that are not known in advance


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder on this machine with the files of the record's archive."""
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "a.bin").write_bytes(CONTENT)
    (tmp_path / "folder" / "deep" / "b.bin").write_bytes(b"b")
    return tmp_path / "folder"


def test_what_differs_from_the_first_use_is_refused_also_after_a_removal(tmp_path, folder):
    declaration = first_use({"path": str(folder), "members": "*.bin"})
    fetch_main(declaration, tmp_path / "out")
    index = (tmp_path / "out" / "files.json").read_bytes()
    shutil.rmtree(tmp_path / "out" / "data")
    (tmp_path / "out" / "files.json").unlink()
    (folder / "a.bin").write_bytes(b"another")
    with pytest.raises(InputError, match=f"at first use .known.json. is {FOLDER}: removed"):
        fetch_main(declaration, tmp_path / "out")
    assert not (tmp_path / "out" / "data").exists()
    (folder / "a.bin").write_bytes(CONTENT)
    fetch_main(declaration, tmp_path / "out")
    assert (tmp_path / "out" / "files.json").read_bytes() == index


def test_what_the_user_put_there_is_taken_recorded_and_then_guarded(tmp_path, folder):
    folder.rename(tmp_path / "data")
    (tmp_path / "out").mkdir()
    (tmp_path / "data").rename(tmp_path / "out" / "data")
    fetch_main(first_use(ZENODO), tmp_path / "out", "--offline")
    assert known(tmp_path / "out")["sha256"] == FOLDER
    (tmp_path / "out" / "data" / "a.bin").write_bytes(b"damaged")
    with pytest.raises(InputError, match="not tried: offline"):
        fetch_main(first_use(ZENODO), tmp_path / "out", "--offline")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("removed", [1, 1024])
def test_an_archive_that_is_cut_short_between_files_is_no_first_use(tmp_path, mode, removed):
    plain = make_tar(tmp_path / "x.tar", "w").read_bytes()
    cut = plain.rstrip(b"\0")  # ends within the block of the last file, of one byte
    cut = cut[: len(cut) // 512 * 512] + bytes(512 * (removed == 1))  # with it, or without
    path = tmp_path / "cut.tar"
    path.write_bytes(gzip.compress(cut) if mode == "w:gz" else cut)
    with pytest.raises(InputError, match=r"cut\.tar: not a whole"):
        fetch_main(first_use({"path": str(path), "members": "data/*.bin"}), tmp_path / "out")
    assert not (tmp_path / "out" / "known.json").exists()


# --- archives


def make_tar(path: Path, mode: str = "w:gz") -> Path:
    """A tar with two good files and, around them, what must not be unpacked."""
    with tarfile.open(path, mode) as tar:
        link = tarfile.TarInfo("./data/link.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        device = tarfile.TarInfo("./data/null.bin")
        device.type = tarfile.CHRTYPE
        for entry in (link, device):
            tar.addfile(entry)
        for name, content in {"a.bin": CONTENT, "deep/b.bin": b"b", "readme": b"r"}.items():
            entry = tarfile.TarInfo(f"./data/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def make_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data/a.bin", CONTENT)
        archive.writestr("data/deep/b.bin", b"b")
        archive.writestr("data/readme", b"r")
        link = zipfile.ZipInfo("data/link.bin")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return path


def make_deb(path: Path, suffix: str) -> Path:
    tar = make_tar(path.with_suffix(".tar"), "w").read_bytes()
    match suffix:
        case ".gz":
            data = gzip.compress(tar)
        case ".xz":
            data = lzma.compress(tar)
        case ".zst":
            if shutil.which("zstd") is None:
                pytest.skip("the command zstd is not installed")
            data = subprocess.run(["zstd", "-c"], input=tar, capture_output=True).stdout
    with path.open("wb") as file:
        file.write(archives.AR_MAGIC)
        parts = {"debian-binary": b"2.0", "control.tar.xz": b"odd", f"data.tar{suffix}": data}
        for name, content in parts.items():  # a part of odd length is padded by one byte
            file.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode())
            file.write(content + b"\n" * (len(content) % 2))
    return path


@pytest.fixture(params=["tar.gz", "tar.xz", "zip", "deb.gz", "deb.xz", "deb.zst", "folder"])
def archive(tmp_path, request) -> Path:
    path = tmp_path / f"archive.{request.param}"
    match request.param.split("."):
        case ["tar", compression]:
            return make_tar(path, f"w:{compression}")
        case ["zip"]:
            return make_zip(path)
        case ["deb", compression]:
            return make_deb(path, f".{compression}")
        case ["folder"]:
            (path / "data" / "deep").mkdir(parents=True)
            (path / "data" / "a.bin").write_bytes(CONTENT)
            (path / "data" / "deep" / "b.bin").write_bytes(b"b")
            (path / "data" / "readme").write_bytes(b"r")
            return path


def test_a_member_is_taken_out_of_any_archive(archive, tmp_path):
    source = {"path": str(archive), "member": "data/a.bin"}
    fetch_main(one_file(source), tmp_path / "out")
    assert (tmp_path / "out" / "model.bin").read_bytes() == CONTENT


def test_members_become_a_folder_whose_identity_is_that_of_sha256sum(archive, tmp_path):
    lines = f"{sha(CONTENT)}  a.bin\n{sha(b'b')}  deep/b.bin\n"
    source = {"path": str(archive), "members": ["data/*.bin", "data/deep/b*"]}
    entry = {"sha256": sha(lines.encode()), "sources": [source]}
    fetch_main(artifact(voices=entry), tmp_path / "out")
    files = sorted((tmp_path / "out" / "voices").rglob("*.*"))
    assert [path.name for path in files] == ["a.bin", "b.bin"]  # no link, no device
    (tmp_path / "out" / "voices" / "a.bin").write_bytes(b"damaged")
    fetch_main(artifact(voices=entry), tmp_path / "out")
    assert (tmp_path / "out" / "voices" / "a.bin").read_bytes() == CONTENT


def test_the_identity_of_a_folder_is_sorted_by_whole_names_as_sort_does_it(tmp_path):
    names = [f"{letter}{mark}{letter}" for letter in "qwertyuiop" for mark in ("/", "-", "0")]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    lines = "".join(f"{sha(name.encode())}  {name}\n" for name in sorted(names))
    assert identity.identity(tmp_path) == sha(lines.encode())


def test_a_member_that_is_not_there_and_a_file_that_is_no_archive_are_told(archive, tmp_path):
    with pytest.raises(InputError, match="has no file 'data/other'"):
        fetch_main(one_file({"path": str(archive), "member": "data/other"}), tmp_path / "out")
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(InputError, match="not a whole zip, tar or deb"):
        fetch_main(one_file({"path": str(tmp_path / "text"), "member": "a"}), tmp_path / "out")


def test_a_link_is_no_member(tmp_path):
    source = {"path": str(make_tar(tmp_path / "x.tar.gz")), "member": "data/link.bin"}
    with pytest.raises(InputError, match="has no file 'data/link.bin'"):
        fetch_main(one_file(source), tmp_path / "out")


@pytest.mark.parametrize("name", ["../evil.bin", "data/../../evil.bin", "/evil.bin", "a\\b.bin"])
def test_a_member_that_would_leave_the_folder_is_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as content:
        content.writestr(name, CONTENT)
    source = {"path": str(tmp_path / "x.zip"), "members": "*.bin"}
    with pytest.raises(InputError, match="not a plain path"):
        fetch_main(artifact(data={"sha256": sha(b""), "sources": [source]}), tmp_path / "out")
    assert not list(tmp_path.rglob("evil.bin"))


def test_what_unpacks_to_more_than_the_bound_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as content:
        content.writestr("a/1", bytes(600))
        content.writestr("a/2", bytes(600))
    archives.extract_file(tmp_path / "x.zip", "a/1", tmp_path / "1", max_bytes=600)
    with pytest.raises(archives.ArchiveError, match="bound of 599 bytes"):
        archives.extract_file(tmp_path / "x.zip", "a/1", tmp_path / "1", max_bytes=599)
    archives.extract_folder(tmp_path / "x.zip", ["a/*"], tmp_path / "whole", max_bytes=1200)
    with pytest.raises(archives.ArchiveError, match="bound"):  # of all files together
        archives.extract_folder(tmp_path / "x.zip", ["a/*"], tmp_path / "less", max_bytes=1199)


def test_a_truncated_archive_is_refused(tmp_path):
    whole = make_tar(tmp_path / "x.tar.gz").read_bytes()
    (tmp_path / "x.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a whole"):
        fetch_main(
            one_file({"path": str(tmp_path / "x.tar.gz"), "member": "data/readme"}),
            tmp_path / "out",
        )


# --- package clients, as far as they can be tried without a network


@pytest.fixture
def wheelhouse(tmp_path, monkeypatch) -> Path:
    """A folder that is pip's whole world, with one wheel and one source distribution."""
    folder = tmp_path / "wheelhouse"
    folder.mkdir()
    with zipfile.ZipFile(folder / "demo-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("demo/a.bin", CONTENT)
        wheel.writestr("demo-1.0.dist-info/METADATA", METADATA)
        wheel.writestr("demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("demo-1.0.dist-info/RECORD", "")
    setup = f"open({str(tmp_path / 'executed')!r}, 'w')\nfrom setuptools import setup\nsetup()\n"
    with tarfile.open(folder / "demo-1.0.tar.gz", "w:gz") as tar:
        for name, content in {"setup.py": setup.encode(), "a.bin": CONTENT}.items():
            entry = tarfile.TarInfo(f"demo-1.0/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def test_pip_gives_a_wheel_from_where_the_user_told_it_to_look(wheelhouse, tmp_path):
    source = {"pypi": "demo==1.0", "member": "demo/a.bin"}
    fetch_main(one_file(source), tmp_path / "out")
    with pytest.raises(InputError, match="pypi demo==2.0: demo/a.bin: .*demo==2.0"):
        fetch_main(one_file({**source, "pypi": "demo==2.0"}), tmp_path / "other")


def test_a_source_distribution_is_fetched_without_running_its_code(wheelhouse, tmp_path):
    source = {"sdist": "demo==1.0", "member": "demo-1.0/a.bin"}
    fetch_main(one_file(source), tmp_path / "out")
    assert (tmp_path / "out" / "model.bin").read_bytes() == CONTENT
    assert not (tmp_path / "executed").exists()
    with pytest.raises(InputError, match="no source distribution of demo==2.0"):
        fetch_main(one_file({**source, "sdist": "demo==2.0"}), tmp_path / "other")


def test_the_output_may_be_a_relative_path(wheelhouse, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fetch_main(one_file({"pypi": "demo==1.0", "member": "demo/a.bin"}), Path("resources/demo"))
    assert Path("resources/demo/model.bin").is_file()


def test_without_package_lists_apt_fetches_its_own_and_tries_again(tmp_path, monkeypatch):
    commands = []

    def execute(command, folder):
        commands.append(command)
        if "download" in command and not any("Dir::State::Lists" in part for part in command):
            raise Unavailable("E: Unable to locate package demo")
        if "download" in command:
            make_deb(folder / "demo_1_all.deb", ".xz")

    monkeypatch.setattr(packages, "execute", execute)
    files = {
        "a": {"sha256": sha(CONTENT), "sources": [{"deb": "demo", "member": "data/a.bin"}]},
        "b": {"sha256": sha(b"b"), "sources": [{"deb": "more", "member": "data/deep/b.bin"}]},
    }
    fetch_main(artifact(**files), tmp_path / "out")
    assert sum(command[-1] == "update" for command in commands) == 1  # for both packages
    assert not (tmp_path / ".out.work").exists()


def test_a_client_that_is_missing_or_fails_is_a_reason_not_a_crash(tmp_path):
    with pytest.raises(Unavailable, match="command no-such-client is not installed"):
        packages.execute(["no-such-client"], tmp_path)
    script = "import sys; print('note'); sys.exit('ERROR: no https://me:secret@host/x')"
    with pytest.raises(Unavailable, match="ERROR: no https://host/x"):
        packages.execute([sys.executable, "-c", script], tmp_path)


def test_the_hub_is_asked_for_the_pinned_commit_and_offline_only_for_its_cache(
    tmp_path, local, monkeypatch
):
    import huggingface_hub

    calls = []

    def download(**arguments):
        calls.append(arguments)
        return local["path"]

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    commit = "0123456789" * 4
    source = {"hub": "owner/repo", "revision": commit, "file": "onnx/model.bin"}
    fetch_main(one_file(source), tmp_path / "out")
    fetch_main(one_file(source), tmp_path / "other", "--offline")
    assert [call["local_files_only"] for call in calls] == [False, True]
    assert {(call["repo_id"], call["revision"], call["filename"]) for call in calls} == {
        ("owner/repo", commit, "onnx/model.bin")
    }


def test_an_unreachable_hub_is_a_reason_not_a_crash(tmp_path, local, monkeypatch):
    import huggingface_hub

    def download(**arguments):
        raise huggingface_hub.errors.LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    source = {"hub": "owner/repo", "revision": "0" * 40, "file": "model.bin"}
    fetch_main(one_file(source, local), tmp_path / "out")


# --- declarations


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"license": "MIT"}, "unknown key 'license'; did you mean 'licence'"),
        ({"licence": " "}, 'licence: " "; give its name'),
        ({"files": {}}, "files is empty"),
    ],
)
def test_a_faulty_artifact_is_refused(local, change, message):
    with pytest.raises(InputError, match=message):
        fetch.check_declaration({**one_file(local), **change})


@pytest.mark.parametrize(
    "name",
    ["../a", "/a", "a/../../b", "files.json", "known.json", "./files.json", "files.json/a", "."]
    + ["Files.json", "known.json/a", "files.json.lineage.json", "a//b", "a/.", "-rf", ".x", "a\nb"]
    + ["C:a", "a\\b", "a\x00", "\ud800"],
)
def test_a_file_name_outside_the_artifact_is_refused(local, name):
    declaration = artifact(**{name: {"sha256": "0" * 64, "sources": [local]}})
    with pytest.raises(InputError, match="files: "):
        fetch.check_declaration(declaration)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"sha256": "abc", "sources": [{"path": "a"}]},
            'sha256: "abc"; give 64 hexadecimal',
        ),
        ({"sha256": "0" * 64, "sources": []}, r"sources: \[\]; give a list, of at least 1"),
        ({"sha256": "0" * 64}, "sources is missing; add it"),
        ({"sources": [{"path": "a"}]}, "either sha256 or, .* checksum: first-use"),
        ({"checksum": "md5", "sources": [{"path": "a"}]}, 'checksum: "md5"; give one of first-use'),
        ({"sha256": "0" * 64, "sources": [{"zenodo": "1", "member": "a"}]}, "zenodo needs file"),
        ({"sha256": "0" * 64, "sources": [{"pip": "a"}]}, "must have one of hub, url"),
        ({"sha256": "0" * 64, "sources": [{"path": "a", "url": "b"}]}, "must have one of"),
        ({"sha256": "0" * 64, "sources": [{"pypi": "a==1"}]}, "needs member"),
        ({"sha256": "0" * 64, "sources": [{"url": "a", "membr": "b"}]}, "did you mean 'member'"),
        (
            {"sha256": "0" * 64, "sources": [{"hub": "a/b", "revision": "main", "file": "c"}]},
            "pin the commit",
        ),
        ({"sha256": "0" * 64, "sources": [{"join": []}]}, "join is empty"),
        (
            {"sha256": "0" * 64, "sources": [{"path": "a"}, {"path": "b", "members": "*"}]},
            "some sources give a file",
        ),
    ],
)
def test_a_faulty_file_entry_is_refused_by_name(entry, message):
    with pytest.raises(InputError, match=f"model.bin.*{message}"):
        fetch.check_declaration(artifact(**{"model.bin": entry}))


@pytest.mark.parametrize("names", [("a", "a/b"), ("a", "A"), ("a/b", "A/b/c")])
def test_two_files_that_can_not_both_be_there_are_refused(local, names):
    entry = {"sha256": "0" * 64, "sources": [local]}
    with pytest.raises(InputError, match="can't both be there"):
        fetch.check_declaration(artifact(**dict.fromkeys(names, entry)))


EXECUTES = [
    "-r requirements.txt",
    "--requirement=requirements.txt",
    "-e .",
    "./project",
    "project/",
    "../project",
    ".",
    "/tmp/project",
    "~/project",
    "demo @ file:///tmp/project",
    "demo@file:///tmp/project",
    "git+https://host/demo",
    "https://host/demo-1.0.tar.gz",
    "file:///tmp/project",
    "demo-1.0.tar.gz",
    "demo==1.0.tar.gz",
    "demo==1.0.zip",
    "--index-url=http://host",
    "-o",
    "--",
    "demo==1.0 --pre",
    "demo==1.0; python_version>'3'",
    "demo[extra]==1.0",
    "demo==1.0,==2.0",
    "demo===1.0",
    "demo",
    "demo==",
    "demo>=1.0",
    "==1.0",
    "demo==1.*",
    "demo==1.0\x00",
    "user/repo",
    "github:user/repo",
    "demo@latest",
    "demo@1",
    "demo@^1.0.0",
    "demo@npm:other@1.0.0",
    "@scope/demo",
    "demo=",
    "$(touch x)",
    "a b",
    "..",
]


@pytest.mark.parametrize("kind", ["pypi", "sdist", "npm", "deb"])
@pytest.mark.parametrize("spec", [*EXECUTES, "demo==1.0\n", "", 1, None, ["demo==1.0"]])
def test_a_package_is_a_name_and_a_version_and_nothing_that_a_client_would_run(kind, spec):
    """A folder, say, or a file of requirements: pip runs setup.py there, npm its scripts."""
    if kind == "deb" and spec in ("demo", "demo-1.0.tar.gz"):
        return  # which may be names of Debian packages
    with pytest.raises(
        InputError, match=f"model.bin: source {kind} is .*; write it as in {kind}: "
    ):
        fetch.check_declaration(one_file({kind: spec, "member": "a"}))


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("pypi", "demo==1.0"),
        ("sdist", "Demo_2.x-y==1!2.0rc1.post2.dev3+cpu.1"),
        ("npm", "@scope/demo@1.2.3-beta.1"),
        ("deb", "libstdc++6"),
        ("deb", "asterisk-core-sounds-en-wav:all=1:1.6.1-1+deb12u1~x"),
    ],
)
def test_what_a_registry_itself_calls_a_package_is_accepted(kind, spec):
    fetch.check_declaration(one_file({kind: spec, "member": "a"}))


@pytest.mark.parametrize("spec", ["./project", "-r requirements.txt"])
def test_of_a_folder_or_a_file_of_requirements_nothing_is_executed(wheelhouse, tmp_path, spec):
    """Nor by the command that fetches source distributions, called by itself."""
    project = tmp_path / ".out.work" / "x" / "project"
    project.mkdir(parents=True)
    (project / "setup.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\n")
    for kind in ("pypi", "sdist"):
        with pytest.raises(InputError):
            fetch_main(one_file({kind: spec, "member": "a"}), tmp_path / "out")
    with pytest.raises(InputError, match="requirement: source sdist is"):
        sdist.main(["--output", str(tmp_path), f"{project}"])
    assert not (tmp_path / "executed").exists()


def test_a_client_is_told_that_no_option_follows(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(packages, "execute", lambda command, folder: commands.append(command))
    for kind in ("pypi", "sdist", "npm", "deb"):
        with pytest.raises(Unavailable):
            sources.SOURCES[kind]({kind: "demo"}, tmp_path, False)
    assert [command[-2:] for command in commands] == [["--", "demo"]] * 4


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"hub": "../x", "file": "a"}, "source hub is '../x'; write it as in hub: owner/repo"),
        ({"hub": "a/b/c", "file": "a"}, "write it as in hub: owner/repo"),
        ({"hub": "a/b", "file": "../a"}, "'../a' is not a plain path"),
        ({"hub": "a/b", "file": None}, "source hub has None; name a file inside"),
        ({"hub": "a/b", "file": "a", "revision": "../../x"}, "'../../x', no branch, tag or"),
        ({"hub": "a/b", "file": "a", "revision": "-x"}, "'-x', no branch, tag or commit"),
        ({"hub": "a/b", "file": "a", "repo_type": "../x"}, "one of model, dataset, space"),
        ({"zenodo": "1/../2", "file": "a"}, "write it as in zenodo: 4274930"),
        ({"zenodo": True, "file": "a"}, "write it as in zenodo: 4274930"),
        ({"path": 1}, "write it as in path: /local/file"),
        ({"path": "a\x00"}, "write it as in path: /local/file"),
        ({"path": "a", "member": 1}, "source path has 1; name a file inside"),
        ({"path": "a", "members": {"a": 1}}, "name a file inside, or with members a pattern"),
        ({"path": "a", "members": [1]}, "source path has 1"),
        ({"url": "file:///etc/passwd"}, "only http and https"),
        ({"url": "https://"}, "only http and https"),
        ({"url": "https://host:port/"}, "which has no host"),
        ({"url": "http://[x/"}, "which has no host"),
        ({"url": "https://host/a b"}, "write them as %20"),
        ({"url": "https://host/a\r\nX: y"}, "write them as %20"),
        ({"url": ["https://host"]}, "write one address"),
    ],
)
def test_every_other_source_is_what_it_should_be(source, message):
    revision = {"revision": "main"} if "hub" in source else {}
    entry = {"checksum": "first-use", "sources": [revision | source]}
    with pytest.raises(InputError, match=re.escape(message)):
        fetch.check_declaration(artifact(a=entry))


def test_a_member_with_a_line_break_in_its_name_is_refused(tmp_path):
    """The identity of a folder is a list of names, one a line."""
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("data/a\nb.bin"))
    source = {"path": str(tmp_path / "x.tar"), "members": "data/*.bin"}
    with pytest.raises(InputError, match="not a plain path"):
        fetch_main(first_use(source), tmp_path / "out")


def test_what_is_not_json_is_refused(tmp_path):
    with pytest.raises(InputError, match="not JSON"):
        fetch.main(["--artifact", "a", "--declaration", "{", "--output", str(tmp_path)])


def test_a_branch_of_the_hub_will_do_where_the_first_use_is_recorded():
    branch = {"hub": "a/b", "revision": "main", "file": "c"}
    fetch.check_declaration(artifact(c={"checksum": "first-use", "sources": [branch]}))
    with pytest.raises(InputError, match="has revision None; pin the commit"):
        fetch.check_declaration(
            artifact(c={"checksum": "first-use", "sources": [{"hub": "a/b", "file": "c"}]})
        )


def test_every_artifact_that_comes_with_the_project_is_rightly_declared():
    known = yaml.safe_load((ROOT / "rules/artifacts.yaml").read_text())
    assert len(known) > 20
    for declaration in known.values():
        fetch.check_declaration(declaration)


# --- one at a time


def fetching(declaration: dict, output: Path, **options: object) -> subprocess.Popen:
    """Begin to fetch in a process of its own."""
    command = [sys.executable, str(ROOT / "scripts/fetch.py"), "--artifact", "demo"]
    command += ["--declaration", json.dumps(declaration), "--output", str(output)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)


def test_who_fetches_what_another_is_fetching_waits_and_then_has_it(tmp_path, server):
    """The server holds the first one up until the second one waits."""
    server.state["hold"] = threading.Event()
    first = fetching(one_file({"url": server.address}), tmp_path / "out")
    wait_for(lambda: server.state["requests"])
    second = fetching(one_file({"url": server.address}), tmp_path / "out")
    assert "another process is fetching it; waiting" in second.stderr.readline()
    server.state["hold"].set()
    printed = [process.communicate(timeout=60)[1] for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0], printed
    assert len(server.state["requests"]) == 1
    assert "model.bin is here already" in printed[1]
    assert (tmp_path / "out" / "model.bin").read_bytes() == CONTENT


def test_six_at_once_neither_fail_nor_fetch_twice(tmp_path, server):
    processes = [
        fetching(one_file({"url": server.address}), tmp_path / "resources/out") for _ in range(6)
    ]
    printed = [process.communicate(timeout=120)[1] for process in processes]
    assert {process.returncode for process in processes} == {0}, printed
    assert len(server.state["requests"]) == 1
    names = {path.name for path in (tmp_path / "resources/out").iterdir()}
    assert names == {"model.bin", "files.json", "files.json.lineage.json"}


def test_a_killed_process_leaves_no_lock(tmp_path, server):
    server.state["hold"] = threading.Event()
    first = fetching(one_file({"url": server.address}), tmp_path / "out")
    wait_for(lambda: server.state["requests"])
    first.kill()
    first.communicate()
    server.state["hold"].set()
    second = fetching(one_file({"url": server.address}), tmp_path / "out")
    printed = second.communicate(timeout=60)[1]
    assert second.returncode == 0 and "waiting" not in printed
    assert (tmp_path / "out" / "model.bin").read_bytes() == CONTENT


def test_two_names_of_a_folder_are_one(tmp_path, local):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    with alone.alone(tmp_path / "there"):
        process = fetching(one_file(local), tmp_path / "link")
        assert "waiting" in process.stderr.readline()
    assert process.wait(60) == 0
    process.stderr.close()


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_first_use_is_recorded_before_its_file_is_there_as_a_kill_may_come_between(
    tmp_path, local, monkeypatch
):
    files = {"model.bin": {"checksum": "first-use", "sources": [local]}}

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(fetch, "put_in_place", killed)
        with pytest.raises(KeyboardInterrupt):
            fetch_main(artifact(**files), tmp_path / "out")
    [known] = json.loads((tmp_path / "out/known.json").read_text()).values()
    assert known["sha256"] == sha(CONTENT) and known["source"].endswith("local.bin")
