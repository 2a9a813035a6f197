"""What a system says about a sample: its maps, or its boxes drawn as maps, with the class and certainty of each.

Anyone's output can be scored. Three forms are read (see ``open_predictions``): ``<id>.npz`` files with maps, the
Parquet tables that ``tvsl annotate`` writes, and COCO files of boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.boxes import draw_boxes
from tvsl_core.data.sample import CornerBox, Sample
from tvsl_core.errors import ManifestError, OutputError

MAX_MAP_SIDE = 4096
"""Larger maps are refused: nothing is gained from them and much memory is lost."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prediction:
    """What a system says about one sample.

    The grid of every map covers the whole frame of the sample (all its tiles); higher means more likely the source.
    """

    classes: tuple[str, ...]
    """The class of each source."""
    maps: NDArray[np.float32]
    """``[source row column]``, finite, any scale."""
    scores: tuple[float, ...]
    """How sure the system is that each source sounds; any scale, higher is surer."""
    detected: tuple[bool, ...]
    """Whether the system reports the source by itself. A map that exists only because its class was given is False."""
    regions: bool = False
    """The maps are boxes: every value above 0 counts, and no threshold is applied."""

    def __post_init__(self) -> None:
        count = len(self.classes)
        if self.maps.ndim != 3 or (count and 0 in self.maps.shape):
            raise ValueError(f"maps are [source row column], got shape {self.maps.shape}")
        if not self.maps.shape[0] == len(self.scores) == len(self.detected) == count:
            raise ValueError(
                f"{self.maps.shape[0]} maps, {count} classes, {len(self.scores)} scores and {len(self.detected)} "
                "detected flags do not belong together"
            )
        if max(self.maps.shape[1:]) > MAX_MAP_SIDE:
            raise ValueError(f"maps may have at most {MAX_MAP_SIDE} rows and columns, got {self.maps.shape[1:]}")
        if not np.isfinite(self.maps).all():
            raise ValueError("maps hold NaN or infinite values")
        if not np.isfinite(np.asarray(self.scores, dtype=np.float64)).all():
            raise ValueError("scores hold NaN or infinite values")


NOTHING = Prediction(classes=(), maps=np.zeros((0, 1, 1), dtype=np.float32), scores=(), detected=())
"""A system that reports no source."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Predictions:
    """The predictions found in one place."""

    kind: str
    """``maps``, ``table`` or ``coco``."""
    ids: frozenset[str]
    """Every sample that something is said about."""
    read: Callable[[Sample], Prediction | None]
    """The prediction for a sample; None when there is none. Raises ManifestError when it cannot be used."""


def open_predictions(path: Path, samples: Iterable[Sample]) -> Predictions:
    """Find out which form the predictions at a path have.

    Args:
        path: A folder of ``<id>.npz`` files; a folder that ``tvsl annotate`` wrote (or its ``sources``); or a COCO
            ``.json`` file, alone or the only one in a folder.
        samples: The benchmark's, whose ids the predictions are matched with.

    Raises: ManifestError: Nothing that can be read is there, or a sample is predicted twice.
    """
    from tvsl_core.data import predictions_boxes

    if not path.exists():
        raise ManifestError(f"the predictions '{path}' do not exist.", hint="Name a folder of <id>.npz files.")
    known = {name: sample.id for sample in samples for name in sample_names(sample)}
    if path.is_file() and path.suffix.lower() == ".json":
        return predictions_boxes.open_coco(path, known)
    if path.is_file() and path.suffix.lower() == ".parquet":
        return predictions_boxes.open_tables([path], known)
    if path.is_dir():
        maps = sorted(path.glob("*.npz"))
        if maps:
            return _open_maps(maps, known)
        folder = path / "sources" if (path / "sources").is_dir() else path
        tables = sorted(folder.rglob("*.parquet"))
        if tables:
            return predictions_boxes.open_tables(tables, known)
        coco = sorted(path.glob("*.json"))
        if len(coco) == 1:
            return predictions_boxes.open_coco(coco[0], known)
    raise ManifestError(
        f"'{path}' holds no predictions that can be read.",
        hint="Expected <id>.npz files, the 'sources' tables of tvsl annotate, or one COCO .json file.",
    )


def sample_names(sample: Sample) -> tuple[str, ...]:
    """What a prediction for a sample may be called: its id, or all its clips joined by ``+``."""
    return tuple(dict.fromkeys((sample.id, "+".join(sample.clips))))


def _open_maps(files: Sequence[Path], known: dict[str, str]) -> Predictions:
    by_id: dict[str, Path] = {}
    for file in files:
        name = known.get(file.stem, file.stem)
        if name in by_id:
            raise ManifestError(f"'{name}' is predicted twice, by '{by_id[name].name}' and '{file.name}'.")
        by_id[name] = file

    def read(sample: Sample) -> Prediction | None:
        file = by_id.get(sample.id)
        return None if file is None else read_maps(file)

    return Predictions(kind="maps", ids=frozenset(by_id), read=read)


def read_maps(path: Path) -> Prediction:
    """Read one ``.npz`` file.

    It holds ``maps`` [source row column], ``classes`` [source], and optional ``scores`` and ``detected`` [source].

    Raises: ManifestError: It is damaged, lacks an array, holds objects instead of numbers and text, or fails a check of
        ``Prediction``; the message names the file.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            missing = [name for name in ("maps", "classes") if name not in stored.files]
            if missing:
                raise ValueError(f"it lacks {' and '.join(missing)}")
            maps = np.asarray(stored["maps"])
            if maps.dtype.kind not in "biuf":
                raise ValueError(f"maps must be numbers, got {maps.dtype}")
            classes = tuple(str(name) for name in np.atleast_1d(stored["classes"]).tolist())
            scores = stored["scores"].tolist() if "scores" in stored.files else _peaks(maps)
            detected = stored["detected"].tolist() if "detected" in stored.files else [True] * len(classes)
            return Prediction(
                classes=classes,
                maps=maps.astype(np.float32),
                scores=tuple(float(value) for value in scores),
                detected=tuple(bool(value) for value in detected),
            )
    except Exception as problem:  # zipfile, zlib and numpy raise many kinds for a damaged file
        raise ManifestError(
            f"the prediction '{path.name}' was refused: {problem}.",
            hint="It must hold maps [source row column] and classes [source], without objects.",
        ) from None


def save_maps(path: Path, prediction: Prediction) -> None:
    """Write a prediction in the form that ``read_maps`` reads; complete or not at all.

    Raises: OutputError: The file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            np.savez_compressed(
                file,
                maps=prediction.maps,
                classes=np.array(prediction.classes, dtype=np.str_),
                scores=np.array(prediction.scores, dtype=np.float64),
                detected=np.array(prediction.detected, dtype=bool),
            )
        temporary.replace(path)
    except OSError as problem:
        raise OutputError(f"'{path}' cannot be written: {problem.strerror or problem}.") from problem


def boxes_as_prediction(
    boxes: Sequence[tuple[str, CornerBox, float]], *, tiles: int = 1, side: int = 224
) -> Prediction:
    """Draw boxes as maps: one map for each class, each box at its score.

    Args:
        boxes: Class, corners in shares of the whole frame, and score in [0, 1].
        tiles: How many tiles the frame has.
        side: Pixels of a tile in the maps.
    """
    classes = tuple(dict.fromkeys(name for name, _, _ in boxes))
    maps = np.zeros((len(classes), side, side * tiles), dtype=np.float32)
    scores = [0.0] * len(classes)
    for name, corners, score in boxes:
        row = classes.index(name)
        inside = draw_boxes([corners], height=side, width=side * tiles)
        maps[row][inside] = np.maximum(maps[row][inside], max(score, 1e-6))
        scores[row] = max(scores[row], score)
    if not classes:
        return NOTHING
    return Prediction(classes=classes, maps=maps, scores=tuple(scores), detected=(True,) * len(classes), regions=True)


def _peaks(maps: NDArray[np.generic]) -> list[float]:
    """Without scores, a map's highest value says how sure its system is."""
    if maps.ndim != 3 or 0 in maps.shape[1:]:
        raise ValueError(f"maps must be [source row column], got shape {maps.shape}")
    return [float(one.max()) for one in maps]
