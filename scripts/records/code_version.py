"""A hash of what a script does: a change of logic reruns, a change of comment does not."""

import ast
import functools
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from errors import InputError
from files.regular import read_bytes
from files.text_file import read_text

BOOKKEEPING = {  # what changes no artifact
    "adaptations.py",
    "corpora/__init__.py",
    "engines/__init__.py",
    "errors.py",
    "files/atomic.py",
    "files/checksum.py",
    "files/progress.py",
    "files/scratch.py",
    "methods.py",
    "options.py",
    "records/code_version.py",
    "records/format.py",
    "records/reading.py",
    "records/record.py",
    "records/writing.py",
    "computing/direct_file.py",
    "computing/heap.py",
    "texts/languages.py",
    "training/sigterm.py",
}
DATA_FILE = re.compile(r"[\w.-]+\.(txt|tsv|csv|json|yaml)")
WORDS = ("help", "description", "epilog")  # what only people read in calls of argparse:
PARSING = ("add", "add_argument", "add_parser", "add_subparsers", "ArgumentParser", "Parser")


def code_version(script: str | Path, *more: str) -> str:
    """Return 16 hex digits over the syntax trees of ``script`` and the modules that it imports.

    Comments, layout, docstrings and argparse's help don't count. Modules below the folder that
    imports start from are followed through their own imports, except for ``BOOKKEEPING``; the
    ``__init__.py`` of their folders count with them, and so does a file beside a module that the
    module names in a string. ``more`` are modules that the script picks at run time, as paths from
    that folder.
    """
    return code_versions(script, *more)[0]


def code_versions(script: str | Path, *more: str) -> tuple[str, dict[str, str]]:
    """Return ``code_version``, and that of each module by its path from the script's folder."""
    trees = trees_of(script, *more)
    together = short_hash(f"{name}\0{tree}\0" for name, tree in trees.items())
    return together, {name: short_hash([tree]) for name, tree in trees.items()}


def short_hash(texts: Iterable[str]) -> str:
    """Return 16 hex digits over some texts."""
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:16]


def trees_of(script: str | Path, *more: str) -> dict[str, str]:
    """Return the syntax trees that ``code_version`` is made of, by module, in order."""
    folder = import_root(script)
    trees: dict[str, str] = {}
    pending = [str(Path(script).relative_to(folder)), *more]
    sought: set[str] = set()
    while pending:
        name = pending.pop()
        if name in trees or name in BOOKKEEPING:
            continue
        trees[name], imported, strings = parsed(read_text(folder / name), name)
        new = set(imported) - sought
        sought |= new
        pending += [module for dotted in new for module in locate(folder, dotted)]
        beside = (folder / name).parent
        for string in strings:
            if (beside / string).is_file():
                data = read_bytes(beside / string)
                trees[f"{Path(name).parent}/{string}"] = hashlib.sha256(data).hexdigest()
    return dict(sorted(trees.items()))


def import_root(script: str | Path) -> Path:
    """Return the folder that a module's imports start from: the first above it without __init__."""
    folder = Path(script).parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


@functools.cache  # each job of a cluster reads all rules anew, and with them all scripts
def parsed(source: str, name: str) -> tuple[str, list[str], list[str]]:
    """Return a module's syntax tree, the dotted names that it imports, and names of data files."""
    tree = ast.parse(source, filename=name)
    imported = imported_modules(tree, name)
    without_words(tree)
    strings = sorted(
        {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and DATA_FILE.fullmatch(node.value)
        }
    )
    return ast.dump(tree), imported, strings


def imported_modules(tree: ast.AST, name: str) -> list[str]:
    """Return the dotted names that a module imports, wherever in it; refuse relative imports."""
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise InputError(
                    f"{name}:{node.lineno}: a relative import, which code versions don't follow;"
                    " name the module from scripts/ on"
                )
            names += [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def locate(folder: Path, module: str) -> list[str]:
    """Return the files of a dotted module below ``folder``: its own, and those of its folders."""
    path = Path(*module.split("."))
    files = [path.with_suffix(".py"), *(each / "__init__.py" for each in (path, *path.parents))]
    inside = [str(file) for file in files if len(file.parts) > 1 or file.name != "__init__.py"]
    found = [file for file in inside if (folder / file).is_file()]
    own = {f"{path}.py", str(path / "__init__.py")}
    return found if own & set(found) else []


def without_words(tree: ast.AST) -> None:
    """Take bare strings (docstrings) and argparse's ``WORDS`` out of a tree."""
    node: Any  # of many classes, some of which have a body
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of(node.func) in PARSING:
            node.keywords = [each for each in node.keywords if each.arg not in WORDS]
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [
                statement
                for statement in body
                if not (
                    isinstance(statement, ast.Expr)
                    and isinstance(statement.value, ast.Constant)
                    and isinstance(statement.value.value, str)
                )
            ]


def name_of(function: ast.expr) -> str:
    """Return the last name of what is called."""
    return getattr(function, "attr", getattr(function, "id", ""))
