"""Several processes that compute what one would: everything is added up before it is divided.

Started by ``torchrun``, each process works on its part of every batch. Heads are small, so gradients are added up in
one message after the backward pass; unlike a wrapper around the module this also serves losses that are switched off.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from tvsl_core.model.losses import Gathered

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = datetime.timedelta(hours=12)
"""How long processes wait for each other: one may be building a feature cache."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """This process among all of a run."""

    rank: int = 0
    world: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    def add_up(self, value: Tensor) -> Tensor:
        """The sum of a tensor over all processes, without gradient."""
        if self.world == 1:
            return value
        total = value.detach().clone()
        torch.distributed.all_reduce(total)
        return total

    def add_up_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its sum over all processes; a process without one counts as 0."""
        if self.world == 1:
            return
        gradients = []
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
        total = self.add_up(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, part in zip(gradients, torch.split(total, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def gather(self, own: Gathered) -> Gathered | None:
        """The pairs of all processes, with gradients to where they came from; None when there is one process."""
        if self.world == 1:
            return None
        counts = self._counts(len(own.klass), own.keys.device)
        keys, queries = (torch.cat(_gather_rows(rows, counts)) for rows in (own.keys, own.queries))
        klass = torch.cat(_gather_rows(own.klass, counts))
        return Gathered(keys=keys, queries=queries, klass=klass, first=sum(counts[: self.rank]))

    def wait(self) -> None:
        """Until all processes are here."""
        if self.world > 1:
            torch.distributed.barrier()

    def from_first(self, value: Any) -> Any:
        """What the first process has, in all of them."""
        if self.world == 1:
            return value
        box = [value]
        torch.distributed.broadcast_object_list(box)
        return box[0]

    def _counts(self, own: int, device: torch.device) -> list[int]:
        counts = torch.zeros(self.world, dtype=torch.int64, device=device)
        counts[self.rank] = own
        return [int(count) for count in self.add_up(counts)]


@contextmanager
def joined(device: torch.device) -> Iterator[Group]:
    """This process's place in the run: alone, or one of those that ``torchrun`` started.

    Args:
        device: On which it works; decides how processes talk (NCCL between GPUs, gloo otherwise).
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Group()
        return
    torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield Group(rank=torch.distributed.get_rank(), world=world)
    finally:
        torch.distributed.destroy_process_group()


def local_device(device: torch.device) -> torch.device:
    """The GPU of this process on a machine with several; any other device is itself."""
    local = os.environ.get("LOCAL_RANK")
    return torch.device("cuda", int(local)) if device.type == "cuda" and local else device


class _Gather(torch.autograd.Function):
    """All processes' rows; on the way back every process gets the sum of what all of them ask of its rows."""

    @staticmethod
    def forward(context: Any, rows: Tensor) -> Tensor:
        """``[row dim]`` to ``[process row dim]``."""
        parts = [torch.empty_like(rows) for _ in range(torch.distributed.get_world_size())]
        torch.distributed.all_gather(parts, rows.contiguous())
        return torch.stack(parts)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        """``[process row dim]`` to ``[row dim]``."""
        total = gradients[0].contiguous()
        torch.distributed.all_reduce(total)
        return total[torch.distributed.get_rank()]


def _gather_rows(rows: Tensor, counts: Sequence[int]) -> list[Tensor]:
    """Rows of every process, which may have different numbers of them."""
    padded = torch.cat((rows, rows.new_zeros(max(counts) - len(rows), *rows.shape[1:])))
    if rows.is_floating_point():
        gathered: Tensor = _Gather.apply(padded)
    else:
        parts = [torch.empty_like(padded) for _ in counts]
        torch.distributed.all_gather(parts, padded.contiguous())
        gathered = torch.stack(parts)
    return [part[:count] for part, count in zip(gathered, counts, strict=True)]
