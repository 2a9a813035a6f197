"""The region of a class comes apart into objects, each followed through its shot.

Two dogs are two parts of what looks like a dog. A map that is shown keeps only parts that are as good as its best one;
here a weaker one counts too, for which of them is heard shows later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.boxes import find_boxes, refine
from tvsl_core.annotate.objects.follow import neighbours
from tvsl_core.annotate.rules import BoxOptions, ObjectOptions
from tvsl_core.types import Box, LocalizationMap

Grid = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SeenObject:
    """One object at one instant."""

    box: Box
    map: LocalizationMap


class Boxed(Protocol):
    """What has a place in one picture."""

    @property
    def box(self) -> Box:
        """Where it is."""
        ...


Seen = TypeVar("Seen", bound=Boxed)


@dataclass(slots=True, eq=False)
class ObjectTrack(Generic[Seen]):
    """One object along its shot."""

    number: int
    """From 0 in its shot and class."""
    seen: dict[int, Seen] = field(default_factory=dict)
    """By instant, in order of time."""

    @property
    def last(self) -> Box:
        """Where it was seen last."""
        return next(reversed(self.seen.values())).box

    def nearest(self, index: int) -> Seen:
        """What was seen of it at the nearest instant."""
        return self.seen[min(self.seen, key=lambda one: abs(one - index))]

    def around(self, time_s: float, times_s: NDArray[np.float64]) -> tuple[Seen, Seen, float]:
        """What was seen of it before and after a time, and how far the time lies from the first to the second.

        Args:
            time_s: Before its first or after its last sight, that one alone counts.
            times_s: ``[instant]``.
        """
        known = list(self.seen.values())
        before, after, weight = neighbours([float(times_s[index]) for index in self.seen], time_s)
        return known[before], known[after], weight


def seen_often(
    tracks: Iterable[ObjectTrack[Seen]], instants: Collection[int], options: ObjectOptions
) -> list[ObjectTrack[Seen]]:
    """The objects that are seen often enough among some instants, the most often seen first."""
    shown = [(sum(index in track.seen for index in instants), track) for track in tracks]
    often = [(count, track) for count, track in shown if count >= max(1, options.seen * len(instants))]
    return [track for _, track in sorted(often, key=lambda pair: -pair[0])[: options.most]]


def find_objects(
    extent: Grid,
    everything: Grid,
    klass: int,
    options: ObjectOptions,
    boxes: BoxOptions,
    *,
    peak: float,
    frame_size: tuple[int, int],
) -> tuple[SeenObject, ...]:
    """The objects of one class in one picture, the largest first; at most one where it does not come apart.

    Args:
        extent: ``[row column]``, how far the class reaches, with a maximum of 1.
        everything: ``[klass row column]``, the image evidence of every class of the vocabulary.
        klass: Which class.
        options: When a part is an object.
        boxes: How a region becomes a box.
        peak: Maximum of the objects' maps: how surely the class is in view.
        frame_size: Width and height of the frame as shown, in pixels.
    """
    fine = refine(extent, boxes.fine)
    bold = (fine >= options.part).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bold, connectivity=4)
    parts = np.asarray(labels, np.int32)
    sizes = stats[:, cv2.CC_STAT_AREA]
    large = [part for part in range(1, count) if sizes[part] >= boxes.min_area * fine.size]
    if len(large) < 2:
        return ()
    shown = _showing(parts, large, everything, klass, options, boxes.fine)
    largest = max((sizes[part] for part in shown), default=0)
    kept = sorted((part for part in shown if sizes[part] >= options.size * largest), key=lambda part: -sizes[part])
    nearest = _nearest_part(parts, kept, extent.shape)
    found: list[SeenObject] = []
    for part in kept[: options.most]:
        own = np.where(nearest == part, extent, 0)
        grid = LocalizationMap(
            values=np.asarray(own / max(float(own.max()), 1e-12) * peak, np.float32),
            frame_width=frame_size[0],
            frame_height=frame_size[1],
        )
        found += [SeenObject(box=box, map=grid) for box in find_boxes(grid, boxes)[:1]]
    return tuple(found)


def follow(instants: Iterable[tuple[int, Sequence[Seen]]]) -> list[ObjectTrack[Seen]]:
    """The objects of one class and shot along time: each goes on where it lies nearest.

    Args:
        instants: Number of each instant, in order of time, with the objects that are seen then.
    """
    tracks: list[ObjectTrack[Seen]] = []
    for index, seen in instants:
        pairs = sorted(
            (-_closeness(track.last, one.box), track.number, place)
            for track in tracks
            for place, one in enumerate(seen)
        )
        free, taken = set(range(len(seen))), set[int]()
        for closeness, number, place in pairs:
            if closeness < 0 and place in free and number not in taken:
                tracks[number].seen[index] = seen[place]
                free.discard(place)
                taken.add(number)
        for place in sorted(free):
            tracks.append(ObjectTrack(number=len(tracks), seen={index: seen[place]}))
    return tracks


def _showing(
    parts: NDArray[np.int32], large: Sequence[int], everything: Grid, klass: int, options: ObjectOptions, fine: int
) -> list[int]:
    """The parts that show the class about as well, and as well against other classes, as the best of them does."""
    places = [_best_patch(parts == part, everything[klass], fine) for part in large]
    evidence = np.asarray([everything[klass][place] for place in places])
    against = evidence / np.maximum([everything[(slice(None), *place)].max() for place in places], 1e-9)
    best = int(evidence.argmax())
    alike = (evidence >= options.evidence * evidence[best]) & (against >= options.rival * against[best])
    return [part for part, is_alike in zip(large, alike, strict=True) if is_alike]


def _best_patch(inside: NDArray[np.bool_], evidence: Grid, fine: int) -> tuple[int, int]:
    """Row and column of the patch with the most evidence among those that a region mostly covers."""
    rows, columns = evidence.shape
    covered = inside.reshape(rows, fine, columns, fine).mean(axis=(1, 3))
    patches = np.where(covered >= min(0.5, float(covered.max())), evidence, -1)
    row, column = np.unravel_index(int(patches.argmax()), patches.shape)
    return int(row), int(column)


def _nearest_part(parts: NDArray[np.int32], kept: Sequence[int], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """``[row column]`` of the patch grid: which of the kept parts is nearest."""
    fine = parts.shape[0] // shape[0]
    away = [cv2.distanceTransform((parts != part).astype(np.uint8), cv2.DIST_L2, 3) for part in kept]
    if not away:
        return np.full(shape, -1)
    centres = np.stack(away)[:, fine // 2 :: fine, fine // 2 :: fine]
    return np.asarray(np.asarray(kept)[centres.argmin(axis=0)])


def _closeness(one: Box, other: Box) -> float:
    """How near two boxes lie: 1 in one place, 0 where they are further apart than they are large."""
    size = (one.area**0.5 + other.area**0.5) / 2
    across = (one.x_min + one.x_max - other.x_min - other.x_max) / 2
    down = (one.y_min + one.y_max - other.y_min - other.y_max) / 2
    return float(max(0.0, 1 - np.hypot(across, down) / size))
