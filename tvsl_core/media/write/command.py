"""The ffmpeg command that turns raw frames and a file's sound into a video that every browser plays."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from tvsl_core.media.read.safety import ffmpeg_global_arguments, ffmpeg_input_options, file_url
from tvsl_core.system.machine import cores
from tvsl_core.types import SoundTrack, VideoInfo

PixelOrder = Literal["rgb24", "bgr24"]
"""Order of the three bytes of a pixel: tvsl's own, or OpenCV's."""

HD_WIDTH, HD_HEIGHT = 1280, 720
"""From either on pictures are BT.709, below both BT.601: what players assume when a file does not say."""
AAC_MAX_RATE = 48_000
"""Highest sample rate that every browser decodes."""
AAC_BIT_RATE = "160k"
GAP_S = 0.02
"""A jump in the sound's time stamps longer than this is filled or cut, so that picture and sound stay together."""
LEAST_SOUND_S = Fraction(1, 10)
"""A track that turns out to be shorter, or empty, is filled up with silence to this length."""
SEEK_MARGIN_S = 2
"""Decoding starts so much earlier than the sound is wanted, because a seek may land late."""
_LARGE_PIXELS = 2560 * 1600
_QUEUED_BYTES = 64 << 20
_KEYFRAME_EVERY_S = 4
_MAX_RATIONAL = 2**31 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class SoundSource:
    """The sound of a finished video: a stretch of one track of the original file."""

    path: Path
    track: SoundTrack
    origin: Fraction = Fraction(0)
    """Container time (seconds) that is 0 on the original's own timeline."""
    start: Fraction = Fraction(0)
    """On the original's timeline; becomes 0 in the new video. May be slightly negative."""
    end: Fraction | None = None
    """On the original's timeline, excluded; None is the end of the track."""

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"the sound's end ({self.end}) must lie after its start ({self.start})")

    @classmethod
    def of(cls, info: VideoInfo, *, start: Fraction = Fraction(0), end: Fraction | None = None) -> SoundSource | None:
        """The sound of a probed video between two instants of its timeline; None when it has no sound."""
        if info.sound_track is None:
            return None
        return cls(path=info.path, track=info.sound_track, origin=info.origin, start=start, end=end)

    @property
    def can_be_copied(self) -> bool:
        """Whether the track may go into the new file as it is: AAC that browsers play, wanted from start to end.

        A cut inside a track falls between its packets only by chance, so a part of a track is encoded again, and so
        is one that starts late or was mixed for more than two loudspeakers.
        """
        track = self.track
        whole = self.start == 0 and self.end is None and abs(track.start) <= Fraction(GAP_S)
        return whole and track.codec == "aac" and track.channels <= 2 and track.sample_rate <= AAC_MAX_RATE


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureFormat:
    """The raw frames that ffmpeg is fed with, and how they are compressed."""

    width: int
    """Even."""
    height: int
    """Even."""
    frame_rate: Fraction
    pixel_order: PixelOrder = "rgb24"
    quality: int = 21
    """Constant rate factor of x264: 1 is the most faithful, 18 looks like the original, 28 is visibly poorer."""
    preset: str = "veryfast"
    threads: int = 0
    """0 is one for each core, four at most."""

    def __post_init__(self) -> None:
        if self.width < 2 or self.height < 2 or self.width % 2 or self.height % 2:
            raise ValueError(f"yuv420p needs an even size of at least 2 x 2, got {self.width} x {self.height}")
        if self.frame_rate <= 0:
            raise ValueError(f"frame rate must be positive, got {self.frame_rate}")
        if not 1 <= self.quality <= 51:  # 0 is lossless, which browsers do not play
            raise ValueError(f"quality must lie in [1, 51], got {self.quality}")


def build_command(program: Path, picture: PictureFormat, sound: SoundSource | None, output: Path) -> list[str]:
    """Arguments of the ffmpeg process that reads raw frames on its standard input and writes ``output``.

    Args:
        program: The ffmpeg to run.
        picture: What comes through the pipe.
        sound: What is heard beside it; None is a silent video.
        output: Replaced when it exists.
    """
    import ffmpeg

    streams = [_picture_stream(picture)]
    options = _picture_options(picture)
    if sound is not None:
        streams.append(_sound_stream(sound))
        options |= _sound_options(sound)
    job = ffmpeg.output(*streams, file_url(output.absolute()), **options)
    job = job.global_args(*ffmpeg_global_arguments(picture.width * picture.height), "-copyts").overwrite_output()
    return [str(argument) for argument in job.compile(cmd=str(program))]


def exact_rate(rate: Fraction) -> str:
    """A frame rate for ffmpeg, ``30000/1001``; one that does not fit its integers becomes the nearest that does."""
    if max(rate.numerator, rate.denominator) > _MAX_RATIONAL:
        rate = rate.limit_denominator(1001)
    return f"{rate.numerator}/{rate.denominator}"


def _picture_stream(picture: PictureFormat) -> Any:
    import ffmpeg

    raw = ffmpeg.input(
        "pipe:0",
        f="rawvideo",
        pixel_format=picture.pixel_order,
        video_size=(picture.width, picture.height),
        framerate=exact_rate(picture.frame_rate),
        thread_queue_size=max(1, min(8, _QUEUED_BYTES // (3 * picture.width * picture.height))),
        protocol_whitelist="pipe",
    )
    standard = _colour_standard(picture)
    coded = raw.video.filter("scale", in_range="pc", out_range="tv", out_color_matrix=standard, flags="bilinear")
    coded = coded.filter("format", "yuv420p")
    # Converting the pixels and saying so are two things: without the tags a player guesses, and colours shift.
    tags = {"color_primaries": standard, "color_trc": standard, "colorspace": standard, "range": "tv"}
    return coded.filter("setparams", **tags).filter("setsar", "1")


def _colour_standard(picture: PictureFormat) -> str:
    return "bt709" if picture.width >= HD_WIDTH or picture.height >= HD_HEIGHT else "smpte170m"


def _picture_options(picture: PictureFormat) -> dict[str, Any]:
    standard = _colour_standard(picture)
    # Looking ahead and back makes files smaller and costs x264 four copies of each frame: 3 GB at 8K.
    large = picture.width * picture.height > _LARGE_PIXELS
    thrift: dict[str, Any] = {"rc-lookahead": 1, "bf": 0, "refs": 1} if large else {}
    return thrift | {
        "vcodec": "libx264",
        "preset": picture.preset,
        "crf": picture.quality,
        "profile:v": "high",
        "pix_fmt": "yuv420p",
        "g": max(1, round(picture.frame_rate * _KEYFRAME_EVERY_S)),
        "threads": picture.threads or min(4, cores()),
        "color_primaries": standard,
        "color_trc": standard,
        "colorspace": standard,
        "color_range": "tv",
        "map_metadata": -1,
        "map_chapters": -1,
        "movflags": "+faststart",
        "f": "mp4",
    }


def _sound_stream(sound: SoundSource) -> Any:
    """The wanted stretch of the track, its time stamps counted from the new video's beginning.

    ``-copyts`` keeps the container's own time stamps. Without it ffmpeg would shift each input so that whatever
    comes first in it, even a subtitle, starts at 0, and the sound would slip against the picture.
    """
    import ffmpeg

    options: dict[str, Any] = {
        **ffmpeg_input_options(),
        "fflags": "+discardcorrupt",
        "vn": None,
        "sn": None,
        "dn": None,
    }
    zero = sound.origin + sound.start
    if sound.can_be_copied:
        if zero:
            options["itsoffset"] = _seconds(-zero)
        return ffmpeg.input(file_url(sound.path.absolute()), **options)[f"a:{sound.track.index}"]
    if sound.start > SEEK_MARGIN_S:
        options |= {"ss": _seconds(zero - SEEK_MARGIN_S), "seek_timestamp": 1, "noaccurate_seek": None}
    track = ffmpeg.input(file_url(sound.path.absolute()), **options)[f"a:{sound.track.index}"]
    trim = {"start": _seconds(zero)}
    if sound.end is not None:
        trim["end"] = _seconds(sound.origin + sound.end)
    track = track.filter("atrim", **trim).filter("asetpts", f"PTS-({_seconds(zero)})/TB")
    rate = min(sound.track.sample_rate, AAC_MAX_RATE)
    # first_pts pads a late start with silence; min_hard_comp closes gaps that the default (0.1 s) would leave open.
    track = track.filter("aresample", rate, **{"async": 1, "min_hard_comp": GAP_S, "first_pts": 0})
    # A stretch beyond the sound's end would give no sample at all, and then ffmpeg gives up.
    return track.filter("apad", whole_dur=_seconds(sound.end - sound.start if sound.end is not None else LEAST_SOUND_S))


def _sound_options(sound: SoundSource) -> dict[str, Any]:
    if sound.can_be_copied:
        return {"acodec": "copy"}
    return {"acodec": "aac", "audio_bitrate": AAC_BIT_RATE, "ac": 1 if sound.track.channels == 1 else 2}


def _seconds(time: Fraction) -> str:
    """Microseconds are what ffmpeg's own clock counts."""
    return f"{float(time):.6f}"
