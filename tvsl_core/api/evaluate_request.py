"""What an evaluation is asked, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tvsl_core.data.benchmarks.boxes import BoxForm
from tvsl_core.data.benchmarks.catalog import EVENTS
from tvsl_core.evaluation.scoring import ClassMode
from tvsl_core.types import AnyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateRequest:
    """One evaluation: which benchmark, answered by whom, scored how."""

    benchmark: str
    """Its name, as ``tvsl datasets list`` says it; ``custom`` for a list of one's own."""
    annotations: AnyPath | None = None
    """Its annotation files (for ``custom`` the CSV or COCO file, or results with labels); None looks below ``data``."""
    media: AnyPath | None = None
    """Frames and sounds, or videos; None looks below ``data``. Composed benchmarks need the sample videos, or, for
    ``composed-events``, a MATERIAL folder."""
    data: AnyPath | None = None
    """Where both are looked for; None is the folder that ``TVSL_DATA`` names."""
    model: AnyPath = "compact"
    """Name or weights file of the model that answers."""
    device: str = "auto"
    predictions: AnyPath | None = None
    """Score these ``<id>.npz`` maps, Parquet tables or COCO boxes instead of a model."""
    save_predictions: AnyPath | None = None
    """Folder for the model's maps, as ``<id>.npz``; what is there is not predicted again."""
    workers: int | None = 1
    """Processes that predict; each holds a model of its own. None is one a core on a CPU, where there are samples
    enough that starting them is worth it."""
    protocol: str | None = None
    """None is ``strict``, and every protocol for floors."""
    classes: Literal["oracle", "predicted", "both"] = "both"
    """Class names given (oracle), found by the system (predicted), or both."""
    floors: bool = False
    """Only what doing nothing scores; needs annotations and no media."""
    limit: int | None = None
    """Only so many samples, spread over the list."""
    sources: tuple[int, ...] = ()
    """Only samples with so many sources, an evaluation for each number."""
    box_form: BoxForm | None = None
    """How a custom list writes boxes."""
    split: Literal["heard", "unheard"] | None = None
    """Only samples whose classes were heard in training, or were not."""
    heard: AnyPath | None = None
    """Names of the classes heard in training, one a line."""
    training_list: AnyPath | None = None
    """Ids trained on; the answer warns when test samples are among them."""

    def __post_init__(self) -> None:
        _one_of("classes", self.classes, ("oracle", "predicted", "both"))
        _one_of("box-form", self.box_form, ("xyxy", "xywh", None))
        _one_of("split", self.split, ("heard", "unheard", None))
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"workers must be at least 1, got {self.workers}")
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit must be at least 1, got {self.limit}")
        if any(number < 1 for number in self.sources):
            raise ValueError(f"sources counts from 1, got {','.join(map(str, self.sources))}")
        if self.floors and self.predictions is not None:
            raise ValueError("floors and predictions exclude each other; floors stand beside any score")
        if self.heard is not None and self.split is None:
            raise ValueError("heard says which classes were trained on; also choose the split heard or unheard")
        if self.split is not None and self.heard is None:
            raise ValueError("a split needs heard, a file with the names of the classes that the model was trained on")

        for name in ("predictions", "save_predictions", "protocol", "split"):
            if self.benchmark == EVENTS and getattr(self, name) is not None:
                option = name.replace("_", "-")
                raise ValueError(f"{EVENTS} asks a model when its own scenes sound, not where; leave out {option}")

    @property
    def modes(self) -> tuple[ClassMode, ...]:
        """Which class modes are scored."""
        return ("oracle", "predicted") if self.classes == "both" else (self.classes,)


def _one_of(option: str, value: str | None, choices: tuple[str | None, ...]) -> None:
    if value not in choices:
        known = ", ".join(choice for choice in choices if choice)
        raise ValueError(f"{option} must be one of {known}, got '{value}'")
