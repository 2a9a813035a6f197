"""``tvsl models list | download | verify | path | remove | import``: published weights on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tvsl_core.model.weights.download import Progress

Name = Annotated[str, typer.Argument(help="As `tvsl models list` calls it.")]
CacheDir = Annotated[
    Path | None,
    typer.Option("--cache-dir", metavar="DIR", help="Instead of TVSL_CACHE or the user's cache folder."),
]


def list_models(cache_dir: CacheDir = None) -> None:
    """List the weights that can be fetched, and which of them are on this machine.

    Prints name, state, size in bytes and path, tab separated.

    Example: tvsl models list
    """
    from tvsl_cli.shared.terminal import write_fields
    from tvsl_core.model.weights.store import list_weights

    for stored in list_weights(cache_dir):
        state = "missing" if stored.path is None else "imported" if stored.imported else "downloaded"
        size = stored.bytes or stored.entry.bytes
        write_fields(stored.entry.name, state, str(size), str(stored.path or stored.entry.url), stored.entry.about)


def download(
    name: Name = "audioclip",
    *,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="A mirror: the file, or a folder that ends in /.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Touch no network; fail when it is not here.")] = False,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Longest wait for more bytes.")] = 30.0,
    cache_dir: CacheDir = None,
) -> None:
    """Fetch published weights, continue a broken download, and check the sha256 before they are used.

    Proxies come from the environment (https_proxy). Prints the path of the file.

    Example: tvsl models download audioclip
    """
    from tvsl_cli.shared.settings import usage_errors
    from tvsl_cli.shared.terminal import write_line
    from tvsl_core.model.weights.download import DownloadOptions
    from tvsl_core.model.weights.store import fetch_weights

    with usage_errors():
        options = DownloadOptions(timeout_s=timeout)
    with _progress(f"Fetching {name}") as progress:
        path = fetch_weights(name, cache=cache_dir, url=url, offline=offline, options=options, progress=progress)
    write_line(str(path))


def verify(name: Name = "audioclip", cache_dir: CacheDir = None) -> None:
    """Read the weights on this machine and compare their sha256 with the one on record.

    Prints the path when they are right. The exit code is 1 when they have changed, or were imported from a file that is
    not the published one.

    Example: tvsl models verify audioclip
    """
    from tvsl_cli.shared.terminal import write_line
    from tvsl_core.errors import WeightsError
    from tvsl_core.model.weights.registry import published
    from tvsl_core.model.weights.store import find_weights, foreign_source, verify_weights

    size = find_weights(name, cache_dir).stat().st_size
    with _progress(f"Checking {name}") as progress:
        path = verify_weights(name, cache=cache_dir, progress=_of(progress, size))
    if source := foreign_source(name, path):
        raise WeightsError(
            f"{path} is unchanged since it was imported, but from {source}, not from the published file (sha256 "
            f"{published(name).sha256[:12]}).",
            hint="Keep it if you meant other weights; else import the published file.",
        )
    write_line(str(path))


def path(name: Name = "audioclip", cache_dir: CacheDir = None) -> None:
    """Print where the weights of a model are; the exit code is 1 when they are nowhere.

    Example: tvsl models path audioclip
    """
    from tvsl_cli.shared.terminal import write_line
    from tvsl_core.model.weights.store import find_weights

    write_line(str(find_weights(name, cache_dir)))


def remove(name: Name, cache_dir: CacheDir = None) -> None:
    """Delete the weights of a model from this machine, also half a download.

    Example: tvsl models remove audioclip
    """
    from tvsl_cli.shared.terminal import say
    from tvsl_core.model.weights.store import remove_weights

    say(f"{name}: {remove_weights(name, cache=cache_dir) / 1e6:,.1f} MB freed")


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=".pt or .safetensors with the published names.")],
    *,
    name: Annotated[str, typer.Option(help="Which weights it stands in for.")] = "audioclip",
    precision: Annotated[str, typer.Option(help="fp32, or fp16 for half the size.")] = "fp32",
    cache_dir: CacheDir = None,
) -> None:
    """Check a weights file strictly, convert it to safetensors, and use it from now on.

    A file that holds code, misses a tensor or holds NaN is refused. Prints the path of the stored file.

    Example: tvsl models import AudioCLIP-Full-Training.pt --precision fp16
    """
    from typing import cast

    from tvsl_cli.shared.settings import usage_errors
    from tvsl_cli.shared.terminal import write_line
    from tvsl_core.model.audioclip.importing import StoredPrecision, import_weights

    with usage_errors():
        if precision not in ("fp32", "fp16"):
            raise ValueError(f"precision must be fp32 or fp16, got {precision!r}")
    write_line(str(import_weights(file, name=name, cache=cache_dir, precision=cast("StoredPrecision", precision))))


def register(app: typer.Typer) -> None:
    """Add these commands to ``tvsl models``."""
    app.command("list")(list_models)
    app.command("download")(download)
    app.command("verify")(verify)
    app.command("path")(path)
    app.command("remove")(remove)
    app.command("import")(import_file)


def _of(progress: Progress, size: int) -> Callable[[int], None]:
    return lambda done: progress(done, size)


@contextmanager
def _progress(title: str) -> Iterator[Progress]:
    """A bar on standard error with speed and time left; nothing when it is not a terminal."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from tvsl_cli.shared.terminal import console

    columns = (TextColumn(title), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(), transient=True, disable=not console().is_terminal) as bar:
        task = bar.add_task(title, total=None)

        def advance(done: int, size: int) -> None:
            bar.update(task, completed=done, total=size)

        yield advance
