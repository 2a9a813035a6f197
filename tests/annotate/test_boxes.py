import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvsl_core.annotate.boxes import find_boxes
from tvsl_core.annotate.rules import BoxOptions
from tvsl_core.types import LocalizationMap


def map_with(*cells, grid=(4, 4), size=(400, 200)):
    values = np.zeros(grid, np.float32)
    for row, column, value in cells:
        values[row, column] = value
    return LocalizationMap(values=values, frame_width=size[0], frame_height=size[1])


def test_a_bold_cell_is_inside_its_box():
    (box,) = find_boxes(map_with((1, 2, 1.0)), BoxOptions())

    assert box.x_min <= 200 + 50 <= box.x_max
    assert box.y_min <= 50 + 25 <= box.y_max
    assert box.area < 400 * 200 / 4


def test_a_map_without_contrast_gives_no_box():
    assert (
        find_boxes(
            LocalizationMap(values=np.full((5, 9), 0.7, np.float32), frame_width=90, frame_height=50), BoxOptions()
        )
        == ()
    )
    assert find_boxes(map_with(), BoxOptions()) == ()


def test_two_separate_regions_come_strongest_first():
    grid = map_with((0, 0, 0.8), (3, 2, 1.0), (3, 3, 1.0), grid=(4, 4))

    first, second = find_boxes(grid, BoxOptions(max_regions=2))

    assert first.y_min > second.y_max


def test_cells_that_share_an_edge_are_one_region():
    assert len(find_boxes(map_with((1, 1, 1.0), (1, 2, 1.0), (2, 2, 1.0)), BoxOptions(max_regions=3))) == 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=12, max_size=12),
    st.floats(0.01, 1),
    st.integers(1, 4000),
    st.integers(1, 4000),
)
def test_boxes_stay_inside_the_frame_and_do_not_depend_on_scale(values, scale, width, height):
    grid = np.asarray(values, np.float32).reshape(3, 4)
    # Powers of two scale floats exactly, so that no value crosses the threshold by rounding.
    factor = 2.0 ** np.floor(np.log2(scale))

    boxes = find_boxes(LocalizationMap(values=grid, frame_width=width, frame_height=height), BoxOptions())
    again = find_boxes(LocalizationMap(values=grid * factor, frame_width=width, frame_height=height), BoxOptions())

    for box in boxes:
        assert 0 <= box.x_min < box.x_max <= width
        assert 0 <= box.y_min < box.y_max <= height
    if grid.max() > 1e-3:
        assert [b.x_min for b in boxes] == [b.x_min for b in again]


def test_a_threshold_outside_its_range_is_refused():
    with pytest.raises(ValueError, match=r"threshold must lie in \(0, 1\], got 0"):
        BoxOptions(threshold=0)
