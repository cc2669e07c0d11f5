"""The layout: commands that stand alone, folders that know only what lies below them."""

import ast
import importlib.util
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from conftest import ROOT

SCRIPTS = ROOT / "scripts"
# by commands and folders alike
SHARED = {
    *("adaptations", "addresses", "arms", "errors", "escaping", "evaluation", "groups", "matrix"),
    *("methods", "modules", "names", "options", "paths", "places", "roles"),
}
LONGEST = 300  # lines of a module
FOLDERS = sorted(path.parent.name for path in SCRIPTS.glob("*/__init__.py"))
COMMANDS = {path.stem for path in SCRIPTS.glob("*.py")} - SHARED
MODULES = {
    ".".join(path.relative_to(SCRIPTS).with_suffix("").parts).removesuffix(".__init__"): path
    for path in SCRIPTS.rglob("*.py")
}


def imports(module: str) -> set[str]:
    """Return the modules of scripts/ that a module imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found & MODULES.keys()


def folder_graph() -> dict[str, set[str]]:
    """Return the folders that each folder imports from."""
    graph = defaultdict(set)
    for module in MODULES:
        folder = module.split(".")[0]
        if folder in FOLDERS:
            others = {name.split(".")[0] for name in imports(module)}
            graph[folder] |= (others & set(FOLDERS)) - {folder}
    return graph


def test_folders_import_one_another_without_a_circle():
    graph, below = folder_graph(), []
    while len(below) < len(FOLDERS):
        free = [name for name in FOLDERS if name not in below and graph[name] <= set(below)]
        assert free, {name: graph[name] - set(below) for name in FOLDERS if name not in below}
        below += free


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_command_is_imported_by_another_module(module: str):
    assert imports(module) & COMMANDS == set()


@pytest.mark.parametrize("shared", sorted(SHARED))
def test_what_all_share_imports_no_folder(shared: str):
    assert {name.split(".")[0] for name in imports(shared)} <= SHARED


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_can_be_read_in_one_sitting(module: str):
    assert len(MODULES[module].read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("name", sorted({*FOLDERS, *(p.stem for p in SCRIPTS.glob("*.py"))}))
def test_no_name_hides_an_installed_package(name: str):
    """A command's own folder comes first in the search for modules."""
    assert name not in sys.stdlib_module_names
    elsewhere = [place for place in sys.path if Path(place or ".").resolve() != SCRIPTS]
    assert importlib.machinery.PathFinder.find_spec(name, elsewhere) is None


def test_every_folder_says_what_it_holds():
    for folder in FOLDERS:
        assert ast.get_docstring(ast.parse((SCRIPTS / folder / "__init__.py").read_text()))
