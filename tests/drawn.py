"""Configs that hypothesis draws: values that fit the schema, wherever they may stand."""

import copy

from hypothesis import strategies as st

from configs import known
from test_experiment import CONFIG

NAMES = [*CONFIG["domains"], *CONFIG["tts"], *CONFIG["artifacts"], *CONFIG["base_models"]]
WORDS = st.sampled_from([*NAMES, "pooled", "domains-ties0.3", "encoder", "smollm2-135m", "fr"])
MOST = 1000  # of a number without a bound
DEPTH = 3  # of keys that need not be there


def resolved(schema: dict) -> dict:
    """Return a part of the schema with what it refers to."""
    if "$ref" not in schema:
        return schema
    return known.load_schema()["$defs"][schema["$ref"].rpartition("/")[2]] | schema


def fitting(schema: dict, depth: int = 0) -> st.SearchStrategy:
    """Return what draws a value that a part of the schema allows, but for what goes with it."""
    schema = resolved(schema)
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    if "oneOf" in schema and "properties" not in schema:
        return st.one_of(
            [fitting(schema | {"oneOf": []} | part, depth) for part in schema["oneOf"]]
        )
    kind = schema.get("type", "string")
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    most = schema.get("maximum", least + MOST)
    if kind == "array":
        parts = fitting(schema.get("items", {}), depth + 1)
        return st.lists(parts, min_size=schema.get("minItems", 0), max_size=3, unique_by=repr)
    if kind == "object":
        return objects(schema, depth)
    return {
        "integer": st.integers(int(least), int(most)),
        "number": st.floats(least, most).map(lambda number: float(f"{number:.3g}")),
        "boolean": st.booleans(),
    }.get(kind, WORDS)


def objects(schema: dict, depth: int) -> st.SearchStrategy:
    """Return what draws an object: its required keys and some others, or names."""
    if "properties" not in schema:
        others = schema.get("additionalProperties")
        return st.dictionaries(WORDS, fitting(others or {}, depth + 1), max_size=2)
    parts = schema["properties"]
    choice = (schema.get("oneOf") or [{}])[0].get("required", [])
    needed = {key for key in (*schema.get("required", []), *choice) if key in parts}
    values = {  # of what holds itself, not without end
        key: fitting(part, depth + 1)
        for key, part in parts.items()
        if key in needed or depth < DEPTH
    }
    return st.fixed_dictionaries(
        {key: values[key] for key in values if key in needed},
        optional={key: value for key, value in values.items() if key not in needed},
    )


def places(schema: dict, config: object, place: tuple = ()) -> list[tuple[tuple, dict]]:
    """Return where in a config a value may stand, and what the schema says of it."""
    schema = resolved(schema)
    if not isinstance(config, dict):
        return []
    parts = dict(schema.get("properties", {}))
    if isinstance(others := schema.get("additionalProperties"), dict):
        parts |= {key: others for key in config if key not in parts}
    return [
        found
        for key, part in parts.items()
        for found in [((*place, key), part), *places(part, config.get(key), (*place, key))]
    ]


PLACES = places(known.load_schema(), CONFIG)


@st.composite
def configs(draw: st.DrawFn) -> dict:
    """Draw a config of which one to three values are other ones that fit the schema."""
    config = copy.deepcopy(CONFIG)
    for _ in range(draw(st.integers(1, 3))):
        (*above, last), schema = draw(st.sampled_from(PLACES))
        part = config
        for step in above:
            part = part.setdefault(step, {}) if isinstance(part, dict) else {}
        if isinstance(part, dict):
            part[last] = draw(fitting(schema))
    return config
