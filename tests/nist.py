"""NIST's scoring tools (Debian package sctk), for the tests that check ours against theirs."""

import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

TOOLS = Path("/usr/lib/sctk/bin")


def needs(tool: str) -> pytest.MarkDecorator:
    """Skip a test where a tool of sctk is missing, except in CI, where it must not be."""
    absent = find(tool) is None and "CI" not in os.environ
    return pytest.mark.skipif(absent, reason=f"{tool} is not installed: apt install sctk")


def find(tool: str) -> str | None:
    """Return the path of a tool; Debian keeps sctk's apart from the others."""
    return shutil.which(tool, path=f"{TOOLS}{os.pathsep}{os.environ['PATH']}")


def write_trn(path: Path, texts: list[str]) -> Path:
    """Write texts as the transcripts of utterances (u_0000), (u_0001), ..."""
    path.write_text("".join(f"{text} (u_{i:04})\n" for i, text in enumerate(texts)))
    return path


def alignments(references: Path, hypotheses: Path) -> str:
    """Return what sclite finds, in its SGML."""
    command = [find("sclite"), "-r", references, "trn", "-h", hypotheses, "trn", hypotheses.stem]
    command += ["-i", "rm", "-o", "sgml", "stdout"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def counts(references: Path, hypotheses: Path) -> list[Counter]:
    """Return each utterance's numbers of C, S, D and I, in the order of ids."""
    paths = re.findall(
        r'<PATH id="\((.+?)\)".*?>\n(.*?)</PATH>', alignments(references, hypotheses), re.DOTALL
    )
    return [
        Counter(word[0] for word in words.strip().split(":") if word) for _, words in sorted(paths)
    ]
