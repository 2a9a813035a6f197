"""Ask a model when things sound: long scenes of exact times, from the sample videos or a material folder."""

from __future__ import annotations

from collections import defaultdict
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from tvsl_core.api.evaluate_request import EvaluateRequest
from tvsl_core.api.score import HELD_OUT
from tvsl_core.data.benchmarks.catalog import EVENTS
from tvsl_core.data.material.samples import write_samples
from tvsl_core.data.scenes.pool import MediaPool
from tvsl_core.data.training_sets.sets import load_training_set
from tvsl_core.errors import InputError
from tvsl_core.evaluation.metrics import recordings
from tvsl_core.evaluation.metrics.recordings import JudgedRecording
from tvsl_core.evaluation.protocols import find_protocol
from tvsl_core.evaluation.run import Evaluation
from tvsl_core.model.load import load_model
from tvsl_core.system.progress import OnProgress
from tvsl_core.tuning.scenes import floor_recordings, judge_recording, timed_scenes

SCENES_A_KIND = 12
SEED = 7
"""Of the scenes; another than those that scorers are fitted and scored on."""


def evaluate_events(request: EvaluateRequest, advance: OnProgress) -> Evaluation:
    """Judge the events that a model, or nobody, reports for long scenes.

    Args:
        request: ``media`` is the folder of the sample videos, or a material folder.
        advance: Called with the benchmark's name, how many scenes are done, and of how many.

    Returns: The scores of the events beside those of the floors.

    Raises:
        InputError: No folder was named, or scenes cannot be made of it.
        WeightsError: The model cannot be loaded.
    """
    if request.media is None:
        raise InputError(
            f"the benchmark '{EVENTS}' is composed of sample videos or of a material folder.",
            hint="Name the folder with --media DIR.",
        )
    model = load_model(request.model, device=request.device)
    judged: dict[str, list[JudgedRecording]] = defaultdict(list)
    with TemporaryDirectory(prefix="tvsl-events-") as passing:
        pool, note = _pool(Path(request.media), Path(passing))
        source = timed_scenes(model, pool, seed=SEED)
        all_scenes = SCENES_A_KIND * len(source.kinds)
        total = min(all_scenes, request.limit or all_scenes)
        for done, scene in enumerate(islice(source.draw(SCENES_A_KIND), total), start=1):
            if not request.floors:
                judged["predicted"].append(judge_recording(scene, model))
            for floor, found in floor_recordings(scene, model.towers.sample_rate).items():
                judged[floor].append(found)
            advance(EVENTS, done, total)
    timing = {name: recordings.evaluate(found) for name, found in judged.items()}
    return Evaluation(
        benchmark=EVENTS,
        protocol=find_protocol("strict"),
        scores=(),
        certainty=None if request.floors else timing["predicted"].certainty,
        timing=timing,
        samples=total,
        videos=total,
        notes=(f"Scenes of kinds {', '.join(source.kinds)}, seed {SEED}. {note}",),
    )


def _pool(media: Path, passing: Path) -> tuple[MediaPool, str]:
    """The files that scenes are made of, and what should be known about them."""
    if (media / "truth.json").is_file():
        pool = load_training_set(str(write_samples(media, passing))).pool
        return pool, "Composed of what sounds alone in the sample videos: few classes, and easier than life."
    pool = load_training_set(str(media)).pool
    held_out = pool.only(lambda item: item.group in HELD_OUT)
    if held_out.classes:
        return (
            held_out,
            f"Only files of the sources {', '.join(HELD_OUT)}, which the shipped heads have not learned from.",
        )
    return pool, "All files of the folder: if the model learned from some of them, the figures say too much."
