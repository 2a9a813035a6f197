"""Videos and texts as points of one space, for search and clustering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tvsl_core.batch.inputs import FoundVideos, Videos, as_found
from tvsl_core.model.load import Precision, load_towers
from tvsl_core.search.embeddings import EmbeddedTexts, EmbeddedVideo, EmbedOptions, embed_texts, embed_videos
from tvsl_core.system.progress import OnProgress, reporting
from tvsl_core.types import AnyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbedRequest:
    """What is embedded, by which model, and where it goes."""

    videos: Videos
    """Files, folders (searched recursively), globs or ``@list.txt``: one, or several."""
    out: AnyPath
    """Folder of ``embeddings/<video>.parquet`` and ``texts.parquet``."""
    texts: tuple[str, ...] = ()
    """Also embed these."""
    options: EmbedOptions = field(default_factory=EmbedOptions)
    """What of a video, and how often."""
    model: str = "compact"
    weights: AnyPath | None = None
    """Another weights file for the model."""
    device: str = "auto"
    precision: Precision = "auto"
    overwrite: bool = False
    """Also embed what is done already with the same weights and options."""

    def __post_init__(self) -> None:
        if self.precision not in ("auto", "fp32", "bf16"):
            raise ValueError(f"precision must be auto, fp32 or bf16, got {self.precision!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbedResult:
    """What was embedded."""

    videos: tuple[EmbeddedVideo, ...]
    """In the order of the inputs; problems among them come first, as failed."""
    texts: EmbeddedTexts | None = None

    @property
    def failed(self) -> int:
        """How many inputs failed."""
        return sum(video.status == "failed" for video in self.videos)


def embed(
    request: EmbedRequest,
    *,
    progress: bool | OnProgress = False,
    on_event: Callable[[EmbeddedVideo | EmbeddedTexts], None] = lambda _event: None,
) -> EmbedResult:
    """Embed videos and texts; a video that fails does not stop the others.

    Args:
        request: What is asked.
        progress: True shows a bar; a function is called with what is done, how many videos are, and of how many.
        on_event: Told of the texts, and of each video when it is finished.

    Raises:
        InputError: No video was named, or a text is too long for the model.
        WeightsError: The model cannot be loaded.
        OutputError: A table cannot be written.
    """
    found: FoundVideos = as_found(request.videos)
    out, texts = Path(request.out), None
    # What is stored is compared with what other machines have stored: auto is the exact form.
    precision: Precision = "bf16" if request.precision == "bf16" else "fp32"
    towers = load_towers(request.model, weights=request.weights, device=request.device, precision=precision)
    if request.texts:
        texts = embed_texts(request.texts, out=out, towers=towers)
        on_event(texts)
    done, total = 0, len(found.items) + len(found.problems)
    with reporting(progress) as advance:

        def finish(video: EmbeddedVideo) -> None:
            nonlocal done
            done += 1
            on_event(video)
            advance("videos", done, total)

        videos = embed_videos(
            found,
            out=out,
            towers=towers,
            options=request.options,
            overwrite=request.overwrite,
            on_event=finish,
        )
    return EmbedResult(videos=videos, texts=texts)
