"""Scores annotated sample videos against their exact truth (``sample_videos/truth.json``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tvsl_core.types import Box
from tvsl_core.vocabulary.classes import load_vocabulary

SAMPLES = Path(__file__).resolve().parent.parent / "sample_videos"
EDGE_S = 0.5
"""Instants so near the beginning or end of a sound are not asked for: it is heard within windows."""


@dataclass(slots=True)
class Tally:
    """What annotation made of all clips together."""

    expected: set[tuple[str, str]] = field(default_factory=set)
    found: set[tuple[str, str]] = field(default_factory=set)
    silent_named: set[tuple[str, str]] = field(default_factory=set)
    wrong: set[tuple[str, str]] = field(default_factory=set)
    offscreen_expected: int = 0
    offscreen_found: int = 0
    offscreen_boxed: int = 0
    ious: list[float] = field(default_factory=list)
    whole_frame: list[float] = field(default_factory=list)
    centred: list[float] = field(default_factory=list)

    @property
    def good_boxes(self) -> float:
        """Share of (source, time) pairs whose box has an IoU of at least 0.3."""
        return sum(iou >= 0.3 for iou in self.ious) / max(1, len(self.ious))


def same(one: str, other: str) -> bool:
    """Whether two names mean one thing: equal, or one generic for the other."""
    names = load_vocabulary()
    first, second = names.find(one), names.find(other)
    if first is None or second is None:
        return one == other
    return first is second or first.name in names.ancestors(second.name) or second.name in names.ancestors(first.name)


def score(results: Path) -> Tally:
    """Compare every table with the truth."""
    truth = json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))["clips"]
    tally = Tally()
    for name, clip in truth.items():
        rows = pd.read_parquet(results / "sources" / f"{name}.parquet")
        score_clip(name, clip, rows, tally)
    return tally


def score_clip(name: str, clip: dict[str, Any], rows: pd.DataFrame, tally: Tally) -> None:
    """Add one clip to the tally."""
    sounding = [thing["class"] for thing in clip["objects"] if thing["sounding"]]
    for thing in clip["objects"]:
        mine = rows[[same(found, thing["class"]) for found in rows["class"]]]
        if not thing["sounding"]:
            if len(mine) and not any(same(thing["class"], other) for other in sounding):
                tally.silent_named.add((name, thing["class"]))
            continue
        tally.expected.add((name, thing["class"]))
        if len(mine):
            tally.found.add((name, thing["class"]))
        if thing["offscreen"]:
            then = mine[[_well_inside(time_s, thing) for time_s in mine["time_s"]]]  # it may be seen at other times
            tally.offscreen_expected += 1
            tally.offscreen_found += bool((then["verdict"] == "offscreen").any())
            tally.offscreen_boxed += bool((then["verdict"] == "sounding").any())
        elif len(mine):  # what is not found at all has no box that could be judged
            _score_boxes(clip, thing, mine, tally)
    for found in rows["class"].unique():
        if not any(same(found, other) for other in sounding):
            tally.wrong.add((name, str(found)))


def _score_boxes(clip: dict[str, Any], thing: dict[str, Any], mine: pd.DataFrame, tally: Tally) -> None:
    width, height = clip["width"], clip["height"]
    frame = Box(x_min=0, y_min=0, x_max=width, y_max=height)
    centre = Box(x_min=width // 4, y_min=height // 4, x_max=3 * width // 4, y_max=3 * height // 4)
    for time_s, truth in _asked(thing):
        near = mine[(mine["time_s"] - time_s).abs() < 0.26]
        boxes = [_box(row) for row in near[near["verdict"] == "sounding"].to_dict("records") if row["region"] == 0]
        tally.ious.append(max((box.iou(truth) for box in boxes), default=0.0))
        tally.whole_frame.append(frame.iou(truth))
        tally.centred.append(centre.iou(truth))


def _asked(thing: dict[str, Any]) -> Iterator[tuple[float, Box]]:
    for keyed in thing["boxes"]:
        time_s, (x_min, y_min, x_max, y_max) = keyed["time_s"], keyed["box"]
        if _well_inside(time_s, thing):
            yield time_s, Box(x_min=x_min, y_min=y_min, x_max=x_max, y_max=y_max)


def _well_inside(time_s: float, thing: dict[str, Any]) -> bool:
    return any(start + EDGE_S <= time_s <= end - EDGE_S for start, end in thing["sounding"])


def _box(row: dict[str, Any]) -> Box:
    return Box(x_min=int(row["x_min"]), y_min=int(row["y_min"]), x_max=int(row["x_max"]), y_max=int(row["y_max"]))
