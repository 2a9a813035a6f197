"""Places among frames without a source, beside the counts written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvsl_core.evaluation.metrics.negatives import JudgedClip, average_precision, evaluate, loc_acc, max_f1

CLIPS = st.lists(
    st.builds(
        JudgedClip,
        confidence=st.integers(0, 6).map(float),
        ciou=st.one_of(st.none(), st.sampled_from([0.0, 0.4, 0.5, 0.9])),
    ),
    min_size=2,
    max_size=25,
)


def counted(clips, confidence):
    right = wrong = missed = 0
    for clip in clips:
        if clip.confidence >= confidence and clip.ciou is not None and clip.ciou >= 0.5:
            right += 1
        elif clip.confidence >= confidence:
            wrong += 1
        elif clip.ciou is not None:
            missed += 1
    return (1.0 if right + wrong == 0 else right / (right + wrong)), (
        1.0 if right + missed == 0 else right / (right + missed)
    )


@settings(max_examples=80, deadline=None)
@given(CLIPS)
def test_average_precision_and_f1_are_the_counts_of_the_field(clips):
    ordered = sorted(clip.confidence for clip in clips)
    points = [counted(clips, confidence) for confidence in reversed(ordered[:-1])]
    area = 0.0
    for index in range(len(points) - 1):
        area += max(point[0] for point in points[index:]) * (points[index + 1][1] - points[index][1])
    step = max(1, len(clips) // 10)
    scores = [counted(clips, ordered[index]) for index in range(0, len(ordered), step)]
    best = max(2 * p * r / (p + r) if p + r else 0 for p, r in scores)

    assert average_precision(clips) == pytest.approx(area)
    assert max_f1(clips) == pytest.approx(best)


def test_who_tells_silence_apart_scores_more_than_who_does_not():
    knowing = [JudgedClip(confidence=1.0, ciou=0.8)] * 5 + [JudgedClip(confidence=0.0, ciou=None)] * 5
    blind = [JudgedClip(confidence=0.5, ciou=clip.ciou) for clip in knowing]

    assert evaluate(knowing)["max-F1"] == 1
    assert evaluate(blind)["max-F1"] == pytest.approx(2 / 3)
    assert loc_acc(blind) == 1
    with pytest.raises(ValueError, match="confidence"):
        evaluate([JudgedClip(confidence=np.nan, ciou=None)])
