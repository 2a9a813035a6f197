"""What a training is asked, checked once, and how that stands in ``run.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tvsl_core.model.facts import EMBEDDED
from tvsl_core.model.registry import towers_names
from tvsl_core.training.options import TrainOptions
from tvsl_core.training.record.loggers import check_loggers
from tvsl_core.training.sources import SourceOptions
from tvsl_core.types import AnyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainRequest:
    """One training: on what, how, and where its results go."""

    sources: SourceOptions
    """Which scenes it learns from, and which are held out."""
    out: AnyPath
    """RUN, the folder of everything that comes of it; an interrupted run of the same request is continued in it."""
    options: TrainOptions = field(default_factory=TrainOptions)
    """How it learns."""
    model: str = "compact"
    """Over which towers."""
    weights: AnyPath | None = None
    """Other weights of the towers."""
    init: AnyPath | None = None
    """Heads to begin with: a file, or ``compact`` for those that ship with tvsl. They go on knowing what they know."""
    outside: tuple[str, ...] = ()
    """Names outside the training on which the untrained mapping is kept, if distilling has a weight; none means those
    of the default vocabulary."""
    device: str = "auto"
    workers: int | None = None
    """Processes that read media; None is one less than the machine has cores, at most 8."""
    use_cache: bool = True
    """False sends every scene through the towers at every step."""
    cache: AnyPath | None = None
    """Folder of feature caches; None is in the user's cache."""
    cache_epochs: int | None = None
    """Epochs of mixtures to keep; None is up to 8 in 8 GB, and no cache where not even one fits."""
    calibration_scenes: int = 40
    """Scenes of each kind that the scorer of events is fitted on, where an evaluation follows; 0 leaves it out."""
    loggers: tuple[str, ...] = ()
    """Programs that follow the run, of ``tvsl_core.training.record.loggers.LOGGERS``."""
    recipe: str = ""
    """Whose settings these are, for ``run.json``."""
    command: tuple[str, ...] = ()
    """As the user typed it, for ``run.json``."""

    def __post_init__(self) -> None:
        if self.model not in towers_names():
            raise ValueError(
                f"model is the name of towers, {' or '.join(towers_names())}, got '{self.model}'; heads go to init"
            )
        check_loggers(self.loggers)
        if self.workers is not None and self.workers < 0:
            raise ValueError(f"workers must not be negative, got {self.workers}")
        if self.cache_epochs is not None and self.cache_epochs < 1:
            raise ValueError(f"cache-epochs must be at least 1, got {self.cache_epochs}")
        if self.calibration_scenes < 0:
            raise ValueError(f"calibration-scenes must not be negative, got {self.calibration_scenes}")

    def settings(self) -> dict[str, Any]:
        """Everything that was asked, by option name, with which ``tvsl train --resume`` goes on.

        Paths no longer depend on the folder that the program ran in.
        """
        sources, options = asdict(self.sources), asdict(self.options)
        own = ("out", "model", "weights", "init", "outside", "device", "workers", "cache", "cache_epochs", "recipe")
        values = sources | options | {name: getattr(self, name) for name in (*own, "calibration_scenes")}
        values |= {"data": values.pop("root"), "no_cache": not self.use_cache}
        paths = ["annotations", "media", "data", "out", "weights", "cache"]
        paths += [] if str(self.init) == EMBEDDED else ["init"]
        values |= {name: _absolute(values[name]) for name in paths}
        values["init"] = None if self.init is None else str(values["init"])
        values["dataset"] = str(values["dataset"])
        return {name.replace("_", "-"): value for name, value in values.items()}


def _absolute(path: AnyPath | None) -> str | None:
    return None if path is None else str(Path(path).absolute())
