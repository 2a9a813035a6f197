"""What ``tvsl train --then evaluate`` does after the training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvsl_cli.shared import config_file as kinds
from tvsl_cli.shared.settings import SECTIONS, usage_errors

if TYPE_CHECKING:
    from tvsl_core.api.reproduce import PaperRequest
    from tvsl_core.api.train_request import TrainRequest

_OWN = frozenset({"floors", "predictions", "model", "device"})
"""Keys of the section that a training answers itself."""


def paper_request(then: str | None, request: TrainRequest, config: Path | None) -> PaperRequest | None:
    """What follows the training, by the section [evaluate] of the recipe and of the file; None for nothing.

    A wrong value ends the command with one sentence and exit code 2.
    """
    if then is None:
        return None
    from tvsl_cli.evaluate.request import KEYS, request_of
    from tvsl_core.api.reproduce import PaperRequest
    from tvsl_core.training.recipes.catalog import find_recipe

    with usage_errors():
        if then != "evaluate":
            raise ValueError(f"--then knows evaluate, got '{then}'")
        found: dict[str, Any] = {"data": request.sources.root}
        for file in (find_recipe(request.recipe) if request.recipe else None, config):
            if file is not None:
                found |= kinds.read_config(file, section="evaluate", keys=KEYS, sections=SECTIONS)
        if "benchmark" not in found:
            raise ValueError(
                '--then evaluate needs benchmark = "NAME" in the section [evaluate] of a recipe or --config'
            )
        asked = request_of({key: value for key, value in found.items() if key not in _OWN})
        return PaperRequest(evaluate=asked, calibration_scenes=request.calibration_scenes)
