"""Read mask files, pickles among them, without running what they may carry.

The masks of VGG-Instruments circulate as pickled arrays, and a pickle may name any function for its reader to call. The
reader here admits the few names that a numpy array needs and refuses everything else.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tvsl_core.errors import ManifestError

_ADMITTED = {
    (module, name) for module in ("numpy.core.multiarray", "numpy._core.multiarray") for name in ("_reconstruct",)
} | {("numpy", "ndarray"), ("numpy", "dtype")}
_ADMITTED |= {(module, "_frombuffer") for module in ("numpy.core.numeric", "numpy._core.numeric")}
_LATIN = ("_codecs", "encode")
MAX_MASK_BYTES = 256 * 2**20
"""Larger mask files are refused unread."""


def _encode_latin(text: str, encoding: str = "latin1") -> bytes:
    """What protocol-2 arrays call to write their bytes; only this one encoding."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"encoding {encoding} is not admitted")
    return text.encode("latin1")


class _ArrayUnpickler(pickle.Unpickler):
    """Finds numpy's array parts and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == _LATIN:
            return _encode_latin
        if (module, name) in _ADMITTED:
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def read_mask(path: Path, *, empty: bool = False) -> NDArray[np.float32]:
    """Read one mask: ``.pkl`` (one array), ``.npy``, or a grey picture (``.png``).

    Args:
        path: The file.
        empty: Whether it may mark nothing.

    Returns: ``[row column]`` in [0, 1]; several layers become their union, values above 1 are divided by the highest.

    Raises: ManifestError: The file is missing, is no array, asks for anything but arrays, or marks nothing.
    """
    try:
        if path.stat().st_size > MAX_MASK_BYTES:
            raise ManifestError(f"the mask '{path}' is larger than {MAX_MASK_BYTES // 2**20} MiB.")
        values = _read_array(path)
    except OSError as problem:
        raise ManifestError(f"the mask '{path}' cannot be read: {problem.strerror or problem}.") from problem
    except ManifestError:
        raise
    except Exception as problem:  # a damaged pickle may raise nearly anything
        raise ManifestError(
            f"the mask '{path}' was refused: {problem}.", hint="A mask file holds one numpy array and nothing else."
        ) from None
    return _as_shares(values, path, empty)


def _read_array(path: Path) -> Any:
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    if path.suffix in (".png", ".jpg"):
        import cv2

        return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return _ArrayUnpickler(io.BytesIO(path.read_bytes())).load()


def _as_shares(values: Any, path: Path, empty: bool) -> NDArray[np.float32]:
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf":
        raise ManifestError(f"the mask '{path}' holds no array of numbers.")
    mask = values.astype(np.float32)
    if mask.ndim == 3:
        mask = mask.max(axis=int(np.argmin(mask.shape)))
    if mask.ndim != 2 or 0 in mask.shape:
        raise ManifestError(f"the mask '{path}' has shape {values.shape}; it must be [row column].")
    if not np.isfinite(mask).all() or mask.min() < 0:
        raise ManifestError(f"the mask '{path}' holds values that are negative or no numbers.")
    if mask.max() > 1:
        mask /= mask.max()
    if not (empty or mask.any()):
        raise ManifestError(f"the mask '{path}' marks nothing.")
    return mask
