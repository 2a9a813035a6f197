"""Compose the sample videos: ``python -m sample_videos.compose --from DIR --out sample_videos``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .clip import Clip
from .clips import CLIPS
from .scene import Rect
from .sound import mix, sounding
from .sources import SAMPLE_RATE, Sources
from .write import write_clip

STEP = 0.5
"""Seconds between the boxes of the truth."""


def main() -> None:
    """Parse the command line and make what it asks for."""
    parser = argparse.ArgumentParser(prog="python -m sample_videos.compose", description=__doc__)
    parser.add_argument("--from", dest="root", type=Path, required=True, help="where the packages were unpacked")
    parser.add_argument("--out", type=Path, default=Path("sample_videos"), help="folder of the clips and truth.json")
    parser.add_argument("--only", default="", help="draw just the clips whose name contains this")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    sources = Sources(root=options.root)
    truths = {}
    for make in CLIPS:
        clip = make(sources)
        truths[clip.name] = truth(clip)
        if options.only in clip.name:
            sys.stderr.write(f"{clip.name}\n")
            write_clip(
                options.out / clip.name,
                frames(clip),
                soundtrack(clip),
                frame_rate=clip.frame_rate,
                rotation=clip.rotation,
            )
    document = {"format": 1, "composed": True, "box_step_s": STEP, "clips": truths}
    (options.out / "truth.json").write_text(_tidy(document) + "\n", encoding="utf-8")


def frames(clip: Clip) -> Iterator[NDArray[np.uint8]]:
    """Draw every frame of a clip."""
    for index in range(int(clip.duration * clip.frame_rate)):
        yield clip.scene.draw(float(index / clip.frame_rate), clip.width, clip.height)[0]


def soundtrack(clip: Clip) -> NDArray[np.float32]:
    """Mix the tracks of a clip; one without any has digital silence."""
    if not clip.tracks:
        return np.zeros(round(clip.duration * SAMPLE_RATE), np.float32)
    return mix(list(clip.tracks.values()))


def truth(clip: Clip) -> dict[str, Any]:
    """Say what is where and sounds when."""
    boxes: dict[str, list[dict[str, Any]]] = {}
    for step in range(int(np.ceil(clip.duration / STEP))):
        time = step * STEP
        shown = float(int(time * clip.frame_rate) / clip.frame_rate)  # the frame on the screen at that time
        for name, box in clip.scene.draw(shown, clip.width, clip.height)[1].items():
            if box is not None:
                boxes.setdefault(name, []).append({"time_s": time, "box": _rounded(box)})
    objects = []
    for name in [*boxes, *(name for name in clip.tracks if name not in boxes)]:
        intervals = sounding(clip.tracks[name]) if name in clip.tracks else []
        visible = name in boxes
        entry = {
            "class": clip.classes.get(name, name),
            "visible": visible,
            "offscreen": not visible,
            "sounding": intervals,
        }
        objects.append(entry | {"boxes": boxes.get(name, [])})
    return {
        "about": clip.about,
        "licence": clip.licence,
        "credits": list(clip.credits),
        "duration_s": clip.duration,
        "width": clip.width,
        "height": clip.height,
        "frame_rate": str(clip.frame_rate),
        "rotation": clip.rotation,
        "objects": objects,
    }


def _rounded(box: Rect) -> list[int]:
    return [round(edge) for edge in box]


def _tidy(document: dict[str, Any]) -> str:
    """Write JSON with each box and interval on a line of its own."""
    small: list[str] = []

    def fold(value: Any) -> Any:
        if _is_small(value):
            small.append(json.dumps(value))
            return f"@{len(small) - 1}@"
        if isinstance(value, dict):
            return {key: fold(item) for key, item in value.items()}
        return [fold(item) for item in value] if isinstance(value, list) else value

    text = json.dumps(fold(document), indent=1, ensure_ascii=False)
    for index, piece in enumerate(small):
        text = text.replace(f'"@{index}@"', piece)
    return text


def _is_small(value: Any) -> bool:
    if isinstance(value, dict):
        return "box" in value
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(item, int | float) for item in value)


if __name__ == "__main__":
    main()
