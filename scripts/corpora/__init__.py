"""Readers of published corpora: one function each, from a folder of fetched files to recordings.

Those below are to be split. SLURP, whose splits are its own, is read by ``slurp.py``.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from corpora import amazon_queen, asterisk, drascula
from files.recording import Recording

CORPORA: dict[str, Callable[[Path], Iterator[Recording]]] = {
    "amazon_queen": amazon_queen.read,
    "asterisk": asterisk.read,
    "drascula": drascula.read,
}
