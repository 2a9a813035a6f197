"""``tvsl clips``: every event as a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def clips(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Output folder of tvsl annotate.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the clips.")] = Path("clips"),
    kinds: Annotated[
        str, typer.Option("--kind", metavar="NAMES", help="What is cut: video, sound, picture, separated by commas.")
    ] = "video",
    classes: Annotated[
        str, typer.Option("--classes", metavar="NAMES", help="Only these classes, separated by commas.")
    ] = "",
    min_score: Annotated[
        float, typer.Option(metavar="SCORE", min=0.0, max=1.0, help="Only events of at least this score.")
    ] = 0.0,
    pad: Annotated[float, typer.Option(metavar="SECONDS", min=0.0, help="Kept before and after each event.")] = 0.5,
    crop: Annotated[bool, typer.Option("--crop", help="Show only the object.")] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Encode anew instead of copying from a key frame up to 0.1 s earlier.")
    ] = False,
    per_class: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="At most so many events of each class, the surest first.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what is wrong.")] = False,
) -> None:
    """Cut every event out of its video, as video, sound or picture.

    The clips of a class lie in a folder of its name, and clips.csv lists them all. What an earlier run finished stays.
    Standard output gets the path of every clip. An event that cannot be cut does not stop the others; the exit code is
    then 1.

    Example: tvsl clips results --out barks --classes dog --min-score 0.8
    """
    from typing import cast

    from tvsl_cli.shared.terminal import say, sentence, write_line
    from tvsl_core.exports.clips import ClipKind, ClipOptions, ClipProblem, cut_clips
    from tvsl_core.exports.results import Selection

    wanted = tuple(name.strip() for name in kinds.split(",") if name.strip())
    try:
        options = ClipOptions(
            kinds=cast("tuple[ClipKind, ...]", wanted), pad_s=pad, crop=crop, exact=exact, per_class=per_class
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    names = tuple(name.strip() for name in classes.split(",") if name.strip())
    count = problems = 0
    for found in cut_clips(results, out, options=options, selection=Selection(classes=names, min_score=min_score)):
        if isinstance(found, ClipProblem):
            say(f"{found.video}, event {found.event_id}: {sentence(found.message, found.hint)}", style="red")
            problems += 1
        else:
            write_line(str(out / found.file))
            count += 1
    if not quiet:
        say(f"{count:,} {'clip' if count == 1 else 'clips'} in {out}." + (f" {problems:,} failed." if problems else ""))
    if problems:
        raise typer.Exit(1)
