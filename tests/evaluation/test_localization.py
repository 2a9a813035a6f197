"""One map against one reference, beside loops that do the same slowly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tvsl_core.evaluation.metrics.localization import ciou, evaluate, iou, peak_hit, pixel_ap, pixel_aps
from tvsl_core.evaluation.metrics.maps import Threshold, binarize, resize_map

SIDE = st.integers(2, 7)
QUICK = settings(max_examples=60, deadline=None)


@st.composite
def references(draw, side=6):
    region = draw(arrays(np.bool_, (side, side)))
    region[draw(st.integers(0, side - 1)), draw(st.integers(0, side - 1))] = True
    return region


@st.composite
def maps(draw, side=6):
    # Whole numbers tie often, which is where average precision goes wrong.
    return draw(arrays(np.int8, (side, side), elements=st.integers(-5, 5))).astype(np.float32)


def slow_ciou(reference, region):
    top = bottom = 0.0
    for truth, chosen in zip(reference.ravel(), region.ravel(), strict=True):
        top += float(chosen) * float(truth)
        bottom += float(truth) + (float(chosen) if truth == 0 else 0.0)
    return top / bottom


def slow_ap(reference, estimate):
    total, score, recall = int(reference.sum()), 0.0, 0.0
    for level in sorted(set(estimate.ravel().tolist()), reverse=True):
        chosen = estimate >= level
        hits = int((chosen & reference).sum())
        score += (hits / total - recall) * hits / int(chosen.sum())
        recall = hits / total
    return score


@QUICK
@given(references(), arrays(np.bool_, (6, 6)))
def test_ciou_is_the_formula_of_the_paper(reference, region):
    assert ciou(reference, region) == pytest.approx(slow_ciou(reference, region))


@QUICK
@given(references(), arrays(np.bool_, (6, 6)))
def test_ciou_of_boxes_is_plain_iou_and_symmetric(reference, region):
    assert ciou(reference, region) == pytest.approx(iou(reference, region))
    if region.any():
        assert ciou(reference, region) == pytest.approx(ciou(region, reference))


def test_ciou_weighs_pixels_by_agreement_and_ignores_its_lack_outside():
    reference = np.array([[1.0, 0.5], [0.0, 0.0]])

    assert ciou(reference, np.array([[True, False], [False, False]])) == pytest.approx(1 / 1.5)
    assert ciou(reference, np.array([[True, True], [True, False]])) == pytest.approx(1.5 / 2.5)


@QUICK
@given(references(), maps())
def test_average_precision_is_the_sum_over_distinct_values(reference, estimate):
    assert pixel_ap(reference, estimate) == pytest.approx(slow_ap(reference, estimate))


@QUICK
@given(references(), maps(), st.sampled_from([0.25, 2.0, 1024.0]), st.integers(-8, 8))
def test_scale_and_offset_of_a_map_do_not_matter(reference, estimate, scale, offset):
    moved = (estimate * scale + offset).astype(np.float32)

    assert pixel_ap(reference, moved) == pytest.approx(pixel_ap(reference, estimate))
    assert peak_hit(reference, moved) == pytest.approx(peak_hit(reference, estimate))
    for kind in ("top", "stretched"):
        rule = Threshold(kind=kind, value=0.5)
        assert (binarize(moved, rule) == binarize(estimate, rule)).all()


@QUICK
@given(references(), maps(), st.randoms(use_true_random=False))
def test_shuffling_the_pixels_of_both_changes_nothing(reference, estimate, random):
    order = list(range(reference.size))
    random.shuffle(order)
    shuffled = (reference.ravel()[order].reshape(6, 6), estimate.ravel()[order].reshape(6, 6))
    rule = Threshold(kind="stretched", value=0.5)

    assert evaluate(*shuffled, rule) == pytest.approx(evaluate(reference, estimate, rule))


@QUICK
@given(references(), maps())
def test_every_score_lies_between_none_and_all(reference, estimate):
    scores = evaluate(reference, estimate, Threshold(kind="of-maximum", value=0.2))

    assert all(0 <= value <= 1 for value in scores.values())


@QUICK
@given(references())
def test_a_perfect_map_scores_one_everywhere_unless_it_has_no_contrast(reference):
    scores = evaluate(reference, reference.astype(np.float32), Threshold(kind="stretched", value=0.5))

    if reference.all():
        assert scores["ciou"] == 0
        assert scores["ap"] == 1
    else:
        assert scores == {"ciou": 1, "iou": 1, "ap": 1, "peak": 1}


def test_several_references_share_one_sorting():
    rng = np.random.default_rng(3)
    estimate = rng.integers(0, 9, (8, 8)).astype(np.float32)
    several = rng.random((3, 8, 8)) > 0.6

    assert pixel_aps(several, estimate) == pytest.approx([slow_ap(one, estimate) for one in several])


def test_an_inverted_map_scores_worse():
    reference = np.zeros((8, 8), dtype=bool)
    reference[2:5, 2:5] = True
    good = reference + np.random.default_rng(0).random((8, 8)).astype(np.float32) * 0.5

    assert pixel_ap(reference, good) == 1
    assert pixel_ap(reference, -good) < 0.2


@pytest.mark.parametrize(
    ("reference", "estimate", "message"),
    [
        (np.ones((2, 2)), np.ones((2, 3), dtype=bool), "same pixels"),
        (np.full((2, 2), 1.5), np.ones((2, 2), dtype=bool), r"\[0, 1\]"),
        (np.zeros((2, 2)), np.ones((2, 2), dtype=bool), "marks nothing"),
        (np.ones((2, 2)), np.full((2, 2), np.nan), "finite"),
    ],
)
def test_senseless_input_is_refused(reference, estimate, message):
    with pytest.raises(ValueError, match=message):
        ciou(reference, estimate)


@QUICK
@given(maps(), st.sampled_from([0.3, 0.5]))
def test_thresholds_are_the_arithmetic_of_the_field(estimate, value):
    if estimate.max() == estimate.min():
        assert not binarize(estimate, Threshold(kind="stretched", value=value)).any()
        assert binarize(estimate, Threshold(kind="top", value=value, flat=estimate.max())).all()
        assert (binarize(estimate, Threshold(kind="of-maximum", value=value)) == (estimate > 0)).all()
        return
    ordered = sorted(estimate.ravel().tolist())
    middle = ordered[int(len(ordered) * 0.5)]
    stretched = (estimate - estimate.min()) / (estimate.max() - estimate.min())

    above = (estimate > middle) | (estimate == estimate.max())
    assert (binarize(estimate, Threshold(kind="top", value=0.5)) == (estimate >= middle)).all()
    assert (binarize(estimate, Threshold(kind="above-top", value=0.5)) == above).all()
    assert (binarize(estimate, Threshold(kind="stretched", value=value)) == (stretched >= value - 1e-6)).all()
    if estimate.max() > 0:
        kept = binarize(estimate, Threshold(kind="of-maximum", value=0.2))
        assert (kept == (estimate > 0.2 * estimate.max())).all()


def test_resampling_is_bilinear_between_cell_centres():
    import cv2

    small = np.random.default_rng(1).random((7, 9)).astype(np.float32)
    ours = resize_map(small, height=56, width=90)

    assert ours == pytest.approx(cv2.resize(small, (90, 56), interpolation=cv2.INTER_LINEAR), abs=1e-5)
    assert resize_map(np.ones((1, 1), dtype=np.float32), height=3, width=2).tolist() == [[1, 1]] * 3


def test_a_threshold_outside_its_range_is_refused():
    with pytest.raises(ValueError, match=r"\(0, 1\)"):
        Threshold(kind="top", value=1.0)


@pytest.mark.parametrize("metric", [ciou, iou, pixel_ap, peak_hit])
@pytest.mark.parametrize(
    ("reference", "message"),
    [([[-0.5, 1.0]], r"\[0, 1\]"), ([[0.0, 1.5]], r"\[0, 1\]"), ([[0.0, 0.0]], "nothing"), ([[0.5, 0.5, 1.0]], "same")],
)
def test_every_metric_refuses_what_none_can_score(metric, reference, message):
    estimate = np.array([[True, False]]) if metric in (ciou, iou) else np.array([[1.0, 0.0]], np.float32)
    with pytest.raises(ValueError, match=message):
        metric(np.array(reference), estimate)


def test_one_value_that_is_no_number_is_enough_to_refuse_a_map():
    with pytest.raises(ValueError, match="finite"):
        pixel_ap(np.array([[1.0, 0.0]]), np.array([[1.0, np.nan]], np.float32))


def test_iou_counts_what_half_of_the_annotators_marked_and_anything_when_no_pixel_reached_that():
    left = np.array([[True, False, False, False]])

    assert iou(np.array([[0.5, 0.49, 0.0, 0.0]]), left) == 1
    assert iou(np.array([[0.5, 0.55, 0.0, 0.0]]), left) == 0.5
    assert iou(np.array([[0.4, 0.1, 0.0, 0.0]]), left) == 0.5


def test_average_precision_counts_what_half_of_the_annotators_marked():
    estimate = np.array([[0.9, 0.8, 0.7, 0.6]], np.float32)

    assert pixel_ap(np.array([[0.5, 0.55, 0.49, 0.0]]), estimate) == 1
    assert pixel_ap(np.array([[0.49, 0.5, 0.0, 0.0]]), estimate) == 0.5
    assert pixel_aps(np.zeros((1, 1, 4), bool), estimate).tolist() == [0]
    assert pixel_ap(np.array([[0.4, 0.3, 0.0, 0.0]]), estimate) == 0  # nobody is sure of any pixel


def test_a_peak_hits_whatever_anybody_marked_and_only_that():
    reference = np.array([[0.1, 0.0, 1.0]])

    assert peak_hit(reference, np.array([[2.0, 1.0, 1.0]], np.float32)) == 1
    assert peak_hit(reference, np.array([[1.0, 2.0, 1.0]], np.float32)) == 0
    assert peak_hit(reference, np.array([[2.0, 2.0, 1.0]], np.float32)) == 0.5
