"""A model on scenes whose truth is known: what it reports, as evaluation wants it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.find import SourceFinder
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.signals.clip import ClipEvidence, read_clip
from tvsl_core.data.predictions.judged import JudgedScene, ObjectTruth, SourceReport
from tvsl_core.data.scenes.kinds import KindScene, draw_kinds
from tvsl_core.data.scenes.pool import MediaPool
from tvsl_core.data.scenes.timed import TimedScene, TimedScenes, true_spans
from tvsl_core.data.training_sets.sets import load_training_set
from tvsl_core.errors import InputError
from tvsl_core.evaluation.metrics.events import SoundEvent
from tvsl_core.evaluation.metrics.recordings import JudgedRecording, ToldEvent
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.tuning.predict import ClipPredictor
from tvsl_core.types import Box
from tvsl_core.vocabulary.classes import Vocabulary


class EmbeddedScene(NamedTuple):
    """A scene that went through the towers, so that it can be judged again with other settings."""

    given: KindScene
    clip: ClipEvidence

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frame."""
        height, width = self.given.scene.frame.shape[:2]
        return width, height


def split_material(material: Path, sources: Sequence[str]) -> tuple[MediaPool, MediaPool]:
    """The files that may be learned from, and those of the sources that are held out.

    Args:
        material: A MATERIAL folder, a folder of videos per class, or a table of clips.
        sources: Held out.

    Raises: InputError: There is no such folder, or none of its files are held out.
    """
    pool = load_training_set(str(material)).pool
    held_out = pool.only(lambda item: item.group in sources)
    if not held_out.classes:
        raise InputError(
            f"'{material}' holds nothing of the sources {', '.join(sources)}.",
            hint=f"Name some of its sources with --sources; it has: {', '.join(sorted(pool.groups)[:20])}.",
        )
    return pool.only(lambda item: item.group not in sources), held_out


def exclusive_classes(model: TvslModel, classes: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Classes that must not meet in one scene: a generic name and those below it."""
    names = model.vocabulary
    known = [name for name in classes if name in names.names]
    above = {name: [other for other in known if name in names.ancestors(other)] for name in known}
    return tuple((name, *below) for name, below in above.items() if below)


def alike_classes(vocabulary: Vocabulary) -> tuple[tuple[str, ...], ...]:
    """Families of classes that share a label of sound, such as all brass."""
    families: dict[str, list[str]] = {}
    for klass in vocabulary.classes:
        for label in klass.sounds:
            families.setdefault(label, []).append(klass.name)
    return tuple(tuple(names) for names in families.values() if len(names) > 1)


def embed_scenes(model: TvslModel, pool: MediaPool, *, each: int, seed: int) -> Iterator[EmbeddedScene]:
    """Scenes of every kind, from the files of a pool, through the model's towers.

    Args:
        model: Whose towers.
        pool: Held-out material.
        each: Scenes of each kind.
        seed: Another seed gives other scenes.
    """
    predictor = ClipPredictor(model)
    exclusive = exclusive_classes(model, pool.classes)
    for given in draw_kinds(pool, each=each, sample_rate=predictor.sample_rate, seed=seed, exclusive=exclusive):
        yield EmbeddedScene(given, predictor.read(given.scene.frame, given.scene.waveform))


def means_the_same(model: TvslModel, reported: str, true: str) -> bool:
    """Whether a reported name is the true one, its generic name, or a more specific one."""
    names = model.vocabulary
    known = names.find(true)
    itself = known.name if known is not None else true
    if reported == itself:
        return True
    if itself not in names.names:
        return False
    return itself in names.ancestors(reported) or reported in names.ancestors(itself)


def score_scene(scene: EmbeddedScene, model: TvslModel, options: AnnotateOptions | None = None) -> JudgedScene:
    """One scene with what the model reports, and with its maps when it is told the names of what sounds."""
    truth, predictor = scene.given.scene, ClipPredictor(model, options)
    placed = predictor.find(scene.clip)
    known = {name: found.name for name in truth.visible if (found := model.vocabulary.find(name)) is not None}
    told = [name for name in truth.visible if name in truth.sounding and name in known]
    maps: dict[str, NDArray[np.float32]] = {}
    if scene.given.kind == "pair" and len(scene.clip.sound.sound):
        given = predictor.given_maps(scene.clip, [], [known[name] for name in told])
        maps = {detection.name: values for detection, values in given}
    names = {*truth.sounding, *truth.visible}
    return JudgedScene(
        kind=scene.given.kind,
        size=scene.size,
        sounding=truth.sounding,
        objects=tuple(
            ObjectTruth(
                name=name,
                sounds=name in truth.sounding,
                box=scene.given.box(place),
                given_map=maps.get(known.get(name, "")),
            )
            for place, name in enumerate(truth.visible)
        ),
        reported=tuple(
            SourceReport(name=one.detection.name, box=_corners(one.boxes[0]) if one.boxes else None) for one in placed
        ),
        matches=frozenset(
            (one.detection.name, name)
            for one in placed
            for name in names
            if means_the_same(model, one.detection.name, name)
        ),
    )


def judge_recording(scene: TimedScene, model: TvslModel, options: AnnotateOptions | None = None) -> JudgedRecording:
    """One long scene, and the events that annotation reports for it."""
    chosen = options or AnnotateOptions()
    clip = read_clip(scene.frame, scene.waveform, model, chosen)
    finder = SourceFinder(clip.sound, clip.pictures, model, chosen, frame_size=clip.size, part=(0.0, clip.seconds))
    told = tuple(
        ToldEvent(one.event.name, one.event.start_s, one.event.end_s, one.event.score) for one in finder.events()
    )
    true = {event.name for event in scene.events}
    matches = {(one.name, name) for one in told for name in true if means_the_same(model, one.name, name)}
    reference = tuple(SoundEvent(*event) for event in scene.events)
    return JudgedRecording(reference, told, frozenset(matches), clip.seconds)


def floor_recordings(scene: TimedScene, sample_rate: int) -> dict[str, JudgedRecording]:
    """What doing nothing says of a long scene when it is given the names.

    Args:
        scene: The scene.
        sample_rate: Of its waveform, in Hz.

    Returns: ``throughout``, every name from the first to the last moment, and ``loudness``, every name wherever the
        sound as a whole is loud.
    """
    seconds = len(scene.waveform) / sample_rate
    names = sorted({event.name for event in scene.events})
    spans = {"throughout": [(0.0, seconds)], "loudness": true_spans(scene.waveform, sample_rate)}
    return {
        floor: JudgedRecording(
            tuple(SoundEvent(*event) for event in scene.events),
            tuple(ToldEvent(name, *span, 1.0) for name in names for span in found),
            frozenset((name, name) for name in names),
            seconds,
        )
        for floor, found in spans.items()
    }


def timed_scenes(model: TvslModel, pool: MediaPool, *, seed: int) -> TimedScenes:
    """Long scenes of every kind from the files of a pool, for a model's rate and vocabulary."""
    return TimedScenes(
        pool,
        families=alike_classes(model.vocabulary),
        exclusive=exclusive_classes(model, pool.classes),
        seed=seed,
        sample_rate=model.towers.sample_rate,
    )


def _corners(box: Box) -> tuple[int, int, int, int]:
    return box.x_min, box.y_min, box.x_max, box.y_max
