"""When each frame of a video is shown, from its packets alone: nothing is decoded."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from tvsl_core.media.read.packets import packets, stamp
from tvsl_core.media.read.probe import choose_video, probe
from tvsl_core.media.read.safety import open_media


def frame_times(path: Path) -> list[float]:
    """The times of all frames in the order in which they are shown, in seconds of the video's own timeline.

    Raises: MediaError: The file cannot be read as a video.
    """
    info = probe(path)
    with open_media(path) as container:
        video = choose_video(container, path)
        unit = video.time_base or Fraction(1, 1000)
        # Packets come in the order of decoding. Sorted they are in the order of showing, also where a container
        # stores decoding times only: the n-th picture then takes the n-th packet's time.
        shown = sorted(
            time
            for packet in packets(container, video)
            if packet.size and not packet.is_discard and (time := stamp(packet)) is not None
        )
    return [float(time * unit - info.origin) for time in shown]


def coded_size(path: Path) -> tuple[int, int]:
    """Width and height of a frame after rotation, in the pixels that the file stores.

    Most labelling programs ignore the pixel aspect ratio, so their pixels are these, not those of the frame as shown.

    Raises: MediaError: The file cannot be read as a video.
    """
    info = probe(path)
    with open_media(path) as container:
        context = choose_video(container, path).codec_context
        size = (context.width, context.height)
    return size if info.rotation % 180 == 0 else size[::-1]
