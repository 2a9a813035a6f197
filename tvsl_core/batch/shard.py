"""Many machines, one command: each takes a share of the same inputs, without talking to the others.

Which share a video belongs to depends on its name alone, so that every machine that sees the same inputs agrees, in
whatever order it sees them, and a video that is added later moves no other.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from tvsl_core.batch.inputs import FoundVideos

MAX_SHARDS = 1_000_000
_SLURM = "SLURM_ARRAY_TASK_"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """One share of the inputs: number ``number`` of ``count``, counted from 1."""

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_SHARDS:
            raise ValueError(f"a shard is one of 1 to {MAX_SHARDS:,}, got {self.count}")
        if not 1 <= self.number <= self.count:
            raise ValueError(
                f"shards are counted from 1: the first of {self.count} is 1/{self.count}, the last is "
                f"{self.count}/{self.count}; got {self.number}/{self.count}"
            )

    @property
    def label(self) -> str:
        """Such as ``2-of-5``."""
        return f"{self.number}-of-{self.count}"

    def holds(self, video: str) -> bool:
        """Whether a video of this name belongs here."""
        digest = hashlib.sha256(unicodedata.normalize("NFC", video).encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.number - 1


def parse_shard(text: str) -> Shard:
    """The shard that a text such as ``2/5`` names.

    Raises: ValueError: It names none.
    """
    match = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text, re.ASCII)
    if match is None:
        raise ValueError(f"a shard is I/N, such as 1/4 for the first of four, got {text!r}")
    return Shard(number=int(match[1]), count=int(match[2]))


def shard_of_array(environment: Mapping[str, str]) -> Shard | None:
    """The shard of a task of a Slurm job array, by the variables that Slurm sets; None outside an array.

    The array may begin anywhere and go in steps (``--array=0-9``, ``1-10``, ``10-30:5``): the lowest task is the first.

    Args:
        environment: Variables of the process.

    Raises: ValueError: The array is no even row of numbers, so that the tasks cannot be counted.

    Source: sbatch manual, "OUTPUT ENVIRONMENT VARIABLES".
    """
    names = ("ID", "COUNT", "MIN", "MAX", "STEP")
    values = {name: environment.get(_SLURM + name, "") for name in names}
    if not values["ID"] or not values["COUNT"]:
        return None
    try:
        task, count = int(values["ID"]), int(values["COUNT"])
        low = int(values["MIN"] or 0)
        high = int(values["MAX"] or low + count - 1)
    except ValueError:
        found = ", ".join(f"{_SLURM}{name}={value}" for name, value in values.items() if value)
        raise ValueError(f"the variables of the job array are no numbers ({found}); give --shard I/N") from None
    step = (high - low) // (count - 1) if count > 1 else 1
    if step < 1 or low + step * (count - 1) != high or (task - low) % step:
        raise ValueError(
            f"the job array has {count} tasks from {low} to {high}, which is no even row of numbers, so the share of "
            f"task {task} is unknown; give --shard I/N"
        )
    return Shard(number=(task - low) // step + 1, count=count)


def choose_shard(found: FoundVideos, shard: Shard) -> FoundVideos:
    """The inputs that belong to a shard; together the shards hold each one exactly once."""
    return FoundVideos(
        items=tuple(item for item in found.items if shard.holds(item.name)),
        problems=tuple(problem for problem in found.problems if shard.holds(problem.given)),
    )
