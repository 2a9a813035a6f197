"""Heatmap videos of what was found, without a model: their times, what is drawn on, and what is left alone."""

import sys
import threading
from fractions import Fraction

import av
import numpy as np
import pytest

from tests.builders import make_clip
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.progress import ignore
from tvsl_core.annotate.results import render as render_module
from tvsl_core.annotate.results.job import Job, VideoItem
from tvsl_core.annotate.results.render import render_heatmaps
from tvsl_core.annotate.results.timeline import Timelines
from tvsl_core.annotate.video import annotate_job
from tvsl_core.errors import OutputError
from tvsl_core.media.read import decode
from tvsl_core.media.read.probe import probe
from tvsl_core.media.write.options import EncodeOptions
from tvsl_core.types import Box, LocalizationMap, SourceEvent

UNEVEN = (0, 0.04, 0.08, 0.2, 0.24, 0.36, 0.4, 0.52, 0.56, 0.7, 0.74, 0.86, 0.9, 1.0)
SIZE = (320, 180)


def render(folder, clip, *, sources=1, sounds=(0.5, 0.9), **options):
    """Heatmap videos of sources that all sound at one time, in the middle of the picture."""
    values = np.zeros((5, 7), np.float32)
    values[2, 3] = 1
    grid = LocalizationMap(values=values, frame_width=SIZE[0], frame_height=SIZE[1])
    box = Box(x_min=100, y_min=50, x_max=220, y_max=130)
    chosen = AnnotateOptions(**{"overlay": "combined", **options})
    job = Job(item=VideoItem(path=clip, name=clip.name), out=folder, options=chosen, fingerprint="test")
    with Timelines(folder, chosen.draw) as timelines:
        for number in range(sources):
            event = SourceEvent(
                event_id=number, source_id=number, name=f"dog {number}", start_s=sounds[0], end_s=sounds[1], score=0.9,
                verdict="sounding", peak_s=sounds[0], box=box,
            )  # fmt: skip
            timelines.add(event, [(sounds[0], box, grid), (sounds[1], box, grid)])
        return render_heatmaps(job, probe(clip), timelines, on_event=ignore)


def frames(path):
    with av.open(str(path)) as container:
        decoded = list(container.decode(video=0))
    return [(float(frame.time), frame.to_ndarray(format="rgb24").astype(int)) for frame in decoded]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    return make_clip(folder / "a.mp4", seconds=1.2, size=SIZE, picture="arrow", colour="bt709")


def test_heat_is_there_while_it_sounds_and_at_no_other_time(tmp_path, clip):
    (path,) = render(tmp_path, clip)

    for (before_s, before), (time_s, drawn) in zip(frames(clip), frames(path), strict=True):
        assert time_s == pytest.approx(before_s, abs=1e-6)
        changed = np.abs(drawn - before).mean((0, 1)).max()
        assert (changed > 4) == (0.52 < time_s < 0.88) or 0.5 <= time_s <= 0.52 or 0.88 <= time_s <= 0.9
        assert np.abs(drawn - before)[:, :40].mean() < 3 or 0.5 < time_s < 0.9


@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_uneven_frames_keep_their_times(tmp_path, container):
    clip = make_clip(tmp_path / f"a.{container}", frame_times=UNEVEN, size=SIZE, picture="arrow")
    (path,) = render(tmp_path, clip)
    times = np.array([time_s for time_s, _ in frames(path)])

    assert max(np.abs(times - own).min() for own in UNEVEN) < 0.0011
    # What stands still is drawn again, so that heat goes on moving.
    assert np.diff(times).min() > 0
    assert np.diff(times).max() < 1.51 / float(probe(clip).frame_rate)


def test_the_compressor_chooses_its_own_key_frames(tmp_path, clip):
    (path,) = render(tmp_path, clip)

    with av.open(str(clip)) as container:
        assert sum(frame.key_frame for frame in container.decode(video=0)) > 1
    with av.open(str(path)) as container:
        assert sum(frame.key_frame for frame in container.decode(video=0)) == 1


def test_all_sources_are_written_in_one_pass_over_the_pictures(tmp_path, clip, monkeypatch):
    passes = []
    real = decode.decode_file
    monkeypatch.setattr("tvsl_core.media.read.frames.decode_file", lambda *given: passes.append(given) or real(*given))
    paths = render(tmp_path, clip, sources=6, overlay="sources")

    assert len(passes) == 1
    assert len({path.name for path in paths}) == 6
    assert all(len(frames(path)) == len(frames(clip)) for path in paths)


def test_pictures_are_drawn_beside_the_compressor(tmp_path, clip, monkeypatch):
    threads = set()
    real = render_module.draw_heat_coded
    monkeypatch.setattr(
        render_module, "draw_heat_coded", lambda *given: threads.add(threading.current_thread()) or real(*given)
    )
    render(tmp_path, clip, sources=2, overlay="sources")

    assert len(threads) == 1
    assert threading.current_thread() not in threads
    assert not any(thread.is_alive() for thread in threads)


def test_a_compressor_that_gives_up_ends_the_drawing(tmp_path, clip, monkeypatch):
    before = threading.active_count()
    monkeypatch.setattr(render_module.VideoEncoder, "write", lambda *given, **more: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        render(tmp_path, clip)
    assert threading.active_count() == before
    assert not list(tmp_path.rglob("*.mp4"))


def test_an_encoder_that_is_not_there_is_said_before_any_work(tmp_path, clip, model):
    missing = EncodeOptions(encoder="vaapi" if sys.platform == "darwin" else "videotoolbox")
    options = AnnotateOptions(overlay="combined", encode=missing)
    job = Job(item=VideoItem(path=clip, name=clip.name), out=tmp_path, options=options, fingerprint="test")

    with pytest.raises(OutputError, match="does not work on this machine"):
        annotate_job(job, model, metadata={}, on_event=ignore)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_turned_video_of_odd_size_is_drawn_upright(tmp_path):
    clip = make_clip(tmp_path / "a.mkv", seconds=0.6, size=(181, 319), codec="ffv1", picture="arrow", fps=Fraction(10))
    (path,) = render(tmp_path, clip, sounds=(0.1, 0.5))

    info = probe(clip)
    assert frames(path)[0][1].shape[:2] == (info.height + 1, info.width + 1)
