"""Small files that claim to be enormous: each claim has a limit, and the refusal names the option that raises it."""

import resource
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.builders import make_clip
from tests.hostile import (
    avi,
    endless_index,
    joined,
    packed_index,
    patched,
    with_channels,
    with_duration,
    with_sample_rate,
)
from tvsl_core.errors import MediaError
from tvsl_core.limits import DEFAULT_LIMITS, MediaLimits
from tvsl_core.media.read.frames import read_all_frames, read_frames, read_pictures
from tvsl_core.media.read.limits import LEAST_ALLOCATION, MAX_SIDE, check_size, largest_allocation
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.sound import SoundStream

ROOT = Path(__file__).resolve().parents[2]


def refusal(path: Path, limits: MediaLimits = DEFAULT_LIMITS) -> MediaError:
    with pytest.raises(MediaError) as caught:
        list(read_frames(probe(path, limits=limits), fps=1, hold_s=1))
    return caught.value


def test_a_side_is_at_most_what_h264_can_hold(tmp_path):
    check_size(tmp_path, MAX_SIDE, 16, DEFAULT_LIMITS)
    with pytest.raises(MediaError, match="16385 x 2 pixels"):
        check_size(tmp_path, MAX_SIDE + 1, 2, DEFAULT_LIMITS)
    with pytest.raises(MediaError, match="no picture size"):
        check_size(tmp_path, 0, 2, DEFAULT_LIMITS)


def test_pictures_of_too_many_pixels_are_refused_and_the_option_admits_them(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", size=(128, 96), seconds=0.2, audio=None)
    error = refusal(clip, MediaLimits(max_pixels=128 * 96 - 1))

    assert "128 x 96 = 12,288 pixels" in error.message
    assert "--max-pixels" in error.hint
    assert probe(clip, limits=MediaLimits(max_pixels=128 * 96)).width == 128


def test_pixels_that_are_stretched_count_as_they_are_shown(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", size=(64, 64), seconds=0.2, audio=None, sample_aspect=Fraction(2))
    error = refusal(clip, MediaLimits(max_pixels=64 * 64 * 2 - 1))

    assert "128 x 64 = 8,192 pixels" in error.message
    assert "8,191" in error.hint


def test_a_size_that_explodes_midway_is_not_decoded(tmp_path):
    recipe = {"seconds": 1, "codec": "mjpeg", "pix_fmt": "yuvj420p", "audio": None}
    parts = [make_clip(tmp_path / f"{side}.mkv", size=(side, side), **recipe) for side in (64, 320)]
    clip = joined(tmp_path / "both.mkv", parts)

    def pictures(limits: MediaLimits) -> int:
        with closing(read_pictures(probe(clip, limits=limits))) as reading:
            return sum(picture.frame.width == 320 for picture in reading)

    assert pictures(MediaLimits(max_pixels=320 * 320)) == 25
    assert pictures(MediaLimits(max_pixels=320 * 320 - 1)) == 0


def test_a_screen_of_eleven_thousand_squared_takes_no_memory(tmp_path):
    gif = make_clip(tmp_path / "a.gif", size=(16, 16), seconds=0.4, codec="gif", pix_fmt="rgb8", audio=None)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert "--max-pixels" in refusal(patched(gif, b"GIF89a", 6, "<HH", 11000, 11000)).hint
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes"


@pytest.mark.parametrize("seconds", [1e12, 86_401])
def test_a_length_of_ages_is_refused(tmp_path, seconds):
    clip = with_duration(tmp_path / "a.mkv", seconds)
    error = refusal(clip)

    assert f"claims to last {seconds:,.0f} seconds" in error.message
    assert "86,400 seconds; raise it with --max-duration" in error.hint
    assert probe(clip, limits=MediaLimits(max_duration_s=2e12)).width == 16


def test_a_time_of_ages_in_a_file_that_claims_no_length_ends_the_reading(tmp_path):
    clip = make_clip(tmp_path / "a.mkv", audio=None, size=(16, 16), frame_times=[0, 0.04, 0.08, 90_000, 90_000.04])
    data = bytearray(clip.read_bytes())
    at = data.index(b"\x44\x89")
    data[at : at + 11] = b"\xec\x89" + bytes(9)  # the length becomes an element that says nothing
    clip.write_bytes(data)
    error = refusal(clip)

    assert "claims to last 90,000 seconds" in error.message
    assert len(list(read_frames(probe(clip, limits=MediaLimits(max_duration_s=100_000)), fps=25))) == 5


def test_more_pictures_than_allowed_are_refused_by_claim_and_by_count(tmp_path):
    claims = make_clip(tmp_path / "a.mp4", size=(16, 16), seconds=1, audio=None)
    silent = make_clip(tmp_path / "a.ts", size=(16, 16), seconds=1, audio=None)
    few = MediaLimits(max_frames=24)

    assert (refusal(claims, few).stage, refusal(silent, few).stage) == ("probe", "decode")
    assert "claims 25 pictures" in refusal(claims, few).message
    assert "goes on beyond 25 pictures" in refusal(silent, few).message
    assert "--max-frames" in refusal(silent, few).hint
    assert len(list(read_all_frames(probe(silent, limits=MediaLimits(max_frames=25))))) == 25


def test_an_absurd_sample_rate_is_refused(tmp_path):
    error = refusal(with_sample_rate(tmp_path / "a.avi", 2_000_000_000))

    assert "2,000,000,000 samples a second" in error.message
    assert "768,000; raise it with --max-sample-rate" in error.hint


def test_too_many_channels_are_refused_and_the_option_admits_them(tmp_path):
    clip = with_channels(tmp_path / "a.avi", 200)

    assert "claims 200 channels" in refusal(clip).message
    assert "--max-channels" in refusal(clip).hint
    info = probe(clip, limits=MediaLimits(max_channels=200))
    with SoundStream(info, sample_rate=8000) as sound:
        assert len(sound.window(0, 1)) == 8000


def test_a_rate_that_explodes_midway_becomes_silence(tmp_path):
    info = probe(avi(tmp_path / "a.avi", sound="tone", audio_rate=16000))
    lower = replace(info, limits=MediaLimits(max_sample_rate=8000))
    with SoundStream(lower, sample_rate=8000) as sound:
        assert not sound.window(0, 1).any()
        assert sound.warnings


MEASURE = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {root!r})
import av, numpy
from tvsl_core.errors import MediaError
from tvsl_core.media.read.frames import read_frames
from tvsl_core.media.read.probe import probe
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    list(read_frames(probe(Path({path!r})), fps=1))
except MediaError as error:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, error)
"""


def refused_in_a_process_of_its_own(path: Path) -> tuple[int, str]:
    """MiB that the refusal took, and its words."""
    program = MEASURE.format(root=str(ROOT), path=str(path))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    taken, words = done.stdout.strip().split(" ", 1)
    return int(taken), words


def test_an_index_that_names_more_samples_than_memory_holds_is_not_built(tmp_path):
    """Without a limit on what FFmpeg allocates at once this took 3 GB."""
    taken, words = refused_in_a_process_of_its_own(endless_index(tmp_path / "a.mp4", 85_000_000))

    assert taken < 300
    assert "--max-frames" in words


def test_a_packed_index_is_not_unpacked_to_gigabytes(tmp_path):
    """Without a limit on what FFmpeg allocates at once this took 1 GB."""
    taken, words = refused_in_a_process_of_its_own(packed_index(tmp_path / "a.mov", 1 << 30))

    assert taken < 300
    assert "more memory" in words


@pytest.mark.timeout(20)
@pytest.mark.parametrize("options", [{}, {"movflags": "frag_keyframe+empty_moov"}])
def test_a_track_of_an_absurd_number_is_not_counted_up_to(tmp_path, options):
    """Found by damage (seed 11369): 7 kB kept FFmpeg busy for 3 s a track, and a file may have a thousand tracks."""
    clip = make_clip(tmp_path / "a.mp4", size=(16, 16), seconds=0.5, options=options)
    error = refusal(patched(clip, b"tkhd", 16, ">I", 0xFFFFFF00, after=b"moov"))

    assert "numbers a track 4,294,967,040" in error.message
    assert probe(patched(clip, b"tkhd", 16, ">I", 1_000_000, after=b"moov")).width == 16


def test_one_picture_of_the_largest_size_always_fits():
    assert largest_allocation(DEFAULT_LIMITS) == LEAST_ALLOCATION
    assert largest_allocation(MediaLimits(max_pixels=1 << 30)) == 8 << 30


@pytest.mark.parametrize("name", ["max_pixels", "max_duration_s", "max_frames", "max_sample_rate", "max_channels"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_limits_that_make_no_sense_are_refused(name, value):
    with pytest.raises(ValueError, match="positive"):
        MediaLimits(**{name: value})
