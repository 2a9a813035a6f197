"""Each training loss as a pure function.

A loss gives a sum and the number that the sum is over, not the mean: processes that share a batch add up both before
they divide, so that two of them compute what one would.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

SoundPool = Literal["top-third", "mean", "max", "smooth-max"]
"""How the logits of sound positions become one logit of a clip."""


class Loss(NamedTuple):
    """One loss before division."""

    total: Tensor
    """Sum over what was judged; a scalar."""
    number: Tensor
    """How many were judged; a scalar without gradient. 0 when there was nothing, and the sum is then 0."""

    def mean(self) -> Tensor:
        """The loss of one process; 0 when nothing was judged."""
        return self.total / self.number.clamp_min(1.0)


class Gathered(NamedTuple):
    """Pairs of (clip, class) from all processes."""

    keys: Tensor
    """Unit length ``[all dim]``."""
    queries: Tensor
    """Unit length ``[all dim]``."""
    klass: Tensor
    """int64 ``[all]``."""
    first: int
    """Where this process's own pairs begin."""


def _loss(values: Tensor, number: int | Tensor) -> Loss:
    return Loss(values.sum(), torch.as_tensor(number, dtype=torch.float32, device=values.device))


def detect(logits: Tensor, sounding: Tensor) -> Loss:
    """L_mcid: binary cross entropy over all classes. [TVSL] section 3.2.

    Args:
        logits: ``[clip klass]``.
        sounding: ``[clip klass]`` in {0, 1}.

    Returns: The sum over classes, counted by clip.
    """
    return _loss(F.binary_cross_entropy_with_logits(logits, sounding.float(), reduction="none"), len(logits))


def classify(logits: Tensor, klass: Tensor) -> Loss:
    """L_cls: cross entropy of what a name pulled out with that name. [TVSL] section 3.2.

    Args:
        logits: ``[pair klass]``.
        klass: int64 ``[pair]``.
    """
    if len(logits) == 0:
        return _loss(logits, 0)
    return _loss(F.cross_entropy(logits, klass, reduction="none"), len(logits))


def correspond(own: Gathered, others: Gathered | None, *, scale: Tensor) -> Loss:
    """L_av: symmetric InfoNCE between the pooled keys and queries of (clip, class) pairs. [TVSL] section 3.3.

    Pairs of other clips with the same class are no negatives: they sound and look alike rightly.

    Args:
        own: The pairs of this process.
        others: All pairs, those of this process at ``first``; None when there is one process.
        scale: Factor on the cosines.
    """
    everyone = others or own
    if len(own.klass) == 0:
        return _loss(own.keys * 0.0, 0)
    place = torch.arange(len(own.klass), device=own.klass.device)
    itself = everyone.first + place if others is not None else place
    same = own.klass[:, None] == everyone.klass[None]
    same[place, itself] = False
    forth = (scale * (own.keys @ everyone.queries.T)).masked_fill(same, float("-inf"))
    back = (scale * (own.queries @ everyone.keys.T)).masked_fill(same, float("-inf"))
    both = F.cross_entropy(forth, itself, reduction="none") + F.cross_entropy(back, itself, reduction="none")
    return _loss(both / 2, len(own.klass))


def pool_sound(logits: Tensor, how: SoundPool) -> Tensor:
    """Logits of sound positions to logits of the clip.

    ``top-third`` is the mean over the strongest third of the positions, as detection in use listens.

    Shapes: ``[clip sound klass]`` to ``[clip klass]``.
    """
    positions = logits.shape[1]
    if how == "mean":
        return logits.mean(dim=1)
    if how == "max":
        return logits.amax(dim=1)
    if how == "smooth-max":
        return torch.logsumexp(logits, dim=1) - torch.log(torch.tensor(float(positions)))
    return logits.topk(max(1, -(-positions // 3)), dim=1).values.mean(dim=1)


def hear(logits: Tensor, sounding: Tensor, *, pool: SoundPool = "top-third", smoothing: float = 0.0) -> Loss:
    """Which classes sound, from the sound alone: binary cross entropy of pooled logits; ours.

    Args:
        logits: ``[clip sound klass]``.
        sounding: ``[clip klass]`` in {0, 1}.
        pool: See ``pool_sound``.
        smoothing: Targets are this far from 0 and 1, in [0, 0.5).
    """
    target = sounding.float() * (1 - 2 * smoothing) + smoothing
    return _loss(F.binary_cross_entropy_with_logits(pool_sound(logits, pool), target, reduction="none"), len(logits))


def see(logits: Tensor, share: Tensor, known: Tensor) -> Loss:
    """What each patch shows, where masks say so: cross entropy with the share that each class covers; ours.

    Args:
        logits: ``[clip patch klass+1]``, background last.
        share: ``[clip patch klass+1]`` in [0, 1], summing to 1 over the classes where known.
        known: bool ``[clip patch]``.

    Returns: The sum over known patches, counted by patch.
    """
    losses = F.cross_entropy(logits.flatten(0, 1), share.flatten(0, 1), reduction="none")
    return _loss(torch.where(known.flatten(), losses, 0.0), known.sum())


def see_somewhere(logits: Tensor, visible: Tensor, *, unknown: Tensor, judged: Tensor) -> Loss:
    """What the unmarked parts of a picture show: some patch shows each class that is there, none shows another; ours.

    The multiple-instance form of ``see``, for photographs of which only the classes are known: of every class the
    likeliest patch answers for the picture.

    Args:
        logits: ``[clip patch klass+1]``, background last.
        visible: ``[clip klass]`` in {0, 1}.
        unknown: bool ``[clip patch]``: patches of which nothing was marked; a picture without any is left out.
        judged: bool ``[clip klass]``: False for classes whose place is known elsewhere in the picture.

    Returns: The sum over classes, counted by picture.
    """
    logs = torch.log_softmax(logits, dim=-1)[..., :-1].masked_fill(~unknown[..., None], -30.0)
    likely = logs.amax(dim=1).clamp(-30.0, -1e-6)
    losses = -(visible * likely + (1 - visible) * torch.log1p(-likely.exp()))
    weak = unknown.any(dim=1)
    return _loss(torch.where(judged & weak[:, None], losses, 0.0), weak.sum())


def distill_image(logits: Tensor, evidence: Tensor) -> Loss:
    """Keep what the untrained mapping says of patches on names outside the training: cross entropy with it; ours.

    Args:
        logits: ``[clip patch name+1]``, background last.
        evidence: ``[clip patch name]`` in [0, 1]; what is left to 1 is background.
    """
    total = evidence.sum(dim=-1, keepdim=True)
    named = evidence / total.clamp_min(1.0)
    target = torch.cat((named, (1 - named.sum(dim=-1, keepdim=True)).clamp_min(0.0)), dim=-1)
    losses = F.cross_entropy(logits.flatten(0, -2), target.flatten(0, -2), reduction="none")
    return _loss(losses, losses.numel())


def distill_sound(logits: Tensor, evidence: Tensor) -> Loss:
    """Keep what the untrained mapping says of sounds on names outside the training: binary cross entropy with it; ours.

    Args:
        logits: ``[clip sound name]``.
        evidence: ``[clip sound name]`` in [0, 1].

    Returns: The sum over names, counted by position.
    """
    losses = F.binary_cross_entropy_with_logits(logits, evidence, reduction="none")
    return _loss(losses, losses.shape[0] * losses.shape[1])
