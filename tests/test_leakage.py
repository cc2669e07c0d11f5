"""A small experiment whose every file has its record, and what is planted in it is found.

Sources a and b, target music; each has two utterances to train on, one to select on and one to
test on, all by speakers of their own.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest

import leakage
from adaptations import TEST_TIME
from conftest import ROOT
from errors import InputError
from evaluation import Evaluation, ScoredEvaluation
from files.manifest import read_jsonl, write_jsonl
from lineages import leaks
from lineages.provenance import Provenance
from made_up_summary import made_up_row, made_up_summary, made_up_target, write_made_up_summary
from records import record as records
from records import writing
from scoring.decisions import Verdict
from scoring.leakage_file import Touch, leakage_of, read_leakage
from scoring.summary import ReportedChoice, TargetSummary

SPLITS = {"train": (1, 2), "dev": (3,), "test": (4,)}
NONE = dict.fromkeys(leaks.STAGES, 0)
VECTOR = "target-synthetic+vector"
TEXTS = "texts/music/train"


@pytest.fixture(autouse=True)
def quick_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out of records what takes time: the walk asks for neither code nor packages."""
    monkeypatch.setattr(writing, "code_of", lambda script: ("0" * 16, {}))
    monkeypatch.setattr(writing, "installed_versions", dict)
    monkeypatch.setattr(writing, "commit", lambda: {"commit": "unknown", "dirty": False})
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def utterance(folder: Path, domain: str, number: int, **changes) -> dict:
    """Return a recording, and write its audio below a folder."""
    id = f"{domain}{number}"
    path = folder / "audio" / domain / f"{id}.flac"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{id} by a person")
    row = {"id": id, "audio_filepath": str(path), "duration": 1.5, "domain": domain}
    return row | {"text": f"sentence {number} of {domain}", "speaker": f"voice {id}"} | changes


class Tiny:
    """The results of an experiment, made in the order of the workflow.

    ``plant`` has rows that are added to a file when it is written, by its path in the folder.
    """

    def __init__(self, parent: Path, plant: dict[str, list[dict]] | None = None, **options) -> None:
        self.folder = parent / "results" / "tiny"
        self.plant = plant or {}
        self.options = {"selected_on": "kokoro", "speakers": None, "rows": {}} | options
        self.evaluations: list[ScoredEvaluation] = []
        for domain in ("a", "b", "music"):
            self.prepare(domain)
        self.file("models/pretrained", "pretrained.py", [self.external("tiny.pt")])
        self.file("models/judge", "pretrained.py", [self.external("tiny.pt")])
        if judge_hears := self.options.get("judge_hears"):
            self.finetune("judge", "pretrained", [judge_hears], [judge_hears])
        if self.options["speakers"]:
            self.file(
                "speakers/kokoro",
                "xvectors.py",
                [self.external("encoder.ckpt"), *self.options["speakers"]],
                parameters={"per": "speaker", "max_utterances": None},
            )
        for domain in ("a", "b", "music"):
            for split in ("train", "dev"):
                self.synthesize(domain, split)
        for speech in ("real", "kokoro"):
            for split in ("train", "dev"):
                parts = [f"manifests/{domain}/{speech}/{split}" for domain in ("a", "b")]
                self.manifest(f"manifests/source/{speech}/{split}", "pool.py", parts, self.pooled)
        self.models()
        self.evaluate()

    def path(self, name: str) -> Path:
        """Return the file of a name in the folder."""
        kinds = {"models": "/model.safetensors", "task_vectors": ".safetensors"}
        kinds |= {"speakers": ".safetensors", "scores": ".json"}
        return self.folder / (name + kinds.get(name.split("/")[0], ".jsonl"))

    def external(self, name: str) -> Path:
        path = self.folder.parent.parent / "resources" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
        return path

    def file(self, name: str, script: str, inputs: list, content: str = "", **facts) -> None:
        """Write a file, which is not a manifest, and its record."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content or name)
        self.record(script, [path], inputs, **facts)

    def record(self, script: str, outputs: list, inputs: list, parameters=None, **facts) -> None:
        files = [self.path(each) if isinstance(each, str) else each for each in inputs]
        writing.write_record(ROOT / "scripts" / script, outputs, files, parameters or {}, **facts)

    def rows(self, name: str) -> list[dict]:
        return read_jsonl(self.path(name))

    def write(self, name: str, rows: list[dict]) -> Path:
        write_jsonl(self.path(name), rows + self.plant.get(name, []))
        return self.path(name)

    def prepare(self, domain: str) -> None:
        manifests, texts = [], []
        for split, numbers in SPLITS.items():
            changes = [self.options["rows"].get(f"{domain}{number}", {}) for number in numbers]
            rows = [
                utterance(self.folder, domain, n, **c)
                for n, c in zip(numbers, changes, strict=True)
            ]
            manifests.append(self.write(f"manifests/{domain}/real/{split}", rows))
            if split != "test":
                spoken = [
                    {"id": row["id"], "text": row["text"], "spoken": row["text"], "domain": domain}
                    for row in rows
                ]
                texts.append(self.write(f"texts/{domain}/{split}", spoken))
        parameters = {"domain": domain, "declaration": {"corpus": "games"}}
        self.record("prepare.py", manifests + texts, [self.external(domain)], parameters)

    def synthesize(self, domain: str, split: str) -> None:
        shard = f"synthesized/{domain}/kokoro/{split}/shard1of1"
        texts = f"texts/{domain}/{split}"
        if split == "train" and self.options.get("selected") == domain:
            self.manifest(f"texts/{domain}/written", "write_texts.py", [texts])
            texts = f"texts/{domain}/selected"
            self.manifest(texts, "select_texts.py", [f"texts/{domain}/written"])
        voice = self.options.get("voice", "heart")
        spoken = {"speaker": f"kokoro:{voice}", "tts": "kokoro", "voice": voice}
        rows = []
        for row in self.rows(texts):
            path = self.folder / "audio" / domain / f"{row['id']}.kokoro.flac"
            path.write_text(f"{row['id']} by kokoro")
            rows.append(row | spoken | {"audio_filepath": str(path), "duration": 1.5})
        self.write(shard, rows)
        inputs = [texts, self.external("kokoro.onnx")]
        inputs += ["speakers/kokoro"] if self.options["speakers"] else []
        inputs += self.options.get("references", [])
        self.record("synthesize.py", [self.path(shard)], inputs)
        heard = f"{shard}.hypotheses"
        self.write(heard, [{"id": row["id"], "text": ""} for row in self.rows(shard)])
        self.record("transcribe.py", [self.path(heard)], ["models/judge", shard])
        made, like = f"{domain}/kokoro/{split}", self.options.get("like")
        if not (like and domain == "music"):
            self.manifest(f"manifests/{made}", "filter.py", [shard, heard])
            return
        self.manifest(f"filtered/{made}", "filter.py", [shard, heard])
        self.file(f"channels/{like}", "channels.py", [f"manifests/{like}/real/train"])
        self.write(f"manifests/{made}", self.rows(f"filtered/{made}"))
        inputs = [f"filtered/{made}", f"channels/{like}"]
        self.record("augment.py", [self.path(f"manifests/{made}")], inputs)

    def manifest(
        self, name: str, script: str, inputs: list[str], change: Callable = lambda row: row
    ) -> None:
        """Write the rows of the manifests among the inputs."""
        parts = [each for each in inputs if not each.endswith("hypotheses")]
        self.write(name, [change(row) for part in parts for row in self.rows(part)])
        self.record(script, [self.path(name)], inputs)

    @staticmethod
    def pooled(row: dict) -> dict:
        return row | {"id": f"{row['domain']}--{row['id']}"}

    def models(self) -> None:
        dev = self.options["selected_on"]
        self.finetune("source-real", "pretrained", ["source/real"], ["source/real"])
        self.finetune("source-kokoro", "pretrained", ["source/kokoro"], ["source/kokoro"])
        both = ["source/real", "source/kokoro"]
        self.finetune("source-mixed-kokoro", "pretrained", both, both)
        held_to = self.options.get("held_to", ())
        self.finetune("music-kokoro", "pretrained", ["music/kokoro"], [f"music/{dev}"], held_to)
        self.finetune("a-kokoro", "pretrained", ["a/kokoro"], ["a/kokoro"])
        self.finetune("music-real", "pretrained", ["music/real"], ["music/real"])
        self.finetune(
            "music-kokoro-after-source", "source-mixed-kokoro", ["music/kokoro"], [f"music/{dev}"]
        )
        pair = ["models/source-real", "models/source-kokoro"]
        self.file("task_vectors/pair", "task_vector.py", pair, parameters={"command": "subtract"})
        self.file(
            "task_vectors/mean",
            "task_vector.py",
            ["task_vectors/pair"],
            parameters={"command": "mean"},
        )

    def finetune(
        self, name: str, first: str, train: list[str], dev: list[str], fisher: Sequence[str] = ()
    ) -> None:
        manifests = {"train": [f"manifests/{each}/train" for each in train]}
        manifests["dev"] = [f"manifests/{each}/dev" for each in dev]
        if fisher:
            manifests["fisher"] = [f"manifests/{each}/train" for each in fisher]
        inputs = [f"models/{first}", *(each for names in manifests.values() for each in names)]
        roles = {
            role: [str(self.path(each)) for each in names] for role, names in manifests.items()
        }
        self.file(f"models/{name}", "finetune.py", inputs, manifests=roles)

    def evaluate(self) -> None:
        self.score("pretrained", "pretrained")
        self.score("source-mixed->target-synthetic", "music-kokoro-after-source")
        self.score("target-synthetic", "music-kokoro")
        self.score("target-real", "music-real", claim="training")
        chosen_on = self.options.get("chosen_on", "kokoro")
        self.score(VECTOR, "music-kokoro", 0.5)
        self.score(VECTOR, "music-kokoro", 0.5, "dev", "music", chosen_on)
        self.score(VECTOR, "a-kokoro", 0.5, "nested", "a")

    def score(
        self, arm: str, model: str, scale: float | None = None, role: str = "test",
        domain: str = "music", speech: str = "real", claim: str = "none", name: str = "",
    ) -> None:  # fmt: skip
        split = "test" if role == "test" else "dev"
        name = f"{name or model}-{scale}/{domain}/{speech}/{split}"
        manifest = f"manifests/{domain}/{speech}/{split}"
        hypotheses = f"hypotheses/{name}"
        self.write(hypotheses, [{"id": row["id"], "text": "no"} for row in self.rows(manifest)])
        inputs = [f"models/{model}", manifest] + (["task_vectors/mean"] if scale else [])
        self.record(
            "transcribe.py",
            [self.path(hypotheses)],
            inputs,
            {"scaling_coefficient": scale, "window": 15.0},
        )
        self.file(f"scores/{name}", "score.py", [manifest, hypotheses], "{}")
        self.evaluations.append(
            ScoredEvaluation(
                role=role, base="tiny", target="music", domain=domain, kind="target", arm=arm,
                tts="kokoro", model=str(self.path(f"models/{model}").parent),
                scaling_coefficient=scale, vector="pooled" if scale else None,
                vector_path=str(self.path("task_vectors/mean")) if scale else None,
                vector_on="target-synthetic" if scale else None, speech=speech, split=split, seed=1,
                window=15, aids=[], terms_bonus=None, texts_weight=None, adaptation=None,
                manifest=str(self.path(manifest)), hypotheses=str(self.path(hypotheses)),
                score=str(self.path(f"scores/{name}")), target_recordings=claim,
                line=None, accepted_overlap=[],
            )
        )  # fmt: skip

    def examinations(self) -> list[leaks.Examined]:
        """Return what lineage says of each evaluation."""
        examined, _ = leaks.examine(self.evaluations, Provenance(self.folder), "en")
        return examined

    def examined(self) -> dict[tuple[str, str], leaks.Examined]:
        """Return what lineage says of each score, by target and score."""
        return {(each.target, each.score): each for each in self.examinations()}

    def of(self, arm: str, role: str = "test") -> leaks.Examined:
        """Return what lineage says of an arm."""
        [one] = [e for e in self.examined().values() if (e.evaluation.arm, e.role) == (arm, role)]
        return one

    def change(self, index: int, **changes) -> None:
        """Change an evaluation."""
        self.evaluations[index] = replace(self.evaluations[index], **changes)

    def target(self, **changes) -> TargetSummary:
        """Return the table that an honest experiment has; ``changes`` are of the vector's row."""
        [dev] = [each.score for each in self.evaluations if each.role == "dev"]
        examined = self.examined()
        rows = []
        for each in self.evaluations:
            if each.role != "test":
                continue
            row = {"dev_scores": (dev,), **changes} if each.vector else {"dev_scores": ()}
            counts = leakage_of("music", [each.score], row["dev_scores"], examined)
            row |= {"scores": (each.score,), "target_recordings": each.target_recordings}
            rows.append(made_up_row(each.arm, leakage=counts, **row))
        choices = (
            ReportedChoice(
                "target-synthetic", "kokoro", "pooled", 0.5, 0.25, by, 0, "", (), (), None
            )
            for by in ("constant", "sources", "kokoro", "real")
        )
        return made_up_target(rows, choices=tuple(choices))

    def violations(self, **changes) -> list[str]:
        summary = made_up_summary(self.target(**changes))
        return leakage.violations_of(summary, self.examinations())

    def write_evaluations(self) -> Path:
        """Write the evaluations; return their path."""
        path = self.folder / "evaluations.json"
        path.write_text(json.dumps([asdict(each) for each in self.evaluations]))
        return path

    def write_summary(self, *targets: TargetSummary) -> Path:
        """Write evaluations and summary; return the summary's path."""
        evaluations = self.write_evaluations()
        path = write_made_up_summary(self.folder / "summary.json", *targets)
        self.record("summarize.py", [path], [evaluations])
        return path


def test_a_clean_experiment_passes_and_says_what_was_checked(tmp_path: Path, capsys):
    tiny = Tiny(tmp_path)
    leakage.main(["--check", str(tiny.write_summary(tiny.target()))])
    told = capsys.readouterr().out
    assert "pretrained: nothing" in told
    assert "target-real: 2 target recordings in training, 1 target recordings in selection" in told
    assert "7 scores, " in told


def test_what_touched_each_score_is_written_with_its_lineage(tmp_path: Path):
    tiny = Tiny(tmp_path)
    output = tiny.folder / "leakage.json"
    leakage.main(
        [f"--evaluations={tiny.write_evaluations()}", f"--output={output}", "--language=en"]
    )
    content = json.loads(output.read_text())
    of_real = content["evaluations"][3]
    assert of_real["score"] == tiny.evaluations[3].score
    assert of_real["touched"] == {
        "target_recordings": NONE | {"training": 2, "selection": 1},
        "test_sentences": NONE,
        "test_speakers": NONE,
    }
    assert records.sidecar(output).is_file()
    touches = read_leakage(output)
    assert touches == {key: each.touch for key, each in tiny.examined().items()}


def test_an_experiment_is_followed_into_the_folder_that_it_shares(tmp_path: Path):
    tiny = Tiny(tmp_path)
    own = tiny.folder.with_name("second") / "evaluations.json"
    own.parent.mkdir()
    tiny.write_evaluations().rename(own)
    output = own.with_name("leakage.json")
    leakage.main([f"--evaluations={own}", f"--output={output}", "--language=en"])
    assert read_leakage(output) == {key: each.touch for key, each in tiny.examined().items()}


def test_a_score_that_is_evidence_as_well_counts_for_the_choice_of_lambda(tmp_path: Path):
    tiny = Tiny(tmp_path, chosen_on="real")
    alone = tiny.violations()
    assert any("said to be chosen by real without target recordings" in line for line in alone)
    [dev] = [each for each in tiny.evaluations if each.role == "dev"]
    tiny.evaluations.append(replace(dev, role="evidence"))
    assert [line for line in tiny.violations() if "verdict" not in line] == alone


def test_evidence_has_no_recording_of_the_target(tmp_path: Path):
    tiny = Tiny(tmp_path)
    tiny.score("target-synthetic", "music-kokoro", None, "evidence", "music", "kokoro")
    tiny.score("target-synthetic", "music-kokoro", None, "evidence", "source", "real")
    assert tiny.violations() == []
    tiny.score("target-synthetic", "music-kokoro", None, "evidence", "music", "real")
    [line] = tiny.violations()
    expected = "the verdict is said to rest on no recording of it, but 1 are in"
    assert line == f"music: {expected} {tiny.evaluations[-1].manifest}"


def agreed(tiny: Tiny, untranscribed: int) -> list[str]:
    """Return what is wrong if the verdict says how many untranscribed recordings it rests on."""
    said = Verdict(
        False, "pretrained", "target-synthetic", 1, (1, 1), (), (), None, None, (), untranscribed
    )
    summary = made_up_summary(replace(tiny.target(), verdict=said))
    return leakage.violations_of(summary, tiny.examinations())


def judge(tiny: Tiny, *rows: dict) -> None:
    """Add the agreement of a model with what a judge heard in recordings of the target."""
    manifest = "manifests/music/real-untranscribed/dev"
    tiny.write("untranscribed/music", [row | {"text": ""} for row in rows])
    tiny.record("collect.py", [tiny.path("untranscribed/music")], [tiny.external("calls")])
    tiny.write("untranscribed/heard", [{"id": row["id"], "text": "so"} for row in rows])
    tiny.record(
        "transcribe.py", [tiny.path("untranscribed/heard")], ["models/judge", "untranscribed/music"]
    )
    tiny.write(manifest, [row | {"text": "so"} for row in rows])
    tiny.record("label.py", [tiny.path(manifest)], ["untranscribed/music", "untranscribed/heard"])
    speech = ("agreement", "music", "real-untranscribed")
    tiny.score("target-synthetic", "music-kokoro", None, *speech)


def test_a_verdict_says_how_many_untranscribed_recordings_it_rests_on(tmp_path: Path):
    tiny = Tiny(tmp_path)
    judge(tiny, *(utterance(tiny.folder, "music", number) for number in (8, 9)))
    assert tiny.of("target-synthetic", "agreement").touched["target_recordings"]["choice"] == 2
    assert agreed(tiny, 2) == []
    manifest = tiny.evaluations[-1].manifest
    expected = "music: the verdict is said to rest on no recording of it, but 2 are in"
    assert agreed(tiny, 0) == [f"{expected} {manifest}"]


def test_no_test_recording_is_among_the_untranscribed_ones(tmp_path: Path):
    tiny = Tiny(tmp_path)
    copy = utterance(tiny.folder, "music", 9)
    (test,) = tiny.rows("manifests/music/real/test")
    Path(copy["audio_filepath"]).write_bytes(Path(test["audio_filepath"]).read_bytes())
    judge(tiny, utterance(tiny.folder, "music", 8), copy)
    (line,) = agreed(tiny, 2)
    assert line.startswith("music: 1 test recordings are among the untranscribed ones of the verd")


def test_recordings_to_which_ewc_held_a_model_were_used_in_its_training(tmp_path: Path):
    assert Tiny(tmp_path / "source", held_to=["source/real"]).violations() == []
    tiny = Tiny(tmp_path / "target", held_to=["music/real"])
    assert tiny.of("target-synthetic").touched["target_recordings"] == NONE | {"training": 2}
    told = "says of target recordings 'none', but 2 were used in training"
    assert any("target-synthetic (WER" in line and told in line for line in tiny.violations())


def self_train(tiny: Tiny, script: str = "label.py", text: str = "sentence 4 of music") -> None:
    """Add a model that learns the target's recordings as the pretrained model heard them."""
    for split in ("train", "dev"):
        recordings, made = f"manifests/music/real/{split}", f"manifests/music/pseudo-tiny/{split}"
        heard = f"pseudo_labels/tiny/music/{split}"
        tiny.write(heard, [{"id": row["id"], "text": text} for row in tiny.rows(recordings)])
        tiny.record("transcribe.py", [tiny.path(heard)], ["models/pretrained", recordings])
        tiny.write(made, [row | {"text": text} for row in tiny.rows(recordings)])
        tiny.record(script, [tiny.path(made)], [recordings, heard][: 1 + (script == "label.py")])
    tiny.finetune("music-pseudo", "pretrained", ["music/pseudo-tiny"], ["music/pseudo-tiny"])
    tiny.score("target-pseudo", "music-pseudo", claim="training without transcripts")


def test_what_a_recogniser_heard_in_target_recordings_is_no_transcript_and_no_sentence(tmp_path):
    tiny = Tiny(tmp_path)
    self_train(tiny)
    found = tiny.of("target-pseudo")
    assert found.touched["target_recordings"] == NONE | {"training": 2, "selection": 1}
    assert found.touched["test_sentences"] == NONE  # though it heard one
    assert found.target_transcripts == NONE and tiny.violations() == []
    assert tiny.of("target-real").target_transcripts == NONE | {"training": 2, "selection": 1}


def test_transcripts_of_a_model_that_says_it_reads_none_are_found(tmp_path: Path):
    tiny = Tiny(tmp_path)
    self_train(tiny, "pool.py", "said so")
    assert tiny.violations() == [
        "music: target-pseudo (WER 25.0%): says of target recordings 'training without"
        " transcripts', but 2 transcripts of them were used"
    ]


def test_pseudo_labels_that_are_pooled_are_still_no_transcripts(tmp_path: Path):
    tiny = Tiny(tmp_path)
    self_train(tiny)
    parts = ["manifests/music/pseudo-tiny"]
    for split in ("train", "dev"):
        made = f"manifests/all/pseudo-tiny/{split}"
        tiny.manifest(made, "pool.py", [f"{part}/{split}" for part in parts], tiny.pooled)
    tiny.finetune("all-pseudo", "pretrained", ["all/pseudo-tiny"], ["all/pseudo-tiny"])
    tiny.score("target-pseudo", "all-pseudo", claim="training without transcripts", name="all")
    examined = tiny.examinations()[-1]
    assert examined.target_transcripts == NONE
    assert examined.touched["target_recordings"]["training"] == 2


def test_evaluations_without_a_score_are_skipped(tmp_path: Path):
    tiny = Tiny(tmp_path)
    scored = asdict(tiny.evaluations[0])
    tiny.evaluations.append(Evaluation(**scored | {"score": None, "manifest": None}))
    assert len(tiny.examined()) == 7


def test_a_test_sentence_in_a_pooled_source_is_found_in_every_arm_that_heard_it(tmp_path: Path):
    row = utterance(tmp_path, "a", 9, text="Sentence FOUR of music!")
    tiny = Tiny(tmp_path, {"manifests/a/real/train": [row]})
    assert tiny.of("target-synthetic").touched["test_sentences"] == NONE
    for arm in ("source-mixed->target-synthetic", VECTOR):  # continued from it; by its vector
        assert tiny.of(arm).touched["test_sentences"] == NONE | {"training": 1}
    assert tiny.violations() == [
        f"music: {arm} (WER 25.0%): 1 test sentences are in training"
        for arm in ("source-mixed->target-synthetic", VECTOR)
    ]


def test_a_test_sentence_that_was_spoken_is_found_in_texts_filter_and_training(tmp_path: Path):
    text = {"id": "music9", "text": "sentence 4 of music", "spoken": "x", "domain": "music"}
    tiny = Tiny(tmp_path, {"texts/music/train": [text]})
    everywhere = {"training": 1, "filtering": 1, "synthesis": 1}
    assert tiny.of("target-synthetic").touched["test_sentences"] == NONE | everywhere


def test_a_test_sentence_that_a_language_model_wrote_is_found_where_it_is_spoken(tmp_path: Path):
    text = {"id": "w1", "text": "sentence 4 of music", "spoken": "x", "domain": "music"}
    everywhere = {"training": 1, "filtering": 1, "synthesis": 1}
    planted = {"texts/music/written": [text]}
    found = Tiny(tmp_path, planted, selected="music").of("target-synthetic").touched
    assert found["test_sentences"] == NONE | everywhere
    assert found["target_recordings"] == NONE


def test_target_recordings_of_the_filters_judge_count_as_filtering(tmp_path: Path):
    found = Tiny(tmp_path, judge_hears="music/real").of("target-synthetic")
    assert found.touched["target_recordings"] == NONE | {"filtering": 3}


def aided(
    tiny: Tiny,
    kinds: tuple[str, ...] = ("terms", "texts"),
    speech: tuple[str, str, str] = ("test", "music", "real"),
    **facts: dict,
) -> ScoredEvaluation:
    """Add an arm of the pretrained model that key terms or n-grams lead; return its evaluation."""
    shard = "synthesized/music/kokoro/train/shard1of1"
    files = {"terms": "key_terms/music/kokoro", "texts": TEXTS}
    tiny.write(files["terms"], [{"id": "sentence", "text": "sentence"}])
    judged = [shard, f"{shard}.hypotheses"]
    tiny.record("key_terms.py", [tiny.path(files["terms"])], judged)
    role, domain, kind = speech
    tiny.score("pretrained+aids", "pretrained", None, role, domain, kind, name="aided")
    aids = {kind: [str(tiny.path(files[kind]))] for kind in kinds}
    strengths = {
        "terms_bonus": 2.0 if "terms" in kinds else None,
        "texts_weight": 0.3 if "texts" in kinds else None,
    }
    tiny.record(
        "transcribe.py",
        [Path(tiny.evaluations[-1].hypotheses)],
        [
            "models/pretrained",
            f"manifests/{domain}/{kind}/{'test' if role == 'test' else 'dev'}",
            *(files[kind] for kind in kinds),
        ],
        {"scaling_coefficient": None, "window": 15.0} | strengths,
        **{"aids": aids} | facts,
    )
    tiny.change(-1, aids=[path for paths in aids.values() for path in paths], **strengths)
    return tiny.evaluations[-1]


@pytest.mark.parametrize(
    ("kinds", "sentences", "recordings"),
    [
        (("texts",), {"decoding": 1}, {}),
        (("terms",), {"decoding": 1, "synthesis": 1}, {"decoding": 3}),  # three of its judge
        (("terms", "texts"), {"decoding": 1, "synthesis": 1}, {"decoding": 3}),
    ],
)
def test_what_leads_a_decoder_counts_as_decoding(tmp_path: Path, kinds, sentences, recordings):
    text = {"id": "music9", "text": "sentence 4 of music", "spoken": "x", "domain": "music"}
    tiny = Tiny(tmp_path, {TEXTS: [text]}, judge_hears="music/real")
    touched = tiny.of(aided(tiny, kinds).arm).touched
    assert touched["test_sentences"] == NONE | sentences
    assert touched["target_recordings"] == NONE | recordings
    assert tiny.of("pretrained").touched["target_recordings"] == NONE
    assert any("1 test sentences are in decoding" in line for line in tiny.violations())


def test_a_clean_arm_with_aids_has_touched_nothing(tmp_path: Path):
    tiny = Tiny(tmp_path)
    touched = tiny.of(aided(tiny).arm).touched
    assert touched == dict.fromkeys(touched, NONE)
    assert tiny.violations() == []


def test_evidence_that_was_decoded_with_aids_has_no_recording_of_the_target(tmp_path: Path):
    tiny = Tiny(tmp_path)
    aided(tiny, speech=("evidence", "music", "kokoro"))
    aided(tiny, speech=("evidence", "source", "real"))
    evidence = [each for each in tiny.examinations() if each.role == "evidence"]
    assert [each.touched["target_recordings"] for each in evidence] == [NONE, NONE]
    assert tiny.violations() == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"terms_bonus": 3.0}, r"with a bonus \(nats\) of key terms of 2\.0, not 3\.0"),
        ({"texts_weight": None}, r"with a weight of n-grams of 0\.3, not None"),
        ({"aids": ["resources/other.jsonl"]}, r"was not made from resources/other\.jsonl"),
    ],
)
def test_hypotheses_that_were_led_otherwise_than_said_are_named(tmp_path: Path, changes, complaint):
    tiny = Tiny(tmp_path)
    aided(tiny)
    tiny.change(-1, **changes)
    with pytest.raises(InputError, match=complaint):
        tiny.examined()


def test_hypotheses_that_do_not_say_which_texts_led_them_are_refused(tmp_path: Path):
    tiny = Tiny(tmp_path)
    aided(tiny, aids={"terms": ["x"]})
    with pytest.raises(InputError, match="which of its inputs are the texts that led the decoder"):
        tiny.examined()


def adapting(tiny: Tiny, claim: str = TEST_TIME, **facts: object) -> ScoredEvaluation:
    """Add an arm that adapts to the test recordings; return its evaluation."""
    tiny.score("pretrained+suta", "pretrained", claim=claim, name="adapting")
    manifest = "manifests/music/real/test"
    tiny.record(
        "transcribe.py",
        [Path(tiny.evaluations[-1].hypotheses)],
        ["models/pretrained", manifest],
        {"scaling_coefficient": None, "window": 15.0, "adaptation": "suta"},
        **{"aids": {"recordings": [str(tiny.path(manifest))]}} | facts,
    )
    tiny.change(-1, adaptation="suta", vector=None)
    return tiny.evaluations[-1]


def test_test_recordings_that_a_model_adapted_to_count_as_decoding_and_their_texts_do_not(
    tmp_path: Path,
):
    tiny = Tiny(tmp_path)
    examined = tiny.of(adapting(tiny).arm)
    heard = len(tiny.rows("manifests/music/real/test"))
    assert examined.touched["target_recordings"] == NONE | {"decoding": heard}
    assert examined.touched["test_sentences"] == NONE
    assert examined.test_recordings == NONE | {"decoding": heard}
    assert tiny.violations() == []


def test_an_arm_that_adapted_to_test_recordings_and_does_not_say_so_is_found(tmp_path: Path):
    tiny = Tiny(tmp_path)
    adapting(tiny, claim="none")
    heard = len(tiny.rows("manifests/music/real/test"))
    lines = [line for line in tiny.violations() if "pretrained+suta" in line]
    assert f"says of target recordings 'none', but {heard} were used in decoding" in lines[0]
    assert f"{heard} test recordings were used in decoding" in lines[1]


def test_hypotheses_of_another_adaptation_than_said_are_named(tmp_path: Path):
    tiny = Tiny(tmp_path)
    adapting(tiny)
    tiny.change(-1, adaptation=None)
    with pytest.raises(InputError, match="was transcribed with the adaptation suta, not None"):
        tiny.examined()


def test_hypotheses_that_do_not_say_what_their_model_adapted_to_are_refused(tmp_path: Path):
    tiny = Tiny(tmp_path)
    adapting(tiny, aids={})
    with pytest.raises(InputError, match="which of its inputs are the recordings that led"):
        tiny.examined()


def test_speakers_may_overlap_where_target_recordings_are_said_to_be_used(tmp_path: Path):
    tiny = Tiny(
        tmp_path, rows={"music1": {"text": "sentence 4 of music", "speaker": "voice music4"}}
    )
    target, examined = tiny.target(), tiny.examinations()
    for accepted, kinds in (((), 1), (("speakers",), 1), (("sentences",), 0)):
        summary = made_up_summary(replace(target, accepted_overlap=accepted))
        lines = leakage.violations_of(summary, examined)
        assert sum("target-real" in line for line in lines) == kinds


def test_the_targets_real_dev_used_for_selection_contradicts_the_claim_none(tmp_path: Path):
    tiny = Tiny(tmp_path, selected_on="real")
    assert tiny.violations() == [
        f"music: {arm} (WER 25.0%): says of target recordings 'none', but 1 were used in selection"
        for arm in ("source-mixed->target-synthetic", "target-synthetic", VECTOR)
    ]
    for index in (1, 2, 4):
        tiny.change(index, target_recordings="model selection")
    assert tiny.violations() == []


def test_a_coefficient_chosen_on_real_dev_but_reported_as_blind_is_found(tmp_path: Path):
    tiny = Tiny(tmp_path, chosen_on="real")
    row, choice = tiny.violations()
    assert row.startswith(f"music: {VECTOR} (WER 25.0%): says that its scaling coefficient")
    assert "without target recordings, but 1 are in" in row
    assert "chosen by real without target recordings, but 1 were used" in choice
    [only_choice] = tiny.violations(target_recordings_for_choice=1)
    assert only_choice == choice


def test_a_row_whose_coefficient_was_not_chosen_says_nothing_of_a_choice(tmp_path: Path):
    [line] = Tiny(tmp_path, chosen_on="real").violations(dev_scores=())
    assert "chosen by real" in line


def test_a_score_that_counts_for_two_targets_is_told_apart(tmp_path: Path):
    tiny = Tiny(tmp_path)
    nested = tiny.evaluations[-1]
    tiny.score("pretrained", "pretrained", None, "test", "a")
    of_a = replace(tiny.evaluations.pop(), target="a")
    tiny.evaluations += [of_a, replace(nested, target="a")]
    examined = tiny.examined()
    of_music, of_a = (examined[target, nested.score].touched for target in ("music", "a"))
    assert of_music["target_recordings"] == NONE
    assert of_a["target_recordings"]["choice"] == 1


def test_sources_that_choose_with_a_model_of_target_recordings_are_found(tmp_path: Path):
    row = utterance(tmp_path, "music", 5)
    tiny = Tiny(tmp_path, {"manifests/a/real/train": [row]})
    assert any("chosen by sources without" in line for line in tiny.violations())


@pytest.mark.parametrize("same", ["id", "path", "bytes"])
def test_a_test_recording_in_training_is_found_by_id_path_or_bytes(tmp_path: Path, same: str):
    folder = tmp_path / "results" / "tiny" if same == "path" else tmp_path
    row = utterance(folder, "music", 4)
    if same == "id":
        Path(row["audio_filepath"]).write_text("resampled")
    else:
        row |= {"id": "new", "domain": "a", "text": "other", "speaker": "other"}
    tiny = Tiny(tmp_path, {"manifests/a/real/train": [row]})
    assert tiny.of(VECTOR).test_recordings == NONE | {"training": 1}
    assert tiny.of(VECTOR).touched["target_recordings"] == NONE | {"training": 1}
    line = f"music: {VECTOR} (WER 25.0%): 1 test recordings were used in training"
    assert line in tiny.violations()


def test_other_audio_of_the_same_size_is_no_test_recording(tmp_path: Path):
    tiny = Tiny(tmp_path)
    test, other = (
        Path(tiny.rows(f"manifests/music/real/{split}")[0]["audio_filepath"])
        for split in ("test", "train")
    )
    assert test.stat().st_size == other.stat().st_size
    assert tiny.of("target-real").test_recordings == NONE


def test_a_recording_in_several_manifests_counts_once(tmp_path: Path):
    row = utterance(tmp_path, "music", 5)
    plant = {"manifests/a/real/train": [row], "manifests/b/real/train": [row | {"id": "new"}]}
    found = Tiny(tmp_path, plant).of(VECTOR)
    assert found.touched["target_recordings"] == NONE | {"training": 1}


def test_a_test_speaker_whom_the_tts_imitates_is_found(tmp_path: Path):
    test = utterance(tmp_path, "a", 9, speaker="voice music4")
    plant = {"manifests/a/real/dev": [test]}
    options = {"speakers": ["manifests/a/real/dev"], "voice": "voice music4"}
    tiny = Tiny(tmp_path, plant, **options)
    assert tiny.of("target-synthetic").touched["test_speakers"] == NONE | {"synthesis": 1}
    assert any("1 test speakers are in synthesis" in line for line in tiny.violations())


def test_a_speaker_who_could_have_been_imitated_but_was_not_is_no_leak(tmp_path: Path):
    speakers = [f"manifests/{domain}/real/test" for domain in ("a", "music")]
    tiny = Tiny(tmp_path, speakers=speakers, voice="voice a4")
    assert tiny.of("target-synthetic").touched["test_speakers"] == NONE
    assert tiny.violations() == []


def test_a_test_recording_that_gave_the_tts_its_voice_is_found(tmp_path: Path):
    tiny = Tiny(tmp_path, speakers=["manifests/music/real/test"], voice="voice music4")
    found = tiny.of("target-synthetic")
    assert found.test_recordings == NONE | {"synthesis": 1}
    assert found.touched["test_sentences"] == NONE  # an x-vector has no words


def test_a_copy_of_a_test_recording_that_a_tts_clones_is_found(tmp_path: Path):
    row = utterance(tmp_path, "music", 4)
    tiny = Tiny(tmp_path, references=[Path(row["audio_filepath"])])
    assert tiny.of("target-synthetic").test_recordings == NONE | {"synthesis": 1}


def test_recordings_whose_channel_is_imitated_count_as_synthesis_but_not_what_they_say(
    tmp_path: Path,
):
    same = {"a1": {"speaker": "x", "text": "sentence 4 of music"}, "music4": {"speaker": "x"}}
    touched = Tiny(tmp_path, rows=same, like="a").of("target-synthetic").touched
    assert touched == {
        "target_recordings": NONE,
        "test_sentences": NONE,
        "test_speakers": NONE | {"synthesis": 1},
    }


def test_the_channels_of_target_recordings_are_found_and_no_claim_stands(tmp_path: Path):
    tiny = Tiny(tmp_path, like="music")
    touched = tiny.of("target-synthetic").touched
    assert touched["target_recordings"] == NONE | {"synthesis": 2}
    expected = "says of target recordings 'none', but 2 were used in synthesis"
    assert any(expected in line for line in tiny.violations())


def test_a_voice_of_an_engines_own_that_is_called_like_a_test_speaker_is_found(tmp_path: Path):
    tiny = Tiny(tmp_path, voice="voice music4")
    assert tiny.of("target-synthetic").touched["test_speakers"] == NONE | {"synthesis": 1}


def test_speakers_of_other_corpora_or_unknown_ones_are_not_the_same_by_name(tmp_path: Path):
    same = {"a1": {"speaker": "x"}, "music4": {"speaker": "x"}}
    tiny = Tiny(tmp_path, rows=same)
    assert tiny.of(VECTOR).touched["test_speakers"] == NONE | {"training": 1}
    for folder in ("manifests/a/real/train", "texts/a/train"):
        sidecar = records.sidecar(tiny.path(folder))
        record = json.loads(sidecar.read_text())
        record["parameters"]["declaration"]["corpus"] = "another"
        sidecar.write_text(json.dumps(record))
    assert tiny.of(VECTOR).touched["test_speakers"] == NONE
    unknown = {"a1": {"speaker": "unknown"}, "music4": {"speaker": "unknown"}}
    assert Tiny(tmp_path, rows=unknown).of(VECTOR).touched["test_speakers"] == NONE


def test_hypotheses_edited_after_transcription_are_named_though_they_were_scored_again(tmp_path):
    tiny = Tiny(tmp_path)
    edited = Path(tiny.evaluations[2].hypotheses)
    edited.write_text(edited.read_text().replace('"no"', '"yes"'))
    again = tiny.evaluations[2]
    tiny.record("score.py", [Path(again.score)], [Path(again.manifest), edited])
    with pytest.raises(InputError) as error:
        leakage.main(["--check", str(tiny.write_summary())])
    [line] = [line for line in str(error.value).splitlines() if line.startswith(str(edited))]
    assert "score.py read sha256" in line
    assert "transcribe.py wrote" in line
    assert str(records.sidecar(edited)) in line


def test_hypotheses_edited_after_scoring_are_named(tmp_path: Path):
    tiny = Tiny(tmp_path)
    edited = Path(tiny.evaluations[0].hypotheses)
    edited.write_text(edited.read_text().replace('"no"', '"yes"'))
    with pytest.raises(InputError, match=rf"{edited}: score.py read .*changed afterwards"):
        tiny.examined()


def test_an_edited_summary_is_named(tmp_path: Path):
    tiny = Tiny(tmp_path)
    path = tiny.write_summary(tiny.target())
    path.write_text(path.read_text().replace("0.25", "0.20"))
    with pytest.raises(InputError, match=rf"{path}: summarize.py wrote sha256"):
        leakage.main(["--check", str(path)])


def test_weights_made_again_after_transcription_are_found_without_reading_them(tmp_path: Path):
    tiny = Tiny(tmp_path)
    weights = tiny.path("models/music-kokoro")
    before = weights.stat()
    weights.write_bytes(bytes(before.st_size))
    tiny.examined()
    with pytest.raises(InputError, match="changed afterwards"):
        leaks.examine(tiny.evaluations, Provenance(tiny.folder, full=True), "en")
    tiny.finetune("music-kokoro", "pretrained", ["music/real"], ["music/kokoro"])
    sidecar = records.sidecar(tiny.path("models/music-kokoro"))
    record = json.loads(sidecar.read_text())
    record["outputs"] = dict.fromkeys(record["outputs"], "0" * 64)
    sidecar.write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"transcribe.py read .*finetune.py wrote 000000000000"):
        tiny.examined()


def test_a_score_of_other_hypotheses_or_of_another_coefficient_is_named(tmp_path: Path):
    tiny = Tiny(tmp_path)
    tiny.change(0, hypotheses=tiny.evaluations[1].hypotheses)
    tiny.change(4, scaling_coefficient=0.25)
    with pytest.raises(InputError) as error:
        tiny.examined()
    told = str(error.value)
    assert f"{tiny.evaluations[0].score}: was not made from" in told
    assert "was transcribed with scaling coefficient 0.5, not 0.25" in told


def test_a_score_of_hypotheses_that_were_decoded_in_another_window_is_named(tmp_path: Path):
    tiny = Tiny(tmp_path)
    tiny.change(0, window=30)
    with pytest.raises(InputError, match=r"in an audio window \(s\) of 15\.0, not 30"):
        tiny.examined()


def test_a_deleted_sidecar_is_an_error_that_names_the_file(tmp_path: Path):
    tiny = Tiny(tmp_path)
    manifest = tiny.path("manifests/music/kokoro/train")
    records.sidecar(manifest).unlink()
    with pytest.raises(InputError, match=rf"{manifest}: no lineage .*outside of the workflow"):
        tiny.examined()


def test_a_sidecar_is_found_by_all_its_outputs_and_the_latest_counts(tmp_path: Path):
    tiny = Tiny(tmp_path)
    dev = tiny.path("manifests/music/real/dev")
    assert not records.sidecar(dev).exists()
    stale = json.loads(records.sidecar(tiny.path("manifests/music/real/train")).read_text())
    stale["run"]["ended"] -= 10
    stale["outputs"] = {str(dev): "0" * 64}
    records.sidecar(tiny.path("texts/music/train")).write_text(json.dumps(stale))
    tiny.examined()


def test_a_missing_file_and_a_damaged_sidecar_are_named(tmp_path: Path):
    tiny = Tiny(tmp_path)
    tiny.path("manifests/source/real/train").unlink()
    with pytest.raises(InputError, match="train.jsonl: no such file.*make it again"):
        tiny.examined()
    records.sidecar(tiny.path("models/judge")).write_text("{")
    with pytest.raises(InputError, match="judge.*not a lineage record"):
        tiny.examined()


def test_roles_of_manifests_are_those_that_training_recorded(tmp_path: Path):
    tiny = Tiny(tmp_path)
    sidecar = records.sidecar(tiny.path("models/music-real"))
    record = json.loads(sidecar.read_text())
    train, dev = (str(tiny.path(f"manifests/music/real/{split}")) for split in ("train", "dev"))
    sidecar.write_text(json.dumps(record | {"manifests": {"train": [dev], "dev": [train]}}))
    swapped = NONE | {"training": 1, "selection": 2}
    assert tiny.of("target-real").touched["target_recordings"] == swapped
    del record["manifests"]
    sidecar.write_text(json.dumps(record))
    with pytest.raises(InputError, match="does not say which of its inputs"):
        tiny.examined()


def test_a_summary_that_says_otherwise_than_lineage_is_refused_with_every_line(tmp_path: Path):
    tiny = Tiny(tmp_path, rows={"music1": {"text": "sentence 4 of music"}})
    target = tiny.target()
    target.rows[3].leakage["target_recordings"]["training"] = 0
    with pytest.raises(InputError) as error:
        leakage.main(["--check", str(tiny.write_summary(target))])
    first, second = [line for line in str(error.value).splitlines() if "target-real" in line]
    assert first.startswith("music: target-real (WER 25.0%): says 1 target recordings in selection")
    assert "and lineage 2 target recordings in training" in first
    assert second == "music: target-real (WER 25.0%): 1 test sentences are in training"


def test_a_row_of_a_score_that_no_evaluation_has_is_refused(tmp_path: Path):
    tiny = Tiny(tmp_path)
    first, *rows = tiny.target().rows
    rows = (replace(first, scores=("elsewhere.json",)), *rows)
    summary = made_up_summary(replace(tiny.target(), rows=rows))
    [line] = leakage.violations_of(summary, tiny.examinations())
    assert line.endswith("elsewhere.json is not among the evaluations")


def test_the_leakage_of_a_row_is_the_most_of_its_seeds(tmp_path: Path):
    def touch(score: str, training: int, choice: int) -> tuple[tuple[str, str], Touch]:
        stages = NONE | {"training": training, "choice": choice}
        return ("t", score), Touch(score, "test", "t", dict.fromkeys(leaks.KINDS, stages), NONE)

    touches = dict([touch("seed1", 1, 0), touch("seed2", 3, 0), touch("dev", 9, 5)])
    expected = NONE | {"training": 3, "choice": 5}
    found = leakage_of("t", ["seed1", "seed2"], ["dev"], touches)
    assert found == dict.fromkeys(leaks.KINDS, expected)


def test_evaluations_that_lack_a_role_are_refused_by_number(tmp_path: Path):
    tiny = Tiny(tmp_path)
    path = tiny.write_evaluations()
    rows = json.loads(path.read_text())
    del rows[1]["role"]
    path.write_text(json.dumps(rows))
    with pytest.raises(InputError, match="evaluation 2 lacks role"):
        leakage.main(
            [f"--evaluations={path}", f"--output={tmp_path / 'out.json'}", "--language=en"]
        )
