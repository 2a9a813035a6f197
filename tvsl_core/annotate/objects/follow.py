"""What a source shows is followed from frame to frame, so that its box and its heat move with it between instants.

Optical flow between frames says how far the pixels under a source's map went. Summed up it is the way that the source
has come, its :class:`Trajectory`. What was found at the instants around a time is moved along it to that time, and
averaged: neither a straight line between two instants nor what one of them got wrong shows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.media.draw.heat import interpolate_maps
from tvsl_core.types import Box, Frame, LocalizationMap

LONGEST_SIDE = 240
"""Longest side, in pixels, of the frames that sources are followed in."""
STEADY_S = 0.5
"""Places along a trajectory say together where a source is; standard deviation of their weights in time."""
HOT = 0.5
"""Share of a map's maximum from which the pixels under it are the source's."""

Floats = NDArray[np.float64]
Place = tuple[float, Box, LocalizationMap]
"""When, in seconds, and where a source was found."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trajectory:
    """How far a source has come."""

    times_s: Floats
    """``[frame]``, in order."""
    travel: Floats
    """``[frame 2]``, across and down, in pixels of the frame as shown; only differences mean anything."""

    def step(self, from_s: float, to_s: float) -> tuple[float, float]:
        """How far it comes from one time to another, across and down, in pixels of the frame as shown."""
        if not len(self.times_s):
            return 0.0, 0.0
        across, down = (np.interp((from_s, to_s), self.times_s, way) for way in self.travel.T)
        return float(across[1] - across[0]), float(down[1] - down[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """A frame of the video that was followed through."""

    time: Fraction
    frame_index: int
    pts: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Followed:
    """All frames of a part of a video, and the trajectories of what was followed."""

    sights: tuple[Sight, ...]
    trajectories: tuple[Trajectory, ...]
    """One for each of those that were asked for, in their order."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sought:
    """What is to be followed: from when to when, and where it was found meanwhile, in order of time."""

    start_s: float
    end_s: float
    places: tuple[Place, ...]


def follow(frames: Iterable[Frame], sought: Sequence[Sought], *, width: int) -> Followed:
    """Follow sources through a video.

    Args:
        frames: Every one, in order of time, all of one size, which may be smaller than the frame as shown.
        sought: What is followed; what has no places comes no way.
        width: Of the frame as shown, in pixels; boxes count in it.
    """
    flow_of = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    sights: list[Sight] = []
    followers = [_Follower(one) for one in sought]
    before: tuple[float, NDArray[np.uint8]] | None = None
    for frame in frames:
        sights.append(Sight(time=frame.time, frame_index=frame.index, pts=frame.pts))
        now_s = float(frame.time)
        after = now_s, cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2GRAY)
        here = [one for one in followers if one.wants(now_s)]
        if before is not None and here:
            flow = flow_of.calc(before[1], after[1], None)  # type: ignore[call-overload]
            for one in here:
                one.look(before[0], now_s, flow, scale=width / flow.shape[1])
        before = after  # type: ignore[assignment]
    return Followed(sights=tuple(sights), trajectories=tuple(one.trajectory() for one in followers))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Course:
    """Where a source is at any time: at those at which it was found, and moved along its trajectory between them."""

    times_s: Sequence[float]
    """When it was found, in order; at least once."""
    boxes: Sequence[Box]
    """Where it was found, as many."""
    size: tuple[int, int]
    """Width and height of the frame as shown, in pixels."""
    trajectory: Trajectory | None = None
    """How it moves between them; None draws a straight line."""

    @classmethod
    def through(cls, places: Sequence[Place], trajectory: Trajectory | None = None) -> Course:
        """The course through some places, at least one, in order of time."""
        times_s, boxes, maps = zip(*places, strict=True)
        return cls(
            times_s=times_s, boxes=boxes, size=(maps[0].frame_width, maps[0].frame_height), trajectory=trajectory
        )

    def near(self, time_s: float) -> list[tuple[int, float]]:
        """The numbers of the places that say where it is at a time, with their weights, which sum to 1.

        The one before and the one after, the nearer one more; along a trajectory all of about ``STEADY_S`` around it,
        so that what one instant got wrong shows less.
        """
        before, after, weight = neighbours(self.times_s, time_s)
        if self.trajectory is None:
            return [(before, 1 - weight), (after, weight)]
        first, last = (bisect_right(self.times_s, time_s + side * 3 * STEADY_S) for side in (-1, 1))
        numbers = range(first, last) or (before if weight <= 0.5 else after,)
        distances = (np.asarray([self.times_s[number] for number in numbers]) - time_s) / STEADY_S
        weights = np.exp(-0.5 * (distances**2 - (distances**2).min()))
        return list(zip(numbers, (weights / weights.sum()).tolist(), strict=True))

    def box(self, time_s: float, near: Sequence[tuple[int, float]]) -> Box:
        """Its box; before it was found first, and after it was found last, the nearest one, moved."""
        corners = sum(weight * self._corners(number, self.boxes[number], time_s) for number, weight in near)
        nearest = max(near, key=lambda one: one[1])[0]
        return self._box(np.asarray(corners), score=self.boxes[nearest].score)

    def map(
        self, time_s: float, near: Sequence[tuple[int, float]], map_of: Callable[[int], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Its map, ``[row column]``.

        Args:
            time_s: When.
            near: What says where it is then.
            map_of: The map of a place, by its number.
        """
        (first, so_far), *others = near
        values = moved_map(map_of(first), self._step(first, time_s), self.size)
        for number, weight in others:
            so_far += weight
            next_one = moved_map(map_of(number), self._step(number, time_s), self.size)
            values = interpolate_maps(values, next_one, weight / so_far if so_far else 0.0)
        return values

    def carried(self, number: int, box: Box, time_s: float) -> Box:
        """Another box of one of its places, where it is at a time."""
        return self._box(self._corners(number, box, time_s), score=box.score)

    def _step(self, number: int, time_s: float) -> tuple[float, float]:
        """How far it comes from one of its places to where it is at a time."""
        return self.trajectory.step(self.times_s[number], time_s) if self.trajectory else (0.0, 0.0)

    def _corners(self, number: int, box: Box, time_s: float) -> Floats:
        return np.asarray(np.add(box.corners, 2 * self._step(number, time_s)), np.float64)

    def _box(self, corners: Floats, *, score: float) -> Box:
        """A box of whole pixels; what leaves the frame is cut off."""
        edges: list[int] = []
        for low, high, length in zip(corners[:2], corners[2:], self.size, strict=True):
            first = min(max(0, round(low)), length - 1)
            edges += [first, max(first + 1, min(length, round(high)))]
        return Box(x_min=edges[0], x_max=edges[1], y_min=edges[2], y_max=edges[3], score=score)


def neighbours(times_s: Sequence[float], time_s: float) -> tuple[int, int, float]:
    """The numbers of the times before and after a time, and how far it lies from one towards the other, in [0, 1].

    Args:
        times_s: In order, at least one.
        time_s: When; before the first one, and after the last one, that one alone counts.
    """
    after = min(bisect_right(times_s, time_s), len(times_s) - 1)
    before = max(0, after - 1)
    length_s = times_s[after] - times_s[before]
    return before, after, min(1.0, max(0.0, (time_s - times_s[before]) / length_s)) if length_s else 1.0


def moved_map(values: NDArray[np.float32], step: tuple[float, float], size: tuple[int, int]) -> NDArray[np.float32]:
    """A map ``[row column]`` over a frame of this size, width and height, that has come some way, in pixels."""
    if step == (0.0, 0.0):
        return values
    rows, columns = values.shape
    shift = np.array([[1, 0, step[0] * columns / size[0]], [0, 1, step[1] * rows / size[1]]])
    return np.asarray(
        cv2.warpAffine(values, shift, (columns, rows), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )


class _Follower:
    """Follows one source through the frames."""

    def __init__(self, sought: Sought) -> None:
        self._sought = sought
        self._found_s = [time_s for time_s, _, _ in sought.places]
        self._times: list[float] = []
        self._ways: list[tuple[float, float]] = []
        self._from: tuple[int, NDArray[np.intp]] | None = None
        """Which place it is followed from, and the pixels of it, ``[2 pixel]``: rows and columns."""
        self._since = np.zeros(2)
        """How far it has come since then, in pixels of the flow: across and down."""

    def wants(self, time_s: float) -> bool:
        """Whether a frame at this time is looked at."""
        places = self._sought.places
        return bool(places) and (
            min(self._sought.start_s, places[0][0]) < time_s <= max(self._sought.end_s, places[-1][0])
        )

    def look(self, before_s: float, after_s: float, flow: NDArray[np.float32], *, scale: float) -> None:
        """The way from one frame to the next: ``flow`` is ``[row column 2]``, across and down, in its own pixels."""
        if not self._times:
            self._times.append(before_s)
            self._ways.append((0.0, 0.0))
        number = max(0, bisect_right(self._found_s, before_s) - 1)
        if self._from is None or self._from[0] != number:
            self._from = number, _pixels_of(self._sought.places[number], flow.shape[:2])
            self._since[:] = 0
        rows, columns = self._from[1] + np.rint(self._since[::-1]).astype(int)[:, None]
        inside = (rows >= 0) & (rows < flow.shape[0]) & (columns >= 0) & (columns < flow.shape[1])
        step = np.median(flow[rows[inside], columns[inside]], axis=0) if inside.any() else np.zeros(2)
        self._since += step
        self._times.append(after_s)
        self._ways.append((float(step[0]) * scale, float(step[1]) * scale))

    def trajectory(self) -> Trajectory:
        """The whole way; where it misses what was found next by more than it went, it lost the source and stands."""
        times, travel = np.asarray(self._times), np.cumsum(np.reshape(self._ways, (-1, 2)), axis=0)
        for (from_s, one, _), (to_s, two, _) in pairwise(self._sought.places):
            inside = np.flatnonzero((times >= from_s) & (times <= to_s))
            if not len(inside):
                continue
            way = travel[inside] - travel[inside[0]]
            missed = _centre(two) - _centre(one) - way[-1]
            if np.linalg.norm(missed) > np.linalg.norm(way, axis=1).max():
                travel[inside] = travel[inside[0]]
                travel[inside[-1] + 1 :] -= way[-1]
        return Trajectory(times_s=times, travel=travel)


def _pixels_of(place: Place, shape: tuple[int, int]) -> NDArray[np.intp]:
    """Rows and columns of the pixels of a source ``[2 pixel]``: those in its box that its map is hot on, else all."""
    _, box, grid = place
    height, width = shape
    across, down = width / grid.frame_width, height / grid.frame_height
    left, top = min(int(box.x_min * across), width - 1), min(int(box.y_min * down), height - 1)
    right, bottom = max(left + 1, round(box.x_max * across)), max(top + 1, round(box.y_max * down))
    heat = cv2.resize(grid.values, (width, height), interpolation=cv2.INTER_LINEAR)[top:bottom, left:right]
    hot = heat >= HOT * max(float(heat.max()), 1e-12)
    rows, columns = np.nonzero(hot if hot.any() else np.ones_like(hot))
    return np.stack([rows + top, columns + left])


def _centre(box: Box) -> Floats:
    return np.array([box.x_min + box.x_max, box.y_min + box.y_max]) / 2
