"""The door to the recognisers: which one a checkpoint needs is told by its ``config.json``.

Each has ``model``, ``device``, ``precision``, ``window`` (s), ``language`` and
``tells_log_probability``, and the methods ``labels``, ``tokens``, ``fault``, ``check``, ``freeze``,
``train``, ``prepare``, ``loss``, ``transcribe``, ``stages``, ``tensors``, ``state_dict`` and
``save``.
"""

from pathlib import Path

from computing.precisions import PrecisionChoice
from errors import InputError
from files.json_file import read_object
from recognisers.ctc import CTC_MODELS, CtcRecogniser
from recognisers.whisper import MAX_LENGTH, WhisperRecogniser
from recognisers.window import WHISPER_WINDOW

Recogniser = WhisperRecogniser | CtcRecogniser


def load_recogniser(
    folder: str | Path,
    window: float = WHISPER_WINDOW,
    language: str = "en",
    task: str = "transcribe",
    precision: PrecisionChoice = "auto",
    max_length: int = MAX_LENGTH,
    encodings: str | Path | None = None,
    dropout: float | None = None,
    mask_time_prob: float | None = None,
) -> Recogniser:
    """Return the recogniser of a Hugging Face folder.

    ``language`` is the speech's, a code of Whisper's, which the model must be able to write.
    ``max_length`` (tokens) and ``encodings`` (a folder) are Whisper's; ``dropout`` and
    ``mask_time_prob`` are for CTC models, which write what their letters say.
    """
    kind = model_type(folder)
    if kind == "whisper":
        if (dropout, mask_time_prob) != (None, None):
            raise InputError("dropout and mask_time_prob are for CTC models; Whisper has neither")
        return WhisperRecogniser(folder, window, language, task, precision, max_length, encodings)
    if encodings is not None:
        raise InputError(f"{folder}: a CTC model has no decoder for which to keep encodings")
    if task != "transcribe":
        raise InputError(f"{folder}: a CTC model cannot {task}; set task: transcribe")
    return CtcRecogniser(folder, kind, window, language, precision, dropout, mask_time_prob)


def model_type(folder: str | Path) -> str:
    """Return the kind of model that a folder's ``config.json`` names: ``whisper`` or a CTC one."""
    path = Path(folder) / "config.json"
    kind = read_object(path, "it must be a model's configuration").get("model_type")
    if kind not in ("whisper", *CTC_MODELS):
        raise InputError(
            f"{path}: model_type {kind!r} is no recogniser known here; take one of whisper,"
            f" {', '.join(CTC_MODELS)}"
        )
    return str(kind)
