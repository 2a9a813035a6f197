"""The sample videos as a material folder: what sounds alone in them, with its picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tvsl_core.data.benchmarks.clips import read_frame
from tvsl_core.data.benchmarks.composed import SampleMoment, find_moments
from tvsl_core.data.material.recipe.build import SAMPLE_RATE, write_wave
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.sound import SoundStream
from tvsl_core.system.files import make_folder, write_bytes


def write_samples(videos: Path, out: Path) -> Path:
    """Write a picture and a sound for each stretch in which an object of the sample videos sounds alone.

    Args:
        videos: Holds the sample videos and ``truth.json``.
        out: The material folder; the video is the source of its files.

    Returns: ``out``.

    Raises:
        ManifestError: ``truth.json`` is damaged.
        MediaError: A video cannot be read.
        OutputError: A file cannot be written.
    """
    stretches: dict[tuple[str, str, tuple[float, float]], list[SampleMoment]] = {}
    for moment in find_moments(videos):
        stretches.setdefault((moment.video, moment.name, moment.alone), []).append(moment)
    for number, moments in enumerate(stretches.values()):
        moment = moments[len(moments) // 2]
        file = f"{Path(moment.video).stem}__{number:02d}"
        folder = moment.name.replace(" ", "_")
        _write_picture(videos, moment, out / "images" / folder / f"{file}.png")
        with SoundStream(probe(videos / moment.video), sample_rate=SAMPLE_RATE, start_s=moment.alone[0]) as stream:
            sound = stream.window(*moment.alone)
        make_folder(out / "sounds" / folder)
        write_wave(out / "sounds" / folder / f"{file}.wav", sound)
    return out


def _write_picture(videos: Path, moment: SampleMoment, path: Path) -> None:
    """The square around the object."""
    import cv2

    x, y, side = moment.square
    square = read_frame(videos / moment.video, moment.time_s)[y : y + side, x : x + side]
    make_folder(path.parent)
    write_bytes(path, bytes(cv2.imencode(".png", np.ascontiguousarray(square[:, :, ::-1]))[1]))
