"""``tvsl train``: T-VSL's heads on one's own data, from one laptop to a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_DATA, _RUN, _HOW, _SPEED = "Data", "Run", "Learning", "Speed"


def train(
    context: typer.Context,
    *,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            "-d",
            metavar="NAME|PATH",
            rich_help_panel=_DATA,
            help="A training set ('tvsl datasets list' names them), a folder of videos per class, a CSV, or material.",
        ),
    ] = None,
    media: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Its pictures and sounds [TVSL_DATA].", rich_help_panel=_DATA)
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Its list [TVSL_DATA].", rich_help_panel=_DATA)
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where both are looked for, if TVSL_DATA is unset.", rich_help_panel=_DATA),
    ] = None,
    classes: Annotated[
        str | None, typer.Option(metavar="A,B", help="Only these classes.", rich_help_panel=_DATA)
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Only N clips or files.", rich_help_panel=_DATA),
    ] = None,
    scenes: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Scenes of an epoch [as many as files].", rich_help_panel=_DATA),
    ] = None,
    validation: Annotated[
        float, typer.Option(metavar="SHARE", help="Held out by whole videos or sources.", rich_help_panel=_DATA)
    ] = 0.1,
    validation_sources: Annotated[
        str | None, typer.Option(metavar="A,B", help="Hold out exactly these sources.", rich_help_panel=_DATA)
    ] = None,
    exclude_test: Annotated[
        bool,
        typer.Option(
            "--exclude-test/--include-test",
            help="Leave out the videos that benchmarks test on, by the lists beside the training list.",
            rich_help_panel=_DATA,
        ),
    ] = True,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="RUN", help="Its folder [runs/NAME].", rich_help_panel=_RUN)
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with an interrupted run.", rich_help_panel=_RUN)
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Teach these heads what is new in the data; 'compact' are those that ship with tvsl.",
            rich_help_panel=_RUN,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.", rich_help_panel=_RUN)
    ] = False,
    logger: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Also tell tensorboard, wandb or mlflow.", rich_help_panel=_RUN),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|list", help="Settings that ship with tvsl; what else is set wins.", rich_help_panel=_RUN
        ),
    ] = None,
    then: Annotated[
        str | None,
        typer.Option(
            metavar="evaluate",
            help="Afterwards calibrate, score on the benchmark of the recipe, and write RUN/table.md, .csv and .tex.",
            rich_help_panel=_RUN,
        ),
    ] = None,
    calibration_scenes: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Scenes of each kind that --then evaluate calibrates on; 0 leaves it out.",
            rich_help_panel=_RUN,
        ),
    ] = 40,
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="1,2,3",
            help="A run for each --seed, in RUN/seed-N, and the mean and deviation of their scores.",
            rich_help_panel=_RUN,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml", help="Settings of the section [train]; see docs/training.md.", rich_help_panel=_RUN
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="One setting of the section [train], such as losses.correspond=0.5; may be repeated.",
            rich_help_panel=_RUN,
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="compact|audioclip", help="Over which towers.", rich_help_panel=_HOW)
    ] = "compact",
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Other weights of the towers.", rich_help_panel=_HOW)
    ] = None,
    epochs: Annotated[int, typer.Option(metavar="N", help="At most.", rich_help_panel=_HOW)] = 30,
    max_steps: Annotated[
        int | None, typer.Option(metavar="N", help="So many steps, instead of epochs.", rich_help_panel=_HOW)
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Scenes of a step, in all processes [256 on a GPU, else 64].", rich_help_panel=_HOW
        ),
    ] = None,
    learning_rate: Annotated[
        float, typer.Option(metavar="RATE", help="Highest, after the warm-up.", rich_help_panel=_HOW)
    ] = 1e-3,
    patience: Annotated[
        int, typer.Option(metavar="N", help="Validations without gain until it stops; 0 never.", rich_help_panel=_HOW)
    ] = 8,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Of the first weights and of the order.", rich_help_panel=_HOW)
    ] = 0,
    split_seed: Annotated[int, typer.Option(metavar="N", help="Of what is held out.", rich_help_panel=_HOW)] = 0,
    scene_seed: Annotated[int, typer.Option(metavar="N", help="Of the mixtures.", rich_help_panel=_HOW)] = 0,
    accumulate: Annotated[
        int, typer.Option(metavar="N", help="Parts of a step, for less memory.", rich_help_panel=_HOW)
    ] = 1,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="The same bits in every run; slower.", rich_help_panel=_HOW)
    ] = False,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda:N|mps", help="Where to compute.", rich_help_panel=_SPEED)
    ] = "auto",
    amp: Annotated[
        str, typer.Option(metavar="auto|on|off", help="bfloat16, where it is faster.", rich_help_panel=_SPEED)
    ] = "auto",
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes that read media [cores - 1].", rich_help_panel=_SPEED)
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Of features [TVSL_CACHE, or the user's cache].", rich_help_panel=_SPEED),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Through the towers at every step.", rich_help_panel=_SPEED)
    ] = False,
    cache_epochs: Annotated[
        int | None,
        typer.Option(metavar="N", help="Epochs of mixtures to keep [up to 8 in 8 GB].", rich_help_panel=_SPEED),
    ] = None,
) -> None:
    """Train T-VSL's heads on your data, over frozen towers.

    With the name of a training set alone, its files are looked for under TVSL_DATA; when they are not there, the answer
    says what to fetch and prepare. The same command again, or --resume RUN, goes on where an interrupted run stopped.
    Under torchrun several processes share each batch. Prints the path of the trained heads;
    'tvsl models export RUN --out my.safetensors' hands them out.

    Example: tvsl train --dataset vggsound-instruments
    """
    from tvsl_cli.train.paper import paper_request
    from tvsl_cli.train.request import request_from, seed_list
    from tvsl_cli.train.run import list_recipes, run

    del dataset, media, annotations, data, classes, limit, scenes, validation, validation_sources, exclude_test, out
    del (
        init,
        model,
        weights,
        epochs,
        max_steps,
        batch,
        learning_rate,
        patience,
        seed,
        device,
        amp,
        workers,
        cache,
        no_cache,
    )
    del cache_epochs, calibration_scenes, logger, split_seed, scene_seed, accumulate, deterministic
    if recipe == "list":
        list_recipes()
        return
    request = request_from(context, config, resume, set_ or (), recipe)
    run(request, dry_run=dry_run, seeds=seed_list(seeds), paper=paper_request(then, request, config))
