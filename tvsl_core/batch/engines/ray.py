"""The engine on Ray: the same unit on the machines of a cluster, in actors that keep the model.

Journal and leases stay in the process that was started; actors get jobs and give back outcomes, and write their results
into the output folder, which every machine must see under the same path. An actor or a machine that is lost costs
nothing but time: its video goes to another actor, and only when it is lost twice does it become a failed row.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvsl_core.annotate.options import TimeLimits
from tvsl_core.annotate.progress import Event, VideoFinished
from tvsl_core.annotate.results.job import Job
from tvsl_core.batch.engines.supervise import TICK_S, Cause, DeathCount, Watch
from tvsl_core.batch.engines.task import ModelChoice, ModelIdentity, explain, run_unit
from tvsl_core.batch.queue import JobQueue
from tvsl_core.errors import InputError, TvslError

if TYPE_CHECKING:
    from tvsl_core.model.tvsl import TvslModel

_log = logging.getLogger(__name__)

CHECK_EVERY_S = 5.0
"""How often the supervisor makes sure that the cluster is still there."""
MOST_LOSSES = 2
"""Actors that a video may take with it before it is given up."""
MOST_STILLBORN = 5
"""Actors that may be lost in a row before one of them finishes anything."""
OBJECT_STORE_BYTES = 80 << 20
"""Of a cluster that is started here: what is sent is small, so the least that Ray takes is enough."""


class Annotator:
    """What runs in an actor: a model that is loaded once, and one unit after another.

    Args:
        choice: The model.
    """

    def __init__(self, choice: ModelChoice) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._choice = choice
        self._model: TvslModel | None = None
        self._events: deque[Event] = deque(maxlen=20)

    def identity(self) -> ModelIdentity:
        """Load the model, and say which it is; Ray passes on errors of a method, but not of a constructor.

        Raises: WeightsError: It cannot be loaded.
        """
        self._model = self._choice.load()
        return self._choice.identity_of(self._model)

    def annotate(self, job: Job, metadata: Mapping[str, str]) -> VideoFinished:
        """One video, with the model of ``identity``."""
        assert self._model is not None
        return run_unit(job, self._model, metadata=metadata, on_event=self._on_event)

    def progress(self) -> list[Event]:
        """What has happened since this was asked last; runs beside ``annotate``."""
        return [self._events.popleft() for _ in range(len(self._events))]

    def _on_event(self, event: Event) -> None:
        self._events.append(event)


@dataclass(slots=True, eq=False)
class _Actor:
    """An actor as the supervisor sees it."""

    handle: Any
    ready: Any
    """Promise of its identity; None once it is there."""
    unit: Any = None
    """Promise of the outcome of its unit."""
    asked: Any = None
    """Promise of its progress."""
    watch: Watch = field(default_factory=Watch)

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a unit."""
        return self.ready is None and self.unit is None


class RayEngine:
    """Annotates in actors of a Ray cluster.

    Args:
        choice: The model that each of them loads.
        address: Of a running cluster, ``auto`` for the one on this machine; None starts one for this run alone.
        workers: How many actors; 0 is one for each processor, or each GPU, of the cluster.
        most: No more actors than this, however large the cluster is.
        limits: When a video is given up.

    Raises: InputError: Ray is not installed.
    """

    def __init__(
        self,
        choice: ModelChoice,
        *,
        address: str | None = None,
        workers: int = 0,
        most: int = 1_000_000,
        limits: TimeLimits | None = None,
    ) -> None:
        try:
            import ray
        except ImportError as error:
            hint = "Install it with: pip install 'tvsl[ray]'."
            raise InputError("The engine ray needs the package ray, which is not installed.", hint=hint) from error
        self._ray: Any = ray
        here = Path(choice.name)
        self._choice = replace(choice, name=str(here.absolute())) if here.exists() else choice
        self._address, self._wanted, self._most = address, workers, most
        self._limits = limits or TimeLimits()
        self.workers = workers or 1
        self._actors: list[_Actor] = []
        self._losses: Counter[str] = Counter()
        self._stillborn = DeathCount(MOST_STILLBORN)
        self._started_here = False
        self._folder: str | None = None
        self._checked = 0.0
        self._resources: dict[str, float] = {}

    def identify(self) -> ModelIdentity | None:
        """What the model will say of itself, from its file."""
        return self._choice.identify()

    def begin(self, first: Job | None = None) -> None:
        """Join or start the cluster and start the actors.

        Raises: InputError: There is no cluster at the address.
        """
        if not self._ray.is_initialized():
            self._connect()
            self._started_here = True
        found = self._ray.cluster_resources()
        device, gpus = self._choice.device, int(found.get("GPU", 0))
        if device.startswith("cuda") or (device == "auto" and gpus):
            self._choice = replace(self._choice, device="cuda")  # Ray shows each actor the one GPU that it may use
            self._resources = {"num_cpus": 1, "num_gpus": 1}
            seats = gpus
        else:
            self._resources = {"num_cpus": 1}
            seats = int(found.get("CPU", 1))
        self.workers = max(1, min(self._wanted or seats, self._most))
        self._actors = [self._new() for _ in range(self.workers)]

    def start(self) -> ModelIdentity:
        """Wait until one actor is ready.

        Raises: WeightsError: The model cannot be loaded. TvslError: No actor can be started.
        """
        while True:
            self._check_cluster()
            promises = [actor.ready for actor in self._actors]
            done, _ = self._ray.wait(promises, num_returns=1, timeout=TICK_S)
            for promise in done:
                actor = next(actor for actor in self._actors if actor.ready is promise)
                try:
                    identity: ModelIdentity = self._ray.get(promise)
                except self._ray.exceptions.RayError as error:
                    self._replace(actor, error)
                    continue
                actor.ready = None
                return identity

    def work(self, jobs: JobQueue) -> None:
        """Every unit of the jobs.

        Raises:
            OutputError: The results cannot be written at all.
            TvslError: No actor can be started any more, or the cluster is gone.
        """
        while not jobs.is_stopped:
            self._check_cluster()
            for actor in self._actors:
                if actor.is_idle and (job := jobs.take()) is not None:
                    self._assign(actor, job, jobs)
            if jobs.is_over and not any(actor.watch.job for actor in self._actors):
                return
            self._pass_events_on(jobs)
            for actor in list(self._actors):
                self._check_actor(actor, jobs)

    def close(self) -> None:
        """End the actors, and the cluster if it was started for this run."""
        for actor in self._actors:
            with suppress(Exception):
                self._ray.kill(actor.handle)
        self._actors.clear()
        if self._started_here:
            self._ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _connect(self) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        own = {
            "include_dashboard": False,
            "object_store_memory": OBJECT_STORE_BYTES,
            "_node_ip_address": "127.0.0.1",
            "_system_config": {"enable_metrics_collection": False},
        }
        before = signal.getsignal(signal.SIGTERM)
        try:
            if self._address is None:
                self._folder = tempfile.mkdtemp(prefix="tvsl-ray-")
                self._ray.init(**quiet, **own | {"_temp_dir": self._folder})
            else:
                self._ray.init(address=self._address, **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            where = self._address or "this machine"
            hint = "Start one with `ray start --head`, or leave --address out."
            raise InputError(f"No Ray cluster answers at {where}: {str(error).splitlines()[0]}", hint=hint) from error
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, before)  # Ray takes it over, and would end us without a word

    def _check_cluster(self) -> None:
        """Now and then make sure that there is a cluster. Raises: TvslError: It is gone."""
        if time.monotonic() - self._checked < CHECK_EVERY_S:
            return
        try:
            alive = any(node["Alive"] for node in self._ray.nodes())
        except (self._ray.exceptions.RayError, ConnectionError, RuntimeError):
            alive = False
        self._checked = time.monotonic()
        if not alive:
            hint = "What is finished stays valid: start the cluster, then give the same command again."
            raise TvslError("The Ray cluster is gone: none of its nodes is alive.", hint=hint)

    def _new(self) -> _Actor:
        kind = self._ray.remote(Annotator).options(max_restarts=0, max_concurrency=2, **self._resources)
        handle = kind.remote(self._choice)
        return _Actor(handle=handle, ready=handle.identity.remote())

    def _assign(self, actor: _Actor, job: Job, jobs: JobQueue) -> None:
        actor.watch.assign(job)
        actor.unit = actor.handle.annotate.remote(_from_anywhere(job), dict(jobs.metadata))

    def _pass_events_on(self, jobs: JobQueue) -> None:
        """Wait a moment for whatever comes first, and take it in."""
        for actor in self._actors:
            if actor.unit is not None and actor.asked is None:
                actor.asked = actor.handle.progress.remote()
        promises = [promise for actor in self._actors for promise in (actor.ready, actor.unit) if promise is not None]
        if promises:
            self._ray.wait(promises, num_returns=1, timeout=TICK_S)
        else:
            time.sleep(TICK_S)
        asked = {actor.asked: actor for actor in self._actors if actor.asked is not None}
        done, _ = self._ray.wait(list(asked), num_returns=len(asked), timeout=0) if asked else ([], [])
        for promise in done:
            actor = asked[promise]
            actor.asked = None
            with suppress(self._ray.exceptions.RayError):  # what is wrong with it shows in its unit too
                for event in self._ray.get(promise):
                    actor.watch.on_event(event)
                    jobs.on_event(event)

    def _check_actor(self, actor: _Actor, jobs: JobQueue) -> None:
        """Take in what an actor has done; replace it when it is lost or hangs."""
        promise = actor.ready if actor.ready is not None else actor.unit
        if promise is None:
            return
        done, _ = self._ray.wait([promise], timeout=0)
        if not done:
            if cause := actor.watch.overdue(self._limits):
                self._give_up(actor, jobs, cause)
            return
        try:
            outcome = self._ray.get(promise)
        except self._ray.exceptions.RayTaskError as error:
            job = actor.watch.job
            if job is None:
                self._replace(actor, error)
                return
            video = actor.watch.failed(explain(job, error))
            actor.watch.release()
            actor.unit = None
            if video is not None:
                jobs.finish(job, video)
        except self._ray.exceptions.RayError as error:
            self._lost(actor, jobs, error)
        else:
            if actor.ready is not None:
                actor.ready = None
                return
            job, actor.unit = actor.watch.release(), None
            self._stillborn.reset()
            if job is not None:
                jobs.finish(job, _brought_home(job, outcome))

    def _lost(self, actor: _Actor, jobs: JobQueue, error: Exception) -> None:
        """An actor died, perhaps with its machine: its video goes to another one, but not for ever."""
        job = actor.watch.job
        if job is None:
            self._replace(actor, error)
            return
        self._losses[job.item.name] += 1
        _log.warning("the actor that annotated %s was lost: %s", job.item.name, str(error).splitlines()[0])
        if self._losses[job.item.name] >= MOST_LOSSES:
            hint = "The file may be damaged in a way that a decoder cannot bear, or memory ran out."
            self._give_up(actor, jobs, Cause(kind="lost", what=f"{MOST_LOSSES} actors were lost", hint=hint))
            return
        job.discard_leftovers()
        jobs.put_back(job)
        self._replace(actor, error)

    def _give_up(self, actor: _Actor, jobs: JobQueue, cause: Cause) -> None:
        """The video of an actor becomes a failed row, and another actor takes its place."""
        job, video = actor.watch.job, actor.watch.row(cause)
        self._replace(actor, None)
        if job is not None and video is not None:
            job.discard_leftovers()
            jobs.finish(job, video)

    def _replace(self, actor: _Actor, error: Exception | None) -> None:
        """A new actor takes the place of one. Raises: TvslError: The model cannot be loaded, or they die one by one."""
        with suppress(Exception):
            self._ray.kill(actor.handle)
        self._actors.remove(actor)
        cause = getattr(error, "cause", None)
        if isinstance(cause, TvslError):
            raise cause
        if self._stillborn.add() and error is not None:
            why = str(cause or error).strip().splitlines()[-1]
            raise TvslError(f"No Ray actor lives long enough to annotate: {why}", hint="Look into the logs of Ray.")
        self._actors.append(self._new())


def _from_anywhere(job: Job) -> Job:
    """The job with paths that hold in every folder and on every machine."""
    lease = replace(job.lease, path=job.lease.path.absolute()) if job.lease is not None else None
    item = replace(job.item, path=job.item.path.absolute())
    return replace(job, item=item, out=job.out.absolute(), lease=lease)


def _brought_home(job: Job, video: VideoFinished) -> VideoFinished:
    """The outcome with paths as they were given here."""
    out = job.out.absolute()
    outputs = tuple(job.out / path.relative_to(out) for path in video.outputs)
    return replace(video, path=job.item.path, outputs=outputs)
