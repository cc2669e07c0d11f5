"""Masks on Whisper's features."""

import torch

from recognisers.spec_augment import WIDEST_SHARE, spec_augment


def features(speech: int) -> torch.Tensor:
    """Return features of 3 utterances, 80 mels and 500 frames, the first ``speech`` not silent."""
    made = torch.full((3, 80, 500), -0.7)
    made[:, :, :speech] = torch.rand(3, 80, speech, generator=torch.Generator().manual_seed(0)) + 1
    return made


def test_bands_of_time_and_frequency_are_masked_and_nothing_else_changes():
    whole = features(300)
    torch.manual_seed(3)
    masked = spec_augment(whole)
    changed = masked != whole
    assert changed.any(dim=(1, 2)).all() and (masked[changed] == 0).all()
    for row in changed:
        time, mels = row.all(dim=0), row.all(dim=1)
        assert torch.equal(row, time[None] | mels[:, None])
        assert time.sum() <= 2 * 40 and mels.sum() <= 2 * 27


def test_speech_is_masked_by_its_own_length_and_its_padding_in_no_time():
    for seed in range(50):
        torch.manual_seed(seed)
        time = (spec_augment(features(20)) == 0).all(dim=1)
        assert not time[:, 20:].any()
        assert (time.sum(dim=1) <= 2 * WIDEST_SHARE * 20).all()


def test_masks_are_those_of_the_seed():
    torch.manual_seed(1)
    first = spec_augment(features(300))
    torch.manual_seed(1)
    assert torch.equal(spec_augment(features(300)), first)
    assert not torch.equal(spec_augment(features(300)), first)
