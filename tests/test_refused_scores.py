"""Bad and hostile input of scoring: references and hypotheses that do not fit."""

import json
from functools import partial
from pathlib import Path

import pytest

import score
from bad_input import RIGHT, Case, judge

ROW = {
    **{"id": "a", "text": "yes", "audio_filepath": "a.wav"},
    **{"duration": 1.0, "speaker": "s", "domain": "d"},
}


def scored(folder: Path, references: str, hypotheses: str) -> None:
    (folder / "references.jsonl").write_text(references)
    (folder / "hypotheses.jsonl").write_text(hypotheses)
    score.main(
        [
            *("--references", str(folder / "references.jsonl")),
            *("--hypotheses", str(folder / "hypotheses.jsonl")),
            *("--output", str(folder / "out" / "score.json")),
            *("--language", "en"),
        ]
    )


def hypotheses_case(what: str, hypotheses: str, says: str) -> Case:
    call = partial(scored, references=json.dumps(ROW), hypotheses=hypotheses)
    return Case("hypotheses", what, call, says)


CASES = [
    hypotheses_case("none", "", r"only in .*references\.jsonl"),
    hypotheses_case("of another utterance", '{"id": "b", "text": "yes"}', r"hypotheses\.jsonl.*b"),
    hypotheses_case("twice", '{"id": "a", "text": "y"}\n' * 2, r"hypotheses\.jsonl:2"),
    hypotheses_case("right", '{"id": "a", "text": "yes"}', ""),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.door}: {case.what}")
def test_bad_input_is_refused_well(case, tmp_path):
    outcome, said = judge(case, tmp_path)
    assert outcome in RIGHT, said
