"""How far the runs over an output folder are, from the journal alone; looking changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tvsl_core.annotate.results.version import SCHEMA_VERSION
from tvsl_core.batch.journal import Journal, unit_key
from tvsl_core.batch.records import RUN_LEASE, RunPlan, VideoRecord
from tvsl_core.errors import InputError
from tvsl_core.system.leases import EXPIRY_S, standing

LAST_ERRORS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStatus:
    """One run."""

    label: str
    """Which part of the inputs it is: ``all``, or the name of a shard."""
    state: str
    """``running``, ``finished``, ``interrupted``, or ``dead``: it ended without a word."""
    host: str
    pid: int
    workers: int
    started: str
    finished: str
    command: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LastError:
    """A video that failed."""

    video: str
    stage: str
    error: str
    hint: str
    finished: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchStatus:
    """All runs with the settings of the latest one, taken together."""

    runs: tuple[RunStatus, ...]
    videos: int
    done: int
    failed: int
    at_work: int
    left: int
    speed: float
    """Seconds of video per second, since the running ones began; of finished runs, while they ran. 0 when unknown."""
    videos_an_hour: float
    left_s: float | None
    """Seconds until all is done, if the rest is like what is done; None when nothing runs or nothing is known yet."""
    errors: tuple[LastError, ...]
    """The latest ones first."""
    outdated: bool
    """Whether the latest run was one of an earlier version, whose results have no events."""


def read_status(out: Path) -> BatchStatus:
    """Look at an output folder.

    Raises: InputError: There is no journal in it.
    """
    journal = Journal(out)
    plans = journal.plans()
    if not plans:
        raise InputError(
            f"{out} holds no results of `tvsl annotate`.", hint="Name the folder that was given to it with --out."
        )
    plans = [plan for plan in plans if plan.fingerprint == plans[-1].fingerprint]
    alive = _touched(journal, RUN_LEASE)
    runs = tuple(_run(plan, alive.get(plan.lease)) for plan in plans)
    inputs = {name for plan in plans for name in plan.inputs}
    held = {name for name, is_live in _touched(journal, "").items() if is_live}
    ids = {plan.id for plan in plans}
    records = {name: record for name in inputs if (record := journal.read(name)) and _counts(record, plans[-1], ids)}
    at_work = {name for name in inputs if unit_key(name) in held}
    done = sum(record.row.status == "done" for name, record in records.items() if name not in at_work)
    failed = [record for name, record in records.items() if record.row.status == "failed" and name not in at_work]
    left = len(inputs) - done - len(failed) - len(at_work)
    speed, an_hour = _speed(plans, runs, list(records.values()))
    failed.sort(key=lambda record: record.finished, reverse=True)
    is_running = any(run.state == "running" for run in runs)
    return BatchStatus(
        runs=runs,
        videos=len(inputs),
        done=done,
        failed=len(failed),
        at_work=len(at_work),
        left=left,
        speed=speed,
        videos_an_hour=an_hour,
        left_s=(left + len(at_work) / 2) * 3600 / an_hour if is_running and an_hour else None,
        errors=tuple(_error(record) for record in failed[:LAST_ERRORS]),
        outdated=plans[-1].schema_version != SCHEMA_VERSION,
    )


def _touched(journal: Journal, prefix: str) -> dict[str, bool]:
    """Leases by name, and whether their holder is alive as far as can be seen from here."""
    now = time.time()
    return {
        held.path.name.rpartition(".")[0]: not (
            (held.owner is not None and held.owner.is_gone()) or now - held.touched_ns / 1e9 > EXPIRY_S
        )
        for held in standing(journal.leases, prefix)
    }


def _run(plan: RunPlan, is_alive: bool | None) -> RunStatus:
    ended = "interrupted" if plan.interrupted else "finished"
    return RunStatus(
        label=plan.label,
        state=ended if plan.finished else "running" if is_alive else "dead",
        host=plan.host,
        pid=plan.pid,
        workers=plan.workers,
        started=plan.started,
        finished=plan.finished,
        command=plan.command,
    )


def _counts(record: VideoRecord, latest: RunPlan, ids: set[str]) -> bool:
    """Whether a record says something about these runs: it was made with their settings, or by one of them."""
    return record.row.fingerprint == latest.fingerprint or record.run in ids


def _speed(plans: list[RunPlan], runs: tuple[RunStatus, ...], records: list[VideoRecord]) -> tuple[float, float]:
    """Seconds of video per second, and videos an hour, over the runs that run; over all when none does."""
    running = [plan for plan, run in zip(plans, runs, strict=True) if run.state == "running"]
    watched = running or plans
    ids = {plan.id for plan in watched}
    mine = [record for record in records if record.run in ids and record.row.elapsed_s > 0]
    if not mine:
        return 0.0, 0.0
    began = min(_seconds(plan.started) for plan in watched)
    ended = time.time() if running else max(_ends(watched, mine))
    elapsed_s = max(ended - began, 1e-3)
    return sum(record.row.duration_s or 0.0 for record in mine) / elapsed_s, len(mine) * 3600 / elapsed_s


def _ends(plans: list[RunPlan], records: list[VideoRecord]) -> Iterator[float]:
    yield from (_seconds(plan.finished) for plan in plans if plan.finished)
    yield from (_seconds(record.finished) for record in records)


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


def _error(record: VideoRecord) -> LastError:
    row = record.row
    return LastError(video=row.video, stage=row.stage, error=row.error, hint=row.hint, finished=record.finished)
