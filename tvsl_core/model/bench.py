"""How fast AudioCLIP's shipped inference path is beside the plain network, and how close to it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from tvsl_core.model.audioclip.fold import optimise
from tvsl_core.model.audioclip.load import load_network
from tvsl_core.model.audioclip.network import AudioClipNetwork
from tvsl_core.model.audioclip.sizes import PUBLISHED, SAMPLE_RATE, AudioClipSizes
from tvsl_core.model.audioclip.towers import AudioClipTowers
from tvsl_core.model.towers import TrainableTowers

CLIP_S = 5.0
"""Seconds of each sound."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpeed:
    """One path on one modality."""

    path: str
    modality: Literal["image", "audio"]
    per_second: float
    """Images, or seconds of sound, per second of the clock."""
    ratio: float
    """To the plain network in the same run."""
    cosine: float
    """Least over the batch, to the plain network."""
    memory_mb: float | None
    """Most memory on the GPU; None on a CPU."""


def bench_audioclip(
    *,
    weights: Path | None = None,
    device: torch.device | str = "cpu",
    batch: int = 8,
    repeats: int = 3,
    compiled: bool = False,
    sizes: AudioClipSizes = PUBLISHED,
) -> tuple[ModelSpeed, ...]:
    """Run all paths in turn, several times, and keep the best time of each.

    The plain network is eager float32 with BatchNorm as it is and the filters computed at every call, as published.
    Paths take turns, so that a busy machine slows all of them.

    Args:
        weights: A weights file; None uses random weights, whose speed is the same.
        device: Where to measure.
        batch: Images, or sounds of 5 s, that go together.
        repeats: Turns after a first one that does not count.
        compiled: Also measure ``torch.compile``; the first turn then takes minutes.
        sizes: Of another AudioCLIP than the published one.

    Raises:
        WeightsError: The weights cannot be used.
        ValueError: ``batch`` or ``repeats`` is not positive.
    """
    if batch < 1 or repeats < 1:
        raise ValueError(f"batch and repeats must be at least 1, got {batch} and {repeats}")
    device = torch.device(device)
    plain = (random_network(sizes) if weights is None else load_network(weights, sizes)[0]).to(device)
    paths = {"eager fp32": plain} | {
        f"shipped {name}": optimise(copy.deepcopy(plain), dtype)
        for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16))
    }
    if compiled:
        paths["shipped bf16 compiled"] = _compiled(copy.deepcopy(paths["shipped bf16"]))
    source = torch.Generator().manual_seed(0)
    side = sizes.image.side
    images = torch.randn(batch, 3, side, side, generator=source).to(device)
    waves = (torch.randn(batch, int(CLIP_S * SAMPLE_RATE), generator=source) * 3000).to(device)
    nhwc = images.to(memory_format=torch.channels_last)
    see = {name: _call(net.embed_images, images if net is plain else nhwc) for name, net in paths.items()}
    hear = {name: _call(net.embed_audio, waves) for name, net in paths.items()}
    return (
        *_compare("image", see, batch, repeats, device),
        *_compare("audio", hear, batch * CLIP_S, repeats, device),
    )


@torch.inference_mode()
def _compare(
    modality: Literal["image", "audio"],
    calls: dict[str, Callable[[], Tensor]],
    amount: float,
    repeats: int,
    device: torch.device,
) -> Sequence[ModelSpeed]:
    outputs, memory = {}, {}
    for name, call in calls.items():
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        outputs[name] = call().double()
        memory[name] = torch.cuda.max_memory_allocated(device) / 1e6 if device.type == "cuda" else None
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(repeats):
        for name, call in calls.items():
            best[name] = min(best[name], _seconds(call, device))
    first = next(iter(calls))
    return [
        ModelSpeed(
            path=name,
            modality=modality,
            per_second=amount / best[name],
            ratio=best[first] / best[name],
            cosine=torch.cosine_similarity(outputs[name], outputs[first], dim=-1).min().item(),
            memory_mb=memory[name],
        )
        for name in calls
    ]


def _seconds(call: Callable[[], Tensor], device: torch.device) -> float:
    begin = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - begin


def _call(function: Callable[[Tensor], Tensor], batch: Tensor) -> Callable[[], Tensor]:
    return lambda: function(batch)


def _compiled(network: AudioClipNetwork) -> AudioClipNetwork:
    network.visual.features = torch.compile(network.visual.features)  # type: ignore[method-assign]
    network.audio.features = torch.compile(network.audio.features)  # type: ignore[method-assign]
    return network


def random_network(sizes: AudioClipSizes = PUBLISHED) -> AudioClipNetwork:
    """A plain network with random weights: as fast as the published one, and good for nothing else."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return AudioClipNetwork(sizes).eval().requires_grad_(False)


def random_towers(device: torch.device | str = "cpu", sizes: AudioClipSizes = PUBLISHED) -> TrainableTowers:
    """AudioCLIP towers with random weights, for measuring speed."""
    network = optimise(random_network(sizes).to(device), torch.float32)
    return AudioClipTowers(network, weights_sha256="random")
