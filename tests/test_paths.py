"""Names in paths: what ``str()`` writes, ``parse()`` reads back, and the wildcards match."""

import re
from functools import cache
from itertools import product

import pytest

import matrix
import roles
from configs import known, reading
from conftest import ROOT
from errors import InputError
from evaluation import VECTOR, Evaluation, adaptation_of, has_aids, without_aids
from groups import Cluster, Pool
from names import one_of
from paths import (
    Aids,
    Checkpoint,
    Manifest,
    Model,
    TaskVector,
    TrainingData,
    seed_folder,
    seed_of,
)
from places import Hypotheses, KeyTermsFile, Score, TrainingTexts, VectorFile

EVERY_ARM = "every arm of the schema"
EXPERIMENTS = ["config.yaml", *(f"experiments/{p.name}" for p in ROOT.glob("experiments/*.yaml"))]
EXPERIMENTS.append(EVERY_ARM)
KOKORO = TrainingData("news", "kokoro")
MIXED = TrainingData("source-except-qa", "kokoro", mixed=True)
ADDED = {"vector": TaskVector("source", "engines"), "scale": 0.25}
NAMES = [
    ("source", Pool("source", ())),
    ("source-except-news-except-qa", Pool("source", ("news", "qa"))),
    ("except-news", Pool("", ("news",))),
    ("news-kokoro", KOKORO),
    ("except-news-real", TrainingData("except-news", "real")),
    ("source-except-qa-mixed-kokoro", MIXED),
    ("news-kokoro-with-except-news", TrainingData("news", "kokoro", replayed="except-news")),
    (
        "news-kokoro-with-except-news-except-qa-kokoro",
        TrainingData("news", "kokoro", replayed="except-news-except-qa", replayed_speech="kokoro"),
    ),
    ("source-pseudo", TrainingData("source", "pseudo")),
    ("source-kokoro", TaskVector("source", "kokoro")),
    ("each-source-pseudo-ties", TaskVector("source", "pseudo", each=True, method="ties")),
    ("each-except-news-kokoro", TaskVector("except-news", "kokoro", each=True)),
    ("source-kokoro-encoder", TaskVector("source", "kokoro", modules="encoder")),
    ("except-qa-cluster-2of4", Cluster("except-qa", 2, 4)),
    ("source-cluster-2of4-pseudo", TrainingData("source-cluster-2of4", "pseudo")),
    ("source-cluster-2of4-pseudo", TaskVector("source-cluster-2of4", "pseudo")),
    ("clusters-4-except-qa-pseudo", TaskVector("except-qa", "pseudo", clusters=4)),
    ("clusters-4-source-pseudo-ties", TaskVector("source", "pseudo", method="ties", clusters=4)),
    ("source-kokoro-ties", TaskVector("source", "kokoro", method="ties")),
    ("ties-ties-ties", TaskVector("ties", "ties", method="ties")),
    ("each-source-kokoro-tsv_m", TaskVector("source", "kokoro", each=True, method="tsv_m")),
    (
        "source-engines-decoder-lines_falling0.25",
        TaskVector("source", "engines", modules="decoder", method="lines_falling0.25"),
    ),
    ("encoder-decoder-decoder0.5", TaskVector("encoder", "decoder", modules="decoder0.5")),
    (
        "news-kokoro+except-qa-kokoro-encoder-decoder0.5-tv0.25",
        Model(
            KOKORO,
            vector=TaskVector("except-qa", "kokoro", modules="encoder-decoder0.5"),
            scale=0.25,
        ),
    ),
    ("pretrained", Model()),
    ("pretrained+source-engines-tv0.25", Model(**ADDED)),
    ("news-kokoro-after-source-except-qa-mixed-kokoro", Model(KOKORO, MIXED)),
    ("news-kokoro+source-engines-tv0.25", Model(KOKORO, **ADDED)),
    ("news-terms", Aids("news", terms=True, lm=False)),
    ("news-lm", Aids("news", terms=False, lm=True)),
    ("news-terms-lm", Aids("news", terms=True, lm=True)),
    ("pretrained+news-terms", Model(aids=Aids("news", terms=True, lm=False))),
    ("news-kokoro+news-terms-lm", Model(KOKORO, aids=Aids("news", terms=True, lm=True))),
    (
        "news-kokoro-with-source+news-lm",
        Model(TrainingData("news", "kokoro", replayed="source"), aids=Aids("news", False, True)),
    ),
    (
        "pretrained+source-engines-tv0.25+news-lm",
        Model(**ADDED, aids=Aids("news", terms=False, lm=True)),
    ),
    ("pretrained+suta", Model(adaptation="suta")),
    ("news-kokoro+pseudo_labels", Model(KOKORO, adaptation="pseudo_labels")),
    (
        "pretrained+source-engines-tv0.25+news-lm+entropy",
        Model(**ADDED, aids=Aids("news", terms=False, lm=True), adaptation="entropy"),
    ),
    ("pretrained+source-lm-tv0.5", Model(vector=TaskVector("source", "lm"), scale=0.5)),
    ("key_terms/news/kokoro.jsonl", KeyTermsFile("news", "kokoro")),
    ("texts/news/train.jsonl", TrainingTexts("news")),
    ("texts/news/selected.jsonl", TrainingTexts("news", "selected")),
    ("models/tiny.en/news-kokoro/seed3", Checkpoint("tiny.en", Model(KOKORO), 3)),
    (
        "task_vectors/tiny/source-engines/seed1.safetensors",
        VectorFile("tiny", TaskVector("source", "engines"), 1),
    ),
    ("manifests/qa/real/dev.jsonl", Manifest("qa", "real", "dev")),
    ("manifests/qa/pseudo-tiny.en/dev.jsonl", Manifest("qa", "pseudo-tiny.en", "dev")),
    (
        "hypotheses/tiny/pretrained/seed0/qa/real/dev.jsonl",
        Hypotheses("tiny", Model(), 0, Manifest("qa", "real", "dev")),
    ),
    (
        "scores/tiny/pretrained/seed0/qa/real/dev.json",
        Score("tiny", Model(), 0, Manifest("qa", "real", "dev")),
    ),
]


@pytest.mark.parametrize(("text", "name"), NAMES)
def test_a_name_is_written_and_read_back(text, name):
    assert str(name) == text
    assert type(name).parse(text) == name


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Pool, "news"),
        (Pool, ""),
        (Pool, "-except-news"),
        (Pool, "source-news"),
        (Cluster, "source"),
        (Cluster, "source-cluster-02of4"),
        (TaskVector, "each-clusters-4-source-pseudo"),
        (TaskVector, "clusters-0-source-pseudo"),
        (TrainingData, "news"),
        (TrainingData, "-real"),
        (TrainingData, "news-mixed-"),
        (TrainingData, "news-kokoro-after-news-real"),
        (TrainingData, "news-kokoro-with-source-real"),
        (TrainingData, "news-kokoro-with-source-kokoro-kokoro"),
        (TaskVector, "source-mixed-kokoro"),
        (TaskVector, "source-kokoro-encodr"),
        (TaskVector, "source-kokoro-encoder1"),
        (TaskVector, "source-kokoro-encoder-encoder"),
        (TaskVector, "source-kokoro-tv0.5"),
        (TaskVector, "source-kokoro-tie"),
        (TaskVector, "source-kokoro-ties0.50"),
        (TaskVector, "source-kokoro-ties-encoder"),
        (TaskVector, "source-kokoro-ties-dare"),
        (TaskVector, "source-kokoro-tsv_m2"),
        (Model, "source"),
        (Model, ""),
        (Model, "news-kokoro+source-kokoro"),
        (Model, "news-kokoro+source-kokoro-tv0.50"),
        (Model, "news-kokoro+source-kokoro-tvnan"),
        (Model, "news-kokoro+-tv1"),
        (Model, "news-kokoro+news"),
        (Model, "news-kokoro+news-lm-terms"),
        (Model, "news-kokoro+news-lm+source-kokoro-tv0.5"),
        (Model, "pretrained+sutta"),
        (Model, "pretrained+suta+news-lm"),
        (Aids, "news"),
        (Aids, "except-news-lm"),
        (TrainingTexts, "texts/news/dev.jsonl"),
        (TrainingTexts, "news"),
        (KeyTermsFile, "texts/news/train.jsonl"),
        (Checkpoint, "models/tiny/pretrained"),
        (Checkpoint, "hypotheses/tiny/pretrained/seed0"),
        (Checkpoint, "models/tiny/pretrained/seed00"),
        (Score, "hypotheses/tiny/pretrained/seed0/qa/real/dev.jsonl"),
        (Manifest, "manifests/qa/real/dev.json"),
    ],
)
def test_a_text_that_is_never_written_is_no_name(kind, text):
    with pytest.raises(InputError, match="is no name of"):
        kind.parse(text)


def test_pseudo_labels_are_those_of_the_base_model_that_learns_them():
    assert TrainingData("qa", "pseudo").manifests("dev", "tiny.en") == [
        Manifest("qa", "pseudo-tiny.en", "dev")
    ]
    assert TrainingData("qa", "kokoro", mixed=True).manifests("dev", "tiny.en") == [
        Manifest("qa", "real", "dev"), Manifest("qa", "kokoro", "dev")
    ]  # fmt: skip


def test_the_pretrained_model_has_seed_0_only():
    assert Checkpoint.for_seed("tiny", Model(), 3) == Checkpoint("tiny", Model(), 0)
    assert Checkpoint.for_seed("tiny", Model(KOKORO), 3).seed == 3
    assert Checkpoint.for_seed("tiny", Model(**ADDED), 3).seed == 3


def test_a_seed_is_read_back_from_its_folder():
    assert seed_of(seed_folder(12)) == 12
    with pytest.raises(InputError, match=r"'seed' is not of the form seed\("):
        seed_of("seed")


@cache
def rows_of(experiment: str) -> tuple[dict, list[Evaluation]]:
    if experiment == EVERY_ARM:
        arms = known.load_schema()["properties"]["arms"]["items"]["enum"]
        arms = [arm for arm in arms if adaptation_of(arm) not in ("suta", "dsuta")]  # of CTC
        kinds = ["pooled", "engines", "encoder", "encoder-decoder0.5", "domains-ties0.3"]
        kinds += ["encoder-lines", "pooled-cross_attention0.5"]
        vectors = {
            "vectors": kinds,
            "vectors_on_pseudo": ["domains", "clusters2", "clusters3-ties"],
        }
        changes = {"arms": arms, "finetune": {"trained": "all"}, "task_vector": vectors}
        config = reading.read([ROOT / "experiments/demo.yaml"], changes)
    else:
        config = reading.read([ROOT / experiment])
    return config, list(matrix.evaluations(config))


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_path_of_an_experiments_matrix_is_read_back(experiment):
    config, rows = rows_of(experiment)
    paths = {Checkpoint: {row.model for row in rows}}
    for kind, key in (
        (VectorFile, "vector_path"),
        (Manifest, "manifest"),
        (Hypotheses, "hypotheses"),
        (Score, "score"),
    ):
        paths[kind] = {getattr(row, key) for row in rows} - {None}
    has_vectors = any(arm.endswith(VECTOR) for arm in config["arms"])
    assert [bool(each) for each in paths.values()] == [True, has_vectors, True, True, True]
    folder = f"{matrix.results_folder(config)}/"
    for kind, written in paths.items():
        for path in written:
            assert folder + str(kind.parse(path.removeprefix(folder))) == path
    for row in rows:
        if row.score:
            read = Score.parse(row.score.removeprefix(folder))
            heard = Manifest(row.domain, row.speech, row.split)
            assert (read.base, read.seed, read.manifest) == (row.base, row.seed, heard)
            assert read.model.scale == row.scaling_coefficient


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_name_of_an_experiment_is_one_that_its_wildcards_match(experiment):
    config, rows = rows_of(experiment)
    groups, tts = [*roles.groups(config), *config["domains"]], list(config["tts"])
    groups += matrix.clusters(config)
    folder = f"{matrix.results_folder(config)}/"
    models = {Score.parse(row.score.removeprefix(folder)).model for row in rows if row.score}
    vectors = {model.vector for model in models} - {None}
    data = {each for model in models for each in (model.data, model.first)} - {None}
    data |= {TrainingData(*each) for each in product(groups, ["real", "pseudo", *tts])}
    data |= {TrainingData(*each, mixed=True) for each in product(groups, tts)}
    data |= {TrainingData(*each, replayed=groups[0]) for each in product(groups, tts)}
    data |= {TrainingData(g, t, replayed=groups[0], replayed_speech=t) for g in groups for t in tts}
    vectors |= {
        TaskVector(*each) for each in product(groups, [*tts, "engines", "pseudo"], [False, True])
    }
    for kind, names in ((TrainingData, data), (TaskVector, vectors)):
        pattern = re.compile(kind.pattern(groups, tts))
        for name in names:
            assert kind.parse(str(name)) == name
            assert pattern.fullmatch(str(name))
    pattern = re.compile(Model.pattern(scale=r"[\d.]+"))
    assert all(pattern.fullmatch(str(model)) for model in models)
    aids = {str(model.aids) for model in models if model.aids}
    assert all(re.fullmatch(Aids.pattern(config["domains"]), each) for each in aids)
    kinds = {arm.removeprefix(without_aids(arm)) for arm in config["arms"] if has_aids(arm)}
    assert len(aids) == len(kinds) * len(config["targets"])
    assert experiment != EVERY_ARM or len(kinds) == 3
    assert not re.fullmatch(TrainingData.pattern(groups, tts), "source-except-nothing-real")


def test_a_wildcard_without_values_matches_nothing():
    assert not re.match(one_of([]), "")
    assert re.fullmatch(one_of(["a.b", "c"]), "a.b") and not re.fullmatch(one_of(["a.b"]), "aXb")


def test_names_are_written_and_read_in_three_modules():
    """Rules have them as Snakemake's templates, whose wildcards are constrained from there."""
    grammar = re.compile(r"-after-|-tv\b|-mixed-(?!>)|\beach-|except-|[^\n]:g\}[^\n]*\.jsonl?")
    homes = {"groups.py", "paths.py", "places.py", "languages.py", "texts"}
    for path in sorted((ROOT / "scripts").rglob("*.py")):
        if path.name in homes or path.parent.name in homes:
            continue
        found = grammar.search(path.read_text())
        assert not found, f"{path}: {found}"
