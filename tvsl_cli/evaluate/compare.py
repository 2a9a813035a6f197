"""``tvsl evaluate --compare A B``: two results of one benchmark, paired video by video."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tvsl_cli.shared.terminal import say

if TYPE_CHECKING:
    from tvsl_core.report.tables import TableFormat


def compare_results(folders: tuple[Path, ...], out: Path | None, form: TableFormat | None) -> int:
    """Print the first result against each of the others; with ``out`` also write one page of all.

    Raises: TvslError: A folder holds no result, or two cannot be compared.
    """
    from tvsl_cli.evaluate.tables import print_grid
    from tvsl_core.evaluation.compare import compare
    from tvsl_core.report.comparison import render_comparison
    from tvsl_core.report.scores import read_system, write_whole
    from tvsl_core.report.tables import comparison_grid

    short = len({folder.resolve().name for folder in folders}) == len(folders)
    systems = [read_system(folder, folder.resolve().name if short else str(folder)) for folder in folders]
    pairs = [compare(systems[0], other) for other in systems[1:]]
    for other, pair in zip(systems[1:], pairs, strict=True):
        print_grid(comparison_grid((systems[0].name, other.name), pair), form)
        if pair[0].unpaired:
            say(f"{pair[0].unpaired} rows that only one of '{systems[0].name}' and '{other.name}' has were left out.")
    if out is not None:
        write_whole(out / "comparison.html", render_comparison(systems, pairs).encode())
        say(f"Wrote {out / 'comparison.html'}")
    return 0
