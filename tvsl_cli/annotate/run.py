"""The run behind ``tvsl annotate``: find, annotate, show, and say with the exit code how it went."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import tvsl_core
from tvsl_cli.annotate.after import check_formats, hand_on
from tvsl_cli.annotate.progress import watching
from tvsl_cli.annotate.stdout import ResultWriter
from tvsl_cli.annotate.summary import say_failures, say_plan, say_summary
from tvsl_cli.annotate.tally import Tally
from tvsl_cli.shared.logs import logging_to
from tvsl_cli.shared.settings import usage_errors
from tvsl_cli.shared.terminal import say
from tvsl_core.annotate.progress import Event, EventHandler, VideoFinished, VideoStarted
from tvsl_core.system.machine import collecting_seldom

if TYPE_CHECKING:
    from tvsl_cli.annotate.request import AnnotateRequest
    from tvsl_core.batch.batch import BatchReport
    from tvsl_core.batch.engines.base import Engine
    from tvsl_core.batch.inputs import FoundVideos
    from tvsl_core.batch.shard import Shard
    from tvsl_core.vocabulary.classes import Vocabulary

_log = logging.getLogger(__name__)


@collecting_seldom()
def run(inputs: Sequence[str], request: AnnotateRequest) -> int:
    """Annotate and give the exit code: 0 all done, 1 some input failed, 2 a setting was wrong, 130 interrupted."""
    from tvsl_core.batch.inputs import find_videos
    from tvsl_core.system.arrow import leave_pandas_out
    from tvsl_core.system.results import passed_over

    leave_pandas_out()
    options, quiet, dry_run = request.options, request.quiet, request.dry_run
    with logging_to(verbose=request.verbose, quiet=quiet, log_file=request.log_file):
        _log.debug("tvsl %s: %s", tvsl_core.__version__, sys.argv[1:])
        _log.debug("%s", options)
        with usage_errors():
            shard = _shard(request.shard)
            check_formats(request)
        found = find_videos(inputs, stdin=sys.stdin)
        if found.passed_over and not quiet:
            say(passed_over(found.passed_over))
        if not found.items and not found.problems:
            say("Nothing to do: the input names no video.")
            return 0
        if shard is not None:
            found = _share(found, shard, quiet=quiet)
        tally = Tally(videos=len(found.items) + len(found.problems), stages=1 if options.overlay == "none" else 2)
        writer = ResultWriter(jsonl=request.jsonl, csv=request.csv is not None, dry_run=dry_run)
        try:
            with nullcontext(tally.hear) if quiet or dry_run else watching(tally) as hear:

                def on_event(event: Event) -> None:
                    _log_event(event)
                    hear(event)
                    writer.hear(event)

                label = shard.label if shard is not None else "all"
                report = _annotate(found, request, label=label, on_event=on_event)
        except KeyboardInterrupt:
            _say_interrupted(tally)
            raise
    if dry_run and not quiet:
        say_plan(report)
    elif not quiet:
        say_summary(report, tally)
    say_failures(report)
    if not dry_run and any(video.status != "failed" for video in report.finished):
        hand_on(request)
    return 1 if report.failed else 0


def _shard(given: str) -> Shard | None:
    """The share that this process has, by option or as a task of a job array. Raises: ValueError: It cannot be told."""
    from tvsl_core.batch.shard import parse_shard, shard_of_array

    if given == "all":
        return None
    return shard_of_array(os.environ) if given == "auto" else parse_shard(given)


def _share(found: FoundVideos, shard: Shard, *, quiet: bool) -> FoundVideos:
    from tvsl_core.batch.shard import choose_shard

    ours = choose_shard(found, shard)
    if not quiet:
        count, whole = (len(videos.items) + len(videos.problems) for videos in (ours, found))
        say(f"Shard {shard.number}/{shard.count}: {count} of {whole} videos.")
    return ours


def _log_event(event: Event) -> None:
    """What the log file keeps of a run; the terminal shows it in its own way."""
    if isinstance(event, VideoFinished):
        _log.debug("%s: %s in %.1f s; %s %s", event.video, event.status, event.elapsed_s, event.classes, event.error)
        for warning in event.warnings:
            _log.debug("%s: %s", event.video, warning)
    elif isinstance(event, VideoStarted):
        _log.debug("%s: begins, %.1f s long", event.video, event.duration_s)


def _annotate(found: FoundVideos, request: AnnotateRequest, *, label: str, on_event: EventHandler) -> BatchReport:
    from tvsl_core.batch.batch import annotate_videos
    from tvsl_core.batch.engines.task import choose_names
    from tvsl_core.model.facts import trained_names

    trained = trained_names(request.model)
    with usage_errors():
        names = choose_names(request.options, trained)
    if not trained and not request.quiet:
        say(
            f"The scores of {request.model} are not calibrated, since it has no trained heads: compare them with each "
            "other only. docs/training.md says how to train and calibrate heads.",
            style="yellow",
        )
    return annotate_videos(
        found,
        out=request.out,
        engine=_engine(request, names, videos=len(found.items)),
        options=request.options,
        names=names,
        choices=request.choices,
        dry_run=request.dry_run,
        on_event=on_event,
        command=("tvsl", *sys.argv[1:]),
        label=label,
    )


def _engine(request: AnnotateRequest, names: Vocabulary, *, videos: int) -> Engine:
    """What annotates; a dry run needs no cluster to say what would be done."""
    from tvsl_core.batch.engines.task import ModelChoice

    choice = ModelChoice(
        name=request.model,
        device=request.device,
        precision=request.precision,  # type: ignore[arg-type]  # the request has checked it
        vocabulary=names,
    )
    most, patience = 1 if request.dry_run else max(1, videos), request.patience
    if request.engine == "ray" and not request.dry_run:
        from tvsl_core.batch.engines.ray import RayEngine

        return RayEngine(choice, address=request.address, workers=request.workers, most=most, limits=patience)
    from tvsl_core.batch.engines.processes import ProcessEngine, good_count

    return ProcessEngine(choice, count=min(most, request.workers or good_count()), limits=patience)


def _say_interrupted(tally: Tally) -> None:
    done = sum(event.status != "failed" for event in tally.finished)
    say(
        f"Interrupted: {done} of {tally.videos} videos are finished, and their results stay valid. "
        "Give the same command again to continue.",
        style="yellow",
    )
