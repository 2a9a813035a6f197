"""Building one side of a feature cache: every scene once through its tower, interrupted or not."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tvsl_core.errors import InputError, OutputError, TvslError
from tvsl_core.model.towers import TrainableTowers
from tvsl_core.system.files import write_bytes, write_error
from tvsl_core.training.batch import PictureRows, SoundRows
from tvsl_core.training.features.cache import MANIFEST, VERSION, CachePlan
from tvsl_core.training.features.draw import AT_ONCE, Renderer, Side
from tvsl_core.training.features.live import LiveFeatures

DONE = "done.npy"
"""uint8 ``[scene]`` while a cache is built: 0 to do, 1 done, 2 could not be read."""
MOST_FAILED = 0.1
"""A larger share of scenes that cannot be read ends the build: something is wrong with the data."""
FLUSH_S = 1.0
"""Seconds of a build that a power cut may cost."""


class CacheProgress(NamedTuple):
    """How far a build is."""

    side: Side
    done: int
    scenes: int


Listener = Callable[[CacheProgress], None]


def build_cache(
    plan: CachePlan,
    live: LiveFeatures,
    *,
    workers: int = 0,
    listener: Listener | None = None,
    flush_s: float = FLUSH_S,
) -> None:
    """Send every scene through its tower, unless that was done before; an interrupted build continues.

    Args:
        plan: Of one side.
        live: What is stored.
        workers: Processes that render scenes beside this one.
        listener: Told how far it is.
        flush_s: Seconds between two moments at which everything is brought to disk.

    Raises:
        InputError: More than a tenth of the scenes cannot be read.
        OutputError: There is no room; nothing of earlier caches is lost.
    """
    if plan.is_built:
        return
    part = plan.folder.with_name(plan.folder.name + ".part")
    with _alone(plan):
        if (plan.folder / MANIFEST).is_file():  # another process was faster
            return
        storage = _open_part(plan, part, flush_s)
        problems = _fill(storage, plan, live, workers, listener)
        storage.flush()
        _refuse_too_many(plan, problems)
        _finish(plan, part, problems, live.towers)


class _Storage:
    """The arrays of an unfinished cache. A scene is marked only when its numbers are on disk."""

    def __init__(self, arrays: dict[str, np.memmap[Any, Any]], done: np.memmap[Any, Any], flush_s: float) -> None:
        self.arrays = arrays
        self.done = done
        self.flush_s = flush_s
        self.behind = int((done == 1).sum())
        """Scenes that were tried, in this build or before."""
        self._waiting: dict[int, int] = {}
        self._flushed_s = time.monotonic()

    def store(self, places: list[int], rows: PictureRows | SoundRows) -> None:
        """Numbers of some scenes."""
        for name, values in rows._asdict().items():
            if values.shape[1:] != self.arrays[name].shape[1:]:
                first = self.arrays[name].shape[1:]
                raise InputError(
                    f"scene {places[0]} has {name} of {values.shape[1:]}, the first scene of {first}.",
                    hint="Give the mixtures one size of picture and one length of sound.",
                )
            self.arrays[name][places] = values

    def mark(self, places: list[int], problems: Mapping[int, str]) -> None:
        """These were tried."""
        self._waiting |= {place: 2 if place in problems else 1 for place in places}
        self.behind += len(places)
        if time.monotonic() - self._flushed_s > self.flush_s:
            self.flush()

    def flush(self) -> None:
        """Bring everything to disk: first the numbers, then the marks."""
        for array in self.arrays.values():
            array.flush()
        for place, mark in self._waiting.items():
            self.done[place] = mark
        self.done.flush()
        self._waiting.clear()
        self._flushed_s = time.monotonic()


@contextmanager
def _alone(plan: CachePlan) -> Iterator[None]:
    """One process builds a cache; others wait."""
    from filelock import FileLock

    try:
        plan.folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(plan.folder.with_name(plan.folder.name + ".lock")):
            yield
    except OSError as error:
        raise write_error(plan.folder, error) from error


def _open_part(plan: CachePlan, part: Path, flush_s: float) -> _Storage:
    """The arrays of an unfinished cache: those of an interrupted build, or new ones with all their room reserved."""
    try:
        if not (part / DONE).is_file():
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            free = shutil.disk_usage(part).free
            if free < plan.bytes:
                raise OutputError(
                    f"the feature cache of the {plan.side} needs {plan.bytes / 1e9:,.2f} GB in {plan.folder.parent}, "
                    f"where {free / 1e9:,.2f} GB are free.",
                    hint="Name a folder on another disk with --cache, or train without one: --no-cache.",
                )
            for name, one in plan.fields.items():
                _reserve(part / f"{name}.npy", one.kind, (plan.scenes, *one.shape))
            # Last, so that a folder with it is whole.
            _reserve(part / DONE, "uint8", (plan.scenes,))
        arrays = {name: np.lib.format.open_memmap(part / f"{name}.npy", mode="r+") for name in plan.fields}
        return _Storage(arrays, np.lib.format.open_memmap(part / DONE, mode="r+"), flush_s)
    except OSError as error:
        raise write_error(part, error) from error


def _reserve(path: Path, kind: str, shape: tuple[int, ...]) -> None:
    """An array of zeros whose room on disk is there: a memory map that outgrows the disk would end the program."""
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.dtype(kind), shape=shape)
    array.flush()
    del array
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _fill(
    storage: _Storage, plan: CachePlan, live: LiveFeatures, workers: int, listener: Listener | None
) -> dict[int, str]:
    """Everything that is still to do, a few scenes at once. Gives what could not be read, by its place."""
    problems: dict[int, str] = {}
    todo = np.flatnonzero(storage.done != 1).tolist()
    with closing(Renderer(live.source, workers if len(todo) > AT_ONCE else 0)) as render:
        place = iter(todo)
        for drawn in render(plan.side, live.towers.sample_rate, todo):
            places = list(islice(place, len(drawn)))
            problems |= {n: str(one) for n, one in zip(places, drawn, strict=True) if isinstance(one, TvslError)}
            good = {n: one for n, one in zip(places, drawn, strict=True) if not isinstance(one, TvslError)}
            if good:
                storage.store(list(good), _through(live, plan.side, list(good.values())))
            storage.mark(places, problems)
            if listener:
                listener(CacheProgress(plan.side, storage.behind, plan.scenes))
    return problems


def _through(live: LiveFeatures, side: Side, drawn: list[Any]) -> PictureRows | SoundRows:
    return live.see(drawn) if side == "pictures" else live.hear(drawn)


def _refuse_too_many(plan: CachePlan, problems: Mapping[int, str]) -> None:
    if len(problems) > MOST_FAILED * plan.scenes:
        raise InputError(
            f"{len(problems)} of {plan.scenes} {plan.side} cannot be read. The last one: {list(problems.values())[-1]}",
            hint="Mend or remove those files and run again; what could be read is kept.",
        )


def _finish(plan: CachePlan, part: Path, problems: Mapping[int, str], towers: TrainableTowers) -> None:
    manifest = {
        "version": VERSION,
        "side": plan.side,
        "scenes": plan.scenes,
        "towers": towers.name,
        "towers_sha256": towers.weights_sha256,
        "fields": {name: [one.kind, *one.shape] for name, one in plan.fields.items()},
        "failed": sorted(problems),
        "problems": sorted(set(problems.values()))[:100],
    }
    write_bytes(part / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False).encode("utf-8", "replace"))
    part.replace(plan.folder)
