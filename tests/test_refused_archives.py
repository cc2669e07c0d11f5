"""Bad and hostile archives: sizes that lie, names that lead elsewhere, names twice, bombs."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest import mock

import pytest

from bad_input import RIGHT, Case, judge
from fetching import archives
from fetching.archives import extract_file, extract_folder

Make = Callable[[Path], object]
END = bytes(1024)  # the mark of a tar's end


# --- what makes archives


def entry(name: str = "a", content: bytes = b"yes", kind: bytes = b"0", **fields: object) -> bytes:
    """Return an entry of a tar: header and content, in blocks."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def tar(*entries: bytes, end: bytes = END) -> bytes:
    return b"".join(entries) + end


def sized(block: bytes, size: bytes) -> bytes:
    """Return an entry whose header tells another size (12 bytes)."""
    header = block[:124] + size + block[136:148] + b" " * 8 + block[156:512]
    return header[:148] + b"%06o\0 " % sum(header) + header[156:] + block[512:]


def written(content: bytes) -> Make:
    return lambda path: path.write_bytes(content)


def deb(*members: tuple[bytes, bytes, bytes | None]) -> bytes:
    """Return an ar archive of (name, content, size as it is told)."""
    return archives.AR_MAGIC + b"".join(
        b"%-16s%-12s%-6s%-6s%-8s%-10s`\n"
        % ((name, b"0", b"0", b"0", b"100644", size if size is not None else b"%d" % len(content)))
        + content
        + b"\n" * (len(content) % 2)
        for name, content, size in members
    )


DATA = tar(entry())
HEAD = (b"debian-binary", b"2.0\n", None)


def of_deb(size: bytes, name: bytes = b"control.tar") -> Make:
    """A package whose first member tells a size, or is the one that is wanted."""
    return written(deb((name, b"xx", size), (b"data.tar", DATA, None)))


def zipped(
    *files: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    content = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(content, "w", method) as archive:
        warnings.simplefilter("ignore")  # of names that come twice
        for name, data in files:
            archive.writestr(name, data)
    return content.getvalue()


def as_link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


def patched(content: bytes, old: bytes, new: bytes, last: bool = False) -> bytes:
    """Return a content in which other bytes stand at one place."""
    place = content.rindex(old) if last else content.index(old)
    return content[:place] + new + content[place + len(new) :]


def encrypted() -> bytes:
    content = zipped(("a", b"yes"))
    for magic, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = content.index(magic) + place
        content = content[:start] + b"\1" + content[start + 1 :]
    return content


def zip_field(place: int, value: bytes, content: bytes = b"") -> bytes:
    """Return a zip whose central directory has other bytes in its entry."""
    content = content or zipped(("a", b"yes"))
    start = content.index(b"PK\1\2") + place
    return content[:start] + value + content[start + len(value) :]


def pax(text: bytes) -> bytes:
    return tar(entry("x", text, b"x"), entry())


def tail(place: int, value: bytes) -> bytes:
    """Return a zip whose end record has other bytes."""
    content = zipped(("a", b"yes"))
    start = content.index(b"PK\5\6") + place
    return content[:start] + value + content[start + len(value) :]


ZEROS = bytes(1 << 23)
BOMB = tar(sized(entry("a", b""), b"%011o\0" % (1 << 30)), ZEROS, end=b"")
MANY = entry("n", b"") * 3000

FILES: dict[str, tuple[Make, str]] = {  # archives from which "a" is wanted, and what is said
    "right tar": (written(DATA), ""),
    "right zip": (written(zipped(("a", b"yes"))), ""),
    "right deb": (written(deb(HEAD, (b"data.tar", DATA, None))), ""),
    "deb: a slash ends a name": (written(deb(HEAD, (b"data.tar/", DATA, None))), ""),
    "deb: negative size": (of_deb(b"-60"), "control.tar.*-60.*; "),
    "deb: negative size of what is wanted": (of_deb(b"-1", b"data.tar"), "data.tar.*-1.*; "),
    "deb: size of letters": (of_deb(b"many"), "many"),
    "deb: size with a line": (of_deb(b"1_0"), "1_0"),
    "deb: size of nothing": (of_deb(b""), "size of ''"),
    "deb: signed size": (of_deb(b"+2"), r"\+2"),
    "deb: hexadecimal size": (of_deb(b"0x2"), "0x2"),
    "deb: size beyond the file": (of_deb(b"9999999999"), "without data.tar"),
    "deb: size that is no ASCII": (of_deb(b"\xff\xfe"), "size of"),
    "deb: a name that is no ASCII": (of_deb(b"2", b"\xff\xfe\x1b[2J"), ""),
    "deb: no member": (written(archives.AR_MAGIC), "without data.tar"),
    "deb: a header cut short": (written(archives.AR_MAGIC + b"data.tar"), "without data.tar"),
    "deb: no data": (written(deb(HEAD)), "without data.tar"),
    "deb: empty data": (written(deb((b"data.tar.xz", b"", None))), "not a whole"),
    "deb: data of zeros": (written(deb((b"data.tar.gz", bytes(99), None))), "not a whole"),
    "deb: zstd that is none": (written(deb((b"data.tar.zst", b"x" * 99, None))), "x: not a whole"),
    "deb: data in a link": (
        written(
            deb((b"data.tar", tar(entry(content=b"", kind=b"2", linkname="/etc/passwd")), None))
        ),
        "no file 'a'",
    ),
    "empty": (written(b""), "not a whole"),
    "a byte": (written(b"x"), "not a whole"),
    "zeros": (written(bytes(5000)), "no file 'a'"),
    "FIFO": (os.mkfifo, "is a pipe"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is a device"),
    "nothing": (lambda path: None, "no such file"),
    "tar: twice": (written(tar(entry(), entry())), "two files 'a'"),
    "tar: twice, once with a dot": (written(tar(entry(), entry("./a", b"no"))), "two files 'a'"),
    "tar: no end mark": (written(tar(entry(), end=b"")), "end mark"),
    "tar: a damaged header": (written(tar(entry(), b"\xff" * 512, entry("b"))), "end mark"),
    "tar: a damaged header first": (written(tar(b"\xff" * 512, entry())), "not a whole"),
    "tar: header of a wrong sum": (
        written(tar(entry(), entry("b")[:600][:100] + b"x" + entry("b")[101:])),
        "end mark",
    ),
    "tar: content cut short": (written(entry(content=bytes(9999))[:3000]), "not a whole"),
    "tar: negative size": (written(tar(sized(entry(), b"\xff" * 12))), "not a whole"),
    "tar: size of exabytes": (
        written(tar(sized(entry(), b"\x80" + b"\x7f" * 11))),
        "more than the bound",
    ),
    "tar: size of letters": (written(tar(sized(entry(), b"0000000many\0"))), "not a whole"),
    "tar: size beyond the file": (written(tar(sized(entry(), b"00000100000\0"))), "not a whole"),
    "tar: link": (
        written(tar(entry(kind=b"2", content=b"", linkname="/etc/passwd"))),
        "no file 'a'",
    ),
    "tar: hard link": (
        written(tar(entry(kind=b"1", content=b"", linkname="/etc/passwd"))),
        "no file 'a'",
    ),
    "tar: link, then the file": (
        written(tar(entry(kind=b"2", content=b"", linkname="/dev/null"), entry())),
        "",
    ),
    "tar: FIFO": (written(tar(entry(kind=b"6", content=b""))), "no file 'a'"),
    "tar: device": (
        written(tar(entry(kind=b"3", content=b"", devmajor=1, devminor=5))),
        "no file 'a'",
    ),
    "tar: folder": (written(tar(entry(kind=b"5", content=b""))), "no file 'a'"),
    "tar: unknown kind": (written(tar(entry(kind=b"Z"))), "no file 'a'"),
    "tar: a long name without an end": (
        written(sized(entry("x", b"", b"L"), b"77777777777\0")),
        "not a whole",
    ),
    "tar: bomb, gzip": (written(gzip.compress(BOMB, 1)), "more than the bound"),
    "tar: bomb, bzip2": (written(bz2.compress(BOMB, 1)), "more than the bound"),
    "tar: bomb, xz": (written(lzma.compress(BOMB, preset=0)), "more than the bound"),
    "tar: bomb behind another name": (
        written(gzip.compress(BOMB.replace(b"a", b"b", 1), 1)),
        "not a whole|more than",
    ),
    "tar: bomb in an unwanted kind": (
        written(gzip.compress(sized(entry("b", b"", b"V"), b"77777777777\0"))),
        "bound",
    ),
    "tar: bomb of names": (
        written(gzip.compress(sized(entry("b", b"", b"x"), b"77777777777\0") + ZEROS)),
        "header of 8589934591",
    ),
    "tar: many entries": (written(tar(MANY, entry())), "more than 2000 entries"),
    "tar: pax size of letters": (written(pax(b"15 size=manyxx\n")), "not a whole|no file"),
    "tar: pax of a negative length": (written(pax(b"-9 size=1\n")), ""),
    "tar: pax of a length beyond": (written(pax(b"999 path=a\n")), "no file"),
    "tar: pax length of zero": (written(pax(b"0 path=a\n")), "not a whole"),
    "tar: pax of a huge size": (
        written(pax(b"33 size=99999999999999999999999\n")),
        "bound|not a whole",
    ),
    "tar: gzip cut short": (written(gzip.compress(DATA)[:-9]), "not a whole"),
    "tar: gzip of a wrong sum": (written(gzip.compress(DATA)[:-8] + bytes(8)), "not a whole"),
    "tar: xz cut short": (written(lzma.compress(DATA)[:-20]), "not a whole"),
    "tar: bzip2 cut short": (written(bz2.compress(DATA)[:-5]), "not a whole"),
    "tar: xz that asks for 4 GB": (
        written(b"\xfd7zXZ\0\0\4\xe6\xd6\xb4F\2\0!\1\x28\0\0\0" + b"x" * 99),
        "not a whole",
    ),
    "zip: twice": (written(zipped(("a", b"yes"), ("a", b"no"))), "two files 'a'"),
    "zip: wrong sum": (written(zip_field(16, b"\0\0\0\0")), "not a whole"),
    "zip: encrypted": (written(encrypted()), "encrypted|password"),
    "zip: unknown packing": (written(zip_field(10, b"\x63\0")), "not a whole"),
    "zip: name in wrong UTF-8": (
        written(zip_field(46, b"\xff", zip_field(8, b"\0\x08"))),
        "not a whole",
    ),
    "zip: content beyond the file": (written(zip_field(42, b"\xff\xff\xff\x7f")), "not a whole"),
    "zip: larger than it is": (written(zip_field(24, b"\xff\xff\xff\x7f")), ""),
    "zip: packed larger than the file": (written(zip_field(20, b"\xff\xff\xff\x7f")), ""),
    "zip: two names of a file": (written(zip_field(46, b"b")), "not a whole"),
    "zip: link": (written(zipped((as_link("a"), b"/etc/passwd"))), "no file 'a'"),
    "zip: bomb": (written(zipped(("a", ZEROS))), "more than the bound"),
    "zip: cut short": (written(zipped(("a", b"yes"))[:-5]), "not a whole"),
    "zip: directory beyond the file": (written(tail(16, b"\xff\xff\xff\x7f")), "not a whole"),
    "zip: more entries than there are": (written(tail(8, b"\xff\x7f\xff\x7f")), ""),
    "zip: directory of no size": (written(tail(12, b"\0\0\0\0")), "no file 'a'|not a whole"),
    "zip: comment beyond the file": (written(tail(20, b"\xff\x7f")), ""),
    "zip: many entries": (written(zipped(*((str(n), b"") for n in range(2001)))), "2000 entries"),
}


def of_names(*names: str | bytes, kind: str = "tar") -> Make:
    """An archive of files of these names."""
    if kind == "zip":
        return written(zipped(*((str(name), b"yes") for name in names)))
    return written(tar(*(entry(name) for name in names)))


FOLDERS: dict[str, tuple[Make, str]] = {  # archives of which all is wanted
    "right": (of_names("a", "b/c", "./d"), ""),
    "nothing": (of_names(), "no file matches"),
    "twice": (of_names("a", "a"), "two files 'a'"),
    "twice, by slashes": (of_names("a/b", "a//b"), "two files 'a//b'"),
    "twice, by dots": (of_names("a/b", "a/./b"), "two files 'a/./b'"),
    "twice, zip": (of_names("a", "a", kind="zip"), "two files 'a'"),
    "a file, and one below it": (of_names("a", "a/b"), "two files 'a/b'"),
    "one below a file": (of_names("a/b", "a"), "two files 'a'"),
    "above": (of_names("../a"), "not a plain path"),
    "above, within": (of_names("a/../../b"), "not a plain path"),
    "above, at the end": (of_names("a/.."), "not a plain path"),
    "absolute": (of_names("/etc/x"), "not a plain path"),
    "absolute, zip": (of_names("/etc/x", kind="zip"), "not a plain path"),
    "of Windows": (of_names("C:\\x", kind="zip"), "not a plain path"),
    "an escape sequence": (of_names("\x1b]0;x\x07"), r"\\x1b.*not a plain path"),
    "a line": (of_names("a\nb"), "not a plain path"),
    "a name of 300 letters": (of_names("x" * 300), "not a whole|too long"),
    "a name of 100,000 folders": (of_names("x/" * 100_000), "not a whole|too long|plain"),
    "names that are no UTF-8": (of_names("\udcff\udcfe"), "not a plain path"),
    "a dot": (of_names("."), "not a plain path"),
    "bomb of files": (
        written(zipped(*((f"{n}", ZEROS[: 1 << 20]) for n in range(9)))),
        "more than the bo",
    ),
}


def taken(folder: Path, make: Make, take: Callable[[Path, Path], None]) -> None:
    """Take what is wanted out of an archive; what is outside of the target stays as it was."""
    make(folder / "x")
    there = set(folder.rglob("*"))
    with mock.patch.multiple(archives, MAX_ENTRIES=2000, FREELY=2 << 20):
        try:
            take(folder / "x", folder / "target")
        finally:
            beside = {p for p in folder.rglob("*") if p.is_relative_to(folder / "target")}
            if set(folder.rglob("*")) - beside != there:
                raise RuntimeError("something was written outside of the target")


def file_case(what: str, make: Make, says: str) -> Case:
    def take(archive: Path, target: Path) -> None:
        extract_file(archive, "a", target)
        if target.read_bytes() != b"yes":
            raise RuntimeError("another file was taken")

    return Case("archive: file", what, partial(taken, make=make, take=take), says)


def folder_case(what: str, make: Make, says: str) -> Case:
    def take(archive: Path, target: Path) -> None:
        extract_folder(archive, ["*"], target)

    return Case("archive: folder", what, partial(taken, make=make, take=take), says)


CASES = [
    *(file_case(what, make, says) for what, (make, says) in FILES.items()),
    *(folder_case(what, make, says) for what, (make, says) in FOLDERS.items()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.door}: {case.what}")
def test_bad_input_is_refused_well(case, tmp_path):
    outcome, said = judge(case, tmp_path)
    assert outcome in RIGHT, (outcome, said)
