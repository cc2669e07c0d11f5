"""SLURP: what people ask of a home assistant, in 18 scenarios, before two kinds of microphone.

Bastianelli, Vanzo, Swietojanski and Rieser, "SLURP: A Spoken Language Understanding Resource
Package", EMNLP 2020. Its texts are CC BY 4.0, its audio is CC BY-NC 4.0 (Zenodo record 4274930).

The folder has ``train.jsonl``, ``devel.jsonl``, ``test.jsonl`` and ``metadata.json`` of the
repository's dataset/slurp, and the audio archive's folder ``slurp_real``; for its synthetic speech
also ``train_synthetic.jsonl`` and ``slurp_synth``. The splits are SLURP's own.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from corpora.files import AGAIN
from errors import InputError
from files.audio_file import UNKNOWN_SPEAKER, AudioFile
from files.json_file import parse, read_object
from files.recording import Recording
from texts.plain_texts import numbered_lines

FILES = {"train": "train.jsonl", "dev": "devel.jsonl", "test": "test.jsonl"}
PUBLISHED = {  # recordings and sentences of a scenario, counted in the published files
    "alarm": {"dev": (366, 64), "test": (686, 96)},
    "audio": {"dev": (285, 35), "test": (480, 62)},
    "calendar": {"dev": (1146, 280), "test": (1651, 402)},
    "cooking": {"dev": (197, 43), "test": (289, 72)},
    "datetime": {"dev": (362, 73), "test": (576, 103)},
    "email": {"dev": (597, 157), "test": (1009, 271)},
    "general": {"dev": (541, 122), "test": (755, 189)},
    "iot": {"dev": (483, 118), "test": (1093, 220)},
    "lists": {"dev": (440, 112), "test": (646, 142)},
    "music": {"dev": (254, 56), "test": (339, 81)},
    "news": {"dev": (306, 82), "test": (526, 124)},
    "play": {"dev": (1260, 260), "test": (1799, 387)},
    "qa": {"dev": (809, 214), "test": (1067, 288)},
    "recommendation": {"dev": (248, 69), "test": (329, 94)},
    "social": {"dev": (270, 68), "test": (385, 106)},
    "takeaway": {"dev": (186, 44), "test": (301, 57)},
    "transport": {"dev": (431, 110), "test": (465, 124)},
    "weather": {"dev": (509, 126), "test": (682, 156)},
}
ENTITY = re.compile(r"\[\s*([^\[\]:]+?)\s*:\s*([^\[\]]*?)\s*\]")  # [type : words]
SPEAKER = re.compile(r"(F|M|UNK)([EO]?)-\d+")
GENDERS = {"F": "female", "M": "male"}
NATIVE = {"E": True, "O": False}  # English, or another language
SYNTHETIC_SPEAKER = "slurp_synth"


@dataclass(frozen=True)
class Selection:
    """What a domain takes of SLURP, by the keys of its declaration."""

    scenario: Annotated[str, {"enum": PUBLISHED}]
    microphone: Literal["headset", "far", "all"] = "all"
    statuses: Annotated[list[str] | None, {"minItems": 1}] = None  # all
    max_recording_wer: Annotated[float | None, {"minimum": 0, "maximum": 100}] = (
        None  # of SLURP's own recogniser
    )
    synthetic_train: bool = False
    text_only: bool = False
    check_counts: bool = True


@dataclass(frozen=True)
class Sentence:
    """One line of a split: a text and its recordings, as published."""

    id: str
    text: str
    scenario: str
    intent: str
    entities: list[dict[str, str]]
    recordings: list[dict[str, Any]]
    place: str


def read_splits(folder: Path, selection: Selection) -> dict[str, list[Sentence]]:
    """Return the scenario's sentences of each split; files that lack lines are refused."""
    splits = {name: read_sentences(folder / file) for name, file in FILES.items()}
    if selection.check_counts:
        for name in ("dev", "test"):
            check_counts(folder / FILES[name], name, splits[name])
    return {
        name: [each for each in sentences if each.scenario == selection.scenario]
        for name, sentences in splits.items()
    }


def read_sentences(path: Path) -> list[Sentence]:
    """Return the sentences of one of SLURP's files, of all scenarios."""
    sentences = []
    for number, line in numbered_lines(path):
        place = f"{path}:{number}"
        entry = parse(line, place, AGAIN)
        for key, kind in (("slurp_id", int), ("sentence", str), ("scenario", str)):
            if not isinstance(entry, dict) or not isinstance(entry.get(key), kind):
                raise InputError(f"{place}: has no {key}; fetch SLURP's file again")
        recordings = entry.get("recordings", [])
        for recording in recordings:
            file = recording.get("file") if isinstance(recording, dict) else None
            if not isinstance(file, str) or Path(file).name != file:
                raise InputError(f"{place}: a recording's file is {file!r}, not the name of one")
        sentences.append(
            Sentence(
                id=str(entry["slurp_id"]),
                text=entry["sentence"],
                scenario=entry["scenario"],
                intent=entry.get("intent", ""),
                entities=entities(entry.get("sentence_annotation", "")),
                recordings=recordings,
                place=place,
            )
        )
    return sentences


def entities(annotation: str) -> list[dict[str, str]]:
    """Return the entities of an annotated sentence: ``at [time : six am]`` has one.

    The annotation keeps capitals and slips of the pen that the sentence itself has not.
    """
    return [{"type": type, "words": words} for type, words in ENTITY.findall(annotation)]


def check_counts(path: Path, split: str, sentences: list[Sentence]) -> None:
    """Refuse a file that has not the published numbers of recordings and sentences."""
    counted = count(sentences)
    for scenario, published in PUBLISHED.items():
        if counted.get(scenario) != published[split]:
            total = [sum(numbers[part] for numbers in counted.values()) for part in (0, 1)]
            whole = [sum(each[split][part] for each in PUBLISHED.values()) for part in (0, 1)]
            raise InputError(
                f"{path}: has {total[0]} recordings of {total[1]} sentences, SLURP {whole[0]} of"
                f" {whole[1]}; the first scenario to differ is {scenario}, with"
                f" {counted.get(scenario, (0, 0))[0]} of {counted.get(scenario, (0, 0))[1]}, not"
                f" {published[split][0]} of {published[split][1]}; fetch the file again, or set"
                " check_counts: false in the domain"
            )


def count(sentences: list[Sentence]) -> dict[str, tuple[int, int]]:
    """Return the numbers of recordings and sentences of each scenario."""
    recordings: Counter[str] = Counter()
    texts: Counter[str] = Counter()
    for sentence in sentences:
        recordings[sentence.scenario] += len(sentence.recordings)
        texts[sentence.scenario] += 1
    return {scenario: (recordings[scenario], texts[scenario]) for scenario in texts}


def read(
    folder: Path, selection: Selection, left_out: Counter
) -> dict[str, list[tuple[Recording, str]]]:
    """Return the selected recordings of each split, with their places; count the others."""
    speakers = read_speakers(folder / "metadata.json")
    splits = {
        name: [
            (recording, sentence.place)
            for sentence in sentences
            for recording in real(sentence, folder / "slurp_real", speakers, selection, left_out)
        ]
        for name, sentences in read_splits(folder, selection).items()
    }
    if selection.synthetic_train:
        splits["train"] += [
            (recording, sentence.place)
            for sentence in read_sentences(folder / "train_synthetic.jsonl")
            if sentence.scenario == selection.scenario
            for recording in synthetic(sentence, folder / "slurp_synth")
        ]
    return splits


def read_speakers(path: Path) -> dict[str, str]:
    """Return who speaks in each recording (its file's name): the metadata's ``usrid``."""
    metadata = read_object(path, "SLURP's speakers are in it: fetch it again")
    try:
        return {
            file: recording["usrid"]
            for entry in metadata.values()
            for file, recording in entry["recordings"].items()
            if recording.get("usrid")
        }
    except (KeyError, AttributeError, TypeError) as error:
        raise InputError(
            f"{path}: is not SLURP's metadata ({type(error).__name__}: {error}); fetch it again"
        ) from None


def real(
    sentence: Sentence,
    folder: Path,
    speakers: dict[str, str],
    selection: Selection,
    left_out: Counter,
) -> Iterator[Recording]:
    """Yield a sentence's recordings by people, as far as they are selected."""
    for entry in sentence.recordings:
        file = entry["file"]
        microphone = "headset" if Path(file).stem.endswith("-headset") else "far"
        wer, limit = entry.get("wer"), selection.max_recording_wer
        if selection.microphone not in (microphone, "all"):
            left_out[f"microphone {microphone}"] += 1
        elif selection.statuses is not None and entry.get("status") not in selection.statuses:
            left_out[f"status {entry.get('status')}"] += 1
        elif limit is not None and (wer is None or wer > limit):
            left_out[f"recording WER over {limit:g}"] += 1
        else:
            speaker = speakers.get(file, UNKNOWN_SPEAKER)
            extra = {"origin": "real", "microphone": microphone, **about_speaker(speaker)}
            yield spoken(sentence, folder / file, speaker, extra)


def synthetic(sentence: Sentence, folder: Path) -> Iterator[Recording]:
    """Yield a sentence's recordings by SLURP's TTS, which have no microphone, status or WER."""
    for entry in sentence.recordings:
        yield spoken(sentence, folder / entry["file"], SYNTHETIC_SPEAKER, {"origin": "synthetic"})


def spoken(sentence: Sentence, path: Path, speaker: str, extra: dict[str, Any]) -> Recording:
    """Return one recording of a sentence, called by its file."""
    return Recording(
        id=path.stem,
        text=sentence.text,
        speaker=speaker,
        load=AudioFile(path, sentence.place),
        extra={
            **extra,
            "scenario": sentence.scenario,
            "intent": sentence.intent,
            "slurp_id": int(sentence.id),
            "entities": sentence.entities,
        },
    )


def about_speaker(usrid: str) -> dict[str, Any]:
    """Return gender, and whether English is the native language (null: unknown), of a ``usrid``.

    The first letter is F, M or UNK, the next one E (English) or O (another language), then follow
    a hyphen and a number: ``FO-460``, ``UNK-323``.
    """
    match = SPEAKER.fullmatch(usrid)
    gender, language = match.groups() if match else ("", "")
    return {"gender": GENDERS.get(gender, "unknown"), "native": NATIVE.get(language)}
