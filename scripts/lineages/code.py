"""The code of this checkout, against the code that records name."""

import functools
from pathlib import Path

from records.code_version import code_versions
from records.record import Record

SCRIPTS = Path(__file__).parent.parent


class Code:
    """The scripts as they are now, against those of records."""

    def __init__(self, scripts: Path) -> None:
        self.scripts = scripts
        self._now = functools.cache(self._read)

    def _read(self, script: str, modules: tuple[str, ...]) -> tuple[str, dict[str, str]]:
        """Return hashes of a script's code and of its modules: those and what it imports now."""
        if not (self.scripts / script).is_file():
            return "", {}
        there = [name for name in modules if (self.scripts / name).is_file()]
        return code_versions(self.scripts / script, *there)

    def change(self, record: Record) -> str | None:
        """Return which code is not what made a record's files; None if all is as it was."""
        code, now = self._now(record.script, tuple(record.content["modules"]))
        if not now:
            return f"{record.script}, which is no more"
        changed = self.changed_modules(record)
        if not changed and record.content.get("code") == code:
            return None
        return ", ".join(changed) or f"{record.script} (its record says two things)"

    def changed_modules(self, record: Record) -> list[str]:
        """Return the modules that are new, gone or other than those that made a record's files."""
        then = record.content["modules"]
        _, now = self._now(record.script, tuple(then))
        return sorted(name for name in then | now if then.get(name) != now.get(name))
