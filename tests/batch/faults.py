"""Models whose videos do real harm to the process that annotates them, by their names: what a broken decoder does."""

from __future__ import annotations

import ctypes
import dataclasses
import os
import signal
import time

from tvsl_core.batch.engines.task import ModelChoice


def harm(name: str) -> None:
    """Do what the name of a video says."""
    if "segfault" in name:
        ctypes.string_at(0)
    if "exit" in name:
        os._exit(7)
    if "killed" in name:
        os.kill(os.getpid(), signal.SIGKILL)
    if "hang" in name:
        time.sleep(1000)
    if "greedy" in name:
        kept = [bytearray(256 << 20) for _ in range(10_000)]
        del kept
    if "slow" in name:
        time.sleep(1.0)


class HarmfulChoice(ModelChoice):
    """The default model, in a process where opening some videos does harm."""

    def __reduce__(self):
        """The trap is set as soon as a worker knows of the model: videos are opened before it is loaded."""
        return _set_trap, ({field.name: getattr(self, field.name) for field in dataclasses.fields(self)},)


def _set_trap(fields):
    from tvsl_core.annotate.signals import reading

    probe = reading.probe

    def trap(path, **more):
        harm(path.name)
        return probe(path, **more)

    reading.probe = trap
    return HarmfulChoice(**fields)
