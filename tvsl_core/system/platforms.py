"""What one operating system does otherwise than the next: nothing outside this file asks which one it is.

Linux is tested. What is for macOS and Windows is written by their documentation and untested: macOS has all of POSIX
that is used here but ``/proc``; on Windows a worker's programs are ended by ``taskkill`` with their whole tree, no
signals can be held back, and memory cannot be bounded.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PLENTY = 1 << 40
"""Bytes of memory that are reckoned with where the system does not say how many are free."""
_STILL_ACTIVE = 259
"""Exit code of a process that runs, on Windows (``GetExitCodeProcess``)."""
_QUERY_LIMITED = 0x1000
"""Right to ask about a process, on Windows (``PROCESS_QUERY_LIMITED_INFORMATION``)."""

_SS_DISABLE = 2
"""Flag of ``sigaltstack`` on Linux: no other stack for signals."""
_ARENA_MAX = -8
"""Parameter of ``mallopt``: most heaps, which glibc calls arenas (``M_ARENA_MAX``)."""


def lead_group() -> None:
    """Begin a process group of our own that our children stay in, where the system has such groups."""
    if hasattr(os, "setsid"):
        os.setsid()


def end_group(pid: int) -> None:
    """End a process that leads a group, and everything that it started; one that is gone is fine."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
        return
    with contextlib.suppress(OSError):
        subprocess.run(["taskkill", "/PID", str(pid), "/T", "/F"], capture_output=True, check=False)


def processor_name() -> str:
    """What the processor is called; what Python knows of it, where the system has no better word."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Processor cores that this process may run on; at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def core_ticks() -> tuple[int, int]:
    """Ticks of all cores together since the system began, used and all; twice 0 where it does not say."""
    try:
        first, _, _ = Path("/proc/stat").read_text(encoding="ascii").partition("\n")
        ticks = [int(word) for word in first.split()[1:9]]
    except (OSError, ValueError):
        return 0, 0
    return sum(ticks) - sum(ticks[3:5]), sum(ticks)


def available_memory() -> int:
    """Bytes of memory that are free for us, by the system's own estimate; ``PLENTY`` where it does not say."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return PLENTY


def keep_few_heaps() -> None:
    """Let the threads of this process share two heaps, where the C library is glibc and can be told so.

    With a heap of its own for each thread, what threads hand to each other leaves holes in all of them, and memory
    grows with the length of a video although nothing of it is kept.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)


class _SignalStack(ctypes.Structure):
    """``stack_t`` of Linux."""

    _fields_ = [("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]


def leave_signal_stack() -> None:
    """Handle the signals of this thread on its usual stack again, where a library has given Linux another one for it.

    With the tiles of AMX a handler's frame fills most of the stack that OpenVINO sets up, and Python's handler does not
    fit into the rest: the process would die of SIGTERM or Ctrl-C by a segmentation fault.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).sigaltstack(ctypes.byref(_SignalStack(flags=_SS_DISABLE)), None)


def bound_memory(size: int) -> None:
    """Let this process take no more address space than so many bytes, where the system can."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def wait_for_reads(handle: int) -> None:
    """Let reading wait for what comes, where opening did not: elsewhere it always waits."""
    if hasattr(os, "set_blocking") and hasattr(os, "O_NONBLOCK"):
        os.set_blocking(handle, True)


@contextlib.contextmanager
def without_signals() -> Iterator[None]:
    """What is started in the block never sees Ctrl-C, SIGTERM and SIGHUP, where signals can be held back."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def machine_name() -> str:
    """This machine, this boot of it, and the namespace of process numbers: two containers may share a name."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
    with contextlib.suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def process_start(pid: int) -> str:
    """When a process started, in the system's own units; empty when it is gone, or where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def is_process_gone(pid: int, began: str) -> bool:
    """Whether a process of this machine certainly runs no more.

    Args:
        pid: Its number.
        began: What :func:`process_start` said of it when it ran; tells a number that was given again.
    """
    if Path("/proc/self/stat").exists():
        return process_start(pid) != began
    if sys.platform == "win32":  # there os.kill(pid, 0) would send it a Ctrl-C
        return not _runs_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


if sys.platform == "win32":

    def _runs_on_windows(pid: int) -> bool:
        import ctypes

        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = ctypes.c_void_p
        handle = kernel.OpenProcess(_QUERY_LIMITED, False, pid)
        if not handle:
            return ctypes.get_last_error() == 5  # access denied: it is there
        code = ctypes.c_ulong()
        kernel.GetExitCodeProcess(ctypes.c_void_p(handle), ctypes.byref(code))
        kernel.CloseHandle(ctypes.c_void_p(handle))
        return code.value == _STILL_ACTIVE
