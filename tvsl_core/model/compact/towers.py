"""The compact towers behind the one interface: pictures, sounds and names meet as labels.

The joint space has 1,521 dimensions: the 1,000 looks of ImageNet, then the 521 sounds of AudioSet. A patch of a picture
is the softmax of its class activations in the first block; a position of the sound is its scores in the second. So that
a patch and a sound can also be compared with each other, each one's other block is filled by carrying its
probabilities across through language (``language.carry_matrix``). A class name is a weight on every label
(``evidence``), so its product with a patch or a position adds up what speaks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from tvsl_core.model.calibration import Calibration, read_calibration
from tvsl_core.model.compact import efficientnet_lite, foreground, yamnet
from tvsl_core.model.compact.class_evidence import CompactEvidence
from tvsl_core.model.compact.efficientnet_lite import EfficientNetLite0
from tvsl_core.model.compact.evidence import normalize_name, sharpen, weigh_labels
from tvsl_core.model.compact.language import LabelSpace, carry_matrix
from tvsl_core.model.compact.text import WIDTH, TextTower
from tvsl_core.model.compact.yamnet import Yamnet
from tvsl_core.model.evidence import LabelEvidence, Patches, PictureParts
from tvsl_core.model.threads import side_by_side

SHORT_SIDE = 320
"""Working height or width, whichever is shorter, of a prepared picture in pixels."""
LONG_SIDE = 1024
"""The other side is at most this."""
LOOKS = efficientnet_lite.CLASSES


def working_size(height: int, width: int) -> tuple[int, int]:
    """Height and width of the prepared picture: multiples of 32 that keep the aspect ratio as well as they can.

    The short side is 320 pixels; beyond an aspect ratio of 3.2 the long side is 1024 and the short side shrinks, at the
    least to 32.
    """
    if height < 1 or width < 1:
        raise ValueError(f"a picture has at least one pixel, got {height} x {width}")
    stride = efficientnet_lite.STRIDE
    aspect = max(height, width) / min(height, width)
    if SHORT_SIDE * aspect <= LONG_SIDE:
        short, long = SHORT_SIDE, round(SHORT_SIDE * aspect / stride) * stride
    else:
        short, long = max(round(LONG_SIDE / aspect / stride), 1) * stride, LONG_SIDE
    return (short, long) if height <= width else (long, short)


class Networks(NamedTuple):
    """What the towers are made of."""

    image: EfficientNetLite0
    sound: Yamnet
    text: Callable[[], TextTower]
    """Gives the text tower; called once, when a name without curated evidence first occurs."""


class CompactTowers:
    """Pictures, sounds and names in one joint space of labels; see ``tvsl_core.model.towers.Towers``.

    Args:
        networks: With their weights.
        sounds: The sound labels and their vectors.
        looks: The look labels and their vectors.
        device: Where to run.
        precision: ``bf16`` for the picture and sound networks.
        evidence: Curated labels behind class names, by name.
        weights_sha256: What identifies the weights in a result.
    """

    name: str = "compact"
    has_pieces = True
    """Pictures, and stretches of sound, go through the networks one by one."""
    dim: int = LOOKS + yamnet.CLASSES
    sample_rate: int = yamnet.SAMPLE_RATE
    feature_dims: tuple[int, int] = (efficientnet_lite.FEATURES, yamnet.EMBEDDING)
    names_dim: int = WIDTH

    def __init__(
        self,
        *,
        networks: Networks,
        sounds: LabelSpace,
        looks: LabelSpace,
        device: torch.device,
        precision: Literal["fp32", "bf16"],
        evidence: Mapping[str, LabelEvidence],
        weights_sha256: str,
    ) -> None:
        self.device = device
        self.precision = precision
        self.weights_sha256 = weights_sha256
        kind = torch.bfloat16 if precision == "bf16" else torch.float32
        self.image = networks.image.to(device, kind).to(memory_format=torch.channels_last)
        self.sound = networks.sound.to(device)
        for part in (self.sound.stem, self.sound.layers):
            part.to(kind).to(memory_format=torch.channels_last)
        self._make_text = networks.text
        self.sounds, self.looks = sounds, looks
        carried = carry_matrix(sounds, looks).to(device)
        self._picture_to_sound = carried.T.contiguous()
        """``[look sound]``: a look's probability counts for every sound it makes."""
        self._sound_to_picture = carried / carried.sum(dim=1, keepdim=True).clamp(min=1.0)
        """``[sound look]``: a sound's probability is shared out among the looks that make it."""
        self._curated = self._curate(evidence)
        self._derived: dict[str, Tensor] = {}

    @cached_property
    def text(self) -> TextTower:
        """The text tower, in float32."""
        return self._make_text().to(self.device)

    @cached_property
    def calibration(self) -> Calibration:
        """As fitted for these towers without heads."""
        return read_calibration(Path(__file__).parent / "calibration.json")

    @property
    def sound_hop_s(self) -> float:
        """Seconds between sound positions: 0.48."""
        return yamnet.HOP / yamnet.SAMPLE_RATE

    @property
    def sound_span_s(self) -> float:
        """Seconds of sound that one position sees: 0.975."""
        return yamnet.SPAN / yamnet.SAMPLE_RATE

    @torch.inference_mode()
    def preprocess(self, frames: NDArray[np.uint8]) -> Tensor:
        """uint8 RGB ``[clip height width 3]`` to float ``[clip 3 height' width']``, the whole frame (``working_size``).

        Raises: ValueError: Not such an array.
        """
        if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or 0 in frames.shape:
            raise ValueError(f"frames are uint8 [clip height width 3], got {frames.dtype} {frames.shape}")
        size = working_size(frames.shape[1], frames.shape[2])
        pixels = torch.from_numpy(np.ascontiguousarray(frames)).to(self.device).permute(0, 3, 1, 2)
        if pixels.shape[-2:] != size:
            # On the CPU torch resizes bytes in channels-last order several times faster than floats, and rounds to
            # bytes again. A GPU cannot resize bytes: there the rounding is done by hand, so that both see one picture.
            fitting = pixels if self.device.type == "cpu" else pixels.float()
            pixels = F.interpolate(fitting, size=size, mode="bilinear", antialias=True)
            pixels = pixels.round_() if pixels.is_floating_point() else pixels
        # The scale is a power of two, so that this is the division.
        return pixels.float().sub_(efficientnet_lite.MEAN).mul_(1 / efficientnet_lite.SCALE)

    @torch.inference_mode()
    def embed_images(self, images: Tensor) -> Tensor:
        """Normalised float ``[clip 3 height width]`` to ``[clip 1521]``: what the whole picture shows."""
        cells = self._features(images).cells.float().mean(dim=(-2, -1))
        logits = F.linear(cells, self.image.classifier.weight.float(), self.image.classifier.bias.float())
        return self._from_looks(torch.softmax(logits, dim=-1))

    @torch.inference_mode()
    def image_patches(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Normalised ``[clip 3 height width]`` to (``[clip patch 1521]``, (rows, columns)), patches row by row."""
        features, grid = self.image_features(images)
        return self.joint_image(features), grid

    @torch.inference_mode()
    def embed_audio(self, waveforms: Tensor) -> Tensor:
        """Mono float ``[clip sample]`` in [-1, 1] at 16 kHz to ``[clip 1521]``: the mean over its positions."""
        return self.sound_positions(waveforms).mean(dim=1)

    @torch.inference_mode()
    def sound_positions(self, waveforms: Tensor) -> Tensor:
        """Mono float ``[clip sample]`` in [-1, 1] at 16 kHz to ``[clip sound 1521]``.

        One position per 7,680 samples (``yamnet.count_positions``); sound shorter than 15,600 samples is padded with
        zeros behind, as is the last position.
        """
        scores, _ = self.sound(waveforms.to(device=self.device, dtype=torch.float32))
        return torch.cat((scores @ self._sound_to_picture, scores), dim=-1)

    @torch.inference_mode()
    def embed_text(self, names: Sequence[str]) -> Tensor:
        """Class names to ``[klass 1521]``: a weight in [0, 1] on every label, exactly 0 for those unrelated.

        A name with curated evidence uses that; any other is derived through the text tower, once. A name like nothing
        that the towers know is all zeros.
        """
        return self._weigh(names, self._curated)

    def class_evidence(self, names: Sequence[str], labels: Mapping[str, LabelEvidence]) -> CompactEvidence:
        """Evidence for classes by the labels that are written down for them; a name without goes by its words.

        Raises: ValueError: A key names no label.
        """
        keys = {normalize_name(name) for name in names}
        own = {name: weights for name, weights in labels.items() if normalize_name(name) in keys}
        with torch.inference_mode():
            return CompactEvidence(self, self._weigh(names, self._curate(own)))

    @torch.inference_mode()
    def inspect_images(self, images: Tensor) -> PictureParts:
        """Patches, foreground and affinity of normalised ``[clip 3 height width]``, with one pass of the network."""
        features = self._features(images)
        by_patch, alike = _by_patch(features), foreground.Affinities.of(features)
        return PictureParts(
            patches=Patches(joint=self.joint_image(by_patch)),
            grid=(features.cells.shape[2], features.cells.shape[3]),
            features=by_patch,
            foreground=foreground.objectness(features, alike),
            affinity=alike.mean(),
        )

    @torch.inference_mode()
    def image_features(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """EfficientNet's last features of each cell: ``[clip 3 height width]`` to (``[clip patch 1280]``, grid)."""
        features = self._features(images)
        return _by_patch(features), (features.cells.shape[2], features.cells.shape[3])

    @torch.inference_mode()
    def sound_features(self, waveforms: Tensor) -> Tensor:
        """YAMNet's embedding at each position: mono ``[clip sample]`` at 16 kHz to ``[clip sound 1024]``."""
        embeddings: Tensor = self.sound(waveforms.to(device=self.device, dtype=torch.float32))[1]
        return embeddings

    @torch.inference_mode()
    def joint_image(self, features: Tensor) -> Tensor:
        """What ``image_patches`` gives for the same pictures: ``[clip patch 1280]`` to ``[clip patch 1521]``.

        The classifier reads every cell by itself. Source: Zhou et al., "Learning Deep Features for Discriminative
        Localization", CVPR 2016, equation 2.
        """
        classifier = self.image.classifier
        logits = F.linear(features.to(classifier.weight.dtype), classifier.weight, classifier.bias).float()
        return self._from_looks(torch.softmax(logits, dim=-1))

    @torch.inference_mode()
    def joint_sound(self, features: Tensor) -> Tensor:
        """What ``sound_positions`` gives for the same sounds: ``[clip sound 1024]`` to ``[clip sound 1521]``."""
        classifier = self.sound.classifier
        scores = torch.sigmoid(F.linear(features.float(), classifier.weight.float(), classifier.bias.float()))
        return torch.cat((scores @ self._sound_to_picture, scores), dim=-1)

    @torch.inference_mode()
    def embed_names(self, names: Sequence[str]) -> Tensor:
        """The text tower's unit vectors of class names: ``[klass 384]``."""
        if not names:
            return torch.zeros(0, self.names_dim, device=self.device)
        return self.text.embed([normalize_name(name) for name in names]).float()

    def _curate(self, labels: Mapping[str, LabelEvidence]) -> dict[str, Tensor]:
        """Weights of names on all labels, by their normalised spelling."""
        rows = {
            normalize_name(name): (
                weigh_labels(one.looks, self.looks.places),
                weigh_labels(one.sounds, self.sounds.places),
            )
            for name, one in labels.items()
        }
        return {key: torch.from_numpy(np.concatenate(row)).to(self.device) for key, row in rows.items()}

    def _weigh(self, names: Sequence[str], curated: Mapping[str, Tensor]) -> Tensor:
        keys = [normalize_name(name) for name in names]
        fresh = [key for key in dict.fromkeys(keys) if key not in curated and key not in self._derived]
        if fresh:
            vectors = self.text.embed(fresh).float()
            looks = self.looks.likeness(fresh, vectors).cpu().numpy()
            sounds = self.sounds.likeness(fresh, vectors).cpu().numpy()
            for row, key in enumerate(fresh):
                weights = (sharpen(looks[row], exclusive=True), sharpen(sounds[row], exclusive=False))
                self._derived[key] = torch.from_numpy(np.concatenate(weights)).to(self.device)
        rows = [curated[key] if key in curated else self._derived[key] for key in keys]
        return torch.stack(rows) if rows else torch.zeros(0, self.dim, device=self.device)

    def _features(self, images: Tensor) -> efficientnet_lite.ImageFeatures:
        """Features of prepared pictures.

        Raises: ValueError: Not ``[clip 3 height width]`` with sides that are multiples of 32.
        """
        if (
            images.ndim != 4
            or images.shape[1] != 3
            or images.shape[2] % efficientnet_lite.STRIDE
            or images.shape[3] % efficientnet_lite.STRIDE
        ):
            raise ValueError(f"images are [clip 3 height width] in multiples of 32, got {tuple(images.shape)}")
        prepared = images.to(device=self.device, dtype=self.image.stem.weight.dtype)
        prepared = prepared.contiguous(memory_format=torch.channels_last)
        # On the CPU one picture at a time: its largest layers then stay in the cache, and below the size from which the
        # allocator fetches fresh pages for each (a batch of 8 took a third longer, all of it in page faults).
        chunks = torch.split(prepared, 1) if self.device.type == "cpu" else (prepared,)
        parts = list(side_by_side(self.image.features, chunks))
        return efficientnet_lite.ImageFeatures(*(torch.cat(maps) for maps in zip(*parts, strict=True)))

    def _from_looks(self, looks: Tensor) -> Tensor:
        """Probabilities ``[... 1000]`` to the joint space."""
        return torch.cat((looks, (looks @ self._picture_to_sound).clamp(max=1.0)), dim=-1)


def _by_patch(features: efficientnet_lite.ImageFeatures) -> Tensor:
    """The last features, ``[clip patch 1280]``, patches row by row."""
    return features.cells.float().flatten(2).transpose(1, 2).contiguous()
