"""SpeechT5 (microsoft/speecht5_tts) with HiFi-GAN (microsoft/speecht5_hifigan): 16 kHz, batched.

Weights MIT. Resources have the two Hugging Face folders as ``model`` and ``vocoder``. Voices are
x-vectors (512-d, speechbrain's spkrec-xvect-voxceleb) given with --speakers: a folder of ``.npy``
files (the CMU Arctic set, MIT, one for each recording) or the ``.safetensors`` of xvectors.py;
``random`` draws one of all for each utterance. The model itself scales them to unit length. No
speed. Up to ``max_text_positions`` characters. Digits and the signs between them, for which it has
no tokens, are given to it in words of --language (see in_words.py); what else it has no token for
is refused. It should stop by itself; speech that does not is cut off and marked ``capped``.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from engines.accelerator import (
    PRECISIONS,
    check_model_folder,
    device_and_precision,
    load_model,
    naming_full_gpu,
)
from engines.engine import (
    Engine,
    Request,
    Setup,
    Speech,
    Unspeakable,
    chosen_voices,
    installed,
    seed_of,
)
from errors import InputError
from files.array_file import read_array
from files.checkpoint_file import read_tensors

LONGEST = 20.0  # spectrogram frames, of 16 ms, for each character, transformers' own bound


def load(setup: Setup) -> Engine:
    """Return SpeechT5 on the GPU, if there is one; in fp32, it is small, unless told otherwise."""
    device, precision = device_and_precision(setup.precision, on_gpu="fp32")
    model_folder, vocoder_folder = setup.resources / "model", setup.resources / "vocoder"
    files = check_model_folder(model_folder, "spm_char.model", "tokenizer_config.json")
    files += check_model_folder(vocoder_folder)
    if setup.speakers is None:
        raise InputError(
            "--speakers is missing: engine speecht5 needs x-vectors, a folder of .npy files or"
            " the .safetensors of xvectors.py"
        )
    speakers = read_speakers(setup.speakers)
    voices = chosen_voices(setup.voices, list(speakers), str(setup.speakers))
    torch.set_num_threads(setup.threads)
    from transformers import SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5Tokenizer

    tokenizer = SpeechT5Tokenizer.from_pretrained(model_folder, local_files_only=True)
    model = load_model(SpeechT5ForTextToSpeech, model_folder, device, dtype=PRECISIONS[precision])
    vocoder = load_model(SpeechT5HifiGan, vocoder_folder, device, dtype=torch.float32)
    check_dimensions(speakers, model.config.speaker_embedding_dim, setup.speakers)
    hop = int(np.prod(vocoder.config.upsample_rates))  # samples of a frame

    def speak(batch: Sequence[Request]) -> list[Speech | Unspeakable]:
        tokens = [tokenizer(request.spoken).input_ids for request in batch]
        answers: list = [
            reason_not_to(request.spoken, ids, tokenizer, model.config)
            for request, ids in zip(batch, tokens, strict=True)
        ]
        speakable = [index for index, reason in enumerate(answers) if reason is None]
        if not speakable:
            return answers
        inputs = tokenizer.pad(
            {"input_ids": [tokens[index] for index in speakable]}, return_tensors="pt"
        ).to(device)
        vectors = np.stack([speakers[batch[index].voice] for index in speakable])
        length, step = inputs["input_ids"].shape[1], model.config.reduction_factor
        steps = min(int(length * LONGEST / step), model.config.max_speech_positions - 1)
        torch.manual_seed(seed_of(batch))  # the decoder's prenet drops out when it speaks, too
        with naming_full_gpu(setup.batch_size), torch.no_grad():
            spectrograms, frames = model.generate_speech(
                inputs["input_ids"],
                torch.from_numpy(vectors).to(device, model.dtype),
                attention_mask=inputs["attention_mask"],
                maxlenratio=(steps + 0.5) * step / length,
                return_output_lengths=True,
            )
            waveforms = vocoder(spectrograms.float())
        for index, waveform, count in zip(speakable, waveforms, frames, strict=True):
            spoken = waveform[: count * hop].cpu().numpy()
            answers[index] = Speech(spoken, capped=count >= steps * step)
        return answers

    return Engine(
        speak,
        vocoder.config.sampling_rate,
        voices,
        letters_only=tokenizer.unk_token_id in tokenizer("0123456789").input_ids,
        files=files,
        packages=installed("torch", "transformers", "sentencepiece", "numpy", "num2words", "babel"),
        settings={
            "precision": precision,
            "device": device.type,
            "speakers": digest(speakers),
        },
    )


def reason_not_to(text: str, ids: Sequence[int], tokenizer, config) -> Unspeakable | None:
    """Return why a text can't be said, if it can't."""
    if len(ids) > config.max_text_positions:
        return Unspeakable(
            f"too long: {len(ids)} tokens, the model takes {config.max_text_positions}"
        )
    if tokenizer.unk_token_id in ids:
        unknown = sorted({c for c in text if tokenizer.unk_token_id in tokenizer(c).input_ids})
        return Unspeakable(f"characters that are not in the vocabulary: {' '.join(unknown)}")
    if not text.strip():
        return Unspeakable("no characters: nothing in the text can be said")
    return None


def read_speakers(path: Path) -> dict[str, np.ndarray]:
    """Return the x-vectors of a folder of .npy files, or of a .safetensors file, by name."""
    if path.is_dir():
        files = sorted(path.rglob("*.npy"))
        if not files:
            raise InputError(f"{path}: no .npy file in this folder; one x-vector in each is needed")
        speakers = {}
        for file in files:
            if file.stem in speakers:
                raise InputError(f"{file}: a speaker {file.stem!r} is there twice; rename one")
            speakers[file.stem] = read_array(file).astype(np.float32).reshape(-1)
        return speakers
    if not path.is_file():
        raise InputError(
            f"{path}: no such file or folder; --speakers is a folder of .npy files or the"
            " .safetensors of xvectors.py"
        )
    return dict(sorted(read_tensors(path, "make it with xvectors.py").items()))


def check_dimensions(speakers: dict[str, np.ndarray], dimensions: int, path: Path) -> None:
    """Raise ``InputError`` for the first vector that can't be a speaker of the model."""
    for name, vector in speakers.items():
        if vector.shape != (dimensions,) or not np.isfinite(vector).all() or not vector.any():
            raise InputError(
                f"{path}: {name!r} is no speaker of this model: needed are {dimensions} finite"
                f" numbers, not all zero; there are {vector.size}"
            )


def digest(speakers: dict[str, np.ndarray]) -> str:
    """Return a hash of the speakers' names and vectors."""
    content = hashlib.sha256()
    for name, vector in speakers.items():
        content.update(name.encode() + b"\0" + vector.tobytes())
    return content.hexdigest()
