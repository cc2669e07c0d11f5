"""WUW-Corpus-II, on a small copy of its layout: transcriptions, broken files, callers, splits."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

import fetch
import prepare
from corpora import wuw_corpus_ii
from domains import splitting
from errors import InputError
from files.manifest import read_manifest

SECONDS = 2
SENTENCES = {"001": "Operator", "006": "get me the Operator {}", "008": "upward and _Onword_ {}",
             "009": "{{smack}} there is a Wildfire in {} [click]"}  # fmt: skip
SHARES = {"train": 0.5, "dev": 0.1, "test": 0.4}


def write(folder: Path, callers: int, sentences: dict[str, str] = SENTENCES) -> Path:
    """Write a copy of the corpus with so many callers, a noise of 2 s for each recording."""
    entries = []
    for caller in range(callers):
        session = f"{caller:05d}"
        for utterance, sentence in sentences.items():
            path = folder / "calls" / session / f"WUWII{session}_{utterance}.ulaw"
            path.parent.mkdir(parents=True, exist_ok=True)
            noise = 0.3 * np.random.default_rng(caller).normal(size=SECONDS * 8_000).clip(-1, 1)
            soundfile.write(path, noise, 8_000, format="RAW", subtype="ULAW")
            entries.append(
                {
                    "gender": "female" if caller % 2 else "male",
                    "dialect": "nonNative" if caller % 3 else "native",
                    "phonetype": "cellphone",
                    "sessionNumber": session,
                    "utteranceNumber": utterance,
                    "checksum": hashlib.md5(path.read_bytes()).hexdigest(),
                    "transcription": sentence.format(f"place {caller}"),
                }
            )
    (folder / "data.json").write_text(json.dumps({"entries": entries}))
    return folder


def rewrite(folder: Path, **changes: object) -> None:
    """Change keys of the first entry; a key that is None goes."""
    content = json.loads((folder / "data.json").read_text())
    entry = content["entries"][0] | changes
    content["entries"][0] = {key: value for key, value in entry.items() if value is not None}
    (folder / "data.json").write_text(json.dumps(content))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write(tmp_path / "corpus", callers=2)


def test_sentences_are_read_with_their_callers_and_the_keyword_alone_is_not(corpus: Path):
    found = {r.id: (r.text, r.speaker, r.extra) for r in wuw_corpus_ii.read(corpus)}
    assert len(found) == 6
    assert found["WUWII00001_009"] == (
        "there is a Wildfire in place 1",
        "00001",
        {"topic": "wildfire", "gender": "female", "native": False, "microphone": "cellphone"},
    )
    assert found["WUWII00000_008"][0] == "upward and Onword place 0"
    assert {extra["topic"] for _, _, extra in found.values()} == {"operator", "onword", "wildfire"}


def test_mu_law_is_decoded_to_its_samples(corpus: Path):
    waveform, rate = next(wuw_corpus_ii.read(corpus)).load()
    written = 0.3 * np.random.default_rng(0).normal(size=16_000).clip(-1, 1)
    assert (rate, waveform.dtype, len(waveform)) == (8_000, np.float32, 16_000)
    assert np.abs(waveform - written).max() < 0.02  # a step of mu-law near full scale: 1/32


@pytest.mark.parametrize(
    ("transcription", "words"),
    [
        ("{breath} I'm +gonna call ^Kim [static/] now [\\static]", "I'm gonna call Kim now"),
        ("<as> I can't think </as> [[click]] Onword", "I can't think Onword"),
        ("[phone buzz/} {breath} The _Onword_system", "The Onword system"),
        ("%Um ~IT *speakfire [(( ))]", "Um IT speakfire"),
        ("redirect the ph- call to a stand-by", "redirect the call to a stand-by"),
        ("-second. Let me go", "Let me go"),
        ("I\ufffdm in", "I'm in"),
        ("a (( )) Wildfire", ""),
        ("no ((good))", ""),
        ("wait a ju(-) wait", ""),
        ("[[skip]] Operator", ""),
        ("[...] Onword", ""),
        ("[phone buzz/ Umm, there {click} is", ""),
        ("{breath} [click]", ""),
    ],
)
def test_marks_of_a_transcription_are_no_words(transcription: str, words: str):
    assert wuw_corpus_ii.spoken(transcription) == words


def test_a_recording_that_is_cut_short_or_missing_is_told(corpus: Path):
    first = next(wuw_corpus_ii.read(corpus))
    path = corpus / "calls/00000/WUWII00000_006.ulaw"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"WUWII00000_006\.ulaw: 15999 bytes of MD5 .* cut short"):
        first.load()
    path.unlink()
    with pytest.raises(InputError, match=r"WUWII00000_006\.ulaw: no such file; fetch"):
        first.load()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"transcription": None}, r"data\.json: entries\[0\]: transcription is None; fetch"),
        ({"transcription": " "}, r"entries\[0\]: transcription is ' '"),
        ({"transcription": 7}, r"entries\[0\]: transcription is 7"),
        ({"sessionNumber": "../00"}, r"entries\[0\]: sessionNumber is '\.\./00'"),
        ({"gender": None}, r"entries\[0\]: gender is None"),
        ({"checksum": "0"}, r"entries\[0\]: checksum is '0'"),
    ],
)
def test_an_entry_that_cannot_be_right_is_named(corpus: Path, changes: dict, message: str):
    rewrite(corpus, **changes)
    with pytest.raises(InputError, match=message):
        list(wuw_corpus_ii.read(corpus))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not JSON", r"data\.json: not JSON .*; fetch it again"),
        ("[]", "is not a JSON object; fetch it again"),
        ("{}", "has no list of entries"),
        ('{"entries": [1]}', r"entries\[0\]: sessionNumber is None"),
    ],
)
def test_what_is_no_data_of_the_corpus_is_refused(corpus: Path, content: str, message: str):
    (corpus / "data.json").write_text(content)
    with pytest.raises(InputError, match=message):
        list(wuw_corpus_ii.read(corpus))
    (corpus / "data.json").unlink()
    with pytest.raises(InputError, match=r"data\.json is missing; WUW-Corpus-II needs it"):
        list(wuw_corpus_ii.read(corpus))


def prepared(corpus: Path, folder: Path, topic: str, **more: object) -> dict[str, set[str]]:
    """Prepare a domain; return the callers of each split."""
    declaration = {"corpus": "wuw_corpus_ii", "artifact": "w", "topics": [topic]} | more
    out = folder / topic
    prepare.main([
        f"--domain={topic}", "--language=en", f"--declaration={json.dumps(declaration)}",
        f"--artifact={corpus}", f"--audio-dir={out / 'audio'}",
        f"--manifests-dir={out / 'manifests'}", f"--texts-dir={out / 'texts'}",
    ])  # fmt: skip
    rows = {split: read_manifest(out / "manifests" / f"{split}.jsonl") for split in SHARES}
    return {split: {row["speaker"] for row in rows[split]} for split in SHARES}


def test_a_caller_is_in_one_split_of_all_domains(tmp_path: Path):
    corpus = write(tmp_path / "corpus", callers=60)
    domains = [prepared(corpus, tmp_path, topic) for topic in ("operator", "onword", "wildfire")]
    assert domains[0] == domains[1] == domains[2]
    assert sorted(caller for callers in domains[0].values() for caller in callers) == [
        f"{caller:05d}" for caller in range(60)
    ]
    fewer = prepared(corpus, tmp_path / "fewer", "onword", train=5, dev=2, test=7)
    assert [len(fewer[split]) for split in SHARES] == [5, 2, 7]
    assert all(fewer[split] < domains[1][split] for split in SHARES)


def test_callers_fall_into_the_splits_by_shares_and_another_seed_mixes_them_anew():
    callers = [f"{caller:05d}" for caller in range(2_000)]
    found = [splitting.split_of_speaker(caller, seed=1) for caller in callers]
    for split, share in SHARES.items():
        assert found.count(split) / 2_000 == pytest.approx(share, abs=0.03)
    assert found != [splitting.split_of_speaker(caller, seed=2) for caller in callers]


def test_a_sentence_of_two_callers_is_in_one_split(tmp_path: Path):
    corpus = write(tmp_path / "corpus", 60, {"006": "get me the Operator", "008": "go Onword {}"})
    with pytest.raises(InputError, match="nothing is left for train of 60 .*sentence of another"):
        prepared(corpus, tmp_path, "operator")


def test_it_is_taken_from_a_local_folder(corpus: Path, tmp_path: Path):
    source = {"path": str(corpus)}
    declaration = {
        "licence": "CC-BY-SA-4.0",
        "files": {
            "data.json": {
                "checksum": "first-use",
                "sources": [{"path": str(corpus / "data.json")}],
            },
            "calls": {
                "checksum": "first-use",
                "sources": [source | {"members": "calls/*.ulaw"}],
            },
        },
    }
    output = tmp_path / "resources"
    fetch.main([
        "--artifact=calls", f"--declaration={json.dumps(declaration)}", f"--output={output}"
    ])  # fmt: skip
    assert [r.load()[0].shape for r in wuw_corpus_ii.read(output)] == [(16_000,)] * 6
