import resource
import signal
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tvsl_core.annotate.results.timeline import Timelines
from tvsl_core.annotate.rules import DrawOptions
from tvsl_core.errors import OutputError
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


def test_time_counts_from_the_sources_own_instants(timelines):
    """Everything is the same an hour into the video: only distances in time matter."""
    for start in (0, 3600):
        timelines.add(row(start, source=start, x=0, score=0.2, values=[[1.0, 0.0]]))
        timelines.add(row(start + Fraction(1, 2), source=start, x=100, score=0.6, values=[[0.0, 1.0]]))

    def looks(start, offset_s):
        moment = timelines.at(timelines.sources[start], start + offset_s)
        return moment and (moment.box, pytest.approx(moment.strength), moment.score, moment.values.tolist())

    for offset_s in (-0.25, -0.125, 0.0, 0.125, 0.375, 0.5, 0.625, 0.75):
        assert looks(3600, offset_s) == looks(0, offset_s)


def test_strength_and_score_are_interpolated_alike_between_instants(timelines):
    timelines.add(row(0, score=0.2))
    timelines.add(row(Fraction(1, 2), score=0.6))
    moments = [next(timelines.all_at(time_s)) for time_s in (0.0, 0.125, 0.375, 0.5)]

    assert [moment.score for moment in moments] == pytest.approx([0.2, 0.3, 0.5, 0.6])
    assert [moment.strength for moment in moments] == pytest.approx([moment.score for moment in moments])


def test_coming_and_going_mirror_each_other_and_keep_the_score(timelines):
    timelines.add(row(2, score=0.8))
    coming, going = ([next(timelines.all_at(2 + side * t)) for t in (0.05, 0.125, 0.2)] for side in (-1, 1))

    assert [m.strength for m in coming] == pytest.approx([m.strength for m in going])
    assert [m.strength for m in going] == pytest.approx([0.8 * 0.8, 0.8 * 0.5, 0.8 * 0.2])
    assert {m.score for m in coming + going} == {0.8}


def test_half_a_step_outside_nothing_is_drawn_any_more(timelines):
    timelines.add(row(2))

    assert list(timelines.all_at(1.75)) == list(timelines.all_at(2.25)) == []
    assert list(timelines.all_at(1.76)) and list(timelines.all_at(2.24))


@pytest.mark.parametrize("step_s", [0.5, 2.0])
def test_a_missing_instant_is_a_pause_and_a_late_one_is_not(tmp_path, step_s):
    def drawn_midway(distance_in_steps):
        with Timelines(tmp_path, DrawOptions(), step_s=step_s) as timelines:
            timelines.add(row(10))
            timelines.add(row(10 + Fraction(distance_in_steps * step_s)))
            return list(timelines.all_at(10 + 0.5 * distance_in_steps * step_s)) != []

    assert drawn_midway(1.75)
    assert not drawn_midway(2)


def test_a_source_that_leaves_the_picture_is_the_nearer_of_its_two_moments(timelines):
    timelines.add(row(0, score=0.4))
    timelines.add(row(Fraction(1, 2), score=0.6, offscreen=True))
    first, second = (next(timelines.all_at(time_s)) for time_s in (0.24, 0.25))

    assert (first.verdict, first.box is None, first.values is None) == ("sounding", False, False)
    assert (second.verdict, second.box is None, second.values is None) == ("offscreen", True, True)
    assert (first.strength, second.strength) == (0.4, 0.6)


def test_the_strongest_moment_has_the_highest_score_of_those_in_view(timelines):
    for index, (score, offscreen) in enumerate([(0.3, False), (0.7, False), (0.5, False), (0.9, True)]):
        timelines.add(row(index, score=score, offscreen=offscreen))

    assert timelines.sources[0].strongest == 1


def test_each_source_is_drawn_by_itself_with_maps_read_while_others_are_still_written(timelines):
    timelines.add(row(0, source=3, values=[[1.0, 0.25]]))
    (alone,) = timelines.all_at(0)
    timelines.add(row(0, source=5, values=[[0.5, 1.0]]))
    first, second = timelines.all_at(0)

    assert (first.source_id, second.source_id) == (3, 5)
    assert alone.values.tolist() == first.values.tolist() == [[1.0, 0.25]]
    assert second.values.tolist() == [[0.5, 1.0]]


def test_an_empty_map_stays_empty_and_a_map_of_another_shape_is_refused(timelines):
    timelines.add(row(0, values=[[0.0, 0.0]]))

    assert next(timelines.all_at(0)).values.tolist() == [[0.0, 0.0]]
    with pytest.raises(ValueError, match=r"one shape, got \(1, 3\) after \(1, 2\)"):
        timelines.add(row(1, values=[[0.0, 0.0, 1.0]]))


def test_a_box_between_two_instants_carries_the_score_of_the_nearer_one(timelines):
    for index, score in enumerate((0.25, 0.75)):
        found = row(Fraction(index, 2))
        timelines.add(replace(found, box=replace(found.box, score=score)))

    assert [next(timelines.all_at(time_s)).box.score for time_s in (0.2, 0.25, 0.3)] == [0.25, 0.75, 0.75]


def test_a_folder_that_cannot_hold_maps_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="folder does not exist"):
        Timelines(tmp_path / "gone", DrawOptions(), step_s=0.5)


def test_a_full_disk_is_an_output_error_that_names_the_folder(tmp_path):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with (
            Timelines(tmp_path, DrawOptions(), step_s=0.5) as timelines,
            pytest.raises(OutputError, match="grew over") as refusal,
        ):
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limit[1]))
            timelines.add(row(0, values=np.ones((100, 100))))
            list(timelines.all_at(0))
        assert str(tmp_path) in str(refusal.value)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)


def test_the_temporary_file_is_let_go_of_at_the_end(tmp_path):
    def held():
        return sum("tvsl-maps" in str(link.readlink()) or str(tmp_path) in str(link.readlink()) for link in links())

    def links():
        return [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]

    with Timelines(tmp_path, DrawOptions(), step_s=0.5) as timelines:
        timelines.add(row(0))
        list(timelines.all_at(0))
        assert held()
    assert not held()
