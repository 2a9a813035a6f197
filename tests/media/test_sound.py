from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.builders import beep, flash_at, make_clip, spoil_packets
from tvsl_core.media.read.frames import read_all_frames
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.sound import BLOCK_S, SoundStream
from tvsl_core.types import VideoInfo

RATE = 16000
IN_SYNC_S = 0.040


def whole(info: VideoInfo, *, rate: int = RATE, extra_s: float = 0.0) -> np.ndarray:
    """All of the sound in one window."""
    with SoundStream(info, sample_rate=rate) as sound:
        return sound.window(0, info.duration_s + extra_s)


def onsets(on: np.ndarray, times: np.ndarray) -> list[float]:
    """When something goes on after it was off for at least 0.3 s."""
    lit = times[on]
    return [float(b) for a, b in zip([-9.0, *lit], lit, strict=False) if b - a > 0.3]


def beeps(samples: np.ndarray, *, rate: int = RATE) -> list[float]:
    return onsets(np.abs(samples) > 0.1, np.arange(len(samples)) / rate)


def flashes(info: VideoInfo) -> list[float]:
    frames = [(float(frame.time), frame.pixels.mean() > 128) for frame in read_all_frames(info)]
    return onsets(np.array([lit for _, lit in frames]), np.array([time for time, _ in frames]))


SYNC = [
    ("plain.mp4", {}),
    ("plain.mov", {"audio": "pcm_s16le"}),
    ("plain.mkv", {}),
    ("plain.ts", {}),
    ("plain.webm", {"codec": "libvpx-vp9", "audio": "libopus", "audio_rate": 48000}),
    ("vorbis.mkv", {"audio": "vorbis", "audio_layout": "stereo"}),
    ("mp3.avi", {"codec": "mpeg4", "audio": "libmp3lame"}),
    ("h264.avi", {"audio": "pcm_s16le"}),
    ("b-frames.avi", {"audio": "libmp3lame"}),
    ("mpeg2.mpg", {"codec": "mpeg2video", "audio": "mp2"}),
    ("ntsc.mp4", {"fps": Fraction(30000, 1001)}),
    ("ntsc.mkv", {"fps": Fraction(30000, 1001)}),
    ("turned.mp4", {"rotation": 90}),
    ("late sound.mp4", {"audio_start_s": 0.7}),
    ("late sound.mkv", {"audio_start_s": 0.7}),
    ("late sound.ts", {"audio_start_s": 0.7}),
    ("late sound.webm", {"codec": "libvpx-vp9", "audio": "libopus", "audio_rate": 48000, "audio_start_s": 0.7}),
    ("late picture.mp4", {"picture_start_s": 0.72}),
    ("late picture.mkv", {"picture_start_s": 0.72}),
    ("late picture.ts", {"picture_start_s": 0.72}),
    ("both late.mkv", {"picture_start_s": 0.52, "audio_start_s": 0.9}),
    ("gap.mkv", {"audio_gap": (1.7, 2.2)}),
    ("gap.mp4", {"audio_gap": (1.7, 2.2)}),
    ("gap.ts", {"audio_gap": (1.7, 2.2)}),
]


@pytest.mark.parametrize(("name", "recipe"), SYNC, ids=[name for name, _ in SYNC])
def test_picture_and_sound_stay_together(tmp_path, name, recipe):
    info = probe(make_clip(tmp_path / name, **{"seconds": 4, "size": (64, 48), **recipe}))
    heard, seen = beeps(whole(info, extra_s=1)), flashes(info)
    late = max(recipe.get("audio_start_s", 0), recipe.get("picture_start_s", 0)) - float(info.origin)

    both = [(h, min(seen, key=lambda s: abs(s - h))) for h in heard if h > late + 0.3 and h < info.duration_s - 0.3]
    assert len(both) >= 2
    assert max(abs(h - s) for h, s in both) < IN_SYNC_S


@pytest.mark.slow
def test_picture_and_sound_are_together_after_three_minutes(tmp_path):
    recipe = {"fps": Fraction(30000, 1001), "size": (64, 48), "seconds": 180}
    info = probe(make_clip(tmp_path / "a.mp4", **recipe))

    assert abs(beeps(whole(info))[-1] - flashes(info)[-1]) < IN_SYNC_S


@pytest.mark.parametrize(
    ("audio", "rate"), [("pcm_s16le", 8000), ("pcm_s16le", 192000), ("pcm_u8", 22050), ("flac", 96000)]
)
@pytest.mark.parametrize("out", [8000, 16000, 44100])
def test_any_rate_comes_out_in_time(tmp_path, audio, rate, out):
    info = probe(make_clip(tmp_path / "a.mkv", audio=audio, audio_rate=rate, codec="mpeg4", size=(32, 32)))
    samples = whole(info, rate=out)

    assert beeps(samples, rate=out) == pytest.approx([0.4, 1.4], abs=0.003)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("layout", ["mono", "stereo", "2.1", "quad", "5.1", "7.1"])
@pytest.mark.parametrize("audio", ["pcm_s16le", "pcm_s24le", "pcm_f32le", "pcm_f64le"])
def test_channels_are_averaged(tmp_path, layout, audio):
    def ramp(seconds: np.ndarray) -> np.ndarray:
        count = {"mono": 1, "stereo": 2, "2.1": 3, "quad": 4, "5.1": 6, "7.1": 8}[layout]
        return np.stack([np.full_like(seconds, 0.1 * (channel + 1)) for channel in range(count)])

    recipe = {"audio": audio, "audio_layout": layout, "audio_rate": RATE, "codec": "mpeg4", "size": (32, 32)}
    info = probe(make_clip(tmp_path / "a.mkv", sound=ramp, seconds=0.5, **recipe))

    assert whole(info)[:7000] == pytest.approx(float(ramp(np.zeros(1)).mean()), abs=1e-3)


@pytest.mark.parametrize("audio", ["aac", "libopus", "ac3", "flac"])
@pytest.mark.parametrize("layout", ["stereo", "5.1", "7.1"])
def test_many_channels_in_planes_do_not_crash(tmp_path, audio, layout):
    if audio == "ac3" and layout == "7.1":
        pytest.skip("AC-3 has at most six channels")
    recipe = {"audio": audio, "audio_layout": layout, "audio_rate": 48000, "codec": "mpeg4", "sound": "tone"}
    samples = whole(probe(make_clip(tmp_path / "a.mkv", seconds=1, **recipe)))

    assert 0.3 < np.abs(samples[2000:14000]).max() < 0.7


def test_full_scale_in_every_channel_does_not_clip(tmp_path):
    def square(seconds: np.ndarray) -> np.ndarray:
        return np.where(np.sin(2 * np.pi * 100 * seconds) >= 0, 1.0, -1.0)

    recipe = {"audio": "pcm_f32le", "audio_layout": "5.1", "audio_rate": RATE, "codec": "mpeg4"}
    samples = whole(probe(make_clip(tmp_path / "a.mkv", sound=square, seconds=0.5, **recipe)))

    assert np.abs(samples[:7000]) == pytest.approx(1.0)


def test_samples_that_are_no_numbers_become_silence(tmp_path):
    def broken(seconds: np.ndarray) -> np.ndarray:
        return np.where(
            np.arange(len(seconds)) % 100 == 0, np.nan, np.where(np.arange(len(seconds)) % 7 == 0, 9.0, 0.0)
        )

    recipe = {"audio": "pcm_f32le", "codec": "mpeg4"}
    samples = whole(probe(make_clip(tmp_path / "a.mkv", sound=broken, seconds=0.5, **recipe)))

    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1


def tone_clip(path: Path, **recipe) -> VideoInfo:
    return probe(
        make_clip(path, **{"codec": "mpeg4", "size": (32, 32), "audio": "pcm_s16le", "sound": "tone", **recipe})
    )


def expected_tone(start: float, end: float, *, since: float = 0, until: float = 1e9) -> np.ndarray:
    seconds = np.arange(round(start * RATE), round(end * RATE)) / RATE
    return 0.5 * np.sin(2 * np.pi * 440 * seconds) * (seconds >= since) * (seconds < until)


def error(samples: np.ndarray, expected: np.ndarray) -> float:
    """Root mean square of the difference."""
    assert samples.shape == expected.shape
    return float(np.sqrt(np.mean((samples - expected) ** 2)))


def test_every_sample_is_where_it_belongs(tmp_path):
    info = tone_clip(tmp_path / "a.mov", seconds=3, audio_rate=44100)
    samples = whole(info)

    assert error(samples, expected_tone(0, 3)) < 0.005
    assert error(samples[-100:], expected_tone(0, 3)[-100:]) < 0.05  # to the last sample, but for the filter's edge


def test_silence_stands_before_a_late_start_in_gaps_and_after_the_end(tmp_path):
    info = tone_clip(
        tmp_path / "a.mp4", audio="flac", seconds=4, audio_start_s=0.5, audio_seconds=2.5, audio_gap=(1.5, 2.0)
    )
    samples = whole(info)

    for start, end in [(0, 0.45), (1.6, 1.9), (3.1, 4.0)]:
        assert np.abs(samples[int(start * RATE) : int(end * RATE)]).max() < 0.01
    for start, end in [(0.55, 1.45), (2.1, 2.9)]:
        part = slice(int(start * RATE), int(end * RATE))
        assert error(samples[part], expected_tone(0, 4)[part]) < 0.01


def test_windows_have_exactly_their_length_and_silence_around_the_video(tmp_path):
    info = tone_clip(tmp_path / "a.mkv", seconds=1)
    with SoundStream(info, sample_rate=RATE) as sound:
        before = sound.window(-0.5, 0.5)
        after = sound.window(0.75, 5.0)

    assert len(before) == RATE
    assert not before[: RATE // 2].any()
    assert error(before, np.concatenate([np.zeros(RATE // 2), expected_tone(0, 0.5)])) < 0.005
    assert len(after) == round(4.25 * RATE)
    assert not after[RATE // 2 :].any()


@pytest.mark.parametrize("step", [0.1, 0.37, 1.0, 3.0])
def test_overlapping_windows_say_the_same_as_one(tmp_path, step):
    info = tone_clip(tmp_path / "a.mp4", seconds=6, audio="aac", sound=beep)
    everything = whole(info)
    with SoundStream(info, sample_rate=RATE) as sound:
        start = -1.0
        while start < 6:
            window = sound.window(start, start + 2)
            inside = slice(max(0, round(start * RATE)), min(len(everything), round((start + 2) * RATE)))
            offset = inside.start - round(start * RATE)
            part = window[offset : offset + inside.stop - inside.start]
            assert np.array_equal(part, everything[inside])
            start += step


def test_a_window_far_ahead_is_right(tmp_path):
    info = tone_clip(tmp_path / "a.mkv", seconds=8)
    with SoundStream(info, sample_rate=RATE) as sound:
        sound.window(0, 0.5)

        assert error(sound.window(6, 7), expected_tone(6, 7)) < 0.005
        assert sound.largest_buffer <= (1 + BLOCK_S) * RATE + 4096


def test_a_window_that_goes_back_is_refused(tmp_path):
    with SoundStream(tone_clip(tmp_path / "a.mkv", seconds=3), sample_rate=RATE) as sound:
        sound.window(2, 3)
        with pytest.raises(ValueError, match="windows must advance"):
            sound.window(0.5, 1)


@pytest.mark.parametrize("options", [{"sample_rate": 0}, {"sample_rate": RATE, "start_s": -1}])
def test_senseless_options_are_refused(tmp_path, options):
    with pytest.raises(ValueError, match="must"):
        SoundStream(tone_clip(tmp_path / "a.mkv", seconds=0.2), **options)


@pytest.mark.parametrize("seconds", [0.3, 0.5, 1.0])
def test_blocks_put_together_are_the_whole(tmp_path, seconds):
    info = tone_clip(tmp_path / "a.mkv", seconds=2.2)
    with SoundStream(info, sample_rate=RATE) as sound:
        blocks = list(sound.blocks(seconds))

    assert {len(block) for block in blocks[:-1]} == {round(seconds * RATE)}
    joined = np.concatenate(blocks)
    assert len(joined) == pytest.approx(2.2 * RATE, abs=0.05 * RATE)
    assert np.array_equal(joined[: 2 * RATE], whole(info)[: 2 * RATE])


def test_blocks_go_on_to_the_end_of_the_picture(tmp_path):
    info = tone_clip(tmp_path / "a.mkv", seconds=3, audio_seconds=1)
    with SoundStream(info, sample_rate=RATE) as sound:
        joined = np.concatenate(list(sound.blocks(0.7)))

    assert len(joined) == pytest.approx(3 * RATE, abs=0.05 * RATE)


def test_blocks_stop_where_they_are_told(tmp_path):
    with SoundStream(tone_clip(tmp_path / "a.mov", seconds=3), sample_rate=RATE, start_s=1) as sound:
        blocks = list(sound.blocks(0.4, end_s=2))

    assert [len(block) for block in blocks] == [6400, 6400, 3200]
    assert error(np.concatenate(blocks), expected_tone(1, 2)) < 0.005


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("a.mkv", {}),
        ("a.mov", {}),
        ("a.mp4", {"audio": "aac"}),
        ("a.avi", {"audio": "libmp3lame"}),
        ("a.ts", {"audio": "aac", "codec": "libx264"}),
        ("a.webm", {"codec": "libvpx-vp9", "audio": "libopus", "audio_rate": 48000}),
    ],
)
def test_a_late_beginning_is_reached_by_a_jump(tmp_path, name, recipe):
    info = tone_clip(tmp_path / name, seconds=12, fps=5, **{"sound": beep, **recipe})
    from_zero = whole(info)[9 * RATE : 11 * RATE]
    with SoundStream(info, sample_rate=RATE, start_s=9) as sound:
        jumped = sound.window(9, 11)

    assert len(beeps(jumped)) == 2
    assert beeps(jumped) == pytest.approx(beeps(from_zero), abs=0.002)
    if name.endswith(("mp4", "mov")):  # others round their stamps to milliseconds
        assert error(jumped, from_zero) < 0.01


def test_a_video_without_sound_is_silence(tmp_path):
    info = probe(make_clip(tmp_path / "a.mp4", audio=None, seconds=1))
    with SoundStream(info, sample_rate=RATE) as sound:
        assert sound.silent
        assert len(sound.window(-1, 3)) == 4 * RATE
        assert not sound.window(0, 3).any()
        assert sum(len(block) for block in sound.blocks(0.3)) > 0


def test_the_chosen_track_is_heard(tmp_path):
    clip = make_clip(tmp_path / "a.mkv", audio_tracks=2, sound=["silence", "tone"], default_track=0, seconds=1)

    assert np.abs(whole(probe(clip))).max() < 0.01
    assert np.abs(whole(probe(clip, audio_track=1))).max() > 0.4


def noise(seconds: np.ndarray) -> np.ndarray:
    return np.random.default_rng(round(float(seconds[0]) * 1000)).uniform(-0.5, 0.5, len(seconds))


@pytest.mark.parametrize("audio", ["flac", "aac", "libmp3lame", "pcm_s16le"])
def test_damaged_sound_becomes_silence_and_a_warning(tmp_path, audio):
    name = "a.mov" if audio == "pcm_s16le" else "a.mp4"
    info = tone_clip(tmp_path / name, seconds=4, audio=audio, sound=lambda t: noise(t) * 0.2 + beep(t))
    clean = whole(info)
    spoil_packets(info.path, range(20, 26), kind="audio")
    with SoundStream(probe(info.path), sample_rate=RATE) as sound:
        samples = sound.window(0, info.duration_s)
        warnings = sound.warnings

    assert np.isfinite(samples).all()
    assert error(samples[-RATE:], clean[-RATE:]) < 0.03
    assert error(samples[: RATE // 4], clean[: RATE // 4]) < 0.01
    if audio == "flac":
        assert any("damaged sound packet" in warning for warning in warnings)


def test_stamps_that_jump_by_hours_do_not_swallow_the_sound(tmp_path, monkeypatch):
    import tvsl_core.media.read.sound as module

    info = tone_clip(tmp_path / "a.mkv", seconds=3)
    real = module.stamp
    monkeypatch.setattr(module, "stamp", lambda item: 36_000_000 if 900 < (real(item) or 0) < 1000 else real(item))

    assert error(whole(info)[:47000], expected_tone(0, 3)[:47000]) < 0.01


@pytest.mark.parametrize("window", [0.5, 2.0])
def test_memory_is_one_window_and_one_block(tmp_path, window):
    info = tone_clip(tmp_path / "a.mkv", seconds=40, fps=2, audio_gap=(5, 30))
    with SoundStream(info, sample_rate=RATE) as sound:
        for n in range(80):
            sound.window(n / 2, n / 2 + window)

        assert sound.largest_buffer <= (window + BLOCK_S) * RATE + 4096


def test_the_oracle_of_these_tests_beeps_when_it_flashes():
    seconds = np.arange(0, 3, 0.01)

    assert flash_at(0.41)
    assert not flash_at(0.39)
    assert not beep(seconds)[~flash_at(seconds)].any()
