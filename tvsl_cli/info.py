"""``tvsl info``: what is installed here and what this machine can do."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

PACKAGES = (
    "torch",
    "openvino",
    "torchvision",
    "torchaudio",
    "numpy",
    "scipy",
    "av",
    "opencv-python-headless",
    "imageio-ffmpeg",
    "ffmpeg-python",
    "pandas",
    "pyarrow",
    "safetensors",
    "tokenizers",
    "typer",
    "rich",
)
"""Packages whose versions change what tvsl does."""


def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
) -> None:
    """Print versions, devices, ffmpeg and models: what a bug report needs.

    Example: tvsl info --json
    """
    from tvsl_cli.shared.terminal import write_line

    facts = collect()
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    for title, rows in facts.items():
        write_line(title)
        for name, value in rows.items():
            write_line(f"  {name:<24} {value}")


def collect() -> dict[str, dict[str, Any]]:
    """Every fact, by section: versions, machine, ffmpeg and models. What cannot be found out says so."""
    return {"versions": _versions(), "machine": machine(), "ffmpeg": _ffmpeg(), "models": _models()}


def _versions() -> dict[str, str]:
    import platform

    import tvsl_core
    from tvsl_core.system.versions import package_versions

    own = {"tvsl": str(tvsl_core.__version__), "python": platform.python_version()}
    return own | package_versions(PACKAGES)


def machine() -> dict[str, Any]:
    """The system, its processors, and its GPUs as torch sees them."""
    import platform

    import torch

    from tvsl_core.system.platforms import processor_name, usable_cores

    facts: dict[str, Any] = {
        "system": platform.platform(),
        "processor": processor_name(),
        "processors": usable_cores(),
        "torch threads": torch.get_num_threads(),
    }
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    for index in range(count):
        properties = torch.cuda.get_device_properties(index)
        facts[f"cuda:{index}"] = f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
    facts["device auto"] = "cuda:0" if count else "cpu"
    return facts


def _ffmpeg() -> dict[str, str]:
    from tvsl_core.errors import TvslError
    from tvsl_core.media.write.binary import ffmpeg_version, find_ffmpeg

    try:
        return {"path": str(find_ffmpeg()), "version": str(ffmpeg_version())}
    except TvslError as error:
        return {"problem": str(error)}


def _models() -> dict[str, str]:
    from importlib import resources

    weights = resources.files("tvsl_core.model.compact") / "compact.safetensors"
    if not weights.is_file():
        return {"compact": "weights file is missing; install tvsl again"}
    import hashlib

    content = weights.read_bytes()
    return {"compact": f"embedded, {len(content) / 1e6:.1f} MB, sha256 {hashlib.sha256(content).hexdigest()}"}
