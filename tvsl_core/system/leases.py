"""Who works on what: leases, so that processes that share an output folder never do one thing twice.

A lease is a small file ``<name>.<generation>`` that its holder touches every few seconds. Creating a file that must
not exist yet is atomic, also between machines on one shared folder, so one of several takers wins. A lease is abandoned
when its holder is a process of this machine that is gone, or when it has not been touched for ``EXPIRY_S``, watched by
our own clock, so that clocks that disagree do no harm. Whoever takes it over creates the next generation; the highest
one counts, and a holder that wakes up after that finds out before it gives a result its final name.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tvsl_core.system.files import write_error
from tvsl_core.system.platforms import is_process_gone, machine_name, process_start

HEARTBEAT_S = 5.0
"""How often a holder touches its leases."""
EXPIRY_S = 60.0
"""A lease that nobody has touched for so long is abandoned, wherever its holder ran."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """A process, named so that another one can tell whether it is still there."""

    host: str
    """Machine, its boot, and the namespace that process numbers count in."""
    pid: int
    began: str
    """When the process started, in the system's own units; tells a reused process number."""
    token: str
    """Different for every object that takes leases."""

    @classmethod
    def ours(cls) -> Owner:
        """This process."""
        return cls(host=machine_name(), pid=os.getpid(), began=process_start(os.getpid()), token=secrets.token_hex(8))

    def is_gone(self) -> bool:
        """Whether it certainly runs no more; False also when nobody here can know."""
        return self.host == machine_name() and is_process_gone(self.pid, self.began)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """One lease that is held; can be sent to another process, which may ask whether it still holds."""

    path: Path
    token: str

    @property
    def name(self) -> str:
        """What it is a lease of."""
        return self.path.name.rpartition(".")[0]

    def holds(self) -> bool:
        """Whether nobody has taken it over."""
        current = _current(self.path.parent, self.name)
        return current is not None and current.path == self.path and current.token == self.token


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A lease as it is seen from outside."""

    path: Path
    generation: int
    owner: Owner | None
    """None while it is being written, or when it is damaged."""
    touched_ns: int

    @property
    def token(self) -> str:
        """Of its holder; empty when that is not known."""
        return self.owner.token if self.owner else ""


class Leases:
    """Takes leases in one folder and keeps them alive, until each is given back or the whole is closed.

    Args:
        folder: Where the lease files are; created when missing.
        expiry_s: A lease that is not touched for so long is abandoned.
        heartbeat_s: How often ours are touched.
        clock: Seconds that only go forward.

    Raises: OutputError: The folder cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        *,
        expiry_s: float = EXPIRY_S,
        heartbeat_s: float = HEARTBEAT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder, self.owner = folder, Owner.ours()
        self._expiry_s, self._heartbeat_s, self._clock = expiry_s, heartbeat_s, clock
        self._held: dict[Path, Lease] = {}
        self._seen: dict[Path, tuple[tuple[int, str], float]] = {}
        self._lock, self._closed = threading.Lock(), threading.Event()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(folder, error) from error
        self._thread = threading.Thread(target=self._keep_alive, name="leases", daemon=True)
        self._thread.start()

    def take(self, name: str) -> Lease | None:
        """Take a lease; None while somebody else holds it. Ask again later: an abandoned one is found by watching it.

        Args:
            name: Letters, digits and ``-``.

        Raises: OutputError: The lease cannot be written.
        """
        before = _current(self.folder, name)
        if before is not None and not self._is_abandoned(before):
            return None
        generation = before.generation + 1 if before else 1
        path = self.folder / f"{name}.{generation}"
        try:
            with path.open("x", encoding="utf-8") as file:
                json.dump(asdict(self.owner), file)
        except FileExistsError:
            return None
        except OSError as error:
            with contextlib.suppress(OSError):
                path.unlink()
            raise write_error(path, error) from error
        lease = Lease(path=path, token=self.owner.token)
        if not self._won(before, lease):
            path.unlink(missing_ok=True)
            return None
        with self._lock:
            self._held[path] = lease
        if before:
            before.path.unlink(missing_ok=True)
        return lease

    def give_back(self, lease: Lease) -> None:
        """Let others take it; a lease that was lost stays with whoever has it now."""
        with self._lock:
            self._held.pop(lease.path, None)
        if _read(lease.path, 0).token == lease.token:
            with contextlib.suppress(OSError):
                lease.path.unlink()

    def others(self, prefix: str) -> list[Held]:
        """Leases whose name begins like this, that others hold and that are not known to be abandoned."""
        found = [held for held in standing(self.folder, prefix) if held.token != self.owner.token]
        return [held for held in found if not self._is_abandoned(held)]

    def sweep(self) -> None:
        """Remove leases of processes that are gone. Only for who is alone at work in this folder."""
        for held in standing(self.folder, ""):
            if held.owner is not None and held.owner.is_gone():
                held.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Give everything back."""
        self._closed.set()
        self._thread.join()
        for lease in list(self._held.values()):
            self.give_back(lease)

    def _won(self, before: Held | None, lease: Lease) -> bool:
        """Whether ours is the highest, and the one that it replaces is still the very one that was abandoned."""
        if not lease.holds():
            return False
        if before is None:
            return True
        again = _read(before.path, before.generation)
        return (again.touched_ns, again.token) == (before.touched_ns, before.token)

    def _is_abandoned(self, held: Held) -> bool:
        if held.owner is not None and held.owner.is_gone():
            return True
        sign, now = (held.touched_ns, held.token), self._clock()
        last = self._seen.get(held.path)
        if last is None or last[0] != sign:
            self._seen[held.path] = (sign, now)
            return False
        return now - last[1] >= self._expiry_s

    def _keep_alive(self) -> None:
        while not self._closed.wait(self._heartbeat_s):
            with self._lock:
                paths = list(self._held)
            for path in paths:
                with contextlib.suppress(OSError):
                    os.utime(path)


def standing(folder: Path, prefix: str) -> Iterator[Held]:
    """Every lease in a folder whose name begins like this, of whomever; the highest generation of each."""
    names = {path.name.rpartition(".")[0] for path in folder.glob(f"{prefix}*.*")} if folder.is_dir() else set()
    for name in sorted(names):
        held = _current(folder, name)
        if held is not None:
            yield held


def _current(folder: Path, name: str) -> Held | None:
    """The highest generation of a lease that is there."""
    generations = [
        int(number) for path in folder.glob(f"{name}.*") if (number := path.name.rpartition(".")[2]).isdecimal()
    ]
    if not generations:
        return None
    top = max(generations)
    held = _read(folder / f"{name}.{top}", top)
    return held if held.touched_ns else None


def _read(path: Path, generation: int) -> Held:
    """A lease file; one that is gone was never touched."""
    owner, touched_ns = None, 0
    # Opening asks a file server anew, where its answers are kept for a while.
    with contextlib.suppress(OSError, ValueError, TypeError), path.open(encoding="utf-8") as file:
        touched_ns = os.fstat(file.fileno()).st_mtime_ns
        owner = Owner(**json.load(file))
    return Held(path=path, generation=generation, owner=owner, touched_ns=touched_ns)
