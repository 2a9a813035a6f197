"""What follows a run of ``tvsl annotate`` when it is asked for: other programs' formats, and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvsl_cli.shared.terminal import say
from tvsl_core.errors import InputError

if TYPE_CHECKING:
    from tvsl_cli.annotate.request import AnnotateRequest


def check_formats(request: AnnotateRequest) -> None:
    """Make sure, before any work, that there is every format that is asked for.

    Raises: ValueError: There is none of a name; the nearest one is named.
    """
    if request.export:
        from tvsl_core.exports.export import find_format

        try:
            for name in request.export:
                find_format(name)
        except InputError as error:
            raise ValueError(str(error)) from error


def hand_on(request: AnnotateRequest) -> None:
    """Write the formats and pages that are asked for, of all results in the folder; standard output stays as it is.

    Raises:
        InputError: A program that a format needs is missing.
        OutputError: A file cannot be written.
    """
    if request.export:
        from tvsl_core.exports.export import export_results

        count = sum(1 for _ in export_results(request.out, formats=request.export))
        if not request.quiet:
            say(f"Exported {count:,} {'file' if count == 1 else 'files'} to {request.out / 'exports'}.")
    if request.report:
        from tvsl_core.report.viewer.build import build_report

        built = build_report(request.out)
        if not request.quiet:
            say(f"Report: open {built.page} in a browser.")
