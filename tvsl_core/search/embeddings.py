"""``tvsl embed``: one row a window, with what is seen and heard in it as points of the joint space.

For search and clustering: a text is a point of the same space, so the windows nearest to "a dog barking" are those
that show or sound like one. See docs/embeddings.md.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from tvsl_core.annotate.results.job import VideoItem, input_key
from tvsl_core.annotate.results.names import result_path
from tvsl_core.annotate.results.table import read_metadata, write_table
from tvsl_core.batch.inputs import FoundVideos
from tvsl_core.errors import InputError, ManifestError
from tvsl_core.limits import DEFAULT_LIMITS, MediaLimits
from tvsl_core.media.read.frames import read_frames
from tvsl_core.media.read.instants import read_instants
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.sound import SoundStream
from tvsl_core.model.towers import Towers
from tvsl_core.system.files import make_folder, whole_file
from tvsl_core.types import Frame

Modality = Literal["image", "audio"]
MODALITIES: tuple[Modality, ...] = ("image", "audio")
SCHEMA_VERSION = "1"
LARGEST_SIDE = 1024
"""Pixels to which frames are brought before anything else looks at them."""
MAX_TEXTS = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbedOptions:
    """What to embed, and how often."""

    modalities: tuple[Modality, ...] = MODALITIES
    every_s: float = 5.0
    """Seconds from one instant to the next; the first is 0."""
    window_s: float = 5.0
    """Seconds of sound around each instant."""
    batch: int = 8
    """Windows that go through the model together."""
    limits: MediaLimits = DEFAULT_LIMITS
    """What a file may claim to be before it is refused."""

    def __post_init__(self) -> None:
        if not self.modalities or not set(self.modalities) <= set(MODALITIES):
            raise ValueError(f"modality must be image, audio or both, got {','.join(self.modalities) or 'none'}")
        if not 0.01 <= self.every_s <= 3600:
            raise ValueError(f"every must lie in [0.01, 3600] seconds, got {self.every_s}")
        if not 0.1 <= self.window_s <= 60:
            raise ValueError(f"window must lie in [0.1, 60] seconds, got {self.window_s}")
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1, got {self.batch}")


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddedVideo:
    """What became of one video."""

    video: str
    status: Literal["done", "skipped", "failed"]
    table: Path | None = None
    windows: int = 0
    error: str = ""
    hint: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddedTexts:
    """Where the texts went."""

    table: Path
    texts: int
    """How many there are."""


def embedding_schema(dim: int, modalities: Sequence[Modality]) -> pa.Schema:
    """Columns of one table. Vectors are as the model gives them, not unit length; null without sound or picture."""
    vector = pa.list_(pa.float32(), dim)
    return pa.schema(
        [
            pa.field("video", pa.string(), nullable=False),
            pa.field("window_start_s", pa.float64(), nullable=False),
            pa.field("window_end_s", pa.float64(), nullable=False),
            pa.field("time_s", pa.float64(), nullable=False),
            pa.field("frame_index", pa.int64()),
            *(pa.field(name, vector) for name in MODALITIES if name in modalities),
        ]
    )


def embed_videos(
    found: FoundVideos,
    *,
    out: Path,
    towers: Towers,
    options: EmbedOptions,
    overwrite: bool = False,
    on_event: Callable[[EmbeddedVideo], None] | None = None,
) -> tuple[EmbeddedVideo, ...]:
    """Embed every video into ``out/embeddings/<video>.parquet``; one that fails does not stop the others.

    Args:
        found: The videos; problems among the inputs become failed entries.
        out: Output folder.
        towers: What embeds them.
        options: What to embed, and how often.
        overwrite: Also embed what is done already with the same weights and options.
        on_event: Told about each video when it is finished.
    """
    results: list[EmbeddedVideo] = []

    def finish(result: EmbeddedVideo) -> None:
        results.append(result)
        if on_event:
            on_event(result)

    for problem in found.problems:
        finish(EmbeddedVideo(video=problem.given, status="failed", error=problem.message, hint=problem.hint))
    for item in found.items:
        try:
            finish(embed_video(item, out=out, towers=towers, options=options, overwrite=overwrite))
        except InputError as error:
            finish(EmbeddedVideo(video=item.name, status="failed", error=error.message, hint=error.hint))
    return tuple(results)


def embed_video(
    item: VideoItem, *, out: Path, towers: Towers, options: EmbedOptions, overwrite: bool = False
) -> EmbeddedVideo:
    """Embed one video; see ``embed_videos``.

    Raises:
        MediaError: The video cannot be read.
        OutputError: The table cannot be written.
    """
    table = result_path(out, "embeddings", item.name, ".parquet")
    try:
        metadata = _metadata(towers, options) | input_key(item.path)
    except OSError:
        metadata = _metadata(towers, options)  # reading it will say what is wrong
    if not overwrite and metadata.items() <= read_metadata(table).items():
        return EmbeddedVideo(video=item.name, status="skipped", table=table, windows=pq.read_metadata(table).num_rows)
    # The path is told to whoever shows what was found; where a video moved to, its embeddings stay good.
    told = metadata | {"tvsl.path": str(item.path.absolute()).encode("utf-8", "replace").decode()}
    schema = embedding_schema(towers.dim, options.modalities).with_metadata(told)
    windows = 0
    rows = _rows(item, towers, options)
    with closing(rows):
        first = next(rows, None)  # a video that cannot be read leaves no file behind
        make_folder(table.parent)
        with whole_file(table) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
            for batch in () if first is None else _chain(first, rows):
                writer.write_table(pa.Table.from_pydict(batch, schema=schema))
                windows += len(batch["video"])
    return EmbeddedVideo(video=item.name, status="done", table=table, windows=windows)


def embed_texts(texts: Sequence[str], *, out: Path, towers: Towers) -> EmbeddedTexts:
    """Embed texts into ``out/texts.parquet``: columns ``text`` and ``embedding``.

    Raises:
        InputError: A text is too long for the model.
        OutputError: The table cannot be written.
    """
    schema = pa.schema(
        [
            pa.field("text", pa.string(), nullable=False),
            pa.field("embedding", pa.list_(pa.float32(), towers.dim), nullable=False),
        ]
    )
    vectors = towers.embed_text(texts).float().cpu().numpy()
    rows = [{"text": text, "embedding": vector} for text, vector in zip(texts, vectors, strict=True)]
    path = out / "texts.parquet"
    write_table(path, rows, schema, _model_metadata(towers))
    return EmbeddedTexts(table=path, texts=len(texts))


def read_texts(path: Path) -> list[str]:
    """One text a line; empty lines and lines that begin with # are left out.

    Raises: ManifestError: The file cannot be read, is not UTF-8, or holds no text.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ManifestError(f"The text file {path} cannot be read: {reason}.", hint="Give one text a line.") from error
    texts = [line for line in lines if line and not line.startswith("#")]
    if not 0 < len(texts) <= MAX_TEXTS:
        raise ManifestError(f"The text file {path} holds {len(texts)} texts.", hint="Give one text a line.")
    return texts


def _rows(item: VideoItem, towers: Towers, options: EmbedOptions) -> Generator[dict[str, Any], None, None]:
    """Columns of the table, some windows at a time."""
    info = probe(item.path, limits=options.limits, needs_picture=False)
    rate = 1 / options.every_s
    frames = (
        read_frames(info, fps=rate, max_side=LARGEST_SIDE, hold_s=0.9 * options.every_s)
        if info.has_picture
        else read_instants(info, fps=rate)
    )
    with SoundStream(info, sample_rate=towers.sample_rate) as sound, closing(frames):
        while group := list(islice(frames, options.batch)):
            spans = [
                (max(0.0, float(frame.time) - options.window_s / 2), float(frame.time) + options.window_s / 2)
                for frame in group
            ]
            columns: dict[str, Any] = {
                "video": [item.name] * len(group),
                "window_start_s": [start for start, _ in spans],
                "window_end_s": [end for _, end in spans],
                "time_s": [float(frame.time) for frame in group],
                "frame_index": [frame.index if info.has_picture else None for frame in group],
            }
            if "image" in options.modalities:
                columns["image"] = list(_see(group, towers)) if info.has_picture else [None] * len(group)
            if "audio" in options.modalities:
                heard = None if sound.silent else [sound.window(start, end) for start, end in spans]
                columns["audio"] = [None] * len(group) if heard is None else list(_hear(heard, towers))
            yield columns


@torch.inference_mode()
def _see(group: list[Frame], towers: Towers) -> NDArray[np.float32]:
    images = towers.preprocess(np.stack([frame.pixels for frame in group]))
    return towers.embed_images(images).float().cpu().numpy()


@torch.inference_mode()
def _hear(waves: list[NDArray[np.float32]], towers: Towers) -> Iterator[NDArray[np.float32]]:
    """Windows of one length go together: the first of a video is shorter, since nothing lies before its beginning."""
    for _, same in groupby(waves, key=len):
        batch = torch.from_numpy(np.stack(list(same))).to(towers.device)
        yield from towers.embed_audio(batch).float().cpu().numpy()


def _chain(first: dict[str, Any], rest: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield first
    yield from rest


def _model_metadata(towers: Towers) -> dict[str, str]:
    return {
        "tvsl.embeddings": SCHEMA_VERSION,
        "tvsl.model": towers.name,
        "tvsl.weights_sha256": towers.weights_sha256,
        "tvsl.dim": str(towers.dim),
    }


def _metadata(towers: Towers, options: EmbedOptions) -> dict[str, str]:
    return _model_metadata(towers) | {
        "tvsl.modalities": ",".join(options.modalities),
        "tvsl.every_s": repr(options.every_s),
        "tvsl.window_s": repr(options.window_s),
    }
