"""Resolve requirements.in into the lock files and the conda environments, with the same pins."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
OF_TORCH = ("nvidia-", "cuda-", "triton")  # torch pins these itself; a CPU build has none
HEADER = "# Made by `make lock` from requirements.in; what torch pins itself is left to it.\n"


def read_requirements() -> dict[str, list[str]]:
    """Return the requirements of each section, a line ``# [name]`` before them; without reasons."""
    sections: dict[str, list[str]] = {}
    for line in (ROOT / "requirements.in").read_text().splitlines():
        if match := re.fullmatch(r"# \[(\w+)\].*", line):
            found = sections.setdefault(match[1], [])
        elif requirement := line.partition("#")[0].strip():
            found.append(requirement)
    return sections


def resolve(requirements: list[str]) -> dict[str, str]:
    """Return name and version of all that pip would install."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run"]
        command += ["--ignore-installed", "--report", str(report), *requirements]
        subprocess.run(command, check=True)
        installed = json.loads(report.read_text())["install"]
    pins = {entry["metadata"]["name"]: entry["metadata"]["version"] for entry in installed}
    return {
        re.sub(r"[-_.]+", "-", name).lower(): version.split("+")[0]
        for name, version in pins.items()
        if not name.startswith(OF_TORCH)
    }


def lines(pins: dict[str, str]) -> list[str]:
    """Return ``name==version`` of each pin."""
    return [f"{name}=={version}" for name, version in sorted(pins.items())]


def write_environment(name: str, requirements: list[str], pins: dict[str, str]) -> None:
    """Write a conda environment with the pins of its requirements."""
    names = sorted(re.split("==", requirement)[0] for requirement in requirements)
    text = "# For `--sdm conda`; made by `make lock`, with the pins of the lock files.\n"
    text += "channels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n"
    text += "".join(f"      - {line}\n" for line in lines({name: pins[name] for name in names}))
    (ROOT / "envs" / f"{name}.yaml").write_text(text)


def write_more(
    name: str, who: str, requirements: list[str], pins: dict[str, str]
) -> dict[str, str]:
    """Write a lock file of what is needed besides ``pins``; return all pins together."""
    together = resolve([*lines(pins), *requirements])
    more = {package: version for package, version in together.items() if package not in pins}
    text = f"# What {who} besides requirements.lock; made by `make lock`.\n"
    (ROOT / f"requirements-{name}.lock").write_text(text + "\n".join(lines(more)) + "\n")
    return together


def main() -> None:
    """Write the lock files and the conda environments."""
    asked = read_requirements()
    pins = resolve([*asked["shared"], *asked["syn2real"], *asked["workflow"]])
    (ROOT / "requirements.lock").write_text(HEADER + "\n".join(lines(pins)) + "\n")
    with_coqui = write_more("coqui", "Coqui TTS needs", asked["coqui"], pins)
    with_exports = write_more("export", "exports need", asked["export"], pins)
    write_more("tests", "the tests need", asked["tests"], pins)
    write_more("bench", "the benchmarks' peers need", asked["bench"], pins)
    validator = resolve(asked["validator"])
    text = "# All that the validator of RO-Crates needs; made by `make lock`.\n"
    (ROOT / "requirements-validator.lock").write_text(text + "\n".join(lines(validator)) + "\n")
    write_environment("syn2real", [*asked["shared"], *asked["syn2real"]], pins)
    write_environment("coqui", [*asked["shared"], *asked["coqui"]], with_coqui)
    of_exports = [*asked["shared"], *asked["syn2real"], *asked["export"]]
    write_environment("export", of_exports, with_exports)


if __name__ == "__main__":
    main()
