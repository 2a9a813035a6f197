"""The whole of annotation on the sample videos, against their exact truth."""

import json
from fractions import Fraction

import av
import numpy as np
import pandas as pd
import pytest

from tests.scoring import SAMPLES, score
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.results.event_table import read_events
from tvsl_core.annotate.results.table import read_metadata
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.inputs import find_videos


@pytest.fixture(scope="module")
def results(model, tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    found = find_videos([str(SAMPLES)])
    report = annotate_videos(found, out=out, model=model, options=AnnotateOptions(overlay="none"))
    assert report.failed == 0
    return out


@pytest.fixture(scope="module")
def tally(results):
    return score(results)


@pytest.fixture(scope="module")
def owl(model, tmp_path_factory):
    out = tmp_path_factory.mktemp("owl")
    found = find_videos([str(SAMPLES / "owl.mp4")])
    annotate_videos(found, out=out, model=model, options=AnnotateOptions(end_s=3.0))
    return out


HARD = {
    ("guitar_and_drums.mp4", "drum kit"),  # beside a guitar it is less likely right than not
    ("guitar_and_drums.mp4", "electric guitar"),  # told as an acoustic one, with this as its alternative
    ("cello_and_trumpet.webm", "cello"),  # told as a violin, with this as its alternative
}
"""What is known to be missed: the scores of the names are the wrong way round, or too low."""
INSTEAD = {
    ("guitar_and_drums.mp4", "acoustic guitar"),
    ("guitar_and_drums.mp4", "bass guitar"),
    ("cello_and_trumpet.webm", "violin"),
}
"""What is told in their place."""


def test_every_sounding_class_is_found_but_for_the_hard_ones(tally):
    assert tally.expected - tally.found <= HARD
    assert len(tally.expected) == 12


@pytest.mark.xfail(reason="the scorer takes the cello for a violin, and hears a guitar for a guitar and drums")
def test_every_sounding_class_is_found(tally):
    assert tally.found == tally.expected


@pytest.mark.parametrize(("clip", "name"), sorted(HARD - {("guitar_and_drums.mp4", "drum kit")}))
def test_a_name_that_loses_on_its_object_is_an_alternative(results, tally, clip, name):
    told = read_events(results / "events" / f"{clip}.parquet")

    assert (clip, name) in tally.found or name in {other.name for one in told for other in one.alternatives}


def test_no_silent_object_is_reported(tally):
    assert tally.silent_named == set()


def test_nothing_else_is_reported_but_kin_of_the_hard_ones(tally):
    assert tally.wrong <= INSTEAD


def test_a_sound_from_outside_the_picture_is_offscreen_and_has_no_box(tally):
    assert tally.offscreen_found == tally.offscreen_expected == 2
    assert tally.offscreen_boxed == 0


def test_every_portrait_that_speaks_is_its_own_source_and_the_guard_is_another(results):
    alone = read_events(results / "events" / "speaking_portrait.mp4.parquet")
    turns = read_events(results / "events" / "portraits_in_turns.mp4.parquet")
    rows = pd.read_parquet(results / "sources" / "portraits_in_turns.mp4.parquet").groupby("source_id")

    assert [(one.source_id, one.verdict) for one in alone] == [(0, "sounding")] * 2
    assert {(one.source_id, one.verdict) for one in turns} == {(0, "sounding"), (1, "sounding"), (2, "offscreen")}
    assert [one.source_id for one in turns][:1] == [0]
    assert rows["x_max"].max()[0] < rows["x_min"].min()[1]


def test_boxes_are_on_the_objects_and_better_than_guessing(tally):
    assert tally.good_boxes >= 0.8
    assert np.mean(tally.ious) > np.mean(tally.whole_frame)
    assert np.mean(tally.ious) > np.mean(tally.centred)
    assert len(tally.ious) >= 40


def test_every_row_lies_inside_an_event_of_its_source_and_says_the_same(results):
    inside = 0
    for path in (results / "sources").rglob("*.parquet"):
        told = read_events(results / "events" / path.relative_to(results / "sources"))
        for row in pd.read_parquet(path).to_dict("records"):
            (event,) = [
                one for one in told if one.source_id == row["source_id"] and one.start_s <= row["time_s"] < one.end_s
            ]
            assert (event.name, event.verdict) == (row["class"], row["verdict"])
            assert np.float32(event.score) == np.float32(row["score"])
            assert (event.verdict == "offscreen") == pd.isna(row["x_min"])
            inside += 1
    assert inside > 80


def test_every_pause_of_a_second_is_seen_and_no_call_begins_or_ends_half_a_second_off(results):
    for clip in ("owl.mp4", "guitar_portrait.mp4"):
        (thing,) = json.loads((SAMPLES / "truth.json").read_text())["clips"][clip]["objects"]
        told = read_events(results / "events" / f"{clip}.parquet")

        assert [one.source_id for one in told] == [0, 0]
        for (start, end), one in zip(thing["sounding"], told, strict=True):
            assert abs(one.start_s - start) < 0.5
            assert abs(one.end_s - end) < 0.5


def test_the_events_table_says_how_it_was_made_and_lies_beside_the_other(results):
    told = read_metadata(results / "events" / "owl.mp4.parquet")
    rows = read_metadata(results / "sources" / "owl.mp4.parquet")

    assert set(rows) <= set(told)
    assert {key: told[key] for key in rows} == rows
    assert told["path"] == str((SAMPLES / "owl.mp4").absolute())
    assert json.loads(told["outcome"])["sources"] == 1


def test_boxes_lie_within_the_frame_as_shown(results):
    rows = pd.concat(pd.read_parquet(path) for path in (results / "sources").glob("*.parquet"))
    boxed = rows[rows["verdict"] == "sounding"]

    assert (boxed["x_min"] >= 0).all()
    assert (boxed["x_max"] <= boxed["frame_width"]).all()
    assert (boxed["y_max"] <= boxed["frame_height"]).all()
    assert (boxed["x_min"] < boxed["x_max"]).all()


def test_a_heatmap_video_plays_like_its_source(owl):
    (heatmap,) = (owl / "heatmaps" / "owl-mp4").glob("*-owl.mp4")
    with av.open(str(heatmap)) as container, av.open(str(SAMPLES / "owl.mp4")) as source:
        video = container.streams.video[0]

        assert (video.width, video.height) == (960, 540)
        assert video.average_rate == Fraction(25)
        assert video.codec_context.pix_fmt == "yuv420p"
        assert container.streams.audio[0].codec_context.name == "aac"
        assert video.frames == 75
        drawn = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        plain = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
    difference = [np.abs(a.astype(int) - b).mean() for a, b in zip(drawn, plain, strict=False)]

    assert max(difference) > 5


def test_heat_lies_in_the_box_of_the_table(owl):
    rows = pd.read_parquet(owl / "sources" / "owl.mp4.parquet")
    row = rows[(rows["time_s"] >= 1.0) & rows["y_min"].notna()].iloc[0]
    number = int(row["frame_index"])
    (heatmap,) = (owl / "heatmaps" / "owl-mp4").glob("*-owl.mp4")
    with av.open(str(heatmap)) as drawn, av.open(str(SAMPLES / "owl.mp4")) as plain:
        pictures = [
            next(f for i, f in enumerate(container.decode(video=0)) if i == number)
            .to_ndarray(format="rgb24")
            .astype(int)
            for container in (drawn, plain)
        ]
    change = np.abs(pictures[0] - pictures[1]).sum(axis=2)
    x_min, y_min, x_max, y_max = (int(row[edge]) for edge in ("x_min", "y_min", "x_max", "y_max"))
    inside = change[y_min:y_max, x_min:x_max].mean()

    assert inside > 3 * change[:, : max(1, x_min - 150)].mean()


def test_the_strip_and_the_ledger_are_there(owl):
    videos = pd.read_parquet(owl / "videos.parquet")

    assert (owl / "strips" / "owl.mp4.jpg").stat().st_size > 5_000
    assert videos["status"].tolist() == ["done"]
    assert videos["classes"].iloc[0].tolist() == ["owl"]
    assert (owl / "run.json").is_file()


def test_the_combined_video_is_one_video(model, tmp_path):
    found = find_videos([str(SAMPLES / "cow_and_sheep.mp4")])
    report = annotate_videos(
        found, out=tmp_path, model=model, options=AnnotateOptions(overlay="combined", start_s=2.0, end_s=4.0)
    )
    videos = [path for path in (tmp_path / "heatmaps").rglob("*.mp4") if path.is_file()]

    assert [path.name for path in videos] == ["combined.mp4"]
    assert report.finished[0].outputs[-1] == videos[0]
    with av.open(str(videos[0])) as container:
        assert float(container.duration / av.time_base) == pytest.approx(2.0, abs=0.1)
