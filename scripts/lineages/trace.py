"""Show what made a file, or a number of the WER table, back to the files from outside.

A tree: below each file stands what it was made from. With --row, FILE is a summary.json, and the
tree is that of the row's scores. A file that is not what its record says is marked.
"""

import argparse
from pathlib import Path

from errors import InputError
from escaping import visible
from lineages.makers import record_of_file
from lineages.rows import add_row, scores_of_row
from lineages.settings import licences_in_words
from lineages.tree import Tree, columns, drawn


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("file", type=Path, help="file that the workflow made")
    add_row(parser)
    parser.add_argument("--depth", type=int, help="levels to show (default: all)")
    parser.add_argument("--all", action="store_true", help="show all settings and names of files")


def main(options: argparse.Namespace) -> None:
    """Print the tree of a file, or of a row's scores."""
    files = [options.file]
    if options.depth is not None and options.depth < 0:
        raise InputError(f"--depth is {options.depth}; give 0 or more")
    if options.row:
        number, files = scores_of_row(options.file, options.row)
        print(visible(number))
    records = [record_of_file(path) for path in files]
    for line in licences_in_words(records) if options.row else []:
        print(visible(f"  {line}", lines=False))
    tree = Tree(options.all, options.depth)
    for path in files:
        print("", *drawn(tree.root(path), columns()), sep="\n")
