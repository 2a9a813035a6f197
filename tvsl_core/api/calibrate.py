"""Fit the scorer of events on held-out material, and store it with the heads."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tvsl_core.annotate.evidence import FineEvidence, spectral_change
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.signals.clip import read_clip
from tvsl_core.annotate.signals.score import fine_evidence
from tvsl_core.api.score import EACH, HELD_OUT, check_each
from tvsl_core.data.scenes.pool import MediaPool
from tvsl_core.data.scenes.timed import TimedScene
from tvsl_core.errors import InputError
from tvsl_core.model.heads_file import dump_heads, load_heads
from tvsl_core.model.load import load_model
from tvsl_core.model.scorer import store_scorer
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.system.files import write_bytes
from tvsl_core.system.progress import OnProgress, reporting
from tvsl_core.tuning.fit import FittedScorer, fit_scorer, hear, support_of
from tvsl_core.tuning.scenes import split_material, timed_scenes
from tvsl_core.types import AnyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrateRequest:
    """Which heads get a scorer, fitted on scenes from which material."""

    heads: AnyPath
    """Trained heads, from ``export_heads``."""
    material: AnyPath
    """A MATERIAL folder, a folder of videos per class, or a table of clips; docs/training.md says what these are."""
    out: AnyPath
    """Where the calibrated heads go."""
    sources: tuple[str, ...] = ()
    """Only files of these sources are fitted on; none means those that the training of the heads held out."""
    each: int = EACH
    """Scenes of each kind, of 12 s."""
    seed: int = 5
    """Not that of ``ScoreRequest``, so that no scene is both fitted on and scored."""
    device: str = "auto"

    def __post_init__(self) -> None:
        check_each(self.each)


def calibrate(request: CalibrateRequest, *, progress: bool | OnProgress = False) -> FittedScorer:
    """Fit what judges events, and write the heads with it.

    Args:
        request: What is asked.
        progress: True shows a bar; a function is called with what is done, how many scenes are, and of how many.

    Returns: The scorer, and how far its scores can be believed, on events that it was not fitted on.

    Raises:
        InputError: The material holds nothing of the sources, or too little of them.
        WeightsError: The heads cannot be used.
        OutputError: The file cannot be written.
    """
    _, info = load_heads(Path(request.heads))
    sources = request.sources or tuple(info.details.get("held_out", HELD_OUT))
    if not sources:
        raise InputError(
            "The training of these heads held nothing out that they could be calibrated on.",
            hint="Train on more videos a class, or name files that they were not trained on with --sources.",
        )
    split = split_material(Path(request.material), sources)
    return calibrate_on(*split, request, sources=sources, progress=progress)


def calibrate_on(
    learned_from: MediaPool,
    held_out: MediaPool,
    request: CalibrateRequest,
    *,
    sources: Sequence[str],
    progress: bool | OnProgress = False,
) -> FittedScorer:
    """As ``calibrate``, where the files are at hand already; the request's material is not looked at.

    Args:
        learned_from: What the heads were trained on.
        held_out: What they are calibrated on.
        request: What is asked.
        sources: Names of what is held out, for the record.
        progress: As for ``calibrate``.

    Raises: TvslError: As ``calibrate``.
    """
    trained, info = load_heads(Path(request.heads))
    # Heads that were taught more keep what was found out about the classes before.
    support = {key: {**info.details.get(key, {}), **found} for key, found in support_of(learned_from).items()}
    supported = replace(info, details={**info.details, **support}, scorer=None)
    with tempfile.TemporaryDirectory(prefix="tvsl-calibrate-") as folder:
        file = Path(folder) / "heads.safetensors"
        write_bytes(file, dump_heads(trained, supported, half=True))
        model = load_model(file, device=request.device)
    vocabulary = model.vocabulary
    source = timed_scenes(model, held_out, seed=request.seed)
    scenes = []
    with reporting(progress) as advance:
        for scene in source.draw(request.each):
            scenes.append(hear(scene, evidence_of(scene, model), vocabulary))
            advance("scenes", len(scenes), request.each * len(source.kinds))
    fitted = fit_scorer(scenes, vocabulary, seed=request.seed)
    details = fitted.details(f"{len(scenes)} scenes from {', '.join(sources)}, seed {request.seed}")
    calibrated = replace(supported, scorer=store_scorer(fitted.scorer, details))
    write_bytes(Path(request.out), dump_heads(trained, calibrated, half=True))
    return fitted


def evidence_of(scene: TimedScene, model: TvslModel) -> FineEvidence:
    """What annotation would go by in a scene."""
    clip = read_clip(scene.frame, scene.waveform, model, AnnotateOptions())
    change = spectral_change(clip.sound.bands_db)
    return fine_evidence(clip.sound, clip.pictures.instants, model, change, 0, len(clip.sound.sound))
