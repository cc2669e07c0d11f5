"""wav2vec 2.0 and its kin with a CTC head: loading, letters, loss, greedy decoding."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import ctc_loss, log_softmax
from transformers import (
    AutoConfig,
    HubertForCTC,
    Wav2Vec2ConformerForCTC,
    Wav2Vec2ForCTC,
)
from transformers.utils.logging import disable_progress_bar

from computing.precision import autocast, precision_of
from computing.precisions import PrecisionChoice
from computing.processor import processor
from errors import InputError
from files.audio import SAMPLING_RATE, load_audio
from modules import trained_of
from recognisers.checkpoints import CtcModel, check_writes, load_ctc
from recognisers.configured import check_config
from recognisers.freezing import freeze_all_but
from recognisers.hypotheses import Hypothesis, hypothesis
from recognisers.letters import frames_needed, letter_ids, special_cases, spell

CTC_MODELS: dict[str, type[CtcModel]] = {
    "hubert": HubertForCTC,
    "wav2vec2": Wav2Vec2ForCTC,
    "wav2vec2-conformer": Wav2Vec2ConformerForCTC,
}
DROPOUTS = (  # of config.json; layers that are dropped whole (layerdrop) are another matter
    "activation_dropout", "attention_dropout", "conformer_conv_dropout", "feat_proj_dropout",
    "final_dropout", "hidden_dropout",
)  # fmt: skip


class CtcRecogniser:
    """An encoder that scores letters every 20 ms, for one precision, dropout and masking.

    ``window`` (s) is only the longest audio that callers allow. ``dropout`` and ``mask_time_prob``
    (SpecAugment) are probabilities in training, ``None`` for the checkpoint's own. Batch norms keep
    the checkpoint's statistics: so a step does not depend on how its batch is divided, and no task
    vector makes a variance negative.
    """

    def __init__(
        self,
        folder: str | Path,
        model_type: str,
        window: float,
        language: str = "en",
        precision: PrecisionChoice = "auto",
        dropout: float | None = None,
        mask_time_prob: float | None = None,
    ):
        disable_progress_bar()  # of loading, which would fill the log
        self.window = window
        self.device = processor()
        self.precision = precision_of(precision, self.device.type)
        kind = CTC_MODELS[model_type]
        check_config(Path(folder))
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        if dropout is not None:
            config.update({name: dropout for name in DROPOUTS if hasattr(config, name)})
        self.language = language
        self.model, self.tokenizer, self.features = load_ctc(folder, kind, config)
        check_writes(self.tokenizer, language, folder)
        if mask_time_prob is not None:
            set_mask_time_prob(self.model, mask_time_prob, folder)
        self.blank: int = self.tokenizer.pad_token_id  # the model's, too
        self.ids = letter_ids(self.tokenizer)
        self.letters = {id: letter for letter, id in self.ids.items()}
        self.cases = str.maketrans(special_cases(self.ids, language))
        self.model.to(self.device)  # type: ignore[arg-type]  # its decorator hides self
        self.tells_log_probability = False  # of its hypotheses

    def freeze(self, trained: str) -> None:
        """Train only ``trained``, and not the convolutions that hear the waveform, as is usual."""
        module, part = trained_of(trained)
        if module or part == "without_embeddings":
            raise InputError(f"trained: {trained}: a CTC model has no {trained}; set trained: all")
        freeze_all_but(self.model, trained)
        self.model.freeze_feature_encoder()

    def train(self) -> None:
        """Make the model ready for a training step; batch norms stay as in evaluation."""
        self.model.train()
        for module in self.model.modules():
            if isinstance(module, torch.nn.BatchNorm1d):
                module.eval()

    def labels(self, text: str, form: str = "bare") -> list[int]:
        """Return the ids of the letters of ``text``; what has none is left out (see ``check``).

        A form that Whisper's labels have is nothing to letters.
        """
        return [self.ids[letter] for letter in spell(text.translate(self.cases), self.ids)[0]]

    def tokens(self, labels: Sequence[int]) -> int:
        """Return how many predictions the loss is a sum of."""
        return len(labels)

    def fault(self, labels: Sequence[int]) -> str | None:
        """Return why labels can't be learnt, if they can't: there are none."""
        return None if labels else "no letter of the model's vocabulary"

    def check(self, utterances: Sequence[dict], labels: Sequence[Sequence[int]]) -> list[str]:
        """Return remarks on audio too short for its letters and on characters left out."""
        short = [
            row["id"]
            for row, letters in zip(utterances, labels, strict=True)
            if self._frames(round(row["duration"] * SAMPLING_RATE)) < frames_needed(letters)
        ]
        remarks = []
        if short:
            remarks.append(
                f"{len(short)} utterances have more letters than audio frames, first {short[0]!r};"
                " nothing is learnt from them"
            )
        texts = [row["text"].translate(self.cases) for row in utterances]
        if dropped := sum((spell(text, self.ids)[1] for text in texts), Counter()):
            counts = ", ".join(f"{letter!r} {count}" for letter, count in dropped.most_common())
            remarks.append(
                f"{dropped.total()} characters of the transcripts are no letters of the model,"
                f" left out: {counts}"
            )
        return remarks

    def loss(
        self, audio: tuple[torch.Tensor, torch.Tensor], labels: Sequence[Sequence[int]]
    ) -> torch.Tensor:
        """Return the summed CTC loss (nats), 0 for audio that is too short for its labels."""
        return self._losses(*self._scores(*audio), labels, "sum")

    def _losses(
        self,
        scores: torch.Tensor,
        frames: torch.Tensor,
        labels: Sequence[Sequence[int]],
        reduction: str,
    ) -> torch.Tensor:
        """Return the CTC losses (nats) of labels by all alignments: the sum, or float32 [batch]."""
        with torch.backends.cudnn.flags(enabled=False):  # its CTC has narrower limits
            return ctc_loss(
                log_softmax(scores, dim=-1).transpose(0, 1),
                torch.tensor([*chain(*labels)], dtype=torch.long, device=self.device),
                frames,
                torch.tensor([len(row) for row in labels]),
                blank=self.blank,
                reduction=reduction,
                zero_infinity=True,
            )

    def transcribe(self, paths: Sequence[str | Path]) -> list[str]:
        """Return one hypothesis per audio file: each frame's best letter, repeats as one."""
        read, hear, write = self.stages()
        return [each["text"] for each in write(hear(read(paths)))]

    def stages(
        self, changed: Iterable[str] = ()
    ) -> tuple[Callable, Callable, Callable[..., list[Hypothesis]]]:
        """Return three functions that transcribe audio files, one after the other.

        The first may be called by any thread. What the second one gives, tensors, stays true when
        the parameters ``changed`` are others.
        """
        return self.read, lambda audio: audio, lambda audio, unrepeated=0: self.write(*audio)

    @torch.no_grad()  # not inference_mode: rotary positions are kept for training
    def write(self, audio: torch.Tensor, lengths: torch.Tensor) -> list[Hypothesis]:
        """Return one hypothesis for each padded waveform.

        Its log probability, if asked for, is that of its labels by all alignments, over their
        number (Kahn et al. 2020, 1909.09116).
        """
        scores, frames = self._scores(audio, lengths)
        best = [
            [id for id, _ in groupby(row[:count])]
            for row, count in zip(scores.argmax(dim=-1).tolist(), frames.tolist(), strict=True)
        ]
        texts = ["".join(self.letters.get(id, "") for id in row).strip() for row in best]
        if not self.tells_log_probability:
            return list(map(hypothesis, texts))
        labels = [[id for id in row if id != self.blank] for row in best]
        losses = self._losses(scores, frames, labels, "none").tolist()
        means = [-loss / max(1, len(row)) for loss, row in zip(losses, labels, strict=True)]
        return list(map(hypothesis, texts, means))

    def prepare(
        self, paths: Sequence[str | Path], duration: float = 0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what ``loss`` needs of audio files, as ``read`` does; any thread may call this."""
        return self.read(paths, duration)

    def read(
        self, paths: Sequence[str | Path], duration: float = 0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return padded waveforms, float32 [batch, samples], and the length of each, int64 [batch].

        Each waveform is normalised by itself. ``duration`` (s) is the shortest to pad to, so that a
        part of a batch sounds as in the whole.
        """
        waveforms = [
            torch.from_numpy(
                self.features(load_audio(path), sampling_rate=SAMPLING_RATE).input_values[0]
            )
            for path in paths
        ]
        lengths = torch.tensor([len(waveform) for waveform in waveforms])
        samples = max(round(duration * SAMPLING_RATE), int(lengths.max()))
        audio = torch.zeros(len(waveforms), samples)
        for row, waveform in zip(audio, waveforms, strict=True):
            row[: len(waveform)] = waveform
        return audio, lengths

    def _scores(
        self, audio: torch.Tensor, lengths: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return float32 [batch, frames, letters], and int64 [batch]: frames that are not padding.

        Whether the model is told what is padding is the feature extractor's to say: some were
        trained without.
        """
        mask = None
        if self.features.return_attention_mask:
            mask = (torch.arange(audio.shape[1]) < lengths[:, None]).long().to(self.device)
        with autocast(self.device, self.precision):
            scores = self.model(audio.to(self.device), attention_mask=mask).logits
        return scores.float(), self._frames(lengths)

    def _frames(self, samples: Any) -> Any:  # an int, or int64 [batch]
        return self.model._get_feat_extract_output_lengths(samples)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the parameters and counters; what is written into them the model has."""
        return self.model.state_dict()

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the same on the CPU."""
        return {name: tensor.cpu() for name, tensor in self.tensors().items()}

    def save(self, folder: str | Path) -> None:
        """Write a Hugging Face folder that any code for this kind of model loads."""
        self.model.save_pretrained(folder, save_original_format=False)
        self.tokenizer.save_pretrained(folder)
        self.features.save_pretrained(folder)


def set_mask_time_prob(model: CtcModel, probability: float, folder: str | Path) -> None:
    """Set how much of the time SpecAugment masks in training, 0 to 1.

    The mask's embedding is a parameter that only models trained with masking have.
    """
    masked = any(name.endswith("masked_spec_embed") for name, _ in model.named_parameters())
    if probability > 0 and not masked:
        raise InputError(
            f"{folder}: was trained without masking; mask_time_prob must be 0, not {probability}"
        )
    model.config.mask_time_prob = probability
