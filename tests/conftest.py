"""Scripts import each other as siblings; tests import them the same way."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

LONGEST = ("test_slurm.py", "test_workflow.py")  # begun first when files are shared out


def pytest_collection_modifyitems(items: list) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture
def forget_files() -> Iterator[None]:
    """Forget what lineage has read: a test's files are written under the names of another's."""
    yield
    from lineages import makers

    for name in ("records_in", "maker_of", "fetched_in", "sha256_now"):
        getattr(makers, name).cache_clear()
