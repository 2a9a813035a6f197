"""A hundred thousand finished videos in minutes: what `tvsl status`, a rerun and `tvsl merge` are measured over.

Run as a program: ``python -m tests.many_results FOLDER --videos 100000`` makes ``FOLDER/in``, whose videos are hard
links to a clip of a second, and ``FOLDER/out``, with tables as ``tvsl annotate`` writes them. One clip is annotated in
earnest; the others get its rows, each under its own name. There is no journal: the first rerun makes it from the
tables, as it would after somebody deleted it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.builders import make_clip
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.results.job import input_key
from tvsl_core.annotate.results.table import QUICK, read_metadata, read_table
from tvsl_core.system.results import MARK

VIDEOS_A_FOLDER = 1000
"""Also how often one file is linked; some file systems allow 65,000 links."""
OPTIONS = AnnotateOptions(overlay="none", strips=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """What every video's two tables are made of."""

    sources: pa.Table
    events: pa.Table
    metadata: dict[str, str]
    """Of the sources."""

    @classmethod
    def of(cls, out: Path, video: str) -> Pattern:
        """The tables of one video that was annotated."""
        paths = [out / room / f"{video}.parquet" for room in ("sources", "events")]
        sources, events = (read_table(path) for path in paths)
        return cls(sources=sources, events=events, metadata=read_metadata(paths[0]))

    def write(self, video: str, path: Path, out: Path) -> None:
        """The tables of another video."""
        metadata = self.metadata | input_key(path) | {"video": video, "path": str(path)}
        for room, table in (("sources", self.sources), ("events", self.events)):
            named = table.set_column(0, table.schema.field(0), pa.array([video] * table.num_rows))
            place = out / room / f"{video}.parquet"
            place.parent.mkdir(parents=True, exist_ok=True)
            facts = metadata if room == "sources" else table.schema.metadata
            pq.write_table(named.replace_schema_metadata(facts), place, compression=QUICK)


def make_results(folder: Path, videos: int) -> None:
    """Make ``videos`` finished videos: ``folder/in``, and ``folder/out`` without a journal."""
    from tvsl_core.batch.batch import annotate_videos

    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    clip = make_clip(folder / "clip.mp4", seconds=1, size=(96, 64), sound="tone")
    annotate_videos(clip, out=folder / "first", options=OPTIONS)
    pattern = Pattern.of(folder / "first", clip.name)
    (folder / "out").mkdir()
    (folder / "out" / MARK).touch()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        starts = range(0, videos, VIDEOS_A_FOLDER)
        tasks = [pool.submit(_fill, folder, pattern, range(at, min(at + VIDEOS_A_FOLDER, videos))) for at in starts]
        for task in tasks:
            task.result()


def _fill(folder: Path, pattern: Pattern, numbers: range) -> None:
    """One folder of videos and their tables."""
    room = f"{numbers.start // VIDEOS_A_FOLDER:04}"
    (folder / "in" / room).mkdir(parents=True)
    for path in _links(folder / "clip.mp4", folder / "in" / room, len(numbers)):
        pattern.write(f"{room}/{path.name}", path, folder / "out")


def _links(clip: Path, room: Path, count: int) -> Iterator[Path]:
    first = room / "0000.mp4"
    first.write_bytes(clip.read_bytes())
    yield first
    for number in range(1, count):
        path = room / f"{number:04}.mp4"
        path.hardlink_to(first)
        yield path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where; must not hold in/ or out/ yet")
    parser.add_argument("--videos", type=int, default=100_000, metavar="N", help="how many (default: %(default)s)")
    arguments = parser.parse_args()
    make_results(arguments.folder, arguments.videos)
