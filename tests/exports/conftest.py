"""A results folder of real clips whose events are known, written by the real writers."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.builders import make_clip
from tvsl_core.annotate.results.event_table import write_events
from tvsl_core.annotate.results.table import SourceTable
from tvsl_core.media.read.frame_times import frame_times
from tvsl_core.media.read.probe import probe
from tvsl_core.types import Alternative, Box, Detection, LocalizationMap, LocalizedSource, SourceEvent

BOX = Box(x_min=16, y_min=8, x_max=80, y_max=56)
SHIFT = 4
"""Pixels to the right that the dog moves from one instant to the next."""


@dataclass(frozen=True)
class Results:
    """Where the results are, and the clips that they are of."""

    folder: Path
    clips: dict[str, Path]


def event(event_id: int, start_s: float, end_s: float, **changes) -> SourceEvent:
    values = {
        "event_id": event_id,
        "source_id": 0,
        "name": "dog",
        "start_s": start_s,
        "end_s": end_s,
        "score": 0.9,
        "verdict": "sounding",
        "peak_s": start_s,
        "box": BOX,
        "alternatives": (Alternative(name="fox", score=0.1),),
    }
    return SourceEvent(**(values | changes))


EVENTS = (
    event(0, 0.5, 1.5),
    event(1, 1.0, 2.0, source_id=1, name="acoustic guitar", score=0.6, verdict="offscreen", box=None, alternatives=()),
    event(2, 2.5, 3.0, score=0.75),
)


def write_results(
    out: Path, name: str, clip: Path, events: tuple[SourceEvent, ...], *, maps: bool = False
) -> dict[str, object]:
    """Events, and an instant every half second inside them, on the frame that is shown then.

    Returns: What ``videos.parquet`` says of the video.
    """
    info, times = probe(clip), frame_times(clip)
    outcome = {
        "duration_s": info.duration_s,
        "frame_width": info.width,
        "frame_height": info.height,
        "frame_rate": float(info.frame_rate),
    }
    facts = {"video": name, "path": str(clip), "outcome": json.dumps(outcome)}
    for room in ("events", "sources"):
        (out / room / name).parent.mkdir(parents=True, exist_ok=True)
    write_events(out / "events" / f"{name}.parquet", name, events, metadata=facts)
    table = SourceTable(
        out / "sources" / f"{name}.parquet",
        video=name,
        frame_size=(info.width, info.height),
        save_maps=maps,
        metadata={},
    )
    for step in range(round(2 * info.duration_s)):
        time_s = step / 2
        for one in events:
            if one.start_s <= time_s < one.end_s:
                frame = max(number for number, shown in enumerate(times) if shown <= time_s + 1e-6)
                table.write(_row(one, time_s, frame, step, (info.width, info.height)))
    table.close()
    return outcome | {
        **{"video": name, "path": str(clip), "status": "done", "stage": "", "error": "", "hint": "", "warnings": []},
        **{"size_bytes": 1, "mtime_s": 0.0, "rows": table.rows, "sources": 1, "elapsed_s": 0.1, "fingerprint": "x"},
        **{"classes": sorted({one.name for one in events}), "table": f"sources/{name}.parquet"},
    }


def _map(box: Box | None, width: int, height: int) -> LocalizationMap | None:
    """A grid of cells of 8 pixels, bright where the box is."""
    if box is None:
        return None
    cells = np.zeros((height // 8, width // 8), np.float32)
    cells[box.y_min // 8 : box.y_max // 8, box.x_min // 8 : box.x_max // 8] = 0.8
    return LocalizationMap(values=cells, frame_width=width, frame_height=height)


def _row(one: SourceEvent, time_s: float, frame: int, step: int, size: tuple[int, int]) -> LocalizedSource:
    moved = None
    if one.box is not None:
        left = one.box.x_min + SHIFT * step
        moved = Box(x_min=left, y_min=one.box.y_min, x_max=left + 64, y_max=one.box.y_max)
    detection = Detection(
        klass=0, name=one.name, score=one.score, audio_score=one.score, image_score=0.5, verdict=one.verdict
    )
    return LocalizedSource(
        time=Fraction(time_s),
        frame_index=frame,
        pts=frame,
        window_start_s=0.0,
        window_end_s=1.0,
        detection=detection,
        source_id=one.source_id,
        region=0,
        box=moved,
        map=_map(moved, *size),
    )


@pytest.fixture(scope="session")
def results(tmp_path_factory) -> Results:
    """Clips that tell right frame numbers from wrong ones: 29.97 a second, variable rate, turned, wide pixels."""
    root = tmp_path_factory.mktemp("exports")
    uneven = [n * 0.04 + (0.3 if n >= 20 else 0.0) for n in range(90)]
    clips = {
        "film.mp4": make_clip(root / "film.mp4", seconds=4, fps=Fraction(30000, 1001), audio="aac", sound="tone"),
        "folder/uneven.mkv": make_clip(root / "uneven.mkv", frame_times=uneven, seconds=4),
        "turned.mp4": make_clip(root / "turned.mp4", seconds=4, rotation=90),
        "wide.mp4": make_clip(root / "wide.mp4", seconds=4, sample_aspect=Fraction(2)),
        "odd <b> & name.mp4": make_clip(root / "odd.mp4", seconds=4),
    }
    for name, clip in clips.items():
        write_results(root / "results", name, clip, EVENTS)
    return Results(folder=root / "results", clips=clips)


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory):
    """Runs code beside packages that ask for older ones than ours, in an environment of its own."""

    def run(packages: tuple[str, ...], code: str, *arguments: str) -> str:
        place = tmp_path_factory.getbasetemp() / ("venv-" + "-".join(packages))
        python = place / "bin" / "python"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
            subprocess.run(install, check=True, capture_output=True)
        done = subprocess.run([str(python), "-c", code, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
