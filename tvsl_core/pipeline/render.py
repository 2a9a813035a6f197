"""Stage 7 of annotation: what was found is drawn on every frame of the video, with its own sound and at its own rate."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import batched
from pathlib import Path

from tvsl_core.media.draw import Heat, HeatStyle, draw_heat
from tvsl_core.media.encode import SoundSource, VideoEncoder
from tvsl_core.media.frames import read_all_frames
from tvsl_core.media.pace import pace, timeline_zero
from tvsl_core.pipeline.job import heatmap_name
from tvsl_core.pipeline.prefetch import prefetch
from tvsl_core.pipeline.timeline import Moment, SourceTimeline, Timelines
from tvsl_core.types import Frame, VideoInfo
