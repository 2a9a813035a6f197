"""Sound goes on where pictures do not: players hold a picture then, and so do tables, strips and heatmap videos."""

import re
from fractions import Fraction

import av
import numpy as np
import pandas as pd
import pytest

from tests.annotate.test_samples import SAMPLES
from tests.builders import attach_cover, counter, make_clip, make_sound_file, read_counter
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.inputs import find_videos
from tvsl_core.media.read.frames import read_frames
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.report import ReadReport
from tvsl_core.media.write.pace import hold
from tvsl_core.types import Frame


def held(path, *, fps=2.0, **options):
    """(number in the picture, index, time) of each instant, and what is said about them."""
    report = ReadReport()
    frames = list(read_frames(probe(path), fps=fps, hold_s=1 / fps, report=report, **options))
    return [(read_counter(frame.pixels), frame.index, float(frame.time)) for frame in frames], report.warnings


def near(seconds):
    return pytest.approx(seconds, abs=0.05)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi", "ts", "flv", "mov"])
def test_the_last_picture_is_held_until_the_sound_ends(tmp_path, ending):
    clip = make_clip(tmp_path / f"a.{ending}", seconds=1.5, picture="counter", audio_seconds=4)
    got, said = held(clip)

    assert len(got) == 8
    assert all(0 <= n / 2 - time < 0.5 for n, (_, _, time) in enumerate(got))  # its own time when it is given first
    assert [(number, index) for number, index, _ in got[4:]] == [(37, 37)] * 4
    assert len(said) == 1
    picture_s, sound_s = map(float, re.findall(r"at ([\d.]+) s", said[0]))
    assert (picture_s, sound_s) == (near(1.5), pytest.approx(4, abs=0.1))


def test_one_picture_is_held_for_the_whole_sound(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frame_times=[0], picture="counter", audio_seconds=3)

    assert held(clip)[0] == [(0, 0, near(n / 2)) for n in range(6)]


def test_the_first_picture_is_there_before_it_is_shown(tmp_path):
    clip = make_clip(tmp_path / "a.mkv", picture_start_s=1.2, seconds=2, picture="counter", audio="pcm_s16le",
                     audio_seconds=2)  # fmt: skip
    got, said = held(clip)

    assert [(number, time) for number, _, time in got] == [(0, near(0)), (0, near(0.5)), (0, near(1)), (7, near(1.5))]
    assert said == ("The picture begins at 1.20 s: its first one stands for the time before.",)


def test_a_picture_is_held_over_a_gap(tmp_path):
    times = [*(n / 10 for n in range(20)), *(5 + n / 10 for n in range(20))]
    clip = make_clip(tmp_path / "a.mkv", frame_times=times, picture="counter", audio_seconds=7, fps=10)
    got, said = held(clip)

    assert [number for number, _, _ in got] == [0, 5, 10, 15, *[19] * 6, 20, 25, 30, 35]
    assert [time for _, _, time in got[5:10]] == [near(n / 2) for n in range(5, 10)]
    assert said[0] == "The picture has a gap of 3.00 s: the one before stands for the time until the next."


@pytest.mark.parametrize("fps", [2, 4, 10])
def test_every_instant_of_a_held_picture_is_given_whatever_the_rate(tmp_path, fps):
    clip = make_clip(tmp_path / "a.mp4", seconds=1, picture="counter", audio_seconds=3)

    assert len(held(clip, fps=fps)[0]) == 3 * fps


def test_padding_of_a_codec_is_no_sound_to_hold_a_picture_for(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", seconds=2, picture="counter", audio="aac", audio_rate=8000)
    got, said = held(clip, fps=10)

    assert len(got) == 20
    assert said == ()


def test_a_part_behind_the_picture_has_the_last_one(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", seconds=1, picture="counter", audio_seconds=12)

    assert held(clip, start_s=8, end_s=9)[0] == [(24, 24, 8.0), (24, 24, 8.5)]


def test_a_part_before_the_picture_has_the_first_one(tmp_path):
    clip = make_clip(tmp_path / "a.mkv", picture_start_s=3, seconds=4, picture="counter", audio_seconds=4)

    assert [(number, time) for number, _, time in held(clip, start_s=1, end_s=2)[0]] == [(0, 1.0), (0, 1.5)]


def test_cover_art_is_the_picture_of_a_song(tmp_path):
    song = attach_cover(make_sound_file(tmp_path / "a.mp3", audio="libmp3lame", seconds=3), counter((128, 96))(5, 0.0))

    assert held(song)[0] == [(5, 0, near(n / 2)) for n in range(6)]


def frame(time, value=0):
    return Frame(time=Fraction(time), pts=0, index=value, pixels=np.zeros((1, 1, 3), np.uint8))


def test_a_frame_that_stands_still_is_drawn_again_and_again():
    def times(frames, **more):
        return [(float(one.time), one.index) for one in hold(frames, step=Fraction(1, 10), **more)]

    assert times([frame("0"), frame("1/10", 1), frame("4/10", 2)]) == [(0, 0), (0.1, 1), (0.2, 1), (0.3, 1), (0.4, 2)]
    assert times([frame("0")], end=Fraction(3, 10)) == [(0, 0), (0.1, 0), (0.2, 0)]
    assert times([frame("1/4")], end=Fraction(1, 2)) == [(0.05, 0), (0.15, 0), (0.25, 0), (0.35, 0)]
    assert times([frame("7/10")], end=Fraction(1, 5)) == [(0, 0), (0.1, 0)]
    assert times([]) == []


@pytest.fixture(scope="module")
def portrait(model, tmp_path_factory):
    """One picture of the sample's owl, and its call twice: after a second of silence, and at the end."""
    folder = tmp_path_factory.mktemp("portrait")
    with av.open(str(SAMPLES / "owl.mp4")) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    with av.open(str(SAMPLES / "owl.mp4")) as container:
        frames = [one.to_ndarray().mean(axis=0) for one in container.decode(audio=0)]
        rate = container.streams.audio[0].rate
    call = np.concatenate(frames)[: 2 * rate]

    def sound(seconds):
        at = np.round(seconds * rate).astype(int)
        return np.where(at % (5 * rate) < len(call), call[np.minimum(at % (5 * rate), len(call) - 1)], 0.0)

    make_clip(
        folder / "owl.mp4",
        size=(picture.shape[1], picture.shape[0]),
        frame_times=[0],
        picture=lambda _number, _seconds: picture,
        sound=sound,
        audio_rate=rate,
        audio_seconds=8,
    )
    annotate_videos(find_videos([str(folder / "owl.mp4")]), out=folder / "out", model=model, options=AnnotateOptions())
    return folder / "out"


def test_what_sounds_under_a_single_picture_is_in_the_table(portrait):
    rows = pd.read_parquet(portrait / "sources" / "owl.mp4.parquet")
    videos = pd.read_parquet(portrait / "videos.parquet")

    assert rows["time_s"].max() > 5.5
    assert set(rows["frame_index"]) == {0}
    assert videos["duration_s"].iloc[0] == near(8)
    assert any("the last one stands for the rest" in line for line in videos["warnings"].iloc[0])


def test_the_heatmap_video_lasts_as_long_as_the_sound_and_its_heat_moves(portrait):
    (heatmap, *_) = sorted((portrait / "heatmaps" / "owl-mp4").glob("*.mp4"))
    rows = pd.read_parquet(portrait / "sources" / "owl.mp4.parquet")
    name = heatmap.stem.split("-", 1)[1]
    heard = sorted(rows[(rows["class"] == name) & rows["y_min"].notna()]["time_s"])
    silent = next(time for time in np.arange(0, 8, 0.5) if np.abs(np.array(heard) - time).min() > 0.8)
    with av.open(str(heatmap)) as container:
        stream = container.streams.video[0]
        assert float(container.duration / av.time_base) == near(8)
        pictures = {round(float(one.time), 1): one.to_ndarray(format="rgb24") for one in container.decode(stream)}

    assert len(pictures) >= 8 * 5
    loud, quiet = pictures[round(heard[-1], 1)], pictures[round(silent, 1)]
    assert np.abs(loud.astype(int) - quiet).mean() > 0.5
