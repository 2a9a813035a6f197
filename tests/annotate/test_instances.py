"""The region of a class comes apart into objects, and each is followed along its shot."""

import numpy as np

from tvsl_core.annotate.objects.instances import SeenObject, find_objects, follow
from tvsl_core.annotate.rules import BoxOptions, ObjectOptions
from tvsl_core.types import Box, LocalizationMap

SIZE = (600, 400)


def grid(*parts, shape=(8, 12)):
    """A map with rectangles of a strength: (top, left, bottom, right, value)."""
    values = np.zeros(shape, np.float32)
    for top, left, bottom, right, value in parts:
        values[top:bottom, left:right] = value
    return values


LEFT, RIGHT = (2, 1, 6, 4), (2, 8, 6, 11)


def objects(extent, own, *others, **options):
    everything = np.stack([own, *others])
    return find_objects(extent, everything, 0, ObjectOptions(**options), BoxOptions(), peak=0.8, frame_size=SIZE)


def test_two_parts_are_two_objects_each_with_its_own_map_and_box():
    both = grid((*LEFT, 1.0), (*RIGHT, 0.8))
    one, other = sorted(objects(both, both), key=lambda seen: seen.box.x_min)

    assert one.box.x_max <= SIZE[0] / 2 <= other.box.x_min
    assert not (one.map.values * other.map.values).any()
    assert one.map.values.max() == other.map.values.max() == np.float32(0.8)
    assert np.flatnonzero((one.map.values + other.map.values).ravel()).tolist() == np.flatnonzero(both.ravel()).tolist()


def test_one_part_is_left_as_it_is():
    assert objects(grid((*LEFT, 1.0)), grid((*LEFT, 1.0))) == ()


def test_mirrored_pictures_have_mirrored_objects():
    both = grid((*LEFT, 1.0), (1, 8, 7, 11, 0.9))
    seen, mirrored = objects(both, both), objects(both[:, ::-1].copy(), both[:, ::-1].copy())

    assert [(SIZE[0] - one.box.x_max, one.box.y_min) for one in mirrored] == [
        (one.box.x_min, one.box.y_min) for one in seen
    ]


def test_a_part_that_hardly_shows_the_class_is_no_object():
    both = grid((*LEFT, 1.0), (*RIGHT, 0.8))

    assert len(objects(both, grid((*LEFT, 1.0), (*RIGHT, 0.41)), evidence=0.4)) == 2
    assert len(objects(both, grid((*LEFT, 1.0), (*RIGHT, 0.39)), evidence=0.4)) < 2


def test_a_part_that_shows_another_class_much_better_is_no_object():
    both = grid((*LEFT, 1.0), (*RIGHT, 0.8))

    assert len(objects(both, grid((*LEFT, 1.0), (*RIGHT, 0.5)), grid((*RIGHT, 0.99)), rival=0.5)) == 2
    assert len(objects(both, grid((*LEFT, 1.0), (*RIGHT, 0.45)), grid((*RIGHT, 0.99)), rival=0.5)) < 2


def test_a_speck_beside_a_large_object_is_none():
    both = grid((0, 0, 8, 6, 1.0), (2, 9, 4, 11, 1.0))

    assert len(objects(both, both, size=0.25)) < 2
    assert len(objects(both, both, size=0.05)) == 2


def test_there_are_at_most_so_many_objects():
    three = grid((0, 0, 2, 3, 1.0), (3, 5, 5, 8, 1.0), (6, 9, 8, 12, 1.0))

    assert len(objects(three, three)) == 3
    assert len(objects(three, three, most=2)) == 2


# Along time


def seen(x, *, size=100):
    box = Box(x_min=x, y_min=0, x_max=x + size, y_max=size)
    return SeenObject(box=box, map=LocalizationMap(values=grid((*LEFT, 1.0)), frame_width=600, frame_height=400))


def places(tracks):
    return [{index: one.box.x_min for index, one in track.seen.items()} for track in tracks]


def test_each_object_goes_on_where_it_is_nearest_whatever_order_they_come_in():
    tracks = follow([(0, (seen(0), seen(300))), (1, (seen(320), seen(10))), (2, (seen(30), seen(310)))])

    assert places(tracks) == [{0: 0, 1: 10, 2: 30}, {0: 300, 1: 320, 2: 310}]


def test_an_object_that_is_hidden_for_a_while_is_found_again_and_stands_where_it_was():
    (one, other) = follow([(0, (seen(0), seen(300))), (1, (seen(310),)), (2, (seen(5), seen(315)))])

    assert places([one]) == [{0: 0, 2: 5}]
    assert other.nearest(1).box.x_min == 310
    assert one.last.x_min == 5


def test_what_appears_far_from_all_others_is_another_object():
    assert len(follow([(0, (seen(0),)), (1, (seen(250),))])) == 2
