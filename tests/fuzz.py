"""Fuzz the parsers, led by coverage: what comes out of any bytes but an ``InputError`` is a find.

    python tests/fuzz.py --seconds 60             # of each parser; finds are printed
    python tests/fuzz.py --seconds 600 yaml json  # of these

It needs atheris (``pip install atheris``), which no other test does. Inputs of finds lie in
``--finds``; each is to become a case of ``tests/test_refused_finds.py``.
"""

import argparse
import contextlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import traceback
import zipfile
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    import conftest  # noqa: F401  (the folders to import from)

HANGS = 20  # s, after which a parser hangs
MEMORY = 4096  # MB
LONGEST = 4096  # bytes of an input
MOST = 1 << 20  # bytes that are unpacked
WATCHED = [  # our packages and libraries of Python
    *("domains", "fetching", "files", "inputs", "recognisers", "records", "scoring", "texts"),
    *("vectors", "csv", "html", "json", "tarfile", "yaml", "zipfile"),
]


class Parser(NamedTuple):
    """What reads a file, what the file is called, and files to begin with."""

    read: Callable[[Path], object]
    name: str
    seeds: tuple[bytes, ...]


def read(place: str) -> Callable[[Path], object]:
    """Return what calls a function, "module:name", which is imported at its first call."""
    module, _, name = place.partition(":")
    return lambda path: getattr(import_module(module), name)(path)


def members(path: Path) -> None:
    """Unpack all files of an archive."""
    from fetching.archives import extract_folder

    with tempfile.TemporaryDirectory() as folder:
        extract_folder(path, ["*"], Path(folder), MOST)


def hypotheses(path: Path) -> None:
    """Read hypotheses of one reference, in a format that the size of the file draws."""
    from scoring.foreign_hypotheses import READERS, read_hypotheses

    form = [*READERS][path.stat().st_size % len(READERS)]
    read_hypotheses(path, [{"id": "a", "audio_filepath": "a.wav"}], form)


def texts(path: Path) -> None:
    """Read a domain's texts."""
    from inputs import reading

    reading.texts(path, "en", None)


def recordings(path: Path) -> None:
    """Read a list of recordings, and what each row says of one."""
    from domains.own_data import read_manifest_of_user

    read_manifest_of_user(path)


def kaldi(path: Path) -> None:
    """Read a Kaldi folder, whose files stand behind one another."""
    from inputs.kaldi import read_kaldi

    parts = [*path.read_bytes().split(b"\n\n"), b"", b""]
    for name, content in zip(("wav.scp", "text", "segments"), parts, strict=False):
        path.with_name(name).write_bytes(content)
    list(read_kaldi(path.parent))


def parsers() -> dict[str, Parser]:
    """Return the parsers by what they read."""
    row = b'{"id": "a", "audio_filepath": "a.wav", "duration": 1.5, "text": "b"'
    cut = b'{"id": "a", "type": "MonoCut", "start": 0, "recording": {"sources": [{"type": "file",'
    cut += b' "channels": [0], "source": "a.wav"}], "transforms": [{"name": "Speed"}]},'
    cut += b' "supervisions": [{"text": "b", "start": 0, "duration": 1, "channel": 0}]}'
    whole = row + b', "speaker": "s", "domain": "d"}\n'
    table = b"id,text,audio_filepath\na,b,a.wav\n"
    subtitle = b"1\n00:00:01,000 --> 00:00:02,500\n<i>b</i>\n\n2\n00:00:05.0 --> 00:00:06.0\n- c\n"
    page = b"<html><body><p>a</p><script>b</script><ul><li>c</li></ul></body></html>"
    marked = b"---\na: b\n---\n# a\n\n- b `c`\n\n|a|b|\n|-|-|\n|c|d|\n<p>e</p>\n"
    return {
        "yaml": Parser(
            read("files.strict_yaml:load_yaml"),
            "a.yaml",
            (b"a: &x [1, .5, 'b']\nb: *x\n<<: {c: 010}\n", b"{}"),
        ),
        "json": Parser(
            read("files.json_file:read_json"),
            "a.json",
            (b'{"a": [1, -2.5e3, null, "\\u00e9"]}', b"[]"),
        ),
        "manifest": Parser(read("files.manifest:read_manifest"), "a.jsonl", (whole,)),
        "archives": Parser(members, "a.tar", tuple(archives())),
        "checkpoints": Parser(read("vectors.streaming:read_layout"), "a.safetensors", (tensors(),)),
        "arrays": Parser(read("files.checkpoint_file:read_tensors"), "a.safetensors", (tensors(),)),
        "hypotheses": Parser(
            hypotheses, "a.ctm", (b"a A 0.5 0.1 b 0.9\n", b"b (a)\n", b"a b\n", row + b"}")
        ),
        "references": Parser(
            read("scoring.foreign_hypotheses:read_references"), "a.jsonl", (row + b"}", b"b (a)\n")
        ),
        "csv": Parser(texts, "a.csv", (table, b'text;id\n"a;""b";c\n')),
        "tsv": Parser(recordings, "a.tsv", (table.replace(b",", b"\t"),)),
        "recordings": Parser(recordings, "a.jsonl", (whole, cut, b'{"file": "a", "text": "b"}')),
        "subtitles": Parser(texts, "a.srt", (subtitle, b"WEBVTT\n\nNOTE a\n\n" + subtitle)),
        "html": Parser(texts, "a.html", (page,)),
        "markdown": Parser(texts, "a.md", (marked,)),
        "kaldi": Parser(kaldi, "a", (b"a a.wav\nb b.wav|\n\na b\n\na a 0 1.5\n",)),
        "audio": Parser(read("files.sound_file:read_channels"), "a.wav", tuple(sounds())),
        "ggml": Parser(read("recognisers.ggml:read_ggml"), "a.bin", (ggml(),)),
        "records": Parser(read("records.reading:read_record"), "a.json.lineage.json", (RECORD,)),
    }


HASH = b'"' + b"0" * 64 + b'"'
RUN = b'"run": {"started": 1, "ended": 2, "lineage_seconds": 0, "peak_memory": 1, "host": "h",'
RUN += b' "platform": "p", "stamps": {"a.json": [1, 2, 3]}}'
RECORD = b'{"version": 1, "outputs": {"a.json": ' + HASH + b'}, "inputs": {"b": ' + HASH + b"},"
RECORD += b' "script": "score.py", "code": "0000000000000000", "modules": {}, "parameters": {},'
RECORD += b' "packages": {}, "python": "3", "device": "cpu", "licences": {"a": {"licence": "MIT"}},'
RECORD += (
    b' "commit": "unknown", "dirty": false, "command": ["score.py", "https://u:p@h/a?token=b"],'
)
RECORD += RUN + b"}"


def archives() -> Iterable[bytes]:
    """Yield a zip, a tar, packed ones, and a Debian package, with a file each."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", "content " * 9)
    yield packed.getvalue()
    for mode in ("w", "w:gz", "w:xz"):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode=mode) as archive:
            entry = tarfile.TarInfo("a/b.txt")
            entry.size = 8
            archive.addfile(entry, io.BytesIO(b"content "))
        yield packed.getvalue()
    data = packed.getvalue()
    header = f"{'data.tar.xz':<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode()
    yield b"!<arch>\n" + header + data


def tensors() -> bytes:
    """Return a safetensors file of two tensors."""
    import numpy as np
    from safetensors.numpy import save

    return save({"model.a": np.ones((2, 3), np.float32), "b": np.zeros(2, np.int64)})


def sounds() -> Iterable[bytes]:
    """Yield a little sound in several formats."""
    import numpy as np
    import soundfile

    for form, subtype in (("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_16"), ("OGG", None)):
        packed = io.BytesIO()
        soundfile.write(packed, np.zeros(160, np.float32), 8000, format=form, subtype=subtype)
        yield packed.getvalue()


def ggml() -> bytes:
    """Return a file of no mel filters, one token and one tensor, as whisper.cpp reads it."""
    import struct

    header = struct.pack("<11i", 1, 1, 2, 1, 1, 1, 2, 1, 1, 0, 0)
    token = struct.pack("<iI", 1, 1) + b"a"
    tensor = struct.pack("<3i2i", 2, 1, 0, 1, 2) + b"a" + struct.pack("<2f", 1, 2)
    return b"lmgg" + header + struct.pack("<2i", 0, 201) + token + tensor


def fuzz(name: str, seconds: int, finds: Path) -> None:
    """Fuzz one parser until the time is over; this ends the process."""
    import atheris

    parser, known, count = parsers()[name], set[str](), 0
    corpus, work = (Path(tempfile.mkdtemp()) for _ in range(2))
    path = work / parser.name
    with atheris.instrument_imports(include=WATCHED):
        from errors import InputError

        for number, seed in enumerate(parser.seeds):
            (corpus / str(number)).write_bytes(seed)
            path.write_bytes(seed)
            with contextlib.suppress(InputError):
                parser.read(path)  # which imports what it needs

    def once(content: bytes) -> None:
        nonlocal count
        count += 1
        if count % 100 == 0:
            (finds / f"{name}.count").write_text(str(count))
        path.write_bytes(content)
        try:
            parser.read(path)
        except InputError:
            pass
        except Exception as error:  # a find
            place = traceback.extract_tb(error.__traceback__)[-1]
            ours = [f for f in traceback.extract_tb(error.__traceback__) if "scripts" in f.filename]
            what = f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}, for"
            what += f" {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
            if what not in known:
                known.add(what)
                kept = finds / f"{name}-{len(known)}"
                kept.write_bytes(content)
                print(f"FIND {name}: {what}: {str(error)[:200]!r}; {kept}", flush=True)

    options = [f"-max_total_time={seconds}", f"-timeout={HANGS}", f"-rss_limit_mb={MEMORY}"]
    options += [
        f"-max_len={LONGEST}",
        "-seed=1",
        "-verbosity=0",
        f"-artifact_prefix={finds}/{name}-",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], once)
    atheris.Fuzz()


def main() -> None:
    """Fuzz each parser in a process of its own; the exit status says whether there was a find."""
    command = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    command.add_argument("--seconds", type=int, default=60, help="of each parser (default 60)")
    command.add_argument("--finds", type=Path, default=Path("finds"), help="where they are kept")
    command.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    command.add_argument("parser", nargs="*", help=f"of {', '.join(parsers())} (default: all)")
    options = command.parse_args()
    options.finds.mkdir(parents=True, exist_ok=True)
    if options.alone:
        fuzz(options.parser[0], options.seconds, options.finds)
    failed = False
    for name in options.parser or parsers():
        asked = [f"--seconds={options.seconds}", f"--finds={options.finds}", "--alone", name]
        done = subprocess.run(
            [sys.executable, __file__, *asked],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        found = [line for line in done.stdout.splitlines() if line.startswith("FIND")]
        print(*found, sep="\n", end="\n" if found else "")
        if done.returncode:  # a hang, too much memory, or a fault of the process
            print(f"{name}: exit status {done.returncode}\n{done.stdout[-1500:]}")
        counted = options.finds / f"{name}.count"
        count = counted.read_text() if counted.exists() else "0"
        print(f"{name}: {len(found)} finds in {count} inputs", flush=True)
        failed |= bool(found or done.returncode)
    sys.exit(failed)


if __name__ == "__main__":
    main()
