"""Which commands of records may be run: those of rules' scripts, within their own folder."""

import os
import re
from pathlib import Path

from errors import InputError
from files.text_file import read_text
from lineages.code import SCRIPTS
from lineages.plan import Command
from records.record import Record

RULES = SCRIPTS.parent / "rules"


def scripts_of_rules() -> set[str]:
    """Return the scripts that the rules of this checkout call, which make what records name."""
    texts = map(read_text, sorted(RULES.glob("*.smk")))
    return set(re.findall(r"\bpython scripts/(\w+\.py)\b", "\n".join(texts)))


def check_steps(steps: dict[Command, list[Record]]) -> None:
    """Refuse commands of records that are no stage's, or that write to other folders."""
    known = scripts_of_rules()
    for (script, *arguments), records in steps.items():
        place = records[0].sidecar
        if script not in known:
            raise InputError(
                f"{place}: was made by {script}, which no rule of this checkout calls; it is not"
                " run: call the lineage.py of the checkout that made it, if you trust it"
            )
        if elsewhere := next(
            (name for each in records for name in each.outputs if leaves(name)), None
        ):
            raise InputError(
                f"{place}: {elsewhere} lies outside of the folder that it was made in, and would be"
                " written over; copy it and its record into a folder, and name it there"
            )
        read = {
            str(each)
            for record in records
            for name in record.inputs
            for each in (Path(name), *Path(name).parents)
        }
        for argument in arguments:
            path = os.path.normpath(argument.partition("=")[2] or argument)
            if leaves(path) and path not in read:
                raise InputError(
                    f"{place}: its command names {argument[:200]!r}, which lies outside of the"
                    " folder and which it has not read; it is not run"
                )


def leaves(path: str) -> bool:
    """Return whether a path leads out of the folder that it begins in."""
    return os.path.isabs(path) or path.split(os.sep)[0] == os.pardir
