"""Tiny random recognisers and tiny speech: the real code paths in seconds."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from transformers import (
    HubertConfig,
    HubertForCTC,
    Wav2Vec2Config,
    Wav2Vec2ConformerConfig,
    Wav2Vec2ConformerForCTC,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)
from transformers.models.whisper.tokenization_whisper import LANGUAGES

import finetune
from files.audio import save_audio
from files.manifest import write_jsonl
from recognisers.original import generation_config, make_tokenizer

LETTERS = ("<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ")  # in hub order
WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "kilo"]


def write_whisper(
    folder: Path, seed: int = 0, languages: int = 99, multilingual: bool = False, mels: int = 80
) -> Path:
    """Write a Whisper with random weights and a byte-level vocabulary, English-only by default.

    Large-v3 has 100 languages and 128 mels.
    """
    torch.manual_seed(seed)
    codes = list(LANGUAGES)[:languages]
    tokenizer = make_tokenizer({bytes([byte]): byte for byte in range(256)}, codes)
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        num_mel_bins=mels,
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_target_positions=256,
        bos_token_id=256,
        eos_token_id=256,
        pad_token_id=256,
        decoder_start_token_id=257,
    )
    model = WhisperForConditionalGeneration(config)
    model.generation_config = generation_config(tokenizer, codes, multilingual, max_length=256)
    model.generation_config.suppress_tokens = list(range(257, len(tokenizer)))  # speak in bytes
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=mels).save_pretrained(folder)
    return folder


def write_ctc(folder: Path, seed: int = 0, kind: str = "conformer", **changes: object) -> Path:
    """Write a CTC model with random weights and the letters of the published English ones.

    The Conformer is told what is padding, as wav2vec 2.0 "large" is; the others, like "base", not.
    """
    torch.manual_seed(seed)
    options = {
        "vocab_size": len(LETTERS),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "conv_dim": (8, 8),
        "conv_kernel": (10, 16),
        "conv_stride": (8, 16),  # 8 ms a frame
        "num_conv_pos_embeddings": 4,
        "num_conv_pos_embedding_groups": 2,
        "mask_time_length": 2,
        "layerdrop": 0.0,
    }
    if kind == "conformer":
        options |= {
            "feat_extract_norm": "layer",
            "conv_bias": True,
            "position_embeddings_type": "rotary",
            "conv_depthwise_kernel_size": 3,
        }
    configuration, model = {
        "conformer": (Wav2Vec2ConformerConfig, Wav2Vec2ConformerForCTC),
        "wav2vec2": (Wav2Vec2Config, Wav2Vec2ForCTC),
        "hubert": (HubertConfig, HubertForCTC),
    }[kind]
    model(configuration(**(options | changes))).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({letter: n for n, letter in enumerate(LETTERS)}))
    Wav2Vec2CTCTokenizer(folder / "vocab.json").save_pretrained(folder)
    Wav2Vec2FeatureExtractor(return_attention_mask=kind == "conformer").save_pretrained(folder)
    return folder


def write_speech(folder: Path, name: str, count: int, seed: int = 0, noise: float = 0.01) -> Path:
    """Write a manifest of ``count`` utterances: each word is a tone of its own, 0.1 s long."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        words = [WORDS[(number + step) % len(WORDS)] for step in range(2 + number % 3)]
        waveform = np.concatenate([tone(WORDS.index(word)) for word in words])
        waveform = waveform + noise * random.standard_normal(len(waveform))
        path = folder / name / f"utterance{number}.flac"
        duration = save_audio(path, waveform.astype(np.float32))
        rows.append(
            {
                "id": f"utterance{number}",
                "audio_filepath": str(path),
                "duration": duration,
                "text": " ".join(words),
                "speaker": f"speaker{number % 2}",
                "domain": name,
            }
        )
    write_jsonl(folder / f"{name}.jsonl", rows)
    return folder / f"{name}.jsonl"


def tone(index: int) -> np.ndarray:
    """Return 0.1 s of a sine of 300, 400, ... Hz at 16 kHz, float32."""
    return 0.3 * np.sin(2 * np.pi * (300 + 100 * index) * np.arange(1600) / 16_000)


def finetune_command(data: Path, output: Path, **changes: object) -> list[str]:
    """Return the arguments of a short training on ``data``'s train and dev manifests.

    What has no option of its own stands in ``--settings``.
    """
    options = {
        "train": data / "train.jsonl",
        "dev": data / "dev.jsonl",
        "output": output,
        "work_dir": f"{output}.work",
        "window": 1.0,
        "learning_rate": 1e-3,
        "criterion": "loss",
        "precision": "fp32",
        "language": "en",
        "seed": 1,
        "threads": 1,
    } | changes
    alone = {action.dest for action in finetune.arguments()._actions}
    options["settings"] = json.dumps(
        {key: options.pop(key) for key in [*options] if key not in alone}
    )
    return [
        part
        for key, value in options.items()
        for part in (f"--{key.replace('_', '-')}", str(value))
    ]


def obey_ctrl_c() -> None:
    """Before a process begins: let it get SIGINT, which a shell's background jobs ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def begin_training(arguments: list[str], log: Path) -> subprocess.Popen:
    """Start finetune.py with these arguments; return its process once its state is written."""
    process = subprocess.Popen(
        [sys.executable, finetune.__file__, *arguments],
        stderr=log.open("w"),
        preexec_fn=obey_ctrl_c,
    )
    state = Path(arguments[arguments.index("--work-dir") + 1]) / "state.pt"
    deadline = time.monotonic() + 120
    while not state.is_file():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    return process
