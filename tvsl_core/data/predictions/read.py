"""Read and write what systems say about samples.

Anyone's output can be scored. Three forms are read (see ``open_predictions``): ``<id>.npz`` files with maps, the
Parquet tables that ``tvsl annotate`` writes, and COCO files of boxes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.benchmarks.sample import Sample
from tvsl_core.data.predictions.boxes import open_coco, open_tables
from tvsl_core.data.predictions.prediction import Prediction, Predictions
from tvsl_core.errors import ManifestError
from tvsl_core.system.files import make_folder, whole_file


def open_predictions(path: Path, samples: Iterable[Sample]) -> Predictions:
    """Find out which form the predictions at a path have.

    Args:
        path: A folder of ``<id>.npz`` files; a folder that ``tvsl annotate`` wrote (or its ``sources``); or a COCO
            ``.json`` file, alone or the only one in a folder.
        samples: The benchmark's, whose ids the predictions are matched with.

    Raises: ManifestError: Nothing that can be read is there, or a sample is predicted twice.
    """
    if not path.exists():
        raise ManifestError(f"the predictions '{path}' do not exist.", hint="Name a folder of <id>.npz files.")
    known = {name: sample.id for sample in samples for name in sample_names(sample)}
    if path.is_file() and path.suffix.lower() == ".json":
        return open_coco(path, known)
    if path.is_file() and path.suffix.lower() == ".parquet":
        return open_tables([path], known)
    if path.is_dir():
        maps = sorted(path.glob("*.npz"))
        if maps:
            return _open_maps(maps, known)
        folder = path / "sources" if (path / "sources").is_dir() else path
        tables = sorted(folder.rglob("*.parquet"))
        if tables:
            return open_tables(tables, known)
        coco = sorted(path.glob("*.json"))
        if len(coco) == 1:
            return open_coco(coco[0], known)
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
    make_folder(path.parent)
    with whole_file(path) as partial, partial.open("wb") as file:  # numpy would add .npz to a name
        np.savez_compressed(
            file,
            maps=prediction.maps,
            classes=np.array(prediction.classes, dtype=np.str_),
            scores=np.array(prediction.scores, dtype=np.float64),
            detected=np.array(prediction.detected, dtype=bool),
        )


def _peaks(maps: NDArray[np.generic]) -> list[float]:
    """Without scores, a map's highest value says how sure its system is."""
    if maps.ndim != 3 or 0 in maps.shape[1:]:
        raise ValueError(f"maps must be [source row column], got shape {maps.shape}")
    return [float(one.max()) for one in maps]
