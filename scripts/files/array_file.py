"""The door for arrays: numpy's files, without the pickles that they may have in them."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from files.regular import REMEDY, Unreadable, open_regular

UNREADABLE = (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error)


def read_array(path: str | Path, remedy: str = REMEDY) -> np.ndarray:
    """Return the array of an .npy file; raise ``Unreadable`` if it has none, or is cut short."""
    with open_regular(path, remedy) as file:
        try:
            array = np.load(file, allow_pickle=False)
        except UNREADABLE as error:
            raise _no_array(path, error, remedy) from None
    if not isinstance(array, np.ndarray):
        raise _no_array(path, "it has several", remedy)
    return array


def read_arrays(path: str | Path, remedy: str = REMEDY) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file, by name (see ``read_array``)."""
    with open_regular(path, remedy) as file:
        try:
            with np.load(file, allow_pickle=False) as stored:
                return dict(stored)
        except (*UNREADABLE, TypeError, AttributeError) as error:  # one array has no names
            raise _no_array(path, error, remedy) from None


def _no_array(path: str | Path, error: object, remedy: str) -> Unreadable:
    return Unreadable(path, str(error), remedy, f"not readable as an array ({error})")
