"""Arms whose decoder is led by texts, held to the parts of an experiment that they need."""

import json
import re

from errors import InputError
from evaluation import has_aids
from texts.languages import NAMES
from texts.normalise import WITHOUT_SPACES

CTC = re.compile(r"wav2vec2|hubert|conformer|\bctc\b", re.IGNORECASE)


def check_aids(config: dict, artifacts: dict) -> None:
    """Raise ``InputError`` for an arm of key terms or n-grams that a model or language can't have.

    What a checkpoint that is not fetched yet can do is told by what its declaration is called.
    """
    arms, language = [arm for arm in config["arms"] if has_aids(arm)], config["language"]
    for name, model in config["base_models"].items() if arms else ():
        declared = f"{model['artifact']} {json.dumps(artifacts[model['artifact']])}"
        if (told := CTC.search(declared)) and "whisper" not in declared.lower():
            raise InputError(
                f"config: arms: {arms[0]} leads Whisper's decoder, but base_models.{name}"
                f" ({model['artifact']}: {told[0]}) is a CTC model, which has none; leave out"
                f" {', '.join(arms)}, or take another base model"
            )
    if of_terms := [arm for arm in arms if "+terms" in arm and language in WITHOUT_SPACES]:
        raise InputError(
            f"config: arms: {of_terms[0]} needs words, but {NAMES[language]} (language) parts none"
            f" by spaces; leave out {', '.join(of_terms)}"
        )
