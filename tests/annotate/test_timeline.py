from fractions import Fraction

import numpy as np
import pytest

from tvsl_core.annotate.results.timeline import Timelines
from tvsl_core.annotate.rules import DrawOptions
from tvsl_core.types import Box, Detection, LocalizationMap, LocalizedSource


def row(time, source=0, *, x=0, score=0.8, values=None, offscreen=False):
    grid = np.asarray([[1.0, 0.0]] if values is None else values, np.float32)
    return LocalizedSource(
        time=Fraction(time),
        frame_index=0,
        pts=0,
        window_start_s=0,
        window_end_s=1,
        detection=Detection(
            klass=0, name="dog", score=score, audio_score=0.5, image_score=0.5,
            verdict="offscreen" if offscreen else "sounding",
        ),
        source_id=source,
        region=0,
        box=None if offscreen else Box(x_min=x, y_min=0, x_max=x + 10, y_max=10),
        map=None if offscreen else LocalizationMap(values=grid, frame_width=20, frame_height=10),
    )  # fmt: skip


@pytest.fixture
def timelines(tmp_path):
    with Timelines(tmp_path, DrawOptions(), step_s=0.5) as opened:
        yield opened


def test_between_two_instants_everything_is_interpolated(timelines):
    timelines.add(row(0, x=0, score=0.2, values=[[1.0, 0.0]]))
    timelines.add(row(Fraction(1, 2), x=100, score=0.6, values=[[0.0, 1.0]]))
    (moment,) = timelines.all_at(0.25)

    assert moment.box.x_min == 50
    assert moment.strength == pytest.approx(0.4)
    assert moment.values == pytest.approx(np.asarray([[0.5, 0.5]]))


def test_at_its_own_instants_a_source_is_exactly_what_was_found(timelines):
    for i in range(4):
        timelines.add(row(Fraction(i, 2), x=7 * i))

    assert [next(timelines.all_at(i / 2)).box.x_min for i in range(4)] == [0, 7, 14, 21]


def test_nothing_is_drawn_while_a_source_is_silent(timelines):
    for time in (0, Fraction(1, 2), 5, Fraction(11, 2)):
        timelines.add(row(time))

    assert list(timelines.all_at(3.0)) == []
    assert list(timelines.all_at(1.1)) == []


def test_a_source_fades_out_after_its_last_instant(timelines):
    timelines.add(row(0, score=0.8))
    strengths = [next(timelines.all_at(t)).strength for t in (0.0, 0.1, 0.2)]

    assert strengths[0] == pytest.approx(0.8)
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[2] < 0.3


def test_the_strongest_moment_is_in_view_if_any_is(timelines):
    timelines.add(row(0, score=0.5))
    timelines.add(row(Fraction(1, 2), score=0.9, offscreen=True))

    assert timelines.sources[0].strongest == 0


def test_maps_are_kept_on_the_disk_and_gone_afterwards(tmp_path):
    with Timelines(tmp_path, DrawOptions(), step_s=0.5) as timelines:
        timelines.add(row(0, values=[[0.25, 0.5]]))

        assert next(timelines.all_at(0)).values == pytest.approx(np.asarray([[0.5, 1.0]]))

    assert list(tmp_path.iterdir()) == []
