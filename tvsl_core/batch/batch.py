"""Many videos: what is done is skipped, what fails becomes a row, and the rest goes on, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from tvsl_core.annotate.options import AnnotateOptions, QueueOptions
from tvsl_core.annotate.progress import Event, EventHandler, VideoFinished, ignore
from tvsl_core.batch.engines.base import Engine
from tvsl_core.batch.engines.task import ModelChoice, choose_names
from tvsl_core.batch.engines.threads import ThreadEngine
from tvsl_core.batch.inputs import FoundVideos, Videos, as_found
from tvsl_core.batch.keywords import AnnotateKeywords, with_keywords
from tvsl_core.batch.run import Run
from tvsl_core.model.facts import EMBEDDED, trained_names
from tvsl_core.system.progress import OnProgress, reporting
from tvsl_core.types import AnyPath
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
    videos: Videos,
    *,
    out: AnyPath,
    options: AnnotateOptions | None = None,
    model: TvslModel | Callable[[], TvslModel] | None = None,
    engine: Engine | None = None,
    names: Vocabulary | None = None,
    workers: int = 1,
    overwrite: bool = False,
    choices: QueueOptions | None = None,
    dry_run: bool = False,
    progress: bool = False,
    on_event: EventHandler = ignore,
    command: Sequence[str] = (),
    label: str = "all",
    raise_errors: bool = False,
    **keywords: Unpack[AnnotateKeywords],
) -> BatchReport:
    """Annotate videos; one that fails does not stop the others.

    Args:
        videos: Files, folders (searched recursively), globs or ``@list.txt``, one or several; or what ``find_videos``
            made of them.
        out: Folder of the results; created when missing.
        options: What to do with each video; None is ``AnnotateOptions()``.
        model: The model, or what loads it; None loads the embedded default. It looks for the classes of its own
            vocabulary, unless the options name a vocabulary. Used when no engine is given.
        engine: What annotates; None does it in this process.
        names: The classes to look for, where the caller has them already; None reads those that the options name.
        workers: Videos that are worked on at the same time. Used when no engine is given.
        overwrite: False skips videos whose results are there, with the same settings and unchanged input.
        choices: Which units are worked on, and when to give up; replaces ``overwrite``.
        dry_run: Only say what would be done; nothing is written.
        progress: Show a bar of videos.
        on_event: Called for everything that happens.
        command: As the user typed it, for run.json.
        label: Which part of the inputs this is: letters, digits and ``-``.
        raise_errors: Raise the first error instead of recording it. Used when no engine is given.
        keywords: Single options, in the place of those in ``options``: ``fps=4``.

    Raises:
        InputError: No video was named at all.
        OutputError: The output folder cannot be used, or was removed.
        ManifestError: The vocabulary cannot be used.
        WeightsError: The model cannot be loaded.
        KeyboardInterrupt: Passed on after what is finished has been recorded.
    """
    found, options = as_found(videos), with_keywords(options, keywords)
    engine = engine or ThreadEngine(_loader(model, options, names), workers=workers, raise_errors=raise_errors)
    with reporting(progress) as advance:
        run = Run(
            found,
            out=Path(out),
            options=options,
            choices=choices or QueueOptions(overwrite=overwrite),
            on_event=_counting(on_event, advance, len(found.items) + len(found.problems)) if progress else on_event,
            engine=engine,
            label=label,
            command=command,
        )
        _carry_out(run, engine, dry_run=dry_run)
    return _report(run, found)


def _carry_out(run: Run, engine: Engine, *, dry_run: bool) -> None:
    try:
        identity = engine.identify()
        if identity is None:
            engine.begin()
        if not dry_run:
            run.open()
        run.plan(identity or engine.start())
        run.work(is_ready=identity is None)
    finally:
        engine.close()
        run.close()


def _report(run: Run, found: FoundVideos) -> BatchReport:
    order = {item.name: place for place, item in enumerate(found.items)}
    finished = sorted(run.jobs.finished, key=lambda video: order.get(video.video, len(order)))
    return BatchReport(
        finished=tuple(finished),
        videos_table=run.videos_table,
        run_file=run.run_file,
        stale=run.jobs.stale,
        stopped=run.jobs.is_stopped,
    )


def _counting(on_event: EventHandler, advance: OnProgress, total: int) -> EventHandler:
    """The same, and the videos that are finished are counted."""
    done = 0

    def tell(event: Event) -> None:
        nonlocal done
        if isinstance(event, VideoFinished):
            done += 1
            advance("videos", done, total)
        on_event(event)

    return tell


def _loader(
    model: TvslModel | Callable[[], TvslModel] | None, options: AnnotateOptions, names: Vocabulary | None
) -> ModelChoice | Callable[[], TvslModel]:
    if model is None:
        return ModelChoice(vocabulary=names or choose_names(options, trained_names(EMBEDDED)))

    def load() -> TvslModel:
        loaded = model() if callable(model) else model
        chosen = names or _names(loaded, options)
        return loaded if loaded.vocabulary.sha256 == chosen.sha256 else loaded.with_vocabulary(chosen)

    return load


def _names(model: TvslModel, options: AnnotateOptions) -> Vocabulary:
    """The classes that the options ask for: of the model's own, unless they name a vocabulary."""
    if options.vocabulary is not None:
        return choose_names(options, model.trained_names)
    return model.vocabulary.restrict(options.classes) if options.classes else model.vocabulary
