"""The card of an adapted checkpoint: what it claims, what it leaves out, and lines that run."""

import html.parser
import json
import platform
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from huggingface_hub import ModelCard, ModelCardData
from huggingface_hub.repocard_data import eval_results_to_model_index
from huggingface_hub.utils import filter_repo_objects
from markdown_it import MarkdownIt
from transformers import WhisperForConditionalGeneration, pipeline
from transformers.models.whisper.tokenization_whisper import LANGUAGES

import deliver
import model_card
import task_vector
import transcribe
from conftest import ROOT
from errors import InputError
from exports.formats import FORMATS
from exports.measured import Errors, Measured, write_measured
from files.manifest import read_jsonl, write_jsonl
from made_up_report import SMALL, leakage, target
from made_up_summary import comparison, made_up_row, made_up_summary, write_made_up_summary
from recognisers.load import load_recogniser
from records import reading, writing
from records import record as records
from reporting import card_history
from reporting.card_facts import HUB_LICENCES, hub_licence
from reporting.card_verdict import verdict
from scoring.decisions import Candidate, Verdict
from scoring.differences import Difference
from scoring.score_file import ErrorCounts
from scoring.summary import Forgetting, SummaryRow, TargetSummary
from tiny import lessons, tone, write_ctc, write_taught_whisper, write_whisper

RESULTS = Path("results/tiny")
NAME = "shop-hibari+source-hibari-tv0.5"
CARD = RESULTS / "models" / "base" / NAME / "seed1"
SETTINGS = {
    "window": 5.0, "learning_rate": 1e-5, "weight_decay": 0.1, "warmup_steps": 5, "epochs": 2.0,
    "batch_size": 8, "trained": "decoder", "optimizer": "adamw", "lora_rank": 0, "seed": 1,
    "criterion": "loss", "max_length": 20, "language": "en", "task": "transcribe",
}  # fmt: skip
SALE = {"licence": "see readme.txt (redistribution allowed, sale not)", "forbids": "sale"}
EXTERNALS = {
    "whisper-tiny": ("tiny.pt", {"licence": "MIT"}, "url https://models.org/tiny.pt"),
    "game": ("speech.dat", SALE, "deb game: usr/share/game/speech.dat"),
    "hibari": ("hibari.onnx", {"licence": "Apache-2.0"}, "pypi hibari-tts==0.2.1: hibari.onnx"),
}


@pytest.fixture(autouse=True)
def in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def record(script: str, outputs: list, inputs: list, parameters: dict | None = None, **facts):
    """Write the record of a stage, and the outputs that are not there yet."""
    for path in map(Path, outputs):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(path.name)
    writing.write_record(ROOT / "scripts" / script, outputs, inputs, parameters or {}, **facts)


def fetch(name: str) -> Path:
    """Write a fetched folder; return its file."""
    file, licence, source = EXTERNALS[name]
    path = Path("resources") / name / file
    path.parent.mkdir(parents=True)
    path.write_text(file)
    facts = {"licences": {name: licence}, "sources": {file: source}}
    record("fetch.py", [path.with_name("files.json")], [], {"artifact": name}, **facts)
    return path


def speak(domain: str, origin: Path, has_recordings: bool) -> None:
    """Write a domain's texts, recordings if it has any, and three utterances by two voices."""
    texts = RESULTS / "texts" / domain / "train.jsonl"
    real, spoken = (
        RESULTS / "manifests" / domain / kind / "train.jsonl" for kind in ("real", "hibari")
    )
    counts = {"texts": {"train": 1400}, "splits": {}}
    row = {"duration": 1.0, "text": "hello", "domain": domain, "audio_filepath": "a.flac"}
    if has_recordings:
        counts["splits"] = {"train": {"utterances": 2}}
        write_jsonl(real, [row | {"id": str(n), "speaker": "Ann"} for n in range(2)])
    manifests = [real] if has_recordings else []
    licences = {} if origin.name == "files.json" else {domain: {"licence": "not stated"}}
    record("prepare.py", [texts, *manifests], [origin], {"domain": domain},
           counts=counts, licences=licences)  # fmt: skip
    of_tts = [
        row | {"id": str(n), "tts": "hibari", "voice": voice, "speaker": f"hibari:{voice}"}
        for n, voice in enumerate(["heart", "heart", "bass"])
    ]
    write_jsonl(spoken, of_tts)
    inputs = [texts, "resources/hibari/hibari.onnx"]
    record("synthesize.py", [spoken], inputs, {"tts": "hibari", "engine": "hibari"})


def train(name: str, data: list[str], first: str = "pretrained/seed0", **settings) -> None:
    """Write a checkpoint that is said to be trained, and is as its first one."""
    models = RESULTS / "models" / "base"
    folder = models / name / "seed1"
    shutil.copytree(models / first, folder, ignore=shutil.ignore_patterns("*.lineage.json"))
    manifests = [str(RESULTS / "manifests" / each / "train.jsonl") for each in data]
    record(
        "finetune.py",
        records.checkpoint_files(folder),
        [*records.checkpoint_files(models / first), *manifests],
        SETTINGS | settings,
        manifests={"train": manifests, "dev": []},
        training={"utterances": 3, "steps": 1},
    )


def experiment(write=write_whisper, recordings: bool = True, after: str | None = None, **options):
    """Write an experiment whose target is shop, and whose adapted checkpoint has no card yet."""
    settings = {key: options.pop(key) for key in list(options) if key in SETTINGS}
    for name in EXTERNALS:
        fetch(name)
    Path("shop.txt").write_text("hello")
    speak("queen", Path("resources/game/files.json"), has_recordings=True)
    speak("shop", Path("shop.txt"), recordings)
    first = RESULTS / "models/base/pretrained/seed0"
    write(first, **options)
    record(
        "pretrained.py",
        records.checkpoint_files(first),
        [f"resources/whisper-tiny/{EXTERNALS['whisper-tiny'][0]}"],
    )
    train("source-real", ["queen/real"], **settings)
    train("source-hibari", ["queen/hibari"], **settings)
    if after:
        train(after, ["queen/real", "queen/hibari"], **settings)
    train(
        "shop-hibari",
        ["shop/hibari"],
        f"{after}/seed1" if after else "pretrained/seed0",
        **settings,
    )
    of = "results/tiny/models/base/{}/seed1/model.safetensors"
    vector = "results/tiny/task_vectors/base/source-hibari/seed1.safetensors"
    pair = ["--real", of.format("source-real"), "--synthetic", of.format("source-hibari")]
    task_vector.main(["subtract", *pair, "--output", vector])
    task_vector.main(
        ["apply", "--checkpoint", of.format("shop-hibari"), "--vector", vector]
        + ["--scaling-coefficient", "0.5", "--output", str(CARD / "model.safetensors")]
    )


def table(**changes: object) -> TargetSummary:
    """Return the target shop with rows of λ 0.5 (WER 17 %) and 0.25 (18 %)."""
    entry = replace(target("alarm", SMALL), base="base", target="shop", name="shop", units=200)

    def at_its_place(row: SummaryRow) -> SummaryRow:
        if row.vector_on != "target-synthetic":
            return row
        place = NAME.replace("0.5", f"{row.scaling_coefficient:g}")
        scores = (f"results/tiny/scores/base/{place}/seed1/shop/real/test.json",)
        return replace(row, scores=scores, models=("results/tiny/models/base/shop-hibari/seed1",))

    return with_row(replace(entry, rows=tuple(map(at_its_place, entry.rows))), **changes)


def is_delivered(row: SummaryRow, scale: float = 0.5) -> bool:
    """Say whether a row is that of the delivered model with a scaling coefficient."""
    return (row.vector_on, row.scaling_coefficient) == ("target-synthetic", scale)


def with_row(entry: TargetSummary, scale: float = 0.5, **changes: object) -> TargetSummary:
    """Return a target with changes of the delivered model's row."""
    rows = [replace(r, **changes) if is_delivered(r, scale) else r for r in entry.rows]
    return replace(entry, rows=tuple(rows))


def card(entry: TargetSummary, *options: str) -> str:
    """Write the card; return its text with the line breaks of prose taken out."""
    path = write_made_up_summary(RESULTS / "summary.json", entry)
    record("summarize.py", [path], [])
    checkpoint = str(CARD / "model.safetensors")
    model_card.main(["--checkpoint", checkpoint, "--summary", str(path), *options])
    return (CARD / "README.md").read_text()


def front_matter() -> dict:
    return ModelCard.load(CARD / "README.md").data.to_dict()


def untested() -> TargetSummary:
    """Return the summary of a target without recordings."""
    return replace(table(), rows=(), speech=None, utterances=0)


def test_the_front_matter_is_the_hubs_and_has_the_measured_wer_in_percent():
    experiment()
    card(table())
    data = front_matter()
    assert (data["language"], data["library_name"]) == ("en", "transformers")
    assert data["pipeline_tag"] == "automatic-speech-recognition"
    assert data["base_model"] == "openai/whisper-tiny"
    assert {"whisper", "arxiv:2406.02925"} <= set(data["tags"])
    assert data["license"] == "other" and "license_link" not in data
    [found] = ModelCard.load(CARD / "README.md").data.eval_results
    assert (found.metric_type, found.metric_value) == ("wer", 17.0)
    assert (found.dataset_name, found.dataset_split) == ("shop", "test")


def test_the_card_says_of_what_it_was_made():
    experiment(after="source-mixed-hibari")
    text = card(table())
    assert "| domain | shop: 1,400 sentences to train on |" in text
    assert "| spoken by | hibari, 2 voices: 3 utterances |" in text
    assert "| source domain | queen: 2 recordings to train on |" in text
    assert "fine-tuned first on 5 utterances, real and synthetic, of queen, then" in text
    assert "| λ | 0.5 |" in text and "| audio window | 5 s |" in text
    assert "peak learning rate 1e-05" in text and "Trained: the decoder" in text


def test_a_table_has_the_model_the_pretrained_one_and_the_papers_baseline():
    experiment()
    text = card(table())
    assert "| **this model** | 17.0 [16.0, 18.2] | |" in text
    assert "| pretrained | 24.0 [23.0, 25.2] | −7.0 [−8.0, −6.0]* |" in text
    assert (
        "baseline (source-mixed → target-synthetic) | 18.0 [17.0, 19.2] | −1.0 [−2.0, 0.0] |"
        in text
    )
    assert "on 100 test utterances (700 words)" in text
    assert "| weather (source; 500 utterances) | 21.0 [20.0, 22.0] | +1.0" in text


@pytest.mark.parametrize(
    ("difference", "exploratory", "said"),
    [
        (-0.07, False, "It makes fewer word errors than the pretrained model (−7.0 points"),
        (0.07, False, "**It makes more word errors than the pretrained model** (+7.0 points"),
        (-0.005, False, "**It is not shown to be better than the pretrained model** (−0.5 points"),
        (-0.07, True, "**It is not shown to be better than the pretrained model** (−7.0 points"),
        (0.07, True, "**It is not better than the pretrained model** (+7.0 points"),
    ],
)
def test_a_model_that_is_not_better_than_the_pretrained_one_is_said_to_be_so(
    difference, exploratory, said
):
    versus = comparison(difference)
    if exploratory:
        versus = replace(versus, p_adjusted=None, significant=False)
    shown = {"versus_pretrained": versus, "exploratory": exploratory}
    assert verdict(made_up_row("target-synthetic", **shown)).startswith(said)


def test_a_coefficient_that_only_the_verdict_picked_was_tested_all_the_same():
    row = made_up_row("target-synthetic", versus_pretrained=comparison(-0.07), exploratory=True)
    assert verdict(row).startswith("It makes fewer word errors than the pretrained model (−7.0")


def test_without_a_pretrained_model_in_the_table_nothing_is_claimed_against_it():
    experiment()
    entry = table(versus_pretrained=None)
    rows = tuple(row for row in entry.rows if row.arm != "pretrained")
    text = card(replace(entry, rows=rows))
    assert "It was not compared with the pretrained model." in text and "| pretrained |" not in text


def test_a_coefficient_that_the_table_chose_is_said_to_be_the_same():
    experiment()
    assert (
        "The table's λ, chosen on source domains, which uses no target recordings, is the same."
        in (card(table()))
    )


def test_a_coefficient_that_is_not_the_tables_is_said_to_be_another():
    experiment()
    words = "chosen on shop dev (hibari speech)"
    entry = table(chosen=False, exploratory=True)
    text = card(with_row(entry, 0.25, chosen=True, chosen_on=words))
    assert f"**It is not the table's λ**, which is 0.25 ({words};" in text


def test_a_coefficient_that_the_table_does_not_have_was_not_measured():
    experiment()
    entry = table()
    text = card(replace(entry, rows=tuple(row for row in entry.rows if not is_delivered(row))))
    assert "Not measured: with λ = 0.5 it is not in the experiment's table" in text
    assert "which has λ = 0.25, 0.75 and 1." in text
    assert "never tested" in text and "model-index" not in front_matter()


def test_a_domain_without_recordings_has_no_number():
    experiment(recordings=False)
    text = card(untested())
    assert "Not measured: no transcribed recordings of this domain were available." in text
    assert "| domain | shop: 1,400 sentences to train on; texts only |" in text
    assert "never tested" in text and "WER" not in text and "model-index" not in front_matter()


def test_of_several_seeds_the_front_matter_has_this_checkpoints_own_wer():
    experiment()
    entry = table(seeds=(2, 1), wer_of_seeds=(0.14, 0.2))
    (own,) = [score for row in entry.rows if is_delivered(row) for score in row.scores]
    text = card(with_row(entry, scores=(own.replace("seed1", "seed2"), own)))
    assert "means over 2 seeds; **this checkpoint's own WER is 20.0 %**" in text
    assert front_matter()["model-index"][0]["results"][0]["metrics"][0]["value"] == 20.0


def test_a_synthetic_test_set_is_no_evidence_for_human_speech():
    experiment()
    text = card(replace(table(), speech="kokoro"))
    assert "**synthetic speech** (kokoro)" in text and "no evidence for human speech" in text
    [found] = ModelCard.load(CARD / "README.md").data.eval_results
    assert found.dataset_name == "shop (kokoro, synthetic)"


def test_recordings_through_a_simulated_line_are_no_evidence_for_real_telephones():
    experiment()
    assert "simulated" not in card(table())
    declared = {"domain": "queen", "declaration": {"line": "bad"}}
    manifests = RESULTS / "manifests/queen/real/train.jsonl"
    counts = {"texts": {"train": 1400}, "splits": {"train": {"utterances": 2}}}
    record("prepare.py", [RESULTS / "texts/queen/train.jsonl", manifests],
           ["resources/game/files.json"], declared, counts=counts, licences={})  # fmt: skip
    text = card(replace(table(), line="bad"))
    assert "2 recordings to train on, through a simulated bad telephone line |" in text
    assert (
        "**The test recordings of shop went through a simulated bad telephone line, which" in text
    )
    assert "no evidence for real telephones" in text


def test_recordings_of_the_target_that_were_used_are_told():
    experiment()
    changes = {"target_recordings": "model selection", "target_recordings_for_choice": 30}
    text = card(table(**changes, leakage=leakage(selection=24)))
    assert "Recordings of the target served for model selection. 30 chose the table's λ." in text
    assert "lineage shows in the model: 24 target recordings in selection." in text


def test_the_licences_of_all_externals_are_in_the_table_with_what_they_forbid():
    experiment()
    text = card(table())
    assert (
        "**This model was made with files whose licences forbid something: game forbids sale.**"
        in text
    )
    assert f"| game | data of a domain | deb game | {SALE['licence']} | sale |" in text
    assert "| hibari | text to speech | pypi hibari-tts==0.2.1 | Apache-2.0 | – |" in text
    assert "| shop | data of a domain | not fetched by the workflow | not stated | – |" in text
    assert "| whisper-tiny | recogniser | url https://models.org/tiny.pt | MIT | – |" in text


def test_an_external_without_a_record_is_not_passed_over():
    experiment()
    Path("resources/hibari/files.json.lineage.json").unlink()
    for sidecar in Path("results").rglob("*.lineage.json"):
        content = json.loads(sidecar.read_text())
        content["licences"].pop("hibari", None)
        sidecar.write_text(json.dumps(content))
    text = card(table())
    assert "| hibari | text to speech | not fetched by the workflow | unknown" in text
    assert "**The licence of hibari is not known**" in text


@pytest.mark.parametrize(
    ("own", "forbids", "expected"),
    [
        ("MIT", "", {"license": "mit"}),
        ("CC BY-NC 4.0", "", {"license": "cc-by-nc-4.0"}),
        ("MIT", "sale", {"license": "other"}),
        ("see readme.txt", "", {"license": "other"}),
        (
            "Acme 1.0 (https://acme.org/licence)",
            "",
            {"license": "other", "license_link": "https://acme.org/licence"},
        ),
    ],
)
def test_a_licence_that_the_hub_does_not_know_is_other(own, forbids, expected):
    found = hub_licence({"licences": [own]}, [{"forbids": ""}, {"forbids": forbids}])
    if expected["license"] == "other":
        expected = expected | {"license_name": "see-licences-in-this-card"}
    assert found == expected


def test_a_base_model_from_the_hub_is_named_as_there(monkeypatch):
    source = "hub acme/tiny: tiny.pt"
    monkeypatch.setitem(EXTERNALS, "whisper-tiny", ("tiny.pt", {"licence": "MIT"}, source))
    experiment()
    card(table())
    assert front_matter()["base_model"] == "acme/tiny"


def test_a_base_model_in_another_form_is_named_as_openai_names_it(monkeypatch):
    source = "npm somebody@1.0.0: package/tiny.bin"
    monkeypatch.setitem(EXTERNALS, "whisper-tiny", ("tiny.bin", {"licence": "MIT"}, source))
    experiment()
    card(table())
    assert front_matter()["base_model"] == "openai/whisper-tiny"


def test_free_text_does_not_break_the_table(monkeypatch):
    odd = {"licence": "ask\nus | or: don't", "forbids": ""}
    monkeypatch.setitem(EXTERNALS, "game", ("speech.dat", {"licence": odd["licence"]}, "path /a/b"))
    experiment()
    assert r"| game | data of a domain | a local file | ask us \| or: don't | – |" in card(table())


def test_the_folder_carries_all_records_and_the_same_work_gives_the_same_bytes():
    experiment()
    card(table())
    content = json.loads((CARD / "lineage.json").read_text())
    made = reading.upstream(CARD / "model.safetensors")
    names = {str(Path(each.sidecar).resolve().relative_to(Path.cwd())) for each in made}
    fetched = {f"resources/{name}/files.json.lineage.json" for name in EXTERNALS}
    assert set(content["records"]) == names | fetched
    own = content["records"][str(CARD / "model.safetensors.lineage.json")]
    assert own["parameters"] == {"command": "apply", "scaling_coefficient": 0.5}
    assert not any("run" in each for each in content["records"].values())
    before = [(CARD / name).read_bytes() for name in records.MODEL_CARD]
    card(table())
    assert [(CARD / name).read_bytes() for name in records.MODEL_CARD] == before


def test_the_card_has_its_own_record_and_changes_nothing_of_the_checkpoints():
    experiment()
    of_checkpoint = (CARD / "model.safetensors.lineage.json").read_bytes()
    card(table())
    own = reading.read_record(CARD / "README.md.lineage.json")
    assert set(own.outputs) == {str(CARD / "README.md"), str(CARD / "lineage.json")}
    assert {str(CARD / "model.safetensors"), str(RESULTS / "summary.json")} <= set(own.inputs)
    assert own.content["licences"]["game"] == SALE
    assert (CARD / "model.safetensors.lineage.json").read_bytes() == of_checkpoint


def test_commands_and_versions_to_make_it_again_are_told():
    experiment()
    text = card(table())
    assert f"python scripts/lineage.py reproduce {CARD}/model.safetensors\n" in text
    assert "python scripts/lineage.py audit results/tiny\n" in text
    assert f"Commit: {writing.commit()['commit']}" in text and "torch 2" in text


def test_the_pretrained_model_gets_no_card():
    experiment()
    other = str(RESULTS / "models/base/pretrained/seed0/model.safetensors")
    with pytest.raises(InputError, match=r"made by pretrained\.py, not by finetune\.py, task_"):
        model_card.main(["--checkpoint", other, "--summary", "summary.json"])


@pytest.mark.parametrize(
    ("replayed", "speech"),
    [("", ""), ("-with-queen", "real"), ("-with-queen-hibari", "hibari")],
)
def test_a_model_to_which_no_vector_was_added_has_a_card_without_one(replayed, speech):
    experiment()
    name = f"shop-hibari{replayed}"
    if replayed:
        train(name, ["shop/hibari", f"queen/{speech}"], replay=0.5)
    summary = str(write_made_up_summary(RESULTS / "summary.json", table()))
    folder = RESULTS / "models/base" / name / "seed1"
    model_card.main(["--checkpoint", str(folder / "model.safetensors"), "--summary", summary])
    text = (folder / "README.md").read_text()
    assert "adapted to shop" in text and "No task vector was added" in text
    assert "λ" not in text.partition("## What it does")[0]
    assert ("and of the source's recordings together" in text) == (speech == "real")
    assert ("and of synthetic speech of the source's texts together" in text) == (
        speech == "hibari"
    )
    told = "fine-tuned on 3 utterances"  # as the record says, and not the manifests
    assert (told in text and "(0.5 of these for each of the former)" in text) == bool(replayed)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"trained": "decoder_last_2_layers", "ewc_weight": 2.0},
            "the decoder last 2 layers, held to the source by EWC of weight 2, adamw",
        ),
        ({"trained": "all", "ia3": True}, "all parameters ((IA)³), adamw"),
    ],
)
def test_the_card_says_what_was_trained_and_to_what_it_was_held(monkeypatch, settings, told):
    for key, value in settings.items():
        monkeypatch.setitem(SETTINGS, key, value)
    experiment()
    assert f"Trained: {told}" in card(table())


def test_the_card_says_which_part_of_the_vector_was_added():
    experiment()
    assert "Not τ itself" not in card(table())
    vectors, models = RESULTS / "task_vectors/base", RESULTS / "models/base"
    part = str(vectors / "source-hibari-encoder/seed1.safetensors")
    whole = str(vectors / "source-hibari/seed1.safetensors")
    task_vector.main(["restrict", "--vector", whole, "--modules", "encoder", "--output", part])
    output = models / "shop-hibari+source-hibari-encoder-tv0.5/seed1/model.safetensors"
    task_vector.main(
        ["apply", "--checkpoint", str(models / "shop-hibari/seed1/model.safetensors")]
        + ["--vector", part, "--scaling-coefficient", "0.5", "--output", str(output)]
    )
    summary = str(RESULTS / "summary.json")
    model_card.main(["--checkpoint", str(output), "--summary", summary])
    text = output.with_name("README.md").read_text()
    assert "Not τ itself was added, but τ of the encoder." in text
    assert "| source domain | queen: 2 recordings" in text  # of the vector's trainings


def write_keen_whisper(folder: Path, **options: object) -> None:
    """Write a random Whisper with weights so large that what it hears changes what it writes."""
    model = WhisperForConditionalGeneration.from_pretrained(write_whisper(folder, **options))
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and "positions" not in name:
            parameter.data.mul_(16)
    model.save_pretrained(folder)


def python_blocks(text: str) -> list[str]:
    """Return the code of a card."""
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize(
    ("write", "options", "window"),
    [
        (write_keen_whisper, {"window": 5.0}, 5.0),
        (write_keen_whisper, {"window": 2.5, "multilingual": True}, 2.5),
        (write_keen_whisper, {"window": 2.5}, 5.0),
        (write_keen_whisper, {"window": 5.0}, 30.0),
        (write_keen_whisper, {"window": 30.0}, 30.0),
        (write_ctc, {"kind": "conformer"}, 5.0),
        (write_ctc, {"kind": "wav2vec2"}, 5.0),
    ],
)
def test_the_lines_of_the_card_run_and_decode_as_the_workflow_does(
    write, options, window, monkeypatch, capsys
):
    experiment(write, **options)
    text = card(table(), "--window", str(window))
    lines, *_ = python_blocks(text)
    monkeypatch.chdir(CARD)
    soundfile.write("speech.wav", sum(tone(index).repeat(8) for index in (0, 3)), 16_000)
    recogniser = load_recogniser(".", window, max_length=20, precision="fp32")
    recogniser.model.eval()
    [expected] = recogniser.transcribe(["speech.wav"])
    capsys.readouterr()
    exec(compile(lines, "README.md", "exec"), {})
    assert re.sub(r"</?s>|<unk>", "", capsys.readouterr().out).strip() == expected != ""


@pytest.mark.parametrize(
    ("form", "block"), [("ctranslate2-int8", 1), ("ggml", 2)], ids=["faster-whisper", "whisper.cpp"]
)
def test_the_lines_for_other_libraries_run(form, block, monkeypatch, capsys):
    for module in FORMATS[form].modules:
        pytest.importorskip(module, reason="`make exporters` installs it")
    experiment(lambda folder: write_taught_whisper(folder, "fr"), language="fr")
    lines = python_blocks(card(table()))[block]
    (CARD / form).mkdir()
    FORMATS[form].write(CARD, CARD / form)
    monkeypatch.chdir(CARD)
    text, sound = next(iter(lessons().items()))
    soundfile.write("speech.wav", sound, 16_000, subtype="PCM_16")
    capsys.readouterr()
    exec(compile(lines, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip() == text


def test_a_ctc_model_has_no_lines_for_libraries_that_do_not_run_it():
    experiment(write_ctc, kind="wav2vec2")
    text = card(table())
    assert len(python_blocks(text)) == 1 and "make export" not in text


# --- exports


def exported(form: str, **changes: object) -> str:
    """Write the numbers of an export; return their file."""
    counts = ErrorCounts(8, 1, 1, 91, 100)
    numbers = Measured(
        checkpoint=str(CARD / "model.safetensors"),
        format=form,
        bytes=40_500_000,
        packages={"ctranslate2": "4.8.5", "faster-whisper": "1.2.1"},
        precision="int8_float32",
        manifest="results/tiny/manifests/shop/real/test.jsonl",
        utterances=50,
        before=Errors(counts, 0.1),
        after=Errors(counts, 0.125),
        with_hints=None,
        difference=Difference(0.025, (-0.005, 0.05)),
        confidence=0.95,
        changed_texts=5,
    )
    path = RESULTS / "exports/base" / NAME / "seed1" / f"{form}.json"
    write_measured(path, replace(numbers, **changes))
    return str(path)


def test_the_card_has_the_word_errors_before_and_after():
    experiment()
    text = card(
        table(), "--exports", exported("ctranslate2-int8"), exported("ggml", bytes=78 * 10**6)
    )
    assert "word error rate on 50 utterances of shop, test (recordings), in %" in text
    assert "| this checkpoint | | | | 10.0 | | |\n" in text
    row = "40 MB | ctranslate2 4.8.5, faster-whisper 1.2.1 | int8_float32 | 12.5 |"
    assert f"| ctranslate2-int8 | {row} +2.5 [−0.5, +5.0] | 5 of 50 |\n" in text
    assert "| ggml | 78 MB |" in text and "key terms" not in text
    assert set(map(str, (RESULTS / "exports").rglob("*.json"))) <= set(
        reading.read_record(CARD / "README.md.lineage.json").inputs
    )


def test_what_key_terms_do_is_in_the_table_where_they_were_tried():
    experiment()
    hinted = Errors(ErrorCounts(5, 0, 0, 95, 100), 0.05)
    files = exported("ctranslate2-int8", with_hints=hinted), exported("ggml")
    text = card(table(), "--exports", *files)
    assert "| 5 of 50 | 5.0 |\n" in text and "| 5 of 50 | – |\n" in text
    assert '`hotwords=open("ctranslate2-int8/hotwords.txt").read()`' in text


def test_numbers_on_synthetic_speech_are_said_to_be_that():
    experiment()
    path = exported("ggml", manifest="results/tiny/manifests/shop/hibari/dev.jsonl")
    assert "of shop, dev (synthetic speech, hibari)" in card(table(), "--exports", path)


def test_numbers_of_another_checkpoints_export_are_refused():
    experiment()
    path = exported("ggml", checkpoint="results/tiny/models/base/other/seed1/model.safetensors")
    with pytest.raises(InputError, match=r"ggml.json: is of results/tiny/models/base/other/seed1/"):
        card(table(), "--exports", path)


def test_without_exports_the_card_tells_how_to_make_them_and_no_numbers():
    experiment()
    text = card(table())
    assert "`make export`" in text and "Before and after" not in text


def test_what_is_uploaded_is_what_a_hub_knows_and_names_no_machine(tmp_path):
    experiment()
    card(table())
    files = [path.name for path in CARD.iterdir()]
    uploaded = set(filter_repo_objects(files, ignore_patterns=["*.lineage.json"]))
    assert uploaded == {
        *("README.md", "config.json", "generation_config.json", "lineage.json"),
        *("model.safetensors", "preprocessor_config.json", "tokenizer.json"),
        "tokenizer_config.json",
    }
    texts = {name: (CARD / name).read_text() for name in uploaded - {"model.safetensors"}}
    assert [name for name in texts if str(tmp_path) in texts[name]] == []
    assert [name for name in texts if platform.node() in texts[name]] == []
    data = front_matter()
    assert data["license"] in (*HUB_LICENCES, "other") and data["language"] in LANGUAGES
    assert eval_results_to_model_index(data["model-index"][0]["name"], card_data().eval_results)


def card_data() -> ModelCardData:
    """Return the front matter as the hub's library reads it: it refuses results that it can't."""
    return ModelCard.load(CARD / "README.md").data


def test_the_card_tells_in_which_window_the_model_was_measured():
    experiment()
    told = "was trained in a window of 5 s, and measured in one of 20 s"
    assert told in card(table(), "--window", "20")
    assert "was trained and measured in a window of 5 s" in card(table())


def test_plain_transformers_gives_other_texts_in_its_own_window():
    write_keen_whisper(Path("keen"))
    audio = sum(tone(index).repeat(8) for index in (0, 3)).astype("float32")
    soundfile.write("speech.wav", audio, 16_000)
    recogniser = load_recogniser("keen", 5.0, max_length=20, precision="fp32")
    recogniser.model.eval()
    plain = pipeline("automatic-speech-recognition", model="keen")
    options = {"num_beams": 1, "max_length": 20}
    assert plain(audio, generate_kwargs=options)["text"] != recogniser.transcribe(["speech.wav"])[0]


# --- texts from outside

MARKUP = "<script>alert(1)</script> [free](javascript:alert(2)) **bold** a|b\n# head\n---\n```"


def test_markup_from_outside_is_shown_in_the_card_and_never_obeyed(monkeypatch):
    """A licence, what it forbids, a source, a device and a package version say such things."""
    for name, (file, _, source) in list(EXTERNALS.items()):
        terms = {"licence": MARKUP, "forbids": MARKUP}
        monkeypatch.setitem(EXTERNALS, name, (file, terms, f"{source} <b>{MARKUP}"))
    experiment()
    elsewhere = Forgetting(MARKUP, "source", 0.5, (), 1, 1, 1, (0.25, 0.75), None)
    prose = card(table(forgetting=(elsewhere,))).partition("\n---\n")[2]
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(prose)
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt; [free](javascript:alert(2))") >= 10
    page = Links()
    page.feed(html)
    assert page.tags <= {"h1", "h2", "p", "a", "table", "thead", "tbody", "tr", "th", "td", "ul",
                         "li", "strong", "em", "code", "pre"}  # fmt: skip
    assert page.links and all(link.startswith("https://") for link in page.links)
    assert "<strong>bold" not in html and "<h1>head" not in html
    assert front_matter()["license"] == "other"


class Links(html.parser.HTMLParser):
    """The tags and links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attributes if name in ("href", "src") and value]


@pytest.mark.parametrize("name", ["a: b", "- x", "'", '"', "#", "{a}", "!!python/x", "yes", "1.0"])
def test_names_are_texts_in_the_front_matter_whatever_they_are(name):
    experiment()
    summary = made_up_summary(table())
    history = card_history.read_history(CARD / "model.safetensors")
    described = model_card.describe(CARD / "model.safetensors", history, summary, None, RESULTS)
    described["target"] |= {"name": name}
    described |= {"name": name}
    data = ModelCard(model_card.render(described)).data.to_dict()
    (result,) = data["model-index"][0]["results"]
    assert (data["model-index"][0]["name"], result["dataset"]["name"]) == (name, name)


def test_the_cards_lineage_has_no_secret_of_an_older_record():
    experiment()
    sidecar = Path("resources/hibari/files.json.lineage.json")
    content = json.loads(sidecar.read_text())
    content["sources"] = {"hibari.onnx": "url https://me:s3cret@host/x?token=s3cret"}
    sidecar.write_text(json.dumps(content))
    assert "s3cret" not in card(table())
    assert "s3cret" not in (CARD / "lineage.json").read_text()
    assert "https://host/x?token=***" in (CARD / "lineage.json").read_text()


def test_the_card_of_a_model_that_is_shipped_begins_with_the_verdict():
    experiment()
    rival = Candidate("target-synthetic + 0.5 τ", 0.1, 0.2, 0.6, (0.5, 0.7), 0.0, False)
    verdict = Verdict(
        ships=True,
        chosen=rival.label,
        best=rival.label,
        estimate=rival.estimate,
        interval=rival.interval,
        models=(str(RESULTS / "models/base/shop-hibari/seed1"),),
        vectors=(str(RESULTS / "task_vectors/base/source-hibari/seed1.safetensors"),),
        scaling_coefficient=0.5,
        aids=None,
        candidates=(Candidate("pretrained", 0.2, 0.3, 1.0, (1.0, 1.0), 0.0, False), rival),
    )

    text = card(replace(table(), verdict=verdict))
    said = "**Verdict.** shop: ship the adapted model. On "
    assert verdict.folders == [str(CARD)] and said in text.partition("## How")[0]
    assert "**Verdict.**" not in card(table())


# --- models whose decoder is led


def led(model: str, kinds: str, entry: TargetSummary | None = None) -> tuple[Path, str]:
    """Deliver a model with key terms, texts or both; return its folder, and its card."""
    texts, terms = RESULTS / "texts/shop/train.jsonl", RESULTS / "key_terms/shop/hibari.jsonl"
    write_jsonl(texts, [{"id": str(n), "text": f"hello zebra {n}"} for n in range(3)])
    write_jsonl(terms, [{"id": "zebra", "text": "zebra"}])
    experiment(window=30.0, multilingual=True, write=write_keen_whisper)
    record("key_terms.py", [terms], [RESULTS / "manifests/shop/hibari/train.jsonl"])
    models = RESULTS / "models/base"
    name, seed = model.split("/")
    folder = models / f"{name}+shop{kinds}" / seed
    options = ["--window", "30", "--max-length", "20", "--language", "en", "--guard-repetition"]
    options += ["--terms", str(terms), "--terms-bonus", "2"] if "terms" in kinds else []
    options += ["--texts", str(texts), "--texts-weight", "3"] if "lm" in kinds else []
    checkpoint, output = (str(each / "model.safetensors") for each in (models / model, folder))
    deliver.main(["--checkpoint", checkpoint, "--output", output, *options])
    summary = write_made_up_summary(RESULTS / "summary.json", entry or table())
    record("summarize.py", [summary], [])
    model_card.main(["--checkpoint", output, "--summary", str(summary), "--window", "30"])
    return folder, (folder / "README.md").read_text()


def test_the_card_of_a_trained_model_that_is_led_says_by_what_and_how_it_was_trained():
    _, text = led("shop-hibari/seed1", "-terms-lm")
    assert "# base, adapted to shop" in text
    assert "| decoder | led by 1 key term and n-grams of 3 texts of the domain |" in text
    assert "Trained: the decoder" in text and "Nothing was trained" not in text
    assert "favoured by 2 nats" in text and "with a weight of 3." in text
    assert "whoever has this folder can read them" in text
    assert "`key_terms.txt` has one key term a line" in text
    assert "| shop | data of a domain |" in text  # whose texts are in the folder


def test_the_card_of_the_pretrained_model_that_is_led_says_that_nothing_was_trained():
    row = made_up_row("pretrained+lm", seeds=(0,), versus_pretrained=comparison(-0.07))
    place = "results/tiny/scores/base/pretrained+shop-lm/seed0/shop/real/test.json"
    entry = table()
    row = replace(row, wer=0.17, wer_of_seeds=(0.17,), scores=(place,))
    _, text = led("pretrained/seed0", "-lm", replace(entry, rows=(*entry.rows, row)))
    assert "Nothing was trained: the weights are those of base." in text
    assert "Trained:" not in text and "λ" not in text.partition("## What it does")[0]
    assert "| decoder | led by n-grams of 3 texts of the domain |" in text
    assert "key_terms" not in text.partition("## Licences")[0]
    assert "| **this model** | 17.0" in text
    assert "It makes fewer word errors than the pretrained model" in text
    data = ModelCard(text).data.to_dict()
    assert data["base_model"] == "openai/whisper-tiny"
    assert not {"task-vector", "synthetic-speech"} & set(data["tags"])


def test_the_verdict_of_a_model_that_is_led_stands_in_its_card():
    rival = Candidate("pretrained + n-grams", 0.1, 0.2, 0.6, (0.5, 0.7), 0.0, False)
    verdict = Verdict(
        ships=True,
        chosen=rival.label,
        best=rival.label,
        estimate=rival.estimate,
        interval=rival.interval,
        models=(str(RESULTS / "models/base/pretrained/seed0"),),
        vectors=(),
        scaling_coefficient=None,
        aids="shop-lm",
        candidates=(Candidate("pretrained", 0.2, 0.3, 1.0, (1.0, 1.0), 0.0, False), rival),
    )
    folder, text = led("pretrained/seed0", "-lm", replace(table(), verdict=verdict))
    assert verdict.folders == [str(folder)]
    assert (
        "**Verdict.** shop: ship the pretrained model with n-grams of the target's texts." in text
    )


@pytest.mark.parametrize("kinds", ["-terms", "-lm", "-terms-lm"])
def test_the_command_of_the_card_decodes_by_what_is_in_the_folder(kinds, capsys):
    folder, text = led("shop-hibari/seed1", kinds)
    (command,) = re.findall(r"^python scripts/transcribe\.py (.*)$", text, re.MULTILINE)
    soundfile.write("speech.wav", sum(tone(index).repeat(8) for index in (0, 3)), 16_000)
    row = {"id": "a", "audio_filepath": "speech.wav", "duration": 0.8, "text": "hello"}
    write_jsonl(Path("m.jsonl"), [row | {"speaker": "Ann", "domain": "shop"}])
    places = {"FOLDER": str(folder), "MANIFEST": "m.jsonl", "HYPOTHESES": "h.jsonl"}
    for name, place in places.items():
        command = command.replace(name, place)
    transcribe.main(shlex.split(command))
    (heard,) = read_jsonl("h.jsonl")
    told = reading.read_record("h.jsonl.lineage.json").content["parameters"]
    settings = json.loads((folder / "decoding.json").read_text())
    assert settings.items() <= told.items() and heard["text"]
    led_by = {"terms_bonus": 2 if "terms" in kinds else None}
    assert settings.items() >= (led_by | {"texts_weight": 3 if "lm" in kinds else None}).items()
