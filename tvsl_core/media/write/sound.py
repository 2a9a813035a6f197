"""The sound of a new video: a stretch of one track of the original, copied where it can be, else encoded anew."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvsl_core.errors import MediaError
from tvsl_core.limits import DEFAULT_LIMITS, MediaLimits
from tvsl_core.media.read.packets import packets, stamp
from tvsl_core.media.read.safety import open_media
from tvsl_core.types import SoundTrack, VideoInfo

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream, Packet
    from av.container import InputContainer, OutputContainer
    from av.filter import Graph

AAC_MAX_RATE = 48_000
"""Highest sample rate that every browser decodes."""
AAC_BIT_RATE = 160_000
AAC_SAMPLES = 1024
"""Of one packet."""
GAP_S = 0.02
"""A jump in the sound's time stamps longer than this is filled or cut, so that picture and sound stay together."""
LEAST_SOUND_S = Fraction(1, 10)
"""A track that turns out to be shorter, or empty, is filled up with silence to this length."""
SEEK_MARGIN_S = 2
"""Decoding starts so much earlier than the sound is wanted, because a seek may land late."""
_AV_TIME_BASE = 1_000_000


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
    limits: MediaLimits = DEFAULT_LIMITS
    """What the original may claim to be."""

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"the sound's end ({self.end}) must lie after its start ({self.start})")

    @classmethod
    def of(cls, info: VideoInfo, *, start: Fraction = Fraction(0), end: Fraction | None = None) -> SoundSource | None:
        """The sound of a probed video between two instants of its timeline; None when it has no sound."""
        if info.sound_track is None:
            return None
        track, origin = info.sound_track, info.origin
        return cls(path=info.path, track=track, origin=origin, start=start, end=end, limits=info.limits)

    @property
    def can_be_copied(self) -> bool:
        """Whether the track may go into the new file as it is: AAC that browsers play, wanted from start to end.

        A cut inside a track falls between its packets only by chance, so a part of a track is encoded again, and so
        is one that starts late or was mixed for more than two loudspeakers.
        """
        track = self.track
        whole = self.start == 0 and self.end is None and abs(track.start) <= Fraction(GAP_S)
        return whole and track.codec == "aac" and track.channels <= 2 and track.sample_rate <= AAC_MAX_RATE

    @property
    def zero(self) -> Fraction:
        """Container time (seconds) that becomes 0 in the new video."""
        return self.origin + self.start


def add_sound(container: OutputContainer, sound: SoundSource) -> Generator[Packet[Any], None, None]:
    """Add a track to a container that nothing was written to yet.

    Returns: The packets of the track in the order of their times; closing it closes the original.

    Raises: MediaError: The original cannot be read, or has no such track.
    """
    from av.container import Flags

    source = open_media(sound.path, limits=sound.limits, stage="decode")
    try:
        if sound.track.index >= len(source.streams.audio):
            raise MediaError(f"{sound.path} has no sound track {sound.track.index}.", stage="decode")
        source.flags |= Flags.discard_corrupt.value  # type: ignore[operator]  # at run time both are integers
        track = source.streams.audio[sound.track.index]
        if sound.can_be_copied:
            reading = _copied(sound, source, track, container.add_stream_from_template(track))
        else:
            rate = min(sound.track.sample_rate, AAC_MAX_RATE)
            new = container.add_stream("aac", rate=rate, bit_rate=AAC_BIT_RATE, layout=_layout(sound))
            reading = _encoded(sound, source, track, new)
    except BaseException:
        source.close()
        raise
    return _closing(source, reading)


def _closing(source: InputContainer, reading: Iterator[Packet[Any]]) -> Generator[Packet[Any], None, None]:
    with contextlib.closing(source):
        yield from reading


def _copied(sound: SoundSource, source: InputContainer, track: AudioStream, new: Any) -> Iterator[Packet[Any]]:
    last: int | None = None
    for packet in packets(source, track):
        at = stamp(packet)
        if at is None or not packet.size:
            continue
        shift = round(sound.zero / packet.time_base)
        packet.pts = at - shift
        packet.dts = packet.pts
        if last is not None and packet.dts <= last:
            continue  # doubled or out of order, in a damaged file; no container takes it
        last = packet.dts
        packet.stream = new
        yield packet


def _encoded(sound: SoundSource, source: InputContainer, track: AudioStream, new: Any) -> Iterator[Packet[Any]]:
    import av.error
    from av import AudioResampler

    if sound.start > SEEK_MARGIN_S:
        with contextlib.suppress(av.error.FFmpegError):  # then it is read from its beginning
            source.seek(int((sound.zero - SEEK_MARGIN_S) * _AV_TIME_BASE), backward=True)
    graph: Graph | None = None
    for frame in _decoded(sound, source, track):
        if graph is None:
            graph, kind = _graph(sound, frame), (frame.format, frame.layout, frame.sample_rate)
            resampler = AudioResampler(*kind)
        changed = (frame.format.name, frame.layout.name, frame.sample_rate) != (kind[0].name, kind[1].name, kind[2])
        try:
            for part in resampler.resample(frame) if changed else [frame]:
                graph.push(part)
        except av.error.EOFError:  # the wanted stretch is over
            break
        for ready in _pulled(graph):
            yield from new.encode(ready)
    if graph is not None:
        with contextlib.suppress(av.error.EOFError):
            graph.push(None)
        for ready in _pulled(graph):
            yield from new.encode(ready)
    yield from new.encode(None)


def _decoded(sound: SoundSource, source: InputContainer, track: AudioStream) -> Iterator[AudioFrame]:
    """Frames of the track, their stamps in samples and in order; one of silence where nothing can be decoded."""
    import av.error

    due: int | None = None
    for packet in packets(source, track):
        try:
            frames = track.decode(packet)
        except av.error.FFmpegError:
            continue
        for frame in frames:
            rate = frame.sample_rate
            unit = frame.time_base or packet.time_base
            at = due if frame.pts is None else round(frame.pts * unit * rate)
            # Matroska rounds stamps to milliseconds: what strays by less than that from the count of samples is it.
            if at is None or (due is not None and abs(at - due) <= unit * rate + 1):
                at = due or 0
            frame.pts, frame.time_base = at, Fraction(1, rate)
            due = at + frame.samples
            yield frame
    if due is None:
        yield _silence(sound)


def _silence(sound: SoundSource) -> AudioFrame:
    from av import AudioFrame

    rate = sound.track.sample_rate
    frame = AudioFrame(format="fltp", layout=_layout(sound), samples=AAC_SAMPLES)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.sample_rate, frame.pts, frame.time_base = rate, round(sound.zero * rate), Fraction(1, rate)
    return frame


def _graph(sound: SoundSource, frame: AudioFrame) -> Graph:
    """The wanted stretch, its time stamps counted from the new video's beginning, as the AAC encoder takes it."""
    from av.filter import Graph

    zero = _seconds(sound.zero)
    end = "" if sound.end is None else f":end={_seconds(sound.origin + sound.end)}"
    least = LEAST_SOUND_S if sound.end is None else sound.end - sound.start
    rate = min(sound.track.sample_rate, AAC_MAX_RATE)
    filters = (
        ("atrim", f"start={zero}{end}"),
        ("asetpts", f"PTS-({zero})/TB"),
        # first_pts pads a late start with silence; min_hard_comp closes gaps that the default (0.1 s) would leave open.
        ("aresample", f"{rate}:async=1:min_hard_comp={GAP_S}:first_pts=0"),
        ("aformat", f"sample_fmts=fltp:channel_layouts={_layout(sound)}"),
        # A stretch beyond the sound's end would give no sample at all, and players stumble over an empty track.
        ("apad", f"whole_dur={_seconds(least)}"),
        ("asetnsamples", f"{AAC_SAMPLES}:p=0"),
        ("asetpts", "N/SR/TB"),  # silence alone has no stamps
        ("abuffersink", ""),
    )
    graph = Graph()
    layout = frame.layout.name if "channels" not in frame.layout.name else f"{frame.layout.nb_channels}c"
    unit = frame.time_base
    first = graph.add_abuffer(format=frame.format.name, sample_rate=frame.sample_rate, layout=layout, time_base=unit)
    graph.link_nodes(first, *(graph.add(name, words or None) for name, words in filters)).configure()
    return graph


def _pulled(graph: Graph) -> Iterator[AudioFrame]:
    import av.error

    while True:
        try:
            yield graph.pull()  # type: ignore[misc]  # a graph of sound gives frames of sound
        except (BlockingIOError, EOFError, av.error.EOFError):
            return


def _layout(sound: SoundSource) -> str:
    return "mono" if sound.track.channels == 1 else "stereo"


def _seconds(time: Fraction) -> str:
    """Microseconds are what FFmpeg's own clock counts."""
    return f"{float(time):.6f}"
