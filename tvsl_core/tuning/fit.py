"""Thresholds of detection, fitted on scenes from held-out material and never on a test split.

The figures that are sought have each a bar; what counts is how far the figures fall short of their bars, and then how
high they are. The search goes from threshold to threshold and keeps whatever is better (coordinate ascent), which is
enough for a dozen of them and leaves nothing to chance.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tvsl_core.annotate.detect import ClassWeights, decide, weigh_without
from tvsl_core.annotate.instant import place
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.data.scenes.pool import MediaPool
from tvsl_core.model.calibration import Calibration
from tvsl_core.model.learned import SUPPORT, TRUST
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.tuning.scenes import EmbeddedScene, means_the_same
from tvsl_core.types import Detection, Verdict

GRIDS: Mapping[str, tuple[float, ...]] = {
    "sound_offset": tuple(np.arange(-5.0, 2.01, 0.5)),
    "image_offset": tuple(np.arange(-4.0, 2.01, 0.5)),
    "image_weight": (0.25, 0.5, 0.75, 1.0, 1.5, 2.0),
    "threshold": (0.01, 0.02, 0.03, 0.05, 0.075, *np.arange(0.1, 0.96, 0.05)),
    "offscreen_threshold": tuple(np.arange(0.3, 0.99, 0.04)),
    "kin_offscreen_threshold": (0.9, 0.95, 0.98, 0.99, 1.0),
    "visible_threshold": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    "second_visible_threshold": (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95),
    "rival_ratio": (0.0, 0.002, 0.005, 0.01, 0.03, 0.06, 0.1, 0.15, 0.25, 0.4),
    "rival_offscreen_ratio": (0.1, 0.25, 0.5, 0.7, 0.9),
}
"""Values that are tried for every threshold."""


class Goal(NamedTuple):
    """What one figure should reach."""

    least: float
    weight: float = 1.0


GOALS: Mapping[str, Goal] = {
    "pair found": Goal(0.75, 2.0),
    "pair exact": Goal(0.45, 1.5),
    "pair boxed": Goal(0.72, 1.0),
    "silent boxed": Goal(0.88, 1.0),
    "silent found": Goal(0.90),
    "silent kept quiet": Goal(0.92, 1.5),
    "single found": Goal(0.80),
    "single exact": Goal(0.75, 0.5),
    "offscreen named": Goal(0.65, 1.2),
    "offscreen unboxed": Goal(0.90, 1.2),
    "noise quiet": Goal(0.97, 1.5),
}
"""Figures by name. A figure above its goal still counts, but little."""
BEYOND = 0.15
"""How much a gain above the goal counts against one below it."""


OPTIONS = AnnotateOptions()
"""Thresholds are fitted for annotation as it is by default."""
MANY_SOURCES = 3
"""A class whose sounds come from so many sources can be told by what was learned."""
LEARNED_WELL, LEARNED_LITTLE = (1.0, 0.3), (0.5, 1.0)
"""Trust in the heads and support by the untrained mapping; docs/experiments.md has the comparison."""


def support_of(pool: MediaPool) -> dict[str, dict[str, float]]:
    """How much heads and untrained mapping count for each class, by the variety of the sounds that it was trained on.

    Args:
        pool: What the heads were trained on.

    Returns: For the details of a heads file.
    """
    sources: dict[str, set[str]] = {name: set() for name in pool.classes}
    for item in pool.sounds:
        for name in item.names:
            sources[name].add(item.group)
    weights = {name: LEARNED_WELL if len(own) >= MANY_SOURCES else LEARNED_LITTLE for name, own in sources.items()}
    return {
        TRUST: {name: trust for name, (trust, _) in weights.items()},
        SUPPORT: {name: support for name, (_, support) in weights.items()},
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """What the search found."""

    calibration: Calibration
    figures: Mapping[str, float]
    """With these thresholds, on the scenes that they were fitted on."""
    scenes: int


def calibrate(model: TvslModel, scenes: Sequence[EmbeddedScene], *, name: str, rounds: int = 3) -> Fitted:
    """Fit the thresholds.

    Args:
        model: Whose calibration is the starting point.
        scenes: From held-out material.
        name: What the scenes are called, for the record.
        rounds: How often every threshold is looked at.
    """
    trial = _Trial(model, scenes)
    best, figures = model.calibration, trial.figures(model.calibration)
    for _ in range(rounds):
        before = best
        for field, grid in GRIDS.items():
            for value in grid:
                changed: dict[str, Any] = {field: float(value)}
                candidate = dataclasses.replace(best, **changed)
                found = trial.figures(candidate)
                if worth(found) > worth(figures) + 1e-9:
                    best, figures = candidate, found
        if best == before:
            break
    shown = ", ".join(f"{key} {value:.3f}" for key, value in figures.items())
    record = f"{name}, {len(scenes)} scenes: {shown}"
    fitted = dataclasses.replace(best.centred(), fitted_on=record)
    return Fitted(calibration=fitted, figures=figures, scenes=len(scenes))


def worth(figures: Mapping[str, float]) -> float:
    """How good figures are: shortfalls count in full, what lies beyond a goal a little."""
    total = 0.0
    for key, goal in GOALS.items():
        gain = figures[key] - goal.least
        total += goal.weight * (gain if gain < 0 else BEYOND * gain)
    return total


class _Trial:
    """Decisions on the same evidence again and again."""

    def __init__(self, model: TvslModel, scenes: Iterable[EmbeddedScene]) -> None:
        self._model = model
        self._scenes = [(scene, _Remembered(scene, model)) for scene in scenes]
        self._same: dict[tuple[str, str], bool] = {}

    def figures(self, calibration: Calibration) -> dict[str, float]:
        """Every figure of ``GOALS`` with some thresholds."""
        model = self._model.with_calibration(calibration)
        counts: dict[str, list[float]] = {key: [] for key in GOALS}
        for scene, remembered in self._scenes:
            found = remembered.placed(decide(remembered.weigh, model, OPTIONS.detect))
            self._count(scene, found, counts)
        return {key: float(np.mean(values)) if values else 1.0 for key, values in counts.items()}

    def _count(self, scene: EmbeddedScene, found: list[tuple[str, bool]], counts: dict[str, list[float]]) -> None:
        kind, truth = scene.given.kind, scene.given.scene
        hits = [any(self._means(name, true) for name, _ in found) for true in truth.sounding]
        exact = all(hits) and len(found) == len(hits)
        if kind == "noise":
            counts["noise quiet"].append(not found)
        elif kind == "offscreen":
            counts["offscreen named"].extend(hits)
            counts["offscreen unboxed"].append(not any(seen for _, seen in found))
        else:
            counts[f"{kind} found"].extend(hits)
            if kind in ("pair", "silent"):
                boxed = [name for name, seen in found if seen]
                counts[f"{kind} boxed"].extend(
                    any(self._means(name, true) for name in boxed) for true in truth.sounding
                )
            if kind in ("pair", "single"):
                counts[f"{kind} exact"].append(exact)
            else:
                silent = [name for name in truth.visible if name not in truth.sounding]
                counts["silent kept quiet"].extend(
                    not any(self._means(name, other) for name, _ in found) for other in silent
                )

    def _means(self, reported: str, true: str) -> bool:
        if (reported, true) not in self._same:
            self._same[reported, true] = means_the_same(self._model, reported, true)
        return self._same[reported, true]


class _Remembered:
    """What does not depend on thresholds, computed once a scene: evidence, and the places of what was decided."""

    def __init__(self, scene: EmbeddedScene, model: TvslModel) -> None:
        self._scene, self._model = scene, model
        self._weights: dict[frozenset[int], ClassWeights | None] = {}
        self._places: dict[tuple[tuple[int, Verdict], ...], list[tuple[str, bool]]] = {}

    def weigh(self, found: tuple[int, ...]) -> ClassWeights | None:
        """Evidence with some classes taken out."""
        key = frozenset(found)
        if key not in self._weights:
            self._weights[key] = weigh_without(self._scene.clip, self._model, found, OPTIONS.detect)
        return self._weights[key]

    def placed(self, found: tuple[Detection, ...]) -> list[tuple[str, bool]]:
        """Each name that annotation would report, and whether it has a box.

        Maps and boxes follow from the order of the classes and from what is in view, not from scores.
        """
        key = tuple((one.klass, one.verdict) for one in found)
        if key not in self._places:
            sources = place(self._scene.clip, found, self._model, OPTIONS, frame_size=self._scene.size)
            self._places[key] = [(source.detection.name, bool(source.boxes)) for source in sources]
        return self._places[key]
