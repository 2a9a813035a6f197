"""Many videos: what is done is skipped, what fails becomes a row, and the rest goes on, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tvsl_core.annotate.options import AnnotateOptions, QueueOptions
from tvsl_core.annotate.progress import EventHandler, VideoFinished, ignore
from tvsl_core.batch.engines.base import Engine
from tvsl_core.batch.engines.task import ModelChoice, choose_names
from tvsl_core.batch.engines.threads import ThreadEngine
from tvsl_core.batch.inputs import FoundVideos
from tvsl_core.batch.run import Run
from tvsl_core.vocabulary.classes import Vocabulary

if TYPE_CHECKING:
    from tvsl_core.model.tvsl import TvslModel


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchReport:
    """What became of a whole run."""

    finished: tuple[VideoFinished, ...]
    """Every input that was reached, in the order of the inputs; those that led to no video come last."""
    videos_table: Path
    run_file: Path
    stale: dict[str, int]
    """Why earlier results did not hold and were made again, and how many each."""
    stopped: bool = False
    """Whether the run ended before its inputs, since too many failed."""

    @property
    def failed(self) -> int:
        """How many inputs failed."""
        return sum(video.status == "failed" for video in self.finished)


def annotate_videos(  # noqa: PLR0913 one keyword for each thing that a run is given
    found: FoundVideos,
    *,
    out: Path,
    options: AnnotateOptions,
    model: TvslModel | Callable[[], TvslModel] | None = None,
    engine: Engine | None = None,
    names: Vocabulary | None = None,
    workers: int = 1,
    overwrite: bool = False,
    choices: QueueOptions | None = None,
    dry_run: bool = False,
    on_event: EventHandler = ignore,
    command: Sequence[str] = (),
    label: str = "all",
    raise_errors: bool = False,
) -> BatchReport:
    """Annotate videos; one that fails does not stop the others.

    Args:
        found: From ``find_videos``.
        out: Folder of the results; created when missing.
        options: What to do with each video.
        model: The model, or what loads it; None loads the embedded default. Used when no engine is given.
        engine: What annotates; None does it in this process.
        names: The classes to look for, where the caller has them already; None reads those that the options name.
        workers: Videos that are worked on at the same time. Used when no engine is given.
        overwrite: False skips videos whose results are there, with the same settings and unchanged input.
        choices: Which units are worked on, and when to give up; replaces ``overwrite``.
        dry_run: Only say what would be done; nothing is written.
        on_event: Called for everything that happens.
        command: As the user typed it, for run.json.
        label: Which part of the inputs this is: letters, digits and ``-``.
        raise_errors: Raise the first error instead of recording it. Used when no engine is given.

    Raises:
        OutputError: The output folder cannot be used, or was removed.
        ManifestError: The vocabulary cannot be used.
        WeightsError: The model cannot be loaded.
        KeyboardInterrupt: Passed on after what is finished has been recorded.
    """
    engine = engine or ThreadEngine(
        _loader(model, names or choose_names(options)), workers=workers, raise_errors=raise_errors
    )
    run = Run(
        found,
        out=out,
        options=options,
        choices=choices or QueueOptions(overwrite=overwrite),
        on_event=on_event,
        engine=engine,
        label=label,
        command=command,
    )
    try:
        engine.begin()
        if not dry_run:
            run.open()
        run.plan(engine.start())
        run.work()
    finally:
        engine.close()
        run.close()
    order = {item.name: place for place, item in enumerate(found.items)}
    finished = sorted(run.jobs.finished, key=lambda video: order.get(video.video, len(order)))
    return BatchReport(
        finished=tuple(finished),
        videos_table=run.videos_table,
        run_file=run.run_file,
        stale=run.jobs.stale,
        stopped=run.jobs.is_stopped,
    )


def _loader(model: TvslModel | Callable[[], TvslModel] | None, names: Vocabulary) -> Callable[[], TvslModel]:
    def load() -> TvslModel:
        loaded = ModelChoice(vocabulary=names).load() if model is None else model() if callable(model) else model
        return loaded if loaded.vocabulary.sha256 == names.sha256 else loaded.with_vocabulary(names)

    return load
