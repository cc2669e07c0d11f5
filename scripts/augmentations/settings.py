"""What is done to speech, how often and how much: the settings of an augmentation."""

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal, get_args

from files.json_file import parse_object
from settings.fields import WRITE, fill

KINDS = ("speed", "room", "noise", "telephone", "like_source")  # in the order of doing them
Probability = Annotated[float, {"minimum": 0, "maximum": 1}]
Interval = tuple[float, float]  # lowest and highest
Codec = Literal["gsm", "mu-law", "a-law"]


@dataclass(frozen=True)
class Speed:
    """How much faster the talker is made, and on what share of the utterances."""

    probability: Probability = 1.0
    factor: Annotated[Interval, {"minimum": 0.5, "maximum": 2}] = (0.9, 1.1)


@dataclass(frozen=True)
class Room:
    """What the simulated rooms are like, and the share of the utterances that are in one."""

    probability: Probability = 1.0
    rt60: Annotated[Interval, {"minimum": 0.1, "maximum": 10}] = (0.2, 0.8)  # s
    drr: Annotated[Interval, {"minimum": -10, "maximum": 60}] = (0.0, 12.0)  # dB


@dataclass(frozen=True)
class Noise:
    """How far below the speech the noise is, and on what share of the utterances."""

    probability: Probability = 1.0
    snr: Annotated[Interval, {"minimum": -20, "maximum": 60}] = (0.0, 20.0)  # dB


@dataclass(frozen=True)
class Telephone:
    """The codecs of which one is drawn, and the share of the utterances that go through one."""

    probability: Probability = 1.0
    codecs: Annotated[list[Codec], {"minItems": 1}] = field(
        default_factory=lambda: list(get_args(Codec))
    )


@dataclass(frozen=True)
class LikeSource:
    """The share of the utterances that get the channel of one of the source's recordings."""

    probability: Probability = 1.0


@dataclass(frozen=True)
class Augmentation:
    """What is done to the utterances of a manifest; a kind that is None is not done."""

    speed: Speed | None = None
    room: Room | None = None
    noise: Noise | None = None
    telephone: Telephone | None = None
    like_source: LikeSource | None = None
    copies: Annotated[int, {"minimum": 1, "maximum": 100}] = 1  # of each utterance
    keep_clean: bool = False  # the utterance itself beside its copies

    def record(self) -> dict[str, Any]:
        """Return the settings as a record has them, without the kinds that are not done."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def read_settings(text: str) -> Augmentation:
    """Return the settings (JSON), defaults filled in."""
    return fill(Augmentation, parse_object(text, "--settings", WRITE), "--settings")
