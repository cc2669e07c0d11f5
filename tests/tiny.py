"""Tiny random recognisers and tiny speech: the real code paths in seconds."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
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
    WhisperTokenizer,
)
from transformers.models.whisper.tokenization_whisper import LANGUAGES

import finetune
from errors import Stopped
from files.audio import save_audio
from files.manifest import write_jsonl
from recognisers.log_mel import log_mel
from recognisers.original import generation_config, make_tokenizer
from recognisers.whisper import WhisperRecogniser

LETTERS = ("<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ")  # in hub order
WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "kilo"]


def write_whisper(
    folder: Path,
    seed: int = 0,
    languages: int = 99,
    multilingual: bool = False,
    mels: int = 80,
    spoken: bytes = bytes(range(256)),
) -> Path:
    """Write a Whisper with random weights and a byte-level vocabulary, English-only by default.

    Large-v3 has 100 languages and 128 mels. It says no bytes but those ``spoken``.
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
    model.generation_config.suppress_tokens = [
        token for token in range(len(tokenizer)) if token not in (*spoken, 256)
    ]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=mels).save_pretrained(folder)
    return folder


def lessons() -> dict[str, np.ndarray]:
    """Return what ``write_taught_whisper`` teaches: texts, and 8 s of sound each at 16 kHz."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(128_000)
    sounds = {"alpha": np.tile(tone(0), 80), "zulu yankee": noise}
    return {text: sound.astype(np.float32) for text, sound in sounds.items()}


HINT = "bravo"


def write_taught_whisper(folder: Path, language: str | None = None) -> Path:
    """Write a Whisper that has learnt ``lessons`` by heart; English-only without a language.

    With the hint "bravo" before the text it hears "bravo" in the sound of the first one.
    Its vocabulary is of a published size, so that whisper.cpp and CTranslate2 know its control
    tokens; their weights are numbers that float16 has. Takes 10 s.
    """
    torch.manual_seed(0)
    pairs = [bytes([first, second]) for first in range(256) for second in range(256)]
    tokens = [*(bytes([byte]) for byte in range(256)), *pairs[:50_000]]
    tokens += [b""] if language else []  # a published one has it; CTranslate2 knows it by that
    codes, end = list(LANGUAGES)[:99], len(tokens)
    tokenizer = make_tokenizer({token: rank for rank, token in enumerate(tokens)}, codes)
    tokenizer.set_prefix_tokens(language=language, task=language and "transcribe")
    tokenizer.set_prefix_tokens(predict_timestamps=False)
    features = WhisperFeatureExtractor()
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        decoder_start_token_id=end + 1,
    )
    model = WhisperForConditionalGeneration(config)
    teach(model, tokenizer, torch.from_numpy(features.mel_filters.T).float())
    for parameter in model.parameters():
        parameter.data = parameter.data.half().float()
    model.generation_config = generation_config(tokenizer, codes, bool(language), max_length=448)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    features.save_pretrained(folder)
    return folder


def teach(
    model: WhisperForConditionalGeneration, tokenizer: WhisperTokenizer, filters: torch.Tensor
) -> None:
    """Train a model until it knows ``lessons`` by heart, and what the hint makes of the first."""
    audio = torch.stack([log_mel(sound, filters, 480_000) for sound in lessons().values()])
    previous, end = tokenizer.convert_tokens_to_ids("<|startofprev|>"), model.config.eos_token_id
    hints = [
        [previous, *tokenizer(hint, add_special_tokens=False).input_ids]
        for hint in (HINT, f" {HINT}")  # as whisper.cpp puts it, and faster-whisper
    ]
    rows = [([], text) for text in lessons()] + [(hint, HINT) for hint in hints]
    texts = [tokenizer(f" {text}").input_ids for _, text in rows]
    tokens, labels = (
        pad_sequence([torch.tensor(row) for row in each], batch_first=True, padding_value=end)
        for each in (
            [hint + text for (hint, _), text in zip(rows, texts, strict=True)],
            [[-100] * len(hint) + text for (hint, _), text in zip(rows, texts, strict=True)],
        )
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(1000):  # it takes 140
        heard = model.model.encoder(audio).last_hidden_state[[0, 1, 0, 0]]
        logits = model(encoder_outputs=(heard,), decoder_input_ids=tokens[:, :-1]).logits
        loss = cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten())
        if loss < 0.02:
            return
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    raise AssertionError(f"the lessons are not learnt: the loss is {loss}")


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


def count_and_stop(monkeypatch, after: int = 99) -> list[int]:
    """Count the utterances of each decoded batch; stop before the batch ``after`` those."""
    sizes: list[int] = []
    write = WhisperRecogniser.write

    def counted(recogniser, encoded, *options):
        if len(sizes) == after:
            raise Stopped("stopped")
        sizes.append(len(encoded))
        return write(recogniser, encoded, *options)

    monkeypatch.setattr(WhisperRecogniser, "write", counted)
    return sizes
