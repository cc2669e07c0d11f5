"""What is particular about a SLURM cluster: profiles/slurm/site.yaml, read by the profile."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from files.strict_yaml import load_yaml
from settings.fields import fill

Positive = Annotated[int, {"minimum": 1}]
REMEDY = "one word, without spaces, quotes and parentheses: it goes to a shell"
Word = Annotated[
    str | None, {"pattern": r"[A-Za-z0-9][A-Za-z0-9_.,:/=@+-]*", "description": REMEDY}
]
# with variables, which the node expands, and without commands
Folder = Annotated[str | None, {"pattern": r"[A-Za-z0-9_./${}:~+-]+", "description": REMEDY}]
GPU_RULES = (
    "finetune", "finetune_further", "synthesize", "transcribe", "transcribe_adapting",
    "transcribe_by_judge", "transcribe_sweep", "transcribe_synthesized", "transcribe_to_label",
    "transcribe_with_aids", "transcribe_with_task_vector", "write_texts", "xvectors",
)  # fmt: skip


@dataclass(frozen=True)
class Site:
    """The settings of a site file; what is None is left to the cluster."""

    cores_per_gpu: Positive
    jobs: Positive
    account: Word = None
    qos: Word = None
    partitions: dict | None = None
    gres: Word = None
    modules: list[str] | None = None
    scratch: Folder = None


def read_site(path: str | Path) -> Site:
    """Return the settings of a site file.

    Raises ``InputError`` where a key is unknown or missing, or a value of another kind.
    """
    values = load_yaml(path) or {}
    for key in ("account", "qos"):
        if type(values.get(key)) is int:
            values[key] = str(values[key])  # an account may be a number
    return fill(Site, values, str(path))


def before_each_job(site: Site) -> str:
    """Return the shell commands that a job begins with: modules, scratch, no network.

    A variable in ``scratch`` is left for the node to expand.
    """
    commands = ["export HF_HUB_OFFLINE=1"]
    if site.modules:
        commands.insert(0, f"module load {shlex.join(site.modules)}")
    if site.scratch:
        folder = site.scratch.replace("$", r"\$")
        commands.append(f"export SYN2REAL_SCRATCH={folder}")
    return " && ".join(commands)
