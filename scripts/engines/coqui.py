"""Coqui (coqui-tts, the maintained fork of TTS, MPL-2.0): its VITS and XTTS models, one by one.

Resources are a model's folder as Coqui publishes it: ``config.json``, ``model_file.pth`` (or
``model.pth``), and the files of speakers and languages; the paths inside of config.json are not
used. Weights: XTTS is under the Coqui Public Model License, for non-commercial use only; VITS on
VCTK, 109 speakers, Apache-2.0, 22.05 kHz. Files are read without executing their pickles.

- VITS: voices are the model's speakers, or ``default`` if it has but one. Models trained on
  phonemes need the program espeak-ng. A model that can't read digits is given them in words, of
  --language. Other characters that a model does not know are refused.
- XTTS, 24 kHz: voices are its speakers or, with --speakers, the names of the audio files of a
  folder, of 3 s or more each, to be imitated. Needs --language.

Its Bark is refused: it executes pickles and fetches from the hub. The engine ``bark`` has the same
weights.
"""

import functools
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from computing.processor import processor
from engines.accelerator import naming_full_gpu
from engines.engine import (
    Engine,
    Request,
    Setup,
    Unspeakable,
    check_files,
    check_unused,
    chosen_voices,
    installed,
    one_by_one,
)
from errors import InputError
from files.audio import load_audio
from texts.languages import NAMES

MODELS = ("vits", "xtts")
MODEL_FILES = ("model_file.pth", "model.pth")
SPEAKER_FILES = ("speaker_ids.json", "speaker_ids.pth", "speakers.json", "speakers.pth")
LANGUAGE_FILES = ("language_ids.json",)
XTTS_REFERENCE_RATE = 22_050  # Hz
AUDIO = (".wav", ".flac", ".mp3", ".ogg")


def load(setup: Setup) -> Engine:
    """Return a VITS or XTTS model on the GPU, if there is one, in fp32."""
    check_unused("coqui", setup, "batch_size", "precision")
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"  # for whatever Coqui reads
    try:
        from TTS.config import load_config
        from TTS.tts.models import setup_model
    except ImportError as error:
        raise InputError(
            f"engine coqui: the package coqui-tts can't be imported ({str(error).strip()});"
            " install it with all that it needs by `make coqui`"
        ) from None
    folder = setup.resources
    check_files([folder / "config.json"])
    config = load_config(folder / "config.json")
    if config.model not in MODELS:
        remedy = "use the engine bark" if config.model == "bark" else f"use {' or '.join(MODELS)}"
        raise InputError(f"{folder}/config.json: model {config.model!r} is not supported; {remedy}")
    model_file = find(folder, MODEL_FILES)
    if model_file is None:
        raise InputError(f"{folder}: no {' or '.join(MODEL_FILES)}; fetch the artifact (fetch.py)")
    device = processor()
    torch.set_num_threads(setup.threads)
    if config.model == "vits":
        check_unused("coqui with VITS", setup, "speakers")
        files = point_to_local_files(config, folder)
    else:
        files = [folder / "vocab.json"]
        check_files(files)
        files += [path for path in [folder / "speakers_xtts.pth"] if path.is_file()]
    with own_copy(folder, model_file) as copy:
        if config.model == "xtts":
            config.model_args.tokenizer_file = str(copy / "vocab.json")
        model = setup_model(config)
        try:
            if config.model == "xtts":
                model.load_checkpoint(config, checkpoint_dir=copy, eval=True)
            else:
                model.load_checkpoint(config, copy / model_file.name, eval=True)
        except Exception as error:  # of many kinds, all of which mean this
            reason = str(error).strip().splitlines()[0]
            raise InputError(
                f"{model_file}: not a checkpoint of its config.json ({type(error).__name__}:"
                f" {reason}); fetch the artifact again (fetch.py)"
            ) from None
    model.to(device)
    check_language(setup.language, config, model, folder)
    if config.model == "vits":
        voices, speak = vits(model, setup)
    else:
        voices, speak = xtts(model, setup)
        files += [path for path in references(setup.speakers) if path.stem in voices]

    def say(request: Request) -> np.ndarray:
        if not request.spoken.strip():
            raise Unspeakable("no characters: nothing in the text can be said")
        torch.manual_seed(request.seed)
        with naming_full_gpu(1), torch.no_grad():
            waveform = torch.as_tensor(speak(request)).float().cpu().numpy()
        return waveform.reshape(-1)

    return Engine(
        one_by_one(say),
        int(config.audio.get("output_sample_rate", config.audio["sample_rate"])),
        voices,
        has_speed=True,
        letters_only=config.model == "vits" and not reads_digits(model, setup.language),
        files=[folder / "config.json", model_file, *files],
        packages=installed("coqui-tts", "torch", "transformers", "numpy"),
        settings={"device": device.type, "language": setup.language or ""},
    )


def vits(model: Any, setup: Setup) -> tuple[list[str], Any]:
    """Return the voices to draw from, and what says a request: float32 [n_samples]."""
    manager = model.speaker_manager
    known = list(manager.name_to_id) if manager is not None and manager.name_to_id else ["default"]
    voices = chosen_voices(setup.voices, known, str(setup.resources))
    several = len(list(model.language_manager.language_names)) > 1
    language = setup.language if several else None
    own_scale = model.length_scale

    def speak(request: Request) -> np.ndarray:
        model.length_scale = own_scale / request.speed
        model.tokenizer.not_found_characters = []
        speaker = None if known == ["default"] else request.voice
        answer: dict[str, np.ndarray] = model.synthesize(
            request.spoken, speaker=speaker, language=language
        )
        if unknown := model.tokenizer.not_found_characters:  # Coqui leaves them out and goes on
            raise Unspeakable(f"characters that are not in the vocabulary: {' '.join(unknown)}")
        return answer["wav"]

    return voices, speak


def reads_digits(model: Any, language: str | None) -> bool:
    """Say whether a VITS has tokens for digits, or its cleaner or phonemes put them in words."""
    model.tokenizer.not_found_characters = []
    model.tokenizer.text_to_ids("0 1 2 3 4 5 6 7 8 9", language=language)
    return not model.tokenizer.not_found_characters


def xtts(model: Any, setup: Setup) -> tuple[list[str], Any]:
    """Return the voices to draw from, and what says a request: float32 [n_samples]."""
    paths = {path.stem: path for path in references(setup.speakers)}
    own = model.speaker_manager.speakers if model.speaker_manager is not None else {}
    where = str(setup.speakers or setup.resources)
    voices = chosen_voices(setup.voices, list(paths or own), where)
    config = model.config
    sampling = {
        name: getattr(config, name)
        for name in ("temperature", "length_penalty", "repetition_penalty", "top_k", "top_p")
    }

    @functools.cache
    def latents(voice: str) -> tuple[torch.Tensor, torch.Tensor]:
        if voice not in paths:
            return own[voice]["gpt_cond_latent"], own[voice]["speaker_embedding"]
        # not by clone_voice, which reads audio with torchcodec and so needs FFmpeg
        audio = torch.from_numpy(load_audio(paths[voice], XTTS_REFERENCE_RATE))
        audio = audio[None, : config.max_ref_len * XTTS_REFERENCE_RATE].to(model.device)
        if config.sound_norm_refs:
            audio = 0.75 * audio / audio.abs().max()
        latent = model.get_gpt_cond_latents(
            audio,
            XTTS_REFERENCE_RATE,
            length=config.gpt_cond_len,
            chunk_length=config.gpt_cond_chunk_len,
        )
        return latent, model.get_speaker_embedding(audio, XTTS_REFERENCE_RATE)

    limit = model.tokenizer.char_limits.get(str(setup.language).split("-")[0], 250)

    def speak(request: Request) -> np.ndarray:
        if len(request.spoken) > limit:  # Coqui warns and cuts the speech off
            raise Unspeakable(
                f"too long: {len(request.spoken)} characters, XTTS takes {limit} of this language"
            )
        latent, embedding = latents(request.voice)
        torch.manual_seed(request.seed)
        answer: dict[str, np.ndarray] = model.inference(
            request.spoken, setup.language, latent, embedding, speed=request.speed, **sampling
        )
        return answer["wav"]

    return voices, speak


def check_language(language: str | None, config: Any, model: Any, folder: Path) -> None:
    """Raise ``InputError`` unless the model speaks the language.

    A model of one language tells at most in which the espeak of its training read texts.
    """
    if config.model == "xtts":
        known = list(config.languages)
    else:
        known = list(model.language_manager.language_names)
    if len(known) <= 1:
        own = str(config.get("phoneme_language") or "").partition("-")[0]
        if language is not None and own in NAMES and own != language.partition("-")[0]:
            raise InputError(f"--language {language}: {folder} speaks {own}")
    elif language not in known:
        raise InputError(
            f"--language {language or 'is missing'}: {folder} speaks {', '.join(known)}"
        )


def point_to_local_files(config: Any, folder: Path) -> list[Path]:
    """Point a VITS config to the folder's own speaker and language files; return them.

    Published configs have the paths of the machine where they were trained.
    """
    paths = []
    speakers, languages = find(folder, SPEAKER_FILES), find(folder, LANGUAGE_FILES)
    for part in (config, config.model_args):
        for key in ("speakers_file", "d_vector_file", "language_ids_file"):
            if not part.get(key):
                continue
            local = languages if key == "language_ids_file" else speakers
            if local is None:
                names = LANGUAGE_FILES if key == "language_ids_file" else SPEAKER_FILES
                raise InputError(
                    f"{folder}: no {' or '.join(names)}, though config.json has a {key}; fetch"
                    " the artifact again (fetch.py)"
                )
            part[key] = [str(local)] if isinstance(part[key], list) else str(local)
            paths.append(local)
    return sorted(set(paths))


@contextmanager
def own_copy(folder: Path, model_file: Path) -> Iterator[Path]:
    """Yield a folder of links to a model's files and a copy of its weights, which are fetched.

    Coqui writes old XTTS checkpoints anew, in place.
    """
    with tempfile.TemporaryDirectory() as name:
        for path in folder.resolve().iterdir():
            if path.name != model_file.name:
                (Path(name) / path.name).symlink_to(path)
        shutil.copyfile(model_file, Path(name) / model_file.name)
        yield Path(name)


def references(folder: Path | None) -> list[Path]:
    """Return the audio files of a folder of speakers."""
    if folder is None:
        return []
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; --speakers is one of audio files for XTTS")
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO)


def find(folder: Path, names: Sequence[str]) -> Path | None:
    """Return the first of the names that is a file of the folder."""
    return next((folder / name for name in names if (folder / name).is_file()), None)
