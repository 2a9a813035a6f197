"""What was found, kept for drawing: each source's strength, box and map along time, interpolated between instants."""

from __future__ import annotations

import bisect
import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.rules import DrawOptions
from tvsl_core.media.draw.heat import interpolate_maps
from tvsl_core.system.files import write_error
from tvsl_core.types import Box, LocalizedSource, Verdict


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DrawnSource:
    """One source as it is to be drawn at one time."""

    source_id: int
    name: str
    verdict: Verdict
    strength: float
    """How strongly to draw it, in [0, 1]: its score, faded where it begins and ends."""
    score: float
    box: Box | None
    values: NDArray[np.float32] | None
    """Map with a maximum of 1; None when offscreen."""


@dataclass(slots=True, eq=False)
class SourceTimeline:
    """One source along time; the maps stay on the disk."""

    source_id: int
    name: str
    times: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    boxes: list[Box | None] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)

    @property
    def strongest(self) -> int:
        """Index of its best moment: the highest score, in view if it ever is."""
        order = [(box is not None, score) for box, score in zip(self.boxes, self.scores, strict=True)]
        return max(range(len(order)), key=order.__getitem__)


class Timelines:
    """Every source of one video along time. Maps go to a temporary file, so that memory stays small.

    Args:
        folder: Where the temporary file may lie.
        options: How a source comes and goes between instants.
        step_s: Seconds between annotated instants.

    Raises: OutputError: The temporary file cannot be written.
    """

    def __init__(self, folder: Path, options: DrawOptions, *, step_s: float) -> None:
        self._folder = folder
        try:
            self._file = tempfile.TemporaryFile(dir=folder, prefix=".tvsl-maps-")  # noqa: SIM115 closed in __exit__
        except OSError as error:
            raise write_error(folder, error) from error
        self._join_s, self._fade_s = options.join_steps * step_s, options.fade_steps * step_s
        self._shape: tuple[int, int] | None = None
        self._count = 0
        self._maps: NDArray[np.float16] | None = None
        self.sources: dict[int, SourceTimeline] = {}

    def add(self, row: LocalizedSource) -> None:
        """Remember one row."""
        source = self.sources.get(row.source_id)
        if source is None:
            source = self.sources[row.source_id] = SourceTimeline(row.source_id, row.detection.name)
        source.times.append(float(row.time))
        source.scores.append(row.detection.score)
        source.boxes.append(row.box)
        source.slots.append(-1 if row.map is None else self._store(row.map.values))

    def _store(self, values: NDArray[np.float32]) -> int:
        self._shape = self._shape or (values.shape[0], values.shape[1])
        if values.shape != self._shape:
            raise ValueError(f"maps of one video have one shape, got {values.shape} after {self._shape}")
        try:
            self._file.write((values / max(float(values.max()), 1e-12)).astype(np.float16).tobytes())
        except OSError as error:
            raise write_error(self._folder, error) from error
        self._count += 1
        return self._count - 1

    def _map(self, slot: int) -> NDArray[np.float32] | None:
        if slot < 0 or self._shape is None:
            return None
        if self._maps is None or len(self._maps) != self._count:
            try:
                self._file.flush()
            except OSError as error:
                raise write_error(self._folder, error) from error
            self._maps = np.memmap(self._file, dtype=np.float16, mode="r", shape=(self._count, *self._shape))
        return np.asarray(self._maps[slot], dtype=np.float32)

    def moment(self, source: SourceTimeline, index: int) -> DrawnSource:
        """A source at one of its own instants."""
        box = source.boxes[index]
        return DrawnSource(
            source_id=source.source_id,
            name=source.name,
            verdict="offscreen" if box is None else "sounding",
            strength=source.scores[index],
            score=source.scores[index],
            box=box,
            values=self._map(source.slots[index]),
        )

    def at(self, source: SourceTimeline, time_s: float) -> DrawnSource | None:
        """A source at any time: interpolated between instants, faded where it begins and ends."""
        after = bisect.bisect_right(source.times, time_s)
        before = after - 1
        has_before, has_after = before >= 0, after < len(source.times)
        if has_before and has_after and source.times[after] - source.times[before] <= self._join_s:
            weight = (time_s - source.times[before]) / (source.times[after] - source.times[before])
            return _blend(self.moment(source, before), self.moment(source, after), weight)
        fade_s = self._fade_s
        if has_before and time_s - source.times[before] < fade_s:
            return _faded(self.moment(source, before), 1 - (time_s - source.times[before]) / fade_s)
        if has_after and source.times[after] - time_s < fade_s:
            return _faded(self.moment(source, after), 1 - (source.times[after] - time_s) / fade_s)
        return None

    def all_at(self, time_s: float) -> Iterator[DrawnSource]:
        """Every source that sounds at a time."""
        for source in self.sources.values():
            moment = self.at(source, time_s)
            if moment is not None:
                yield moment

    def __enter__(self) -> Timelines:
        """Use as a context manager; the temporary file goes away at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the temporary file."""
        self._maps = None
        with contextlib.suppress(OSError):  # what it still holds back is of no use any more
            self._file.close()


def _faded(moment: DrawnSource, weight: float) -> DrawnSource:
    return replace(moment, strength=moment.strength * weight)


def _blend(one: DrawnSource, two: DrawnSource, weight: float) -> DrawnSource:
    near = one if weight < 0.5 else two
    if one.values is None or two.values is None or one.box is None or two.box is None:
        return near
    return replace(
        near,
        strength=(1 - weight) * one.strength + weight * two.strength,
        score=(1 - weight) * one.score + weight * two.score,
        box=replace(one.box.towards(two.box, weight), score=near.box.score if near.box else 1.0),
        values=interpolate_maps(one.values, two.values, weight),
    )
