"""Recordings that do not say how long they are: what was seen of them is their length."""

import av
import pandas as pd
import pytest

from tests.builders import make_clip
from tvsl_cli.annotate.tally import Tally
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.progress import VideoAdvanced
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.inputs import find_videos
from tvsl_core.media.read.probe import probe


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A WebM as browsers record it: written once from front to end, so its header knows no length."""
    path = tmp_path_factory.mktemp("live") / "a.webm"
    return make_clip(
        path, codec="libvpx", audio="libopus", audio_rate=48000, seconds=3, audio_seconds=4, options={"live": "1"}
    )


def annotate(recording, out, model, **options):
    tally = Tally(videos=1, stages=2)
    events = []

    def on_event(event):
        events.append(event)
        tally.hear(event)

    found = find_videos([str(recording)])
    choices = AnnotateOptions(overlay="combined", **options)
    annotate_videos(found, out=out, model=model, options=choices, on_event=on_event)
    return pd.read_parquet(out / "videos.parquet").iloc[0], tally, events


def test_the_length_is_what_was_seen(recording, tmp_path, model):
    assert probe(recording).duration == 0
    row, tally, events = annotate(recording, tmp_path, model)

    assert row["duration_s"] == pytest.approx(4, abs=0.1)
    assert tally.annotated_s == {"a.webm": pytest.approx(4, abs=0.1)}
    advanced = [event for event in events if isinstance(event, VideoAdvanced) and event.stage == "annotate"]
    assert advanced[-1].done_s == advanced[-1].total_s == pytest.approx(4, abs=0.1)
    with av.open(str(tmp_path / "heatmaps" / "a-webm" / "combined.mp4")) as heatmap:
        assert float(heatmap.duration / av.time_base) == pytest.approx(4, abs=0.1)


def test_the_speed_counts_the_part_that_was_asked_for(recording, tmp_path, model):
    row, tally, _ = annotate(recording, tmp_path, model, start_s=1.0)

    assert row["duration_s"] == pytest.approx(4, abs=0.1)
    assert tally.annotated_s == {"a.webm": pytest.approx(3, abs=0.1)}


def test_a_length_that_was_not_seen_is_not_made_up(recording, tmp_path, model):
    row, tally, _ = annotate(recording, tmp_path, model, end_s=2.0)

    assert pd.isna(row["duration_s"])
    assert tally.annotated_s == {"a.webm": 2.0}


def test_an_end_behind_the_end_shows_the_length(recording, tmp_path, model):
    row, tally, _ = annotate(recording, tmp_path, model, end_s=60.0)

    assert row["duration_s"] == pytest.approx(4, abs=0.1)
    assert tally.annotated_s == {"a.webm": pytest.approx(4, abs=0.1)}
