"""Names of groups: of domains, of several that are pooled, of clusters of their speakers.

They stand in the names of paths.py, where a group's speech is trained on.
"""

import re
from dataclasses import dataclass
from typing import Self

from names import Name, matched

SOURCE = "source"
WORD = "[a-z0-9][a-z0-9_]*"  # a domain, a TTS
EXCEPT = f"except-({WORD})"
POOL = f"(?=.)(?P<whole>{SOURCE})?(?:(?:^|-){EXCEPT})*"
WHOLE = f"(?:{EXCEPT}|{WORD})(?:-{EXCEPT})*"  # a domain, or a pool of several
OF_CLUSTER = "-cluster-"
GROUP = rf"{WHOLE}(?:{OF_CLUSTER}\d+of\d+)?"  # that, or a cluster of its speakers


@dataclass(frozen=True)
class Pool(Name):
    """Source domains that are trained on together: ``source``, or with ``except-NAME``, without it.

    ``whole`` is "source", or in complement mode, where every pool leaves out a target, empty.
    """

    WHAT = "pooled domains"
    whole: str
    left_out: tuple[str, ...]

    def __str__(self) -> str:
        whole = [self.whole] if self.whole else []
        return "-".join(whole + [f"except-{name}" for name in self.left_out])

    @classmethod
    def _read(cls, text: str) -> Self:
        match = matched(POOL, text)
        return cls(match["whole"] or "", tuple(re.findall(EXCEPT, text)))


@dataclass(frozen=True)
class Cluster(Name):
    """One of ``count`` clusters of a group's speakers, and what they say: a group of its own."""

    WHAT = "a cluster of speakers, GROUP-cluster-NUMBERofCOUNT"
    group: str
    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.group}{OF_CLUSTER}{self.number}of{self.count}"

    @classmethod
    def _read(cls, text: str) -> Self:
        match = matched(rf"(?P<group>{WHOLE}){OF_CLUSTER}(?P<number>\d+)of(?P<count>\d+)", text)
        return cls(match["group"], int(match["number"]), int(match["count"]))

    @classmethod
    def all(cls, group: str, count: int) -> list[str]:
        """Return the names of the clusters of a group's speakers."""
        return [str(cls(group, number, count)) for number in range(1, count + 1)]


def whole_group(group: str) -> str:
    """Return the group of which a group is a cluster of speakers; else itself."""
    return group.partition(OF_CLUSTER)[0]
