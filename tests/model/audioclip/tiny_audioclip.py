"""A very small AudioCLIP with weights by recipe, and its golden outputs.

``python tests/model/audioclip/tiny_audioclip.py`` writes golden_tiny.npz anew. It was first made when the same code
reproduced the published implementation's outputs on full-size weights (test_audioclip_reference.py).
"""

import sys
import zlib
from pathlib import Path

import numpy as np

from tvsl_core.model.audioclip import AudioClipSizes, AudioClipTowers, ImageSizes, SoundSizes, TextSizes
from tvsl_core.model.audioclip.load import load_audioclip
from tvsl_core.model.audioclip.network import empty_network

GOLDEN = Path(__file__).with_name("golden_tiny.npz")
RATE = 44_100
TEXTS = ("cat", "playing acoustic guitar", "a café with naïve   spacing", "")
TINY = AudioClipSizes(
    dim=32,
    image=ImageSizes(blocks=(1, 1, 1, 1), planes=8, heads=4, side=96),
    text=TextSizes(layers=2, width=32, heads=4),
    sound=SoundSizes(blocks=(1, 1, 1, 1), planes=8, cardinality=4),
)


def tiny_weights(sizes: AudioClipSizes = TINY) -> dict[str, np.ndarray]:
    """Every tensor of the layout, from a seed derived from its name."""
    return {name: _fill(name, tuple(tensor.shape)) for name, tensor in empty_network(sizes).state_dict().items()}


def tiny_towers(**options: object) -> AudioClipTowers:
    """Ready towers of the small size."""
    return load_audioclip(weights=tiny_weights(), sizes=TINY, **options)


def pictures(count: int = 2, height: int = 96, width: int = 96) -> np.ndarray:
    """Colourful frames, uint8 ``[clip height width 3]``."""
    y, x = np.mgrid[0:height, 0:width] / 96
    waves = [[np.sin(7 * x * (c + 1) + k) + np.cos(5 * y - c) for c in range(3)] for k in range(count)]
    return ((np.array(waves).transpose(0, 2, 3, 1) + 2) * 63).astype(np.uint8)


def sounds(seconds: float = 1.0) -> np.ndarray:
    """A chirp and a pulsing noise in [-1, 1], float32 ``[clip sample]``."""
    t = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(5).standard_normal(t.size) * (np.sin(20 * t) > 0)
    return np.stack([0.5 * np.sin(2000 * t + 9000 * t**2), 0.1 * noise]).astype(np.float32)


def outputs(towers: AudioClipTowers) -> dict[str, np.ndarray]:
    """Everything that the golden file keeps."""
    import torch

    images = towers.preprocess(pictures())
    waves = torch.from_numpy(sounds())
    found = {
        "image": towers.embed_images(images),
        "patches": towers.image_patches(images)[0],
        "audio": towers.embed_audio(waves),
        "positions": towers.sound_positions(waves)[:, ::3],
        "text": towers.embed_text(TEXTS),
        "tokens": towers.tokenize(TEXTS)[:, :12],
    }
    return {name: value.numpy() for name, value in found.items()}


def _fill(name: str, shape: tuple[int, ...]) -> np.ndarray:  # noqa: PLR0911
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    if name == "audio.window":
        return np.hanning(shape[0] + 1)[:-1].astype(np.float32)
    if name.startswith("logit_scale"):
        return np.asarray(4.0, np.float32)
    if name.startswith("audio.fbsp."):
        base = {"m": 0.3, "fb": 1.0, "fc": np.arange(shape[0]), "bias": 0.0}[leaf]
        return (base + rng.uniform(-0.05, 0.05, shape)).astype(np.float32)
    if leaf == "running_var":
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    if leaf == "weight" and len(shape) == 1:
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    if leaf in ("running_mean", "bias", "in_proj_bias"):
        return rng.normal(0, 0.1, shape).astype(np.float32)
    fan_in = int(np.prod(shape[1:])) or 1
    return rng.normal(0, 1.4 / np.sqrt(fan_in), shape).astype(np.float32)


if __name__ == "__main__":
    np.savez_compressed(GOLDEN, **outputs(tiny_towers()))
    sys.stdout.write(f"{GOLDEN} {GOLDEN.stat().st_size} bytes\n")
