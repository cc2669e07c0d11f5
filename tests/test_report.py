"""The page, read as a browser reads it."""

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile

import report
import summarize
from audio import save_audio
from errors import InputError
from lambda_curve import curves, lambda_curve
from made_up import BASELINE, evaluation, small_experiment, write_evaluations
from manifest import write_jsonl
from report import aligned, audio_examples, changed_utterances, flat_settings, main, spread
from summary_table import cells

EVIL = "<script>alert('&')</script>"
VOID = {"meta", "link", "input", "br", "img"}


class Page(HTMLParser):
    """Elements with their attributes, texts by enclosing tag, and whether tags are balanced."""

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.texts.append((self.open[-1], " ".join(data.split())))

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]

    def said(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]


def utterance(folder: Path, name: str, text: str, domain: str = "music", **more) -> dict:
    path = folder / f"{name}.flac"
    duration = save_audio(path, np.sin(np.arange(8_000) / 9).astype(np.float32) / 2)
    row = {"id": name, "audio_filepath": str(path), "duration": duration, "text": text}
    return row | {"speaker": "ann", "domain": domain} | more


def write_texts(folder: Path, rows: list[dict]) -> None:
    """Write the test manifest and what each arm heard: the reference, but for its errors."""
    texts = {f"u{i:02}": f"put the lamp in room{i}" for i in range(40)}
    texts["u01"] = f"put {EVIL} the in room"
    write_jsonl(folder / "manifest.jsonl", (utterance(folder, n, t) for n, t in texts.items()))
    for row in rows:
        if row["score"] and row["split"] == "test":
            scored = json.loads(Path(row["score"]).read_text())["per_utterance"]
            heard = (
                {"id": r["id"], "text": " ".join(["wrong"] * r["substitutions"] + ["lamp"])}
                for r in scored
            )
            write_jsonl(row["hypotheses"], heard)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """The report of the small experiment, and its summary."""
    tmp_path = tmp_path_factory.mktemp("experiment")
    rows = small_experiment(tmp_path)
    write_texts(tmp_path, rows)
    summarize.main(
        [f"--evaluations={write_evaluations(tmp_path, rows)}", "--resamples=200"]
        + [f"--output-json={tmp_path / 'summary.json'}", f"--output-tsv={tmp_path / 's.tsv'}"]
    )
    write_jsonl(tmp_path / "real.jsonl", [utterance(tmp_path, "r", "good evening", "news")])
    synthetic = [
        utterance(tmp_path, "s", "good evening", "news", voice="af_heart"),
        utterance(tmp_path, "m", f"play {EVIL}", "music", voice="am_puck"),
    ]
    write_jsonl(tmp_path / "synthetic.jsonl", synthetic)
    run_report(tmp_path)
    return tmp_path / "report.html", json.loads((tmp_path / "summary.json").read_text())


def run_report(folder: Path, **experiment) -> None:
    config = {
        "name": f"demo {EVIL}",
        "base_models": {"whisper-tiny.en": {"artifact": "tiny.en"}},
        "source": ["news"],
        "window": 30,
        "finetune": {"learning_rate": 1e-5, "note": EVIL},
        "artifacts": {
            "queen": {"licence": f"free {EVIL}", "files": {"a.bin": {"sha256": "ab" * 32}}}
        },
    }
    main(
        [f"--summary={folder / 'summary.json'}", f"--experiment={json.dumps(config | experiment)}"]
        + [f"--real={folder / 'real.jsonl'}", f"--synthetic={folder / 'synthetic.jsonl'}"]
        + [f"--output={folder / 'report.html'}"]
    )


def test_every_cell_of_the_table_is_there(written: tuple[Path, dict]):
    page = Page(written[0].read_text())
    said = page.said("td") + page.said("th")
    for target in written[1]["targets"]:
        for row in target["rows"]:
            assert all(cell in said for cell in cells(row))
    assert "20.0 [20.0, 20.0]" in said
    assert "−20.0 [−20.0, −20.0]*" in said


def test_only_significant_differences_are_coloured(written: tuple[Path, dict]):
    html = written[0].read_text()
    coloured = re.findall(r'<td class="(better|worse)">([^<]*)</td>', html)
    assert ("better", "−20.0 [−20.0, −20.0]*") in coloured
    assert ("worse", "+20.0 [+20.0, +20.0]*") in coloured
    assert all(text.endswith("*") for _, text in coloured)
    assert len(coloured) == html.count("]*</td>")


def test_plain_words_and_remarks_are_there(written: tuple[Path, dict]):
    said = Page(written[0].read_text()).said("p")
    for target in written[1]["targets"]:
        assert all(sentence in said for sentence in target["plain_words"])
    assert any("which uses 10 target recordings" in text for text in said)


def test_target_without_recordings_has_its_checkpoint_and_no_number(written: tuple[Path, dict]):
    page = Page(written[0].read_text())
    assert "models/target-synthetic+vector+tv0.25/seed1" in page.said("code")
    assert any(text.startswith("No WER can be given") for text in page.said("p"))
    assert len(page.all("svg")) == 1  # music has a curve, weather has none


def test_nothing_is_loaded_from_elsewhere(written: tuple[Path, dict]):
    html = written[0].read_text()
    page = Page(html)
    references = [
        value
        for _, attributes in page.elements
        for key, value in attributes.items()
        if key in ("src", "href", "xlink:href", "data", "action", "poster", "srcset")
    ]
    assert references
    assert all(value.startswith(("data:", "#")) for value in references)
    assert not re.search(r"@import|url\((?!['\"]?#)", html)
    assert page.all("script") == []
    policy = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert policy[0].startswith("default-src 'none'")


def test_whatever_comes_from_outside_is_escaped(written: tuple[Path, dict]):
    html = written[0].read_text()
    assert "<script" not in html
    for place in ("demo", "free", "play"):
        assert f"{place} &lt;script&gt;" in html
    assert "<td>&lt;script&gt;" in html


def test_players_stand_side_by_side_and_hold_the_audio(written: tuple[Path, dict]):
    page = Page(written[0].read_text())
    players = {audio["aria-label"]: audio["src"] for audio in page.all("audio")}
    assert {"Real speech: good evening", "Synthetic speech: good evening"} <= set(players)
    assert f"Synthetic speech: play {EVIL}" in players
    assert f"Real speech: play {EVIL}" not in players
    head, content = players["Real speech: good evening"].split(",")
    assert head == "data:audio/mpeg;base64"
    assert len(content) < 3_000
    waveform, rate = soundfile.read(io.BytesIO(base64.b64decode(content)))
    assert rate == 16_000
    assert 0.4 < len(waveform) / rate < 0.8
    assert np.abs(waveform).max() == pytest.approx(0.5, abs=0.1)
    assert "Synthetic: af_heart, 0.5 s" in page.said("span")
    assert "Real: ann, 0.5 s" in page.said("span")


def test_curve_is_told_in_words_and_takes_the_pages_colour(written: tuple[Path, dict]):
    html = written[0].read_text()
    svg = html[html.index("<svg") : html.index("</svg>")]
    page = Page(svg + "</svg>")
    assert page.all("svg")[0]["role"] == "img"
    assert page.said("title") == ["WER on music against the scaling coefficient"]
    words = page.said("desc")[0]
    assert "λ 0: 20.0 % (" in words
    assert "λ 0.5: 5.0 % (" in words and "chosen" in words
    assert "λ 1: 80.0 % (80.0 to 80.0)" in words
    assert words.count("chosen") == 1
    assert "currentColor" in svg and "#010203" not in svg and "#000000" not in svg
    assert "scaling coefficient λ" in svg
    assert "<?xml" not in html and "<!DOCTYPE svg" not in html and "<metadata" not in html


def test_curve_escapes_names(written: tuple[Path, dict]):
    target = json.loads(json.dumps(written[1]["targets"][0]).replace("target-synthetic", EVIL))
    svg = lambda_curve(target | {"name": EVIL}, 0.95)
    assert svg.count("&lt;script&gt;") >= 3  # title, words, legend
    assert "<script" not in svg


def test_no_id_stands_twice(tmp_path: Path):
    data = [
        row | {"target": target}
        for target in ("music", "news")
        for row in small_experiment(tmp_path)
        if row["score"]
    ]
    write_texts(tmp_path, data)
    summary = summarize.summarize(data, resamples=100)
    html = report.render(summary, {}, {}, {}, {})
    ids = [attributes["id"] for _, attributes in Page(html).elements if "id" in attributes]
    assert len(ids) == len(set(ids)) > 10


def test_changed_utterances_are_those_that_lost_and_gained_most(tmp_path: Path):
    rows = [
        evaluation(tmp_path, "pretrained", [3, 0, 1, 1, 1], seed=0),
        evaluation(tmp_path, BASELINE, [1, 1, 1, 1, 1]),
        evaluation(tmp_path, "target-synthetic", [0, 2, 1, 0, 1]),
    ]
    write_texts(tmp_path, rows)
    summary = summarize.summarize(rows, resamples=100)
    every = changed_utterances(summary["targets"][0], 5)
    assert [(row["id"], row["change"]) for row in every] == [("u00", -3), ("u03", -1), ("u01", 2)]
    changed = changed_utterances(summary["targets"][0], 1)
    assert [(row["id"], row["change"]) for row in changed] == [("u00", -3), ("u01", 2)]
    assert [heard["arm"] for heard in changed[0]["heard"]] == [
        "pretrained",
        "source-mixed→target-synthetic",
        "target-synthetic",
    ]
    assert [heard["errors"] for heard in changed[0]["heard"]] == [3, 1, 0]
    assert changed[0]["reference"] == "put the lamp in room 0"
    assert {"kind": "wrong", "text": "wrong wrong"} in changed[0]["heard"][0]["words"]


def test_an_unchosen_coefficient_is_not_shown_as_the_best(written: tuple[Path, dict]):
    shown = [row["label"] for row in report.shown_arms(written[1]["targets"][0])]
    assert shown == ["pretrained", "source-mixed→target-synthetic", "target-synthetic + 0.5 τ"]
    rows = written[1]["targets"][0]["rows"]
    assert (
        report.shown_arms({"rows": [row | {"chosen": False} for row in rows]})[-1][
            "scaling_coefficient"
        ]
        is None
    )


def test_words_are_aligned_as_scored():
    assert aligned("Play the lamp, now!", "play a lamp right") == [
        {"kind": "", "text": "play"},
        {"kind": "wrong", "text": "a"},
        {"kind": "", "text": "lamp"},
        {"kind": "wrong", "text": "right"},
    ]
    assert aligned("go home", "go") == [
        {"kind": "", "text": "go"},
        {"kind": "missed", "text": "home"},
    ]
    assert aligned("hmm", "hello") == [{"kind": "added", "text": "hello"}]


def test_pairs_are_of_the_same_domain_and_text():
    def row(name: str, text: str, domain: str, duration: float = 2) -> dict:
        return {"id": name, "text": text, "domain": domain, "duration": duration}

    real = [row("r1", "hello", "news"), row("r2", "goodbye", "news"), row("r3", "long", "news", 13)]
    synthetic = [
        row("s3", "long", "news"),
        row("s1", "hello", "news"),
        row("a2", "hello", "music"),
        row("a4", "long", "music", 13),
        row("s0", "hello", "news"),
    ]
    found = audio_examples(real, synthetic, 3)
    assert list(found) == ["news", "music"]
    assert [(e["real"]["id"], e["synthetic"]["id"]) for e in found["news"]] == [("r1", "s0")]
    assert [(e["real"], e["synthetic"]["id"]) for e in found["music"]] == [(None, "a2")]


def test_examples_are_spread_evenly():
    assert spread(list(range(10)), 3) == [0, 3, 6]
    assert spread([1, 2], 3) == [1, 2]


def test_settings_are_flat():
    nested = {"a": {"b": 1, "c": [1, "x"], "d": {"e": True, "f": "g"}}, "h": [], "i": {}, "j": None}
    assert list(flat_settings(nested)) == [
        ("a.b", "1"),
        ("a.c", "1, x"),
        ("a.d", "e: true; f: g"),
        ("h", ""),
        ("i", ""),
        ("j", "null"),
    ]


def test_settings_and_origin_are_on_the_page(written: tuple[Path, dict]):
    page = Page(written[0].read_text())
    assert {"finetune.learning_rate", "base_models.whisper-tiny.en"} <= set(page.said("code"))
    assert {"1e-05", "artifact: tiny.en", "queen"} <= set(page.said("td") + page.said("th"))
    assert "abababababab" in page.said("code")
    codes = page.said("code")
    for row in written[1]["targets"][0]["rows"]:
        assert {*row["models"], *row["scores"], *row["hypotheses"]} <= set(codes)
    sidecar = written[0].with_name("summary.json.lineage.json")
    assert {str(sidecar), json.loads(sidecar.read_text())["commit"]} <= set(codes)


def test_facts_are_at_the_top(written: tuple[Path, dict]):
    page = Page(written[0].read_text())
    facts = dict(zip(page.said("dt"), page.said("dd"), strict=False))
    assert facts["Base models"] == "whisper-tiny.en"
    assert facts["Target domains"] == "music, weather"
    assert facts["Seeds of training"] == "1"  # the pretrained model's 0 is none
    assert facts["Test utterances"] == "40"


def test_tables_and_regions_are_labelled(written: tuple[Path, dict]):
    page = Page(written[0].read_text())
    assert page.all("html")[0]["lang"] == "en"
    assert all("scope" in cell for cell in page.all("th"))
    regions = [div for div in page.all("div") if div.get("role") == "region"]
    assert regions and all("aria-label" in div and div["tabindex"] == "0" for div in regions)
    assert any("width=device-width" in meta.get("content", "") for meta in page.all("meta"))


def test_two_runs_are_equal_and_lineage_is_beside(written: tuple[Path, dict]):
    first, folder = written[0].read_text(), written[0].parent
    run_report(folder)
    assert written[0].read_text() == first
    recorded = json.loads((folder / "report.html.lineage.json").read_text())
    expected = ["summary.json", "manifest.jsonl", "real.jsonl", "pretrained/seed0/real-test.jsonl"]
    assert {str(folder / name) for name in expected} <= set(recorded["inputs"])


def test_experiment_may_be_a_file(written: tuple[Path, dict], tmp_path: Path):
    (tmp_path / "experiment.json").write_text('{"name": "from a file"}')
    main(
        [f"--summary={written[0].with_name('summary.json')}", f"--output={tmp_path / 'r.html'}"]
        + [f"--experiment={tmp_path / 'experiment.json'}"]
    )
    assert "<h1>from a file:" in (tmp_path / "r.html").read_text()


def test_mistakes_are_named(tmp_path: Path):
    with pytest.raises(InputError, match="gone.json: not readable as a summary"):
        main(["--summary=gone.json", "--experiment={}", "--output=o"])
    (tmp_path / "s.json").write_text("{}")
    with pytest.raises(InputError, match="--experiment: neither JSON nor"):
        main([f"--summary={tmp_path / 's.json'}", "--experiment=gone", "--output=o"])


def test_lambda_curves_of_several_vectors_and_tts_are_told_apart_and_begin_at_their_arm():
    def row(arm: str, tts: str | None, scale: float | None, vector: str | None) -> dict:
        on = arm.removesuffix("+vector") if vector else None
        return {"arm": arm, "tts": tts, "scaling_coefficient": scale, "vector": vector} | {
            "vector_on": on
        }

    rows = [row("pretrained", None, None, None), row("target-synthetic", "bark", None, None)]
    rows += [row("pretrained+vector", "bark", 0.5, "domains")]
    rows += [
        row("target-synthetic+vector", "bark", 0.5, vector) for vector in ("pooled", "engines")
    ]
    rows += [row("target-synthetic+vector", "hibari", 0.5, "pooled")]
    found = curves({"rows": rows})
    begins = {name: len(points) == 2 for name, points in found.items()}  # the arm itself and 0.5
    assert begins == {
        "pretrained (bark) + λ mean τ of domains": True,
        "target-synthetic (bark) + λ τ": True,
        "target-synthetic (bark) + λ mean τ of engines": True,
        "target-synthetic (hibari) + λ τ": False,
    }
