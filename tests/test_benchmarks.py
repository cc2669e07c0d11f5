"""The benchmarks' own arithmetic and tables. No time is tested here."""

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import WhisperConfig, WhisperForConditionalGeneration

from conftest import ROOT
from errors import InputError

sys.path.append(str(ROOT / "benchmarks"))

import measure  # noqa: E402
import resampling  # noqa: E402
import table  # noqa: E402
import task_vectors  # noqa: E402
from measure import Comparison, Growth, Report, Runs  # noqa: E402
from transcription import encoder_flops  # noqa: E402


@pytest.fixture
def report() -> Report:
    """A benchmark of two comparisons: 6 and 2 times as fast, 3 times asked for."""
    report = Report("features")
    about = {"peer": "theirs", "amount": 40, "unit": "utterances", "bar": 3}
    about |= {"limit": "reading", "limit_seconds": 1.6, "at_most": 3.0}
    report.add(Comparison("fast", 2.0, peer_seconds=12.0, runs={"ours": Runs([2.0])}, **about))
    report.add(Comparison("slow", 4.0, peer_seconds=8.0, **about))
    report.add(Comparison("alone", 512.4))
    report.note("largest gap", 1.2345678e-7)
    report.note("interval", [-0.5, 0.25])
    report.growth.append(Growth("files", [1000, 4000], [1.0, 2.0], [150_000_000, None]))
    report.profile["flac"] = {"reading": 1.5, "log-mel": 0.5}
    return report


def write(report: Report, folder: Path, *flags: str) -> Path:
    output = folder / f"{report.name}.json"
    parser = measure.arguments(report.name, "A benchmark.")
    report.write(parser.parse_args(["--output", str(output), *flags]))
    return output


def test_results_are_written_with_machine_versions_and_the_seconds_of_every_run(report, tmp_path):
    found = json.loads(write(report, tmp_path).read_text())
    assert found["machine"]["cores"] > 0 and found["versions"]["torch"] == torch.__version__
    assert [row["ratio"] for row in found["comparisons"]] == [6.0, 2.0, None]
    assert found["comparisons"][0]["runs"] == {"ours": [2.0]}
    assert found["growth"] == [asdict(report.growth[0])]


def test_a_quick_look_does_not_replace_results(report, tmp_path):
    assert not write(report, tmp_path, "--quick").exists()


def test_the_readme_has_the_results_between_its_marks_and_is_else_as_it_was(report, tmp_path):
    write(report, tmp_path)
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    for _ in range(2):  # once more changes nothing
        table.main(["--results", str(tmp_path), "--readme", str(readme)])
        text = readme.read_text()
        assert text.startswith(f"before\n{table.BEGIN}\n\nMeasured on ")
        assert text.endswith(f"\n\n{table.END}\nafter\n") and "old" not in text
    lines = text.splitlines()
    limit = "reading: 1.6 s, ours"
    for line in (
        f"| fast | 2 s (20 utterances/s) | theirs: 12 s | **6×** (≥ 3) | {limit} 1.25×;"
        " at most 3 s |",
        "| slow | 4 s (10 utterances/s) | theirs: 8 s | **2×** (≥ 3, **not met**) |"
        f" {limit} 2.5×; at most 3 s, **not met** |",
        "| alone | 512 s | – | – | – |",
        "| features | largest gap | 1.235e-07 |",
        "| features | interval | -0.5, 0.25 |",
        "| files | 1,000 | 1 s | 1 ms | 150 MB |",
        "| files | 4,000 | 2 s | 0.5 ms | – |",
        "| features | flac | reading 75 %, log-mel 25 % |",
    ):
        assert line in lines


@pytest.mark.parametrize("text", ["no marks", table.BEGIN, table.BEGIN + 2 * table.END])
def test_a_page_without_both_marks_is_left_alone(text, report, tmp_path):
    write(report, tmp_path)
    readme = tmp_path / "README.md"
    readme.write_text(text)
    with pytest.raises(InputError, match="must have the marks"):
        table.main(["--results", str(tmp_path), "--readme", str(readme)])
    assert readme.read_text() == text


def test_no_results_are_told(tmp_path):
    with pytest.raises(InputError, match="no results; run `make bench` first"):
        table.main(["--results", str(tmp_path)])


def test_the_committed_page_has_the_committed_results():
    text = table.README.read_text()
    assert table.show(measure.RESULTS) in text


def test_another_machines_results_are_shown_below(report, tmp_path):
    output = write(report, tmp_path)
    (tmp_path / "epyc").mkdir()
    there = output.read_text().replace('"processor": "', '"processor": "Epyc, not ')
    (tmp_path / "epyc/features.json").write_text(there)
    shown = table.show(tmp_path)
    assert shown.count("| fast | 2 s") == 2 and shown.count("| interval |") == 1
    assert shown.index("| interval |") < shown.index("On another machine, ")
    assert re.search(r"(?m)^On another machine, \d+ cores of Epyc, not ", shown)


def test_sides_take_turns_and_what_comes_before_is_not_timed():
    said = []
    runs = measure.in_turn(
        {"a": lambda: said.append("a"), "b": lambda: said.append("b")},
        2,
        lambda n: said.append(f"-{n}"),
    )
    assert "".join(said) == "-aa-bb-aa-bb"
    assert [len(side.seconds) for side in runs.values()] == [2, 2]


def test_the_median_of_runs_and_the_last_result_count():
    assert Runs([3.0, 1.0, 2.0]).median == 2.0
    assert Runs([1.0]).once(lambda: "text").result == "text"


def test_a_commands_peak_memory_is_its_own():
    ballast = bytearray(300_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    _, small = measure.run([sys.executable, "-c", "pass"])
    _, large = measure.run([sys.executable, "-c", "b'x' * 200_000_000"])
    assert small < 50_000_000 < 200_000_000 < large < 250_000_000


def test_a_command_that_fails_is_an_error_with_what_it_printed():
    with pytest.raises(InputError, match=r"exit.*failed:\nwhy"):
        measure.run([sys.executable, "-c", "print('why'); exit(3)"])


def test_a_benchmark_asks_for_the_experiment_that_it_measures_on(tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "EXPERIMENT", tmp_path)
    with pytest.raises(InputError, match="EXPERIMENT=experiments/drascula.yaml` first"):
        measure.of_experiment("summary.json")


def test_work_grows_by_beginning_again():
    assert measure.take("abc", 7) == list("abcabca")


def test_multiply_adds_of_the_encoder_are_those_that_pytorch_counts():
    config = WhisperConfig(
        d_model=64, encoder_layers=3, encoder_ffn_dim=128, encoder_attention_heads=2,
        decoder_layers=1, decoder_attention_heads=2, max_source_positions=200, num_mel_bins=80,
    )  # fmt: skip
    config._attn_implementation = "eager"  # what the counter sees all of
    encoder = WhisperForConditionalGeneration(config).model.encoder
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        encoder(torch.zeros(1, 80, 400))
    assert encoder_flops(config, 4.0) == pytest.approx(counter.get_total_flops(), rel=1e-3)


def test_random_checkpoints_have_the_parameters_of_large_v3():
    sizes = [np.prod(shape) for _, shape in task_vectors.shapes(32).values()]
    assert sum(sizes) == 1_543_490_560  # as transformers counts them, tied ones once


def test_our_side_of_the_merge_is_right_and_is_prepared_anew(tmp_path, monkeypatch):
    small = {
        "vocab_size": 64,
        "pad_token_id": 0,
        "num_mel_bins": 8,
        "d_model": 16,
        "encoder_ffn_dim": 32,
    }
    small |= {"decoder_ffn_dim": 32, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    monkeypatch.setattr(task_vectors, "LARGE", task_vectors.LARGE | small)
    work = task_vectors.Folder(tmp_path / "models", 1)
    work.subtract()
    work.apply()
    merged = tmp_path / "models/mergekit-all"
    merged.mkdir()
    # adapted - target is lambda tau: the gap to a copy of the target is the largest of it
    (merged / "model.safetensors").write_bytes(work.paths["target"].read_bytes())
    tau = task_vectors.safe_open(work.tau, "pt")
    largest = max(tau.get_tensor(name).abs().max().item() for name in tau.keys())  # noqa: SIM118
    gap = work.difference(work.adapted, "all")
    assert gap == pytest.approx(task_vectors.SCALE * largest, rel=1e-5) and gap > 0
    work.prepare("mergekit all")
    assert not merged.exists() and not work.adapted.parent.exists() and work.tau.exists()


def test_the_loop_over_jiwer_scores_what_was_drawn():
    references, systems = resampling.made_up(50)
    draws = np.array([[0] * 50, list(range(50))])
    found = resampling.loop(references, systems, draws)
    words = np.array([len(text.split()) for text in references])
    for rates, texts in zip(found, systems, strict=True):
        errors = resampling.errors_of(references, texts)
        assert rates == pytest.approx([errors[0] / words[0], errors.sum() / words.sum()])


def test_a_profile_tells_what_each_function_takes_with_what_it_calls(tmp_path):
    (tmp_path / "sleeper.py").write_text(
        "import time\ndef inner(): time.sleep(0.05)\ndef outer(): inner()\nouter()\n"
    )
    taken = measure.profiled([sys.executable, tmp_path / "sleeper.py"])
    assert 0.05 < taken["sleeper.py:inner"] <= taken["sleeper.py:outer"] <= taken[""]
    assert taken["sleeper.py:gone"] == 0
