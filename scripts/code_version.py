"""A hash of what a script does: a change of logic reruns, a change of comment does not."""

import ast
import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

BOOKKEEPING = {  # what changes no artifact
    "atomic.py",
    "code_version.py",
    "direct_file.py",
    "errors.py",
    "heap.py",
    "languages.py",
    "progress.py",
    "records.py",
    "scratch.py",
    "sigterm.py",
}


def code_version(script: str | Path, *more: str) -> str:
    """Return 16 hex digits over the syntax trees of ``script`` and the sibling modules it imports.

    Comments, layout and docstrings don't count. Siblings are followed through their own
    imports, except for ``BOOKKEEPING``. ``more`` are modules that the script picks at run time,
    as paths from its folder.
    """
    return code_versions(script, *more)[0]


def code_versions(script: str | Path, *more: str) -> tuple[str, dict[str, str]]:
    """Return the same, and that of each module alone, by its path from the script's folder."""
    trees = trees_of(script, *more)
    together = short_hash(f"{name}\0{tree}\0" for name, tree in trees.items())
    return together, {name: short_hash([tree]) for name, tree in trees.items()}


def short_hash(texts: Iterable[str]) -> str:
    """Return 16 hex digits over some texts."""
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:16]


def trees_of(script: str | Path, *more: str) -> dict[str, str]:
    """Return the syntax trees that ``code_version`` is made of, by module, in order."""
    folder = Path(script).parent
    trees: dict[str, str] = {}
    pending = [Path(script).name, *more]
    while pending:
        name = pending.pop()
        if name in trees or name in BOOKKEEPING:
            continue
        trees[name], imported = parsed((folder / name).read_text(encoding="utf-8"), name)
        pending += [sibling for module in imported for sibling in locate(folder, module)]
    return dict(sorted(trees.items()))


@functools.cache  # each job of a cluster reads all rules anew, and with them all scripts
def parsed(source: str, name: str) -> tuple[str, list[str]]:
    """Return a module's syntax tree, and the dotted names that it imports."""
    tree = ast.parse(source, filename=name)
    imported = imported_modules(tree)
    return ast.dump(without_docstrings(tree)), imported


def imported_modules(tree: ast.AST) -> list[str]:
    """Return the dotted names that a module imports, wherever in it."""
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def locate(folder: Path, module: str) -> list[str]:
    """Return the file of a dotted module below ``folder``, or nothing if it is no sibling."""
    path = module.replace(".", "/")
    return [name for name in (f"{path}.py", f"{path}/__init__.py") if (folder / name).is_file()]


def without_docstrings(tree: ast.AST) -> ast.AST:
    """Return the tree with every bare string statement dropped."""
    for node in ast.walk(tree):
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
    return tree
