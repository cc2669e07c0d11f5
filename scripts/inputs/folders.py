"""Folders that a domain may name: Kaldi's, and those of Hugging Face's ``datasets``."""

from glob import escape
from pathlib import Path

from errors import InputError
from files.json_file import read_object
from inputs.tables import Table, columnar, open_table

KALDI = ("wav.scp", "text", "segments", "utt2spk")  # the last two need not be there
STATE, SPLITS = "state.json", "dataset_dict.json"  # of a data set saved to disk, of several
METADATA = ("metadata.csv", "metadata.tsv", "metadata.jsonl", "metadata.parquet")  # audiofolder
KINDS = (
    "a Kaldi data folder (wav.scp, text), a data set of Hugging Face's saved to disk (state.json),"
    " or one with metadata.csv or Parquet files"
)


def is_kaldi(folder: Path) -> bool:
    """Say whether a folder is a Kaldi data folder."""
    return (folder / KALDI[0]).is_file()


def files_of(path: Path) -> list[Path]:
    """Return the files that are read where a domain names a path: itself, or a folder's.

    ``data/train`` also names ``data/train-00000-of-00002.parquet`` and its like. A path that leads
    nowhere is returned as it is.
    """
    if not path.is_dir():
        return ([] if path.exists() else shards(path)) or [path]
    if is_kaldi(path):
        return [path / name for name in KALDI if (path / name).is_file()]
    if (path / STATE).is_file():
        return [path / STATE, *saved(path)]
    metadata = [path / name for name in METADATA if (path / name).is_file()]
    return metadata[:1] or sorted(path.rglob("*.parquet")) or [path]


def shards(path: Path) -> list[Path]:
    """Return the Parquet files of a split, as a hub has them."""
    return sorted(path.parent.glob(f"{escape(path.name)}-*.parquet")) if path.name else []


def saved(folder: Path) -> list[Path]:
    """Return the Arrow files of a data set that ``save_to_disk`` has written."""
    state = read_object(folder / STATE, "save the data set again")
    listed = state.get("_data_files")
    files = listed if isinstance(listed, list) else []
    names = [
        str(each["filename"]) for each in files if isinstance(each, dict) and "filename" in each
    ]
    if not names:
        raise InputError(
            f"{folder / STATE}: _data_files lists no files; save the data set again (save_to_disk)"
        )
    if state.get("_indices_data_files"):
        raise InputError(
            f"{folder / STATE}: the rows are picked by indices; save the data set again after"
            " flatten_indices()"
        )
    return [folder / name for name in names]


def open_folder(path: Path) -> Table:
    """Return the table in a folder, or in the Parquet files of a split."""
    if (path / SPLITS).is_file():
        content = read_object(path / SPLITS, "save the data set again")
        raise InputError(
            f"{path}: has the splits {content.get('splits')}; name one, as {path}/train, or each"
            " under splits"
        )
    files = files_of(path)
    if files[0] == path:
        raise InputError(f"{path}: is no folder that can be read; give {KINDS}")
    if files[0].name == STATE:
        return columnar(files[1:])
    return open_table(files[0]) if files[0].name in METADATA else columnar(files)
