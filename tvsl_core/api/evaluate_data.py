"""The samples that an evaluation asks about, and the clips that a model answers for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tvsl_core.api.evaluate_request import EvaluateRequest
from tvsl_core.data.benchmarks.catalog import (
    COMPOSED,
    CUSTOM,
    annotations_folder,
    data_root,
    find_entry,
    media_folder,
)
from tvsl_core.data.benchmarks.composed import Composed, compose
from tvsl_core.data.benchmarks.custom import labels_of, load_custom
from tvsl_core.data.benchmarks.sample import Benchmark
from tvsl_core.data.benchmarks.select import heard_classes, split_by_classes, spread, trained_on
from tvsl_core.errors import InputError, ManifestError
from tvsl_core.tuning.answers import ClipSource
from tvsl_core.types import as_path

OTHER_DUET_LIST = "music-duet-short"
"""The list of MUSIC-Duet that later papers use."""


def load_benchmark(request: EvaluateRequest) -> Benchmark:
    """The benchmark's samples from its annotation files, narrowed to those that were asked for.

    Raises:
        InputError: There is no such benchmark, or it lacks what only the user can name.
        ManifestError: Its files cannot be found or used; the message says what to do.
    """
    if request.benchmark == CUSTOM:
        if request.annotations is None:
            raise InputError(
                "the benchmark 'custom' needs a list.",
                hint="Name your CSV or COCO file, or a results folder with labels, with --annotations.",
            )
        return narrowed(load_custom(Path(request.annotations), form=request.box_form), request)
    if request.benchmark in COMPOSED:
        return narrowed(_composed(request).benchmark, request)
    return _from_catalog(request.benchmark, request)


def other_duet_list(request: EvaluateRequest) -> Benchmark | None:
    """The shorter list of MUSIC-Duet; None when its file is not there."""
    try:
        return _from_catalog(OTHER_DUET_LIST, request)
    except ManifestError:
        return None


def _from_catalog(name: str, request: EvaluateRequest) -> Benchmark:
    entry = find_entry(name)
    return narrowed(entry.load(annotations_folder(entry, as_path(request.annotations), _root(request))), request)


def _composed(request: EvaluateRequest) -> Composed:
    return compose(request.benchmark, _sample_videos(request))


def _sample_videos(request: EvaluateRequest) -> Path:
    if request.media is None:
        raise InputError(
            f"the benchmark '{request.benchmark}' is composed of the sample videos.",
            hint="Name their folder with --media DIR.",
        )
    return Path(request.media)


def _root(request: EvaluateRequest) -> Path | None:
    return as_path(request.data) or data_root()


def narrowed(benchmark: Benchmark, request: EvaluateRequest) -> Benchmark:
    """Only the samples that were asked for."""
    if request.split is not None and request.heard is not None:
        heard = heard_classes(Path(request.heard))
        benchmark = split_by_classes(benchmark, heard, unheard=request.split == "unheard")
    if request.limit is not None and request.limit < len(benchmark.samples):
        benchmark = replace(benchmark, samples=spread(benchmark.samples, request.limit))
    return benchmark


def by_sources(benchmark: Benchmark, numbers: tuple[int, ...]) -> tuple[Benchmark, ...]:
    """A benchmark for each number of sounding classes; the whole one when there are no numbers.

    Raises: InputError: No sample has so many.
    """
    parts = []
    for number in numbers:
        samples = tuple(sample for sample in benchmark.samples if len(sample.names) == number)
        if not samples:
            raise InputError(f"{benchmark.name} has no sample with {number} sources.", hint="Choose other --sources.")
        notes = (f"Samples with {number} sources.", *benchmark.notes)
        parts.append(replace(benchmark, samples=samples, notes=notes))
    return tuple(parts) or (benchmark,)


def overlap_warning(benchmark: Benchmark, request: EvaluateRequest) -> tuple[str, ...]:
    """A sentence when test samples were trained on."""
    if request.training_list is None:
        return ()
    shared = trained_on(benchmark, Path(request.training_list))
    if not shared:
        return ()
    return (
        f"{len(shared)} of {len(benchmark.samples)} test samples of {benchmark.name} hold clips that "
        f"'{Path(request.training_list).name}' trains on, such as {shared[0]}.",
    )


def clip_source(request: EvaluateRequest) -> ClipSource:
    """Where the clips come from: composed by recipe, or files.

    Raises: ManifestError: The media folder cannot be found; the message says what to do.
    """
    if request.benchmark in COMPOSED:
        return ClipSource(media=_sample_videos(request), composed=request.benchmark)
    if request.benchmark == CUSTOM:
        if request.media is None and request.annotations is not None and Path(request.annotations).is_dir():
            return ClipSource(media=labels_of(Path(request.annotations)))
        if request.media is None:
            raise InputError("the benchmark 'custom' needs media.", hint="Name your folder with --media DIR.")
        return ClipSource(media=Path(request.media))
    entry, listed = find_entry(request.benchmark), as_path(request.annotations)
    return ClipSource(media=media_folder(entry, as_path(request.media), _root(request), listed=listed))
