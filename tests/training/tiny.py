"""Towers of 16 dimensions and scenes of coloured blocks and tones: everything of a training run, in a second.

``python tests/training/tiny.py OUT [option=value ...]`` trains on them as one process (or one of several that torchrun
starts) and prints the sha256 of the weights that it ends with.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch.nn.functional import normalize

from tvsl_core.data.scenes.scene import Picture, Scene, SceneRecipe, Sound
from tvsl_core.errors import MediaError
from tvsl_core.model.evidence import choose
from tvsl_core.model.joint import JointEvidence

CLASSES = ("bell", "dog", "flute", "horse")
PATCH, ROWS, COLUMNS = 8, 4, 6
RATE = 1600
HEADS = {"hidden": 16, "dropout": 0.1}


class TinyEvidence(JointEvidence):
    """How far features point the way of a name; training never takes a class out."""

    def image(self, patches, klasses=None):
        return torch.sigmoid(patches.joint @ choose(self.text, klasses)[:, :12].T)

    def sound(self, positions, klasses=None):
        return torch.sigmoid(positions.joint @ choose(self.text, klasses)[:, :10].T)

    def without_image(self, patches, klass):
        raise NotImplementedError

    def without_sound(self, positions, klass):
        raise NotImplementedError


class TinyTowers:
    """Colours and pitches through fixed random matrices."""

    name = "tiny"
    dim = names_dim = 16
    sample_rate = RATE
    device = torch.device("cpu")
    feature_dims = (12, 10)

    def __init__(self, *, seed: int = 0, gain: float = 1.0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.colours = torch.randn(3, 12, generator=generator)
        self.pitches = torch.randn(20, 10, generator=generator)
        self.gain = gain
        self.weights_sha256 = f"tiny{seed}"
        self.pictures_seen = self.sounds_heard = 0

    def preprocess(self, frames):
        return torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 128 * self.gain - 1

    def image_features(self, images):
        self.pictures_seen += len(images)
        cells = torch.nn.functional.avg_pool2d(images, PATCH)
        grid = (cells.shape[2], cells.shape[3])
        return torch.tanh(cells.flatten(2).transpose(1, 2) @ self.colours), grid

    def sound_features(self, waveforms):
        self.sounds_heard += len(waveforms)
        frames = waveforms[:, : waveforms.shape[1] // 200 * 200].unflatten(1, (-1, 200))
        bands = torch.fft.rfft(frames).abs()[..., :100].unflatten(-1, (20, 5)).sum(-1)
        return torch.tanh(torch.log1p(bands) @ self.pitches / 4)

    def joint_image(self, features):
        return features

    def joint_sound(self, features):
        return features

    def embed_names(self, names):
        rows = [np.random.default_rng(list(name.encode())).standard_normal(16) for name in names]
        return normalize(torch.tensor(np.array(rows), dtype=torch.float32), dim=-1)

    def embed_text(self, names):
        return self.embed_names(names)

    def class_evidence(self, names, labels):
        return TinyEvidence(self, self.embed_text(names))


class TinyScenes:
    """One or two coloured blocks on grey, and the tones of those that sound."""

    classes = CLASSES

    def __init__(self, count: int = 24, *, seed: int = 0, broken: tuple[int, ...] = (), marked: bool = True) -> None:
        self.count, self.seed, self.broken, self.marked = count, seed, broken, marked
        self.drawn = 0

    def __len__(self):
        return self.count

    def fingerprint(self):
        return f"tiny {self.count} {self.seed} {self.marked}"

    def _plan(self, index, epoch):
        if index in self.broken:
            raise MediaError(f"clip{index}.mp4 ends in the middle of a frame.")
        self.drawn += 1
        rng = np.random.default_rng((self.seed, epoch, index))
        classes = rng.permutation(len(CLASSES))[: 1 + index % 2]
        return rng, [int(klass) for klass in classes]

    def picture(self, index, epoch):
        rng, classes = self._plan(index, epoch)
        frame = np.full((ROWS * PATCH, COLUMNS * PATCH, 3), 110, np.uint8)
        regions = np.zeros(frame.shape[:2], np.int16)
        for number, klass in enumerate(classes):
            left = (number * 3 + int(rng.integers(2))) * PATCH
            top = int(rng.integers(2)) * PATCH
            place = np.s_[top : top + 2 * PATCH, left : left + 2 * PATCH]
            frame[place] = [(250, 20, 20), (20, 250, 20), (20, 20, 250), (250, 250, 20)][klass]
            regions[place] = number + 1
        if not self.marked:
            regions[:] = -1
        return Picture(frame, tuple(CLASSES[klass] for klass in classes), regions)

    def sound(self, index, epoch, sample_rate):
        rng, classes = self._plan(index, epoch)
        sounding = classes if index % 3 else classes[:1]
        time = np.arange(sample_rate) / sample_rate
        wave = sum(0.4 * np.sin(2 * np.pi * (80 + 150 * klass) * time) for klass in sounding)
        noise = rng.standard_normal(sample_rate) * 0.01
        return Sound((wave + noise).astype(np.float32), tuple(CLASSES[klass] for klass in sounding))

    def scene(self, index, epoch, *, sample_rate):
        picture, sound = self.picture(index, epoch), self.sound(index, epoch, sample_rate)
        recipe = SceneRecipe(seed=self.seed, epoch=epoch, index=index, layout="placed")
        return Scene(recipe=recipe, **picture._asdict(), **sound._asdict())


def make_run(out, *, count=24, cache=None, validation=8, towers=None, train=None, losses=None, **options):
    """A training run with small defaults; ``options`` are those of ``TrainOptions``."""
    from tvsl_core.training.options import LossWeights, TrainOptions
    from tvsl_core.training.training_run import TrainingRun

    given = {"batch": 8, "epochs": 4, "learning_rate": 1e-2, "heads": HEADS, "amp": "off", "checkpoint_steps": 3}
    return TrainingRun(
        towers=towers or TinyTowers(),
        train=train or TinyScenes(count),
        validation=TinyScenes(validation, seed=9) if validation else None,
        out=Path(out),
        cache=cache,
        options=TrainOptions(**(given | options), losses=losses or LossWeights()),
    )


def digest(path) -> str:
    """sha256 of the tensors of a safetensors file."""
    from safetensors.torch import load_file

    sha = hashlib.sha256()
    for name, tensor in sorted(load_file(path).items()):
        sha.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return sha.hexdigest()


def newest(out):
    """The newest checkpoint of a run."""
    from tvsl_core.training.checkpoint import checkpoints

    return checkpoints(Path(out))[-1]


def main(arguments: list[str]) -> None:
    """Train as a program of its own, so that it can be killed or started several times."""
    from tvsl_core.training.run import train

    torch.set_num_threads(1)
    options = SimpleNamespace(out=arguments[0], heads={}, slow=False)
    given = {}
    for text in arguments[1:]:
        name, value = text.split("=")
        given[name] = float(value) if "." in value else int(value)
    heads = HEADS | ({"dropout": 0.0} if given.pop("exact", 0) else {})
    pause = given.pop("pause", 0)

    def tell(event):
        if getattr(event, "kind", "") == "step":
            sys.stdout.write(f"step {event.step}\n")
            sys.stdout.flush()
            if pause:
                import time

                time.sleep(pause)

    train(make_run(options.out, heads=heads, **given), device=torch.device("cpu"), tell=tell)


if __name__ == "__main__":
    main(sys.argv[1:])
