"""Published weights on this machine: what is there, fetching, checking, converting, removing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save_file

from tvsl_core.errors import OutputError, WeightsError
from tvsl_core.model.cache import cache_folder, hash_file
from tvsl_core.model.download import DownloadOptions, Progress, download
from tvsl_core.model.registry import REGISTRY, PublishedWeights, published
from tvsl_core.model.safe_load import read_metadata, read_tensors
from tvsl_core.model.strict import fit

IMPORTED = "imported.safetensors"
"""Name of converted weights inside the folder of their model."""
StoredPrecision = Literal["fp32", "fp16"]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredWeights:
    """One entry of the registry, as it stands on this machine."""

    entry: PublishedWeights
    path: Path | None
    """What would be loaded; None when nothing is there."""
    imported: bool
    """Whether that is a converted file rather than the published one."""
    bytes: int


def weights_folder(name: str, cache: Path | None = None) -> Path:
    """Where the files of one entry live; not created."""
    return cache_folder(cache) / "models" / published(name).name


def list_weights(cache: Path | None = None) -> tuple[StoredWeights, ...]:
    """Every entry of the registry; imported weights go before downloaded ones."""
    return tuple(_stored(entry, cache) for entry in REGISTRY)


def find_weights(name: str, cache: Path | None = None) -> Path:
    """The file that ``load_audioclip`` uses when none is named.

    Raises: WeightsError: The name is unknown, or nothing is on this machine.
    """
    stored = _stored(published(name), cache)
    if stored.path is None:
        raise WeightsError(
            f"The weights of {name} are not on this machine (looked in {weights_folder(name, cache)}).",
            hint=f"Run: tvsl models download {name} ({stored.entry.bytes / 1e6:.0f} MB), or: tvsl models import FILE.",
        )
    return stored.path


def fetch_weights(
    name: str,
    *,
    cache: Path | None = None,
    url: str | None = None,
    offline: bool = False,
    options: DownloadOptions | None = None,
    progress: Progress | None = None,
) -> Path:
    """Download published weights unless they are there.

    Args:
        name: In the registry.
        cache: Folder instead of the user's cache.
        url: A mirror: the address of the file, or of a folder (ending in /) that holds it.
        offline: Touch no network.
        options: Patience.
        progress: Told now and then how far it is.

    Raises:
        WeightsError: Offline and not there, or the download failed.
        OutputError: The cache cannot be written.
    """
    entry = published(name)
    target = weights_folder(name, cache) / entry.file
    if offline:
        if target.is_file() and target.stat().st_size == entry.bytes:
            return target
        raise WeightsError(
            f"{entry.file} is not in {target.parent}, and --offline forbids fetching it.",
            hint=f"Copy the file there, or run without --offline: tvsl models download {name}.",
        )
    address = entry.url if url is None else url + entry.file if url.endswith("/") else url
    return download(address, target, size=entry.bytes, sha256=entry.sha256, options=options, progress=progress)


def verify_weights(name: str, *, cache: Path | None = None, progress: Callable[[int], None] | None = None) -> Path:
    """Read what is on this machine and compare its sha256 with the one on record.

    Returns: The file.

    Raises: WeightsError: Nothing is there, or it has changed.
    """
    path = find_weights(name, cache)
    entry = published(name)
    expected = entry.sha256 if path.name == entry.file else _record(path)
    found = hash_file(path, progress)
    if found != expected:
        raise WeightsError(
            f"{path} has changed: sha256 {found[:12]}... instead of {expected[:12]}...",
            hint=f"Run: tvsl models remove {name}, then download or import again.",
        )
    return path


def remove_weights(name: str, *, cache: Path | None = None) -> int:
    """Delete everything of one entry, also half a download.

    Returns: Bytes freed; 0 when nothing was there.

    Raises: OutputError: It cannot be deleted.
    """
    folder = weights_folder(name, cache)
    if not folder.is_dir():
        return 0
    freed = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise OutputError(f"{folder} cannot be deleted: {error.strerror}.", hint="Delete it by hand.") from error
    return freed


def import_weights(
    source: Path, *, name: str = "audioclip", cache: Path | None = None, precision: StoredPrecision = "fp32"
) -> Path:
    """Check a file strictly against AudioCLIP's layout and store it as safetensors.

    Args:
        source: ``.pt`` or ``.safetensors`` with the published tensor names.
        name: Of the registry entry that it stands in for.
        cache: Folder instead of the user's cache.
        precision: ``fp16`` halves the file; it is computed with in float32 all the same.

    Returns: The stored file, which is used from now on.

    Raises:
        WeightsError: The file is not safe, damaged, or not AudioCLIP; or a value does not fit into fp16.
        OutputError: The cache cannot be written.
    """
    from tvsl_core.model.audioclip.network import empty_network

    if precision not in ("fp32", "fp16"):
        raise ValueError(f"precision must be 'fp32' or 'fp16', got {precision!r}")
    target = weights_folder(name, cache) / IMPORTED
    tensors = fit(read_tensors(source), empty_network().state_dict(), model="AudioCLIP", source=str(source))
    if precision == "fp16":
        tensors = {key: _halved(key, tensor) for key, tensor in tensors.items()}
    metadata = {
        "format": "tvsl-audioclip-1",
        "source": source.name,
        "source_sha256": hash_file(source),
        "precision": precision,
    }
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, part, metadata=metadata)
        part.chmod(0o644)  # safetensors makes files that only their owner reads
        _record_path(target).write_text(hash_file(part) + "\n", encoding="ascii")
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(
            f"{target.parent} cannot be written: {error.strerror or error}.",
            hint="Choose another folder with --cache-dir or TVSL_CACHE.",
            stage="write",
        ) from error
    return target


def describe_import(path: Path) -> dict[str, str]:
    """Where converted weights came from: source, source_sha256, precision; empty for a published file."""
    return read_metadata(path) if path.name == IMPORTED else {}


def _stored(entry: PublishedWeights, cache: Path | None) -> StoredWeights:
    folder = weights_folder(entry.name, cache)
    for path in (folder / IMPORTED, folder / entry.file):
        if path.is_file():
            return StoredWeights(entry=entry, path=path, imported=path.name == IMPORTED, bytes=path.stat().st_size)
    return StoredWeights(entry=entry, path=None, imported=False, bytes=0)


def _halved(name: str, tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point() or tensor.ndim == 0:
        return tensor
    if name.startswith("audio.fbsp."):
        return tensor  # fc counts bins up to 1024: fp16 would detune the filters
    half = tensor.half()
    if not bool(torch.isfinite(half).all()):
        raise WeightsError(f"{name} holds values beyond fp16.", hint="Import with --precision fp32.")
    return half


def _record_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _record(path: Path) -> str:
    try:
        return _record_path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path} has no record of its sha256.", hint="Import it again.") from error
