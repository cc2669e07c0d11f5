"""What is done to speech, how often and how much: the settings of an augmentation, checked."""

from collections.abc import Sequence

from augmentations.effects import CODECS
from errors import InputError, check_keys
from files.json_file import parse

DEFAULTS = {
    "speed": {"probability": 1, "factor": [0.9, 1.1]},
    "room": {"probability": 1, "rt60": [0.2, 0.8], "drr": [0, 12]},
    "noise": {"probability": 1, "snr": [0, 20]},
    "telephone": {"probability": 1, "codecs": list(CODECS)},
}
LIMITS = {"factor": (0.5, 2), "rt60": (0.1, 10), "drr": (-10, 60), "snr": (-20, 60)}


def read_settings(text: str) -> dict:
    """Return the settings (JSON), defaults filled in; a kind that they do not name stays out."""
    settings = parse(text, "--settings", 'write {"noise": {}}, say')
    check_object(settings, [*DEFAULTS, "copies", "keep_clean"], "--settings")
    filled = {"copies": 1, "keep_clean": False} | settings
    for kind in settings.keys() & DEFAULTS.keys():
        check_object(settings[kind], list(DEFAULTS[kind]), f"--settings: {kind}")
        filled[kind] = DEFAULTS[kind] | settings[kind]
        for key, value in filled[kind].items():
            check_value(key, value, f"--settings: {kind}: {key}")
    copies, keep_clean = filled["copies"], filled["keep_clean"]
    if type(copies) is not int or copies < 1:
        raise InputError(f"--settings: copies: {copies!r}; a whole number, at least 1")
    if type(keep_clean) is not bool:
        raise InputError(f"--settings: keep_clean: {keep_clean!r}; true or false")
    return filled


def check_object(value: object, known: Sequence[str], place: str) -> None:
    """Raise ``InputError`` unless ``value`` is an object with no other keys than ``known``."""
    if not isinstance(value, dict):
        raise InputError(f"{place}: {value!r} is not an object of {', '.join(known)}")
    check_keys(value, known, place)


def check_value(key: str, value: object, place: str) -> None:
    """Raise ``InputError`` for a probability, a range or codecs that can't be right."""
    if key == "probability":
        if not (is_number(value) and 0 <= value <= 1):
            raise InputError(f"{place}: {value!r}; a fraction, from 0 to 1")
    elif key == "codecs":
        if not (isinstance(value, list) and value and all(codec in CODECS for codec in value)):
            raise InputError(f"{place}: {value!r}; a list of some of {', '.join(CODECS)}")
    else:
        least, most = LIMITS[key]
        if not (
            isinstance(value, list)
            and len(value) == 2
            and all(map(is_number, value))
            and least <= value[0] <= value[1] <= most
        ):
            raise InputError(f"{place}: {value!r}; [lowest, highest], within {least} to {most}")


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
