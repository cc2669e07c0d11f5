"""Leave out synthetic utterances that the base model can't understand or that sound wrong."""

import math
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any

import jiwer

from errors import InputError, run
from escaping import visible
from files.atomic import atomic_path, check_outputs
from files.audio import load_audio
from files.manifest import read_jsonl, read_manifest, write_jsonl
from files.shards import match, read_all
from files.sound import Sound, measure
from options import Parser
from records.writing import write_record
from settings.fields import settings_of
from texts.languages import add_language
from texts.normalise import normalise
from texts.spoken import without_remarks

COLUMNS = ("id", "reason", "value", "bound", "text", "hypothesis")
REPORT_EVERY = 5.0  # s
Seconds = Annotated[float, {"minimum": 0, "maximum": 3600}]
Rate = Annotated[float, {"minimum": 0, "maximum": 1000}]
Share = Annotated[float, {"minimum": 0, "maximum": 1}]


@dataclass(frozen=True)
class Bounds:
    """What an utterance may measure, bounds included: durations in s, rates in characters/s."""

    max_cer: Annotated[float, {"minimum": 0, "maximum": 1000}] = (
        0.3  # a fraction, of the base model's transcript
    )
    min_duration: Seconds = 0.3
    max_duration: Seconds = 30.0
    min_speaking_rate: Rate = 4.0
    max_speaking_rate: Rate = 30.0
    max_silence: Share = 0.6  # fraction of 20 ms frames 40 dB below the loudest
    max_clipping: Share = 0.01  # fraction of samples at full scale


@dataclass(frozen=True)
class Reason:
    """Why an utterance is left out: what was measured, and the bound that it broke."""

    name: str
    value: float
    bound: float


def character_error_rate(text: str, hypothesis: str, language: str) -> float:
    """Return the CER (a fraction, above 1 if much was inserted) of texts, both normalised.

    Spaces don't count: the normaliser makes "1030" of "ten thirty" and "10 30" of "10:30". Of a
    text with nothing that can be heard it is 0 or infinite.
    """
    reference, transcript = (
        normalise(words, language).replace(" ", "") for words in (text, hypothesis)
    )
    if not reference:
        return math.inf if transcript else 0.0
    return jiwer.cer(reference, transcript)


def reasons_to_reject(
    text: str,
    hypothesis: str,
    sound: Sound,
    bounds: Bounds,
    language: str,
    pronounced: str | None = None,
) -> list[Reason]:
    """Return every bound that an utterance breaks; none means that it is kept.

    One that is ``pronounced`` as its domain lists it has the characters of that, and may be
    transcribed so or as it is written.
    """
    said = text if pronounced is None else pronounced
    cer = min(character_error_rate(reading, hypothesis, language) for reading in {text, said})
    rate = len(without_remarks(said)) / sound.duration if sound.duration else math.inf
    measured = (
        ("cer", cer, 0.0, bounds.max_cer),
        ("duration", sound.duration, bounds.min_duration, bounds.max_duration),
        ("speaking_rate", rate, bounds.min_speaking_rate, bounds.max_speaking_rate),
        ("silence", sound.silence, 0.0, bounds.max_silence),
        ("clipping", sound.clipping, 0.0, bounds.max_clipping),
    )
    reasons = []
    for name, value, low, high in measured:
        if value < low:
            reasons.append(Reason(name, value, low))
        elif value > high:
            reasons.append(Reason(name, value, high))
    return reasons


def reasons_but_cer(utterance: dict, reasons: list[Reason]) -> list[Reason]:
    """Return the reasons against an utterance that was too long to be transcribed."""
    if not any(reason.name == "duration" for reason in reasons):
        raise InputError(
            f"utterance {utterance['id']!r} ({utterance['duration']:.2f} s) was longer than the"
            " window that it should be transcribed in, but is within max_duration; lower that to"
            " the window"
        )
    return [reason for reason in reasons if reason.name != "cer"]


def judge(
    utterances: Sequence[dict],
    text_of: dict[str, str | None],
    bounds: Bounds,
    language: str,
) -> Iterator[tuple[dict, list[Reason]]]:
    """Yield each utterance with the reasons against it; reads its audio."""
    reported = time.monotonic()
    for count, row in enumerate(utterances, start=1):
        sound = measure(load_audio(row["audio_filepath"]))
        transcript = text_of[row["id"]]
        reasons = reasons_to_reject(
            row["text"], transcript or "", sound, bounds, language, row.get("pronounced")
        )
        yield row, reasons if transcript is not None else reasons_but_cer(row, reasons)
        if time.monotonic() - reported > REPORT_EVERY:
            reported = time.monotonic()
            print(f"{count}/{len(utterances)} utterances", file=sys.stderr, flush=True)


def rejects_table(
    rejected: Sequence[tuple[dict, list[Reason]]], text_of: dict[str, str | None]
) -> str:
    """Return what went and why as tab-separated lines, one for each reason."""
    lines = [COLUMNS]
    for row, reasons in rejected:
        text, hypothesis = row["text"], text_of[row["id"]] or ""
        id = visible(row["id"], lines=False)
        reference, transcript = (visible(" ".join(each.split())) for each in (text, hypothesis))
        lines += [
            (id, reason.name, f"{reason.value:.4g}", f"{reason.bound:g}", reference, transcript)
            for reason in reasons
        ]
    return "".join("\t".join(line) + "\n" for line in lines)


def check_bounds(bounds: Bounds) -> None:
    """Raise ``InputError`` if no utterance could lie within the bounds."""
    for low, high in (
        ("min_duration", "max_duration"),
        ("min_speaking_rate", "max_speaking_rate"),
    ):
        if getattr(bounds, low) > getattr(bounds, high):
            raise InputError(
                f"{low} {getattr(bounds, low):g} is above {high} {getattr(bounds, high):g};"
                " nothing would be kept"
            )


def main(argv: list[str] | None = None) -> None:
    """Filter manifests as the command line says."""
    parser = Parser(
        description=__doc__,
        epilog="Bounds are included: durations in s, rates in characters/s; CER, silence (20 ms"
        " frames 40 dB below the loudest) and clipping (samples at full scale) as fractions.",
    )
    add = parser.add_argument
    # Snakemake gives all shards after one option; by hand the option may also be repeated.
    several: dict[str, Any] = {"required": True, "nargs": "+", "action": "extend"}
    add("--manifest", **several, help="manifests of synthetic utterances, all shards")
    add("--hypotheses", **several, help="the base model's transcripts of them (id, text)")
    add_language(parser)
    add("--settings", default="{}", help="bounds (JSON); those below win over it")
    for field in fields(Bounds):
        flag = f"--{field.name.replace('_', '-')}"
        add(flag, type=float, metavar="BOUND", help=f"(default {field.default:g})")
    add("--output", required=True, help="manifest of the utterances that are kept")
    add(
        "--rejected",
        required=True,
        help="table of those left out (TSV: " + ", ".join(COLUMNS) + ")",
    )
    options = parser.parse_args(argv)
    check_outputs([options.output, options.rejected], [*options.manifest, *options.hypotheses])
    bounds = settings_of(Bounds, options)
    check_bounds(bounds)
    utterances = read_all(options.manifest, read_manifest)
    text_of = match(utterances, read_all(options.hypotheses, read_jsonl))
    judged = list(judge(utterances, text_of, bounds, options.language))
    kept = [row for row, reasons in judged if not reasons]
    rejected = [(row, reasons) for row, reasons in judged if reasons]
    with atomic_path(options.rejected) as temporary:
        temporary.write_text(rejects_table(rejected, text_of), encoding="utf-8")
    by_reason = Counter(reason.name for _, reasons in rejected for reason in reasons)
    summary = f"kept {len(kept)} of {len(utterances)} utterances" + "".join(
        f", {name} {count}" for name, count in sorted(by_reason.items())
    )
    print(summary, file=sys.stderr)
    if not kept:
        raise InputError(
            f"{options.rejected}: {summary}; look at it, and mend the bounds or voices"
        )
    write_jsonl(options.output, kept)
    write_record(
        __file__,
        [options.output, options.rejected],
        [*options.manifest, *options.hypotheses],
        vars(bounds) | {"language": options.language},
        counts={
            "utterances": len(utterances),
            "kept": len(kept),
            "rejected": len(rejected),
            "reasons": dict(sorted(by_reason.items())),
        },
    )


if __name__ == "__main__":
    run(main)
