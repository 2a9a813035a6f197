import resource
import signal
from pathlib import Path

import numpy as np
import pytest

from tvsl_core.annotate.results.timeline import Timelines
from tvsl_core.annotate.rules import DrawOptions
from tvsl_core.errors import OutputError
from tvsl_core.types import Box, LocalizationMap, SourceEvent


def event(start, end, source=0, *, score=0.8, peak=None, offscreen=False):
    return SourceEvent(
        event_id=0, source_id=source, name="dog", start_s=start, end_s=end, score=score,
        verdict="offscreen" if offscreen else "sounding", peak_s=(start + end) / 2 if peak is None else peak,
        box=None if offscreen else box(0),
    )  # fmt: skip


def box(x):
    return Box(x_min=x, y_min=0, x_max=x + 10, y_max=10)


def moment(time, *, x=0, values=((1.0, 0.0),)):
    grid = LocalizationMap(values=np.asarray(values, np.float32), frame_width=200, frame_height=10)
    return float(time), box(x), grid


@pytest.fixture
def timelines(tmp_path):
    with Timelines(tmp_path, DrawOptions(fade_s=0.1)) as opened:
        yield opened


def test_between_two_instants_place_and_map_are_interpolated_and_the_score_is_the_events(timelines):
    timelines.add(event(0, 1), [moment(0), moment(0.5, x=100, values=[[0.0, 1.0]])])
    (shown,) = timelines.all_at(0.25)

    assert shown.box.x_min == 50
    assert (shown.strength, shown.score) == (0.8, 0.8)
    assert shown.values == pytest.approx(np.asarray([[0.5, 0.5]]))


def test_at_its_own_instants_a_source_is_exactly_what_was_found(timelines):
    timelines.add(event(0, 2.1), [moment(i / 2, x=7 * i) for i in range(4)])

    assert [next(timelines.all_at(i / 2 + 1e-9)).box.x_min for i in range(4)] == [0, 7, 14, 21]


def test_a_source_appears_and_fades_with_its_event_and_not_with_its_instants(timelines):
    timelines.add(event(2.0, 4.0), [moment(2.5), moment(3.5)])

    assert list(timelines.all_at(1.99)) == list(timelines.all_at(4.0)) == []
    coming = [next(timelines.all_at(2 + t)).strength for t in (0.025, 0.05, 0.1)]
    going = [next(timelines.all_at(4 - t)).strength for t in (0.025, 0.05, 0.1)]
    assert coming == pytest.approx([0.2, 0.4, 0.8])
    assert going == pytest.approx(coming)


def test_before_its_first_and_behind_its_last_instant_a_source_stands_still(timelines):
    timelines.add(event(2.0, 4.0), [moment(2.5, x=5), moment(3.5, x=9)])

    assert [next(timelines.all_at(time)).box.x_min for time in (2.1, 2.5, 3.5, 3.9)] == [5, 5, 9, 9]


def test_nothing_is_drawn_in_a_pause_between_two_events(timelines):
    timelines.add(event(0, 1), [moment(0.5)])
    timelines.add(event(1.5, 2), [moment(1.6, x=50)])

    assert [len(list(timelines.all_at(time))) for time in (0.5, 1.2, 1.7)] == [1, 0, 1]
    assert next(timelines.all_at(1.7)).box.x_min == 50
    assert list(timelines.sources) == [0]


def test_an_event_too_short_for_an_instant_is_drawn_where_it_was_found(timelines):
    timelines.add(event(1.1, 1.4), [moment(1.5, x=30)])

    assert next(timelines.all_at(1.25)).box.x_min == 30


def test_an_offscreen_event_has_neither_box_nor_map(timelines):
    timelines.add(event(0, 1, offscreen=True), [])
    (shown,) = timelines.all_at(0.5)

    assert (shown.verdict, shown.box, shown.values, shown.score) == ("offscreen", None, None, 0.8)


def test_without_fading_a_source_is_whole_from_the_first_moment(tmp_path):
    with Timelines(tmp_path, DrawOptions(fade_s=0)) as opened:
        opened.add(event(0, 1), [moment(0)])

        assert next(opened.all_at(0)).strength == 0.8


def test_the_peak_is_that_of_the_surest_event_in_view_if_any_is(timelines):
    timelines.add(event(0, 1, score=0.6, peak=0.9), [moment(0.5, x=10), moment(1.0, x=20)])
    timelines.add(event(2, 3, score=0.9, offscreen=True), [])
    timelines.add(event(4, 5, score=0.5), [moment(4.5)])
    time_s, shown = timelines.peak(timelines.sources[0], np.arange(0.1, 5, 0.25))

    assert time_s == pytest.approx(0.85)
    assert (shown.box.x_min, shown.strength) == (17, 0.6)


def test_the_peak_of_an_event_between_two_instants_is_its_own(timelines):
    timelines.add(event(1.1, 1.4, peak=1.2), [moment(1.2)])

    assert timelines.peak(timelines.sources[0], np.array([1.0, 1.5]))[0] == 1.2
    assert timelines.peak(timelines.sources[0], np.zeros(0))[0] == 1.2


def test_maps_are_kept_on_the_disk_and_gone_afterwards(tmp_path):
    with Timelines(tmp_path, DrawOptions()) as timelines:
        timelines.add(event(0, 1), [moment(0, values=[[0.25, 0.5]])])

        assert next(timelines.all_at(0.5)).values == pytest.approx(np.asarray([[0.5, 1.0]]))

    assert list(tmp_path.iterdir()) == []


def test_each_source_is_drawn_by_itself_with_maps_read_while_others_are_still_written(timelines):
    timelines.add(event(0, 1, source=3), [moment(0, values=[[1.0, 0.25]])])
    (alone,) = timelines.all_at(0.5)
    timelines.add(event(0, 1, source=5), [moment(0, values=[[0.5, 1.0]])])
    first, second = timelines.all_at(0.5)

    assert (first.source_id, second.source_id) == (3, 5)
    assert alone.values.tolist() == first.values.tolist() == [[1.0, 0.25]]
    assert second.values.tolist() == [[0.5, 1.0]]


def test_an_empty_map_stays_empty_and_maps_of_several_shapes_stand_beside_each_other(timelines):
    timelines.add(event(0, 1), [moment(0, values=[[0.0, 0.0]])])
    timelines.add(event(1, 2), [moment(1, values=[[0.0, 0.5, 1.0], [0.25, 0.0, 0.0]])])
    timelines.add(event(2, 3), [moment(2, values=[[1.0, 0.0]])])

    assert next(timelines.all_at(0.5)).values.tolist() == [[0.0, 0.0]]
    assert next(timelines.all_at(1.5)).values.tolist() == [[0.0, 0.5, 1.0], [0.25, 0.0, 0.0]]
    assert next(timelines.all_at(2.5)).values.tolist() == [[1.0, 0.0]]


def test_a_folder_that_cannot_hold_maps_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="folder does not exist"):
        Timelines(tmp_path / "gone", DrawOptions())


def test_a_full_disk_is_an_output_error_that_names_the_folder(tmp_path):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with (
            Timelines(tmp_path, DrawOptions()) as timelines,
            pytest.raises(OutputError, match="grew over") as refusal,
        ):
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limit[1]))
            timelines.add(event(0, 1), [moment(0, values=np.ones((100, 100)))])
            list(timelines.all_at(0.5))
        assert str(tmp_path) in str(refusal.value)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)


def test_the_temporary_file_is_let_go_of_at_the_end(tmp_path):
    def held():
        return sum("tvsl-maps" in str(link.readlink()) or str(tmp_path) in str(link.readlink()) for link in links())

    def links():
        return [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]

    with Timelines(tmp_path, DrawOptions()) as timelines:
        timelines.add(event(0, 1), [moment(0)])
        list(timelines.all_at(0.5))
        assert held()
    assert not held()
