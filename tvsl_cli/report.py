"""``tvsl report`` and ``tvsl view``: results as pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_RESULTS = typer.Argument(metavar="RESULTS", help="Output folder of tvsl annotate.")
_QUIET = typer.Option("--quiet", "-q", help="Say only what is wrong.")


def report(
    results: Annotated[Path, _RESULTS],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Where to; by default RESULTS/report.")
    ] = None,
    title: Annotated[str, typer.Option(metavar="TEXT", help="Stands over the pages.")] = "What sounds in these videos",
    single_file: Annotated[
        bool, typer.Option("--single-file", help="One HTML file with everything but the videos; for a few videos.")
    ] = False,
    quiet: Annotated[bool, _QUIET] = False,
) -> None:
    """Make pages to look through results: they open from the disk, without a server or a network.

    An overview to search, filter and sort, and a page for each video: the original with its heatmaps drawn over it,
    boxes, and a timeline with a lane for each source. Heatmaps are there when the videos were annotated with
    --save-maps. What has not changed is not made again. Standard output gets the path of the page.

    Example: tvsl report results
    """
    from tvsl_cli.shared.terminal import say, write_line
    from tvsl_core.report.viewer.build import ReportOptions, build_report

    built = build_report(results, out=out, options=ReportOptions(title=title, single_file=single_file))
    write_line(str(built.page))
    if not quiet:
        say(f"{built.videos:,} videos, {built.made:,} pages made anew. Open {built.page} in a browser.")


def view(
    results: Annotated[Path, _RESULTS],
    *,
    port: Annotated[int, typer.Option(metavar="NUMBER", min=0, max=65535, help="0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Show results in a browser, with a small server that only this machine reaches.

    The same pages as tvsl report; videos may lie anywhere on the disk. Ctrl-C ends it. Standard output gets the
    address.

    Example: tvsl view results
    """
    import webbrowser

    from tvsl_cli.shared.terminal import say, say_error, write_line
    from tvsl_core.errors import InputError
    from tvsl_core.report.viewer.build import build_report
    from tvsl_core.report.viewer.serve import HOST, make_server

    built = build_report(results)
    try:
        server = make_server(results, built.page.parent, port=port)
    except OSError as error:
        say_error(InputError(f"port {port} cannot be used: {error.strerror}.", hint="Give another --port, or none."))
        raise typer.Exit(1) from None
    address = f"http://{HOST}:{server.server_address[1]}/"
    write_line(address)
    say("Press Ctrl-C to end.")
    if browser:
        webbrowser.open(address)
    with server:
        server.serve_forever()
