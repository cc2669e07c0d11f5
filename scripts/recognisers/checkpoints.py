"""A recogniser's Hugging Face folder, loaded whole, or refused where its files don't fit together.

``transformers`` makes up what is missing: weights at random, a tokenizer without words. A folder
with the tokenizer of another model loads as well, and its model is prompted with other tokens.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar, cast

import torch
from transformers import (
    GenerationConfig,
    HubertForCTC,
    PretrainedConfig,
    PreTrainedModel,
    Wav2Vec2ConformerForCTC,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizer,
)

from errors import InputError
from files.checkpoint_file import check_folder, reason_of
from files.json_file import parse, read_object
from recognisers.configured import check_config, check_generation, check_preprocessor
from recognisers.values import check_values
from texts.languages import NAMES, SCRIPTS, script_of

END_OF_TEXT = "<|endoftext|>"
NEEDED = ("decoder_start_token_id", "eos_token_id", "no_timestamps_token_id", "is_multilingual")
NEEDED_IF_MULTILINGUAL = ("lang_to_id", "task_to_id")
NAMED_IN_CONFIG = ("decoder_start_token_id", "eos_token_id")  # of config.json too
LANGUAGES_OF = {51_864: 0, 51_865: 99, 51_866: 100}  # languages by vocabulary, as published
PARTS = {  # what each is, and the files that it is in
    WhisperTokenizer: ("tokenizer", "tokenizer.json and tokenizer_config.json"),
    WhisperFeatureExtractor: ("feature extractor", "preprocessor_config.json"),
    Wav2Vec2CTCTokenizer: ("tokenizer", "vocab.json and tokenizer_config.json"),
    Wav2Vec2FeatureExtractor: ("feature extractor", "preprocessor_config.json"),
}
TOLD = 3  # tokens that a message names

CtcModel = HubertForCTC | Wav2Vec2ForCTC | Wav2Vec2ConformerForCTC
Features = WhisperFeatureExtractor | Wav2Vec2FeatureExtractor
Model = TypeVar("Model", bound=PreTrainedModel)
Part = TypeVar(
    "Part",
    WhisperTokenizer,
    WhisperFeatureExtractor,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
)


class WhisperGeneration(GenerationConfig):
    """What a Whisper's generation config has besides any other's: names for the type checker."""

    no_timestamps_token_id: int
    is_multilingual: bool
    lang_to_id: dict[str, int]  # if it is multilingual, as is the next
    task_to_id: dict[str, int]
    audio_window: float  # s, that this project trained the model in


def load_whisper(
    folder: str | Path,
) -> tuple[WhisperForConditionalGeneration, WhisperTokenizer, WhisperFeatureExtractor]:
    """Return model (float32), tokenizer and feature extractor of a folder; refuse misfits."""
    folder = Path(folder)
    check_folder(folder)
    config = check_config(folder)
    check_generation(folder, config.get("vocab_size", 0))
    check_preprocessor(folder, config)
    model = load_weights(folder, WhisperForConditionalGeneration, None)
    tokenizer = load_part(folder, WhisperTokenizer)
    features = load_part(folder, WhisperFeatureExtractor)
    check_generation_config(generation_of(model), model.config, folder)
    check_tokens(tokenizer.get_vocab(), generation_of(model), model.config, folder)
    check_merges(tokenizer, folder)
    return model, tokenizer, features


def load_ctc(
    folder: str | Path, model_class: type[CtcModel], config: PretrainedConfig | None = None
) -> tuple[CtcModel, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor]:
    """Return model (float32), tokenizer and feature extractor of a folder; refuse misfits.

    ``config`` is used instead of the folder's own, if given.
    """
    folder = Path(folder)
    check_folder(folder)
    check_preprocessor(folder, check_config(folder))
    model = load_weights(folder, model_class, config)
    tokenizer = load_part(folder, Wav2Vec2CTCTokenizer)
    features = load_part(folder, Wav2Vec2FeatureExtractor)
    check_letters(tokenizer, model.config, folder)
    return model, tokenizer, features


def generation_of(model: WhisperForConditionalGeneration) -> WhisperGeneration:
    """Return how a Whisper decodes."""
    return cast(WhisperGeneration, model.generation_config)


def load_weights(folder: Path, model_class: type[Model], config: PretrainedConfig | None) -> Model:
    """Return the model of a folder, all of whose parameters are in its files, and no others."""
    kind = getattr(model_class.config_class, "model_type", None)
    try:
        model_and_loading: object = model_class.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            use_safetensors=any(folder.glob("*.safetensors")),  # or .bin, as tensors only
            local_files_only=True,
            output_loading_info=True,
        )
        model, loading = cast(tuple[Model, dict[str, set]], model_and_loading)
    except Exception as error:  # of many kinds, for what is not what it should be
        reason = reason_of(error)
        if "ignore_mismatched_sizes" in reason:
            reason = "its weights are of other sizes than config.json tells"
        raise InputError(
            f"{folder}: not a Hugging Face {kind} checkpoint ({reason}); take all its files from"
            " one model"
        ) from None
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if names := sorted(map(str, loading[problem])):
            raise InputError(
                f"{folder}: {len(names)} {problem.replace('_keys', '')} parameters,"
                f" first {names[0]!r}; it must be a complete {kind} checkpoint"
            )
    check_values(model.state_dict(), folder)
    return model


def load_part(folder: Path, part_class: type[Part]) -> Part:
    """Return the tokenizer or the feature extractor of a folder."""
    name, files = PARTS[part_class]
    try:
        part: Part = part_class.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # of many kinds, for a file that is missing, or cut off
        raise InputError(
            f"{folder}: has no {name} that can be read ({type(error).__name__}: {error}); take"
            f" {files} from the base model of this checkpoint"
        ) from None
    return part


def check_generation_config(
    generation: WhisperGeneration, config: PretrainedConfig, folder: Path
) -> None:
    """Refuse a Whisper that does not say how to decode, or says what fits another Whisper.

    Without it the prompt would be guessed.
    """
    needed = NEEDED + (NEEDED_IF_MULTILINGUAL if getattr(generation, "is_multilingual", 0) else ())
    remedy = "take that file from the base model of this checkpoint"
    path = folder / "generation_config.json"
    lacking = [key for key in needed if getattr(generation, key, None) is None]
    if lacking:
        raise InputError(f"{path}: lacks {', '.join(lacking)}; {remedy}")
    languages = len(generation.lang_to_id) if generation.is_multilingual else 0
    expected = LANGUAGES_OF.get(config.vocab_size, languages)
    if languages != expected:
        raise InputError(
            f"{path}: is of a Whisper of {languages or 'no'} languages, but the model's vocabulary"
            f" of {config.vocab_size} has {expected or 'none'}; {remedy}"
        )
    for key in NAMED_IN_CONFIG:
        mine, other = getattr(config, key, None), first_of(getattr(generation, key))
        if mine is not None and mine != other:
            raise InputError(f"{path}: {key} is {other}, but {mine} in config.json; {remedy}")


def check_tokens(
    vocabulary: dict[str, int],
    generation: WhisperGeneration,
    config: PretrainedConfig,
    folder: Path,
) -> None:
    """Refuse a tokenizer whose control tokens have other ids than the model was trained with."""
    wrong = [
        f"{token} is {vocabulary.get(token, 'missing')}, the model's {id}"
        for token, id in sorted(control_tokens(generation), key=lambda pair: pair[1])
        if vocabulary.get(token) != id
    ]
    remedy = "take tokenizer.json and tokenizer_config.json from the base model of this checkpoint"
    if wrong:
        raise InputError(
            f"{folder}: its tokenizer is another model's, or none: {len(wrong)} control tokens"
            f" have other ids than in generation_config.json: {'; '.join(wrong[:TOLD])}; {remedy}"
        )
    beyond = [token for token, id in vocabulary.items() if id >= config.vocab_size]
    if beyond:
        raise InputError(
            f"{folder}: {len(beyond)} tokens of its tokenizer, first {beyond[0]!r}, are beyond the"
            f" model's vocabulary of {config.vocab_size}; {remedy}"
        )


def control_tokens(generation: WhisperGeneration) -> Iterator[tuple[str, int]]:
    """Yield the tokens that prompt a Whisper or end its text, and their ids."""
    yield END_OF_TEXT, first_of(generation.eos_token_id)
    yield "<|startoftranscript|>", generation.decoder_start_token_id
    yield "<|notimestamps|>", generation.no_timestamps_token_id
    if generation.is_multilingual:
        yield from generation.lang_to_id.items()
        yield from ((f"<|{task}|>", id) for task, id in generation.task_to_id.items())


def first_of(ids: int | list[int]) -> int:
    """Return an id, or the first of several that mean the same."""
    return ids[0] if isinstance(ids, list) else ids


def check_merges(tokenizer: WhisperTokenizer, folder: Path) -> None:
    """Refuse a tokenizer that lacks merges: it would spell words in pieces unknown to the model."""
    content = parse(tokenizer.backend_tokenizer.to_str(), folder, "fetch its tokenizer.json again")
    merges = content["model"]["merges"]
    merged = {"".join(pair.split(" ") if isinstance(pair, str) else pair) for pair in merges}
    vocabulary = tokenizer.get_vocab()
    words = [t for t, id in vocabulary.items() if len(t) > 1 and id < vocabulary[END_OF_TEXT]]
    if lacking := [word for word in words if word not in merged]:
        raise InputError(
            f"{folder}: its tokenizer lacks the merges of {len(lacking)} tokens, first"
            f" {lacking[0]!r}; take tokenizer.json from the base model of this checkpoint"
        )


def check_letters(tokenizer: Wav2Vec2CTCTokenizer, config: PretrainedConfig, folder: Path) -> None:
    """Refuse a vocabulary that is not that of a CTC model's scores."""
    remedy = "take vocab.json and tokenizer_config.json from the base model of this checkpoint"
    vocabulary = read_object(folder / "vocab.json", remedy)
    if wrong := [letter for letter, id in vocabulary.items() if type(id) is not int]:
        raise InputError(
            f"{folder / 'vocab.json'}: {wrong[0]!r} is {str(vocabulary[wrong[0]])[:60]!r}, no whole"
            f" number; {remedy}"
        )
    ids = sorted(tokenizer.get_vocab().values())
    if ids != list(range(config.vocab_size)):
        raise InputError(
            f"{folder}: the model scores {config.vocab_size} letters, its tokenizer has {len(ids)},"
            f" of ids up to {max(ids, default=None)}; they belong to different models: {remedy}"
        )
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id != config.pad_token_id:
        raise InputError(
            f"{folder}: the tokenizer's blank {tokenizer.pad_token!r} is"
            f" {tokenizer.pad_token_id}, the model's {config.pad_token_id}; {remedy}"
        )


def check_speaks(
    model: WhisperForConditionalGeneration, language: str, task: str, folder: str | Path
) -> None:
    """Refuse a language or a task that a Whisper has no token for."""
    generation = generation_of(model)
    if not generation.is_multilingual:
        if (language, task) != ("en", "transcribe"):
            raise InputError(
                f"{folder}: an English-only model cannot {task} {language!r};"
                " take a multilingual one, or set language: en and task: transcribe"
            )
    elif f"<|{language}|>" not in generation.lang_to_id:
        raise InputError(
            f"{folder}: this model does not speak {language!r} ({NAMES.get(language, 'unknown')});"
            f" it has {len(generation.lang_to_id)} languages, and Cantonese (yue) from large-v3 on"
        )


def check_prompt(tokenizer: WhisperTokenizer, prompt: list[str], folder: str | Path) -> None:
    """Refuse a tokenizer whose configuration makes it prompt with other tokens than these."""
    vocabulary = tokenizer.get_vocab()
    names = ["<|startoftranscript|>", *prompt, "<|notimestamps|>"]
    if tokenizer.prefix_tokens != [vocabulary[name] for name in names]:
        own = " ".join(tokenizer.convert_ids_to_tokens(tokenizer.prefix_tokens))
        raise InputError(
            f"{folder}/tokenizer_config.json: makes the prompt {own}, not {' '.join(names)}; take"
            " out its language and task"
        )


def check_writes(tokenizer: Wav2Vec2CTCTokenizer, language: str, folder: str | Path) -> None:
    """Refuse a language in whose script a CTC model has no letter."""
    letters = [token for token in tokenizer.get_vocab() if len(token) == 1 and token.isalpha()]
    scripts = SCRIPTS.get(language, ("LATIN",))
    if not any(script_of(letter) in scripts for letter in letters):
        raise InputError(
            f"{folder}: a CTC model with the letters {''.join(sorted(letters)[:40])!r} cannot write"
            f" {language!r} ({NAMES[language]}); take one of that language"
        )
