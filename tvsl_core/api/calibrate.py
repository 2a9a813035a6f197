"""Fit the thresholds of detection on held-out material, and store them with the heads."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from tvsl_core.api.score import EACH, HELD_OUT, check_each
from tvsl_core.data.scenes.kinds import count_kinds
from tvsl_core.model.heads_file import dump_heads, load_heads
from tvsl_core.model.load import load_model
from tvsl_core.system.files import write_bytes
from tvsl_core.system.progress import OnProgress, reporting
from tvsl_core.tuning.fit import Fitted, support_of
from tvsl_core.tuning.fit import calibrate as fit_thresholds
from tvsl_core.tuning.scenes import embed_scenes, split_material
from tvsl_core.types import AnyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrateRequest:
    """Which heads get thresholds, fitted on scenes from which material."""

    heads: AnyPath
    """Trained heads, from ``export_heads``."""
    material: AnyPath
    """A MATERIAL folder; docs/training.md says what that is."""
    out: AnyPath
    """Where the calibrated heads go."""
    sources: tuple[str, ...] = HELD_OUT
    """Only files of these sources are fitted on; the model must not have learned from them."""
    each: int = EACH
    """Scenes of each kind; twice as many pairs."""
    seed: int = 5
    """Not that of ``ScoreRequest``, so that no scene is both fitted on and scored."""
    device: str = "auto"

    def __post_init__(self) -> None:
        check_each(self.each)


def calibrate(request: CalibrateRequest, *, progress: bool | OnProgress = False) -> Fitted:
    """Fit the thresholds of detection, and write the heads with them.

    Args:
        request: What is asked.
        progress: True shows a bar; a function is called with what is done, how many scenes are, and of how many.

    Returns: The thresholds, and what they reach on the scenes that they were fitted on, which flatters them a little.

    Raises:
        InputError: The material holds nothing of the sources.
        WeightsError: The heads cannot be used.
        OutputError: The file cannot be written.
    """
    learned_from, held_out = split_material(Path(request.material), request.sources)
    trained, info = load_heads(Path(request.heads))
    supported = replace(info, details={**info.details, **support_of(learned_from)})
    with tempfile.TemporaryDirectory(prefix="tvsl-calibrate-") as folder:
        file = Path(folder) / "heads.safetensors"
        write_bytes(file, dump_heads(trained, supported, half=True))
        model = load_model(file, device=request.device)
    scenes = []
    total = count_kinds(request.each)
    with reporting(progress) as advance:
        for scene in embed_scenes(model, held_out, each=request.each, seed=request.seed):
            scenes.append(scene)
            advance("scenes", len(scenes), total)
    fitted = fit_thresholds(model, scenes, name=f"scenes from {','.join(request.sources)}, seed {request.seed}")
    calibrated = replace(supported, calibration=fitted.calibration.as_dict())
    write_bytes(Path(request.out), dump_heads(trained, calibrated, half=True))
    return fitted
