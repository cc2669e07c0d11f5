"""Make the base model's Hugging Face folder from a fetched artifact.

The artifact is either a published Whisper in one file beside ``gpt2.tiktoken`` or
``multilingual.tiktoken``, or a Hugging Face folder of a Whisper or CTC model, its weights in one
file or in several. The one file is OpenAI's own (``*.pt``), or one of whisper.cpp's (ggml) or of
faster-whisper's (CTranslate2), both ``*.bin``.
"""

from pathlib import Path

import torch
from transformers import (
    PreTrainedModel,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizer,
)
from transformers.utils.logging import disable_progress_bar

from errors import InputError, run
from fetching.declaration import KNOWN
from files.atomic import atomic_folder, check_outputs
from files.audio import SAMPLING_RATE
from files.json_file import read_object
from files.regular import open_regular
from options import Parser
from recognisers.checkpoints import check_speaks, check_writes, load_ctc, load_whisper
from recognisers.ctc import CTC_MODELS
from recognisers.faster_whisper import read_faster_whisper
from recognisers.ggml import MAGIC, read_ggml
from recognisers.load import model_type
from recognisers.original import (
    ENGLISH_VOCABULARY,
    Original,
    check_dimensions,
    check_vocabulary,
    generation_config,
    hugging_face_name,
    load_original,
    make_tokenizer,
    model_config,
    pick_languages,
    read_ranks,
)
from recognisers.values import check_values
from records.record import INDEX, checkpoint_files
from records.writing import write_record
from texts.languages import add_language


def from_original(checkpoint: Path, output: Path, language: str | None, task: str) -> list[Path]:
    """Write a published checkpoint as a Hugging Face folder; return the files that were read.

    One that can't write a language that is given is refused.
    """
    original = read_published(checkpoint)
    check_dimensions(original, checkpoint)
    dimensions = original.dimensions
    multilingual = dimensions["n_vocab"] > ENGLISH_VOCABULARY
    ranks_file = checkpoint.parent / ("multilingual.tiktoken" if multilingual else "gpt2.tiktoken")
    if not ranks_file.is_file():
        raise InputError(
            f"{ranks_file}: no such file; {checkpoint.name} has {dimensions['n_vocab']} tokens and"
            " needs it: declare it in the same artifact"
        )
    ranks = read_ranks(ranks_file)
    if original.tokens is not None:
        check_vocabulary(original.tokens, ranks, ranks_file, checkpoint)
    languages = pick_languages(dimensions["n_vocab"], ranks_file, len(ranks))
    tokenizer = make_tokenizer(ranks, languages)

    model = WhisperForConditionalGeneration(model_config(dimensions, end_of_text=len(ranks)))
    renamed = {hugging_face_name(name): value for name, value in original.parameters.items()}
    renamed["proj_out.weight"] = renamed["model.decoder.embed_tokens.weight"]  # tied
    try:
        model.load_state_dict(renamed, strict=True)
    except RuntimeError as error:
        raise InputError(f"{checkpoint}: not Whisper's parameters: {error}") from None
    model.generation_config = generation_config(
        tokenizer, languages, multilingual, max_length=dimensions["n_text_ctx"]
    )
    if language:
        check_speaks(model, language, task, checkpoint)
    check_values(model.state_dict(), checkpoint)
    features = WhisperFeatureExtractor(
        feature_size=dimensions["n_mels"],
        chunk_length=dimensions["n_audio_ctx"] // 50,  # s; an encoder position is 20 ms
    )
    save(model, tokenizer, features, output, checkpoint)
    return [checkpoint, ranks_file]


def read_published(checkpoint: Path) -> Original:
    """Return what a checkpoint of OpenAI's, whisper.cpp's or faster-whisper's holds."""
    if checkpoint.suffix == ".pt":
        return load_original(checkpoint)
    with open_regular(checkpoint) as file:
        is_ggml = file.read(len(MAGIC)) == MAGIC
    return read_ggml(checkpoint) if is_ggml else read_faster_whisper(checkpoint)


def from_hugging_face(folder: Path, output: Path, language: str | None, task: str) -> list[Path]:
    """Write a Hugging Face folder again: float32, one weights file; return the files read.

    One that can't write a language that is given is refused.
    """
    kind = model_type(folder)
    if kind == "whisper":
        whisper = load_whisper(folder)
        if language:
            check_speaks(whisper[0], language, task, folder)
        save(*whisper, output, folder)
    else:
        ctc = load_ctc(folder, CTC_MODELS[kind])
        if language:
            check_writes(ctc[1], language, folder)
        save(*ctc, output, folder)
    return [path for path in checkpoint_files(folder) if path.is_file() and path.name != INDEX]


def save(
    model: PreTrainedModel,
    tokenizer: WhisperTokenizer | Wav2Vec2CTCTokenizer,
    features: WhisperFeatureExtractor | Wav2Vec2FeatureExtractor,
    output: Path,
    place: Path,
) -> None:
    """Write a Hugging Face folder and prove that it can be read: a forward pass on silence.

    ``place`` is what it was read from, for messages.
    """
    with atomic_folder(output) as temporary:
        # names as the loaded model has them, so that task vectors fit it; the hub's may be older
        model.save_pretrained(temporary, max_shard_size="100GB", save_original_format=False)
        tokenizer.save_pretrained(temporary)
        features.save_pretrained(temporary)
        check_forward(temporary, type(model), type(tokenizer), place)


@torch.no_grad()
def check_forward(
    folder: Path,
    model_class: type[PreTrainedModel],
    tokenizer_class: type[WhisperTokenizer | Wav2Vec2CTCTokenizer],
    place: Path,
) -> None:
    """Refuse a folder whose model gives no finite scores for every token of its tokenizer."""
    model = model_class.from_pretrained(folder, local_files_only=True).eval()
    tokenizer = tokenizer_class.from_pretrained(folder, local_files_only=True)
    if model_class is WhisperForConditionalGeneration:
        silence = torch.zeros(1, model.config.num_mel_bins, 2 * model.config.max_source_positions)
        start = torch.tensor([[model.generation_config.decoder_start_token_id]])
        scores = model(input_features=silence, decoder_input_ids=start).logits[0, -1]
    else:
        scores = model(torch.zeros(1, SAMPLING_RATE)).logits[0, -1]
    if not torch.isfinite(scores).all():
        raise InputError(f"{place}: the model's scores are not finite; its weights are damaged")
    if len(tokenizer) > len(scores):
        raise InputError(
            f"{place}: the tokenizer has {len(tokenizer)} entries, the model {len(scores)};"
            " they belong to different models"
        )


def check_declared(folder: Path) -> None:
    """Refuse a fetched folder with files that its index does not list: no checksum is theirs."""
    index = folder / INDEX
    if not index.is_file():  # a folder of the user's own
        return
    remedy = "fetch the artifact again"
    listed = read_object(index, remedy).get("files")
    if not isinstance(listed, dict):
        raise InputError(f"{index}: does not list what was fetched; {remedy}")
    for path in checkpoint_files(folder):
        if path.is_file() and path.name not in (INDEX, KNOWN, *listed):
            raise InputError(
                f"{path}: is not listed in {INDEX}, so it has no checksum; declare it among the"
                " artifact's files, or remove it"
            )


def main(argv: list[str] | None = None) -> None:
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--artifact", type=Path, required=True, help="folder of the fetched base model"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="Hugging Face folder to write (float32)"
    )
    add_language(parser, required=False, note=": a model that can't write it is refused")
    parser.add_argument(
        "--task", default="transcribe", help="transcribe or translate (default transcribe)"
    )
    arguments = parser.parse_args(argv)
    disable_progress_bar()
    folder: Path = arguments.artifact
    check_outputs([arguments.output], [folder])
    check_declared(folder)
    checkpoints = sorted(path for path in folder.glob("*") if path.suffix in (".pt", ".bin"))
    if (folder / "config.json").is_file() and not (folder / "model.bin").is_file():
        inputs = from_hugging_face(folder, arguments.output, arguments.language, arguments.task)
    elif len(checkpoints) == 1:
        inputs = from_original(checkpoints[0], arguments.output, arguments.language, arguments.task)
    else:
        raise InputError(
            f"{folder}: has {len(checkpoints)} *.pt and *.bin files"
            f"{''.join(f' {path.name}' for path in checkpoints)} and no config.json; needed: one"
            " published Whisper (.pt of OpenAI, .bin of whisper.cpp or faster-whisper) with its"
            " .tiktoken file, or a Hugging Face folder"
        )
    write_record(__file__, checkpoint_files(arguments.output), inputs, parameters={})


if __name__ == "__main__":
    run(main)
