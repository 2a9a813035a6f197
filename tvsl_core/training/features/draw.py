"""Scenes rendered, in this process or in others beside it; no towers yet."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, Literal

from tvsl_core.data.scenes.scene import Picture, Scene, SceneSource, Sound, SplitSceneSource
from tvsl_core.errors import TvslError

Side = Literal["pictures", "sounds"]
AT_ONCE = 8
"""Scenes that are rendered, and go through the towers, together."""
AHEAD = 2
"""Groups that every process may be ahead, so that rendered scenes do not pile up before slow towers."""


def draw_picture(source: SceneSource | SplitSceneSource, index: int, epoch: int) -> Picture:
    """The picture side of a scene, without rendering its sound where the source allows."""
    if hasattr(source, "picture"):
        picture: Picture = source.picture(index, epoch)
        return picture
    scene: Scene = source.scene(index, epoch, sample_rate=16_000)
    return Picture(frame=scene.frame, visible=scene.visible, regions=scene.regions)


def draw_sound(source: SceneSource | SplitSceneSource, index: int, epoch: int, sample_rate: int) -> Sound:
    """The sound side of a scene, without rendering its picture where the source allows."""
    if hasattr(source, "sound"):
        sound: Sound = source.sound(index, epoch, sample_rate)
        return sound
    scene: Scene = source.scene(index, epoch, sample_rate=sample_rate)
    return Sound(waveform=scene.waveform, sounding=scene.sounding)


def draw_scenes(source: SceneSource, side: Side, sample_rate: int, places: Sequence[int]) -> list[Any]:
    """One side of some scenes, or the error that a scene gave.

    Args:
        source: Of the scenes.
        side: Which.
        sample_rate: Of sounds, in Hz.
        places: Counted through all epochs: scene ``place % len(source)`` of epoch ``place // len(source)``.
    """
    drawn: list[Any] = []
    for place in places:
        epoch, index = divmod(place, len(source))
        try:
            if side == "pictures":
                drawn.append(draw_picture(source, index, epoch))
            else:
                drawn.append(draw_sound(source, index, epoch, sample_rate))
        except TvslError as error:
            drawn.append(error)
    return drawn


class Renderer:
    """Draws scenes group by group, in order, a few groups ahead of who asks.

    Args:
        source: Of the scenes.
        workers: Processes beside this one; 0 draws here.
    """

    def __init__(self, source: SceneSource, workers: int) -> None:
        self._source = source
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None
        if workers:
            # Processes must begin before this one computes in many threads, and a fork needs no guard in the caller's
            # script; the children only render.
            method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
            self._pool = ProcessPoolExecutor(
                workers, mp_context=multiprocessing.get_context(method), initializer=_begin, initargs=(source,)
            )
            self._pool.submit(len, ()).result()

    def __call__(self, side: Side, sample_rate: int, places: Sequence[int]) -> Iterator[list[Any]]:
        """As ``draw_scenes``, in groups of ``AT_ONCE``."""
        groups = [places[begin : begin + AT_ONCE] for begin in range(0, len(places), AT_ONCE)]
        if self._pool is None:
            yield from (draw_scenes(self._source, side, sample_rate, group) for group in groups)
            return
        waiting: deque[Future[list[Any]]] = deque()
        for group in groups:
            waiting.append(self._pool.submit(_draw, side, sample_rate, group))
            if len(waiting) > AHEAD * self._workers:
                yield waiting.popleft().result()
        yield from (future.result() for future in waiting)

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


_OF_THIS_PROCESS: list[SceneSource] = []
"""What a process beside the first one draws from."""


def _begin(source: SceneSource) -> None:
    _OF_THIS_PROCESS.append(source)


def _draw(side: Side, sample_rate: int, places: Sequence[int]) -> list[Any]:
    return draw_scenes(_OF_THIS_PROCESS[0], side, sample_rate, places)
