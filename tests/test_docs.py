"""README and docs say what is so: their commands, numbers, links, options and error messages."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from configs import reading
from conftest import ROOT
from engines import ENGINES, hibari

sys.path.append(str(ROOT / "docs"))

import figure
import generate

import adapt
from made_up_summary import made_up_row, made_up_summary, made_up_target

README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [README, ROOT / "CONTRIBUTING.md", *DOCS]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
ASKED_FILE = (
    "results/drascula/hypotheses/whisper-tiny.en/telephone-hibari+source-hibari-tv0.7/seed1"
    "/telephone/real/test.jsonl"
)

# Every command of the pages, and what is run here in its place. `make -n` prints what would be run.
JUDGED = [f"results/{name}" for name in ("calls", "demo", "no_room", "drascula", "bad-line")]
EXERCISED = {
    "make demo": "make -n demo",
    "make demo EXPERIMENT=my.yaml": "make -n demo EXPERIMENT=my.yaml",
    "make adapt TEXTS=my_domain.txt": "make -n adapt TEXTS=my_domain.txt",
    "make run EXPERIMENT=experiments/calls.yaml": "make -n run EXPERIMENT=experiments/calls.yaml",
    "make run EXPERIMENT=experiments/methods.yaml": (
        "make -n run EXPERIMENT=experiments/methods.yaml"
    ),
    "make test": "make -n test",
    "make setup && source .venv/bin/activate": "make -n setup",
    "make status EXPERIMENT=my.yaml": "make -n status EXPERIMENT=my.yaml",
    "make listen EXPERIMENT=my.yaml": "make -n listen EXPERIMENT=my.yaml",
    "make efficiency EXPERIMENT=my.yaml": "make -n efficiency EXPERIMENT=my.yaml",
    "make audit": "make -n audit",
    "make audit EXPERIMENT=my.yaml": "make -n audit EXPERIMENT=my.yaml",
    'make trace ROW="voicemail pretrained"': 'make -n trace ROW="voicemail pretrained"',
    """make trace EXPERIMENT=my.yaml ROW='telephone "target-synthetic + 0.25" --depth 1'""": (
        """make -n trace EXPERIMENT=my.yaml ROW='telephone "target-synthetic + 0.25" --depth 1'"""
    ),
    "make bench": "make -n bench",
    "make coqui": "make -n coqui",
    "make export EXPERIMENT=my.yaml": "make -n export EXPERIMENT=my.yaml",
    "python scripts/export.py --help": "python scripts/export.py --help",
    (
        'hf upload ME/MODEL results/NAME/models/BASE/MODEL/seedN --exclude "*.lineage.json"'
    ): "hf upload --help",
    "snakemake --profile profiles/local --configfile my.yaml": (
        "snakemake -n --quiet rules --profile profiles/local --configfile my.yaml"
    ),
    "snakemake --profile profiles/local --configfile experiments/slurp-text.yaml": (
        "snakemake -n --quiet rules --profile profiles/local"
        " --configfile experiments/slurp-text.yaml"
    ),
    "snakemake --profile profiles/local --configfile experiments/drascula.yaml": (
        "snakemake -n --quiet rules --profile profiles/local --configfile experiments/drascula.yaml"
    ),
    "snakemake --profile profiles/local --configfile experiments/bad-line.yaml": (
        "snakemake -n --quiet rules --profile profiles/local --configfile experiments/bad-line.yaml"
    ),
    f"snakemake {ASKED_FILE} --profile profiles/local --configfile experiments/drascula.yaml": (
        f"snakemake {ASKED_FILE} -n --quiet rules --profile profiles/local"
        " --configfile experiments/drascula.yaml"
    ),
    "snakemake --profile slurm --set-resources finetune:runtime=600": (
        "snakemake -n --quiet rules --profile slurm --set-resources finetune:runtime=600"
        " --configfile experiments/drascula.yaml"
    ),
    "python scripts/synthesize.py --help": "python scripts/synthesize.py --help",
    "python scripts/look.py shop.csv --language en": "python scripts/look.py --help",
    "python scripts/lineage.py --help": "python scripts/lineage.py --help",
    "python scripts/compare.py A B --references TEST --language en": (
        "python scripts/compare.py --help"
    ),
    "python scripts/transfer.py --model FURTHER --add CHAT BASE 0.5 --output SUM": (
        "python scripts/transfer.py --help"
    ),
    "python benchmarks/from_nothing.py": "python benchmarks/from_nothing.py --help",
    "python benchmarks/load.py": "python benchmarks/load.py --help",
    "python benchmarks/slurm_overhead.py": "python benchmarks/slurm_overhead.py --help",
    "python benchmarks/levers.py": "python benchmarks/levers.py --help",
    "python benchmarks/selection.py resources/slurp-text": "python benchmarks/selection.py --help",
    "python benchmarks/agreement.py results/calls --heard heard": (
        "python benchmarks/agreement.py --help"
    ),
    f"python benchmarks/choice_rule.py {' '.join(JUDGED)}": (
        "python benchmarks/choice_rule.py --help"
    ),
}
NOT_RUN = {
    "snakemake -n --quiet rules": "test_workflow.py plans config.yaml",
    "snakemake -n --quiet rules --configfile experiments/paper.yaml": "plans for 40 s",
    "snakemake --profile profiles/local --resources gpu=1": (
        "needs a GPU and the model hub; the profile is tried on another experiment"
    ),
    "snakemake --profile slurm": "needs a cluster; test_slurm.py runs a tiny experiment by it",
    "source .venv/bin/activate": "a shell's own command; `make setup` makes the file",
}


def shell_commands(text: str) -> list[str]:
    """Return the commands of a page's bash blocks, without their comments."""
    lines = "\n".join(block for kind, block in FENCE.findall(text) if kind == "bash")
    commands = (re.sub(r"\s+#.*", "", line).strip() for line in lines.splitlines())
    return [command for command in commands if command]


def without_code(text: str) -> str:
    return FENCE.sub("", text)


def in_code_marks(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", without_code(text))


def headings(path: Path) -> set[str]:
    """Return the anchors of a page."""
    found = re.findall(r"^#+ (.*)$", without_code(path.read_text()), flags=re.MULTILINE)
    return {generate.anchor(heading) for heading in found}


def first_table(text: str) -> list[list[str]]:
    """Return the cells of the first table of a text, its heading row first."""
    lines = re.search(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [rows[0], *rows[2:]]


def from_heading(path: Path, heading: str) -> str:
    return path.read_text().split(f"\n## {heading}\n", 1)[1]


# README


def test_readme_is_150_lines_and_its_first_screen_60():
    lines = README.read_text().splitlines()
    assert len(lines) <= 150
    assert lines.index("## What you need") <= 60


def test_the_first_screen_has_formula_figure_command_table_verdict_and_a_domain_of_ones_own():
    screen = README.read_text().partition("\n## What you need")[0]
    assert "τ = θ_source-real − θ_source-synthetic" in screen
    assert "](docs/figure.svg)" in screen and "make demo " in screen
    assert len(first_table(screen)) == 1 + 5
    assert "**Verdict:**" in screen and "**Your own domain**" in screen
    assert all(f"](docs/{page.name})" in screen for page in DOCS)


# numbers


def rates(row: dict) -> str:
    low, high = row["wer_interval"]
    return f"{100 * row['wer']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def demo_rows() -> dict[str, list[str]]:
    """Return what the tables say of each arm of the demo: its rates on each target."""
    targets = json.loads(figure.NUMBERS.read_text())["targets"]
    labels = [row["label"] for row in targets[0]["rows"]]
    return {
        label: [rates(row) for target in targets for row in target["rows"] if row["label"] == label]
        for label in labels
    }


def label_of(cell: str) -> str:
    return re.sub(r" \(.*\)$", "", cell).replace(" → ", "→")


def test_readmes_table_is_the_demos():
    heading, *rows = first_table(README.read_text())
    targets = json.loads(figure.NUMBERS.read_text())["targets"]
    assert heading[1:3] == [target["name"] for target in targets]
    known = demo_rows()
    assert {label_of(row[0]): row[1:3] for row in rows} == {
        label_of(row[0]): known.get(label_of(row[0])) for row in rows
    }


def test_readmes_table_has_the_numbers_of_the_calls_as_their_own_table():
    heading, *rows = first_table(README.read_text())
    page = ROOT / "docs" / "experiments.md"
    of_calls, *all_rows = first_table(from_heading(page, "Real telephone calls"))
    assert [name.partition(" (")[0] for name in of_calls[1:4]] == heading[3:]
    known = {label_of(row[0].strip("*")): row[1:4] for row in all_rows}
    for row in rows:
        assert row[3:] == known[label_of(row[0])], row[0]


def test_the_table_of_all_arms_is_the_demos():
    page = ROOT / "docs" / "experiments.md"
    heading, *rows = first_table(from_heading(page, "What the demo shows"))
    targets = json.loads(figure.NUMBERS.read_text())["targets"]
    assert heading[1:3] == [f"{target['name']} ({target['words']:,} words)" for target in targets]
    assert {label_of(row[0]): row[1:3] for row in rows} == demo_rows()


# commands


def test_every_command_of_the_pages_is_exercised_or_marked_why_not():
    commands = {command for page in PAGES for command in shell_commands(page.read_text())}
    assert commands == set(EXERCISED) | set(NOT_RUN)
    assert not set(EXERCISED) & set(NOT_RUN)


def test_code_stands_between_fences_of_a_known_kind():
    for page in PAGES:
        text = page.read_text()
        assert {kind for kind, _ in FENCE.findall(text)} <= {"bash", "python", "yaml", "text"}, page
        assert not re.search(r"^    \S", without_code(text), flags=re.MULTILINE), page


@pytest.fixture(scope="module")
def my_experiment(tmp_path_factory) -> Path:
    """The experiment of README's first screen, as `make adapt` writes it."""
    folder = tmp_path_factory.mktemp("my")
    (folder / "my.txt").write_text("".join(f"we sell {n} blue lamps\n" for n in range(60)))
    adapt.main(["--texts", str(folder / "my.txt"), "--folder", str(folder)])
    return folder / "my.yaml"


@pytest.mark.parametrize("command", EXERCISED.values())
def test_a_command_is_understood(command, my_experiment):
    done = subprocess.run(
        command.replace("my.yaml", str(my_experiment)),
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_variables_given_to_make_are_ones_that_the_makefile_reads():
    makefile = (ROOT / "Makefile").read_text()
    given = {name for command in EXERCISED for name in re.findall(r"\b([A-Z]+)=", command)}
    assert given == {"EXPERIMENT", "ROW", "TEXTS"}
    adapted = re.search(r"^ADAPT := (.*)$", makefile, flags=re.MULTILINE)[1].upper().split()
    read = {name for name in given if f"$({name})" in makefile} | set(adapted)
    assert given <= read


def test_targets_of_make_that_a_text_names_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {
        words.split()[-1 if "=" not in words else 1]
        for page in PAGES
        for words in in_code_marks(page.read_text())
        if re.match(r"make [a-z]+\b", words)
    }
    assert "audit" in targets and named and named - targets == set()


def test_make_help_lists_docs():
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True)
    assert "make docs" in done.stdout


# links and names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text()))
    broken = []
    for target in targets:
        path, _, heading = target.partition("#")
        if path.startswith("https://"):
            continue
        other = page.parent / path if path else page
        if not other.exists() or heading and f"#{heading}" not in headings(other):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_of_the_checkout_that_a_text_names_exist(page):
    folders = "scripts|rules|experiments|profiles|benchmarks|tests|envs|docs"
    named = [
        words
        for words in in_code_marks(page.read_text())
        if re.fullmatch(rf"(?:{folders})/[a-z_./-]+", words)
    ]
    assert [name for name in named if not (ROOT / name).exists()] == []


# options


def option_names() -> set[str]:
    """Return every key of the options page, with its section: "filter.max_cer"."""
    names, section = set(), ""
    for line in generate.PAGE.read_text().splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif match := re.match(r"\| `(\w+)` \|", line):
            names.add(f"{section}.{match[1]}".removeprefix("Experiment."))
    return names


def test_the_page_of_options_is_what_the_schema_and_the_engines_say():
    assert generate.PAGE.read_text() == generate.page(), "stale: run `make docs`"


def keys(schema: dict) -> set[str]:
    """Return the names of all properties anywhere in a schema."""
    found = set(schema.get("properties", {}))
    parts = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    parts.append(schema.get("additionalProperties"))
    return found.union(*(keys(part) for part in parts if isinstance(part, dict)))


def test_every_key_of_the_schema_is_on_the_page():
    schema = generate.load_schema()
    shown = {name.rpartition(".")[2] for name in option_names()}
    assert len(keys(schema)) > 80
    assert keys(schema) - shown == set()


def test_keys_that_a_text_names_with_their_section_exist():
    known = option_names()
    sections = "filter|finetune|task_vector|tts|domains|base_models"
    named = {
        name
        for page in PAGES
        for words in in_code_marks(page.read_text())
        if (name := words.partition(":")[0]) and re.fullmatch(rf"(?:{sections})\.[\w.]+", name)
    }
    named -= {"tts.NAME", "domains.NAME", "base_models.NAME"}
    assert "filter.max_cer" in named
    assert named - known == set()


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1}, "whole number from 1 on"),
        ({"type": "number", "exclusiveMinimum": 0}, "number above 0"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 30}, "number above 0, up to 30"),
        ({"type": "number", "minimum": 0, "maximum": 1}, "number from 0 to 1"),
        ({"type": "integer", "maximum": 9}, "whole number up to 9"),
        ({"type": "boolean"}, "`true` or `false`"),
        ({"enum": ["a", 2]}, "one of `a`, `2`"),
        ({"enum": list(range(99))}, "one of 99: `0`, `1`, `2`, … `98`"),
        ({"type": "array", "items": {"type": "string"}}, "list: text"),
        (
            {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            "[lowest, highest], each a number",
        ),
        ({"oneOf": [{"type": "string"}, {"const": "all"}]}, "text, or `all`"),
        ({"$ref": "#/$defs/finetune"}, "keys of [finetune](#finetune)"),
    ],
)
def test_what_a_key_may_be_is_said_in_words(schema, words):
    assert generate.values(schema) == words


def test_a_table_cell_cannot_end_its_cell_or_become_markup():
    assert generate.cell("one\n  | two <b>") == r"one \| two &lt;b>"


def test_an_engine_has_a_use_for_what_it_does_not_refuse():
    module = ast.parse(
        'def load(setup):\n    check_unused("hum", setup, "speakers", "language")\n'
        "    return Engine(speak, 24_000, voices, has_speed=True)\n"
    )
    assert generate.declared("hum", module) == {"speed_range", "batch_size", "precision"}


def test_the_engines_are_those_of_the_table_of_voices():
    rows = first_table(from_heading(ROOT / "docs" / "voices.md", "Engines"))[1:]
    shown = {re.match(r"`(\w+)`", row[0])[1] for row in rows}
    assert shown == set(generate.ENGINES)


def test_domains_and_voices_of_the_pages_are_accepted_in_an_experiment():
    demo = yaml.safe_load((ROOT / "experiments" / "drascula.yaml").read_text())
    blocks = [block for page in PAGES for kind, block in FENCE.findall(page.read_text())
              if kind == "yaml"]  # fmt: skip
    assert len(blocks) >= 4
    for block in blocks:
        given = yaml.safe_load(block)
        merged = ("domains", "tts", "artifacts")
        config = demo | {key: demo.get(key, {}) | given[key] for key in merged if key in given}
        config["targets"] = given.get("targets", [*given.get("domains", {})]) or demo["targets"]
        config["task_vector"] = {}
        config |= {key: given[key] for key in ("judge",) if key in given}
        assert reading.complete_and_check(config)["name"] == "drascula", block


# errors


def literals(folder: Path) -> list[str]:
    """Return the string constants of all modules, those of f-strings included."""
    return [
        node.value
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_error_messages_that_troubleshooting_quotes_are_those_of_the_code():
    said = [*literals(ROOT / "scripts"), (ROOT / "Makefile").read_text()]
    text = without_code((ROOT / "docs" / "troubleshooting.md").read_text())
    symptoms = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    quoted = [
        part.strip()
        for symptom in symptoms
        for words in re.findall(r"`([^`]+)`", symptom)
        for part in words.split("…")
        if len(part.split()) >= 3
    ]
    assert len(quoted) > 30
    assert [part for part in quoted if not any(part in text for text in said)] == []


# figure


def test_rules_are_folded_into_the_verbs_that_they_serve():
    dot = (
        'digraph {\n\t0[label = "all", color = "0.1"];\n\t1[label = "report"];\n'
        '\t2[label = "score_sweep"];\n\t3[label = "score"];\n\t1 -> 0\n\t2 -> 1\n\t3 -> 2\n}\n'
    )
    assert figure.rule_edges(dot) == {
        ("report", "all"), ("score_sweep", "report"), ("score", "score_sweep"),
    }  # fmt: skip
    assert figure.stage_edges(figure.rule_edges(dot)) == {("score", "report")}


def test_every_rule_has_a_place_in_the_figure():
    rules = set()
    for path in (ROOT / "rules").glob("*.smk"):
        rules |= set(re.findall(r"^rule (\w+):", path.read_text(), flags=re.MULTILINE))
        rules |= set(re.findall(r"^use rule \w+ as (\w+)", path.read_text(), flags=re.MULTILINE))
    assert len(rules) > 20
    assert {rule for rule in rules if figure.verb(rule) not in figure.STAGES} == set()
    assert figure.verb("score_sweep") == "score" and figure.verb("transcribe") == "transcribe"
    assert figure.verb("transcribe_synthesized") == "filter"
    with pytest.raises(KeyError):
        figure.verb("scored")


def test_a_way_that_a_longer_one_replaces_is_a_detour_and_layers_follow_the_longest():
    edges = {("fetch", "filter"), ("fetch", "prepare"), ("prepare", "filter"), ("filter", "score")}
    assert figure.without_detours(edges) == edges - {("fetch", "filter")}
    assert figure.layers(edges) == {"fetch": 0, "prepare": 1, "filter": 2, "score": 3}


def test_a_summary_is_condensed_to_what_is_shown():
    row = made_up_row("pretrained", 0.5, wer_interval=(0.25, 0.75))
    summary = made_up_summary(made_up_target([row], name="shop", words=4))
    assert figure.condensed(summary) == {
        "confidence": 0.95,
        "targets": [
            {
                "name": "shop",
                "words": 4,
                "rows": [{"label": "pretrained", "wer": 0.5, "wer_interval": [0.25, 0.75]}],
            }
        ],
    }


def test_the_figure_shows_the_rules_as_they_are_and_the_demos_numbers():
    drawing = figure.DRAWING.read_text()
    assert len(drawing.encode()) <= 200_000
    edges = figure.stage_edges(figure.rule_edges(figure.rulegraph()))
    words = figure.description(edges, json.loads(figure.NUMBERS.read_text()))
    assert f"<desc>{words}</desc>" in drawing, "stale: run `make docs`"


@pytest.mark.parametrize("name", ENGINES)
def test_what_a_config_may_say_to_an_engine_is_what_its_module_has_a_use_for(name):
    """A config is refused before the first job for what the engine would refuse when it loads."""
    module = generate.engine_modules(ROOT / "scripts" / "engines")[name]
    about = ENGINES[name]
    settings = generate.declared(name, module) - {"language", *about.own_settings}
    assert set(about.uses) == settings
    assert about.takes_language == ("language" in generate.declared(name, module))


def test_the_voices_of_hibari_are_those_that_its_module_bends():
    assert ENGINES["hibari"].voices == tuple(hibari.VOICES)
