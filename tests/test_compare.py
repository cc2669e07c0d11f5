"""Comparing two recognisers: files of other toolkits, scores, and whole experiments."""

import json
from pathlib import Path

import numpy as np
import pytest

from compare import main
from errors import InputError
from files.manifest import write_jsonl
from made_up_summary import made_up_row, made_up_target, write_made_up_summary
from reporting.compared import marked
from score import main as score_main

TEXTS = {f"u{i:02}": f"please play song number {word}" for i, word in enumerate("bcdefghjkl" * 6)}
WORSE = dict(list(TEXTS.items())[::2])  # every other utterance


def heard(missing: dict[str, str] = WORSE) -> dict[str, str]:
    """Return all texts, with "song" missed in some: 1 error of 5 words each."""
    return {
        name: text.replace(" song", "") if name in missing else text for name, text in TEXTS.items()
    }


def manifest(folder: Path, texts: dict[str, str] = TEXTS) -> Path:
    path = folder / "test.jsonl"
    rows = [
        {"id": name, "audio_filepath": f"wavs/{name}.wav", "duration": 1.0, "text": text}
        | {"speaker": name[-1], "domain": "music"}
        for name, text in texts.items()
    ]
    write_jsonl(path, rows)
    return path


def trn(path: Path, texts: dict[str, str]) -> Path:
    path.write_text("".join(f"{text} ({name})\n" for name, text in texts.items()))
    return path


def compare(folder: Path, a: Path, b: Path, *options: str, references: Path | None = None) -> dict:
    """Compare by utterance with few resamples; return the first comparison."""
    given = [f"--references={references or manifest(folder)}", "--language=en"]
    if references == Path():
        given = []
    main([str(a), str(b), *given, "--by=utterance", "--resamples=400"]
         + [f"--json={folder / 'out.json'}", *options])  # fmt: skip
    return json.loads((folder / "out.json").read_text())["comparisons"][0]


def test_difference_interval_and_p_of_two_files(tmp_path: Path):
    """A misses a word of 5 in half of 60 utterances: WER 0.1, B none."""
    found = compare(tmp_path, trn(tmp_path / "a.trn", heard()), trn(tmp_path / "b.trn", TEXTS))
    assert (found["a"]["wer"], found["b"]["wer"]) == (0.1, 0)
    assert found["difference"] == pytest.approx(-0.1)
    low, high = found["interval"]
    assert -0.14 < low < -0.1 < high < -0.06
    assert found["p"] == found["p_adjusted"] == pytest.approx(2 / 401)
    assert found["mapsswe_p"] < 1e-6 and found["significant"]
    assert (found["utterances"], found["words"], found["units"]) == (60, 300, 60)
    assert (found["fewer_errors"], found["more_errors"]) == (30, 0)


def test_what_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture):
    a, b = trn(tmp_path / "a.trn", heard()), trn(tmp_path / "b.trn", TEXTS)
    compare(tmp_path, a, b, "--utterances=1")
    out = capsys.readouterr().out
    assert "A  WER 10.0 % [" in out and "B  WER 0.0 % [0.0, 0.0]" in out
    assert "B − A: −10.0 points [" in out and "p 0.005, MAPSSWE p" in out
    assert "B makes fewer word errors than A, by more than chance explains." in out
    assert "60 utterances, 300 words; 30 have fewer errors in B, 0 more." in out
    assert out.endswith(
        "u00: please play song number b\n"
        "  A  1 errors: please play [−song] number b\n"
        "  B  0 errors: please play song number b\n"
    )


def test_no_significant_difference_is_said_plainly(tmp_path: Path, capsys: pytest.CaptureFixture):
    """A misses a word in one half of the utterances, B in the other."""
    other = {name: text for name, text in TEXTS.items() if name not in WORSE}
    a, b = trn(tmp_path / "a.trn", heard()), trn(tmp_path / "b.trn", heard(other))
    found = compare(tmp_path, a, b)
    assert found["difference"] == 0 and not found["significant"]
    assert "No significant difference: chance alone" in capsys.readouterr().out
    compare(tmp_path, a, a)
    assert "Both make the same number of errors in every utterance." in capsys.readouterr().out


def test_sentences_are_drawn_whole_by_default(tmp_path: Path, capsys: pytest.CaptureFixture):
    a, b = trn(tmp_path / "a.trn", heard()), trn(tmp_path / "b.trn", TEXTS)
    assert compare(tmp_path, a, b, "--by=sentence")["units"] == 10
    assert "by sentence (10 of them)" in capsys.readouterr().out
    assert compare(tmp_path, a, b, "--by=speaker")["units"] == 10
    main([str(a), str(b), f"--references={manifest(tmp_path)}", "--language=en", "--resamples=100"])
    assert "fewer than 50 sentences are rough" in capsys.readouterr().out


def as_text(path: Path, texts: dict[str, str]) -> Path:
    path.write_text("\n".join(texts.values()) + "\n")
    return path


def as_kaldi(path: Path, texts: dict[str, str]) -> Path:
    path.write_text("".join(f"{name} {text}\n" for name, text in sorted(texts.items())[::-1]))
    return path


def as_ctm(path: Path, texts: dict[str, str]) -> Path:
    """Write two words per second, the last first: a CTM need not be sorted."""
    lines = [
        f"{name} 1 {0.5 * i:.2f} 0.50 {word} 0.97\n"
        for name, text in texts.items()
        for i, word in enumerate(text.split())
    ]
    path.write_text(";; a comment\n" + "".join(reversed(lines)))
    return path


def as_jsonl(path: Path, texts: dict[str, str]) -> Path:
    write_jsonl(path, [{"id": name, "text": text} for name, text in texts.items()])
    return path


def as_nemo(path: Path, texts: dict[str, str]) -> Path:
    """Write NeMo's manifest after transcription: other folder, no ids, reference beside."""
    write_jsonl(
        path,
        [
            {"audio_filepath": f"/data/{name}.wav", "duration": 1.0, "text": TEXTS[name]}
            | {"pred_text": text}
            for name, text in texts.items()
        ],
    )
    return path


FILES = {
    "a.txt": as_text, "text": as_kaldi, "a.trn": trn, "a.ctm": as_ctm, "a.jsonl": as_jsonl,
    "a.json": as_nemo,
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_hypotheses_of_each_toolkit_are_read(tmp_path: Path, name: str):
    a = FILES[name](tmp_path / name, heard())
    found = compare(tmp_path, a, trn(tmp_path / "b.trn", TEXTS), "--utterances=1")
    assert (found["a"]["wer"], found["b"]["wer"]) == (0.1, 0)
    assert found["changed"][0]["heard"][0]["words"] == "please play [−song] number b"


@pytest.mark.parametrize("name", FILES)
def test_shuffled_hypotheses_are_refused_in_each_format(tmp_path: Path, name: str):
    shuffled = dict(zip(TEXTS, np.roll(list(TEXTS.values()), 3).tolist(), strict=True))
    a = FILES[name](tmp_path / name, shuffled)
    with pytest.raises(InputError, match=f"{name}: the hypotheses seem shuffled: 60 are"):
        compare(tmp_path, a, trn(tmp_path / "b.trn", TEXTS))
    found = compare(tmp_path, a, trn(tmp_path / "b.trn", TEXTS), "--ids-are-right")
    assert found["b"]["wer"] == 0 < found["a"]["wer"]


def test_references_may_be_trn_kaldi_or_text(tmp_path: Path):
    a, b = as_text(tmp_path / "a.txt", heard()), as_text(tmp_path / "b.txt", TEXTS)
    for references in (
        trn(tmp_path / "ref.trn", TEXTS),
        as_text(tmp_path / "ref.txt", TEXTS),
    ):
        assert compare(tmp_path, a, b, references=references)["a"]["wer"] == 0.1
    references = as_kaldi(tmp_path / "text", TEXTS)
    named = as_kaldi(tmp_path / "a.ref", heard())
    found = compare(tmp_path, named, named, "--format=kaldi", references=references)
    assert found["a"]["wer"] == 0.1


def test_nemos_references_need_no_ids(tmp_path: Path):
    a = as_nemo(tmp_path / "a.json", heard())
    assert compare(tmp_path, a, a, references=a)["a"]["wer"] == 0.1


def test_both_sides_are_normalised(tmp_path: Path):
    loud = {name: f"{text.upper()}!" for name, text in TEXTS.items()}
    a = trn(tmp_path / "a.trn", loud)
    assert compare(tmp_path, a, a)["a"]["wer"] == 0


def test_missing_and_unknown_ids_are_refused(tmp_path: Path):
    some = dict(list(TEXTS.items())[1:]) | {"x": "y"}
    a = trn(tmp_path / "a.trn", some)
    with pytest.raises(InputError, match="1 only in .*test.jsonl, first 'u00'; 1 only in .*a.trn"):
        compare(tmp_path, a, a)


def test_an_utterance_without_words_in_a_ctm_is_empty_only_if_said_so(tmp_path: Path):
    a = as_ctm(tmp_path / "a.ctm", dict(list(TEXTS.items())[1:]))
    with pytest.raises(InputError, match="1 of 60 references have no words here, first 'u00'"):
        compare(tmp_path, a, a)
    assert compare(tmp_path, a, a, "--absent-is-empty")["a"]["wer"] == 5 / 300


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "one\ntwo\n", "a.txt: 2 lines for 60 references"),
        ("a.txt", "".join(f"{i} {t}\n" for i, t in TEXTS.items()), "a.txt: .* --format kaldi"),
        ("a.trn", "play jazz\n", "a.trn:1: 'play jazz' does not end with an id"),
        ("a.trn", "{ um / @ } go (u00)\n", "a.trn:1: alternatives"),
        ("a.trn", "go (u00)\n\ngo (u00)\n", r"a.trn:3: id 'u00' stands already at .*a.trn:1"),
        ("a.ctm", "u00 1 zero 0.5 go\n", "a.ctm:1: 'u00 1 zero 0.5 go' is not"),
        ("a.ctm", "u00 1 0.0 0.5\n", "a.ctm:1: 'u00 1 0.0 0.5' is not"),
        ("a.ctm", "u00 A 0 1 go\nu00 B 0 1 go\n", "a.ctm:2: 'u00' is of channel B here and of A"),
        ("a.ctm", "u00 1 * * <ALT_BEGIN>\n", "a.ctm:1: "),
        ("a.jsonl", "{'id'}\n", "a.jsonl:1: not JSON"),
        ("a.jsonl", '{"id": "u00"}\n', "a.jsonl:1: text is None"),
        ("a.jsonl", '{"text": "go"}\n', "a.jsonl:1: has neither id nor audio_filepath"),
        ("a.jsonl", '{"audio_filepath": "v.wav", "text": "go"}\n', "'v.wav' is not the audio of"),
        ("a.hyp", "go\n", "suffix '.hyp' tells no format; say which"),
        ("a.txt", b"\xff\n", "a.txt:1: not readable as UTF-8 text"),
    ],
)
def test_wrong_files_are_refused(tmp_path: Path, name: str, content: str | bytes, message: str):
    a = tmp_path / name
    a.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        compare(tmp_path, a, a)


def test_wrong_calls_are_refused(tmp_path: Path):
    a = trn(tmp_path / "a.trn", TEXTS)
    with pytest.raises(InputError, match="give their true texts by --references"):
        main([str(a), str(a)])
    with pytest.raises(InputError, match="a folder is compared to a folder"):
        main([str(a), str(tmp_path)])
    with pytest.raises(InputError, match="--resamples is 9; an interval needs"):
        main([str(a), str(a), "--resamples=9"])
    with pytest.raises(InputError, match="no.trn: no such file"):
        compare(tmp_path, tmp_path / "no.trn", a)


def scored(
    folder: Path, name: str, texts: dict[str, str], references: Path, language: str = "en"
) -> Path:
    """Score hypotheses as the workflow does; return the score file."""
    hypotheses = as_jsonl(folder / f"{name}.jsonl", texts)
    output = folder / f"{name}.score.json"
    score_main(
        [f"--references={references}", f"--hypotheses={hypotheses}", f"--output={output}"]
        + [f"--language={language}"]
    )
    return output


def test_scores_are_compared_with_the_words_of_their_hypotheses(tmp_path: Path):
    references = manifest(tmp_path)
    a, b = scored(tmp_path, "a", heard(), references), scored(tmp_path, "b", TEXTS, references)
    found = compare(tmp_path, a, b, "--utterances=1", references=Path())
    assert found["difference"] == pytest.approx(-0.1)
    assert found["changed"][0]["heard"][0]["words"] == "please play [−song] number b"
    (tmp_path / "a.jsonl").write_text('{"id": "u00", "text": "changed since"}\n')
    found = compare(tmp_path, a, b, "--utterances=1", references=Path())
    assert found["changed"][0]["heard"][0] == {"errors": 1, "words": None}


def test_scores_on_other_references_are_refused(tmp_path: Path):
    a = scored(tmp_path, "a", TEXTS, manifest(tmp_path))
    other = TEXTS | {"u07": "please play song number 7"}
    b = scored(tmp_path, "b", TEXTS, manifest(tmp_path, other))
    with pytest.raises(InputError, match="those of 1 utterances differ, first 'u07'"):
        compare(tmp_path, a, b, references=Path())


def experiment(root: Path, name: str, arms: dict[str, list[dict[str, str]]]) -> Path:
    """Write a results folder: for each arm the scores of its seeds, in paths from the root."""
    folder = root / "results" / name
    folder.mkdir(parents=True)
    references, rows = manifest(root), []
    for arm, seeds in arms.items():
        base = {"label": arm}
        if "@" in arm:
            coefficient = arm.split("@")[1]
            base |= {"vector": "pooled", "scaling_coefficient": float(coefficient.strip("*"))}
            base["chosen"] = coefficient.endswith("*")
        scores = [
            scored(folder, f"{arm}-{seed}", texts, references) for seed, texts in enumerate(seeds)
        ]
        base["scores"] = tuple(str(path.relative_to(root)) for path in scores)
        base["hypotheses"] = tuple(s.replace(".score.json", ".jsonl") for s in base["scores"])
        rows.append(made_up_row(arm.split("@")[0], **base))
    write_made_up_summary(folder / "summary.json", made_up_target(rows))
    return folder


def test_arms_of_experiments_are_paired(tmp_path: Path, capsys: pytest.CaptureFixture):
    """Two seeds, one of them wrong in half of the utterances: WER 0.05 in A; 0 in B."""
    a = experiment(
        tmp_path / "x", "old",
        {"pretrained": [TEXTS], "tuned": [heard(), TEXTS], "tv@0.4*": [TEXTS], "tv@0.6": [TEXTS]},
    )  # fmt: skip
    b = experiment(
        tmp_path / "y", "new",
        {"tuned": [TEXTS, TEXTS], "tv@0.8*": [TEXTS], "pretrained": [TEXTS], "more": [TEXTS]},
    )  # fmt: skip
    compare(tmp_path, a, b, references=Path())
    content = json.loads((tmp_path / "out.json").read_text())
    found = {each["title"]: each for each in content["comparisons"]}
    assert list(found) == ["music, pretrained", "music, tuned", "music, tv"]
    assert found["music, tuned"]["a"]["wer"] == 0.05
    assert found["music, tuned"]["p_adjusted"] == pytest.approx(3 * found["music, tuned"]["p"])
    assert found["music, tuned"]["changed"][0]["heard"][0]["errors"] == 0.5
    assert found["music, tv"]["a"]["name"] == f"{a}: tv@0.4*"
    assert found["music, tv"]["b"]["name"] == f"{b}: tv@0.8*"
    out = capsys.readouterr().out
    assert f"1 arms are only in {b} and not compared." in out
    assert "== music, tuned ==" in out and "after Holm" in out
    recorded = json.loads((tmp_path / "out.json.lineage.json").read_text())
    assert str(a / "summary.json") in recorded["inputs"]


def test_experiments_without_a_common_arm_are_refused(tmp_path: Path):
    a = experiment(tmp_path / "x", "old", {"pretrained": [TEXTS]})
    b = experiment(tmp_path / "y", "new", {"tuned": [TEXTS]})
    with pytest.raises(InputError, match="have no target and arm in common"):
        main([str(a), str(b)])


def test_words_are_marked_where_they_are_wrong():
    assert marked("play some jazz", "play jam now") == "play [some jazz → jam now]"
    assert marked("play some jazz", "play jazz") == "play [−some] jazz"
    assert marked("stop", "stop that") == "stop [+that]"
    assert marked("", "thank you") == "[+thank you]"
    assert marked("stop", "") == "[−stop]"
