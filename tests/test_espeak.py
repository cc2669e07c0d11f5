"""espeak-ng as an engine, with its real library: languages, voices, rates, the same bytes again."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from engines import ENGINES, espeak, espeak_voices
from engines.engine import Engine, Setup, Speech, Unspeakable
from errors import InputError
from files.audio import load_audio
from test_engines import ask, run, say
from test_experiment import changed
from test_languages import IN_NO_LANGUAGE, with_tts

PROMPT = "Bonjour, votre boîte vocale contient trois messages."


@pytest.fixture(scope="module")
def resources() -> Path:
    reason = "needs the package espeakng-loader (`make checks`)"
    return Path(pytest.importorskip("espeakng_loader", reason=reason).__file__).parent


@pytest.fixture(scope="module")
def french(resources) -> Engine:
    return espeak.load(Setup(resources, ["fr", "fr+m3", "fr+f2"], language="fr"))


def pitch(waveform: np.ndarray) -> float:
    """Return the median pitch, Hz, of voiced frames: the strongest lag of 60 to 400 Hz."""
    found = []
    for start in range(0, len(waveform) - 1_024, 512):
        frame = waveform[start : start + 1_024] - waveform[start : start + 1_024].mean()
        correlation = np.correlate(frame, frame, "full")[1_023:]
        lag = 55 + int(correlation[55:368].argmax())
        if correlation[0] > 1 and correlation[lag] > 0.5 * correlation[0]:
            found.append(22_050 / lag)
    return float(np.median(found))


def test_a_text_is_the_same_again_whatever_was_said_before(french):
    """The library itself goes on in its flutter and noise where the last text ended."""
    first = say(french, PROMPT, "fr+m3")
    say(french, "Appuyez sur la touche étoile.", "fr+f2", 0.9)
    assert np.array_equal(first, say(french, PROMPT, "fr+m3"))
    assert french.sampling_rate == 22_050
    assert 2 < len(first) / 22_050 < 3


def test_a_whisper_is_another_with_another_seed_and_a_voice_is_not(resources):
    engine = espeak.load(Setup(resources, ["fr+whisper", "fr"], language="fr"))
    for voice, same in (("fr+whisper", False), ("fr", True)):
        one, other = (say(engine, PROMPT, voice, 1.0, seed) for seed in (1, 2))
        assert np.array_equal(one, other) == same


def test_rate_and_speed_are_words_a_minute(resources, french):
    slow = espeak.load(Setup(resources, ["fr"], language="fr", rate=100))
    at_175, at_100 = len(say(french, PROMPT, "fr")), len(say(slow, PROMPT, "fr"))
    assert at_100 / at_175 == pytest.approx(1.75, rel=0.1)
    assert len(say(french, PROMPT, "fr", 0.571)) == pytest.approx(at_100, rel=0.01)  # 99.9
    with pytest.raises(InputError, match=r"rate of 100 .* speed 0\.7 is 70, not 80 to 450"):
        slow.speak([ask(PROMPT, "fr", 0.7)])


def test_a_higher_pitch_is_a_higher_voice(resources, french):
    low, high = (
        pitch(say(espeak.load(Setup(resources, ["fr"], language="fr", pitch=p)), PROMPT, "fr"))
        for p in (20, 80)
    )
    assert low < pitch(say(french, PROMPT, "fr")) < high
    assert high / low > 1.3


def test_digits_are_read_in_the_language_of_the_voice(resources):
    for language, number in (("fr", "trois"), ("it", "tre"), ("de", "drei")):
        engine = espeak.load(Setup(resources, [language], language=language))
        assert np.array_equal(say(engine, "3", language), say(engine, number, language))


def test_markup_is_read_and_not_obeyed(french):
    plain, marked = (say(french, f"{word} {PROMPT}", "fr") for word in ("", "<b> [[a]]"))
    assert len(marked) > len(plain)


def test_nothing_to_say_is_an_utterance_that_fails(resources, tmp_path):
    with pytest.raises(InputError, match="1 of 1 utterances failed .*silence"):
        run(tmp_path, ("...",), engine="espeak", resources=resources, language="fr")


def test_it_goes_through_the_command_at_16_khz_and_random_is_thirteen_voices(resources, tmp_path):
    texts = tuple(f"{number} nouveaux messages" for number in range(40))
    found = run(tmp_path, texts, engine="espeak", resources=resources, language="fr", rate=160)
    voices = {row["voice"] for row in found.values()}
    assert {"fr+m1", "fr+f5"} <= voices <= {f"fr+{v}" for v in espeak_voices.VARIANTS[:13]}
    for row in found.values():
        waveform = load_audio(row["audio_filepath"])
        assert len(waveform) == round(16_000 * row["duration"])
        assert 0.05 < np.abs(waveform).max() <= 1


def test_every_voice_that_is_offered_is_in_the_library(resources):
    voices = [
        (language, f"{accent}{variant}")
        for language in espeak_voices.LANGUAGES
        for number, accent in enumerate(espeak_voices.accents(language))
        for variant in ("", *(f"+{v}" for v in espeak_voices.VARIANTS if language == "fr"))
    ]
    assert len(voices) > 100
    for language, voice in voices:
        engine = espeak.load(Setup(resources, [voice], language=language))
        (spoken,) = engine.speak([ask("12", voice)])
        assert isinstance(spoken, Speech) and len(spoken.waveform) > 5_000, voice


def test_a_crash_of_the_library_is_an_utterance_that_fails(french, monkeypatch):
    monkeypatch.setattr(espeak, "say", lambda *given: os.kill(os.getpid(), signal.SIGKILL))
    (answer,) = french.speak([ask(PROMPT, "fr")])
    assert isinstance(answer, Unspeakable) and str(answer) == "espeak-ng failed (exit status -9)"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"language": None}, "--language None: engine espeak needs one of af, am, "),
        ({"language": "ja"}, "--language ja: engine espeak needs one of"),
        ({"voices": ["de"]}, r"--voices: espeak has no voice 'de' of 'fr'; there are fr, fr-be"),
        ({"voices": ["fr+m9"]}, r"no voice 'fr\+m9' of 'fr'; .* alone or with \+m1, "),
        ({"pitch": 100}, "--pitch 100: engine espeak has 0 to 99"),
        ({"speakers": Path("x")}, "--speakers x: engine espeak has no use for it"),
    ],
)
def test_what_cannot_be_spoken_is_refused_before(resources, given, message):
    setup = Setup(**{"resources": resources, "voices": ["fr"], "language": "fr"} | given)
    with pytest.raises(InputError, match=message):
        espeak.load(setup)


def test_files_that_are_missing_or_of_another_machine_are_told(resources, tmp_path):
    setup = Setup(tmp_path, ["fr+m1"], language="fr")
    with pytest.raises(InputError, match=r"libespeak-ng\.so: no such file"):
        espeak.load(setup)
    (tmp_path / "libespeak-ng.so").write_bytes(b"not a library")
    with pytest.raises(InputError, match="espeak-ng-data/intonations: no such file"):
        espeak.load(setup)
    (tmp_path / "espeak-ng-data").symlink_to(resources / "espeak-ng-data")
    with pytest.raises(InputError, match="not a library of espeak-ng for this machine"):
        espeak.load(setup)


def test_the_record_names_the_files_that_shape_the_speech(french):
    names = {str(path).rpartition("espeak-ng-data/")[2] for path in french.files[1:]}
    of_all = {"intonations", "phondata", "phonindex", "phontab"}
    assert names == of_all | {"lang/roa/fr", "fr_dict", "voices/!v/m3", "voices/!v/f2"}
    assert french.settings == {"rate": "175", "pitch": "50", "language": "fr"}


@pytest.mark.parametrize(
    ("tts", "message"),
    [
        ({"voices": ["fr", "it+m1"]}, r"tts\.voice\.voices: espeak has no voice 'it\+m1' of 'fr'"),
        ({"voices": ["fr+m9"]}, r"'fr\+m9' of 'fr'; there are fr, fr-be, fr-ch, alone or with"),
        ({"voices": ["random", "fr"]}, "'random' means all voices; give it alone"),
        ({"language": "ja"}, r"tts\.voice\.engine: espeak speaks af, am, .*, not 'ja'"),
        ({"rate": 89}, r"tts\.voice\.rate: 89"),
        ({"rate": 90, "speed_range": [0.8, 1]}, r"tts\.voice: a rate of 90 .* 0\.8 is 72, not 80"),
        ({"speed_range": [0.4, 1]}, r"tts\.voice\.speed_range"),
        ({"engine": "bark", "rate": 150}, r"tts\.voice\.rate: engine bark has no such setting"),
        ({"engine": "coqui", "pitch": 9}, r"tts\.voice\.pitch: engine coqui has no such setting"),
    ],
)
def test_a_config_is_refused_before_anything_is_fetched(tts, message):
    with pytest.raises(InputError, match=message):
        changed(**IN_NO_LANGUAGE, language="fr", **with_tts(**{"engine": "espeak"} | tts))


def test_a_config_may_give_rate_pitch_and_voices():
    tts = {"engine": "espeak", "voices": ["fr", "fr-be+f2"], "rate": 150, "pitch": 40}
    config = changed(**IN_NO_LANGUAGE, language="fr", **with_tts(**tts))
    assert tts.items() <= config["tts"]["voice"].items()
    assert ENGINES["espeak"].languages == espeak_voices.LANGUAGES


def test_the_command_refuses_a_setting_that_an_engine_has_not(tmp_path):
    with pytest.raises(InputError, match="--pitch: engine hibari has no such setting"):
        run(tmp_path, engine="hibari", resources=tmp_path / "model", pitch=40)
