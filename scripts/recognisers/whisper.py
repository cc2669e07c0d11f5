"""Whisper with an audio window of any length: loading, cropping, features, loss, decoding."""

import copy
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import WhisperConfig
from transformers import WhisperForConditionalGeneration as Whisper
from transformers.utils.logging import disable_progress_bar

from computing.precision import autocast, precision_of
from computing.precisions import PrecisionChoice
from computing.processor import processor
from files.audio import SAMPLING_RATE, load_audio
from recognisers.checkpoints import check_prompt, check_speaks, generation_of, load_whisper
from recognisers.cross_attention import absorb_keys_and_values
from recognisers.encoded import Encodings, read_encoding, write_encoding
from recognisers.freezing import freeze_all_but
from recognisers.greedy import Favour, greedy
from recognisers.hypotheses import Hypothesis, hypothesis
from recognisers.label_loss import IGNORED, divergence, pad_labels
from recognisers.log_mel import log_mel
from recognisers.spec_augment import spec_augment
from recognisers.window import WHISPER_WINDOW, crop_window
from texts.written import LabelForm, label_text

MAX_LENGTH = 225  # tokens of a hypothesis; the published experiment's
ENCODER = "model.encoder."
POSITION_TABLE = f"{ENCODER}embed_positions.weight"
NOT_IN_WEIGHTS = ("activation_function", "encoder_attention_heads", "scale_embedding")

Audio = torch.Tensor | list[tuple[Path, torch.Tensor, bool]]  # see WhisperRecogniser.prepare


class WhisperRecogniser:
    """A Whisper model with its tokenizer and features, for one window, prompt and precision.

    The position table is cropped to ``window`` (s); ``tensors`` has it whole. With ``encodings``, a
    folder, the encoder's outputs are kept there: for models that share an encoder.
    """

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
        self.favouring: list[Favour] = []  # what leads the decoder, in this order
        self.tells_log_probability = False  # of its hypotheses
        self.masks_features = False  # in training, by SpecAugment
        self.start: Whisper | None = None
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
        """Exclude from training all but ``trained`` (see ``modules.CHOICES``).

        Tokens are picked by their embeddings as well, which are the decoder's.
        """
        freeze_all_but(self.model, trained)

    def stay_near_start(self, weight: float, temperature: float) -> None:
        """Let ``loss`` hold the model to what it predicts now.

        It adds ``weight`` times the Kullback-Leibler divergence from the present model's
        predictions, both softened by ``temperature``, times its square (Hinton et al. 2015,
        1503.02531).
        """
        self.start = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.weight, self.temperature = weight, temperature

    def train(self) -> None:
        """Make the model ready for a training step."""
        self.model.train()

    def labels(self, text: str, form: LabelForm = "sentence") -> list[int]:
        """Return the tokens that the decoder learns: prompt, text (see ``label_text``), end.

        No name of a special token in the text becomes one.
        """
        text = label_text(text, form, self.language)
        ids: list[int] = self.tokenizer(text, split_special_tokens=True).input_ids
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
        padded = pad_labels(labels).to(self.device)
        given = padded[:, :-1].masked_fill(padded[:, :-1] == IGNORED, self.tokenizer.pad_token_id)
        masked = audio
        if self.masks_features and self.model.training:
            if not isinstance(audio, torch.Tensor):
                raise TypeError("kept outputs of the encoder can't be masked")
            masked = spec_augment(audio)
        logits = self._logits(self.model, self.encode(masked), given)
        loss = cross_entropy(
            logits.flatten(0, 1), padded[:, 1:].flatten(), ignore_index=IGNORED, reduction="sum"
        )
        if self.start is not None and self.model.training:
            with torch.no_grad():
                at_start = self._logits(self.start, self.encode(audio, self.start), given)
            loss = loss + self.weight * divergence(
                logits[padded[:, 1:] != IGNORED],
                at_start[padded[:, 1:] != IGNORED],
                self.temperature,
            )
        return loss

    def _logits(self, model: Whisper, encoded: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        with autocast(self.device, self.precision):
            logits: torch.Tensor = model(
                encoder_outputs=(encoded,), decoder_input_ids=given, use_cache=False
            ).logits
        return logits.float()

    def encode(self, audio: Audio, model: Whisper | None = None) -> torch.Tensor:
        """Return the encoder's outputs for prepared audio, [batch, positions, width].

        The encoder is this model's, if no other is given. Kept outputs are computed one by one, so
        that they don't depend on the batch.
        """
        if isinstance(audio, torch.Tensor):
            return self._encoder(audio, model)
        with torch.no_grad():
            return torch.stack(
                [
                    encoding if kept else write_encoding(place, self._encoder(encoding)[0])
                    for place, encoding, kept in audio
                ]
            ).to(self.device)

    def _encoder(self, features: torch.Tensor, model: Whisper | None = None) -> torch.Tensor:
        encoder = (model or self.model).model.encoder
        together = 1 if self.device.type == "cpu" else len(features)  # one fits in a CPU's caches
        with autocast(self.device, self.precision):
            parts = [
                encoder(part.to(self.device)).last_hidden_state for part in features.split(together)
            ]
        return torch.cat(parts)

    def transcribe(self, paths: Sequence[str | Path]) -> list[str]:
        """Return one hypothesis per audio file, as the tokenizer gives it, spaces stripped.

        Greedy search, of at most ``max_length`` tokens.
        """
        read, hear, write = self.stages()
        return [each["text"] for each in write(hear(read(paths)))]

    def stages(
        self, changed: Iterable[str] = ()
    ) -> tuple[Callable, Callable, Callable[..., list[Hypothesis]]]:
        """Return three functions that transcribe audio files, one after the other.

        The first may be called by any thread. What the second one gives, a tensor, stays true when
        the parameters ``changed`` are others. The third takes ``unrepeated``, as ``write`` does.
        """
        if any(name.startswith(ENCODER) for name in changed):

            @torch.inference_mode()
            def write(features: torch.Tensor, unrepeated: int = 0) -> list[Hypothesis]:
                return self.write(self._encoder(features), unrepeated)

            return self.read, lambda features: features, write
        return self.prepare, torch.inference_mode()(self.encode), self.write

    @torch.inference_mode()
    def write(self, encoded: torch.Tensor, unrepeated: int = 0) -> list[Hypothesis]:
        """Return one hypothesis for each of the encoder's outputs.

        No sequence of ``unrepeated`` tokens stands in one twice (0: any may).
        """
        with autocast(self.device, self.precision):
            decoded = greedy(
                self.model,
                encoded,
                self.tokenizer.prefix_tokens,
                self.max_length,
                unrepeated,
                self.favouring,
                self.tells_log_probability,
            )
        tokens, means = map(list, zip(*decoded, strict=True))
        texts = self.tokenizer.batch_decode(tokens, skip_special_tokens=True)
        return [hypothesis(text.strip(), mean) for text, mean in zip(texts, means, strict=True)]

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
        ordinary = Whisper(
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
