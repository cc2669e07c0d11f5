"""Bark (suno/bark, suno/bark-small) by transformers: 24 kHz, batched; weights MIT.

Resources are the Hugging Face folder as it is, with model.safetensors or pytorch_model.bin (read
without executing its pickles). Voices: ``random`` is no preset, the model makes up a speaker for
each utterance, as in the SYN2REAL paper; ``v2/en_speaker_0`` ... are presets of the folder's
``speaker_embeddings``, one ``.npz`` or three ``.npy`` each. One preset per batch. No speed.
Texts of up to 256 tokens, speech of up to 15 s: what is cut off there is marked ``capped``. Bark
leaves the script, hums and laughs at times: filter what it says. In fp16 the large model takes 4
to 5 GB; published, an A100 speaks 17 times faster in batches of 16 than one by one.
"""

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
    RANDOM,
    Engine,
    Request,
    Setup,
    Speech,
    Unspeakable,
    check_unused,
    check_voices,
    installed,
    seed_of,
)
from errors import InputError
from files.array_file import read_array, read_arrays

AGAIN = "fetch it again"
PROMPTS = {"semantic_prompt": 1, "coarse_prompt": 2, "fine_prompt": 2}  # of a preset; dimensions


def load(setup: Setup) -> Engine:
    """Return Bark on the GPU, if there is one, in fp16 there."""
    check_unused("bark", setup, "speakers", "language")
    device, precision = device_and_precision(setup.precision, on_gpu="fp16")
    folder = setup.resources
    files = check_model_folder(folder, "generation_config.json", "tokenizer_config.json")
    files += [path for name in ("vocab.txt", "tokenizer.json") if (path := folder / name).is_file()]
    presets = find_presets(folder / "speaker_embeddings")
    check_voices(setup.voices, [RANDOM, *presets], f"{folder}/speaker_embeddings")
    prompts = {voice: read_preset(presets[voice]) for voice in setup.voices if voice != RANDOM}
    files += [path for voice in prompts for path in presets[voice]]
    torch.set_num_threads(setup.threads)
    from transformers import BarkModel, BarkProcessor

    processor = BarkProcessor.from_pretrained(
        folder, speaker_embeddings_dict_path=None, local_files_only=True
    )
    model = load_model(
        BarkModel,
        folder,
        device,
        dtype=PRECISIONS[precision],
        attn_implementation="eager",  # Bark has no sdpa
    )
    longest_text = model.generation_config.semantic_config["max_input_semantic_length"]
    longest_speech = longest_waveform(model)

    def speak(batch: Sequence[Request]) -> list[Speech | Unspeakable]:
        lengths = [len(processor.tokenizer.tokenize(request.spoken)) for request in batch]
        answers: list = [reason_not_to(length, longest_text) for length in lengths]
        speakable = [index for index, reason in enumerate(answers) if reason is None]
        if not speakable:
            return answers
        inputs = processor(
            [batch[index].spoken for index in speakable],
            voice_preset=prompts.get(batch[0].voice),
            max_length=longest_text,
        ).to(device)
        torch.manual_seed(seed_of(batch))
        with naming_full_gpu(setup.batch_size):
            # without a first token there would be nothing to decode, for the whole batch
            waveforms, samples = model.generate(
                **inputs, return_output_lengths=True, semantic_min_new_tokens=1
            )
        for index, waveform, length in zip(speakable, waveforms, samples, strict=True):
            spoken = waveform[:length].float().cpu().numpy()
            answers[index] = Speech(spoken, capped=length >= longest_speech)
        return answers

    return Engine(
        speak,
        model.generation_config.sample_rate,
        list(setup.voices),
        batch_key=lambda request: request.voice,
        files=files,
        packages=installed("torch", "transformers", "tokenizers", "numpy"),
        settings={"precision": precision, "device": device.type},
    )


def reason_not_to(length: int, longest: int) -> Unspeakable | None:
    """Return why a text of so many tokens can't be said, if it can't."""
    if not length:
        return Unspeakable("no tokens: nothing in the text can be said")
    if length > longest:
        return Unspeakable(f"too long: {length} tokens, Bark takes {longest}")
    return None


def longest_waveform(model) -> int:
    """Return the samples of speech whose semantic tokens never ended."""
    semantic = model.generation_config.semantic_config
    coarse = model.generation_config.coarse_acoustics_config
    seconds = semantic["max_new_tokens"] / semantic["semantic_rate_hz"]
    frames = int(seconds * coarse["coarse_rate_hz"])
    return frames * int(np.prod(model.config.codec_config.upsampling_ratios))


def find_presets(folder: Path) -> dict[str, list[Path]]:
    """Return the files of each voice preset below a folder: one .npz, or a .npy for each prompt."""
    presets = {}
    for path in sorted(folder.rglob("*.npz")):
        presets[path.relative_to(folder).with_suffix("").as_posix()] = [path]
    for path in sorted(folder.rglob("*_semantic_prompt.npy")):
        voice = path.relative_to(folder).as_posix().removesuffix("_semantic_prompt.npy")
        presets.setdefault(voice, [folder / f"{voice}_{prompt}.npy" for prompt in PROMPTS])
    return presets


def read_preset(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Return the prompts of a preset: semantic [n], coarse [2, n], fine [8, n], integers."""
    if paths[0].suffix == ".npz":
        prompts = read_arrays(paths[0], AGAIN)
    else:
        arrays = [read_array(path, AGAIN) for path in paths]
        prompts = dict(zip(PROMPTS, arrays, strict=True))
    for name, dimensions in PROMPTS.items():
        if name not in prompts or prompts[name].ndim != dimensions:
            raise InputError(
                f"{paths[0]}: a voice preset of Bark has a {name} of {dimensions} dimension(s)"
            )
    return {name: prompts[name].astype(np.int64) for name in PROMPTS}
