"""What steers a training run. Every field is a key of the section ``[train]`` of a configuration file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from tvsl_core.model.losses import SoundPool

Amp = Literal["auto", "on", "off"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LossWeights:
    """How much each loss counts; one of weight 0 is not computed. See ``tvsl_core.model.losses``."""

    detect: float = 1.0
    """L_mcid: which classes sound, from picture and sound together."""
    classify_image: float = 1.0
    """L_cls of what a name pulls out of the picture."""
    classify_sound: float = 1.0
    """L_cls of what a name pulls out of the sound."""
    correspond: float = 1.0
    """L_av: the part of the picture belongs to the part of the sound."""
    hear: float = 1.0
    """Which classes sound, from the sound alone."""
    see: float = 1.0
    """What each patch shows, where masks are known."""
    see_somewhere: float = 1.0
    """What a picture shows, where only its classes are known."""
    distill_image: float = 0.0
    """Keep the untrained mapping of patches on names outside the training."""
    distill_sound: float = 0.0
    """Keep the untrained mapping of sounds on names outside the training."""
    replay_image: float = 1.0
    """Keep what heads that are taught more said of patches that they had learned from."""
    replay_sound: float = 1.0
    """Keep what they said of sounds."""

    def __post_init__(self) -> None:
        for one in fields(self):
            if not getattr(self, one.name) >= 0:
                raise ValueError(f"loss weight {one.name} must not be negative, got {getattr(self, one.name)}")
        if not any(getattr(self, one.name) for one in fields(self)):
            raise ValueError("at least one loss needs a weight above 0")

    def active(self) -> dict[str, float]:
        """The losses that are computed, by name."""
        return {name: weight for name, weight in asdict(self).items() if weight > 0}


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainOptions:
    """One training run."""

    seed: int = 0
    """Of the weights at the beginning, the order of scenes, dropout, and which sounds are swapped and masked."""
    epochs: int = 30
    max_steps: int | None = None
    """End after so many steps, whatever ``epochs`` says; the schedule still runs its whole course until then."""
    batch: int = 64
    """Scenes of one step, of all processes together."""
    learning_rate: float = 1e-3
    """Highest; reached after the warm-up, then falls to nothing as a cosine."""
    weight_decay: float = 1e-2
    warmup: float = 0.05
    """Share of the steps in which the learning rate rises from 0."""
    clip_norm: float = 1.0
    """Largest length of the gradient; longer ones are shortened to it."""
    ema: float = 0.998
    """How much of the averaged weights is kept at each step; 0 uses the weights as they are."""
    validate_epochs: float = 1.0
    """Epochs between two looks at the validation split."""
    patience: int = 8
    """Stop after so many looks without a better validation loss; 0 never stops early."""
    checkpoint_steps: int = 200
    """Steps between two checkpoints."""
    keep_checkpoints: int = 2
    amp: Amp = "auto"
    """Perceptrons in bfloat16: ``auto`` where it is faster, on a GPU and on a CPU with instructions for it."""
    accumulate: int = 1
    """Parts in which a step's scenes are computed, one after the other: less memory for the same batch. Contrasts
    are drawn, and losses divided, within each part."""
    deterministic: bool = False
    """The same numbers, bit for bit, in every run on one machine; slower."""
    swap_sounds: float = 0.1
    """Share of scenes that are heard with the sound of another: what is seen is silent, what sounds is off-screen."""
    mask_sound: float = 0.1
    """Share of sound positions that are replaced by others of the same sound, as SpecAugment masks moments."""
    patch_share: float = 1.0
    """Share of each picture's patches that a step looks at, drawn anew every epoch; less is faster."""
    sound_pool: SoundPool = "top-third"
    label_smoothing: float = 0.0
    init_share: float = 0.5
    """How much of the weights that are kept is of the heads that were taught more, in [0, 1]."""
    losses: LossWeights = field(default_factory=LossWeights)
    heads: dict[str, Any] = field(default_factory=dict)
    """Changes to ``tvsl_core.model.heads.HeadOptions``."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "checkpoint_steps", "keep_checkpoints", "accumulate"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("learning_rate", "clip_norm", "validate_epochs"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("warmup", "swap_sounds", "mask_sound", "init_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if not 0 < self.patch_share <= 1:
            raise ValueError(f"patch_share must lie in (0, 1], got {self.patch_share}")
        if not 0 <= self.ema < 1:
            raise ValueError(f"ema must lie in [0, 1), got {self.ema}")
        if not 0 <= self.label_smoothing < 0.5:
            raise ValueError(f"label_smoothing must lie in [0, 0.5), got {self.label_smoothing}")
        if min(self.patience, self.weight_decay, self.seed) < 0:
            raise ValueError("patience, weight_decay and seed must not be negative")
        if self.max_steps is not None and self.max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {self.max_steps}")
        if self.amp not in ("auto", "on", "off"):
            raise ValueError(f"amp must be auto, on or off, got {self.amp!r}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for ``run.json``."""
        return asdict(self)
