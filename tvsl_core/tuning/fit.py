"""The scorer of a towers or heads file, fitted on long scenes from held-out material and never on a test split.

Two networks are fitted in turn. The first learns at which positions a class sounds. The second judges whole events,
and must see such as annotation will show it: so the scenes are halved, and the events of either half are found with a
network of positions that was fitted on the other. How sure it may be is then told by what it did not learn from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from tvsl_core.annotate.events import EventSpan, event_features, find_events, smoothed
from tvsl_core.annotate.evidence import FEATURES, HOP_S, FineEvidence, features, strongest_classes
from tvsl_core.annotate.rules import EventOptions
from tvsl_core.annotate.signals.score import LAYOUT, SMOOTHING, ancestry, kinship
from tvsl_core.data.scenes.pool import MediaPool
from tvsl_core.data.scenes.timed import TimedScene
from tvsl_core.errors import InputError
from tvsl_core.evaluation.metrics import certainty
from tvsl_core.model.learned import SUPPORT, TRUST
from tvsl_core.model.scorer import EVENT_WIDTHS, WIDTHS, EventScorer, FeatureNetwork
from tvsl_core.vocabulary.classes import Vocabulary

Floats = NDArray[np.float32]

STRIDE = 2
"""One position in so many is learned from; those beside it are nearly the same."""
RIGHT = 0.5
"""An event is right when its class sounds in at least so much of it, and judged when so much of it is known."""
LEAST_STEPS = 200
"""Few scenes are gone through more often."""
EPOCHS, BATCH, RATE, DECAY, BLUR = 4, 4096, 4e-3, 1e-2, 0.05
"""Of the network of positions: features are blurred by a share of their spread, so that it learns no scene by heart."""
EVENT_EPOCHS, EVENT_BATCH, EVENT_RATE, EVENT_DECAY, EVENT_BLUR = 60, 128, 3e-3, 3e-2, 0.1
TEMPERATURES = tuple(np.geomspace(0.5, 4.0, 40).tolist())

MANY_SOURCES = 3
"""A class whose sounds come from so many sources can be told by what was learned."""
LEARNED_WELL, LEARNED_LITTLE = (1.0, 0.3), (0.5, 1.0)
"""Trust in the heads and support by the untrained mapping; docs/experiments.md has the comparison."""


def support_of(pool: MediaPool) -> dict[str, dict[str, float]]:
    """How much heads and untrained mapping count for each class, by the variety of the sounds that it was trained on.

    Args:
        pool: What the heads were trained on.

    Returns: For the details of a heads file.
    """
    sources: dict[str, set[str]] = {name: set() for name in pool.classes}
    for item in pool.sounds:
        for name in item.names:
            sources[name].add(item.group)
    weights = {name: LEARNED_WELL if len(own) >= MANY_SOURCES else LEARNED_LITTLE for name, own in sources.items()}
    return {
        TRUST: {name: trust for name, (trust, _) in weights.items()},
        SUPPORT: {name: support for name, (_, support) in weights.items()},
    }


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HeardScene:
    """One long scene as the scorer meets it, with what is true of it."""

    klasses: NDArray[np.intp]
    """``[candidate]``."""
    features: NDArray[np.float16]
    """``[sound candidate feature]``; halves, for there are many scenes."""
    truth: NDArray[np.float16]
    """``[sound klass]``: 1 where a class sounds, 0 where not, nan where nobody knows."""
    visible: NDArray[np.bool_]
    """``[klass]``, whether it is in the picture."""


def hear(scene: TimedScene, evidence: FineEvidence, vocabulary: Vocabulary) -> HeardScene:
    """A scene with the evidence that a model has of it.

    A generic name sounds whenever one below it does; whether a more specific name than the true one would be right is
    not known, nor is which untrained name fits a sound of which nobody said what it is.
    """
    above = ancestry(vocabulary)
    place = {name: klass for klass, name in enumerate(vocabulary.names)}
    index = {name: place[known.name] for name in _names_of(scene) if (known := vocabulary.find(name)) is not None}
    times = np.arange(len(evidence.sound)) * HOP_S
    truth = np.zeros(evidence.sound.shape, np.float16)
    for start_s, end_s in scene.unnamed:
        truth[np.ix_((times >= start_s) & (times < end_s), ~evidence.trained)] = np.nan
    sounding = [(index[event.name], event) for event in scene.events if event.name in index]
    for klass, event in sounding:
        truth[np.ix_((times >= event.start_s) & (times < event.end_s), above[klass])] = np.nan
    for klass, event in sounding:
        during = (times >= event.start_s) & (times < event.end_s)
        truth[during, klass] = 1
        truth[np.ix_(during, above[:, klass])] = 1
    visible = np.zeros(len(above), bool)
    for name in scene.visible:
        if name in index:
            visible |= above[:, index[name]]
            visible[index[name]] = True
    klasses = strongest_classes(evidence, most=EventOptions().candidates)
    found = features(evidence, klasses, kinship(vocabulary)).astype(np.float16)
    return HeardScene(klasses=klasses, features=found, truth=truth, visible=visible)


def _names_of(scene: TimedScene) -> set[str]:
    return {event.name for event in scene.events} | set(scene.visible)


class FittedScorer(NamedTuple):
    """A scorer, and how far it can be believed."""

    scorer: EventScorer
    certainty: certainty.CertaintyScores
    """Of a judge of events that was fitted on one half of the scenes, on the events of the other."""
    scenes: int
    events: int

    def details(self, name: str) -> dict[str, Any]:
        """What the weights file says about it.

        Args:
            name: What it was fitted on.
        """
        told = self.certainty
        return {
            "fitted_on": name,
            "scenes": self.scenes,
            "events": self.events,
            "judged": told.count,
            "calibration_error": _plain(told.calibration_error),
            "brier": _plain(told.brier),
            "auroc": _plain(told.auroc),
            "reliability": [
                [one.low, one.high, one.count, _plain(one.mean_score), _plain(one.share_right)]
                for one in told.reliability
            ],
        }


class JudgedEvents(NamedTuple):
    """Events with what is true of them."""

    features: Floats
    """``[event feature]``."""
    right: Floats
    """``[event]``, 1 or 0."""
    in_view: Floats
    """``[event]``, 1 or 0."""
    weight: Floats
    """``[event]``: whether ``right`` is known."""
    seen_weight: Floats
    """``[event]``: whether ``in_view`` is judged. Where a wrong name is in the picture, nothing can be learned."""


def fit_scorer(
    scenes: Sequence[HeardScene], vocabulary: Vocabulary, *, seed: int = 0, options: EventOptions | None = None
) -> FittedScorer:
    """Fit both networks and the temperature.

    Args:
        scenes: From held-out material.
        vocabulary: That they were heard with.
        seed: Of the halves and of the networks.
        options: When an event begins and ends.

    Raises: InputError: There are too few scenes to find events in.
    """
    kin, chosen = kinship(vocabulary), options or EventOptions()
    rng = np.random.default_rng(seed)
    half = rng.permutation(len(scenes)) % 2
    halves = [[scene for scene, own in zip(scenes, half, strict=True) if own == side] for side in (0, 1)]
    judged = [judge_events(fit_positions(halves[side], seed=seed), halves[1 - side], kin, chosen) for side in (0, 1)]
    if not all(len(one.right) for one in judged):
        raise InputError("no events were found in the scenes.", hint="Ask for more scenes with --each.")
    trial = fit_events(judged[0], seed=seed)
    temperature = temper(trial, judged[1])
    known = judged[1].weight > 0
    sure = torch.sigmoid(_logits(trial, judged[1])[:, 0] / temperature[0]).double().numpy()
    told = certainty.evaluate(judged[1].right[known] > 0, sure[known])
    scorer = EventScorer(LAYOUT)
    scorer.positions = fit_positions(scenes, seed=seed)
    everything = JudgedEvents(*(np.concatenate(parts) for parts in zip(*judged, strict=True)))
    scorer.events = fit_events(everything, seed=seed)
    scorer.temperature.copy_(torch.tensor(temperature))
    return FittedScorer(scorer.eval(), told, len(scenes), len(everything.right))


def fit_positions(scenes: Iterable[HeardScene], *, seed: int) -> FeatureNetwork:
    """The network that judges a class at a position."""
    rng = np.random.default_rng(seed)
    rows, answers = [], []
    for scene in scenes:
        first = int(rng.integers(STRIDE))
        truth = scene.truth[first::STRIDE][:, scene.klasses].reshape(-1)
        known = ~np.isnan(truth)
        rows.append(scene.features[first::STRIDE].reshape(-1, len(FEATURES))[known])
        answers.append(truth[known].astype(np.float32))
    inputs, targets = torch.from_numpy(np.concatenate(rows)), torch.from_numpy(np.concatenate(answers))
    torch.manual_seed(seed)
    network = FeatureNetwork(len(FEATURES), WIDTHS, 1)
    network.standardise(inputs[::7].float())
    size = min(BATCH, len(inputs))
    epochs = max(EPOCHS, LEAST_STEPS // (len(inputs) // size))
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=epochs * (len(inputs) // size))
    for _ in range(epochs):
        for chosen in _batches(len(inputs), size):
            logits = network(_blurred(inputs[chosen].float(), network, BLUR))[:, 0]
            _step(binary_cross_entropy_with_logits(logits, targets[chosen]), optimizer, schedule)
    return network.eval()


def judge_events(
    positions: FeatureNetwork, scenes: Iterable[HeardScene], kin: NDArray[np.bool_], options: EventOptions
) -> JudgedEvents:
    """The events that are found in some scenes, and what is true of them."""
    rows: list[Floats] = [np.zeros((0, len(LAYOUT.event_features)), np.float32)]
    answers: list[tuple[float, float, float, float]] = []
    for scene in scenes:
        given = scene.features.astype(np.float32)
        with torch.inference_mode():
            sounding = torch.sigmoid(positions(torch.from_numpy(given))[..., 0]).numpy()
        everywhere = np.zeros(scene.truth.shape, np.float32)
        everywhere[:, scene.klasses] = smoothed(sounding, width=SMOOTHING)
        spans = find_events(everywhere, options, hop_s=HOP_S)
        rows.append(event_features(spans, given, FEATURES, scene.klasses, kin, hop_s=HOP_S))
        answers += [_answer(span, scene) for span in spans]
    told = np.asarray(answers, np.float32).reshape(-1, 4)
    return JudgedEvents(np.concatenate(rows), *told.T)


def _answer(span: EventSpan, scene: HeardScene) -> tuple[float, float, float, float]:
    """Whether an event is right, and in view, and how much either counts."""
    truth = scene.truth[span.first : span.stop, span.klass].astype(np.float32)
    known = ~np.isnan(truth)
    counts = bool(known.mean() >= RIGHT)
    right = counts and bool(truth[known].mean() >= RIGHT)
    seen = bool(scene.visible[span.klass])
    return float(right), float(seen), float(counts), float(counts and (right or not seen))


def fit_events(events: JudgedEvents, *, seed: int) -> FeatureNetwork:
    """The network that judges a whole event."""
    torch.manual_seed(seed)
    inputs, targets, weights = _tensors(events)
    network = FeatureNetwork(inputs.shape[1], EVENT_WIDTHS, 2)
    network.standardise(inputs)
    size = min(EVENT_BATCH, len(inputs))
    epochs = max(EVENT_EPOCHS, LEAST_STEPS // (len(inputs) // size))
    optimizer = torch.optim.AdamW(network.parameters(), EVENT_RATE, weight_decay=EVENT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * (len(inputs) // size))
    for _ in range(epochs):
        for chosen in _batches(len(inputs), size):
            logits = network(_blurred(inputs[chosen], network, EVENT_BLUR))
            losses = binary_cross_entropy_with_logits(logits, targets[chosen], reduction="none")
            _step((losses * weights[chosen]).mean(), optimizer, schedule)
    return network.eval()


def temper(network: FeatureNetwork, events: JudgedEvents) -> tuple[float, float]:
    """By what the logits of events are divided so that they are as sure as they may be, on events not learned from."""
    logits = _logits(network, events)
    _, targets, weights = _tensors(events)

    def cost(temperature: float, side: int) -> float:
        losses = binary_cross_entropy_with_logits(logits[:, side] / temperature, targets[:, side], reduction="none")
        return float((losses * weights[:, side]).mean())

    return min(TEMPERATURES, key=lambda one: cost(one, 0)), min(TEMPERATURES, key=lambda one: cost(one, 1))


@torch.inference_mode()
def _logits(network: FeatureNetwork, events: JudgedEvents) -> Tensor:
    logits: Tensor = network(torch.from_numpy(events.features))
    return logits


def _tensors(events: JudgedEvents) -> tuple[Tensor, Tensor, Tensor]:
    targets = np.stack((events.right, events.in_view), axis=1)
    weights = np.stack((events.weight, events.seen_weight), axis=1)
    return torch.from_numpy(events.features), torch.from_numpy(targets), torch.from_numpy(weights)


def _batches(number: int, size: int) -> Iterator[Tensor]:
    """Whole batches of examples, in any order."""
    order = torch.randperm(number)
    return (order[first : first + size] for first in range(0, number - size + 1, size))


def _blurred(inputs: Tensor, network: FeatureNetwork, share: float) -> Tensor:
    return inputs + torch.randn_like(inputs) * network.scale * share


def _step(loss: Tensor, optimizer: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LRScheduler) -> None:
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    schedule.step()


def _plain(value: float) -> float | None:
    """For JSON, which knows no nan."""
    return None if np.isnan(value) else round(value, 4)
