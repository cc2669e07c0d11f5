"""Write a Whisper checkpoint as a service's library runs it, and measure it with that library.

The library loads what was written and transcribes the utterances that the checkpoint has been
measured on; what comes out is scored beside the checkpoint's own hypotheses.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import WhisperTokenizer
from transformers.utils.logging import disable_progress_bar

from errors import InputError, run
from exports.formats import FORMATS
from exports.hints import hints_of, sounds_of
from exports.library import Loaded, check_importable
from exports.measured import Measured, count_changed, errors_of, paired, write_measured
from files import scratch
from files.atomic import atomic_folder, check_outputs
from files.audio import load_audio
from files.manifest import check_audio, read_jsonl, read_manifest, write_jsonl
from options import Parser
from recognisers.checkpoints import check_speaks, load_whisper
from recognisers.load import model_type
from recognisers.pieces import in_pieces, joined
from recognisers.window import WHISPER_WINDOW
from records.record import WEIGHTS, checkpoint_files
from records.writing import versions_of, write_record
from scoring.bootstrap import CONFIDENCE, UNITS
from scoring.checks import check_any_words, check_same_ids, ids_of
from scoring.word_errors import score
from texts.languages import add_language
from texts.pronunciations import read_pronunciations

SOUNDS = "key_terms.tsv"  # of the terms: written, said


def checked_tokenizer(folder: Path, language: str, task: str) -> tuple[WhisperTokenizer, int]:
    """Return a Whisper's tokenizer and how many tokens may stand before its text; refuse others."""
    if (kind := model_type(folder)) != "whisper":
        raise InputError(
            f"{folder}: is a CTC model ({kind}), which neither faster-whisper nor whisper.cpp runs;"
            " ship it as it is: transformers runs it"
        )
    model, tokenizer, _ = load_whisper(folder)
    check_speaks(model, language, task, folder)
    return tokenizer, model.config.max_target_positions // 2 - 1


def hypotheses_of(
    rows: Sequence[dict], loaded: Loaded, hints: str, language: str
) -> list[dict[str, Any]]:
    """Return what a library writes of utterances, longer ones in pieces, as transcribe.py has them.

    With hints each is heard a second time, with them: ``with_hints``.
    """
    texts: dict[str, list[dict]] = {hint: [] for hint in ("", hints)}
    with in_pieces(rows, WHISPER_WINDOW) as spoken:
        for row in spoken:
            audio = load_audio(scratch.near(row["audio_filepath"]))
            for hint, heard in texts.items():
                heard.append({"id": row["id"], "text": loaded.transcribe(audio, hint)})
    plain, hinted = (joined(texts[hint], spoken, language) for hint in ("", hints))
    if not hints:
        return plain
    return [a | {"with_hints": b["text"]} for a, b in zip(plain, hinted, strict=True)]


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's values."""
    parser = Parser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True, help=f"{WEIGHTS} of the checkpoint")
    add("--format", choices=FORMATS, required=True, help="form to write")
    add("--manifest", type=Path, required=True, help="utterances to measure it on")
    add("--hypotheses", type=Path, required=True, help="the checkpoint's transcripts of them")
    add("--terms", type=Path, help="key terms to go with it (JSON lines: id, text)")
    add("--pronunciations", type=Path, help="how words are said, for a list of the terms' sounds")
    add_language(parser)
    add("--task", default="transcribe", help="transcribe or translate (default transcribe)")
    add("--resampled-by", choices=UNITS, default="sentence", help="unit of the interval's draws")
    add("--threads", type=int, default=1, help="CPU threads of the library (default 1)")
    add("--output", type=Path, required=True, help="folder to write, as the library loads it")
    add("--measured", type=Path, required=True, help="numbers to write (JSON)")
    add("--transcripts", type=Path, required=True, help="the library's transcripts to write")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Export as the command line says."""
    options = parse_arguments(argv)
    folder, form = options.checkpoint.parent, FORMATS[options.format]
    optional = [path for path in (options.terms, options.pronunciations) if path]
    given = [options.manifest, options.hypotheses, *optional]
    outputs = [options.output, options.measured, options.transcripts]
    check_outputs(outputs, [*checkpoint_files(folder), *given])
    check_importable(form.modules)
    disable_progress_bar()
    rows, before = read_manifest(options.manifest), read_jsonl(options.hypotheses)
    check_any_words(rows, options.manifest, options.language)
    check_same_ids(ids_of(rows), ids_of(before), options.manifest, options.hypotheses)
    check_audio(rows, options.manifest)
    scratch.check(row["audio_filepath"] for row in rows)
    tokenizer, room = checked_tokenizer(folder, options.language, options.task)
    terms = [row["text"] for row in read_jsonl(options.terms)] if options.terms else []
    hints = hints_of(terms, tokenizer, room)
    beside = {form.hints: f"{hints}\n"} if hints else {}
    if terms and options.pronunciations:
        beside[SOUNDS] = sounds_of(terms, read_pronunciations(options.pronunciations))
    with atomic_folder(options.output) as temporary:
        form.write(folder, temporary)
        for name in (form.hints, SOUNDS):
            (options.output / name).unlink(missing_ok=True)  # those of other terms
        for name, text in beside.items():
            (temporary / name).write_text(text, encoding="utf-8")
        loaded = form.load(temporary, options.language, options.task, options.threads)
        after = hypotheses_of(rows, loaded, hints, options.language)
        files = [options.output / path.name for path in sorted(temporary.iterdir())]
    scores = [score(rows, hypotheses, options.language) for hypotheses in (before, after)]
    hinted = [{"id": row["id"], "text": row["with_hints"]} for row in after] if hints else []
    text_of = {row["id"]: row["text"] for row in before}
    measured = Measured(
        checkpoint=str(options.checkpoint),
        format=options.format,
        bytes=sum(path.stat().st_size for path in files),
        packages=versions_of(form.packages),
        precision=loaded.precision,
        manifest=str(options.manifest),
        utterances=len(rows),
        before=errors_of(scores[0]),
        after=errors_of(scores[1]),
        with_hints=errors_of(score(rows, hinted, options.language)) if hints else None,
        difference=paired(scores[0], scores[1], options.resampled_by, options.manifest),
        confidence=CONFIDENCE,
        changed_texts=count_changed(
            [text_of[row["id"]] for row in rows], [row["text"] for row in after]
        ),
    )
    write_measured(options.measured, measured)
    write_jsonl(options.transcripts, after)
    print(
        f"{options.format}: WER {measured.before.wer:.2%} before, {measured.after.wer:.2%} after:"
        f" {len(rows)} utterances"
    )
    write_record(
        __file__,
        [options.measured, options.transcripts, *files],
        [*checkpoint_files(folder), *given],
        {
            "format": options.format,
            "language": options.language,
            "task": options.task,
            "resampled_by": options.resampled_by,
        },
        packages=measured.packages,
        counts={"utterances": len(rows)},
    )


if __name__ == "__main__":
    run(main)
