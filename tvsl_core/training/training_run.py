"""What is trained, on what, and where it goes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tvsl_core.data.scenes.scene import SceneSource
from tvsl_core.errors import InputError
from tvsl_core.model.facts import trained_names
from tvsl_core.model.towers import TrainableTowers
from tvsl_core.model.weights.hashing import hash_file
from tvsl_core.training.options import TrainOptions

UNSETTLING = ("checkpoint_steps", "keep_checkpoints")
"""Options that may change when a run is continued."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingRun:
    """What is trained, on what, and where it goes."""

    towers: TrainableTowers
    train: SceneSource
    validation: SceneSource | None
    out: Path
    """RUN, the folder of everything that comes of it."""
    options: TrainOptions = field(default_factory=TrainOptions)
    cache: Path | None = None
    """Folder of feature caches; None sends every scene through the towers at every step."""
    cache_epochs: int = 1
    """So many epochs of mixtures are cached; later ones begin with the first again."""
    workers: int = 0
    """Processes that render scenes beside this one."""
    init: Path | None = None
    """Heads to begin with; what they know beside the classes of the scenes they go on knowing."""
    memory: Path | None = None
    """Features that ``init`` has learned from, which are replayed."""
    outside: tuple[str, ...] = ()
    """Names outside the training on which the untrained mapping is kept, if distilling has a weight."""
    loggers: tuple[str, ...] = ()
    """Programs that follow the run, of ``tvsl_core.training.record.loggers.LOGGERS``."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else ``run.json`` shall say: the command, the name of the data, their terms."""

    def __post_init__(self) -> None:
        if self.cache_epochs < 1:
            raise ValueError(f"cache_epochs must be at least 1, got {self.cache_epochs}")
        if self.workers < 0:
            raise ValueError(f"workers must not be negative, got {self.workers}")
        if len(self.train) == 0:
            raise InputError("there are no scenes to train on.")

    @property
    def extended(self) -> tuple[str, ...]:
        """The classes of ``init``, where it knows any that the scenes do not hold."""
        known = () if self.init is None else trained_names(self.init)
        return known if set(known) - set(self.train.classes) else ()

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes that the heads will know; those that are known already come first."""
        return tuple(dict.fromkeys((*self.extended, *self.train.classes)))

    def settings(self) -> str:
        """Fingerprint of everything on which the result depends."""
        options = {name: value for name, value in self.options.to_dict().items() if name not in UNSETTLING}
        sources = [source.fingerprint() for source in (self.train, self.validation) if source is not None]
        facts = [options, sources, self.towers.weights_sha256, self.cache_epochs if self.cache else 0, *self.outside]
        if self.extended and self.init is not None:
            facts.append(hash_file(self.init))
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
