"""What the project comes with for configs: their schema, published settings, external files."""

import copy
import functools
from pathlib import Path

from adaptations import ADAPTATIONS
from arms import CANDIDATES
from corpora import CORPORA
from engines import ENGINES
from files.strict_yaml import load_yaml
from paths import PRETRAINED

RULES = Path(__file__).parents[2] / "rules"
SCHEMA = RULES / "config.schema.yaml"
PRESETS = RULES / "presets.yaml"
ARTIFACTS = RULES / "artifacts.yaml"
DEFAULT_PRESET = "from-text"  # of fine-tuning


@functools.cache
def parsed(path: Path) -> dict:
    """Return a file's content, read once; take a copy."""
    return load_yaml(path)


def load_schema() -> dict:
    """Return the schema of a config, with the names of engines, corpora and adaptations filled in.

    A model that may be delivered may adapt to each recording, too: "target-synthetic+suta".
    """
    schema = copy.deepcopy(parsed(SCHEMA))
    for section, key, table in (("tts", "engine", ENGINES), ("domains", "corpus", CORPORA)):
        named = schema["properties"][section]["additionalProperties"]
        named["properties"][key]["enum"] = list(table)
    adapted = [f"{arm}+{name}" for arm in (PRETRAINED, *CANDIDATES) for name in ADAPTATIONS]
    schema["properties"]["arms"]["items"]["enum"] += adapted
    return schema


def load_presets() -> dict:
    """Return the settings of fine-tuning by preset: our recipe, and what was published."""
    return copy.deepcopy(parsed(PRESETS))


def load_artifacts() -> dict:
    """Return the declarations of external files that any experiment may use."""
    return copy.deepcopy(parsed(ARTIFACTS))
