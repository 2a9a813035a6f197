import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvsl_core.annotate.boxes import find_boxes, refine
from tvsl_core.annotate.rules import BoxOptions
from tvsl_core.types import LocalizationMap

FINE = BoxOptions().fine
QUICK = settings(max_examples=60, deadline=None)
GRIDS = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=12, max_size=12).map(
    lambda values: np.asarray(values, np.float32).reshape(3, 4)
)
EVERY_REGION = BoxOptions(min_area=0, second_region=0, max_regions=99)


def map_with(*cells, grid=(4, 4), size=(400, 200)):
    values = np.zeros(grid, np.float32)
    for row, column, value in cells:
        values[row, column] = value
    return LocalizationMap(values=values, frame_width=size[0], frame_height=size[1])


def map_of(values, *, pixels=FINE):
    """A map over a frame with this many pixels a patch."""
    values = np.asarray(values, np.float32)
    rows, columns = values.shape
    return LocalizationMap(values=values, frame_width=columns * pixels, frame_height=rows * pixels)


def corners(box):
    return box.x_min, box.y_min, box.x_max, box.y_max


def slow_refine(values):
    """Bilinear between the centres of patches, by numpy alone."""
    rows, columns = values.shape
    down, across = ((np.arange(size * 8) + 0.5) / 8 - 0.5 for size in (rows, columns))
    wide = np.stack([np.interp(across, np.arange(columns), row) for row in values])
    return np.stack([np.interp(down, np.arange(rows), column) for column in wide.T], axis=1)


def test_a_bold_cell_is_inside_its_box():
    (box,) = find_boxes(map_with((1, 2, 1.0)), BoxOptions())

    assert box.x_min <= 200 + 50 <= box.x_max
    assert box.y_min <= 50 + 25 <= box.y_max
    assert box.area < 400 * 200 / 4


def test_a_patch_is_refined_eightfold_along_straight_lines():
    values = np.random.default_rng(0).random((3, 5)).astype(np.float32)

    assert refine(values, FINE) == pytest.approx(slow_refine(values), abs=1e-6)


def test_a_box_is_the_bounds_of_what_is_bold_and_scores_its_mean_strength():
    values = np.zeros((5, 7), np.float32)
    values[1:3, 2:6] = [[0.2, 0.8, 0.7, 0.4], [0.3, 0.6, 0.5, 0.1]]
    (box,) = find_boxes(map_of(values), BoxOptions(threshold=0.4))
    strength = slow_refine(values) / slow_refine(values).max()
    rows, columns = np.nonzero(strength >= 0.4)

    assert corners(box) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert box.score == pytest.approx(strength[rows, columns].mean(), abs=1e-5)


def test_half_of_the_maximum_is_bold_unless_told_otherwise():
    values = [[0.0, 0.0, 0.1, 0.9, 0.3, 0.0]]

    assert find_boxes(map_of(values), BoxOptions()) == find_boxes(map_of(values), BoxOptions(threshold=0.5))
    assert find_boxes(map_of(values), BoxOptions()) != find_boxes(map_of(values), BoxOptions(threshold=0.6))


@QUICK
@given(GRIDS)
def test_a_mirrored_map_gives_mirrored_boxes(grid):
    size = grid.shape[1] * FINE
    boxes = find_boxes(map_of(grid), EVERY_REGION)
    mirrored = find_boxes(map_of(grid[:, ::-1]), EVERY_REGION)

    assert {(size - b.x_max, b.y_min, size - b.x_min, b.y_max) for b in mirrored} == {corners(b) for b in boxes}


@QUICK
@given(GRIDS)
def test_a_map_on_its_side_gives_boxes_on_their_side(grid):
    boxes = find_boxes(map_of(grid), EVERY_REGION)
    turned = find_boxes(map_of(grid.T), EVERY_REGION)

    assert {(b.y_min, b.x_min, b.y_max, b.x_max) for b in turned} == {corners(b) for b in boxes}


@QUICK
@given(GRIDS, st.integers(2, 5))
def test_a_larger_frame_gives_larger_boxes_in_the_same_places(grid, factor):
    boxes = find_boxes(map_of(grid), EVERY_REGION)
    larger = find_boxes(map_of(grid, pixels=FINE * factor), EVERY_REGION)

    assert [corners(b) for b in larger] == [tuple(factor * side for side in corners(b)) for b in boxes]


def test_a_map_without_contrast_gives_no_box():
    assert find_boxes(map_of(np.full((5, 9), 0.7)), BoxOptions()) == ()
    assert find_boxes(map_with(), BoxOptions()) == ()
    assert find_boxes(map_of([[np.nan, 1.0]]), BoxOptions()) == ()
    assert find_boxes(map_of([[-1.0, -0.5]]), BoxOptions()) == ()


def test_two_separate_regions_come_strongest_first():
    grid = map_with((0, 0, 0.8), (3, 2, 1.0), (3, 3, 1.0), grid=(4, 4))

    first, second = find_boxes(grid, BoxOptions(max_regions=2))

    assert first.y_min > second.y_max


def test_only_the_strongest_region_is_boxed_unless_more_are_wanted():
    grid = map_with((0, 0, 1.0), (3, 2, 1.0), (3, 3, 1.0), grid=(4, 4))
    every = find_boxes(grid, BoxOptions(max_regions=9))

    assert find_boxes(grid, BoxOptions()) == every[:1]
    assert len(every) == 2


def test_a_further_region_counts_from_its_share_of_the_maximum_on():
    grid = map_with((0, 0, 0.75), (3, 3, 1.0))

    assert len(find_boxes(grid, BoxOptions(max_regions=2, second_region=0.75))) == 2
    assert len(find_boxes(grid, BoxOptions(max_regions=2, second_region=0.76))) == 1


def test_a_region_counts_from_its_share_of_the_frame_on():
    # The last patch and half of the one before are at the full height: 12 of 32 rows.
    grid = map_of([[0.0], [0.0], [1.0], [1.0]])

    assert len(find_boxes(grid, BoxOptions(threshold=1, min_area=12 / 32))) == 1
    assert find_boxes(grid, BoxOptions(threshold=1, min_area=13 / 32)) == ()


def test_a_small_strong_region_goes_out_and_a_large_one_stays():
    grid = map_of([[1.0, 0.0, 0.0, 0.9, 0.9, 0.9]])
    every = BoxOptions(max_regions=2, min_area=0)
    large = BoxOptions(max_regions=2, min_area=0.3)

    assert len(find_boxes(grid, every)) == 2
    assert [box.x_max for box in find_boxes(grid, large)] == [6 * FINE]


def test_cells_that_share_an_edge_are_one_region():
    assert len(find_boxes(map_with((1, 1, 1.0), (1, 2, 1.0), (2, 2, 1.0)), BoxOptions(max_regions=3))) == 1


@QUICK
@given(
    st.lists(st.floats(0, 1), min_size=12, max_size=12),
    st.integers(-40, 20),
    st.integers(1, 4000),
    st.integers(1, 4000),
)
def test_boxes_stay_inside_the_frame_and_do_not_depend_on_scale(values, power, width, height):
    grid = np.asarray(values, np.float32).reshape(3, 4)
    # Powers of two scale floats exactly, so that no value crosses the threshold by rounding.
    factor = np.float32(2.0**power)

    boxes = find_boxes(LocalizationMap(values=grid, frame_width=width, frame_height=height), BoxOptions())
    again = find_boxes(LocalizationMap(values=grid * factor, frame_width=width, frame_height=height), BoxOptions())

    for box in boxes:
        assert 0 <= box.x_min < box.x_max <= width
        assert 0 <= box.y_min < box.y_max <= height
        assert 0 < box.score <= 1
    if grid.max() > 1e-3:
        assert boxes == again


def test_options_outside_their_range_are_refused_and_its_ends_are_not():
    for threshold in (0, 1.01):
        with pytest.raises(ValueError, match=rf"threshold must lie in \(0, 1\], got {threshold}"):
            BoxOptions(threshold=threshold)
    for min_area in (-0.01, 1):
        with pytest.raises(ValueError, match=rf"min-area must lie in \[0, 1\), got {min_area}"):
            BoxOptions(min_area=min_area)
    BoxOptions(threshold=1, min_area=0)
