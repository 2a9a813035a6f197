"""A model on moving scenes of people who speak: whom it names, turn by turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.objects.footage import SOUND_RATE
from tvsl_core.annotate.objects.moments import FoundEvent
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.data.scenes.pool import MediaPool
from tvsl_core.data.scenes.store import MediaStore
from tvsl_core.data.scenes.talking import FRAME_RATE, PortraitFace, TalkingKind, TalkingScene, TalkingScenes
from tvsl_core.errors import InputError
from tvsl_core.evaluation.metrics.equals import EqualsAnswer
from tvsl_core.model.people.faces import detect_faces, mesh_faces
from tvsl_core.model.people.load import PeopleNetworks, load_people
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.tuning.moving import MovingPictures
from tvsl_core.vocabulary.people import PeopleClasses, is_speech

SIDE = 60
"""Least side of a face, in pixels of its photograph."""
PRESENCE = 0.9
"""How surely the mesh must lie on a face whose mouth is to be moved."""
ALONE_SECONDS = 0.3
"""An instant so near to the start or the end of a turn belongs to nobody."""


def talking_scenes(pool: MediaPool, *, seed: int) -> TalkingScenes:
    """Scenes from the photographs and the recordings of speech in a pool.

    Args:
        pool: Its pictures and sounds of speech. The largest face of each picture speaks.
        seed: Another one gives other scenes.

    Raises: InputError: There are too few of either.
    """
    store, networks = MediaStore(), load_people()
    pictures = [store.picture(one)[..., :3] for one in pool.pictures if any(is_speech(name) for name in one.names)]
    faces = [face for picture in pictures if (face := find_portrait(picture, networks)) is not None]
    speech = [
        store.sound(one, SOUND_RATE).astype(np.float32) / np.float32(32767)
        for one in pool.sounds
        if any(is_speech(name) for name in one.names)
    ]
    try:
        return TalkingScenes(faces, speech, seed=seed, sample_rate=SOUND_RATE)
    except ValueError as error:
        raise InputError(
            f"the talking scenes need {error}.",
            hint="Put photographs of one large face each into images/speech of the material and recordings into "
            "sounds/speech, named after a source that is held out (--sources), or ask for no talking scenes.",
        ) from error


def find_portrait(picture: NDArray[np.uint8], networks: PeopleNetworks) -> PortraitFace | None:
    """The largest face of a photograph, ``[height width 3]``; None where none is seen well."""
    (found,) = detect_faces(networks, [np.ascontiguousarray(picture)], min_score=0.5)
    large = [face for face in sorted(found, key=lambda one: -one.side)[:1] if face.side >= SIDE]
    for mesh in mesh_faces(networks, [(picture, face) for face in large]):
        if mesh.presence >= PRESENCE:
            return PortraitFace(photograph=np.ascontiguousarray(picture), points=mesh.points)
    return None


def judge_talking_scenes(
    scenes: TalkingScenes, index: int, model: TvslModel, options: AnnotateOptions | None = None
) -> Iterator[tuple[TalkingKind, EqualsAnswer]]:
    """What a model says of all scenes of one number, each with its kind.

    Args:
        scenes: At ``SOUND_RATE``.
        index: Of the scenes.
        model: That is asked.
        options: As annotation takes them.
    """
    chosen = options or AnnotateOptions()
    duel = [scenes.scene(index, "duel", heard=heard) for heard in ((True, False), (False, True), (True, True))]
    for group in (
        [*duel, scenes.scene(index, "dubbed")],
        *([scenes.scene(index, kind)] for kind in ("turns", "narrated", "alone")),
    ):
        with MovingPictures(group[0].frames(), FRAME_RATE, model, chosen) as pictures:
            for scene in group:
                found = _of_people(pictures.find(scene.waveform), model)
                for heard in _casts(scene):
                    named = tuple(_named(found, scene, heard, pictures.times_s.tolist()))
                    yield scene.kind, EqualsAnswer(picture=index, heard=heard, named=named)


def _of_people(found: Sequence[FoundEvent], model: TvslModel) -> list[FoundEvent]:
    people = PeopleClasses.of(model.vocabulary).all
    return [one for one in found if one.klass in people]


def _casts(scene: TalkingScene) -> list[frozenset[int]]:
    """Who is heard in a scene: together, or in turns one after the other."""
    heard = [place for place, spans in enumerate(scene.heard) if spans]
    return [frozenset([place]) for place in heard] if scene.kind == "turns" else [frozenset(heard)]


def _named(
    found: Sequence[FoundEvent], scene: TalkingScene, heard: frozenset[int], times_s: Iterable[float]
) -> Iterator[frozenset[int]]:
    """Whom a model names at each instant at which it hears somebody, in the turn of ``heard``."""
    for index, time_s in enumerate(times_s):
        told = [one for one in found if one.event.start_s <= time_s < one.event.end_s]
        if not told or (scene.kind == "turns" and not _in_turn(scene, heard, time_s)):
            continue
        boxes = [moment.box for one in told for moment in one.moments if moment.index == index]
        middles = [(box.x_min + box.x_max) / 2 for box in boxes]
        yield frozenset(
            place for place, side in enumerate(scene.sides) if any(side[0] <= middle < side[2] for middle in middles)
        )


def _in_turn(scene: TalkingScene, heard: frozenset[int], time_s: float) -> bool:
    return any(
        spans and spans[0][0] + ALONE_SECONDS <= time_s < spans[-1][1] - ALONE_SECONDS
        for spans in (scene.heard[place] for place in heard)
    )
