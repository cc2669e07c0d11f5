"""A tiny random Whisper and tiny speech: the real code paths in seconds."""

from pathlib import Path

import numpy as np
import torch
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration
from transformers.models.whisper.tokenization_whisper import LANGUAGES

from audio import save_audio
from manifest import write_jsonl
from pretrained import generation_config, make_tokenizer

LANGUAGE_CODES = list(LANGUAGES)[:99]
WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "kilo"]


def write_whisper(folder: Path, seed: int = 0) -> Path:
    """Write an English-only Whisper with random weights and a byte-level vocabulary."""
    torch.manual_seed(seed)
    tokenizer = make_tokenizer({bytes([byte]): byte for byte in range(256)}, LANGUAGE_CODES)
    config = WhisperConfig(
        vocab_size=len(tokenizer),
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
    model.generation_config = generation_config(tokenizer, LANGUAGE_CODES, False, max_length=256)
    model.generation_config.suppress_tokens = list(range(257, len(tokenizer)))  # speak in bytes
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=80).save_pretrained(folder)
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
