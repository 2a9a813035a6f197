"""The moments that answer a query, from the events of ``tvsl annotate`` and from the windows of ``tvsl embed``."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tvsl_core.annotate.results.table import read_metadata
from tvsl_core.errors import InputError
from tvsl_core.exports.results import VideoResults, read_results
from tvsl_core.model.load import load_towers
from tvsl_core.model.towers import Towers, TrainableTowers
from tvsl_core.search.embeddings import MODALITIES, Modality
from tvsl_core.search.query import Query, parse_query
from tvsl_core.search.relevance import class_relevance
from tvsl_core.types import AnyPath, Box, Verdict
from tvsl_core.vocabulary.classes import load_vocabulary

Found = Literal["event", "image", "audio"]
LIKE = 0.03
"""Least cosine of a window and a text; a picture that shows a thing may have hardly more."""
SHARE = 0.5
"""Windows that are less near than this share of the nearest one answer no query that the nearest one answers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FindRequest:
    """A search of results."""

    results: AnyPath
    """Folder of ``tvsl annotate``, of ``tvsl embed``, or of both."""
    query: str
    """Any words; "outside", "off screen", "in view" and the like say where."""
    limit: int = 50
    """At most so many events, and as many windows."""
    min_score: float = 0.0
    """Least score of a moment."""
    vocabulary: AnyPath | None = None
    """File of the classes whose aliases and generic names are known; None is the default vocabulary."""
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"limit must be at least 1, got {self.limit}")
        if not 0 <= self.min_score <= 1:
            raise ValueError(f"min-score must lie in [0, 1], got {self.min_score}")


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundMoment:
    """A stretch of a video that answers a query."""

    video: str
    start_s: float
    end_s: float
    klass: str
    """What the event is called; empty for a window, which has no class."""
    score: float
    """Of an event: how likely it is right, times how well its name answers. Of a window: the cosine with the text.
    They compare only with their like."""
    found: Found
    """What answered: an event, or the picture or the sound of a window."""
    verdict: Verdict | None = None
    """Of an event."""
    peak_s: float
    """The moment to look at."""
    path: Path
    """The video's file; it may have gone."""
    box: Box | None = None
    """Of an event, at ``peak_s``."""
    width: int = 0
    """Of the frame as shown, in which the box lies."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MomentsFound:
    """The answer to a query."""

    query: Query
    moments: tuple[FoundMoment, ...]
    """Events first, then windows; the best first."""
    classes: tuple[str, ...]
    """Names of classes that were taken to answer, the best first."""
    known: tuple[str, ...]
    """All classes of the events."""
    has_embeddings: bool
    notes: tuple[str, ...] = ()
    """What one should know, in sentences."""


def find_moments(request: FindRequest) -> MomentsFound:
    """Search results for what some words mean.

    Raises:
        InputError: There are no results and no embeddings, or the query names nothing.
        WeightsError: The model that the embeddings are of cannot be loaded.
    """
    query, folder = parse_query(request.query), Path(request.results)
    towers = _LazyTowers(request.device)
    tables = sorted((folder / "embeddings").rglob("*.parquet"))
    videos = () if tables and not (folder / "events").is_dir() else tuple(read_results(folder))
    known = sorted({event.name for video in videos for event in video.events})
    others = {other.name for video in videos for event in video.events for other in event.alternatives}
    relevance = class_relevance(
        query, [*known, *sorted(others - set(known))], load_vocabulary(request.vocabulary), towers.names
    )
    events = heapq.nlargest(
        request.limit,
        (one for video in videos for one in _events(video, relevance, query) if one.score >= request.min_score),
        key=lambda one: one.score,
    )
    notes: list[str] = []
    windows = heapq.nlargest(
        request.limit,
        (one for table in tables for one in _windows(table, query, towers, notes) if one.score >= request.min_score),
        key=lambda one: one.score,
    )
    windows = [one for one in windows if one.score >= SHARE * windows[0].score]
    answering = sorted((name for name in relevance if name in known), key=lambda name: -relevance[name])
    return MomentsFound(
        query=query,
        moments=(*events, *windows),
        classes=tuple(answering),
        known=tuple(known),
        has_embeddings=bool(tables),
        notes=tuple(dict.fromkeys(notes)),
    )


class _LazyTowers:
    """Towers that are loaded when a query first needs them: most name a class, and then none are."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._by_name: dict[str, Towers] = {}
        self._vectors: dict[tuple[str, str], NDArray[np.float32]] = {}

    def of(self, name: str) -> Towers:
        if name not in self._by_name:
            self._by_name[name] = load_towers(name, device=self._device)
        return self._by_name[name]

    def names(self, names: Sequence[str]) -> NDArray[np.float32]:
        towers = self.of("compact")
        assert isinstance(towers, TrainableTowers)
        vectors: NDArray[np.float32] = towers.embed_names(names).float().cpu().numpy()
        return vectors

    def text(self, name: str, text: str) -> NDArray[np.float32]:
        """A text in the joint space of some towers, of unit length; zeros for one that means nothing there."""
        if (name, text) not in self._vectors:
            self._vectors[name, text] = _unit(self.of(name).embed_text([text]).float().cpu().numpy())[0]
        return self._vectors[name, text]


def _events(video: VideoResults, relevance: dict[str, float], query: Query) -> Iterator[FoundMoment]:
    for event in video.events:
        if query.verdict is not None and event.in_view != (query.verdict == "sounding"):
            continue
        score = event.score * relevance.get(event.name, 0.0)
        for other in event.alternatives:
            score = max(score, other.score * relevance.get(other.name, 0.0))
        if score > 0:
            yield FoundMoment(
                video=video.name,
                start_s=event.start_s,
                end_s=event.end_s,
                klass=event.name,
                score=score,
                found="event",
                verdict=event.verdict,
                peak_s=event.peak_s,
                path=video.path,
                box=event.box,
                width=video.width,
            )


def _windows(table: Path, query: Query, towers: _LazyTowers, notes: list[str]) -> Iterator[FoundMoment]:
    """Windows of one video whose picture or sound is near a text; each by the nearer of the two."""
    facts = read_metadata(table)
    try:
        model = facts["tvsl.model"]
        rows = pq.read_table(table).to_pydict()
    except (KeyError, OSError, pa.ArrowException) as error:
        raise InputError(
            f"the embeddings '{table}' are damaged or of another version: {error}.", hint="Embed this video again."
        ) from error
    if facts.get("tvsl.weights_sha256") != towers.of(model).weights_sha256:
        notes.append("Embeddings of other weights were left out: give tvsl embed again.")
        return
    # What is off screen can only be heard; of what is asked for in view the picture decides.
    asked: dict[Verdict | None, tuple[Modality, ...]] = {"offscreen": ("audio",), "sounding": ("image",)}
    modalities = [name for name in asked.get(query.verdict, MODALITIES) if name in rows]
    text = towers.text(model, query.text)
    scores = {name: _cosines(rows[name], text) for name in modalities}
    for number in range(len(rows["video"])):
        best = max(modalities, key=lambda name: scores[name][number], default=None)
        if best is not None and scores[best][number] >= LIKE:
            yield FoundMoment(
                video=rows["video"][number],
                start_s=rows["window_start_s"][number],
                end_s=rows["window_end_s"][number],
                klass="",
                score=min(1.0, float(scores[best][number])),
                found=best,
                peak_s=rows["time_s"][number],
                path=Path(facts.get("tvsl.path", rows["video"][number])),
            )


def _cosines(vectors: list[list[float] | None], text: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each vector and a text; 0 where there is no vector."""
    there = np.asarray([vector if vector is not None else np.zeros(len(text)) for vector in vectors], np.float32)
    return np.asarray(_unit(there.reshape(len(vectors), len(text))) @ text, np.float32)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6), np.float32)
