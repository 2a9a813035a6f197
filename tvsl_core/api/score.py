"""What a model gets right on scenes composed of held-out material: pairs, silent objects, offscreen sounds, noise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tvsl_core.annotate.objects.footage import SOUND_RATE
from tvsl_core.data.scenes.equals import EqualsScenes
from tvsl_core.data.scenes.kinds import count_kinds
from tvsl_core.data.scenes.talking import TalkingKind
from tvsl_core.evaluation.metrics import equals, recordings
from tvsl_core.evaluation.metrics.equals import EqualsAnswer
from tvsl_core.evaluation.metrics.scenes import Figure, score_scenes
from tvsl_core.model.load import load_model
from tvsl_core.system.progress import OnProgress, reporting
from tvsl_core.tuning.equals import judge_equals_scenes
from tvsl_core.tuning.scenes import embed_scenes, judge_recording, score_scene, split_material, timed_scenes
from tvsl_core.tuning.talking import judge_talking_scenes, talking_scenes
from tvsl_core.types import AnyPath

HELD_OUT = ("tonejs", "musescore", "gcompris", "heldout")
"""Sources of the default material that the shipped heads have not learned from."""
EACH = 150
"""Scenes of each kind, unless told otherwise."""
LONG = 30
"""Long scenes of each kind, unless told otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRequest:
    """Which model is scored, on scenes from which material."""

    material: AnyPath
    """A MATERIAL folder; docs/training.md says what that is."""
    model: AnyPath = "compact"
    """Name or weights file."""
    sources: tuple[str, ...] = HELD_OUT
    """Only files of these sources, which the model must not have learned from."""
    each: int = EACH
    """Scenes of each kind; twice as many pairs."""
    long: int = LONG
    """Long scenes of each kind, which say when; 0 for none."""
    equals: int = 0
    """Moving pictures of two of a class, each with the sound of one, of the other and of both; 0 for none."""
    talking: int = 0
    """Moving pictures of people who speak, of every kind; 0 for none."""
    seed: int = 6
    """Another seed gives other scenes."""
    device: str = "auto"

    def __post_init__(self) -> None:
        check_each(self.each)
        for name in ("long", "equals", "talking"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")


def check_each(each: int) -> None:
    """Raises: ValueError: No scene was asked for."""
    if each < 1:
        raise ValueError(f"each must be at least 1, got {each}")


def score(request: ScoreRequest, *, progress: bool | OnProgress = False) -> tuple[Figure, ...]:
    """Score a model on scenes from held-out material.

    Args:
        request: What is asked.
        progress: True shows a bar; a function is called with what is done, how many scenes are, and of how many.

    Returns: Shares with the number that they were counted on and their 95 % intervals; then, from the long scenes, when
        things sound and whether scores mean what they say; then, from the moving ones, who of two equals sounds, and
        who of two people speaks.

    Raises:
        InputError: The material holds nothing of the sources, or too few faces or utterances.
        WeightsError: The model cannot be loaded.
    """
    model = load_model(request.model, device=request.device)
    _, held_out = split_material(Path(request.material), request.sources)
    source = timed_scenes(model, held_out, seed=request.seed)
    moving = EqualsScenes(held_out, seed=request.seed, sample_rate=SOUND_RATE)
    judged, heard = [], []
    speakers = talking_scenes(held_out, seed=request.seed) if request.talking > 0 else None
    told: list[EqualsAnswer] = []
    spoken: list[tuple[TalkingKind, EqualsAnswer]] = []
    total = count_kinds(request.each) + request.long * len(source.kinds) + request.equals + request.talking
    with reporting(progress) as advance:
        for scene in embed_scenes(model, held_out, each=request.each, seed=request.seed):
            judged.append(score_scene(scene, model))
            advance("scenes", len(judged), total)
        for long_scene in source.draw(request.long):
            heard.append(judge_recording(long_scene, model))
            advance("scenes", len(judged) + len(heard), total)
        for number in range(request.equals):
            told += judge_equals_scenes(moving, number, model)
            advance("scenes", len(judged) + len(heard) + number + 1, total)
        if speakers is not None:
            for number in range(request.talking):
                spoken += judge_talking_scenes(speakers, number, model)
                advance("scenes", len(judged) + len(heard) + request.equals + number + 1, total)
    return (
        *score_scenes(judged),
        *(recordings.figures(recordings.evaluate(heard)) if heard else ()),
        *(equals.evaluate(told) if told else ()),
        *(equals.evaluate_talking(spoken) if spoken else ()),
    )
