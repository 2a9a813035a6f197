"""What ``tvsl train`` was asked, checked once: command line over file over defaults, or what an earlier run was."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tvsl_cli.shared import config_file as kinds
from tvsl_cli.shared.settings import SAMPLE_VIDEOS, merged, usage_errors, was_typed

if TYPE_CHECKING:
    from tvsl_core.api.train_request import TrainRequest

KEYS: dict[str, kinds.Converter] = {
    "dataset": kinds.text,
    "media": kinds.path,
    "annotations": kinds.path,
    "data": kinds.path,
    "classes": kinds.names,
    "limit": kinds.whole,
    "scenes": kinds.whole,
    "validation": kinds.number,
    "validation-sources": kinds.names,
    "exclude-test": kinds.flag,
    "out": kinds.path,
    "init": kinds.path,
    "model": kinds.text,
    "weights": kinds.path,
    "epochs": kinds.whole,
    "max-steps": kinds.whole,
    "batch": kinds.whole,
    "learning-rate": kinds.number,
    "patience": kinds.whole,
    "seed": kinds.whole,
    "split-seed": kinds.whole,
    "scene-seed": kinds.whole,
    "device": kinds.text,
    "amp": kinds.one_of("auto", "on", "off"),
    "accumulate": kinds.whole,
    "deterministic": kinds.flag,
    "logger": kinds.names,
    "workers": kinds.whole,
    "cache": kinds.path,
    "no-cache": kinds.flag,
    "cache-epochs": kinds.whole,
    "calibration-scenes": kinds.whole,
}
"""What both the command line and the section [train] of a file may set."""
MAY_CHANGE = frozenset({"device", "workers", "cache", "logger"})
"""Options beside --resume that do not change what a run learns."""


def request_from(
    context: typer.Context,
    config: Path | None,
    resume: Path | None,
    overrides: Sequence[str] = (),
    recipe: str | None = None,
) -> TrainRequest:
    """Read the request of a running command; a wrong value ends it with one sentence and exit code 2."""
    from tvsl_core.data.training_sets.samples import SAMPLES
    from tvsl_core.training.recipes.catalog import find_recipe

    with usage_errors():
        file_only = fine_keys()
        if recipe is None and context.params["dataset"] == SAMPLES:
            recipe = SAMPLES  # the defaults are for sets a hundred times as large
        base = None if recipe is None else find_recipe(recipe)
        settings = merged(context, config=config, section="train", keys=KEYS, file_only=file_only, base=base)
        for text in overrides:
            override(settings, text, KEYS | file_only)
        if resume is not None and overrides:
            raise ValueError("--resume goes on as the run began, so --set cannot change it; use --init for that")
        if resume is not None:
            settings = _resumed(context, settings, resume)
        for key in ("classes", "validation-sources", "logger"):
            settings[key] = kinds.names(settings[key]) if settings[key] else ()
        return _checked(settings, recipe or "")


def seed_list(text: str | None) -> tuple[int, ...]:
    """``1,2,3`` as numbers; a wrong value ends the command with one sentence and exit code 2."""
    with usage_errors():
        try:
            found = tuple(dict.fromkeys(int(part) for part in text.split(","))) if text else ()
        except ValueError:
            raise ValueError(f"--seeds lists whole numbers such as 1,2,3, got '{text}'") from None
        if any(seed < 0 for seed in found):
            raise ValueError(f"seeds must not be negative, got '{text}'")
    return found


def override(settings: dict[str, Any], text: str, keys: Mapping[str, kinds.Converter]) -> None:
    """Change one setting, as a line of the section [train] would; a key of a table leaves its other keys as they are.

    Args:
        settings: Changed in place.
        text: ``KEY=VALUE`` or ``TABLE.KEY=VALUE``; a value that is not TOML is text.
        keys: What may be set.

    Raises: ValueError: It is no such line, or no such key, or a wrong value.
    """
    from tvsl_core.system.suggest import closest

    name, equals, value = (part.strip() for part in text.partition("="))
    try:
        table = tomllib.loads(f"{name} = {value}")
    except tomllib.TOMLDecodeError:
        table = {name: value}
    if not equals or len(table) != 1:
        raise ValueError(f"--set needs KEY=VALUE, such as losses.correspond=0.5, got {text!r}")
    ((given, raw),) = table.items()
    key = given.replace("_", "-")
    if key not in keys:
        near = closest(key, keys)
        raise ValueError(f"--set knows no key {given!r}; {f'did you mean {near!r}?' if near else 'see --help'}")
    try:
        found = keys[key](raw)
    except ValueError as error:
        raise ValueError(f"--set {given} {error}") from error
    settings[key] = {**(settings[key] or {}), **found} if isinstance(found, dict) else found


def fine_keys() -> dict[str, kinds.Converter]:
    """What only the section [train] of a file may set: the other fields of ``TrainOptions``, and tables."""
    from tvsl_core.training.options import TrainOptions

    numbers: dict[str, kinds.Converter] = {"float": kinds.number, "int": kinds.whole}
    plain = {one.name.replace("_", "-"): numbers[str(one.type)] for one in fields(TrainOptions) if one.type in numbers}
    words: dict[str, kinds.Converter] = {
        "sound-pool": kinds.one_of("top-third", "mean", "max", "smooth-max"),
        "outside": kinds.names,
    }
    tables = {name: _table(make) for name, make in _tables().items()}
    return {name: kind for name, kind in (plain | words | tables).items() if name not in KEYS}


def _checked(settings: dict[str, Any], recipe: str) -> TrainRequest:
    """Raises: ValueError: Something is missing or out of range."""
    from tvsl_core.api.train import default_batch
    from tvsl_core.api.train_request import TrainRequest
    from tvsl_core.data.benchmarks.catalog import data_root
    from tvsl_core.data.scenes.options import MixtureOptions
    from tvsl_core.data.training_sets.samples import SAMPLES
    from tvsl_core.training.options import LossWeights, TrainOptions
    from tvsl_core.training.sources import SourceOptions

    if not settings["dataset"]:
        raise ValueError("--dataset says what to train on; 'tvsl datasets list' names what there is")
    if settings["dataset"] == SAMPLES and settings["media"] is None:
        settings["media"] = SAMPLE_VIDEOS
    if settings["batch"] is None:
        settings["batch"] = default_batch(settings["device"])
    known = {one.name for one in fields(TrainOptions)} - {"losses", "heads"}
    given = {key.replace("-", "_"): value for key, value in settings.items()}
    chosen = {key: value for key, value in given.items() if key in known and (value is not None or key == "max_steps")}
    _check_heads(settings["heads"] or {})
    options = TrainOptions(**chosen, losses=LossWeights(**(settings["losses"] or {})), heads=settings["heads"] or {})
    sources = SourceOptions(
        **{name: given[name] for name in ("dataset", "annotations", "media", "classes", "limit", "scenes")},
        **{name: given[name] for name in ("validation", "validation_sources", "split_seed", "scene_seed")},
        exclude_test=bool(given["exclude_test"]),
        root=data_root() or given["data"],
        mixtures=MixtureOptions(**(settings["mixtures"] or {})),
    )
    return TrainRequest(
        sources=sources,
        options=options,
        out=settings["out"] or Path("runs") / Path(settings["dataset"]).stem,
        outside=tuple(settings["outside"] or ()),
        use_cache=not settings["no-cache"],
        loggers=settings["logger"],
        recipe=recipe,
        command=(Path(sys.argv[0]).name, *sys.argv[1:]),
        **{name: given[name] for name in ("model", "weights", "init", "device", "workers", "cache", "cache_epochs")},
        calibration_scenes=given["calibration_scenes"],
    )


def _check_heads(heads: Mapping[str, Any]) -> None:
    """Sizes of the heads without towers. Raises: ValueError: A value is out of range."""
    from tvsl_core.model.heads import HeadOptions

    HeadOptions(**({"dim": 1, "image_features": 1, "sound_features": 1} | dict(heads)))


def _resumed(context: typer.Context, settings: dict[str, Any], run: Path) -> dict[str, Any]:
    """The settings with which a run began. Raises: ValueError: There are none, or others were typed."""
    from tvsl_core.training.record.log import read_run

    earlier = read_run(run).get("request")
    if not isinstance(earlier, dict):
        raise ValueError(f"{run} is not the folder of a training run: name the folder of 'tvsl train --out'")
    typed = [key for key in KEYS if was_typed(context, key) and key not in MAY_CHANGE]
    if typed:
        raise ValueError(f"--resume goes on as the run began, so --{typed[0]} cannot be changed; use --init for that")
    found = {key: _revived(key, earlier.get(key)) for key in settings}
    return found | {key: settings[key] for key in MAY_CHANGE if was_typed(context, key)} | {"out": run}


def _revived(key: str, value: Any) -> Any:
    """A value of JSON as it was."""
    if isinstance(value, str) and KEYS.get(key) is kinds.path:
        return Path(value)
    if isinstance(value, dict):
        return {name: _tuples(inner) for name, inner in value.items()}
    return value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(inner) for inner in value) if isinstance(value, list) else value


def _tables() -> dict[str, type]:
    from tvsl_core.data.scenes.options import MixtureOptions
    from tvsl_core.model.heads import HeadOptions
    from tvsl_core.training.options import LossWeights

    return {"mixtures": MixtureOptions, "heads": HeadOptions, "losses": LossWeights}


def _table(make: Callable[..., Any]) -> kinds.Converter:
    """A converter for a table of a dataclass's fields."""
    known = {one.name for one in fields(make)}  # type: ignore[arg-type]

    def convert(value: object) -> dict[str, Any]:
        from tvsl_core.system.suggest import closest

        if not isinstance(value, dict):
            raise ValueError(f"must be a table such as [train.losses], got {value!r}")
        found = {str(name).replace("-", "_"): _tuples(inner) for name, inner in value.items()}
        for name in found:
            if name not in known:
                near = closest(name, known)
                meant = f"did you mean {near!r}?" if near else f"known: {', '.join(sorted(known))}"
                raise ValueError(f"has no key {name!r}; {meant}")
        return found

    return convert
