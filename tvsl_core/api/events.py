"""The events of a results folder as one table in memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tvsl_core.annotate.results.event_table import EVENTS_SCHEMA
from tvsl_core.errors import InputError
from tvsl_core.exports.results import read_results
from tvsl_core.types import AnyPath

if TYPE_CHECKING:
    import pandas as pd


def read_events(results: AnyPath, *, video: str | None = None) -> pd.DataFrame:
    """When each source sounds, as ``tvsl annotate`` wrote it down.

    Args:
        results: Its output folder.
        video: Only this one, by its name in the tables; None is all of them.

    Returns: One row an event (docs/output-format.md), by video and onset.

    Raises: InputError: There are no results, they are of an earlier version, or the video is not among them.

    Example:
        >>> from tvsl_core import read_events
        >>> events = read_events("results", video="clip.mp4")  # doctest: +SKIP
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = [one for one in read_results(Path(results)) if video in (None, one.name)]
    if video is not None and not found:
        raise InputError(f"'{results}' holds no events of a video '{video}'.", hint="Name it as in videos.parquet.")
    tables = [pq.read_table(one.table, schema=EVENTS_SCHEMA) for one in sorted(found, key=lambda one: one.name)]
    whole = pa.concat_tables(tables).replace_schema_metadata(None).unify_dictionaries()
    order = [(name, "ascending") for name in ("video", "start_s", "event_id")]
    events: pd.DataFrame = whole.sort_by(order).to_pandas()
    return events
