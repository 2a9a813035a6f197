"""How busy a machine is while something runs on it: its processor cores, and its GPU where there is one."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from types import TracebackType

from tvsl_core.system import platforms

SAMPLE_MS = 200
"""Milliseconds between two looks at the GPU."""
_ASK = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", f"-lms={SAMPLE_MS}")


class Usage:
    """Watches while a ``with`` block runs. Other programs on the machine are counted as well.

    A GPU is busy in the sense of NVIDIA's tools: in this share of the time at least one kernel ran. That is the most
    that is known without counters, and more than it does: a full kernel and one of a single thread count the same.

    Args:
        gpu: Which one, by number, as NVIDIA's tools count; None watches none.
    """

    def __init__(self, *, gpu: int | None = None) -> None:
        self._gpu = gpu
        self._child: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._shares: list[float] = []
        self._before = self._after = (0, 0)

    @property
    def cores(self) -> float | None:
        """Share of the time of all processor cores that was used, in [0, 1]; None where the system does not say."""
        busy, total = (after - before for before, after in zip(self._before, self._after, strict=True))
        return busy / total if total > 0 else None

    @property
    def gpu(self) -> float | None:
        """Share of the time in which the GPU did something, in [0, 1]; None without one, or without its tools."""
        return sum(self._shares) / len(self._shares) if self._shares else None

    def __enter__(self) -> Usage:
        """Begin to watch."""
        if self._gpu is not None:
            with contextlib.suppress(OSError):
                self._child = subprocess.Popen(
                    [*_ASK, f"--id={self._gpu}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
                )
                self._reader = threading.Thread(target=self._read, args=(self._child,), daemon=True)
                self._reader.start()
        self._before = self._after = platforms.core_ticks()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End watching."""
        self._after = platforms.core_ticks()
        if self._child is not None and self._reader is not None:
            self._child.terminate()
            self._child.wait()
            self._reader.join()

    def _read(self, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        with child.stdout:
            for line in child.stdout:
                with contextlib.suppress(ValueError):
                    self._shares.append(float(line) / 100)
