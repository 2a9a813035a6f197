"""What is minimised: the losses of one batch, weighted, each divided by what all processes judged together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from tvsl_core.model import losses
from tvsl_core.model.evidence import Patches, Positions
from tvsl_core.model.heads import TvslHeads
from tvsl_core.model.losses import Gathered, Loss
from tvsl_core.model.memory import Memory
from tvsl_core.model.towers import TrainableTowers
from tvsl_core.training.batch import Batch
from tvsl_core.training.distributed import Group
from tvsl_core.training.options import TrainOptions
from tvsl_core.vocabulary.classes import load_vocabulary

REPLAYED = 128
"""Patches, and sound positions, of one step that are replayed."""
PLACED = 0.05
"""A class that covers more of a known patch than this has a place in the picture."""


class Teacher:
    """The untrained mapping, on names outside the training.

    Args:
        towers: That the heads are trained over.
        names: Outside the training.
    """

    def __init__(self, towers: TrainableTowers, names: Sequence[str]) -> None:
        self.towers = towers
        self.names = tuple(names)
        self.evidence = towers.class_evidence(names, load_vocabulary(None).evidence())
        self.text = towers.embed_names(names).clone()
        """``[name dim]``, as the heads know them."""

    def image(self, features: Tensor) -> Tensor:
        """``[clip patch feature]`` to ``[clip patch name]`` in [0, 1]."""
        return self.evidence.image(Patches(joint=self.towers.joint_image(features))).clone()

    def sound(self, features: Tensor) -> Tensor:
        """``[clip sound feature]`` to ``[clip sound name]`` in [0, 1]."""
        return self.evidence.sound(Positions(joint=self.towers.joint_sound(features))).clone()


class Replay:
    """What heads said of what they had learned from, before they are taught more.

    Args:
        before: Those heads, over the features.
        text: ``[old dim]``: the names that they know, which come first among all.
        memory: Features.
        new: How many names are new.
    """

    @torch.no_grad()
    def __init__(self, before: TvslHeads, text: Tensor, memory: Memory, *, new: int) -> None:
        self.image, self.sound = (rows[:, None].to(text.device) for rows in memory)
        likely = torch.softmax(before.image_logits(before.see(self.image), text), dim=-1)[..., :-1]
        heard = torch.sigmoid(before.sound_logits(before.hear(self.sound), text))
        # What is new was not there: a clip of it would have been a clip of the training.
        self.likely, self.heard = (torch.nn.functional.pad(said, (0, new)) for said in (likely, heard))

    def image_loss(self, heads: TvslHeads, text: Tensor) -> Loss:
        """Cross entropy with the shares of each name, counted by patch."""
        some = _some(len(self.image), all_of_them=not heads.training)
        return losses.distill_image(heads.image_logits(heads.see(self.image[some]), text), self.likely[some])

    def sound_loss(self, heads: TvslHeads, text: Tensor) -> Loss:
        """Binary cross entropy summed over names, counted by position, so that it weighs as much as ``hear``."""
        some = _some(len(self.sound), all_of_them=not heads.training)
        total, _ = losses.distill_sound(heads.sound_logits(heads.hear(self.sound[some]), text), self.heard[some])
        return Loss(total, torch.tensor(float(len(some)), device=text.device))


def _some(count: int, *, all_of_them: bool) -> Tensor:
    return torch.arange(count) if all_of_them else torch.randperm(count)[:REPLAYED]


class Objective:
    """Losses of the heads on a batch.

    Args:
        text: ``[klass dim]``, unit vectors of the classes.
        options: Which losses count how much.
        group: The processes that share a batch.
        teacher: For distilling; None when nothing is distilled.
        replay: For heads that are taught more; None when they begin anew.
    """

    def __init__(
        self,
        text: Tensor,
        options: TrainOptions,
        group: Group,
        teacher: Teacher | None = None,
        replay: Replay | None = None,
    ) -> None:
        self.text = text
        self.options = options
        self.group = group
        self.teacher = teacher
        self.replay = replay
        active = options.losses.active()
        self.weights = {name: one for name, one in active.items() if replay or not name.startswith("replay")}
        if teacher is None and any(name.startswith("distill") for name in self.weights):
            raise ValueError("distilling needs names outside the training")

    def __call__(self, heads: TvslHeads, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """This process's share of the loss, whose sum over all processes is the loss; and each loss of them all.

        Args:
            heads: That are trained.
            batch: This process's part.
        """
        found = self.losses(heads, batch)
        # One message: sums for the log, and the numbers that everybody divides by.
        sums = torch.stack([value.detach() for loss in found.values() for value in loss])
        total, number = self.group.add_up(sums).view(-1, 2).T
        number = number.clamp_min(1.0)
        share = torch.stack(
            [self.weights[name] * loss.total / count for (name, loss), count in zip(found.items(), number, strict=True)]
        ).sum()
        return share, dict(zip(found, total / number, strict=True))

    def losses(self, heads: TvslHeads, batch: Batch) -> dict[str, Loss]:
        """Every loss that counts, of this process's part of the batch."""
        seen, heard = heads.see(batch.image), heads.hear(batch.sound)
        ways: Mapping[str, Callable[[TvslHeads, Batch, Tensor, Tensor], Loss]] = {
            "detect": self._detect,
            "classify_image": self._classify_image,
            "classify_sound": self._classify_sound,
            "correspond": self._correspond,
            "hear": self._hear,
            "see": self._see,
            "see_somewhere": self._see_somewhere,
            "distill_image": self._distill_image,
            "distill_sound": self._distill_sound,
            "replay_image": self._replay_image,
            "replay_sound": self._replay_sound,
        }
        return {name: ways[name](heads, batch, seen, heard) for name in self.weights}

    def _detect(self, heads: TvslHeads, batch: Batch, seen: Tensor, heard: Tensor) -> Loss:
        return losses.detect(heads.detection_logits(seen, heard, self.text), batch.sounding)

    def _classify_image(self, heads: TvslHeads, batch: Batch, seen: Tensor, heard: Tensor) -> Loss:
        clip, klass = batch.visible.nonzero(as_tuple=True)
        return losses.classify(heads.class_logits("image", seen[clip], self.text, klass), klass)

    def _classify_sound(self, heads: TvslHeads, batch: Batch, seen: Tensor, heard: Tensor) -> Loss:
        clip, klass = batch.sounding.nonzero(as_tuple=True)
        return losses.classify(heads.class_logits("sound", heard[clip], self.text, klass), klass)

    def _correspond(self, heads: TvslHeads, batch: Batch, seen: Tensor, heard: Tensor) -> Loss:
        clip, klass = (batch.visible * batch.sounding).nonzero(as_tuple=True)
        keys = heads.pooled_keys(seen[clip], self.text[klass])
        own = Gathered(keys=keys, queries=heads.queries(heard[clip], self.text[klass]), klass=klass, first=0)
        return losses.correspond(own, self.group.gather(own), scale=heads.scale("pair"))

    def _hear(self, heads: TvslHeads, batch: Batch, seen: Tensor, heard: Tensor) -> Loss:
        pool, smoothing = self.options.sound_pool, self.options.label_smoothing
        return losses.hear(heads.sound_logits(heard, self.text), batch.sounding, pool=pool, smoothing=smoothing)

    def _see(self, heads: TvslHeads, batch: Batch, seen: Tensor, heard: Tensor) -> Loss:
        return losses.see(heads.image_logits(seen, self.text), batch.share, batch.known)

    def _see_somewhere(self, heads: TvslHeads, batch: Batch, seen: Tensor, heard: Tensor) -> Loss:
        placed = (batch.share[..., :-1] * batch.known[..., None]).amax(dim=1) > PLACED
        judged = ~(placed & (batch.visible > 0))
        logits = heads.image_logits(seen, self.text)
        return losses.see_somewhere(logits, batch.visible, unknown=~batch.known, judged=judged)

    def _distill_image(self, heads: TvslHeads, batch: Batch, seen: Tensor, heard: Tensor) -> Loss:
        assert self.teacher is not None
        return losses.distill_image(heads.image_logits(seen, self.teacher.text), self.teacher.image(batch.image))

    def _distill_sound(self, heads: TvslHeads, batch: Batch, seen: Tensor, heard: Tensor) -> Loss:
        assert self.teacher is not None
        return losses.distill_sound(heads.sound_logits(heard, self.teacher.text), self.teacher.sound(batch.sound))

    def _replay_image(self, heads: TvslHeads, batch: Batch, seen: Tensor, heard: Tensor) -> Loss:
        assert self.replay is not None
        return self.replay.image_loss(heads, self.text)

    def _replay_sound(self, heads: TvslHeads, batch: Batch, seen: Tensor, heard: Tensor) -> Loss:
        assert self.replay is not None
        return self.replay.sound_loss(heads, self.text)
