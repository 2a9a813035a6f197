"""Clips: each shows and sounds what its event says, wherever the video begins, and none is cut twice."""

from __future__ import annotations

import csv
import shutil
import wave
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from tests.builders import arrow, flash_at, make_clip, read_counter
from tests.exports.conftest import EVENTS, event, write_results
from tvsl_core.exports.clips import INDEX, ClipOptions, ClipProblem, ClipRow, clip_name, cut_clips
from tvsl_core.exports.cut import COPY_EARLY_S, Span, cut_sound, cut_video
from tvsl_core.exports.results import Selection

DOG = Selection(classes=("dog",))


def frames(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def sound(path):
    with av.open(str(path)) as container:
        parts = [frame.to_ndarray().mean(axis=0) for frame in container.decode(audio=0)]
        return np.concatenate(parts), container.streams.audio[0].rate


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """Frames that tell their number, with a beep in every second; key frames every 10 frames."""
    root = tmp_path_factory.mktemp("counted")
    clip = make_clip(root / "count.mp4", seconds=4, picture="counter", audio="aac", sound="beep", size=(256, 96))
    write_results(root / "results", "count.mp4", clip, (event(0, 0.5, 1.5), event(1, 2.5, 3.0)))
    return root / "results", clip


def test_a_clip_begins_with_the_frame_that_is_shown_at_its_start(counted, tmp_path):
    folder, _ = counted
    first, second = cut_clips(folder, tmp_path, options=ClipOptions(pad_s=0.1, exact=True))

    assert [first.method, first.start_s, second.start_s] == ["encoded", 0.4, 2.4]
    numbers = [read_counter(one) for one in frames(tmp_path / first.file)]
    assert numbers == list(range(10, 40))
    assert [read_counter(one) for one in frames(tmp_path / second.file)] == list(range(60, 78))


def test_sound_and_picture_of_a_clip_stay_together(counted, tmp_path):
    folder, _ = counted
    (first, *_) = cut_clips(folder, tmp_path, options=ClipOptions(pad_s=0.3, exact=True))

    samples, rate = sound(tmp_path / first.file)
    loud = np.abs(samples[: round(1.5 * rate)]) > 0.1
    expected = flash_at(np.arange(len(loud)) / rate + first.start_s)
    assert np.mean(loud == expected) > 0.6  # half of a wave lies below any threshold
    assert abs(np.flatnonzero(loud)[0] / rate - np.flatnonzero(expected)[0] / rate) < 0.03


def test_coded_pictures_are_copied_where_a_key_frame_is_near(tmp_path):
    clip = make_clip(tmp_path / "keys.mp4", seconds=4, picture="counter", size=(256, 96), audio="aac", sound="beep")
    with av.open(str(clip)) as container:
        keys = [float(p.pts * p.time_base) for p in container.demux(video=0) if p.size and p.is_keyframe]
    key = max(time for time in keys if time < 3)

    near, far = key + COPY_EARLY_S / 2, key + 2 * COPY_EARLY_S
    method, start_s = cut_video(clip, tmp_path / "near.mp4", Span(start_s=near, end_s=near + 0.6))
    assert (method, start_s) == ("copied", pytest.approx(key))
    assert read_counter(frames(tmp_path / "near.mp4")[0]) == round(key * 25)
    assert cut_video(clip, tmp_path / "far.mp4", Span(start_s=far, end_s=far + 0.6))[0] == "encoded"
    assert cut_video(clip, tmp_path / "exact.mp4", Span(start_s=near, end_s=near + 0.6), exact=True)[0] == "encoded"


def test_a_crop_holds_every_box_of_the_event(results, tmp_path):
    options = ClipOptions(crop=True, pad_s=0.0)
    rows = cut_clips(results.folder, tmp_path, options=options, selection=DOG)
    (first, *_) = [row for row in rows if row.video == "film.mp4"]

    # 64 wide, and 4 further to the right at the next instant.
    assert frames(tmp_path / first.file)[0].shape == (48, 68, 3)


def test_a_turned_and_a_wide_video_are_cut_as_they_are_shown(results, tmp_path):
    rows = list(cut_clips(results.folder, tmp_path, options=ClipOptions(exact=True), selection=DOG))
    shapes = {row.video: frames(tmp_path / row.file)[0].shape[:2] for row in rows}

    assert shapes["turned.mp4"] == (128, 96)
    assert shapes["wide.mp4"] == (96, 256)


def test_a_picture_shows_the_object_at_its_strongest_moment(tmp_path):
    clip = make_clip(tmp_path / "arrow.mp4", seconds=2, picture="arrow", size=(256, 192))
    box = EVENTS[0].box
    write_results(tmp_path / "r", "arrow.mp4", clip, (event(0, 0.5, 1.5, peak_s=1.0),))
    (row,) = cut_clips(tmp_path / "r", tmp_path / "out", options=ClipOptions(kinds=("picture",)))

    found = cv2.imread(str(tmp_path / "out" / row.file))[:, :, ::-1]
    left, top = box.x_min - 6, box.y_min - 5
    expected = arrow((256, 192))(25, 1.0)[top : box.y_max + 5, left : box.x_max + 6]
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 12


def test_a_sound_clip_is_exactly_as_long_as_its_span(counted, tmp_path):
    _, clip = counted
    cut_sound(clip, tmp_path / "a.wav", Span(start_s=0.25, end_s=1.0))

    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnframes(), file.getframerate(), file.getnchannels()) == (33_075, 44_100, 1)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767
    begins = np.flatnonzero(np.abs(samples) > 0.1)[0] / 44_100
    assert begins == pytest.approx(0.15, abs=0.01)


def test_a_second_run_cuts_nothing_again_and_a_changed_pad_does(counted, tmp_path):
    folder, _ = counted
    rows = list(cut_clips(folder, tmp_path, options=ClipOptions()))
    times = {row.file: (tmp_path / row.file).stat().st_mtime_ns for row in rows}

    assert list(cut_clips(folder, tmp_path, options=ClipOptions())) == rows
    assert {row.file: (tmp_path / row.file).stat().st_mtime_ns for row in rows} == times
    (tmp_path / rows[0].file).unlink()
    list(cut_clips(folder, tmp_path, options=ClipOptions()))
    assert (tmp_path / rows[0].file).is_file()
    list(cut_clips(folder, tmp_path, options=ClipOptions(pad_s=0.2)))
    assert all((tmp_path / name).stat().st_mtime_ns != before for name, before in times.items())


def test_the_index_lists_every_clip_also_after_an_interruption(counted, tmp_path):
    folder, _ = counted
    running = cut_clips(folder, tmp_path, options=ClipOptions())
    next(running)
    running.close()
    with (tmp_path / INDEX).open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 1
    list(cut_clips(folder, tmp_path, options=ClipOptions(kinds=("video", "sound"))))

    with (tmp_path / INDEX).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert all((tmp_path / row["file"]).is_file() for row in rows)


def test_only_the_surest_of_each_class_are_cut(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", seconds=3)
    scores = (0.5, 0.9, 0.7)
    events = tuple(event(n, n * 0.5, n * 0.5 + 0.4, score=score) for n, score in enumerate(scores))
    write_results(tmp_path / "r", "a.mp4", clip, events)

    rows = list(cut_clips(tmp_path / "r", tmp_path / "out", options=ClipOptions(per_class=2, pad_s=0)))
    assert [row.event_id for row in rows] == [1, 2]


def test_a_video_that_has_gone_does_not_stop_the_others(tmp_path):
    clips = [make_clip(tmp_path / f"{name}.mp4", seconds=2) for name in "ab"]
    for clip in clips:
        write_results(tmp_path / "r", clip.name, clip, (event(0, 0.5, 1.0),))
    clips[0].unlink()

    found = list(cut_clips(tmp_path / "r", tmp_path / "out", options=ClipOptions()))
    assert [type(one) for one in found] == [ClipProblem, ClipRow]
    assert "not there any more" in found[0].message


def test_no_two_videos_share_a_clip_and_no_name_leaves_the_folder():
    names = ["a/b.mp4", "a_b.mp4", "a b.mp4", "b.mp4", "../b.mp4", "b.mkv"]
    found = [clip_name(name, event(0, 0, 1, name="../dog / big"), "video") for name in names]

    assert len(set(found)) == len(names)
    assert all(name.count("/") == 1 and ".." not in name.split("/") and " " not in name for name in found)


def test_options_say_what_is_wrong_with_them():
    for wrong in ({"kinds": ()}, {"kinds": ("film",)}, {"pad_s": -1}, {"per_class": 0}):
        with pytest.raises(ValueError, match=r"kinds|pad|per-class"):
            ClipOptions(**wrong)


def test_the_command_tells_by_its_exit_code_that_something_failed(counted, tmp_path):
    from typer.testing import CliRunner

    from tvsl_cli.app import app

    folder, clip = counted
    done = CliRunner().invoke(app, ["clips", str(folder), "--out", str(tmp_path / "out"), "--kind", "sound"])
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, 2)
    shutil.copytree(folder, tmp_path / "r")
    moved = clip.rename(clip.with_name("moved.mp4"))
    done = CliRunner().invoke(app, ["clips", str(tmp_path / "r"), "--out", str(tmp_path / "two"), "--kind", "sound"])
    moved.rename(clip)
    assert done.exit_code == 1


def test_a_rate_of_30000_1001_is_kept(results, tmp_path):
    (row, *_) = cut_clips(results.folder, tmp_path, options=ClipOptions(exact=True), selection=DOG)
    with av.open(str(tmp_path / row.file)) as container:
        assert container.streams.video[0].average_rate == Fraction(30000, 1001)
