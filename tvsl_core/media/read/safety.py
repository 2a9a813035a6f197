"""Opening files that nobody vouches for: local plain files only, known containers only, bounded sizes.

FFmpeg follows what a file says: a playlist names other files and addresses, a path such as ``a%03d.png`` names many
files, a QuickTime track may lie in another file, ``http:`` in a name opens a connection. A video that someone hands in
must do none of this, so every file is opened through :func:`open_media`, and every ffmpeg process reads through
:func:`ffmpeg_input_options`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tvsl_core.errors import MediaError
from tvsl_core.limits import DEFAULT_LIMITS, MediaLimits
from tvsl_core.media.read.limits import BYTES_A_PIXEL, LEAST_ALLOCATION, Stage, limit_allocations

if TYPE_CHECKING:
    from av.container import InputContainer

VIDEO_DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,ogg,flv,asf,mxf,gif,nut,dv,gxf,rm,ivf,wtv,"
    "h264,hevc,m4v,obu,av1"
)
"""Containers that hold a video within one file, by FFmpeg's demuxer names."""
SOUND_DEMUXERS = "mp3,wav,w64,flac,aac,aiff,caf,au,ac3,eac3,amr,ape,tta,wv"
"""Containers of sound alone; opened so that the error can say that it is a sound file."""

MAX_TRACK_NUMBER = 1_000_000
"""Of a track in an MP4 file."""

_PLAYLIST_HEADS = (b"#EXTM3U", b"ffconcat", b"v=0", b"[playlist]", b"file ")
_PLAYLIST_MARKS = (b"<MPD", b"<SmoothStreaming")
_IMAGE_HEADS = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\x00", b"MM\x00*")
_INDEXED_BOXES = {b"ftyp", b"mdat", b"wide", b"free", b"skip", b"moov"}
_HEAD_BYTES = 512
_MAX_INDEX_BYTES = 64 << 20
_MAX_BOXES = 100_000
_OWN_ALIAS = 150
"""Bytes; an alias that is no longer leads nowhere, and FFmpeg ignores it."""


def file_url(path: Path) -> str:
    """The address under which FFmpeg takes any path as one plain local file, whatever characters it holds."""
    return f"file:{os.fspath(path)}"


def ffmpeg_input_options() -> dict[str, str]:
    """Options that must stand before every ``-i`` of an ffmpeg process, by name without the dash."""
    return {"protocol_whitelist": "file", "format_whitelist": f"{VIDEO_DEMUXERS},{SOUND_DEMUXERS}"}


def ffmpeg_global_arguments(pixels: int = 0) -> list[str]:
    """Arguments of every ffmpeg process: it asks nothing, says only what is wrong, and takes no memory in one gulp.

    Args:
        pixels: Of the largest picture that it handles.
    """
    most = max(LEAST_ALLOCATION, BYTES_A_PIXEL * pixels)
    return ["-hide_banner", "-nostdin", "-loglevel", "error", "-max_alloc", str(most)]


def check_file(path: Path, *, stage: Stage = "probe") -> None:
    """Refuse what cannot be a video before anything is opened.

    Raises:
        MediaError: The path is missing, a folder, a pipe or device, empty, or may not be read.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        what = "is a link to a file that does not exist" if path.is_symlink() else "does not exist"
        raise MediaError(f"{path} {what}.", hint="Check the spelling of the path.", stage=stage) from None
    except PermissionError:
        raise _unreadable(path, stage) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError(f"{str(path)!r} cannot be opened: {reason}.", stage=stage) from error
    if stat.S_ISDIR(status.st_mode):
        raise MediaError(f"{path} is a folder, not a video file.", hint="Name the files in it.", stage=stage)
    if not stat.S_ISREG(status.st_mode):
        hint = "Save its content to a file first."
        raise MediaError(f"{path} is not a regular file but a pipe, socket or device.", hint=hint, stage=stage)
    if status.st_size == 0:
        raise MediaError(f"{path} is empty (0 bytes).", hint="Copy or download it again.", stage=stage)
    if not os.access(path, os.R_OK):
        raise _unreadable(path, stage)


def open_media(path: Path, *, limits: MediaLimits = DEFAULT_LIMITS, stage: Stage = "probe") -> InputContainer:
    """Open a local media file for reading; the caller closes it.

    Args:
        path: A regular file.
        limits: How large its pictures may be, and with them what FFmpeg may take of the memory at once.
        stage: Where we are, for the error.

    Returns: The open container. Only containers of this module's lists, and only bytes of this one file, are read.

    Raises:
        MediaError: The file cannot be opened as a video; the message says why.
    """
    import av
    import av.error

    check_file(path, stage=stage)
    _check_track_numbers(path, stage)
    limit_allocations(limits)
    options = {**ffmpeg_input_options(), "max_pixels": str(limits.max_pixels)}
    try:
        return av.open(file_url(path), "r", options=options, metadata_errors="replace")
    except av.error.PermissionError:
        raise _unreadable(path, stage) from None
    except (av.error.FFmpegError, ValueError) as error:
        raise _explain(path, error, stage) from error


def _unreadable(path: Path, stage: Stage) -> MediaError:
    return MediaError(f"{path} may not be read by this user.", hint="Change its permissions.", stage=stage)


def _explain(path: Path, error: Exception, stage: Stage) -> MediaError:
    """Say in one sentence why FFmpeg refused a file."""
    head = _head(path)
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if text.startswith(_PLAYLIST_HEADS) or any(mark in head for mark in _PLAYLIST_MARKS):
        message = f"{path} is a playlist or a list of other files, which tvsl does not follow."
        return MediaError(message, hint="Name the video files themselves.", stage=stage)
    if head.startswith(_IMAGE_HEADS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return MediaError(f"{path} is a still image, not a video.", hint="Name a video file.", stage=stage)
    if _lacks_index(path):
        message = f"{path} is cut off: its index (moov) is missing, so nothing in it can be found."
        hint = "The recording or the copy was not finished; copy it again, or repair it with a recovery tool."
        return MediaError(message, hint=hint, stage=stage)
    if isinstance(error, MemoryError):
        message = f"{path} asks for more memory than a video of this kind needs."
        return MediaError(message, hint="It is damaged or means harm; do not trust it.", stage=stage)
    reason = getattr(error, "strerror", None) or str(error)
    message = f"{path} is not a video that tvsl can read ({reason})."
    return MediaError(message, hint="It may be damaged or of another kind.", stage=stage)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return b""


def names_other_file(path: Path) -> bool:
    """Whether the data reference of a QuickTime track is the alias of another file; FFmpeg leaves such tracks empty."""
    return any(
        box[12:16] == b"alis" and int.from_bytes(box[8:12], "big") > _OWN_ALIAS for box in _inside_index(path, b"dref")
    )


def _check_track_numbers(path: Path, stage: Stage) -> None:
    """Refuse an MP4 whose tracks have absurd numbers: FFmpeg counts up to each one, seconds for a track."""
    for box in _inside_index(path, b"tkhd"):
        at = 12 if box[:1] == b"\0" else 20  # after the two times, of 4 or 8 bytes (ISO/IEC 14496-12, section 8.3.2)
        number = int.from_bytes(box[at : at + 4], "big")
        if number > MAX_TRACK_NUMBER:
            message = f"{path} numbers a track {number:,}, as no program does."
            raise MediaError(message, hint="It is damaged or means harm; do not trust it.", stage=stage)


def _inside_index(path: Path, kind: bytes) -> Iterator[bytes]:
    """The beginning of every box of a kind within the index (``moov``) of an MP4 file; nothing of other files."""
    if _head(path)[4:8] not in _INDEXED_BOXES:
        return
    for name, offset, length in _boxes(path):
        if name == b"moov":
            with path.open("rb") as file:
                file.seek(offset)
                index = file.read(min(length, _MAX_INDEX_BYTES))
            at = index.find(kind)
            while at >= 0:
                yield index[at + 4 : at + 44]
                at = index.find(kind, at + 4)


def _lacks_index(path: Path) -> bool:
    """Whether a file of the MP4 family has no ``moov`` box (ISO/IEC 14496-12, section 8.2) within its bytes."""
    size = path.stat().st_size
    kinds = []
    for kind, offset, length in _boxes(path):
        if kind == b"moov" and offset + length <= size:
            return False
        kinds.append(kind)
    return bool(kinds) and kinds[0] in _INDEXED_BOXES


def _boxes(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """(kind, offset, length) of the outermost boxes of an MP4 file, as far as they make sense."""
    size = path.stat().st_size
    with path.open("rb") as file:
        offset = 0
        for _ in range(_MAX_BOXES):
            if offset + 8 > size:
                return
            file.seek(offset)
            header = file.read(16)
            length, kind = int.from_bytes(header[:4], "big"), header[4:8]
            if length == 1:
                length = int.from_bytes(header[8:16], "big")
            if length == 0:
                length = size - offset
            if length < 8 or not kind.isascii():
                return
            yield kind, offset, length
            offset += length
