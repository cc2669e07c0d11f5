"""What is particular about a SLURM cluster: profiles/slurm/site.yaml, read by the profile."""

import difflib
import re
import shlex
from pathlib import Path
from typing import Any

from errors import InputError
from files.strict_yaml import load_yaml

KEYS = {
    "account": str,
    "qos": str,
    "partitions": dict,
    "gres": str,
    "cores_per_gpu": int,
    "modules": list,
    "scratch": str,
    "jobs": int,
}
WORDS = dict.fromkeys(("account", "qos", "gres"), r"[A-Za-z0-9][A-Za-z0-9_.,:/=@+-]*")
WORDS["scratch"] = r"[A-Za-z0-9_./${}:~+-]+"  # variables, which the node expands, and no commands
GPU_RULES = (
    "finetune", "finetune_further", "synthesize", "transcribe", "transcribe_sweep",
    "transcribe_synthesized", "transcribe_with_task_vector", "xvectors",
)  # fmt: skip


def read_site(path: str | Path) -> dict[str, Any]:
    """Return the settings of a site file; what is left empty there is None.

    Raises ``InputError`` where a key is unknown or missing, or a value of another kind.
    """
    site = load_yaml(path) or {}
    for key in site:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(KEYS)}"
            raise InputError(f"{path}: unknown key '{key}'{hint}")
    for key, kind in KEYS.items():
        value = site.setdefault(key, None)
        if isinstance(value, str | int) and kind is str:
            site[key] = str(value)  # an account may be a number
        elif value is not None and (not isinstance(value, kind) or value is True):
            raise InputError(f"{path}: {key} is {value!r}; it must be of type {kind.__name__}")
    for key, pattern in WORDS.items():
        if site[key] is not None and not re.fullmatch(pattern, site[key]):
            raise InputError(
                f"{path}: {key} is {site[key]!r}; it goes to a shell, so write one word, without"
                " spaces, quotes and parentheses"
            )
    for key in ("cores_per_gpu", "jobs"):
        if site[key] is None or site[key] < 1:
            raise InputError(f"{path}: {key} is {site[key]}; it must be at least 1")
    return site


def before_each_job(site: dict[str, Any]) -> str:
    """Return the shell commands that a job begins with: modules, scratch, no network.

    A variable in ``scratch`` is left for the node to expand.
    """
    commands = ["export HF_HUB_OFFLINE=1"]
    if site["modules"]:
        commands.insert(0, f"module load {shlex.join(map(str, site['modules']))}")
    if site["scratch"]:
        folder = site["scratch"].replace("$", r"\$")
        commands.append(f"export SYN2REAL_SCRATCH={folder}")
    return " && ".join(commands)
