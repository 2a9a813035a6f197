"""Choose samples of a benchmark: a spread subset, heard or unheard classes, samples that were trained on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from tvsl_core.data.benchmarks.files import read_text
from tvsl_core.data.benchmarks.sample import Benchmark, Sample, class_key
from tvsl_core.errors import ManifestError


def spread(samples: tuple[Sample, ...], number: int) -> tuple[Sample, ...]:
    """So many samples at equal steps through the list; all when there are fewer.

    The two halves of a swap stay together, so that one more may be chosen.

    Raises: ValueError: The number is not positive.
    """
    if number < 1:
        raise ValueError(f"the number of samples must be positive, got {number}")
    if number >= len(samples):
        return samples
    chosen = {index * len(samples) // number for index in range(number)}
    swaps = {samples[index].swap for index in list(chosen)[: (number + 1) // 2] if samples[index].swap}
    if swaps:
        return tuple(sample for sample in samples if sample.swap in swaps)
    return tuple(samples[index] for index in sorted(chosen))


def heard_classes(path: Path) -> frozenset[str]:
    """Class names, one a line; lines that start with ``#`` are comments.

    Raises: ManifestError: The file cannot be read or is empty.
    """
    lines = (line.strip() for line in read_text(path).splitlines())
    names = frozenset(class_key(line) for line in lines if line and not line.startswith("#"))
    if not names:
        raise ManifestError(f"'{path}' names no class.", hint="Write one class name a line.")
    return names


def split_by_classes(benchmark: Benchmark, heard: Collection[str], *, unheard: bool) -> Benchmark:
    """Only the samples all of whose classes were heard in training, or none of them.

    Args:
        benchmark: What is split.
        heard: Class keys (see ``class_key``) that a model was trained on.
        unheard: Keep the samples without any heard class; otherwise those with heard classes only.

    Raises: ManifestError: No sample is left.
    """
    wanted = "unheard" if unheard else "heard"
    kept = tuple(
        sample for sample in benchmark.samples if all((class_key(name) in heard) != unheard for name in sample.names)
    )
    if not kept:
        raise ManifestError(f"{benchmark.name} has no sample whose classes are all {wanted}.")
    note = f"Only the {len(kept)} of {len(benchmark.samples)} samples whose classes are all {wanted}."
    return replace(benchmark, samples=kept, notes=(note, *benchmark.notes))


def trained_on(benchmark: Benchmark, training_list: Path) -> tuple[str, ...]:
    """Ids of test samples with a clip that a training list holds.

    Args:
        benchmark: The test samples.
        training_list: A text file whose first column (up to a comma) is the clip id.

    Raises: ManifestError: The list cannot be read.
    """
    trained = {line.split(",")[0].strip() for line in read_text(training_list).splitlines()}
    return tuple(sample.id for sample in benchmark.samples if trained.intersection(sample.clips))
