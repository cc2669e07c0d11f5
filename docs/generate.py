"""Write options.md: every key of an experiment, from its schema, and every TTS engine.

`make docs` runs it; a test fails when the page is not what this writes.
"""

import ast
import functools
import re
import sys
from pathlib import Path
from textwrap import dedent

import yaml

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from configs import known  # noqa: E402
from engines import ENGINES, About  # noqa: E402

MODULES = ROOT / "scripts" / "engines"
FETCH = ROOT / "scripts" / "fetch.py"
PAGE = ROOT / "docs" / "options.md"
LONGEST_LIST = 12  # values of an enum that are listed; of longer ones the ends
UNUSED = ("batch_size", "precision", "speakers", "language")  # what an engine may have no use for
OWN_SETTINGS = tuple(key for about in ENGINES.values() for key in about.own_settings)
TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
}
HEAD = """\
# All options

Made by `make docs` from [rules/config.schema.yaml](../rules/config.schema.yaml) and the modules of
the TTS engines; edit those. An unknown key in an experiment is an error that names the nearest
right one. NAME stands for a name that you choose. How the keys are used is in
[domains.md](domains.md), [voices.md](voices.md) and [confidence.md](confidence.md).
"""


def cell(text: str) -> str:
    """Return text as it can stand in a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;")


def anchor(heading: str) -> str:
    """Return the link to a heading, as GitHub makes it."""
    return "#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def code(value: object) -> str:
    """Return a value as YAML writes it in one line, in code marks."""
    text = yaml.safe_dump(value, default_flow_style=True, width=1000, allow_unicode=True)
    return f"`{text.removesuffix('...' + chr(10)).strip()}`"


def bounds(schema: dict) -> str:
    """Return the bounds of a number, as " from 1 on" or " above 0, up to 30"."""
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high = schema.get("maximum")
    words = []
    if low is not None:
        words.append(f"from {low:g}" + (" on" if high is None else ""))
    if above is not None:
        words.append(f"above {above:g}")
    if high is not None:
        words.append(f"{'' if low is not None else 'up '}to {high:g}")
    return "".join(f"{' ' if low is not None or not at else ', '}{w}" for at, w in enumerate(words))


@functools.cache
def load_schema() -> dict:
    """Return the config's schema."""
    return known.load_schema()


def values(schema: dict) -> str:
    """Return in words what a key may be."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        definition = load_schema()["$defs"][name]
        has_keys = "properties" in definition
        return f"keys of [{name}]({anchor(name)})" if has_keys else values(definition)
    if "oneOf" in schema and "type" not in schema:
        return ", or ".join(map(values, schema["oneOf"]))
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        listed = list(map(code, schema["enum"]))
        if len(listed) > LONGEST_LIST:
            return f"one of {len(listed)}: {', '.join(listed[:3])}, … {listed[-1]}"
        return "one of " + ", ".join(listed)
    kind = schema["type"]
    if isinstance(kind, list):
        return " or ".join(values(schema | {"type": one}) for one in kind)
    if kind == "array":
        if schema.get("minItems") == schema.get("maxItems") == 2:
            return f"[lowest, highest], each a {values(schema['items'])}"
        return f"list: {values(schema['items'])}"
    return TYPES[kind] + bounds(schema)


def row(key: str, schema: dict, required: bool, section: str | None) -> str:
    """Return a key's line of a table; ``section`` is the heading of its own keys, if any."""
    kinds = f"keys of [{section}]({anchor(section)})" if section else values(schema)
    default = "required" if required else "–"
    if "default" in schema and schema["default"] != {}:
        default = code(schema["default"])
    return f"| `{key}` | {kinds} | {default} | {cell(schema.get('description', ''))} |"


def sections(heading: str, schema: dict, words: str = "") -> list[str]:
    """Return the section of an object's keys, and those of the objects in it."""
    required = schema.get("required", [])
    text = f"## {heading}\n\n"
    if words:
        text += f"{' '.join(words.split())}\n\n"
    text += "| key | values | default | what it is |\n|---|---|---|---|\n"
    inner = []
    for key, value in schema["properties"].items():
        place, keys = key if heading == "Experiment" else f"{heading}.{key}", value
        if isinstance(named := value.get("additionalProperties"), dict):
            place, keys = f"{place}.NAME", named
        has_keys = "properties" in keys
        text += row(key, value, key in required, place if has_keys else None) + "\n"
        if has_keys:
            inner += sections(place, keys, keys.get("description", ""))
    for key in required:
        if key not in schema["properties"]:
            text += f"| `{key}` | see [below]({anchor(f'{heading}.{key}')}) | required | |\n"
    return [text, *inner]


def option_tables(schema: dict) -> str:
    """Return the tables of a whole schema: of the experiment, then of what several keys share."""
    found = sections("Experiment", schema, schema.get("description", ""))
    for name, definition in schema.get("$defs", {}).items():
        if "properties" in definition:
            found += sections(name, definition, definition.get("description", ""))
    return "\n".join(found)


def artifact_files() -> str:
    """Return what an artifact's files and their sources are, as the command fetch says it."""
    text = ast.get_docstring(ast.parse(FETCH.read_text())) or ""
    return f"## artifacts.NAME.files\n\n```text\n{text}\n```\n"


def calls(tree: ast.Module, name: str) -> list[ast.Call]:
    """Return the calls of a function in a module."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == name
    ]


def declared(engine: str, tree: ast.Module) -> set[str]:
    """Return the options that an engine has a use for, by what its module declares.

    An engine names those that it has no use for in a call of ``check_unused``, and whether it can
    change its speed in that of ``Engine``; settings of its own stand in the table of engines.
    """
    used = set(UNUSED) | set(ENGINES[engine].own_settings if engine in ENGINES else ())
    for call in calls(tree, "check_unused"):
        first, _, *names = call.args
        if first.value == engine:
            used -= {name.value for name in names}
    for call in calls(tree, "Engine"):
        if any(keyword.arg == "has_speed" and keyword.value.value for keyword in call.keywords):
            used.add("speed_range")
    return used


def markdown(docstring: str) -> str:
    """Return a docstring as Markdown, its first line in bold."""
    summary, _, more = re.sub(r"``(.+?)``", r"`\1`", dedent(docstring)).partition("\n")
    return f"**{summary}**\n{more}".strip()


def engine_modules(folder: Path) -> dict[str, ast.Module]:
    """Return the modules of the engines by name."""
    return {name: ast.parse((folder / f"{name}.py").read_text()) for name in ENGINES}


def costs(about: About) -> str:
    """Return the cells that say how fast an engine is, where it computes and what it speaks."""
    batched = f"{about.seconds / about.batch_speed_up:.2g}" if about.batch_speed_up > 1 else "–"
    return " | ".join(
        (
            f"{about.seconds:g} ({about.seconds_are})",
            batched,
            "the GPU, if there is one" if about.on_gpu else "the CPU",
            ", ".join(about.languages) or "what its model speaks",
        )
    )


def engine_pages(modules: dict[str, ast.Module]) -> str:
    """Return what each engine is, what it takes and which options it has a use for."""
    columns = ("speed_range", *UNUSED, *OWN_SETTINGS)
    text = "## Engines\n\nWhich keys of `tts.NAME` an engine has a use for; others are refused.\n\n"
    text += f"| engine | {' | '.join(f'`{name}`' for name in columns)} |\n"
    text += "|---" * (len(columns) + 1) + "|\n"
    for name, tree in modules.items():
        used = declared(name, tree)
        marks = ("yes" if column in used else "–" for column in columns)
        text += f"| [`{name}`](#{name}) | {' | '.join(marks)} |\n"
    text += "\nHow long an utterance takes is what shards and run times are reckoned with.\n\n"
    text += "| engine | s | in large batches, s | computes on | speaks |\n|---|---|---|---|---|\n"
    text += "".join(f"| `{name}` | {costs(ENGINES[name])} |\n" for name in modules)
    for name, tree in modules.items():
        text += f"\n### {name}\n\n{markdown(ast.get_docstring(tree) or '')}\n"
    return text


def page() -> str:
    """Return the whole page."""
    schema = load_schema()
    engines = engine_pages(engine_modules(MODULES))
    return "\n".join([HEAD, option_tables(schema), artifact_files(), engines])


if __name__ == "__main__":
    PAGE.write_text(page())
