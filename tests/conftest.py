"""Scripts import each other as siblings; tests import them the same way."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

LONGEST = ("test_slurm.py", "test_workflow.py")  # begun first when files are shared out


def pytest_collection_modifyitems(items: list) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST)
