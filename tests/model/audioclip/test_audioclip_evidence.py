import torch

from tvsl_core.model.audioclip.evidence import MARGIN, evidence, foreground, likeness, without

AXES = torch.eye(6)
"""Unit vectors: 0 and 1 are classes, 4 is the background."""


def of(place, *, text=AXES[:2], nothing=AXES[5], scale=10.0):
    return evidence(place[None, None], text=text, background=AXES[4:5], nothing=nothing[None, None], scale=scale)[0, 0]


def test_a_class_at_its_place_beats_its_rivals():
    strong, weak = of(AXES[0])

    assert strong > 0.98
    assert weak < 0.05


def test_background_is_nobodys_place():
    assert of(AXES[4]).max() < 0.001


def test_a_class_that_nothing_resembles_must_beat_nothing_by_the_margin():
    biased = of(AXES[0], nothing=AXES[0])

    assert torch.isclose(biased[0], torch.sigmoid(-torch.tensor(MARGIN)), atol=1e-3)


def test_the_bias_of_one_class_is_not_that_of_another():
    alone = of(AXES[1], text=AXES[1:2], nothing=AXES[0])
    beside = of(AXES[1], nothing=AXES[0])[1:]

    assert torch.equal(alone, beside)


def test_length_does_not_matter():
    assert torch.allclose(of(AXES[0] * 100), of(AXES[0] / 100), atol=1e-6)


def test_no_classes_give_no_evidence():
    assert of(AXES[0], text=AXES[:0]).shape == (0,)


def test_taking_a_class_out_leaves_the_others():
    mixed = (AXES[0] + AXES[1])[None]
    left = without(mixed, text=AXES[0], background=AXES[4:5])

    assert of(left[0])[0] < 0.2 * of(mixed[0])[0]
    assert of(left[0])[1] >= of(mixed[0])[1]


def test_what_names_share_with_the_background_is_not_taken_out():
    names = torch.stack([AXES[0] + 2 * AXES[4], AXES[1] + 2 * AXES[4]])
    place = (AXES[0] + AXES[1] + AXES[4])[None]

    left = without(place, text=names[0], background=AXES[4:5])
    assert torch.allclose(left, (AXES[1] + AXES[4])[None], atol=1e-6)


def test_foreground_is_half_where_objects_and_surfaces_are_alike():
    places = torch.stack([AXES[0], AXES[1], AXES[5]])[None]

    values = foreground(places, objects=AXES[:1], stuff=AXES[1:2], scale=10.0)[0]
    assert values[0] > 0.99
    assert values[1] < 0.01
    assert values[2] == 0.5


def test_likeness_groups_equal_cells():
    features = torch.zeros(1, 2, 1, 4)
    features[0, 0, 0, :2], features[0, 1, 0, 2:] = 1, 1

    alike = likeness(features)[0]
    assert torch.allclose(alike, torch.block_diag(torch.ones(2, 2), torch.ones(2, 2)), atol=1e-6)
    assert torch.equal(likeness(torch.ones(1, 2, 1, 2))[0], torch.eye(2))
