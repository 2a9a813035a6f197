"""Which classes sound: names against names, without places.

Conventions: a clip's ``reference`` is the set of classes that sound; its ``estimate`` is what a system reports, each
class with a score. A class that a system scores but does not report counts for the ranking (mAP) and not for precision
and recall. Names are compared without case and punctuation.

Metrics: precision, recall and F1 over all reports and for each class; mAP over classes; exact sets; the share of silent
visible objects that are reported; confusion.

References: Everingham et al., "The PASCAL Visual Object Classes Challenge", 2010 (average precision, area form).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.benchmarks.sample import class_key
from tvsl_core.evaluation.metrics.certainty import CertaintyScores
from tvsl_core.evaluation.metrics.certainty import evaluate as judge_certainty


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One clip: what sounds, what is silent, and what a system says."""

    reference: tuple[str, ...]
    silent: tuple[str, ...] = ()
    """Classes that are visible and silent."""
    reported: tuple[str, ...] = ()
    scored: tuple[tuple[str, float], ...] = ()
    """Every class with a score, reported or not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassScores:
    """How well one class is heard."""

    name: str
    precision: float
    """Share of its reports that are right; 0 when it was never reported."""
    recall: float
    average_precision: float
    sounding: int
    """Clips in which it sounds."""
    reported: int
    """Clips in which it was reported."""


def validate(clips: Sequence[Heard]) -> None:
    """Check a list of clips.

    Raises: ValueError: It is empty, a score is no number, or a class is both sounding and silent.
    """
    if not clips:
        raise ValueError("expected at least one clip")
    for clip in clips:
        if not all(np.isfinite(score) for _, score in clip.scored):
            raise ValueError("scores must be finite")
        both = {class_key(name) for name in clip.reference} & {class_key(name) for name in clip.silent}
        if both:
            raise ValueError(f"a class cannot sound and be silent in one clip: {', '.join(sorted(both))}")


def average_precision(reference: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Area under precision over recall of one ranking; equal scores share one rank.

    Args:
        reference: ``[clip]``, True where the class sounds; at least one.
        scores: ``[clip]``; -inf where the system gave none.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, truth = scores[order], reference[order]
    ends = np.flatnonzero(np.append(ranked[:-1] != ranked[1:], True))
    hits = np.cumsum(truth)[ends]
    return float(np.dot(np.diff(hits, prepend=0), hits / (ends + 1)) / max(int(hits[-1]), 1))


def per_class(clips: Sequence[Heard]) -> tuple[ClassScores, ...]:
    """Scores of every class that sounds somewhere, by name."""
    validate(clips)
    spelled = {class_key(name): name for clip in clips for name in clip.reference}
    truth = [{class_key(name) for name in clip.reference} for clip in clips]
    said = [{class_key(name) for name in clip.reported} for clip in clips]
    tables = [_best_scores(clip) for clip in clips]
    rows = []
    for key in sorted(spelled):
        sounds = np.array([key in one for one in truth])
        reports = np.array([key in one for one in said])
        right = int((sounds & reports).sum())
        scores = np.array([table.get(key, -np.inf) for table in tables])
        rows.append(
            ClassScores(
                name=spelled[key],
                precision=right / int(reports.sum()) if reports.any() else 0.0,
                recall=right / int(sounds.sum()),
                average_precision=average_precision(sounds, scores),
                sounding=int(sounds.sum()),
                reported=int(reports.sum()),
            )
        )
    return tuple(rows)


def certainty(clips: Sequence[Heard]) -> CertaintyScores | None:
    """Whether the scores of reports mean what they say; None when they are no probabilities."""
    said = [(clip, name, score) for clip in clips for name, score in clip.scored]
    scores = np.array([score for _, _, score in said], dtype=np.float64)
    if not said or not ((scores >= 0) & (scores <= 1)).all():
        return None
    right = [class_key(name) in {class_key(true) for true in clip.reference} for clip, name, _ in said]
    return judge_certainty(np.array(right), scores)


def confusion(clips: Sequence[Heard]) -> Counter[tuple[str, str]]:
    """What was reported where something else sounds.

    A class that sounds and is reported counts as itself. Of the rest, every missed class is paired with every wrong
    report of the clip; ``""`` stands for nothing on either side.

    Returns: How often (sounding, reported) occurred.
    """
    table: Counter[tuple[str, str]] = Counter()
    for clip in clips:
        truth = {class_key(name): name for name in clip.reference}
        said = {class_key(name): name for name in clip.reported}
        for key in truth.keys() & said.keys():
            table[truth[key], truth[key]] += 1
        missed = [truth[key] for key in truth.keys() - said.keys()]
        wrong = [said[key] for key in said.keys() - truth.keys()]
        for one in missed or ([""] if wrong else []):
            for other in wrong or [""]:
                table[one, other] += 1
    return table


def silent_reported(clips: Sequence[Heard]) -> tuple[int, int]:
    """How many silent visible objects were reported, and how many there are."""
    said = [{class_key(name) for name in clip.reported} for clip in clips]
    wrong = sum(class_key(name) in one for clip, one in zip(clips, said, strict=True) for name in clip.silent)
    return wrong, sum(len(clip.silent) for clip in clips)


def evaluate(clips: Sequence[Heard]) -> dict[str, float]:
    """All metrics of this module.

    ``silent reported`` only when some object is known to be silent; nothing but that and ``exact set`` when nothing
    sounds anywhere.
    """
    rows = per_class(clips)
    right = total_said = total_true = exact = 0
    for clip in clips:
        truth, said = {class_key(name) for name in clip.reference}, {class_key(name) for name in clip.reported}
        right, total_said, total_true = right + len(truth & said), total_said + len(said), total_true + len(truth)
        exact += truth == said
    precision, recall = right / max(total_said, 1), right / max(total_true, 1)
    scores: dict[str, float] = {}
    if rows:
        scores = {
            "precision": precision,
            "recall": recall,
            "F1": 2 * precision * recall / (precision + recall) if right else 0.0,
            "mAP": float(np.mean([row.average_precision for row in rows])),
        }
    scores["exact set"] = exact / len(clips)
    wrong, silent = silent_reported(clips)
    if silent:
        scores["silent reported"] = wrong / silent
    return scores


def _best_scores(clip: Heard) -> dict[str, float]:
    """The highest score of each class key in one clip."""
    best: dict[str, float] = {}
    for name, score in clip.scored:
        key = class_key(name)
        best[key] = max(best.get(key, -np.inf), score)
    return best
