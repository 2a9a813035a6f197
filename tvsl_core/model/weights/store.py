"""Published weights on this machine: what is there, fetching, checking, converting, removing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from tvsl_core.errors import OutputError, WeightsError
from tvsl_core.model.weights.download import DownloadOptions, Progress, download
from tvsl_core.model.weights.hashing import hash_file
from tvsl_core.model.weights.registry import REGISTRY, PublishedWeights, published
from tvsl_core.model.weights.safe_load import read_metadata
from tvsl_core.system.cache import cache_folder
from tvsl_core.system.files import make_folder, whole_file, write_bytes

IMPORTED = "imported.safetensors"
"""Name of converted weights inside the folder of their model."""


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


def foreign_source(name: str, path: Path) -> str:
    """What an imported file was made from, when that is not the published file; empty when it is.

    Args:
        name: Of the registry entry.
        path: Its file on this machine.
    """
    entry = published(name)
    if path.name == entry.file:
        return ""
    facts = read_metadata(path)
    digest = facts.get("source_sha256", "")
    if digest == entry.sha256:
        return ""
    return f"{facts.get('source', 'an unknown file')} (sha256 {digest[:12] or 'unknown'})"


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


def store_imported(
    name: str, tensors: Mapping[str, torch.Tensor], *, metadata: Mapping[str, str], cache: Path | None = None
) -> Path:
    """Keep converted tensors in the place of published weights; they are found before those.

    Args:
        name: Of the registry entry that they stand in for.
        tensors: By published name, already checked against the model's layout.
        metadata: Where they came from.
        cache: Folder instead of the user's cache.

    Returns: The stored file.

    Raises: OutputError: The cache cannot be written.
    """
    target = weights_folder(name, cache) / IMPORTED
    make_folder(target.parent)
    with whole_file(target) as partial:
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, partial, metadata=dict(metadata))
        partial.chmod(0o644)  # safetensors makes files that only their owner reads
        # Before the weights have their name: weights without a record are refused, a record without weights is not.
        write_bytes(_record_path(target), (hash_file(partial) + "\n").encode())
    return target


def _stored(entry: PublishedWeights, cache: Path | None) -> StoredWeights:
    folder = weights_folder(entry.name, cache)
    for path in (folder / IMPORTED, folder / entry.file):
        if path.is_file():
            return StoredWeights(entry=entry, path=path, imported=path.name == IMPORTED, bytes=path.stat().st_size)
    return StoredWeights(entry=entry, path=None, imported=False, bytes=0)


def _record_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _record(path: Path) -> str:
    try:
        return _record_path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path} has no record of its sha256.", hint="Import it again.") from error
