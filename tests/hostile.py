"""Files that mean harm, by recipe: small ones that claim to be enormous, and ones that name other files.

Everything is a real clip of :mod:`builders` with some bytes of its header changed: nothing but the claim is odd.
"""

from __future__ import annotations

import ctypes
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import av

from tests.builders import make_clip

PARENTS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts"}
"""Boxes of an MP4 file that hold boxes (ISO/IEC 14496-12)."""


def box(kind: bytes, content: bytes) -> bytes:
    """One box of an MP4 file."""
    return struct.pack(">I4s", 8 + len(content), kind) + content


def rebuilt(data: bytes, change: Callable[[bytes, bytes], bytes | None]) -> bytes:
    """An MP4 file with the content of each box as ``change(kind, content)`` gives it; None leaves the box out."""
    result, at = b"", 0
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        content = data[at + 8 : at + size]
        changed = change(kind, rebuilt(content, change) if kind in PARENTS else content)
        result += box(kind, changed) if changed is not None else b""
        at += size
    return result


def endless_index(path: Path, samples: int) -> Path:
    """An MP4 of 1.6 kB whose index names so many samples, each of one byte."""
    tables = {
        b"stsz": struct.pack(">III", 0, 1, samples),
        b"stsc": struct.pack(">IIIII", 0, 1, 1, samples, 1),
        b"stts": struct.pack(">IIII", 0, 1, samples, 512),
        b"stss": None,
        b"ctts": None,
    }
    real = make_clip(path, seconds=0.4, size=(16, 16), audio=None).read_bytes()
    path.write_bytes(rebuilt(real, tables.get))
    return path


def packed_index(path: Path, size: int) -> Path:
    """A QuickTime file whose packed index (``cmov``) unpacks to so many bytes of nothing."""
    packer = zlib.compressobj(9)
    block = bytes(1 << 20)
    packed = b"".join(packer.compress(block) for _ in range(size >> 20)) + packer.flush()
    inner = box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", size) + packed)
    path.write_bytes(box(b"ftyp", b"qt  " + bytes(4)) + box(b"moov", box(b"cmov", inner)))
    return path


def patched(path: Path, mark: bytes, offset: int, form: str, *values: float, after: bytes = b"") -> Path:
    """Overwrite values in a file, ``offset`` bytes from the first ``mark`` that follows the first ``after``."""
    data = bytearray(path.read_bytes())
    struct.pack_into(form, data, data.index(mark, data.index(after)) + offset, *values)
    path.write_bytes(data)
    return path


def avi(path: Path, **recipe) -> Path:
    """A second of AVI with plain sound, whose headers are easy to change."""
    plain = {"seconds": 1, "size": (16, 16), "codec": "mjpeg", "pix_fmt": "yuvj420p", "audio": "pcm_s16le"}
    return make_clip(path, **{**plain, "audio_rate": 8000, **recipe})


def with_sample_rate(path: Path, rate: int) -> Path:
    """An AVI that claims this sample rate."""
    return patched(avi(path), b"strf", 12, "<I", rate, after=b"auds")


def with_channels(path: Path, channels: int) -> Path:
    """An AVI that claims so many channels."""
    return patched(avi(path), b"strf", 10, "<H", channels, after=b"auds")


def with_duration(path: Path, seconds: float) -> Path:
    """A Matroska file that claims this length; 0 claims none."""
    return patched(make_clip(path, seconds=1, size=(16, 16)), b"\x44\x89", 3, ">d", seconds * 1000)


def with_pointer(path: Path, target: Path) -> Path:
    """A QuickTime file whose picture lies in another file, by an alias record of its data reference (``dref``).

    Source: Apple, "QuickTime File Format", data reference atoms; Inside Macintosh: Files, alias records.
    """
    name = os.fsencode(target.name)
    where = os.fsencode(target)
    record = bytes(10) + b"\x00" + bytes(27) + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
    record += struct.pack(">HH", 1, 1) + bytes(16)
    record += struct.pack(">HH", 2, len(where)) + where + (b"\0" if len(where) % 2 else b"")
    record += struct.pack(">HH", 0xFFFF, 0)
    entry = struct.pack(">I4sI", 12 + len(record), b"alis", 0) + record
    reference = struct.pack(">II", 0, 1) + entry
    real = make_clip(path, seconds=1, size=(16, 16), audio=None).read_bytes()
    path.write_bytes(rebuilt(real, lambda kind, content: reference if kind == b"dref" else content))
    return path


def joined(path: Path, clips: Sequence[Path]) -> Path:
    """The pictures of several clips, packet by packet in one stream, whatever their sizes are."""
    with av.open(str(path), "w") as container:
        stream, begin = None, 0
        for clip in clips:
            with av.open(str(clip)) as source:
                stream = stream or container.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.dts is not None:
                        packet.pts, packet.dts, packet.stream = packet.pts + begin, packet.dts + begin, stream
                        container.mux(packet)
                begin += 1000  # a second, in Matroska's units
    return path


@contextmanager
def watched(file: Path) -> Iterator[Callable[[], bool]]:
    """Whether anybody opens a file while the block runs, as the kernel sees it (inotify)."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = libc.inotify_init1(os.O_NONBLOCK)
    assert handle >= 0
    in_open = 0x20
    assert libc.inotify_add_watch(handle, os.fsencode(file), in_open) >= 0

    def was_opened() -> bool:
        try:
            return bool(os.read(handle, 4096))
        except BlockingIOError:
            return False

    try:
        yield was_opened
    finally:
        os.close(handle)
