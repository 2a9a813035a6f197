"""Files that are cut off, damaged or nonsense: what is good in them is read, and the user is told the rest."""

import contextlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.builders import counter, cut_off, make_clip, read_counter, spoil_packets
from tvsl_core.errors import MediaError
from tvsl_core.limits import MediaLimits
from tvsl_core.media.read.frames import read_all_frames, read_frames
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.report import ReadReport
from tvsl_core.media.read.sound import SoundStream
from tvsl_core.types import VideoInfo


def counter_clip(path: Path, **recipe) -> VideoInfo:
    return probe(make_clip(path, **{"picture": "counter", "audio": None, **recipe}))


def sampled(info: VideoInfo, **options) -> list[tuple[int, float]]:
    """(number in the picture, time) of each frame."""
    return [(read_counter(frame.pixels), float(frame.time)) for frame in read_frames(info, **options)]


def test_a_whole_file_gives_no_warning(tmp_path):
    report = ReadReport()
    list(read_frames(counter_clip(tmp_path / "a.mp4", audio="aac"), fps=5, report=report))

    assert report.warnings == ()


@pytest.mark.parametrize("ending", ["mkv", "ts", "avi"])
def test_a_cut_off_file_gives_what_is_there(tmp_path, ending):
    clip = cut_off(make_clip(tmp_path / f"a.{ending}", picture="counter", seconds=4, audio=None), share=0.8)
    got = [number for number, _ in sampled(probe(clip), fps=25)]

    assert 30 < len(got) < 99
    assert got[:25] == list(range(25))


def test_a_cut_off_mp4_gives_what_is_there_and_says_so(tmp_path):
    recipe = {"picture": "counter", "seconds": 4, "audio": None, "options": {"movflags": "faststart"}}
    clip = cut_off(make_clip(tmp_path / "a.mp4", **recipe), share=0.6)
    report = ReadReport()
    got = sampled(probe(clip), fps=25, report=report)

    assert 30 < len(got) < 90
    assert len(report.warnings) >= 1
    assert any("cut off" in warning or "could not be read beyond" in warning for warning in report.warnings)


@pytest.mark.parametrize("codec", ["libx264", "mjpeg"])
def test_damage_in_the_middle_is_passed_over_and_told(tmp_path, codec):
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    recipe = {"codec": codec, "pix_fmt": pix_fmt, "picture": noisy_counter, "seconds": 4, "audio": None}
    clip = spoil_packets(make_clip(tmp_path / "a.mkv", **recipe), range(40, 46))
    report = ReadReport()
    got = sampled(probe(clip), fps=25, report=report)

    assert got[:36] == [(n, pytest.approx(n / 25, abs=0.001)) for n in range(36)]
    assert got[-36:] == [(n, pytest.approx(n / 25, abs=0.001)) for n in range(64, 100)]
    assert any("damaged picture packet" in warning for warning in report.warnings)


def noisy_counter(number: int, seconds: float) -> np.ndarray:
    """A counter whose lower half is noise, so that no two packets are alike."""
    picture = counter((128, 96))(number, seconds)
    picture[48:] = np.random.default_rng(number).integers(0, 255, (48, 128, 3))
    return picture


def test_a_file_without_one_good_frame_is_an_error(tmp_path):
    clip = make_clip(tmp_path / "a.mkv", picture=noisy_counter, audio=None, seconds=1)
    spoil_packets(clip, range(25))

    with pytest.raises(MediaError, match=r"No picture of .* could be decoded") as caught:
        list(read_frames(probe(clip), fps=1))
    assert caught.value.stage == "decode"


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi", "ts", "flv", "mpg"])
def test_bytes_changed_anywhere_never_crash_the_reader(tmp_path, ending):
    random = np.random.default_rng(ord(ending[0]))
    codec = {"avi": "mpeg4", "mpg": "mpeg2video"}.get(ending, "libx264")
    recipe = {"codec": codec, "audio": "mp2" if ending == "mpg" else "aac", "picture": "counter", "size": (64, 48)}
    whole = make_clip(tmp_path / f"whole.{ending}", seconds=1, **recipe).read_bytes()
    clip = tmp_path / f"a.{ending}"
    for n in range(12):
        content = bytearray(whole)
        for at in random.integers(0, len(content) if n % 2 else 3000, 8):
            content[at % len(content)] = random.integers(256)
        clip.write_bytes(content[: len(content) if n % 3 else int(random.integers(1, len(content)))])
        with contextlib.suppress(MediaError):
            info = probe(clip)
            for frame in read_frames(info, fps=10, max_side=256):
                assert frame.pixels.size
            with SoundStream(info, sample_rate=8000) as sound:
                assert np.isfinite(sound.window(0, 2)).all()


def test_a_stamp_that_jumps_by_weeks_does_not_stall(tmp_path):
    clip = make_clip(
        tmp_path / "a.mkv", picture="counter", audio=None, frame_times=[0, 0.04, 0.08, 2_000_000, 2_000_000.04]
    )
    info = probe(clip, limits=MediaLimits(max_duration_s=3_000_000))

    assert [number for number, _ in sampled(info, fps=25)] == list(range(5))
    assert [number for number, _ in sampled(info, fps=25, end_s=10, hold_s=1)][:3] == [0, 1, 2]


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_a_packet_that_breaks_off_is_told(tmp_path, codec):
    recipe = {"codec": codec, "picture": noisy_counter, "seconds": 4, "audio": None}
    report = ReadReport()
    clip = cut_off(make_clip(tmp_path / "a.avi", **recipe), share=0.7)
    list(read_frames(probe(clip), fps=25, report=report))

    assert any("1 damaged picture packet " in warning for warning in report.warnings)


def test_a_senseless_stamp_takes_the_place_after_the_frame_before(tmp_path, monkeypatch):
    import tvsl_core.media.read.decode as module

    info = counter_clip(tmp_path / "a.mp4")
    real = module.stamp
    monkeypatch.setattr(module, "stamp", lambda frame: 10**12 if frame.pts == 12800 * 3 // 25 else real(frame))

    frames = list(read_all_frames(info))
    assert [frame.time for frame in frames] == [Fraction(n, 25) for n in range(50)]
