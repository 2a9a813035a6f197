"""How good the heads are on scenes that they do not learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from tvsl_core.model.heads import TvslHeads
from tvsl_core.model.losses import Loss, pool_sound
from tvsl_core.training.batch import Batch, FeatureSource, assemble, share_out
from tvsl_core.training.distributed import Group
from tvsl_core.training.objective import Objective
from tvsl_core.training.options import TrainOptions

SCORES = ("heard", "exact", "placed")
"""``heard``: share of the sounding classes that are among the strongest n of a scene's sound, n being how many sound.
``exact``: share of the scenes with sound in which all are. ``placed``: share of the classes that sound and have a mask
whose map is strongest on their own object."""


class ClassScore(NamedTuple):
    """Of how many scenes with a class how many were right."""

    heard: int
    sounding: int
    """Scenes in which it sounds."""
    placed: int
    marked: int
    """Scenes in which it sounds and its place is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """What one look at the validation split found."""

    values: Mapping[str, float] = field(default_factory=dict)
    """``loss`` (the weighted sum), each loss under its name, and those of ``SCORES`` that could be judged: without a
    known place there is no ``placed``."""
    classes: Mapping[str, ClassScore] = field(default_factory=dict)
    """Every class by itself."""


@torch.no_grad()
def validate(
    heads: TvslHeads,
    objective: Objective,
    source: FeatureSource,
    *,
    options: TrainOptions,
    group: Group,
    device: torch.device,
) -> Validation:
    """Losses and scores on all scenes of a source, drawn as in its first epoch, without augmentation."""
    heads.eval()
    found: dict[str, Loss] = {}
    classes = torch.zeros(len(ClassScore._fields), len(source.classes), device=device)
    for begin in range(0, len(source.usable), options.batch):
        indices = share_out(source.usable[begin : begin + options.batch], rank=group.rank, world=group.world)
        batch = assemble(source, indices, 0, options, augment=False).to(device)
        scores, by_class = _score(heads, batch, objective.text, options)
        classes += by_class
        for name, value in (objective.losses(heads, batch) | scores).items():
            earlier = found.get(name, Loss(torch.zeros((), device=device), torch.zeros((), device=device)))
            found[name] = Loss(earlier.total + value.total, earlier.number + value.number)
    if not found:
        return Validation()
    sums = group.add_up(torch.stack([value for loss in found.values() for value in loss])).view(-1, 2)
    means = (sums[:, 0] / sums[:, 1].clamp_min(1.0)).tolist()
    values = dict(zip(found, means, strict=True))
    total = sum(weight * values[name] for name, weight in objective.weights.items())
    unjudged = {name for name, number in zip(found, sums[:, 1].tolist(), strict=True) if number == 0 and name in SCORES}
    counts = group.add_up(classes).T.long().tolist()
    return Validation(
        values={"loss": total, **{name: value for name, value in values.items() if name not in unjudged}},
        classes={name: ClassScore(*row) for name, row in zip(source.classes, counts, strict=True)},
    )


def _score(heads: TvslHeads, batch: Batch, text: Tensor, options: TrainOptions) -> tuple[dict[str, Loss], Tensor]:
    """The scores of a batch, and ``[ClassScore klass]``."""
    seen, heard = heads.see(batch.image), heads.hear(batch.sound)
    logits = pool_sound(heads.sound_logits(heard, text), options.sound_pool)
    count = batch.sounding.sum(dim=1)
    rank = logits.argsort(dim=1, descending=True).argsort(dim=1)
    among = batch.sounding * (rank < count[:, None])
    audible = count > 0
    clip, klass = (batch.sounding * (batch.share[..., :-1] * batch.known[..., None]).amax(dim=1) > 0.5).nonzero(
        as_tuple=True
    )
    peaks = heads.correspondence(seen, heard, text)[clip, klass].argmax(dim=1) if len(clip) else clip
    right = (batch.share[clip, peaks, klass] > 0.5).float()
    none = torch.zeros(len(text), device=text.device)
    placed, marked = none.index_add(0, klass, right), none.index_add(0, klass, torch.ones_like(right))
    scores = {
        "heard": Loss(among.sum(), count.sum()),
        "exact": Loss((audible & (among.sum(dim=1) == count)).sum().float(), audible.sum().float()),
        "placed": Loss(right.sum(), marked.sum()),
    }
    return scores, torch.stack((among.sum(dim=0), batch.sounding.sum(dim=0), placed, marked))
