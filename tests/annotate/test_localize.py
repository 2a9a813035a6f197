"""Each class that sounds gets a map over the frame: who owns which patch, and how far a map reaches."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tvsl_core.annotate.localize import (
    keep_own_parts,
    localize,
    separate,
    shared_regions,
    shares,
    spread_over_objects,
)
from tvsl_core.annotate.rules import MapOptions
from tvsl_core.annotate.signals.pictures import PictureEvidence
from tvsl_core.model.evidence import Patches
from tvsl_core.model.load import load_model
from tvsl_core.types import Detection

QUICK = settings(max_examples=50, deadline=None)
GRID = (4, 6)
USUAL = MapOptions()
PART, REGION, SAME_OBJECT, SEED = USUAL.part, USUAL.region, USUAL.same_object, USUAL.seed
NOTHING_REACHES = MapOptions(sharpness=1, likeness_floor=0, foreground_floor=0, foreground_weight=0, flatness=1)


@st.composite
def maps(draw, most=4, patches=6):
    rows = draw(st.integers(1, most))
    values = draw(st.lists(st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 1.0]), min_size=rows * patches,
                           max_size=rows * patches))  # fmt: skip
    return torch.tensor(values).reshape(rows, patches)


@st.composite
def shuffled(draw, patches=6):
    return torch.tensor(draw(st.permutations(range(patches))))


def regions_of(*rows):
    """Maps of zeros and ones, written as words."""
    return torch.tensor([[float(cell == "#") for cell in row] for row in rows])


# Rivals


def test_one_map_is_brought_to_a_maximum_of_one():
    assert separate(torch.tensor([[0.1, 0.2, 0.0]]), 1.0).tolist() == [[0.5, 1.0, 0.0]]


@QUICK
@given(maps())
def test_after_separation_a_patch_belongs_to_one_class_and_every_class_has_its_maximum(values):
    apart = separate(values, 1.0)
    even = values / values.amax(dim=1, keepdim=True).clamp_min(1e-12)
    owned = [k for k in range(len(values)) if (even[k] > torch.cat([even[:k], even[k + 1 :], even[k : k + 1] * 0])
                                               .amax(dim=0)).any()]  # fmt: skip

    assert ((apart[owned] > 0).sum(dim=0) <= 1).all()
    for k, row in enumerate(apart):
        assert row.max() == (1.0 if values[k].max() > 0 else 0.0)
        if k not in owned:  # nothing is its own: it keeps the map that it had
            torch.testing.assert_close(row, even[k])


@QUICK
@given(maps(), st.sampled_from([0.25, 4.0]), shuffled())
def test_how_strong_a_class_is_and_the_order_of_patches_do_not_matter_to_its_rivals(values, scale, order):
    strong = values.clone()
    strong[0] *= scale

    torch.testing.assert_close(separate(strong, 1.0), separate(values, 1.0))
    torch.testing.assert_close(separate(values[:, order], 1.0), separate(values, 1.0)[:, order])
    torch.testing.assert_close(separate(values.flip(0), 1.0), separate(values, 1.0).flip(0))


def test_what_is_left_beside_a_rival_is_the_difference_stretched_to_one():
    apart = separate(torch.tensor([[1.0, 0.75, 0.5], [0.0, 0.5, 1.0]]), 1.0)

    assert apart.tolist() == [[1.0, 0.25, 0.0], [0.0, 0.0, 1.0]]


def test_a_tiny_map_is_a_map():
    torch.testing.assert_close(separate(torch.tensor([[1e-9, 5e-10]]), 1.0), torch.tensor([[1.0, 0.5]]))


# Names for one object


@pytest.mark.parametrize(
    ("rows", "shared"),
    [
        (["##...", "...##"], 0),
        (["##...", ".##.."], 1 / 3),
        (["####.", "..##."], 1 / 2),
        (["####.", "...##"], 1 / 5),
        (["##...", "##..."], 1),
    ],
)
def test_two_names_share_as_much_as_their_regions_have_in_common(rows, shared):
    found = shares(regions_of(*rows), MapOptions())

    assert found == pytest.approx(np.asarray([[1, shared], [shared, 1]]))


@QUICK
@given(maps(), st.sampled_from([0.25, 8.0]), shuffled())
def test_what_is_shared_depends_neither_on_scale_nor_on_the_order_of_patches(values, scale, order):
    found = shares(values, MapOptions())

    assert np.allclose(found, found.T)
    assert np.array_equal(shares(values * scale, MapOptions()), found)
    assert np.array_equal(shares(values[:, order], MapOptions()), found)


def test_a_region_is_what_reaches_its_share_of_the_maximum():
    edge = torch.tensor([[1.0, REGION, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    below = torch.tensor([[1.0, REGION - 0.01, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])

    assert shares(edge, MapOptions())[0, 1] == SAME_OBJECT
    assert shares(below, MapOptions())[0, 1] == 0


# How far a map reaches


def test_nothing_reaches_further_when_no_patch_is_like_another():
    values = torch.tensor([[0.2, 0.1, 0.4, 0.0]])

    torch.testing.assert_close(spread_over_objects(values, torch.eye(4), torch.ones(4), NOTHING_REACHES), values / 0.4)


def test_a_map_reaches_over_the_patches_that_look_like_its_peak():
    alike = torch.eye(6)
    alike[:3, :3] = 0.9
    peak_only = torch.tensor([[1.0, 0, 0, 0, 0, 0]])
    spread = spread_over_objects(peak_only, alike, torch.ones(6), MapOptions())

    assert (spread[0, :3] > 0.5).all()
    assert (spread[0, 3:] == 0).all()


def test_likeness_counts_from_its_floor_and_in_proportion():
    alike = torch.tensor([[1.0, 0.2, 0.6, 0.8]] * 4)
    options = MapOptions(sharpness=1, likeness_floor=0.2, foreground_floor=0, foreground_weight=0, flatness=1)
    spread = spread_over_objects(torch.tensor([[1.0, 0, 0, 0]]), alike.T, torch.ones(4), options)

    torch.testing.assert_close(spread, torch.tensor([[1.0, 0.0, 0.5, 0.75]]))


def test_every_patch_takes_the_most_that_a_patch_like_it_offers():
    alike = torch.tensor([[1.0, 0.5, 0.5], [0.5, 1.0, 0.5], [0.5, 0.5, 1.0]])
    spread = spread_over_objects(torch.tensor([[1.0, 0.25, 0.75]]), alike, torch.ones(3), NOTHING_REACHES)

    assert spread.tolist() == [[1.0, 0.5, 0.75]]


def test_background_goes_out_of_a_map():
    flat = torch.ones(1, 4)
    spread = spread_over_objects(flat, torch.ones(4, 4), torch.tensor([1.0, 0.9, 0.1, 0.0]), MapOptions())

    assert spread[0, 2:].tolist() == [0.0, 0.0]


def test_foreground_counts_from_its_floor_by_its_weight():
    options = MapOptions(sharpness=1, likeness_floor=0, foreground_floor=0.2, foreground_weight=0.25, flatness=1)
    values, foreground = torch.tensor([[1.0, 0.5, 1.0]]), torch.tensor([1.0, 0.6, 0.2])
    spread = spread_over_objects(values, torch.eye(3), foreground, options)

    torch.testing.assert_close(spread, torch.tensor([[1.0, 0.5**0.75 * 0.5**0.25, 0.0]]))


def test_a_picture_without_any_foreground_leaves_the_map_to_the_class():
    values = torch.tensor([[1.0, 0.5]])
    options = MapOptions(sharpness=1, likeness_floor=0, foreground_weight=0.5, flatness=1)

    torch.testing.assert_close(spread_over_objects(values, torch.eye(2), torch.zeros(2), options), values**0.5)


def test_exponents_of_evidence_and_of_the_finished_map():
    values = torch.tensor([[1.0, 0.25]])
    sharp = MapOptions(sharpness=0.5, likeness_floor=0, foreground_floor=0, foreground_weight=0, flatness=1)
    flat = MapOptions(sharpness=1, likeness_floor=0, foreground_floor=0, foreground_weight=0, flatness=0.5)

    for options in (sharp, flat):
        assert spread_over_objects(values, torch.eye(2), torch.ones(2), options).tolist() == [[1.0, 0.5]]


def test_a_flatter_map_keeps_its_order_and_is_wider_at_half_its_height():
    values, alike, objects = torch.tensor([[0.001, 0.02, 1.0, 0.005]]), torch.eye(4), torch.ones(4)
    steep, flat = (spread_over_objects(values, alike, objects, MapOptions(flatness=f))[0] for f in (1.0, 0.5))

    torch.testing.assert_close(flat, steep**0.5)
    assert (flat >= 0.5).sum() > (steep >= 0.5).sum()


@QUICK
@given(maps(), shuffled())
def test_shuffled_patches_shuffle_the_extents_and_each_class_gets_what_it_would_get_alone(values, order):
    rng = np.random.default_rng(0)
    alike = torch.tensor(rng.random((6, 6)), dtype=torch.float32)
    objects = torch.tensor(rng.random(6), dtype=torch.float32)
    spread = spread_over_objects(values, alike, objects, MapOptions())

    torch.testing.assert_close(
        spread_over_objects(values[:, order], alike[order][:, order], objects[order], MapOptions()), spread[:, order]
    )
    torch.testing.assert_close(spread_over_objects(values[-1:], alike, objects, MapOptions()), spread[-1:])
    assert ((spread.amax(dim=1) - 1).abs().le(1e-6) | (spread.amax(dim=1) == 0)).all()


# Whose part it is


def parts(*columns, rows=4):
    """``[row column]``: each column's value on two rows in the middle."""
    grid = np.zeros((rows, len(columns)), np.float32)
    grid[1:3] = columns
    return grid


def test_a_look_alike_of_another_class_goes_out_of_a_map_and_a_second_of_the_same_class_stays():
    extent = parts(1, 1, 0, 1, 1, 0, 0, 1, 1)[None]
    dog = parts(0.9, 0.9, 0, 0.5, 0.5, 0, 0, 0.7, 0.7)
    sheep = parts(0, 0, 0, 0.6, 0.6, 0, 0, 0, 0)
    kept = keep_own_parts(extent, np.stack([dog, sheep]), [0], MapOptions())

    assert (kept[0] == parts(1, 1, 0, 0, 0, 0, 0, 1, 1)).all()


def test_a_class_keeps_its_best_part_even_where_another_is_seen_better():
    extent = parts(1, 0, 0, 1)[None]
    kept = keep_own_parts(extent, np.stack([parts(0.3, 0, 0, 0.2), parts(0.9, 0, 0, 0.9)]), [0], MapOptions())

    assert (kept[0] == parts(1, 0, 0, 0)).all()


@pytest.mark.parametrize(("evidence", "stays"), [(SEED * 0.5, True), (SEED * 0.5 - 0.02, False)])
def test_a_further_part_stays_from_its_share_of_the_best_parts_evidence_on(evidence, stays):
    extent = parts(1, 1, 0, 0, 1, 1)[None]
    everything = np.stack([parts(0.5, 0.5, 0, 0, evidence, evidence)])

    assert keep_own_parts(extent, everything, [0], MapOptions())[0, 1, 5] == float(stays)


def test_a_part_is_judged_by_its_mean_and_a_tie_keeps_it():
    extent = parts(1, 1, 0, 0, 1, 1)[None]
    dog = parts(0.5, 0.5, 0, 0, 0.25, 0.5)
    tie, better = parts(0, 0, 0, 0, 0.5, 0.25), parts(0, 0, 0, 0, 0.5, 0.5)

    assert keep_own_parts(extent, np.stack([dog, tie]), [0], MapOptions())[0, 1, 5] == 1
    assert keep_own_parts(extent, np.stack([dog, better]), [0], MapOptions())[0, 1, 5] == 0


def test_parts_hang_together_over_corners_and_from_their_share_of_the_extent_on():
    corner = np.zeros((1, 4, 4), np.float32)
    corner[0, 0, 0] = corner[0, 1, 1] = 1
    evidence = np.zeros((2, 4, 4), np.float32)
    evidence[0, 0, 0], evidence[1, 1, 1] = 1, 1

    assert keep_own_parts(corner, evidence, [0], MapOptions())[0, 1, 1] == 1
    bridge, dog, sheep = parts(1, PART, 1), parts(1, 0, 0), parts(0, 0, 1)
    assert keep_own_parts(bridge[None], np.stack([dog, sheep]), [0], MapOptions())[0, 1, 2] == 1
    gap = parts(1, PART - 0.05, 1)
    assert keep_own_parts(gap[None], np.stack([dog, sheep]), [0], MapOptions())[0, 1, 2] == 0


def test_a_map_fades_out_by_one_patch_around_its_part():
    extent = parts(1, 0.3, 0.2, 0.1)
    extent[0] = extent[3] = [0.2, 0.1, 0.05, 0.0]
    kept = keep_own_parts(extent[None], parts(1, 0.9, 0, 0)[None], [0], MapOptions())

    assert kept[0, 1].tolist() == pytest.approx([1, 0.3, 0, 0])
    assert kept[0, 0].tolist() == pytest.approx([0.2, 0.1, 0, 0])


def test_each_source_keeps_its_own_part_of_one_extent():
    extent = parts(1, 1, 0, 1, 1)
    everything = np.stack([parts(0.1, 0, 0, 0, 0.9), parts(0.8, 0.8, 0, 0, 0), parts(0, 0, 0, 0.9, 0.9)])
    kept = keep_own_parts(np.stack([extent, extent]), everything, [1, 2], MapOptions())

    assert (kept[0] == parts(1, 1, 0, 0, 0)).all()
    assert (kept[1] == parts(0, 0, 0, 1, 1)).all()
    assert (keep_own_parts(np.stack([extent, extent]), everything, [2, 1], MapOptions()) == kept[::-1]).all()


# The stage


@pytest.fixture(scope="module")
def model():
    """Towers whose patches are labels, so that a test can write down what is seen."""
    return load_model("compact-untrained", device="cpu")


def picture(model, *, seen):
    """A frame in which each class is seen on two patches of its own, in the second row."""
    patches = torch.zeros(GRID[0] * GRID[1], model.towers.dim)
    for place, name in enumerate(seen):
        own = model.evidence.text[list(model.vocabulary.names).index(name)].clone()
        own[1000:] = 0
        patches[6 + 3 * place : 8 + 3 * place, own == own.max()] = 0.95
    image = model.evidence.image(Patches(joint=patches)[None])[0]
    return PictureEvidence(
        image=image, maps=image.T, affinity=torch.eye(len(patches)), foreground=patches.amax(dim=1), grid=GRID
    )


def detected(model, name, *, verdict="sounding", image_score=0.75):
    return Detection(
        klass=list(model.vocabulary.names).index(name), name=name, score=0.9, audio_score=0.9,
        image_score=image_score, verdict=verdict,
    )  # fmt: skip


def test_each_class_is_on_its_own_patches_and_its_peak_is_how_surely_it_is_in_view(model):
    found = [detected(model, "dog", image_score=0.75), detected(model, "violin", image_score=0.5)]
    located = localize(picture(model, seen=["dog", "violin"]), found, MapOptions(), frame_size=(600, 400))

    assert [detection for detection, _ in located] == found
    assert [set(np.flatnonzero(grid.values == grid.values.max())) for _, grid in located] == [{6, 7}, {9, 10}]
    assert [grid.values.max() for _, grid in located] == [0.75, 0.5]
    assert {(grid.values.shape, grid.frame_width, grid.frame_height) for _, grid in located} == {(GRID, 600, 400)}


def test_offscreen_sources_have_no_map_and_come_last(model):
    found = [detected(model, "rooster", verdict="offscreen"), detected(model, "dog")]
    located = localize(picture(model, seen=["dog"]), found, MapOptions(), frame_size=(60, 40))

    assert [(detection.name, grid is None) for detection, grid in located] == [("dog", False), ("rooster", True)]
    (alone,) = localize(picture(model, seen=["dog"]), found[:1], MapOptions(), frame_size=(60, 40))
    assert alone == (found[0], None)


def test_where_nothing_was_detected_nothing_is_localized(model):
    assert localize(picture(model, seen=["dog"]), [], MapOptions(), frame_size=(60, 40)) == ()


def test_two_names_for_one_object_share_its_region_and_two_objects_do_not(model):
    names = list(model.vocabulary.names)
    dog, violin = names.index("dog"), names.index("violin")
    shown = picture(model, seen=["dog", "violin"])

    assert shared_regions(shown, [dog, dog], MapOptions())[0, 1] == 1
    assert shared_regions(shown, [dog, violin], MapOptions())[0, 1] < SAME_OBJECT


def test_mirrored_patches_mirror_the_maps(model):
    shown = picture(model, seen=["dog", "violin"])
    order = torch.arange(24).reshape(GRID).flip(1).flatten()
    mirrored = replace(shown, image=shown.image[order], maps=shown.maps[:, order], foreground=shown.foreground[order])
    found = [detected(model, "dog"), detected(model, "violin")]
    straight, turned = (localize(one, found, MapOptions(), frame_size=(60, 40)) for one in (shown, mirrored))

    for (_, one), (_, other) in zip(straight, turned, strict=True):
        assert other.values[:, ::-1] == pytest.approx(one.values)
