"""The page, read as a browser reads it."""

import base64
import hashlib
import io
import json
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile

import report
from errors import InputError
from files.audio import save_audio
from files.manifest import write_jsonl
from files.typed_json import typed
from made_up_report import SMALL, leakage, write_made_up_report_inputs
from made_up_summary import made_up_row, made_up_summary, made_up_target, write_made_up_summary
from report import flat_settings, main
from reporting import tables as report_tables
from reporting.clips import Example, audio_examples, played_ids, spread, within_budget
from reporting.lambda_curve import curves, lambda_curve
from reporting.summary_table import cells
from reporting.vector_charts import cosine_table, heat_map, mean_cosines, mean_norms
from scoring.breakdown_file import ChangedUtterance
from scoring.summary import (
    DeliveredCheckpoint,
    Summary,
    SummaryRow,
    TargetSummary,
    read_summary,
    write_summary,
)
from vectors.geometry import LayerCosine, LayerNorm, VectorCosine, VectorNorm

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


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    """The report of a small experiment whose texts are evil, and its summary."""
    folder = tmp_path_factory.mktemp("experiment")
    write_made_up_report_inputs(folder, SMALL)
    summary = read_summary(folder / "summary.json")
    first, second = summary.targets
    first = replace(
        first,
        plain_words=(*first.plain_words, f"words {EVIL}"),
        rows=tuple(
            replace(row, label=row.label.replace("source-real", f"real {EVIL}"))
            for row in first.rows
        ),
    )
    untested = made_up_target(
        [], name="shop", target="shop", utterances=0, words=0, speech=None, manifest=None,
        checkpoints=(DeliveredCheckpoint("target-synthetic", "models/shop", 1),),
        plain_words=("shop has texts and no recordings.",),
    )  # fmt: skip
    summary = replace(summary, targets=(first, second, untested))
    write_summary(folder / "summary.json", summary)
    write_jsonl(folder / "real.jsonl", [utterance(folder, "r", "good evening", "news")])
    synthetic = [
        utterance(folder, "s", "good evening", "news", voice="af_heart"),
        utterance(folder, "m", f"play {EVIL}", "music", voice="am_puck"),
    ]
    write_jsonl(folder / "synthetic.jsonl", synthetic)
    run_report(folder)
    return folder / "report.html", summary


def run_report(folder: Path) -> None:
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
        [f"--summary={folder / 'summary.json'}", f"--experiment={json.dumps(config)}"]
        + [f"--breakdown={folder / 'breakdown.json'}"]
        + [f"--task-vectors={folder / 'task_vectors.json'}"]
        + [f"--real={folder / 'real.jsonl'}", f"--synthetic={folder / 'synthetic.jsonl'}"]
        + [f"--output={folder / 'report.html'}"]
    )


def test_every_cell_of_the_table_is_there(written: tuple[Path, Summary]):
    page = Page(written[0].read_text())
    said = page.said("td") + page.said("th")
    for _, row in written[1].rows():
        assert all(cell in said for cell in cells(row))


def test_only_significant_differences_are_coloured(written: tuple[Path, Summary]):
    html = written[0].read_text()
    coloured = re.findall(r'<td class="(better|worse)">([^<]*)</td>', html)
    assert ("better", "−12.0 [−13.0, −11.0]*") in coloured
    assert ("worse", "+6.0 [+5.0, +7.0]*") in coloured
    assert all(text.endswith("*") for _, text in coloured)
    assert report_tables.tone_of_cell("+1.0 [−1.0, +3.0]") == ""
    assert report_tables.tone_of_cell("–") == ""


def test_plain_words_are_there(written: tuple[Path, Summary]):
    said = Page(written[0].read_text()).said("p")
    for target in written[1].targets:
        assert all(sentence in said for sentence in target.plain_words)


def test_plain_words_come_before_any_number(written: tuple[Path, Summary]):
    html = written[0].read_text()
    assert html.index("The price: 1.0 points") < html.index("<table")


def test_target_without_recordings_has_its_checkpoint_and_no_number(written: tuple[Path, Summary]):
    page = Page(written[0].read_text())
    assert "models/shop" in page.said("code")
    assert any(text.startswith("No WER can be given") for text in page.said("p"))


def test_a_row_names_its_command_its_scores_and_what_it_met(written: tuple[Path, Summary]):
    page = Page(written[0].read_text())
    codes, marks = set(page.said("code")), page.said("span")
    for row in written[1].targets[0].rows:
        assert {row.command, *row.scores, *row.hypotheses, *row.models} <= codes
        assert {f"{score}.lineage.json" for score in row.scores} <= codes
        assert any(row.evaluation in text for text in page.said("summary"))
    assert marks.count("no target recordings, no test sentences, no test speakers") == 24
    topline = "target recordings (training 1,200, selection 100), no test sentences"
    assert marks.count(f"{topline}, no test speakers") == 2


def test_what_is_not_there_leaves_no_trace(written: tuple[Path, Summary]):
    def bare(target: TargetSummary) -> TargetSummary:
        rows = tuple(
            replace(row, forgetting=(), forgetting_by_kind={}, leakage=None)
            for row in target.rows
            if not row.vector
        )
        return replace(target, choices=(), rows=rows)

    summary = replace(written[1], targets=tuple(map(bare, written[1].targets)))
    html = report.render(summary, {}, {})
    Page(html)
    for trace in ("forgot", "λ was chosen", "Task vectors<", "By speaker", "confused", "None"):
        assert trace not in html
    assert "<audio" not in html and "test sentences" not in html
    assert html.count("<svg") == 2  # the bars of either target


def test_nothing_is_loaded_from_elsewhere(written: tuple[Path, Summary]):
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
    assert page.all("script") == [{}]
    policy = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert policy[0].startswith("default-src 'none'; script-src 'sha256-")
    script = html[html.index("<script>") + 8 : html.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy[0]


def test_whatever_comes_from_outside_is_escaped(written: tuple[Path, Summary]):
    html = written[0].read_text()
    assert html.count("<script") == 1
    for place in ("demo", "free", "play", "words", "real"):
        assert f"{place} &lt;script&gt;" in html
    assert "<td>&lt;script&gt;" in html


def test_players_stand_side_by_side_and_hold_the_audio(written: tuple[Path, Summary]):
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


def test_curve_is_told_in_words_and_takes_the_pages_colour(written: tuple[Path, Summary]):
    svg = lambda_curve(written[1].targets[0], 0.95)
    page = Page(svg)
    assert page.all("svg")[0]["role"] == "img"
    assert page.said("title") == ["WER on alarm against the scaling coefficient"]
    words = page.said("desc")[0]
    assert "λ 0: 19.0 % (18.0 to 20.2), λ 0.25: 18.0 %" in words
    assert "λ 0.5: 17.0 % (16.0 to 18.2) chosen" in words
    assert words.count("chosen") == 1
    assert "currentColor" in svg and "#010203" not in svg and "#000000" not in svg
    assert "scaling coefficient λ" in svg
    assert "<?xml" not in svg and "<!DOCTYPE" not in svg and "<metadata" not in svg


def test_numbers_in_charts_keep_their_digits(written: tuple[Path, Summary]):
    target = written[1].targets[1]
    rows = [
        replace(row, scaling_coefficient=0.125) if row.scaling_coefficient == 0.75 else row
        for row in target.rows
    ]
    target = replace(target, rows=tuple(rows))
    svg = lambda_curve(target, 0.95)
    assert "0.125" in Page(svg).said("text")
    assert not re.search(r' d="[^"]*\d\.\d{3}', svg)


def test_bars_and_forgetting_are_told_in_words(written: tuple[Path, Summary]):
    said = Page(written[0].read_text()).said("desc")
    assert any("target-real 12.0 % (11.0 to 13.2), target-synthetic + 0.5 τ" in d for d in said)
    topline = "target-real: −12.0 [−13.0, −11.0] on the target, +1.6 [+0.6, +2.6] on source"
    assert any(topline in text for text in said)


def test_charts_escape_names(written: tuple[Path, Summary]):
    text = json.dumps(asdict(written[1].targets[0])).replace("target-synthetic", EVIL)
    target = replace(typed(TargetSummary, json.loads(text), "", ""), name=EVIL)
    for svg in (lambda_curve(target, 0.95), report.wer_bars(target, 0.95, 1)):
        assert svg.count("&lt;script&gt;") >= 3  # title, words, drawing
        assert "<script" not in svg


def test_no_id_stands_twice(written: tuple[Path, Summary]):
    elements = Page(written[0].read_text()).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids)) > 10


def test_arms_with_an_unchosen_coefficient_are_no_main_rows(written: tuple[Path, Summary]):
    labels = [row.label for row in written[1].targets[1].main_rows]
    assert labels[-1] == "target-synthetic + 0.5 τ"
    assert sum("τ" in label for label in labels) == 1


def test_a_row_says_what_its_arm_is_known_as(written: tuple[Path, Summary]):
    said = Page(written[0].read_text()).said("summary")
    (topline,) = [row for row in written[1].targets[0].rows if row.arm == "target-real"]
    assert any(text.startswith(f"topline · {topline.evaluation}") for text in said)


def test_what_an_arm_that_adapts_to_test_recordings_hears_is_said_where_there_is_one():
    rows = [made_up_row("pretrained"), made_up_row("pretrained+suta", label="pretrained + SUTA")]
    summary = made_up_summary(made_up_target(rows))
    told = "the model hears the test recordings themselves, without their texts"
    assert told in report.render(summary, {}, {})
    assert told not in report.render(made_up_summary(made_up_target(rows[:1])), {}, {})


def test_overview_has_a_column_per_arm_whatever_its_coefficient():
    def row(scale: float) -> SummaryRow:
        vector = {"vector": "pooled", "chosen": True, "label": f"pretrained + {scale:g} τ"}
        return made_up_row("pretrained+vector", scaling_coefficient=scale, **vector)

    targets = [made_up_target(rows) for rows in ([row(0.5)], [], [row(0.25)])]
    found = report_tables.overview(targets)
    assert (found.corner, found.columns) == ("Target", ("pretrained + λ τ",))
    assert [rows[0].scaling_coefficient for _, rows in found.lines] == [0.5, 0.25]


def test_overview_has_a_line_per_arm_where_arms_are_more_than_targets():
    target = made_up_target([made_up_row("pretrained"), made_up_row("source-real")])
    found = report_tables.overview([target])
    assert (found.corner, found.columns) == ("Arm", (target.name,))
    assert [(name, row.arm) for name, (row,) in found.lines] == [
        ("pretrained", "pretrained"),
        ("source-real", "source-real"),
    ]


def test_what_a_row_met_is_said_by_stage():
    assert report_tables.leakage_words(None) == ""
    found = leakage(training=1) | {"test_sentences": {"training": 2, "synthesis": 1}}
    assert report_tables.leakage_words(found) == (
        "target recordings (training 1), test sentences (training 2, synthesis 1), no test speakers"
    )
    assert report_tables.clean(leakage()) and not report_tables.clean(found)


def test_choices_say_how_and_at_which_loss(written: tuple[Path, Summary]):
    constant, sources, _, real = written[1].targets[0].choices
    assert report_tables.choice_cells(constant) == [
        "a constant set beforehand", "τ on target-synthetic (hibari)", "none", "0.5", "17.0",
        "+0.2 [0.0, +0.5]",
    ]  # fmt: skip
    assert report_tables.choice_cells(sources)[0].endswith(": alarm 0.5, audio 0.5, calendar 0.5")
    assert report_tables.choice_cells(real)[2] == "100"


def test_layers_that_were_not_trained_have_no_cosine_and_are_left_empty():
    layers = (LayerCosine("encoder.0", None), LayerCosine("decoder.0", 0.5))
    pairs = [VectorCosine("x", y, "tiny", 1, 0.5, layers) for y in "yz"]
    pairs.append(VectorCosine("y", "z", "tiny", 1, None, layers[:1]))
    assert mean_cosines(pairs) == {"x, y": {"decoder.0": 0.5}, "x, z": {"decoder.0": 0.5}}
    table = cosine_table(pairs)
    assert table["y"] == {"x": 0.5, "y": 1.0}  # and of z nothing is known
    assert "x: lowest 0.5 (y)" in heat_map(table, "title", "cosine", True)


def test_vectors_are_averaged_over_seeds():
    def vector(relative: float | None) -> VectorNorm:
        layers = (LayerNorm("encoder.0", 3, relative),)
        return VectorNorm("a.safetensors", "a", "tiny", 1, 3, relative, layers)

    assert mean_norms([vector(0.25), vector(0.75)]) == ({"a": {"encoder.0": 0.5}}, True)
    assert mean_norms([vector(0.25), vector(None)]) == ({"a": {"encoder.0": 3}}, False)
    pairs = [VectorCosine("x", "y", "tiny", 1, cosine, ()) for cosine in (0.25, 0.75)]
    assert cosine_table(pairs) == {"x": {"x": 1, "y": 0.5}, "y": {"x": 0.5, "y": 1}}
    svg = heat_map(cosine_table(pairs), "title", "cosine", signed=True)
    assert "x: lowest 0.5 (y), highest 1 (x)" in svg
    assert ">.50<" in svg and ">1.00<" in svg
    assert heat_map({}, "title", "cosine", signed=True) == ""


def test_recordings_are_shared_out_to_domains_in_turn():
    pair, single = Example("text", {"id": "r"}, {"id": "s"}), Example("text", None, {"id": "s"})
    examples = {"news": [pair, pair], "music": [single, single], "shop": [pair]}
    found = within_budget(examples, 6)  # 2 + 1 + 2, then a pair of news no longer fits
    assert {name: len(kept) for name, kept in found.items()} == {"news": 1, "music": 1, "shop": 1}
    assert within_budget(examples, 8) == examples

    def changed(name: str, duration: float) -> ChangedUtterance:
        return ChangedUtterance(name, 1, "text", f"{name}.flac", duration, ())

    news = [changed("a", 2), changed("b", 13), changed("c", 2)]
    changed_of = {"news": news, "music": [changed("d", 2)]}
    assert played_ids(changed_of, 2) == {("news", "a"), ("music", "d")}
    assert played_ids(changed_of, 9) == {("news", "a"), ("music", "d"), ("news", "c")}


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
    assert [(e.real["id"], e.synthetic["id"]) for e in found["news"]] == [("r1", "s0")]
    assert [(e.real, e.synthetic["id"]) for e in found["music"]] == [(None, "a2")]


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


def test_settings_and_origin_are_on_the_page(written: tuple[Path, Summary]):
    page = Page(written[0].read_text())
    assert {"finetune.learning_rate", "base_models.whisper-tiny.en"} <= set(page.said("code"))
    assert {"1e-05", "artifact: tiny.en", "queen"} <= set(page.said("td") + page.said("th"))
    assert "abababababab" in page.said("code")


def test_facts_are_at_the_top(written: tuple[Path, Summary]):
    page = Page(written[0].read_text())
    facts = dict(zip(page.said("dt"), page.said("dd"), strict=False))
    assert facts["Base models"] == "whisper-tiny.en"
    assert facts["Target domains"] == "alarm, audio, shop"
    assert facts["Seeds of training"] == "1"  # the pretrained model's 0 is none
    assert facts["Test utterances"] == "200"


def test_tables_and_regions_are_labelled(written: tuple[Path, Summary]):
    page = Page(written[0].read_text())
    assert page.all("html")[0]["lang"] == "en"
    assert all("scope" in cell for cell in page.all("th"))
    regions = [div for div in page.all("div") if div.get("role") == "region"]
    assert regions and all("aria-label" in div and div["tabindex"] == "0" for div in regions)
    assert any("width=device-width" in meta.get("content", "") for meta in page.all("meta"))


def test_the_methods_stand_in_order_with_what_they_are_made_from(tmp_path: Path):
    main([*write_made_up_report_inputs(tmp_path), f"--output={tmp_path / 'report.html'}"])
    page = Page((tmp_path / "report.html").read_text())
    [table] = [each for each in page.all("table") if each.get("data-name") == "made-up methods"]
    said = page.said("td")
    assert table and said.index("12.0 [11.0, 13.0]") < said.index("24.0 [23.0, 25.0]")
    assert {"recordings of the target", "nothing", "texts of the target", "60"} <= set(said)


def test_two_runs_are_equal_and_lineage_is_beside(written: tuple[Path, Summary]):
    first, folder = written[0].read_text(), written[0].parent
    run_report(folder)
    assert written[0].read_text() == first
    recorded = json.loads((folder / "report.html.lineage.json").read_text())
    expected = ["summary.json", "breakdown.json", "task_vectors.json", "real.jsonl"]
    assert {str(folder / name) for name in expected} <= set(recorded["inputs"])
    assert any(name.endswith("templates/report.js") for name in recorded["inputs"])


def test_experiment_may_be_a_file(written: tuple[Path, Summary], tmp_path: Path):
    (tmp_path / "experiment.json").write_text('{"name": "from a file"}')
    main(
        [f"--summary={written[0].with_name('summary.json')}", f"--output={tmp_path / 'r.html'}"]
        + [f"--experiment={tmp_path / 'experiment.json'}"]
    )
    assert "<h1>from a file:" in (tmp_path / "r.html").read_text()


def test_mistakes_are_named(tmp_path: Path):
    with pytest.raises(InputError, match="gone.json: .*write it with summarize.py"):
        main(["--summary=gone.json", "--experiment={}", "--output=o"])
    summary = tmp_path / "s.json"
    summary.write_text("{}")
    with pytest.raises(InputError, match="s.json: lacks language, .*; summarize again"):
        main([f"--summary={summary}", "--experiment={}", "--output=o"])
    write_made_up_summary(summary)
    with pytest.raises(InputError, match="gone: .*--experiment: give the config as JSON"):
        main([f"--summary={summary}", "--experiment=gone", "--output=o"])
    with pytest.raises(InputError, match="--experiment: not JSON"):
        main([f"--summary={summary}", "--experiment={", "--output=o"])


def test_lambda_curves_of_several_vectors_and_tts_are_told_apart_and_begin_at_their_arm():
    def row(arm: str, tts: str | None, scale: float | None, vector: str | None) -> SummaryRow:
        on = arm.removesuffix("+vector") if vector else None
        place = {"tts": tts, "scaling_coefficient": scale, "vector": vector, "vector_on": on}
        return made_up_row(arm, **place)

    rows = [row("pretrained", None, None, None), row("target-synthetic", "bark", None, None)]
    rows += [row("pretrained+vector", "bark", 0.5, "domains")]
    rows += [
        row("target-synthetic+vector", "bark", 0.5, vector) for vector in ("pooled", "engines")
    ]
    rows += [row("target-synthetic+vector", "hibari", 0.5, "pooled")]
    found = curves(made_up_target(rows))
    begins = {name: len(points) == 2 for name, points in found.items()}  # the arm itself and 0.5
    assert begins == {
        "pretrained (bark) + λ mean τ of domains": True,
        "target-synthetic (bark) + λ τ": True,
        "target-synthetic (bark) + λ mean τ of engines": True,
        "target-synthetic (hibari) + λ τ": False,
    }


@pytest.mark.parametrize(
    ("windows", "told"),
    [
        ({"window": 15, "decoding_window": 30}, ["15 s", "30 s"]),
        ({"window": 15, "decoding_window": 15}, ["15 s"]),
        ({"window": 15}, ["15 s"]),
    ],
)
def test_the_decoding_window_is_told_where_it_is_another(windows, told):
    found = dict(report.facts(windows, made_up_summary()))
    names = [name for name in ("Audio window", "Decoding window") if name in found]
    assert [found[name] for name in names] == told


def test_domains_whose_recordings_went_through_a_simulated_line_are_named_at_the_top():
    through, clean = {"corpus": "amazon_queen", "line": "bad"}, {"texts": "a.txt"}
    domains = {"news": through, "shop": clean, "music": through}
    told = "all recordings of news and music; no real one carried them"
    assert dict(report.facts({"domains": domains}, made_up_summary()))["Simulated bad line"] == told
    assert "Simulated bad line" not in dict(
        report.facts({"domains": {"shop": clean}}, made_up_summary())
    )


def test_the_seed_of_a_model_that_is_not_trained_is_none_whatever_leads_its_decoder():
    rows = [made_up_row("pretrained+lm", seeds=(0,)), made_up_row("target-synthetic", seeds=(3,))]
    assert dict(report.facts({}, made_up_summary(made_up_target(rows))))["Seeds of training"] == "3"
