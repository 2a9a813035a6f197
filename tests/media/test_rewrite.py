"""A video is read, paced and written again: what flashed and beeped together still does, at the same time."""

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from tests.builders import cut_off, make_clip, spoil_packets
from tvsl_core.media.read.frames import read_all_frames
from tvsl_core.media.read.probe import probe
from tvsl_core.media.write.encode import VideoEncoder
from tvsl_core.media.write.pace import pace, timeline_zero
from tvsl_core.media.write.sound import SoundSource
from tvsl_core.types import Frame

IN_SYNC_S = 0.040
NTSC = Fraction(30000, 1001)


def rewrite(source, target, *, start=Fraction(0), end=None, clock=None):
    """The path of a heatmap video, without the heat. Gives the encoded path and its time 0 on the source's timeline."""
    info = probe(source)
    frames = list(read_all_frames(info, start_s=float(start), end_s=None if end is None else float(end)))
    rate = info.frame_rate
    zero = timeline_zero(frames[0].time, clock or rate, start)
    sound = SoundSource.of(info, start=zero, end=end)
    with VideoEncoder(
        target, width=info.width, height=info.height, frame_rate=rate, clock=clock, sound=sound
    ) as encoder:
        for frame, repeat in pace(frames, frame_rate=clock or rate, zero=zero, end=end):
            encoder.write(frame.pixels, repeat=repeat)
    return target, float(zero)


def flashes(path):
    """When the picture turns white."""
    with av.open(str(path)) as container:
        seen = [(float(f.time), f.to_ndarray(format="gray").mean() > 128) for f in container.decode(video=0)]
    return np.array([t for (_, before), (t, now) in pairwise(seen) if now and not before])


def beeps(path):
    """When the sound sets in, after at least 0.2 s of quiet."""
    times, levels = [], []
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].rate
        for frame in container.decode(audio=0):
            samples = np.abs(frame.to_ndarray().astype("f8")).reshape(-1, frame.samples).max(0)
            times.append(float(frame.time) + np.arange(frame.samples) / rate)
            levels.append(samples)
    loud = np.concatenate(times)[np.concatenate(levels) > 0.15]
    return loud[np.diff(loud, prepend=-10) > 0.2]


CLIPS = {
    "mp4 25": {},
    "mp4 29.97": {"fps": NTSC},
    "mkv 29.97": {"container": "mkv", "fps": NTSC},
    "mov 10 fps": {"container": "mov", "fps": 10},
    "webm": {"container": "webm", "codec": "libvpx-vp9", "audio": "libopus", "audio_rate": 48000},
    "avi mp3": {"container": "avi", "codec": "mpeg4", "audio": "mp3"},
    "ts": {"container": "ts"},
    "sound late": {"audio_start_s": 0.7},
    "sound late mkv": {"audio_start_s": 0.7, "container": "mkv"},
    "picture late": {"picture_start_s": 0.71},
    "picture late mkv": {"picture_start_s": 0.71, "container": "mkv", "fps": NTSC},
    "picture late 10 fps": {"picture_start_s": 0.25, "fps": 10},
    "sound with a gap": {"audio_gap": (0.8, 1.1), "container": "mkv"},
    "sound short": {"audio_seconds": 1.9},
    "sound long": {"audio_seconds": 4.0},
    "stereo 96 kHz": {"container": "mkv", "audio": "pcm_s16le", "audio_rate": 96000, "audio_layout": "stereo"},
}


@pytest.mark.parametrize("made", CLIPS.values(), ids=CLIPS)
@pytest.mark.parametrize("cut", [(Fraction(0), None), (Fraction(11, 10), Fraction(28, 10))], ids=["whole", "cut"])
def test_flash_and_beep_stay_together_at_their_time(tmp_path, made, cut):
    made = {"seconds": 3, "size": (64, 48), **made}
    source = make_clip(tmp_path / f"s.{made.pop('container', 'mp4')}", **made)
    path, zero = rewrite(source, tmp_path / "out.mp4", start=cut[0], end=cut[1])

    # A late picture is held still before it begins, so its first change is the first whole flash.
    seen, heard = flashes(path), beeps(path)
    before_seen, before_heard = flashes(source), beeps(source)
    assert len(seen) >= 1
    if cut[1] is None:
        origin = float(probe(source).origin)
        assert len(seen) == len(before_seen)
        assert len(heard) == len(before_heard)
        assert np.abs(seen + zero - (before_seen - origin)).max() < IN_SYNC_S
        assert np.abs(heard + zero - (before_heard - origin)).max() < IN_SYNC_S
    together = [np.abs(heard - t).min() for t in seen if np.abs(heard - t).min() < 0.3]
    assert together
    assert max(together) < IN_SYNC_S


def test_a_stretch_after_the_sounds_end_is_silent(tmp_path):
    source = make_clip(tmp_path / "s.mp4", seconds=3, size=(64, 48), audio_seconds=0.5)
    path, _ = rewrite(source, tmp_path / "out.mp4", start=Fraction(1), end=Fraction(2))

    assert len(flashes(path)) == 1
    assert len(beeps(path)) == 0


@pytest.mark.parametrize("audio", ["aac", "mp3"])
def test_a_file_that_was_cut_off_gives_a_video_that_plays_to_its_end(tmp_path, audio):
    source = make_clip(tmp_path / "s.mp4", seconds=3, size=(64, 48), audio=audio, options={"movflags": "+faststart"})
    path, _ = rewrite(cut_off(source, share=0.6), tmp_path / "out.mp4")

    assert np.abs(beeps(path)[0] - flashes(path)[0]) < IN_SYNC_S


@pytest.mark.parametrize(("container", "audio"), [("mp4", "aac"), ("mkv", "mp3"), ("mkv", "libopus")])
def test_damaged_sound_does_not_stop_the_video(tmp_path, container, audio):
    source = make_clip(tmp_path / f"s.{container}", seconds=3, size=(64, 48), audio=audio, audio_rate=48000)
    spoil_packets(source, range(20, 50), kind="audio")
    path, _ = rewrite(source, tmp_path / "out.mp4")

    assert len(flashes(path)) == 3
    assert np.abs(beeps(path)[-1] - flashes(path)[-1]) < IN_SYNC_S


def test_frame_count_rate_and_length_survive(tmp_path):
    source = make_clip(tmp_path / "s.mp4", seconds=2, size=(64, 48), fps=NTSC)
    path, _ = rewrite(source, tmp_path / "out.mp4")

    for file in (source, path):
        with av.open(str(file)) as container:
            video = container.streams.video[0]
            assert video.average_rate == NTSC
            assert sum(1 for _ in container.decode(video)) == 60


def test_a_variable_rate_keeps_its_times(tmp_path):
    times = [0, 0.04, 0.08, 0.4, 0.44, 0.48, 1.2, 1.24, 1.28, 1.32, 1.36, 1.4, 1.44, 1.8]
    source = make_clip(tmp_path / "s.mkv", frame_times=times, size=(64, 48))
    path, zero = rewrite(source, tmp_path / "out.mp4", end=Fraction(2))

    slot = 1 / float(probe(source).frame_rate)
    assert np.abs(flashes(path) + zero - flashes(source)).max() <= slot / 2 + 0.002


@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_on_a_fine_clock_every_frame_keeps_its_own_time(tmp_path, container):
    times = [0, 0.04, 0.08, 0.4, 0.44, 0.48, 1.2, 1.24, 1.28, 1.32, 1.36, 1.4, 1.44, 1.8]
    source = make_clip(tmp_path / f"s.{container}", frame_times=times, size=(64, 48))
    path, _ = rewrite(source, tmp_path / "out.mp4", end=Fraction(2), clock=Fraction(90_000))

    with av.open(str(path)) as file:
        video = file.streams.video[0]
        stamps = [frame.pts * frame.time_base for frame in file.decode(video)]
        assert float(video.duration * video.time_base) == pytest.approx(2, abs=0.001)
    assert np.abs(np.array(stamps, float) - times).max() < 0.0011
    assert np.abs(beeps(path)[0] - flashes(path)[0]) < IN_SYNC_S


def still(time):
    return Frame(time=Fraction(time), pts=0, index=0, pixels=np.zeros((1, 1, 3), np.uint8))


def paced(times, **more):
    return [(float(frame.time), repeat) for frame, repeat in pace([still(t) for t in times], **more)]


def test_pacing_repeats_and_drops():
    rate = {"frame_rate": Fraction(10), "zero": Fraction(0)}

    assert paced(["0", "1/10", "2/10"], **rate) == [(0, 1), (0.1, 1), (0.2, 1)]
    assert paced(["0", "3/10"], **rate) == [(0, 3), (0.3, 1)]
    assert paced(["0", "1/100", "1/10"], **rate) == [(0.01, 1), (0.1, 1)]
    assert paced(["5/10"], **rate) == [(0.5, 6)]
    assert paced(["0"], **rate, end=Fraction(1)) == [(0, 10)]
    assert paced([], **rate) == []


def test_steady_frames_are_never_dropped_or_doubled_whatever_their_offset():
    for offset in (Fraction(0), Fraction(1, 60), Fraction(1024, 48000), Fraction(-1, 90), Fraction(7, 3)):
        for jitter in (Fraction(0), Fraction(1, 2000), Fraction(-1, 2000)):
            times = [offset + n / NTSC + jitter * (n % 2) for n in range(200)]
            zero = timeline_zero(times[0], NTSC, Fraction(0))
            repeats = [repeat for _, repeat in pace(map(still, times), frame_rate=NTSC, zero=zero)]

            assert repeats[1:] == [1] * 199
            assert 0 <= -zero < 1 / NTSC
