"""A model's predictions for a whole benchmark: several processes, a file a clip, going on where it stopped.

A folder of predictions belongs to one model and one list of classes, which ``predictions.json`` in it names; files of
another model are refused rather than mixed in. Any number of processes or machines may fill one folder, each with its
own shard of the samples.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tvsl_core.data.benchmarks.clips import ClipLoader, folder_loader
from tvsl_core.data.benchmarks.composed import compose
from tvsl_core.data.benchmarks.sample import Sample
from tvsl_core.data.predictions.prediction import Prediction
from tvsl_core.data.predictions.read import read_maps, save_maps
from tvsl_core.errors import InputError, OutputError, TvslError
from tvsl_core.system.files import make_folder, write_bytes

if TYPE_CHECKING:
    from tvsl_core.tuning.predict import ClipPredictor

NOTE = "predictions.json"
MISSING = "its media are missing"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipSource:
    """Where the clips of a benchmark come from; small enough to be sent to a process."""

    media: Path
    composed: str = ""
    """Name of a composed benchmark; empty for files under ``media``."""

    def open(self) -> ClipLoader:
        """A loader of its clips. Raises: TvslError: The media cannot be used."""
        return compose(self.composed, self.media).loader() if self.composed else folder_loader(self.media)


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerOptions:
    """Which model answers, and how."""

    model: str = "compact"
    device: str = "auto"
    classes: tuple[str, ...] = ()
    """What the benchmark asks for; none stands for the default vocabulary."""
    workers: int = 1
    """Processes; each holds a model of its own."""

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ValueError(f"workers must be at least 1, got {self.workers}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What came of predicting."""

    done: int
    """Predicted now."""
    there: int
    """Predicted before."""
    missing: tuple[str, ...]
    """Samples without media."""
    failed: tuple[tuple[str, str], ...]
    """Samples whose media cannot be used, and why."""


def shard_of(samples: Sequence[Sample], index: int, count: int) -> tuple[Sample, ...]:
    """Every ``count``-th sample from the ``index``-th, counted from 1.

    Raises: ValueError: The index is not one of the count.
    """
    if not 1 <= index <= count:
        raise ValueError(f"a shard is I/N with I from 1 to N, got {index}/{count}")
    return tuple(samples[index - 1 :: count])


def answer_samples(
    samples: Sequence[Sample],
    source: ClipSource,
    folder: Path,
    options: AnswerOptions,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Answered:
    """Write ``<id>.npz`` for every sample that has none yet.

    Raises:
        InputError: The folder holds predictions of another model or list of classes.
        OutputError: The folder cannot be written, or a process was killed.
        TvslError: The model or the media cannot be opened.
    """
    _claim(folder, options)
    waiting = [sample for sample in samples if not (folder / f"{sample.id}.npz").is_file()]
    there = len(samples) - len(waiting)
    missing, failed, done = [], [], 0
    for finished, (identity, problem) in enumerate(_results(waiting, source, folder, options), start=there + 1):
        if problem == MISSING:
            missing.append(identity)
        elif problem:
            failed.append((identity, problem))
        else:
            done += 1
        on_progress(finished, len(samples))
    return Answered(done=done, there=there, missing=tuple(missing), failed=tuple(failed))


def read_answer(folder: Path, sample: Sample) -> Prediction | None:
    """What was predicted for a sample; None when nothing was. Raises: ManifestError: The file is damaged."""
    file = folder / f"{sample.id}.npz"
    return read_maps(file) if file.is_file() else None


def _claim(folder: Path, options: AnswerOptions) -> None:
    """Say whose predictions a folder holds, or check that they are ours."""
    file = Path(options.model)
    weights = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
    wanted = {"model": options.model, "weights": weights, "classes": list(options.classes)}
    path = folder / NOTE
    make_folder(folder)
    try:
        if path.is_file():
            found = json.loads(path.read_text(encoding="utf-8"))
        elif any(folder.glob("*.npz")):
            found = None
        else:
            write_bytes(path, (json.dumps(wanted, indent=2) + "\n").encode())
            return
    except (OSError, ValueError) as problem:
        raise OutputError(f"the folder '{folder}' cannot be used: {problem}.") from None
    if found != wanted:
        raise InputError(
            f"'{folder}' holds predictions of another model or benchmark.",
            hint="Choose another folder, or score them as they are with --predictions.",
        )


def _results(
    waiting: Sequence[Sample], source: ClipSource, folder: Path, options: AnswerOptions
) -> Iterator[tuple[str, str]]:
    """The id and problem of every sample as it is done; the problem is empty when it was written."""
    count = min(options.workers, len(waiting))
    if count <= 1:
        yield from _answer_part(waiting, source, folder, options) if waiting else ()
        return
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    parts = [list(waiting[start : start + _PART]) for start in range(0, len(waiting), _PART)]
    work = partial(_answer_list, source=source, folder=folder, options=options)
    with ProcessPoolExecutor(max_workers=count, mp_context=context) as pool:
        try:
            for future in as_completed([pool.submit(work, part) for part in parts]):
                yield from future.result()
        except BrokenProcessPool:
            raise OutputError(
                "a process that predicts was killed.",
                hint="Memory may be short: give the same command again with fewer --workers; what is done is kept.",
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_PART = 16
"""Samples that a process takes at a time: few, so that progress is seen and nobody waits for the last one."""


def _answer_list(
    samples: Sequence[Sample], *, source: ClipSource, folder: Path, options: AnswerOptions
) -> list[tuple[str, str]]:
    return list(_answer_part(samples, source, folder, options))


_OPENED: dict[tuple[ClipSource, AnswerOptions], tuple[ClipPredictor, ClipLoader]] = {}
"""What this process has open: a model is loaded once, not once a part."""


def _answer_part(
    samples: Sequence[Sample], source: ClipSource, folder: Path, options: AnswerOptions
) -> Iterator[tuple[str, str]]:
    key = (source, options)
    if key not in _OPENED:
        from tvsl_core.tuning.predict import load_predictor

        if options.workers > 1:
            import torch

            torch.set_num_threads(1)  # the processes are the threads
        predictor = load_predictor(options.model, device=options.device, classes=options.classes)
        _OPENED[key] = predictor, source.open()
    predict, load_clip = _OPENED[key]
    for sample in samples:
        try:
            clip = load_clip(sample, predict.sample_rate)
            if clip is None:
                yield sample.id, MISSING
                continue
            prediction = predict(clip.frame, clip.waveform, sample.names)
        except OutputError:
            raise
        except TvslError as problem:
            yield sample.id, str(problem)
            continue
        save_maps(folder / f"{sample.id}.npz", prediction)
        yield sample.id, ""
