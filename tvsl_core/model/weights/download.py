"""Fetching one large file over an unreliable network, so that what arrives is what was published or nothing.

Bytes go to ``<file>.part``; a broken transfer continues where it stopped, also in a later run. The file gets its name
only after its size and sha256 have been checked. Proxies come from the environment, as everywhere in Python.
"""

from __future__ import annotations

import contextlib
import http.client
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from tvsl_core.errors import OutputError, WeightsError
from tvsl_core.model.weights.hashing import CHUNK, hash_file
from tvsl_core.system.files import commit_partial

Progress = Callable[[int, int], None]
"""Told (bytes that are here, bytes in all)."""
SPARE_BYTES = 64 * 1024 * 1024
"""Left free on the disk besides the file."""
USER_AGENT = "tvsl"


@dataclass(frozen=True, kw_only=True, slots=True)
class DownloadOptions:
    """How patient a download is."""

    timeout_s: float = 30.0
    """Longest wait for a connection or for more bytes."""
    attempts: int = 6
    """Connections in a row that bring nothing new before giving up; one that brings bytes starts the count again."""
    pause_s: float = 1.0
    """Wait before the second attempt; doubles with each further one."""
    lock_wait_s: float = 3600.0
    """Longest wait for another process that fetches the same file."""

    def __post_init__(self) -> None:
        if self.timeout_s <= 0 or self.attempts < 1 or self.pause_s < 0 or self.lock_wait_s < 0:
            raise ValueError(f"timeout and attempts must be positive and waits not negative, got {self}")


class _RefusedError(Exception):
    """The server answered, and asking again would not help."""


def download(
    url: str,
    target: Path,
    *,
    size: int,
    sha256: str,
    options: DownloadOptions | None = None,
    progress: Progress | None = None,
) -> Path:
    """Fetch a file of known size and sha256, or return the one that is there already.

    Args:
        url: http or https; redirects are followed.
        target: Where the finished file goes; its folder is created.
        size: Bytes of the published file.
        sha256: Of the published file.
        options: Patience.
        progress: Told now and then how far it is.

    Raises:
        WeightsError: The server cannot be reached, refuses, or sends something else than the published file.
        OutputError: The disk is full, or the folder cannot be written.
    """
    options = options or DownloadOptions()
    if urlsplit(url).scheme not in ("http", "https"):
        raise WeightsError(f"{url} is not an http or https address.", hint="For a local file use: tvsl models import.")
    with _written(target), _locked(target, options):
        if target.is_file() and target.stat().st_size == size and hash_file(target) == sha256:
            return target
        part = target.with_name(target.name + ".part")
        resumed = part.is_file() and part.stat().st_size > 0
        _fetch(url, part, size, options, progress)
        if hash_file(part) != sha256 and resumed:
            # what an earlier run left may belong to another file: try once from the beginning
            part.unlink()
            _fetch(url, part, size, options, progress)
        if (found := hash_file(part)) != sha256:
            part.unlink()
            raise WeightsError(
                f"What {url} sent is not the published file: sha256 {found[:12]}... instead of {sha256[:12]}...",
                hint="It was deleted; try again, or name another mirror with --url.",
            )
        commit_partial(part, target)
    return target


def _fetch(url: str, part: Path, size: int, options: DownloadOptions, progress: Progress | None) -> None:
    """Connect until the part holds ``size`` bytes."""
    failures = 0
    while (here := part.stat().st_size if part.exists() else 0) != size:
        if here > size:
            part.unlink()
            continue
        _check_room(part, size - here)
        try:
            _receive(url, part, here, size, options, progress)
            reason = "the connection ended early"
        except urllib.error.HTTPError as error:
            if error.code not in (408, 425, 429) and error.code < 500:
                raise WeightsError(
                    f"{url} answered {error.code} {error.reason}.",
                    hint="Check the address, or name a mirror with --url.",
                ) from error
            reason = f"it answered {error.code} {error.reason}"
        except _RefusedError as error:
            raise WeightsError(f"{url} {error}.", hint="Name another mirror with --url.") from error
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        now = part.stat().st_size if part.exists() else 0
        failures = 0 if now > here else failures + 1
        if now != size and failures >= options.attempts:
            raise WeightsError(
                f"weights from {url} could not be fetched in {failures} attempts: {reason}. "
                f"{now:,} of {size:,} bytes are here.",
                hint="Run the same command again to continue, or name a mirror with --url.",
            )
        if now != size:
            time.sleep(options.pause_s * 2 ** max(0, failures - 1) if options.pause_s else 0)


def _receive(url: str, part: Path, here: int, size: int, options: DownloadOptions, progress: Progress | None) -> None:
    """One connection: append what it brings, or start over when the server ignores where we are."""
    request = urllib.request.Request(url, headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
    if here:
        request.add_header("Range", f"bytes={here}-")
    with urllib.request.urlopen(request, timeout=options.timeout_s) as answer:
        if urlsplit(answer.url).scheme not in ("http", "https"):
            raise _RefusedError(f"redirects to {answer.url}, which is not http or https")
        continues = answer.status == 206 and _starts_at(answer.headers.get("Content-Range", ""), here)
        start = here if continues else 0
        declared = answer.headers.get("Content-Length", "")
        if declared.isdigit() and start + int(declared) > size:
            raise _RefusedError(f"offers {start + int(declared):,} bytes, the published file has {size:,}")
        if answer.status == 206 and not continues:
            part.unlink(missing_ok=True)
            return
        with part.open("ab" if start else "wb") as file:
            _copy(answer, file.write, start, size, progress)


def _copy(
    answer: http.client.HTTPResponse, write: Callable[[bytes], int], start: int, size: int, progress: Progress | None
) -> None:
    done = start
    while block := answer.read1(CHUNK):
        done += len(block)
        if done > size:
            raise _RefusedError(f"sends more than the {size:,} bytes of the published file")
        write(block)
        if progress:
            progress(done, size)


def _starts_at(content_range: str, start: int) -> bool:
    return content_range.replace("bytes ", "").split("-")[0].strip() == str(start)


def _check_room(part: Path, missing: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if free < missing + SPARE_BYTES:
        raise OutputError(
            f"{part.parent} has {free / 1e6:,.0f} MB free, and {(missing + SPARE_BYTES) / 1e6:,.0f} MB are needed.",
            hint="Free some space, or choose another folder with --cache-dir.",
            stage="write",
        )


@contextlib.contextmanager
def _locked(target: Path, options: DownloadOptions) -> Iterator[None]:
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target.with_name(target.name + ".lock"), timeout=options.lock_wait_s)
    try:
        lock.acquire()
    except Timeout as error:
        raise WeightsError(
            f"Another process has been fetching {target.name} for {options.lock_wait_s:g} s.",
            hint="Wait for it, or end it and try again.",
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _written(target: Path) -> Iterator[None]:
    try:
        yield
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        raise
    except OSError as error:
        raise OutputError(
            f"{target.parent} cannot be written: {error.strerror or error}.",
            hint="Choose another folder with --cache-dir or TVSL_CACHE.",
            stage="write",
        ) from error
