"""The settings of a training run: most are those under ``finetune`` in an experiment's config."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from computing.precisions import PrecisionChoice
from modules import CHOICES, TRAINED

Steps = Annotated[int, {"minimum": 0, "maximum": 10_000_000}]
Batch = {"maximum": 4096}  # utterances
Share = Annotated[float | None, {"minimum": 0, "maximum": 1}]
Window = Annotated[float, {"exclusiveMinimum": 0, "maximum": 30}]
Tokens = Annotated[int, {"minimum": 8, "maximum": 448}]
SPENDING = ("micro_batch_size", "gradient_checkpointing")  # memory and time for the same result


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a recogniser is trained, apart from its data and base model."""

    window: Window = 30.0  # s, of audio; CTC: the longest audio
    learning_rate: Annotated[float, {"exclusiveMinimum": 0, "maximum": 1}]  # peak, of AdamW
    weight_decay: Annotated[float, {"minimum": 0, "maximum": 10}] = 0.1  # of AdamW
    warmup_steps: Steps = 0
    epochs: Annotated[float, {"minimum": 0, "maximum": 10_000}] = 0.0  # at most; 0: no bound
    max_steps: Steps = 0  # at most; 0: no bound
    batch_size: Annotated[int, {"minimum": 1} | Batch] = 16  # utterances per optimiser step
    trained: Annotated[str, {"pattern": TRAINED, "description": f"one of {CHOICES}"}] = "all"
    labels: Literal["sentence", "space", "bare"] = "sentence"  # of Whisper, see texts/written.py
    spec_augment: bool = False  # of Whisper: masks on its features
    kl_weight: Annotated[float, {"minimum": 0, "maximum": 1000}] = (
        0.0  # of the divergence from the start's predictions
    )
    kl_temperature: Annotated[float, {"exclusiveMinimum": 0, "maximum": 100}] = 1.5
    ewc_weight: Annotated[float | None, {"minimum": 0, "maximum": 10**9}] = (
        None  # of the pull to the start; None: 0
    )
    replay: Annotated[float | None, {"exclusiveMinimum": 0, "maximum": 1000}] = (
        None  # replayed utterances for each other one; None: all there are
    )
    average_last: Annotated[int, {"minimum": 0, "maximum": 1000}] = (
        0  # dev evaluations whose parameters are averaged; 0: the best one's
    )
    interpolation: Annotated[float, {"exclusiveMinimum": 0, "maximum": 1}] = (
        1.0  # of the way from the start's parameters to the trained ones; 1: all of it
    )
    optimizer: Literal["adamw", "adamw8bit"] = "adamw"
    dropout: Share = None  # of CTC models; None: the checkpoint's
    mask_time_prob: Share = None  # SpecAugment's, of CTC models; None: the checkpoint's
    lora_rank: Annotated[int, {"minimum": 0, "maximum": 4096}] = (
        0  # of LoRA's factors; 0: all weights are trained
    )
    lora_alpha: Annotated[float, {"exclusiveMinimum": 0, "maximum": 10_000}] = (
        16.0  # scale of LoRA's change, times its rank
    )
    lora_dropout: Annotated[float, {"minimum": 0, "maximum": 1}] = 0.0  # before LoRA's factors
    lora_targets: list[str] | None = None  # linear layers with factors; None: queries and values
    ia3: bool | None = None  # whether (IA)³'s scales are trained; None: no
    evaluate_every: Steps = 0  # optimiser steps; 0: an epoch
    patience: Annotated[int, {"minimum": 1, "maximum": 1_000_000}] = (
        3  # dev evaluations without a better one before training stops
    )
    criterion: Literal["wer", "loss"] = "wer"  # of a dev evaluation
    precision: PrecisionChoice = "auto"  # of matrix products
    max_length: Tokens = 225  # of a dev hypothesis, at most
    language: str  # a code of Whisper's
    task: Literal["transcribe", "translate"] = "transcribe"
    seed: Annotated[
        int, {"minimum": 0, "maximum": 2**32 - 1}
    ]  # of the data order, what is drawn, dropout and LoRA's factors
    micro_batch_size: Annotated[int, {"minimum": 0} | Batch] = (
        0  # utterances at once per process; 0: all of its share
    )
    gradient_checkpointing: bool = False

    @property
    def of_result(self) -> dict[str, Any]:
        """What shapes the result: a run goes on from the state of another with the same."""
        return {key: value for key, value in asdict(self).items() if key not in SPENDING}
