"""Real clips by recipe: every test that needs a video makes it here, with PyAV alone.

The pictures carry the time in themselves, so that a test can measure instead of trust:

- ``counter``: frame ``n`` is grey with a bar code of ``n`` (16 cells across the upper half, white is 1, the lowest bit
  on the left); :func:`read_counter` reads it back after any lossy coding.
- ``flash``: black, white while ``flash_at(t)``; the sound ``beep`` is a 1 kHz tone at the same times. Their distance in
  what a reader gives is the error of synchrony.
"""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from tvsl_core.media.read.safety import ffmpeg_input_options, file_url

Picture = Callable[[int, float], NDArray[np.uint8]]
"""(number, seconds) to RGB ``[height width 3]``."""
Sound = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Seconds ``[sample]`` to samples in [-1, 1] ``[sample]``, or ``[channel sample]``."""

BITS = 16
FLASH_PERIOD_S = 1.0
FLASH_S = 0.2
FLASH_OFFSET_S = 0.4
LOSSLESS = ("ffv1", "rawvideo", "png", "libx264rgb", "gif")


def ffmpeg_input(path: Path) -> list[str]:
    """Arguments with which an ffmpeg process reads ``path`` under the rules that ours are given."""
    options = [part for name, value in ffmpeg_input_options().items() for part in (f"-{name}", value)]
    return [*options, "-i", file_url(path)]


def flash_at(seconds: NDArray[np.float64] | float) -> NDArray[np.bool_]:
    """Whether the sync clip is white, and beeps, at these times: 0.2 s each second, first at 0.4 s."""
    return np.mod(np.asarray(seconds) - FLASH_OFFSET_S + 1e-9, FLASH_PERIOD_S) < FLASH_S


def beep(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """A 1 kHz tone whenever the sync clip flashes."""
    return 0.5 * np.sin(2 * np.pi * 1000 * seconds) * flash_at(seconds)


def tone(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """A steady 440 Hz tone."""
    return 0.5 * np.sin(2 * np.pi * 440 * seconds)


def silence(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nothing."""
    return np.zeros_like(seconds)


SOUNDS: dict[str, Sound] = {"beep": beep, "tone": tone, "silence": silence}


def flash(size: tuple[int, int]) -> Picture:
    """Black, white while the sync clip beeps."""
    width, height = size
    return lambda _number, seconds: np.full((height, width, 3), 235 if flash_at(seconds) else 16, np.uint8)


def counter(size: tuple[int, int]) -> Picture:
    """Each frame's number as a bar code; needs at least 64 pixels across to survive lossy coding."""
    width, height = size

    def draw(number: int, _seconds: float) -> NDArray[np.uint8]:
        bits = (number >> np.arange(BITS)) & 1
        row = bits[np.arange(width) * BITS // width] * 200 + 28
        picture = np.full((height, width, 3), 128, np.uint8)
        picture[: height // 2] = row[None, :, None]
        return picture

    return draw


def read_counter(pixels: NDArray[np.uint8]) -> int:
    """The number that :func:`counter` drew."""
    height, width = pixels.shape[:2]
    centres = (np.arange(BITS) * width + width // 2) // BITS
    bits = pixels[height // 4, centres].mean(axis=1) > 128
    return int((bits << np.arange(BITS)).sum())


def arrow(size: tuple[int, int]) -> Picture:
    """Red in the upper left quarter, green in the upper right, blue in the lower left, grey elsewhere."""
    width, height = size
    picture = np.full((height, width, 3), 128, np.uint8)
    picture[: height // 2, : width // 2] = (230, 20, 20)
    picture[: height // 2, width // 2 :] = (20, 230, 20)
    picture[height // 2 :, : width // 2] = (20, 20, 230)
    return lambda _number, _seconds: picture


PICTURES: dict[str, Callable[[tuple[int, int]], Picture]] = {"flash": flash, "counter": counter, "arrow": arrow}


def make_clip(
    path: Path,
    *,
    seconds: float = 2,
    size: tuple[int, int] = (128, 96),
    fps: Fraction | int = Fraction(25),
    codec: str | None = "libx264",
    pix_fmt: str = "yuv420p",
    picture: str | Picture = "flash",
    picture_start_s: float = 0,
    frame_times: Sequence[float] | None = None,
    rotation: int = 0,
    sample_aspect: Fraction | None = None,
    colour: str | None = None,
    colour_is_tagged: bool = True,
    gop: int = 12,
    audio: str | None = "aac",
    sound: str | Sound | Sequence[str | Sound] = "beep",
    audio_start_s: float = 0,
    audio_seconds: float | None = None,
    audio_rate: int = 44100,
    audio_layout: str = "mono",
    audio_gap: tuple[float, float] | None = None,
    audio_tracks: int = 1,
    default_track: int | None = None,
    languages: Sequence[str] = (),
    options: dict[str, str] | None = None,
) -> Path:
    """Make one clip.

    Args:
        path: The ending chooses the container: mp4, mkv, webm, avi, mov, ts, ogv ...
        seconds: Length of the picture.
        size: Coded width and height.
        fps: Frames per second.
        codec: Of the picture; None makes a file of sound alone.
        pix_fmt: ``yuv420p10le`` for 10 bits.
        picture: ``flash``, ``counter``, ``arrow`` or a function.
        picture_start_s: When the picture begins; the content goes by the timeline, so it begins in its middle.
        frame_times: When each frame is shown, for a variable rate; instead of ``seconds`` and ``fps``.
        rotation: Degrees clockwise that a player must turn the picture by.
        sample_aspect: Width of a pixel over its height.
        colour: ``bt709`` or ``bt601`` tags and uses that matrix; None leaves it untagged (BT.601).
        colour_is_tagged: False uses the matrix of ``colour`` without saying so, as many files do.
        gop: Frames between keyframes.
        audio: Codec of the sound; None makes a silent file without a sound track.
        sound: ``beep``, ``tone``, ``silence`` or a function; one per track if several.
        audio_start_s: When the sound begins; the content goes by the timeline.
        audio_seconds: Length of the sound; None ends with the picture.
        audio_rate: In Hz.
        audio_layout: ``mono``, ``stereo``, ``5.1``, ``7.1`` ...
        audio_gap: From and to: no packets are written there.
        audio_tracks: How many.
        default_track: Which one has the default flag; None leaves it to the container.
        languages: Of the tracks.
        options: Of the container.

    Returns: The path.
    """
    with av.open(f"file:{path}", "w", format=_format(path), options=options or {}) as container:
        writers: list[Iterator[tuple[float, object]]] = []
        if codec is not None:
            times = frame_times if frame_times is not None else _even_times(seconds, Fraction(fps), picture_start_s)
            stream = container.add_stream(codec, rate=Fraction(fps))
            stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
            stream.codec_context.gop_size = gop
            _tune(
                stream,
                codec,
                sample_aspect,
                colour if colour_is_tagged else None,
                frame_times is not None,
                Fraction(fps),
            )
            if rotation:
                stream.set_display_rotation(-rotation)
            draw = PICTURES[picture](size) if isinstance(picture, str) else picture
            writers.append(_picture_packets(stream, times, draw, pix_fmt, colour))
        sounds = [sound] * audio_tracks if isinstance(sound, str) or callable(sound) else list(sound)
        for track in range(audio_tracks if audio else 0):
            stream = container.add_stream(audio, rate=audio_rate, layout=audio_layout)
            if default_track is not None:
                stream.disposition = Disposition.default if track == default_track else Disposition(0)
            if track < len(languages):
                stream.metadata["language"] = languages[track]
            play = SOUNDS[sounds[track]] if isinstance(sounds[track], str) else sounds[track]
            length = audio_seconds if audio_seconds is not None else seconds - audio_start_s
            writers.append(_sound_packets(stream, play, audio_start_s, length, audio_gap))
        _interleave(container, writers)
    return path


def make_sound_file(path: Path, *, seconds: float = 1, audio: str = "pcm_s16le", sound: str | Sound = "tone") -> Path:
    """A file of sound alone."""
    return make_clip(path, seconds=seconds, codec=None, audio=audio, sound=sound)


def cut_off(path: Path, *, share: float) -> Path:
    """Keep only so much of a file, as an interrupted copy does."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def damage(path: Path, *, at: float, length: int = 400, seed: int = 0) -> Path:
    """Overwrite some bytes in the middle of a file, as a bad disk does; ``at`` is the share of the file before them."""
    content = bytearray(path.read_bytes())
    begin = int(len(content) * at)
    length = min(length, len(content) - begin)
    content[begin : begin + length] = np.random.default_rng(seed).bytes(length)
    path.write_bytes(content)
    return path


def spoil_packets(path: Path, numbers: Iterable[int], *, kind: str = "video") -> Path:
    """Overwrite the content of some packets with zeros; the container stays whole. For mkv and mp4."""
    content = bytearray(path.read_bytes())
    with av.open(f"file:{path}") as container:
        packets = [packet for packet in container.demux(getattr(container.streams, kind)[0]) if packet.size]
        places = [(content.find(bytes(packet)), packet.size) for packet in packets]
    for number in numbers:
        at, size = places[number]
        if at < 0:
            raise ValueError(f"packet {number} of {path} is not stored as it is read")
        content[at : at + size] = bytes(size)
    path.write_bytes(content)
    return path


def _format(path: Path) -> str | None:
    return {".mkv": "matroska", ".ts": "mpegts", ".m4a": "ipod", ".ogv": "ogg"}.get(path.suffix.lower())


def _even_times(seconds: float, fps: Fraction, start_s: float) -> list[float]:
    first = round(Fraction(start_s) * fps)
    return [float(Fraction(first + n) / fps) for n in range(max(1, round(Fraction(seconds) * fps) - first))]


def _tune(
    stream: av.VideoStream, codec: str, sample_aspect: Fraction | None, colour: str | None, free: bool, fps: Fraction
) -> None:
    """Fast encoding, and what the stream says about its pixels."""
    fast = {
        "libx264": {"preset": "ultrafast", "bf": "2", "crf": "20"},
        "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
        "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "30", "b": "0"},
        "libvpx": {"deadline": "realtime", "cpu-used": "8", "b": "1M"},
    }
    stream.options = fast.get(codec, {})
    stream.codec_context.thread_count = 1  # more cost more than they give on pictures this small
    if codec not in {"libx264", "libx265"}:
        stream.codec_context.max_b_frames = 0
    if sample_aspect is not None:
        stream.codec_context.sample_aspect_ratio = sample_aspect
    if colour is not None:
        stream.codec_context.colorspace = {"bt709": 1, "bt601": 6}[colour]
        stream.codec_context.color_range = 1
    stream.codec_context.time_base = Fraction(1, 90000) if free else 1 / fps


def _picture_packets(
    stream: av.VideoStream, times: Sequence[float], draw: Picture, pix_fmt: str, colour: str | None
) -> Iterator[tuple[float, object]]:
    unit = Fraction(stream.codec_context.time_base)
    for number, seconds in enumerate(times):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(draw(number, seconds)), format="rgb24")
        if pix_fmt != "rgb24":
            matrix = 1 if colour == "bt709" else 5
            frame = frame.reformat(format=pix_fmt, dst_colorspace=matrix, interpolation="AREA")
        frame.pts, frame.time_base = round(seconds / unit), unit
        frame.colorspace = stream.codec_context.colorspace
        frame.pict_type = 0
        yield from ((seconds, packet) for packet in stream.encode(frame))
    yield from ((times[-1], packet) for packet in stream.encode(None))


def _sound_packets(
    stream: av.AudioStream, play: Sound, start_s: float, length_s: float, gap: tuple[float, float] | None
) -> Iterator[tuple[float, object]]:
    rate = stream.rate
    channels = len(stream.layout.channels)
    if stream.codec_context.name == "vorbis":
        stream.options = {"strict": "experimental"}  # FFmpeg's own encoder; only stereo
    stream.codec_context.open()
    size = stream.codec_context.frame_size or 1024
    first, total = round(start_s * rate), round(length_s * rate)
    format_name = stream.format.name
    for begin in range(0, total, size):
        seconds = (first + np.arange(begin, min(begin + size, total))) / rate
        if gap is not None and gap[0] <= seconds[0] < gap[1]:
            continue
        samples = np.atleast_2d(play(seconds))
        samples = np.repeat(samples, channels, axis=0) if len(samples) == 1 else samples
        packed = np.ascontiguousarray(samples.T, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, "flt", stream.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = rate, first + begin, Fraction(1, rate)
        for ready in av.AudioResampler(format=format_name, layout=stream.layout.name, rate=rate).resample(frame):
            ready.pts, ready.time_base = first + begin, Fraction(1, rate)
            yield from ((float(seconds[0]), packet) for packet in stream.encode(ready))
    yield from (((first + total) / rate, packet) for packet in stream.encode(None))


def _interleave(container: av.container.OutputContainer, writers: list[Iterator[tuple[float, object]]]) -> None:
    """Write packets of all tracks in the order of their times."""
    heads = [next(writer, None) for writer in writers]
    while any(head is not None for head in heads):
        chosen = min((n for n in range(len(heads)) if heads[n] is not None), key=lambda n: heads[n][0])
        container.mux(heads[chosen][1])
        heads[chosen] = next(writers[chosen], None)


def cutout(colour: tuple[int, int, int], *, size: tuple[int, int] = (60, 90)) -> NDArray[np.uint8]:
    """An object with transparent surroundings: an L, so that its mirror image differs; RGBA ``[height width 4]``."""
    width, height = size
    picture = np.zeros((height, width, 4), np.uint8)
    picture[:, : width // 2] = (*colour, 255)
    picture[2 * height // 3 :, :] = (*colour, 255)
    return np.pad(picture, ((5, 7), (6, 4), (0, 0)))


def photograph(colour: tuple[int, int, int], *, size: tuple[int, int] = (120, 80)) -> NDArray[np.uint8]:
    """An object on white; RGB ``[height width 3]``."""
    width, height = size
    picture = np.full((height, width, 3), 255, np.uint8)
    picture[height // 4 : -height // 4, width // 3 : -width // 4] = colour
    return picture


def write_picture(path: Path, pixels: NDArray[np.uint8]) -> Path:
    """Write RGB or RGBA pixels; the ending chooses the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    order = [2, 1, 0, 3][: pixels.shape[2]]
    cv2.imwrite(str(path), np.ascontiguousarray(pixels[:, :, order]))
    return path


def write_sound(
    path: Path, *, hertz: float = 440, seconds: float = 1.0, pause_s: float = 0.0, gain: float = 0.5
) -> Path:
    """Write a tone after a pause; 16 bits, 16 kHz, mono."""
    path.parent.mkdir(parents=True, exist_ok=True)
    moments = np.arange(round(seconds * 16000)) / 16000
    samples = gain * np.sin(2 * np.pi * hertz * moments) * (moments >= pause_s)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", "not compressed"))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


MATERIAL_COLOURS = {"brass bell": (200, 30, 30), "dog": (30, 200, 30), "sheep": (30, 30, 200), "violin": (200, 30, 200)}
"""Classes of the material folder that tests use, and the colour of their objects."""


def make_material(root: Path, *, groups: int = 3, seconds: float = 6.0) -> Path:
    """A small material folder: cutouts and tones of four classes from several sources, one photograph each."""
    for place, (name, colour) in enumerate(MATERIAL_COLOURS.items()):
        folder = name.replace(" ", "_")
        for group in range(groups):
            write_picture(root / "images" / folder / f"artist{group}__{folder}.png", cutout(colour))
            write_sound(
                root / "sounds" / folder / f"library{group}__{folder}.wav",
                hertz=300 * (place + 1) + 10 * group,
                seconds=seconds if group else 0.5,
            )
        write_picture(root / "images" / folder / f"shop__{folder}.jpg", photograph(colour))
    for group in range(groups):
        grey = np.full((90, 120, 3), 90 + 10 * group, np.uint8)
        write_picture(root / "backgrounds" / f"place{group}__grey.png", grey)
        write_sound(root / "other_sounds" / f"street{group}__hum.wav", hertz=60 + group, seconds=4)
    return root


def attach_cover(path: Path, picture: NDArray[np.uint8]) -> Path:
    """Give a file (mp3, m4a, flac, mp4) a cover, as shops and taggers do."""
    bare = path.with_name(f"bare{path.suffix}")
    path.rename(bare)
    kind = "mp4" if path.suffix == ".m4a" else _format(path)  # FFmpeg's muxer for m4a takes no cover in this coding
    with av.open(str(bare)) as source, av.open(str(path), "w", format=kind) as target:
        copies = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        cover = target.add_stream("mjpeg", rate=1)
        cover.height, cover.width = picture.shape[:2]
        cover.pix_fmt, cover.disposition = "yuvj420p", Disposition.attached_pic
        target.mux([*cover.encode(av.VideoFrame.from_ndarray(picture, "rgb24")), *cover.encode(None)])
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream_index]
                target.mux(packet)
    bare.unlink()
    return path
