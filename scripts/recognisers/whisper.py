"""Whisper with an audio window of any length: loading, cropping, features, loss, decoding."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import WhisperConfig, WhisperForConditionalGeneration
from transformers.utils.logging import disable_progress_bar

from computing.precision import PrecisionChoice, autocast, precision_of
from computing.processor import processor
from errors import InputError
from files.audio import SAMPLING_RATE, load_audio
from recognisers.checkpoints import check_prompt, check_speaks, generation_of, load_whisper
from recognisers.cross_attention import absorb_keys_and_values
from recognisers.encoded import Encodings, read_encoding, write_encoding
from recognisers.greedy import greedy
from recognisers.log_mel import HOP_LENGTH, log_mel
from texts.spoken import without_remarks

FRAMES_PER_POSITION = 2  # the encoder's second convolution has stride 2
POSITIONS_PER_SECOND = SAMPLING_RATE // (HOP_LENGTH * FRAMES_PER_POSITION)  # 50
WHISPER_WINDOW = 30.0  # s, of the published models
MAX_LENGTH = 225  # tokens of a hypothesis; the published experiment's
LORA_TARGETS = ("q_proj", "v_proj")
ENCODER = "model.encoder."
POSITION_TABLE = f"{ENCODER}embed_positions.weight"
IGNORED = -100  # label of padding
NOT_IN_WEIGHTS = ("activation_function", "encoder_attention_heads", "scale_embedding")

Audio = torch.Tensor | list[tuple[Path, torch.Tensor, bool]]  # see WhisperRecogniser.prepare


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
        precision: PrecisionChoice = "auto",
        max_length: int = MAX_LENGTH,
        encodings: str | Path | None = None,
    ):
        disable_progress_bar()  # of loading, which would fill the log
        self.window = window
        self.device = processor()
        self.precision = precision_of(precision, self.device.type)
        self.language = language
        self.model, self.tokenizer, self.features = load_whisper(folder)
        check_speaks(self.model, language, task, folder)
        self.filters = torch.from_numpy(self.features.mel_filters.T).float()
        self.max_length = max_length
        self.tokenizer.set_prefix_tokens(predict_timestamps=False)
        prompt = []
        if generation_of(self.model).is_multilingual:
            self.tokenizer.set_prefix_tokens(language=language, task=task)
            prompt = [f"<|{language}|>", f"<|{task}|>"]
        check_prompt(self.tokenizer, prompt, folder)
        self.model.to(self.device)  # type: ignore[arg-type]  # its decorator hides self
        self.positions = crop_window(self.model, window)
        absorb_keys_and_values(self.model)
        self.encodings = None
        if encodings is not None:
            config = self.model.config
            settings = {name: getattr(config, name) for name in NOT_IN_WEIGHTS}
            settings |= {"attention": config._attn_implementation}
            self.encodings = Encodings(
                encodings,
                __file__,
                settings | {"window": window, "precision": str(self.precision)},
                self.model.model.encoder.state_dict() | {"filters": self.filters},
                self.device,
            )

    def read(self, paths: Sequence[str | Path]) -> torch.Tensor:
        """Return the features of audio files, as ``log_mel`` does."""
        return self.log_mel([load_audio(path) for path in paths])

    def prepare(self, paths: Sequence[str | Path], duration: float = 0) -> Audio:
        """Return what ``loss`` and ``encode`` need of audio files; any thread may call this.

        Features; or, with encoder outputs that are kept, of each file their place, and either the
        output or, where it is not there yet (``False``), the features. The window is fixed, so
        ``duration`` has no say.
        """
        if self.encodings is None:
            return self.read(paths)
        return [self._kept_or_read(path, self.encodings.place(path)) for path in paths]

    def _kept_or_read(self, path: str | Path, place: Path) -> tuple[Path, torch.Tensor, bool]:
        if place.is_file():
            return place, read_encoding(place), True
        return place, self.read([path]), False

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
        """Return the tokens that the decoder learns: prompt, text, end.

        The text is folded, and without remarks: no name of a special token in it becomes one.
        """
        ids: list[int] = self.tokenizer(without_remarks(text), split_special_tokens=True).input_ids
        return ids

    def tokens(self, labels: Sequence[int]) -> int:
        """Return how many predictions the loss is a sum of: the first label is given."""
        return len(labels) - 1

    def fault(self, labels: Sequence[int]) -> str | None:
        """Return why labels can't be learnt, if they can't: the decoder is too short for them."""
        limit = self.model.config.max_target_positions
        return f"more than the decoder's {limit} tokens" if len(labels) > limit else None

    def check(self, utterances: Sequence[dict], labels: Sequence[Sequence[int]]) -> list[str]:
        """Return remarks on what can't be learnt: none, as the tokens spell every text."""
        return []

    def loss(self, audio: Audio, labels: Sequence[Sequence[int]]) -> torch.Tensor:
        """Return the summed cross-entropy (nats) of the labels after the first, teacher-forced.

        The first label is the start of the transcript, which the decoder is given; label *i* + 1 is
        predicted from the labels up to *i*.
        """
        encoded = self.encode(audio)
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

    def encode(self, audio: Audio) -> torch.Tensor:
        """Return the encoder's outputs for prepared audio, [batch, positions, width].

        Kept ones are computed one by one, so that they don't depend on the batch.
        """
        if isinstance(audio, torch.Tensor):
            return self._encoder(audio)
        with torch.no_grad():
            return torch.stack(
                [
                    encoding if kept else write_encoding(place, self._encoder(encoding)[0])
                    for place, encoding, kept in audio
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
        read, hear, write = self.stages()
        return write(hear(read(paths)))

    def stages(
        self, changed: Iterable[str] = ()
    ) -> tuple[Callable, Callable, Callable[..., list[str]]]:
        """Return three functions that transcribe audio files, one after the other.

        The first may be called by any thread. What the second one gives, a tensor, stays true when
        the parameters ``changed`` are others.
        """
        if any(name.startswith(ENCODER) for name in changed):
            write = torch.inference_mode()(lambda features: self.write(self._encoder(features)))
            return self.read, lambda features: features, write
        return self.prepare, torch.inference_mode()(self.encode), self.write

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
            WhisperConfig.from_dict(
                self.model.config.to_dict() | {"max_source_positions": len(self.positions)}
            )
        )
        ordinary.load_state_dict(self.state_dict())
        ordinary.generation_config = generation_of(self.model)
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
    table: torch.Tensor = encoder.embed_positions.weight.data
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
