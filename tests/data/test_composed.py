"""Benchmarks that are composed from the sample videos."""

from pathlib import Path

import numpy as np
import pytest

from tvsl_core.data.benchmarks.composed import NAMES, NUMBER, compose, find_moments
from tvsl_core.errors import InputError, ManifestError

FOLDER = Path(__file__).resolve().parents[2] / "sample_videos"

pytestmark = pytest.mark.skipif(not (FOLDER / "truth.json").is_file(), reason="the sample videos are not here")


def test_a_moment_has_one_object_that_sounds_alone_inside_its_cut_out():
    moments = find_moments(FOLDER)

    assert len({moment.name for moment in moments}) >= 5
    for moment in moments:
        assert moment.alone[0] <= moment.time_s < moment.alone[1]
        assert 0 <= moment.box[0] < moment.box[2] <= 1
        assert 0 <= moment.box[1] < moment.box[3] <= 1


def test_people_who_speak_are_left_out_since_their_mouths_would_stand_still():
    assert "speech" not in {moment.name for moment in find_moments(FOLDER)}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_benchmark(name):
    first, again, other = (compose(name, FOLDER, seed=seed).benchmark for seed in (0, 0, 1))

    assert first == again
    assert first.samples != other.samples
    assert len(first.samples) >= NUMBER


def test_each_kind_says_what_sounds_and_what_does_not():
    def one(name):
        return compose(f"composed-{name}", FOLDER).benchmark.samples

    assert all(len(sample.sources) == 1 and len(sample.clips) == 1 for sample in one("single"))
    assert all(len({source.name for source in sample.sources}) == 2 for sample in one("duet"))
    assert {len(sample.names) for sample in one("mixture")} == {1, 2, 3, 4}
    assert all(not sample.names and len(sample.silent) == 2 for sample in one("silent"))
    for sample in one("offscreen"):
        assert not sample.sources
        assert set(sample.names).isdisjoint(sample.silent)
    swaps = one("swap")
    for first, second in zip(swaps[::2], swaps[1::2], strict=True):
        assert first.swap == second.swap
        assert first.clips == second.clips
        assert first.names == second.silent


@pytest.mark.parametrize("name", ["composed-duet", "composed-silent", "composed-offscreen"])
def test_clips_have_a_tile_for_each_object_and_the_sound_of_the_sounding(name):
    made = compose(name, FOLDER)
    load = made.loader()
    for sample in made.benchmark.samples[:3]:
        clip = load(sample, 16000)

        assert clip is not None
        height, width, _ = clip.frame.shape
        assert len(sample.clips) == 1 or width == height * len(sample.clips)
        assert len(clip.waveform) == 5 * 16000
        assert np.abs(clip.waveform).max() <= 1
        loud = np.sqrt(np.mean(clip.waveform**2))
        assert (loud > 0.03) == bool(sample.names) or name == "composed-silent"
        assert name != "composed-silent" or loud < 0.04


def test_no_sample_videos_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match="--media DIR"):
        compose("composed-duet", tmp_path)
    with pytest.raises(InputError, match="composed-duet"):
        compose("composed-trio", FOLDER)
    (tmp_path / "truth.json").write_text('{"clips": {"a": {}}}')
    with pytest.raises(ManifestError, match="truth file"):
        compose("composed-duet", tmp_path)
