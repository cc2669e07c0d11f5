"""Text-to-speech engines: one module each, with one function, ``load(setup) -> Engine``.

A new engine is its module and its line in ``ENGINES``. The table is read wherever a workflow is
planned, so it imports nothing heavy; and it shapes no waveform, so speech is not made again for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engines.espeak_voices import LANGUAGES as OF_ESPEAK
from engines.espeak_voices import check_settings


@dataclass(frozen=True)
class About:
    """What is to be known of an engine before its module is imported.

    ``seconds`` are those of an utterance, one by one, as ``seconds_are`` says; large batches are
    ``batch_speed_up`` times faster. ``languages`` are Whisper's codes of what it speaks, none if
    its model says so itself. Only one that ``takes_language`` is told which. ``own_settings`` are
    keys of a config that others have not, ``uses`` the others that it has a use for, ``needs``
    those that must be given. ``file`` is one of its artifact's, ``voice_file`` that of a voice;
    ``voices`` are those that it has with any artifact. ``random`` stands alone, for all voices,
    unless it is one. ``check`` raises ``InputError`` for what is wrong in its part of a config, at
    a place, as far as that can be told before its files are fetched. ``environment`` is its file
    in envs/.
    """

    seconds: float
    seconds_are: str
    batch_speed_up: int = 1
    on_gpu: bool = True  # False: it computes on the CPU and has no use for a GPU
    languages: tuple[str, ...] = ()
    takes_language: bool = False
    uses: tuple[str, ...] = ()  # of batch_size, precision, speakers, speed_range
    needs: tuple[str, ...] = ()
    own_settings: tuple[str, ...] = ()
    file: str = ""
    voices: tuple[str, ...] = ()
    voice_file: str = ""
    random_is_a_voice: bool = False
    check: Callable[[Mapping[str, Any], str], None] | None = None
    environment: str = "syn2real"


A100, ONE_CORE, ON_GPU = "published, on an A100", "measured, on one CPU core", "reckoned, on a GPU"
OF_BARK = ("de", "en", "es", "fr", "hi", "it", "ja", "ko", "pl", "pt", "ru", "tr", "zh")
OF_HIBARI = (
    "heart", "heart_bright", "heart_high", "heart_small", "heart_boy", "heart_thin", "heart_warm",
    "heart_alto", "heart_tall", "heart_tenor", "heart_baritone", "heart_bass",
)  # fmt: skip

ENGINES = {
    "bark": About(
        6.0,
        A100,
        batch_speed_up=17,
        languages=OF_BARK,
        uses=("batch_size", "precision"),
        file="generation_config.json",
        voice_file="speaker_embeddings/{}_semantic_prompt.npy",
        random_is_a_voice=True,
    ),
    "coqui": About(
        1.0,
        ON_GPU,
        takes_language=True,
        uses=("speakers", "speed_range"),
        environment="coqui",
    ),
    "espeak": About(
        0.03,
        ONE_CORE,
        on_gpu=False,
        languages=OF_ESPEAK,
        takes_language=True,
        uses=("speed_range",),
        own_settings=("rate", "pitch"),
        file="libespeak-ng.so",
        check=check_settings,
    ),
    "hibari": About(
        0.07,
        ONE_CORE,
        on_gpu=False,
        languages=("en",),
        uses=("speed_range",),
        file="hibari.onnx",
        voices=OF_HIBARI,
    ),
    "kokoro": About(
        2.2,
        ONE_CORE,
        on_gpu=False,
        languages=("en",),
        uses=("speed_range",),
        file="model.onnx",
        voice_file="voices/{}.bin",
    ),
    "speecht5": About(
        0.5,
        ON_GPU,
        batch_speed_up=10,
        languages=("en",),
        takes_language=True,
        uses=("batch_size", "precision", "speakers"),
        needs=("speakers",),
    ),
}
