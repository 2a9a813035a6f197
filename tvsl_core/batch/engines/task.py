"""The unit of a batch: one video, from the file to its results or to the one sentence that says why there are none.

Nothing here knows how units are spread over threads, processes or machines; what goes in and comes out can be pickled.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tvsl_core.annotate.options import TRAINED, AnnotateOptions
from tvsl_core.annotate.progress import Event, EventHandler, FailureKind, VideoAdvanced, VideoFinished
from tvsl_core.annotate.results.job import Job
from tvsl_core.errors import InputError, ManifestError, TvslError
from tvsl_core.model.facts import read_facts
from tvsl_core.system.code import code_version
from tvsl_core.system.versions import tvsl_version
from tvsl_core.vocabulary.classes import Vocabulary, load_vocabulary

if TYPE_CHECKING:
    from tvsl_core.annotate.signals.reading import Reading
    from tvsl_core.annotate.video import Annotation
    from tvsl_core.model.load import Precision
    from tvsl_core.model.tvsl import TvslModel

_log = logging.getLogger(__name__)

RESULTS_FROM = ("tvsl_core.annotate.video", "tvsl_core.model.load")
"""Modules that results come from, with all that they import: another code may give other results."""
_MEMORY_WORDS = ("out of memory", "allocate memory", "insufficient memory", "bad_alloc")
"""How libraries say that memory ran out when they do not raise MemoryError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelIdentity:
    """What a run must know of its model, without holding it."""

    name: str
    sha256: str
    scorer_sha256: str
    vocabulary_sha256: str
    classes: int
    """How many classes are looked for."""
    device: str
    """Where it runs, or what was asked for while it is not loaded."""
    precision: Precision = "auto"
    """As it was asked for."""

    @classmethod
    def of(cls, model: TvslModel) -> ModelIdentity:
        """Of a model that is loaded."""
        return cls(
            name=model.name,
            sha256=model.sha256,
            scorer_sha256=model.found_scorer.sha256,
            vocabulary_sha256=model.vocabulary.sha256,
            classes=len(model.vocabulary.names),
            device=str(model.towers.device),
        )

    def fingerprint(self, options: AnnotateOptions) -> str:
        """Short hash of everything that can change a result."""
        other = {"precision": self.precision} if self.precision == "bf16" else {}
        return options.fingerprint(
            model=self.sha256,
            scorer=self.scorer_sha256,
            names=self.vocabulary_sha256,
            version=tvsl_version(),
            code=code_version(*RESULTS_FROM),
            **other,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelChoice:
    """Which model to load, wherever it is needed; can be sent to another process."""

    name: str = "compact"
    """Model name, or the path of a weights file."""
    device: str = "auto"
    precision: Precision = "auto"
    """``auto`` is fp32."""
    vocabulary: Vocabulary | None = None
    """The classes to look for; None is those of the model."""

    def load(self) -> TvslModel:
        """Load it. Raises: WeightsError: It cannot be loaded. InputError: The device is not there."""
        from tvsl_core.model.load import load_model

        return load_model(self.name, device=self.device, precision=self.precision, vocabulary=self.vocabulary)

    def identity_of(self, model: TvslModel) -> ModelIdentity:
        """Of the model that was loaded by this choice."""
        return replace(ModelIdentity.of(model), precision=self.precision)

    def identify(self) -> ModelIdentity | None:
        """What the loaded model would say of itself, from its file alone; None where only loading it tells."""
        facts = read_facts(self.name)
        if facts is None:
            return None
        names = self.vocabulary or load_vocabulary(None).extend(facts.classes)
        return ModelIdentity(
            name=facts.towers,
            sha256=facts.sha256,
            scorer_sha256=facts.scorer_sha256,
            vocabulary_sha256=names.sha256,
            classes=len(names),
            device=self.device,
            precision=self.precision,
        )


def choose_names(options: AnnotateOptions, trained: Sequence[str]) -> Vocabulary:
    """The classes that the options ask for.

    Args:
        options: Of the annotation.
        trained: The classes that the model's heads were trained on, which are looked for beside the default ones.

    Raises: ManifestError: The vocabulary file cannot be used, a class is unknown, or nothing was trained.
    """
    only_trained = str(options.vocabulary) == TRAINED
    file = None if only_trained else options.vocabulary
    vocabulary = load_vocabulary(file)
    if options.classes:  # a class that was trained is known, whatever the file says
        return vocabulary.extend(trained).restrict(options.classes)
    if only_trained and not trained:
        raise ManifestError("the model was trained on no class.", hint="Leave out --vocabulary, or name a file.")
    if only_trained:
        return vocabulary.extend(trained).restrict(trained)
    return vocabulary if file else vocabulary.extend(trained)


def run_unit(
    job: Job,
    model: TvslModel,
    *,
    metadata: Mapping[str, str],
    on_event: EventHandler,
    raise_errors: bool = False,
    reading: Reading | None = None,
) -> VideoFinished:
    """Annotate one video; whatever is wrong with it becomes a failed row.

    Args:
        job: The video, its settings and its place.
        model: Ready to use, with the vocabulary of the run.
        metadata: What stands in its table about how it was made.
        on_event: Told about its progress, in this thread.
        raise_errors: Raise instead of giving a failed row.
        reading: The video, where it is being read already.
    """
    from tvsl_core.annotate.video import annotate_job

    began, stage = time.perf_counter(), ["probe"]

    def follow(event: Event) -> None:
        stage[0] = event.stage if isinstance(event, VideoAdvanced) else "annotate"
        on_event(event)

    try:
        result = annotate_job(job, model, metadata=dict(metadata), on_event=follow, reading=reading)
    except Exception as error:
        if raise_errors:
            raise
        return failed(job, explain(job, error), stage=stage[0], elapsed_s=time.perf_counter() - began)
    return _done(job, result, elapsed_s=time.perf_counter() - began)


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoFailure:
    """Why a video has no result."""

    kind: FailureKind
    message: str
    """What is wrong, in one sentence."""
    hint: str = ""
    """What to do about it."""
    stage: str = ""
    """Where it happened, when the failure itself knows."""

    @property
    def again(self) -> bool:
        """Whether the trouble lay outside the video, so that the next run tries it again by itself."""
        return self.kind not in ("input", "stalled", "crashed")


def failed(job: Job, failure: VideoFailure, *, stage: str, elapsed_s: float) -> VideoFinished:
    """The row of a video that has no result.

    Args:
        job: The video.
        failure: Why.
        stage: Where it was then; a failure that knows its own stage knows better.
        elapsed_s: How long it took until then.
    """
    return VideoFinished(
        video=job.item.name,
        path=job.item.path,
        status="failed",
        error=failure.message,
        hint=failure.hint,
        stage=failure.stage or stage,
        elapsed_s=elapsed_s,
        fingerprint=job.fingerprint,
        failure=failure.kind,
        again=failure.again,
    )


def explain(job: Job, error: BaseException) -> VideoFailure:
    """What an error says about a video; one that nobody foresaw goes to the log with all that is known of it."""
    if is_memory(error):
        hint = "Lower --workers or --batch, or free some memory, then give the same command again."
        return VideoFailure(kind="memory", message="there was not enough memory.", hint=hint)
    if isinstance(error, TvslError):
        kind: FailureKind = "input" if isinstance(error, InputError) else "output"
        return VideoFailure(kind=kind, message=error.message, hint=error.hint, stage=error.stage)
    _log.exception("%s failed", job.item.name, exc_info=error)
    return VideoFailure(
        kind="unexpected",
        message=f"an unexpected error: {type(error).__name__}: {error}",
        hint="Please report it, with --log-file.",
    )


def is_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out.

    torch, OpenCV and PyAV raise errors of many kinds for it, and only their words tell. Our own errors are never judged
    by theirs, which may hold the name of a file.
    """
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return not isinstance(error, TvslError) and any(sign in str(error).lower() for sign in _MEMORY_WORDS)


def _done(job: Job, result: Annotation, *, elapsed_s: float) -> VideoFinished:
    return VideoFinished(
        video=job.item.name,
        path=job.item.path,
        status="done",
        elapsed_s=elapsed_s,
        fingerprint=job.fingerprint,
        outputs=tuple(result.outputs),
        event_table=job.events,
        **result.outcome(),
    )
