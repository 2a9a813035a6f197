"""One video from Python: what ``tvsl annotate`` does for one file, and its rows as a table in memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.results.job import VideoItem
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.inputs import FoundVideos
from tvsl_core.batch.keywords import AnnotateKeywords, with_keywords
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.types import AnyPath

if TYPE_CHECKING:
    import pandas as pd


def annotate_video(
    path: AnyPath,
    *,
    out: AnyPath,
    model: TvslModel | None = None,
    options: AnnotateOptions | None = None,
    overwrite: bool = True,
    **keywords: Unpack[AnnotateKeywords],
) -> pd.DataFrame:
    """Annotate one video: the whole of ``tvsl annotate`` for one file.

    Args:
        path: The video.
        out: Folder of the results; created when missing.
        model: From ``load_model``; None loads the embedded default.
        options: How; None is ``AnnotateOptions()``.
        overwrite: False keeps an earlier result of the same video and settings.
        keywords: Single options, in the place of those in ``options``: ``fps=4``.

    Returns: The rows of the table, one source in one window each (docs/output-format.md); ``read_events`` has the
        events.

    Raises:
        InputError: The video cannot be used.
        OutputError: A result cannot be written.
        WeightsError: The model cannot be loaded.

    Example:
        >>> from tvsl_core import annotate_video
        >>> rows = annotate_video("clip.mp4", out="results", fps=4)  # doctest: +SKIP
    """
    import pandas as pd

    path = Path(path)
    found = FoundVideos(items=(VideoItem(path=path, name=path.name),))
    chosen = with_keywords(options, keywords)
    report = annotate_videos(found, out=out, model=model, options=chosen, overwrite=overwrite, raise_errors=True)
    return pd.read_parquet(report.finished[0].outputs[0])
