"""Which recordings of a domain can be used: with words, readable, and within its bounds.

The bounds on silence, clipping and speaking rate (characters of the transcript per second of sound)
are those of the filter of synthetic speech, unless the domain has its own.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from domains.domain import Domain
from errors import InputError
from files.audio_file import AudioFile, UnreadableAudio
from files.recording import Recording
from files.sound import Sound, clipping_of_recording, measure, mend
from texts.normalise import WITHOUT_SPACES, normalise
from texts.spoken import without_remarks

TOLD = 3  # recordings that are named of each kind: unreadable, left out, mended
LOWEST_RATE = 8_000  # Hz, a telephone's; below it consonants are lost
PAUSES = 2.0  # s before and after the words, which recordings may have and synthetic speech has not


@dataclass(frozen=True)
class Utterance:
    """A recording that passed the checks."""

    recording: Recording
    place: str
    sentence: str  # normalised
    duration: float = 0  # s, once it is known


@dataclass
class Counts:
    """What was read of a domain, left out and why, and noted."""

    read: int = 0
    left_out: Counter = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)
    out_of_bounds: dict[str, list[str]] = field(default_factory=dict)  # by reason, of the sound
    mended: dict[str, list[str]] = field(default_factory=dict)  # of those kept, by what it was
    reason_of: dict[str, str] = field(default_factory=dict)  # of each recording left out, by id
    left_out_of_given_test: Counter = field(default_factory=Counter)  # among left_out, by reason
    split_texts: int = 0  # at ends of sentences
    sampling_rates: Counter = field(default_factory=Counter)
    more_than_one_channel: int = 0

    def leave_out(self, utterance: Recording, reason: str) -> None:
        """Count a recording that is left out."""
        self.left_out[reason] += 1
        self.reason_of[utterance.id] = reason


@dataclass(frozen=True)
class Take:
    """What was heard of a recording; ``sound`` is null if its duration alone speaks against it."""

    duration: float  # s, as its header says
    rate: int  # Hz
    channels: int
    sound: Sound | None
    mended: list[str]


def words(text: str, language: str) -> int:
    """Return the number of words that have a letter or digit.

    Where no spaces part words, each character is one.
    """
    if language in WITHOUT_SPACES:
        return len(normalise(text, language).split())
    return sum(any(map(str.isalnum, word)) for word in text.split())


def keep_usable(
    recordings: Iterable[tuple[Recording, str]], domain: Domain, jobs: int, counts: Counts
) -> list[Utterance]:
    """Return the utterances within the domain's bounds; count the others by reason.

    Some may be too long for other splits than test (see ``is_learnable``).
    """
    with_words = []
    for recording, place in recordings:
        counts.read += 1
        recording = as_said(recording)
        sentence = normalise(recording.text, domain.language)
        if not sentence:
            counts.leave_out(recording, "no word in the text")
        elif words(recording.text, domain.language) < domain.min_words:
            counts.leave_out(recording, f"fewer than {domain.min_words} words")
        else:
            with_words.append(Utterance(recording, place, sentence))
    kept = []
    for utterance, take in each_readable(partial(listen, domain), with_words, domain, jobs, counts):
        if take.duration < domain.min_duration:
            counts.leave_out(utterance.recording, f"shorter than {domain.min_duration:g} s")
        elif take.duration > domain.max_test_duration:
            counts.leave_out(utterance.recording, f"longer than {domain.max_test_duration:g} s")
        elif take.sound and (
            fault := out_of_bounds(utterance.recording.text, take.sound, take.rate, domain)
        ):
            reason, value = fault
            counts.leave_out(utterance.recording, reason)
            counts.out_of_bounds.setdefault(reason, []).append(f"{name(utterance)}: {value}")
        else:
            counts.sampling_rates[take.rate] += 1
            counts.more_than_one_channel += take.channels > 1
            for flaw in take.mended:
                counts.mended.setdefault(flaw, []).append(name(utterance))
            kept.append(replace(utterance, duration=take.duration))
    return kept


def is_learnable(utterance: Utterance, domain: Domain) -> bool:
    """Say whether an utterance is short enough for train and dev: of part of a text none learns."""
    return utterance.duration <= domain.max_duration


def leave_out_long(utterances: Iterable[Utterance], domain: Domain, counts: Counts) -> None:
    """Count and name those that are too long to learn from, and not tested on."""
    reason = f"longer than {domain.max_duration:g} s, and not in test"
    for utterance in utterances:
        if not is_learnable(utterance, domain):
            counts.leave_out(utterance.recording, reason)
            told = f"{name(utterance)}: {utterance.duration:.4g} s"
            counts.out_of_bounds.setdefault(reason, []).append(told)


def name(utterance: Utterance) -> str:
    """Return where a recording stands, and its id."""
    id = utterance.recording.id
    return utterance.place if utterance.place.endswith(f":{id}") else f"{utterance.place}: {id!r}"


def out_of_bounds(text: str, sound: Sound, rate: int, domain: Domain) -> tuple[str, str] | None:
    """Return the first bound that a recording of ``rate`` Hz breaks, and by how much."""
    characters = len(" ".join(text.split()))
    fast = characters / sound.duration if sound.duration else math.inf
    sounding = max(0.0, sound.duration * (1 - sound.silence) - PAUSES)
    slow = characters / sounding if sounding else math.inf
    if rate < LOWEST_RATE:
        return f"sampling rate below {LOWEST_RATE} Hz", f"{rate} Hz"
    if sound.silence > domain.max_silence:
        return f"silence over {domain.max_silence:g}", f"{sound.silence:.4g}"
    if sound.clipping > domain.max_clipping:
        return f"clipping over {domain.max_clipping:g}", f"{sound.clipping:.4g}"
    if fast > domain.max_speaking_rate:
        return f"over {domain.max_speaking_rate:g} characters/s", f"{fast:.4g}"
    if slow < domain.min_speaking_rate:
        return f"under {domain.min_speaking_rate:g} characters/s", f"{slow:.4g}"
    return None


def as_said(recording: Recording) -> Recording:
    """Return a recording with the text that its synthetic twin would have: folded, no remarks.

    The transcript as it was given stands in the manifest as ``raw_text`` where it is another.
    """
    text = without_remarks(recording.text)
    if text == " ".join(recording.text.split()):
        return recording
    extra = recording.extra | {"raw_text": recording.text}
    return replace(recording, text=text, extra=extra)


def each_readable(
    work: Callable[[Utterance], Any],
    utterances: list[Utterance],
    domain: Domain,
    jobs: int,
    counts: Counts,
) -> list[tuple[Utterance, Any]]:
    """Return each utterance with what ``work`` makes of it, done in ``jobs`` threads.

    Those whose audio is missing or broken are refused all together, or left out and counted.
    """

    def attempt(utterance: Utterance) -> Any:
        try:
            return work(utterance)
        except UnreadableAudio as error:
            return error

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        results = list(zip(utterances, pool.map(attempt, utterances), strict=True))
    failures = [result for _, result in results if isinstance(result, UnreadableAudio)]
    if failures and not domain.skip_missing_audio:
        raise InputError(
            f"the audio of {len(failures)} of {len(results)} recordings is missing or broken:"
            f" {'; '.join(map(str, failures[:TOLD]))}; get it (paths are absolute, or relative"
            " to their file's folder or to that which the workflow runs in), or set"
            " skip_missing_audio: true in the domain to leave such recordings out"
        )
    for utterance, result in results:
        if isinstance(result, UnreadableAudio):
            counts.leave_out(utterance.recording, result.reason)
    counts.unreadable += map(str, failures)
    return [each for each in results if not isinstance(each[1], UnreadableAudio)]


def listen(domain: Domain, utterance: Utterance) -> Take:
    """Return what is heard of a recording; nothing is, of one that is too short or too long."""
    load = utterance.recording.load
    if isinstance(load, AudioFile):
        duration, rate, channels = load.measure()
        if not domain.min_duration <= duration <= domain.max_test_duration:
            return Take(duration, rate, channels, None, [])
    samples, rate = samples_of(utterance)
    if not isinstance(load, AudioFile):
        duration, channels = len(samples) / rate, samples.shape[1]
    waveform, mended = mend(samples)
    sound = replace(measure(waveform, rate), clipping=clipping_of_recording(samples))
    return Take(duration, rate, channels, sound, mended)


def waveform_of(utterance: Utterance) -> tuple[np.ndarray, int]:
    """Return a recording, mended: float32 [n_samples], and its sampling rate in Hz."""
    samples, rate = samples_of(utterance)
    return mend(samples)[0], rate


def samples_of(utterance: Utterance) -> tuple[np.ndarray, int]:
    """Return float32 [n_samples, n_channels], all of them finite, and the sampling rate in Hz."""
    load = utterance.recording.load
    if isinstance(load, AudioFile):
        return load.channels()
    waveform, rate = load()
    return waveform[:, None], rate
