"""What a decoder is led to by a domain's texts alone, without training: key terms, n-grams.

Both need a Whisper's tokens. They are counted, and looked up, on the CPU.
"""

from collections.abc import Sequence

from errors import InputError
from recognisers.key_terms import KeyTerms
from recognisers.load import Recogniser
from recognisers.ngrams import Fusion, Ngrams
from recognisers.whisper import WhisperRecogniser
from texts.written import label_text


def favour(
    recogniser: Recogniser,
    terms: Sequence[str],
    bonus: float,
    texts: Sequence[str],
    weight: float,
) -> None:
    """Lead a recogniser to key ``terms`` by a ``bonus`` (nats), and to ``texts`` by a ``weight``.

    A term is favoured at the beginning of a hypothesis and within it, as it is written and with a
    capital. The n-grams are of the texts as the decoder would write them.
    """
    if not isinstance(recogniser, WhisperRecogniser):
        raise InputError("key terms and texts lead Whisper's decoder; a CTC model has none")
    tokenizer = recogniser.tokenizer

    def tokens(text: str) -> list[int]:
        ids: list[int] = tokenizer(
            text, add_special_tokens=False, split_special_tokens=True
        ).input_ids
        return ids

    if terms and bonus:
        forms = {form for term in terms for form in (term, term[:1].upper() + term[1:])}
        spellings = [f"{space}{form}" for form in sorted(forms) for space in ("", " ")]
        recogniser.favouring.append(KeyTerms(map(tokens, spellings), bonus))
    if texts and weight:
        labels = (label_text(text, "sentence", recogniser.language) for text in texts)
        ended = ([*tokens(label), tokenizer.eos_token_id] for label in labels)
        vocabulary = recogniser.model.config.vocab_size
        recogniser.favouring.append(Fusion(Ngrams(ended, vocabulary), weight))
