"""Whisper with an audio window of any length: loading, cropping, features, loss, decoding."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import WhisperForConditionalGeneration
from transformers.utils.logging import disable_progress_bar

from audio import SAMPLING_RATE, load_audio
from checkpoints import check_prompt, check_speaks, load
from cross_attention import absorb_keys_and_values
from encoded import Encodings
from errors import InputError
from greedy import greedy
from log_mel import HOP_LENGTH, log_mel
from precision import autocast, precision_of

FRAMES_PER_POSITION = 2  # the encoder's second convolution has stride 2
POSITIONS_PER_SECOND = SAMPLING_RATE // (HOP_LENGTH * FRAMES_PER_POSITION)  # 50
WHISPER_WINDOW = 30.0  # s, of the published models
MAX_LENGTH = 225  # tokens of a hypothesis; the published experiment's
LORA_TARGETS = ("q_proj", "v_proj")
ENCODER = "model.encoder."
POSITION_TABLE = f"{ENCODER}embed_positions.weight"
IGNORED = -100  # label of padding


class WhisperRecogniser:
    """A Whisper model with its tokenizer and features, for one window, prompt and precision.

    The position table is cropped to ``window`` (s); ``tensors`` has it whole. With ``encodings``, a
    folder, the encoder's outputs are kept there: for models that share an encoder.
    """

    lora_targets = LORA_TARGETS

    def __init__(
        self,
        folder: str | Path,
        window: float = WHISPER_WINDOW,
        language: str = "en",
        task: str = "transcribe",
        precision: str = "auto",
        max_length: int = MAX_LENGTH,
        encodings: str | Path | None = None,
    ):
        disable_progress_bar()  # of loading, which would fill the log
        self.window = window
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.precision = precision_of(precision, self.device.type)
        self.language = language
        self.model, self.tokenizer, self.features = load(folder, WhisperForConditionalGeneration)
        check_speaks(self.model, language, task, folder)
        self.filters = torch.from_numpy(self.features.mel_filters.T).float()
        self.max_length = max_length
        self.tokenizer.set_prefix_tokens(predict_timestamps=False)
        prompt = []
        if self.model.generation_config.is_multilingual:
            self.tokenizer.set_prefix_tokens(language=language, task=task)
            prompt = [f"<|{language}|>", f"<|{task}|>"]
        check_prompt(self.tokenizer, prompt, folder)
        self.model.to(self.device)
        self.positions = crop_window(self.model, window)
        absorb_keys_and_values(self.model)
        self.encodings = None
        if encodings is not None:
            encoder = self.model.model.encoder
            self.encodings = Encodings(encodings, encoder, window, self.precision)

    def read(self, paths: Sequence[str | Path]) -> torch.Tensor:
        """Return the features of audio files, as ``log_mel`` does."""
        return self.log_mel([load_audio(path) for path in paths])

    def log_mel(self, waveforms: Sequence[np.ndarray]) -> torch.Tensor:
        """Return float32 [batch, mels, frames] of 16 kHz waveforms, zero-padded to the window."""
        samples = round(self.window * SAMPLING_RATE)
        return torch.stack([log_mel(waveform, self.filters, samples) for waveform in waveforms])

    def freeze(self, trained: str) -> None:
        """Exclude from training all but ``trained``: ``all`` parameters or the ``decoder``'s."""
        if trained == "decoder":
            self.model.freeze_encoder()

    def train(self) -> None:
        """Make the model ready for a training step."""
        self.model.train()

    def labels(self, text: str) -> list[int]:
        """Return the tokens that the decoder learns: prompt, text, end."""
        return self.tokenizer(text).input_ids

    def tokens(self, labels: Sequence[int]) -> int:
        """Return how many predictions the loss is a sum of: the first label is given."""
        return len(labels) - 1

    def check(self, utterances: Sequence[dict], labels: Sequence[Sequence[int]]) -> list[str]:
        """Raise ``InputError`` if the decoder is too short for an utterance's labels.

        Returns remarks: none, as the tokens spell every text.
        """
        longest = max(range(len(labels)), key=lambda index: len(labels[index]))
        limit = self.model.config.max_target_positions
        if len(labels[longest]) > limit:
            raise InputError(
                f"utterance {utterances[longest]['id']!r} has {len(labels[longest])}"
                f" tokens, over the decoder's {limit}; leave it out or split it"
            )
        return []

    def loss(
        self, paths: Sequence[str | Path], labels: Sequence[Sequence[int]], duration: float = 0
    ) -> torch.Tensor:
        """Return the summed cross-entropy (nats) of the labels after the first, teacher-forced.

        The first label is the start of the transcript, which the decoder is given; label *i* + 1 is
        predicted from the labels up to *i*. The window is fixed, so ``duration`` has no say.
        """
        encoded = self.encode(paths)
        padded = pad_labels(labels).to(self.device)
        given = padded[:, :-1].masked_fill(padded[:, :-1] == IGNORED, self.tokenizer.pad_token_id)
        with autocast(self.device, self.precision):
            logits = self.model(
                encoder_outputs=(encoded,), decoder_input_ids=given, use_cache=False
            ).logits
        return cross_entropy(
            logits.float().flatten(0, 1),
            padded[:, 1:].flatten(),
            ignore_index=IGNORED,
            reduction="sum",
        )

    def encode(self, paths: Sequence[str | Path]) -> torch.Tensor:
        """Return the encoder's outputs for audio files, [batch, positions, width].

        Kept ones are computed one by one, so that they don't depend on the batch.
        """
        if self.encodings is None:
            return self._encoder(self.read(paths))
        with torch.no_grad():
            return torch.stack(
                [
                    self.encodings.get(path, lambda p=path: self._encoder(self.read([p]))[0])
                    for path in paths
                ]
            ).to(self.device)

    def _encoder(self, features: torch.Tensor) -> torch.Tensor:
        together = 1 if self.device.type == "cpu" else len(features)  # one fits in a CPU's caches
        with autocast(self.device, self.precision):
            parts = [
                self.model.model.encoder(part.to(self.device)).last_hidden_state
                for part in features.split(together)
            ]
        return torch.cat(parts)

    def transcribe(self, paths: Sequence[str | Path]) -> list[str]:
        """Return one hypothesis per audio file, as the tokenizer gives it, spaces stripped.

        Greedy search, of at most ``max_length`` tokens.
        """
        hear, write = self.stages()
        return write(hear(paths))

    def stages(self, changed: Iterable[str] = ()) -> tuple[Callable, Callable]:
        """Return two functions that transcribe audio files, one after the other.

        What the first one gives, a tensor, stays true when the parameters ``changed`` are others.
        """
        if any(name.startswith(ENCODER) for name in changed):
            return self.read, torch.inference_mode()(lambda f: self.write(self._encoder(f)))
        return torch.inference_mode()(self.encode), self.write

    @torch.inference_mode()
    def write(self, encoded: torch.Tensor) -> list[str]:
        """Return one hypothesis for each of the encoder's outputs."""
        with autocast(self.device, self.precision):
            tokens = greedy(self.model, encoded, self.tokenizer.prefix_tokens, self.max_length)
        return [
            text.strip() for text in self.tokenizer.batch_decode(tokens, skip_special_tokens=True)
        ]

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the model's tensors as an ordinary Whisper has them: with all positions.

        What is written into them the model has.
        """
        return self.model.state_dict() | {POSITION_TABLE: self.positions}

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the same on the CPU."""
        return {name: tensor.cpu() for name, tensor in self.tensors().items()}

    def save(self, folder: str | Path) -> None:
        """Write a Hugging Face folder that any Whisper code loads.

        The window stands in the generation config as ``audio_window`` (s): the one that the model
        was trained in.
        """
        ordinary = WhisperForConditionalGeneration(
            type(self.model.config).from_dict(
                self.model.config.to_dict() | {"max_source_positions": len(self.positions)}
            )
        )
        ordinary.load_state_dict(self.state_dict())
        ordinary.generation_config = self.model.generation_config
        ordinary.generation_config.audio_window = self.window
        ordinary.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        self.features.save_pretrained(folder)


def pad_labels(labels: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return int64 [batch, longest], ``IGNORED`` behind the shorter ones."""
    longest = max(map(len, labels))
    return torch.tensor([[*row, *[IGNORED] * (longest - len(row))] for row in labels])


def crop_window(model: WhisperForConditionalGeneration, window: float) -> torch.Tensor:
    """Use the first ``window`` seconds of the encoder's position table only; return all of it.

    The table is sinusoidal and not trained, so its first rows mean the same in a shorter window.
    Raises ``InputError`` for a window beyond the table or not a multiple of 0.02 s.
    """
    encoder = model.model.encoder
    table = encoder.embed_positions.weight.data
    positions = round(window * POSITIONS_PER_SECOND)
    if not 0 < positions <= len(table) or abs(positions / POSITIONS_PER_SECOND - window) > 1e-6:
        raise InputError(
            f"window: {window} s is not a multiple of {1 / POSITIONS_PER_SECOND} s"
            f" between 0 and the model's {len(table) / POSITIONS_PER_SECOND:g} s"
        )
    encoder.embed_positions = torch.nn.Embedding.from_pretrained(table[:positions])
    encoder.max_source_positions = positions
    model.config.max_source_positions = positions
    return table
