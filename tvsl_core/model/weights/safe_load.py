"""Reading tensors from files that nobody has vouched for.

A ``.pt`` file is a pickle, and a pickle is a program. It is read by torch's restricted reader, which builds tensors and
nothing else; before that, every size that the file claims is compared with the size of the file, so that a small file
cannot ask for all memory. ``.safetensors`` hold no program and check their own sizes.
"""

from __future__ import annotations

import pickle
import pickletools
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tvsl_core.errors import WeightsError

MAX_PICKLE_BYTES = 64 * 1024 * 1024
"""The published files need less than one."""
MAX_TENSORS = 100_000
SMALL_NUMBER = 65_536
"""Numbers up to this ask for no memory worth the name; format versions are among them."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a ``.pt`` or ``.safetensors`` file by name, on the CPU; memory-mapped where the format allows.

    Raises: WeightsError: The file is missing, damaged, holds code, or holds anything but named tensors.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise WeightsError(f"{path} is not a file.", hint="Name a .pt or .safetensors file.")
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise WeightsError(f"The weights {path} cannot be read: {error.strerror}.", hint="Check the path.") from error
    if size == 0:
        raise WeightsError(f"The weights {path} are empty (0 bytes).", hint="Download or copy the file again.")
    # First: a safetensors file begins with a number, whose bytes may look like the marks of the others.
    if len(head) >= 9 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] <= size - 8:
        return _load_safetensors(path)
    if head.startswith(b"PK"):
        return _named_tensors(_load_zip(path, size), path)
    if head.startswith(b"\x80"):
        return _named_tensors(_load_legacy(path, size), path)
    raise WeightsError(
        f"{path} is neither a torch file nor safetensors, or it is damaged at its beginning.",
        hint="Name a .pt or .safetensors file, and compare its size with the original.",
    )


def read_metadata(path: Path) -> dict[str, str]:
    """The text fields of a safetensors file; empty for any other file."""
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError):
        return {}


def _load_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error


def _load_zip(path: Path, size: int) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise WeightsError(f"{path} holds compressed parts, which torch does not write.", hint=_DOUBT)
            if sum(member.file_size for member in members) > size:
                raise WeightsError(f"{path} claims to hold more than its {size:,} bytes.", hint=_DOUBT)
            pickles = [member for member in members if member.filename.endswith("data.pkl")]
            if len(pickles) != 1 or pickles[0].file_size > MAX_PICKLE_BYTES:
                raise WeightsError(f"{path} is a zip archive, but not one of tensors.", hint=_DOUBT)
            with archive.open(pickles[0]) as program:
                _check_claims(program, path, size)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise _damaged(path, error) from error
    return _restricted_load(path, mmap=True)


def _load_legacy(path: Path, size: int) -> Any:
    with path.open("rb") as file:
        for _ in range(4):  # magic number, protocol, machine, then the tensors; storages follow as raw bytes
            _check_claims(file, path, size)
    return _restricted_load(path, mmap=False)


def _check_claims(program: IO[bytes], path: Path, size: int) -> None:
    """Refuse a pickle that names a number larger than the file: no count of its bytes or elements can be."""
    most = max(size, SMALL_NUMBER)
    try:
        for operation, argument, position in pickletools.genops(program):
            if position is not None and position > size:
                break
            if operation.name in ("LONG1", "LONG4") and isinstance(argument, int) and argument == _LEGACY_MAGIC:
                continue
            if isinstance(argument, int) and operation.name.startswith(("BININT", "INT", "LONG")) and argument > most:
                raise WeightsError(
                    f"{path} claims a tensor of {argument:,} elements, more than its {size:,} bytes can hold.",
                    hint=_DOUBT,
                )
    except (ValueError, EOFError, struct.error, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error


def _restricted_load(path: Path, *, mmap: bool) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except pickle.UnpicklingError as error:
        what = _named_global(str(error))
        raise WeightsError(
            f"{path} is refused: it holds {what}, and running code out of a weights file could do anything.",
            hint="Use a file that holds only tensors, best .safetensors.",
        ) from error
    except Exception as error:  # torch raises nearly anything on damaged files
        raise _damaged(path, error) from error


def _named_global(message: str) -> str:
    for marker in ("GLOBAL ", "Unsupported global: "):
        if marker in message:
            return f"code or objects ({message.split(marker, 1)[1].split(maxsplit=1)[0].strip('.,`')})"
    return "code or objects besides tensors"


def _named_tensors(loaded: Any, path: Path) -> dict[str, Tensor]:
    if not isinstance(loaded, Mapping):
        raise WeightsError(
            f"{path} holds a {type(loaded).__name__}, not tensors by name.", hint="Save the model's state_dict()."
        )
    if len(loaded) > MAX_TENSORS:
        raise WeightsError(f"{path} holds {len(loaded):,} entries, more than any model here.", hint=_DOUBT)
    for name, value in loaded.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise WeightsError(
                f"{path} holds {name!r}: {type(value).__name__} instead of a tensor; it may be a training state.",
                hint="Save only the model's state_dict().",
            )
    return dict(loaded)


def _damaged(path: Path, error: BaseException) -> WeightsError:
    detail = " ".join(str(error).split())[:120]
    return WeightsError(
        f"The weights {path} are damaged or cut off ({detail}).", hint="Download or copy the file again."
    )


_DOUBT = "It is damaged or made to do harm; get it again from where you trust it."
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
"""First value of torch's old file format."""
