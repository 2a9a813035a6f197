"""Find the photographs, cut-outs and recordings inside the unpacked Debian packages."""

from __future__ import annotations

import io
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 44_100
"""Hertz; of every sound while composing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """The folder into which the Debian packages were unpacked (``dpkg-deb -x PACKAGE.deb DIR``)."""

    root: Path

    def __post_init__(self) -> None:
        if not (self.root / "usr/share").is_dir():
            raise FileNotFoundError(f"{self.root} has no usr/share; unpack the packages of README.md into it")

    @property
    def soundfont(self) -> Path:
        """The General MIDI soundfont that plays the melodies."""
        return self.root / "usr/share/sounds/sf3/MuseScore_General_Lite.sf3"

    def photo(self, name: str) -> NDArray[np.uint8]:
        """Read a photograph of GCompris, such as ``explore_farm_animals/resource/animals/cow.webp``.

        Args:
            name: Path below the activities of GCompris; its first part names the resource file.

        Returns:
            RGB ``[height width 3]``.
        """
        pixels = cv2.imdecode(np.frombuffer(self._gcompris(name), np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            raise ValueError(f"{name} is not a picture that OpenCV reads")
        return np.ascontiguousarray(pixels[..., ::-1], dtype=np.uint8)

    def painting(self, activity: str, board: int) -> NDArray[np.uint8]:
        """Lay the puzzle of a painting in GCompris, such as board 14 of ``paintings``, the Mona Lisa.

        A board says where the middle of each piece goes, in shares of its size. Pieces are transparent beyond their
        edges, and lie beside each other on nothing, or in the holes of a picture.

        Args:
            activity: The game that has the puzzle.
            board: Its number there.

        Returns:
            RGB ``[height width 3]``.
        """
        rules = self._gcompris(f"{activity}/resource/board/board{board}_0.qml").decode()
        ground, *pieces = (dict(re.findall(r'"(\w+)"\s*:\s*"?([^",\s]+)', block)) for block in rules.split("{")[2:])
        if "width" in ground:
            laid = np.zeros((int(ground["height"]), int(ground["width"]), 4), np.uint8)
        else:
            laid = self._piece(activity, ground["pixmapfile"])
        for rule in pieces:
            _lay(self._piece(activity, rule["pixmapfile"]), laid, float(rule["x"]), float(rule["y"]))
        rows, columns = (np.flatnonzero((laid[..., 3] > 200).any(axis)) for axis in (1, 0))
        return np.ascontiguousarray(laid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1, :3])

    def _piece(self, activity: str, name: str) -> NDArray[np.uint8]:
        coded = np.frombuffer(self._gcompris(f"{activity}/resource/{name}"), np.uint8)
        pixels = np.asarray(cv2.imdecode(coded, cv2.IMREAD_UNCHANGED))
        code = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGBA
        return np.asarray(cv2.cvtColor(pixels, code), np.uint8)

    def stamp(self, name: str) -> NDArray[np.uint8]:
        """Read a cut-out of Tux Paint, such as ``hobbies/music/brass/trumpet.png``; RGBA ``[height width 4]``."""
        path = self.root / "usr/share/tuxpaint/stamps" / name
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if pixels is None or pixels.ndim != 3 or pixels.shape[2] != 4:
            raise ValueError(f"{path} is not a picture with transparency")
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA), np.uint8)

    def recording(self, name: str) -> NDArray[np.float32]:
        """Read a recording of GCompris as mono float32 ``[sample]`` at 44.1 kHz."""
        return read_sound(io.BytesIO(self._gcompris(name)))

    def _gcompris(self, name: str) -> bytes:
        activity = name.split("/", 1)[0]
        file = self.root / "usr/share/gcompris-qt/rcc" / f"{activity}.rcc"
        return read_member(file.read_bytes(), f"gcompris/src/activities/{name}")


def _lay(piece: NDArray[np.uint8], board: NDArray[np.uint8], across: float, down: float) -> None:
    """Put a piece on a board where its middle belongs; of two that overlap the more opaque one is seen."""
    left, top = round(across * board.shape[1] - piece.shape[1] / 2), round(down * board.shape[0] - piece.shape[0] / 2)
    piece = piece[max(0, -top) :, max(0, -left) :]
    there = board[max(0, top) :, max(0, left) :][: piece.shape[0], : piece.shape[1]]
    piece = piece[: there.shape[0], : there.shape[1]]
    there[:] = np.where(piece[..., 3:] >= there[..., 3:], piece, there)


def read_sound(source: Path | io.BytesIO) -> NDArray[np.float32]:
    """Decode a sound file to mono float32 ``[sample]`` at 44.1 kHz."""
    with av.open(str(source) if isinstance(source, Path) else source, mode="r") as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        blocks = [
            block.to_ndarray().reshape(-1)
            for frame in (*container.decode(audio=0), None)
            for block in resampler.resample(frame)
        ]
    return np.concatenate(blocks).astype(np.float32)


def read_member(resource: bytes, path: str) -> bytes:
    """Take one file out of a Qt resource file.

    The format (Qt's rcc, big endian) is a header with the offsets of tree, data and names; a tree node has the offset
    of its name, flags (1: zlib, 2: folder, 4: zstd), and either its children or the offset of its data.

    Raises:
        KeyError: No such file in there.
        ValueError: Not a resource file, or compressed with zstd.
    """
    if resource[:4] != b"qres":
        raise ValueError("not a Qt resource file")
    version, tree, data, names = struct.unpack_from(">4I", resource, 4)
    node_size = 22 if version >= 2 else 14

    def name_of(node: int) -> str:
        at = names + int(struct.unpack_from(">I", resource, node)[0])
        length = int(struct.unpack_from(">H", resource, at)[0])
        return resource[at + 6 : at + 6 + 2 * length].decode("utf-16-be")

    node = tree
    for part in path.split("/"):
        count, first = struct.unpack_from(">2I", resource, node + 6)
        children = (tree + index * node_size for index in range(first, first + count))
        node = next((child for child in children if name_of(child) == part), -1)
        if node < 0:
            raise KeyError(f"{path}: no {part} in this resource file")
    flags = int(struct.unpack_from(">H", resource, node + 4)[0])
    if flags & 6:
        raise ValueError(f"{path} is a folder or is compressed with zstd")
    at = data + int(struct.unpack_from(">I", resource, node + 10)[0])
    length = int(struct.unpack_from(">I", resource, at)[0])
    content = resource[at + 4 : at + 4 + length]
    return zlib.decompress(content[4:]) if flags & 1 else content
