"""Files from packages, by the user's own clients: pip, npm, apt-get.

His mirrors, proxies and credentials apply. Nothing of a package is installed, built or run; what a
client is told to fetch has passed ``declaration.check_source``.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from addresses import redacted
from fetching.source import Source, Unavailable, first_line, say

COMMAND_TIMEOUT = 3600  # s for a package
APT_LISTS = threading.Lock()


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


def execute(command: list[str], folder: Path) -> None:
    """Run a package client in ``folder``; its error, if it fails, is the reason given."""
    if shutil.which(command[0]) is None:
        raise Unavailable(f"the command {command[0]} is not installed")
    try:
        result = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=COMMAND_TIMEOUT,
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
