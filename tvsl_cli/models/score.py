"""``tvsl models score``: what a model gets right on scenes from held-out material."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

MaterialArgument = Annotated[
    Path, typer.Argument(help="A MATERIAL folder, or a folder of videos per class; see docs/training.md.")
]
SourcesOption = Annotated[
    str,
    typer.Option(metavar="A,B,..", help="Only files of these sources, which the model must not have learned from."),
]
EachOption = Annotated[int, typer.Option(min=1, metavar="N", help="Scenes of each kind; twice as many pairs.")]
DeviceOption = Annotated[str, typer.Option(metavar="DEVICE", help="auto, cpu, cuda:N or mps.")]


def split_names(text: str) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def score(
    material: MaterialArgument,
    *,
    model: Annotated[str, typer.Option(metavar="NAME|FILE", help="compact, audioclip, or a weights file.")] = "compact",
    sources: SourcesOption = "tonejs,musescore,gcompris,heldout",
    each: EachOption = 150,
    long: Annotated[int, typer.Option(min=0, metavar="N", help="Long scenes of each kind, which say when.")] = 30,
    equals: Annotated[
        int, typer.Option(min=0, metavar="N", help="Moving pictures of two of a class: who of them sounds.")
    ] = 0,
    talking: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Moving pictures of people (images/speech, sounds/speech): who speaks, if anybody in view.",
        ),
    ] = 0,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed gives other scenes.")] = 6,
    device: DeviceOption = "auto",
) -> None:
    """Score a model on scenes composed of held-out material: pairs, silent objects, offscreen sounds, noise.

    Prints one line a figure: its name, share, number counted and 95 % interval, tab separated. From long scenes come F1
    of seconds and of events, calibration error, Brier score, AUROC and the reliability table; from moving
    pictures of two of a class, which of them is named when one, the other or both are heard; from photographs in
    images/speech whose mouths are moved, and recordings in sounds/speech, who speaks.

    Example: tvsl models score material --model my.safetensors
    """
    from tvsl_cli.shared.terminal import write_fields
    from tvsl_core.api.score import ScoreRequest
    from tvsl_core.api.score import score as score_model

    request = ScoreRequest(
        material=material,
        model=model,
        sources=split_names(sources),
        each=each,
        long=long,
        equals=equals,
        talking=talking,
        seed=seed,
        device=device,
    )
    for figure in score_model(request):
        interval = f"{figure.low:.3f}-{figure.high:.3f}"
        write_fields(figure.name, f"{figure.value:.3f}", f"n={figure.number}", interval)
