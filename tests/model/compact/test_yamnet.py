from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tvsl_core.model.compact.yamnet import HOP, SAMPLE_RATE, SPAN, count_positions


def noise(samples: int, *, seed: int = 0, level: float = 0.1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, samples, generator=generator) * level


@given(samples=st.integers(1, 10_000_000))
def test_every_sample_is_heard_and_no_position_hears_only_padding(samples):
    positions = count_positions(samples)

    assert SPAN + (positions - 1) * HOP >= samples
    assert positions == 1 or SPAN + (positions - 2) * HOP < samples


def test_no_sound_at_all_is_an_error():
    with pytest.raises(ValueError, match="got 0"):
        count_positions(0)


@settings(max_examples=8, deadline=None)
@given(samples=st.integers(1, 4 * SAMPLE_RATE))
def test_the_network_gives_as_many_positions_as_it_says(towers, samples):
    with torch.inference_mode():
        scores, embeddings = towers.sound(noise(samples))

    assert scores.shape == (1, count_positions(samples), 521)
    assert embeddings.shape == (1, count_positions(samples), 1024)
    assert bool(((scores >= 0) & (scores <= 1)).all())


def test_a_position_hears_its_own_span_and_nothing_else(towers):
    sound = noise(SPAN + 5 * HOP)
    with torch.inference_mode():
        whole, _ = towers.sound(sound)
        alone, _ = towers.sound(sound[:, 2 * HOP : 2 * HOP + SPAN])

    torch.testing.assert_close(whole[:, 2], alone[:, 0], atol=1e-5, rtol=1e-4)


def test_short_sound_is_padded_with_zeros_behind(towers):
    sound = noise(5_000)
    padded = torch.cat((sound, torch.zeros(1, SPAN - 5_000)), dim=1)
    with torch.inference_mode():
        torch.testing.assert_close(towers.sound(sound)[0], towers.sound(padded)[0])


def test_the_front_end_is_the_published_formula(towers):
    sound = noise(SPAN, level=0.3)
    frame = 37
    n = torch.arange(400)
    window = 0.5 - 0.5 * torch.cos(2 * math.pi * n / 400)
    spectrum = torch.fft.rfft(sound[0, frame * 160 : frame * 160 + 400] * window, n=512).abs()

    expected = torch.log(towers.sound.mel @ spectrum + 0.001)

    torch.testing.assert_close(towers.sound.log_mel(sound)[0, 0, frame], expected, atol=1e-4, rtol=1e-4)


def test_the_bands_rise_from_125_to_7500_hertz(towers):
    hertz = torch.linspace(0, SAMPLE_RATE / 2, 257)
    centres = (towers.sound.mel * hertz).sum(dim=1) / towers.sound.mel.sum(dim=1)
    heard = towers.sound.mel.sum(dim=0) > 0

    assert bool((centres.diff() > 0).all())
    assert hertz[heard].min() >= 125 and hertz[heard].max() <= 7500


@pytest.mark.parametrize(("hertz", "label"), [(1000.0, "Sine wave"), (440.0, "Sine wave")])
def test_a_pure_tone_is_named_as_one(towers, hertz, label):
    time = torch.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    with torch.inference_mode():
        scores, _ = towers.sound(0.5 * torch.sin(2 * math.pi * hertz * time)[None])
    best = scores[0].mean(dim=0).topk(5).indices.tolist()

    assert label in {towers.sounds.labels[index].key for index in best}
