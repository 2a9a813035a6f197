"""The scorer: the probabilities that a class sounds now, that an event is right, and that its source is in view.

Two small networks that know evidence and no names. The first judges a class at one position of the sound; the second
an event as a whole, with what goes on beside it. Both were fitted on scenes from held-out sources, because evidence on
what the towers' heads know by heart is surer than it ever is in use. Which features they take is named in the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tvsl_core.errors import WeightsError
from tvsl_core.model.facts import SCORER_KEY

KIND = "tvsl-scorer-1"
"""What a scorer's file says of itself; the number rises when its tensors mean something else."""
PREFIX = "scorer."
"""Before the names of its tensors, so that they can stand in one file with towers and heads."""
METADATA = ("features", "details")
"""What else its file says of it: the layout of its features, and how it was fitted."""
WIDTHS = (96, 48)
EVENT_WIDTHS = (32, 16)


class FeatureNetwork(nn.Module):
    """Standardised features through a few layers to logits.

    Args:
        features: How many go in.
        widths: Of the layers between.
        outputs: How many logits come out.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, features: int, widths: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        sizes = (features, *widths)
        layers: list[nn.Module] = []
        for inputs, width in pairwise(sizes):
            layers += [nn.Linear(inputs, width), nn.GELU()]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))

    def forward(self, features: Tensor) -> Tensor:
        """``[... feature]`` to logits ``[... output]``."""
        # What lies far outside of anything fitted on says no more than what lies at the edge of it.
        logits: Tensor = self.layers(((features - self.mean) / self.scale).clamp(-6, 6))
        return logits

    @torch.no_grad()
    def standardise(self, features: Tensor) -> None:
        """Take mean and spread of each feature from examples ``[example feature]``."""
        self.mean.copy_(features.mean(dim=0))
        self.scale.copy_(features.std(dim=0).clamp_min(1e-3))


@dataclass(frozen=True, kw_only=True, slots=True)
class ScorerLayout:
    """Which features the two networks take, by name and in order."""

    position_features: tuple[str, ...]
    event_features: tuple[str, ...]


class EventScorer(nn.Module):
    """Both networks.

    Args:
        layout: Their features.
    """

    temperature: Tensor

    def __init__(self, layout: ScorerLayout) -> None:
        super().__init__()
        self.layout = layout
        self.positions = FeatureNetwork(len(layout.position_features), WIDTHS, 1)
        self.events = FeatureNetwork(len(layout.event_features), EVENT_WIDTHS, 2)
        self.register_buffer("temperature", torch.ones(2))
        """Logits of an event are divided by these: that it is right, and that it is in view."""

    @torch.inference_mode()
    def sounding(self, features: Tensor) -> Tensor:
        """Probability that a class sounds at a position: ``[... feature]`` to ``[...]`` in [0, 1]."""
        return torch.sigmoid(self.positions(features)[..., 0])

    @torch.inference_mode()
    def judge(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities that an event is right and that it is in view: ``[event feature]`` to ``[event]`` each."""
        right, in_view = torch.sigmoid(self.events(features) / self.temperature).unbind(dim=-1)
        return right, in_view


class StoredScorer(NamedTuple):
    """A scorer as it lies in a file, perhaps beside heads; ``restore_scorer`` takes both."""

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]


def store_scorer(scorer: EventScorer, details: Mapping[str, Any]) -> StoredScorer:
    """What a file holds of a scorer; ``details`` are plain values such as the reliability table."""
    return StoredScorer(scorer_tensors(scorer), scorer_metadata(scorer, details))


def stored_scorer(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> StoredScorer | None:
    """The scorer among what a file holds, without what belongs to others; None when there is none."""
    if SCORER_KEY not in metadata:
        return None
    return StoredScorer(
        {name: tensor for name, tensor in tensors.items() if name.startswith(PREFIX)},
        {key: metadata[key] for key in (SCORER_KEY, *METADATA) if key in metadata},
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FoundScorer:
    """A scorer with what must be known of where it came from."""

    scorer: EventScorer
    sha256: str
    """Of its file; part of every result's fingerprint."""
    fitted: bool
    """Whether it was fitted for the towers and heads that it is used with; else scores are not calibrated."""


def scorer_tensors(scorer: EventScorer) -> dict[str, Tensor]:
    """Its tensors under the names that they have in a weights file."""
    return {PREFIX + name: tensor.detach().float().cpu().contiguous() for name, tensor in scorer.state_dict().items()}


def scorer_metadata(scorer: EventScorer, details: Mapping[str, Any]) -> dict[str, str]:
    """What a weights file says about it; ``details`` are plain values such as the reliability table."""
    layout = {"positions": scorer.layout.position_features, "events": scorer.layout.event_features}
    return {SCORER_KEY: KIND, "features": json.dumps(layout), "details": json.dumps(dict(details))}


def save_scorer(scorer: EventScorer, path: Path, *, details: Mapping[str, Any]) -> None:
    """Write a scorer as a safetensors file of its own."""
    stored = store_scorer(scorer, details)
    save_file(dict(stored.tensors), path, metadata=dict(stored.metadata))


def load_scorer(path: Path, *, layout: ScorerLayout | None = None) -> tuple[EventScorer, dict[str, Any]]:
    """Read a scorer.

    Args:
        path: What ``save_scorer`` wrote.
        layout: The features that will be given to it; None takes it as it is.

    Returns: The scorer in eval mode, and the details that were stored with it.

    Raises: WeightsError: It is no scorer, is damaged, or takes other features.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except Exception as problem:
        raise WeightsError(f"the scorer '{path}' cannot be read: {problem}.") from problem
    return restore_scorer(tensors, metadata, layout=layout, where=str(path))


def restore_scorer(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str], *, layout: ScorerLayout | None = None, where: str
) -> tuple[EventScorer, dict[str, Any]]:
    """A scorer from what a weights file holds; see ``load_scorer``. Tensors of others are passed over.

    Raises: WeightsError: There is none, or it takes other features.
    """
    if metadata.get(SCORER_KEY) != KIND:
        raise WeightsError(f"'{where}' holds no scorer of this version of tvsl.", hint="Fit one again.")
    stored = json.loads(metadata["features"])
    found = ScorerLayout(position_features=tuple(stored["positions"]), event_features=tuple(stored["events"]))
    if layout is not None and found != layout:
        raise WeightsError(f"the scorer of '{where}' takes other features than this version.", hint="Fit one again.")
    scorer = EventScorer(found)
    own = {name.removeprefix(PREFIX): tensor for name, tensor in tensors.items() if name.startswith(PREFIX)}
    try:
        scorer.load_state_dict(own, strict=True)
    except RuntimeError as problem:
        raise WeightsError(f"the scorer of '{where}' is damaged: {problem}.") from problem
    return scorer.eval(), json.loads(metadata.get("details", "{}"))
