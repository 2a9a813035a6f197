"""The kinds of scenes that a model is judged and calibrated on, mixed from held-out material.

pair        two objects, both sound              silent     two objects, one of them sounds
single      one object, which sounds             offscreen  a sound of something that is not in the picture
noise       objects, and only noise, another sound or silence
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tvsl_core.data.scenes.mixtures import Mixtures
from tvsl_core.data.scenes.options import MixtureOptions
from tvsl_core.data.scenes.pool import MediaPool
from tvsl_core.data.scenes.scene import Scene

_PLAIN = MixtureOptions(
    silence=0.0, offscreen=0.0, empty=0.0, twins=0.0, other_sounds=0.0, heights=(0.4, 0.95)
).without_augmentation()
KINDS: Mapping[str, MixtureOptions] = {
    "pair": replace(_PLAIN, sources=(0.0, 1.0), silent=(1.0,), difference_db=4.0),
    "silent": replace(_PLAIN, sources=(1.0,), silent=(0.0, 1.0)),
    "single": replace(_PLAIN, sources=(1.0,), silent=(1.0,)),
    "offscreen": replace(_PLAIN, sources=(1.0,), silent=(0.0, 0.5, 0.5), offscreen=1.0),
    "noise": replace(_PLAIN, silence=1.0, silent=(0.0, 0.5, 0.5), noise=0.7, noise_db=(-50.0, -20.0)),
}
"""Kind to how its scenes are drawn. Objects are 0.4 to 0.95 of the frame's height; sounds differ by up to 4 dB."""


class KindScene(NamedTuple):
    """One scene to judge."""

    kind: str
    scene: Scene

    def box(self, place: int) -> tuple[int, int, int, int] | None:
        """Around the pixels of one visible object, by its place in ``scene.visible``; None where they are unknown."""
        rows, columns = np.nonzero(self.scene.regions == place + 1)
        if len(rows) == 0:
            return None
        return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def count_kinds(each: int) -> int:
    """How many scenes ``draw_kinds`` draws."""
    return (len(KINDS) + 1) * each


def draw_kinds(
    pool: MediaPool,
    *,
    each: int,
    sample_rate: int,
    seed: int = 0,
    exclusive: tuple[tuple[str, ...], ...] = (),
) -> Iterator[KindScene]:
    """``each`` scenes of every kind (twice as many pairs), the kinds in turn.

    Args:
        pool: Held-out material.
        each: How many.
        sample_rate: Of the waveforms, in Hz.
        seed: Another seed gives other scenes.
        exclusive: Classes that never meet in one scene, because one name covers the other.
    """
    sources = {
        kind: Mixtures(pool, replace(options, exclusive=exclusive), seed=seed, length=2 * each)
        for kind, options in KINDS.items()
    }
    for index in range(each):
        for kind, source in sources.items():
            for scene in (2 * index, 2 * index + 1) if kind == "pair" else (index,):
                yield KindScene(kind, source.scene(scene, 0, sample_rate=sample_rate))
