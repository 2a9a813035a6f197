"""AudioCLIP behind the towers interface."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tvsl_core.model.audioclip import evidence, prepare
from tvsl_core.model.audioclip.class_evidence import AudioClipEvidence, Rivals
from tvsl_core.model.audioclip.image import Reading
from tvsl_core.model.audioclip.network import AudioClipNetwork
from tvsl_core.model.audioclip.sizes import SAMPLE_RATE, STRIDE
from tvsl_core.model.audioclip.sound import INT16_SCALE
from tvsl_core.model.audioclip.tokenizer import tokenize
from tvsl_core.model.calibration import Calibration, read_calibration
from tvsl_core.model.evidence import LabelEvidence, Patches, PictureParts

SoundScale = Literal["int16", "unit"]
"""What the audio tower is fed: samples times 32768, as AudioCLIP's own pipeline does, or as they are."""
LOUDEST = 16.0
"""Samples beyond this are not on the [-1, 1] scale; mixtures of a few sources stay below."""
TEXTS_AT_ONCE = 64
TEXTS_KEPT = 4096
RECEPTIVE_COLUMNS = 483
"""Columns of the spectrogram that one cell of the last grid sees: the receptive field of a ResNet-50."""


class AudioClipTowers:
    """Pictures, sounds and names in AudioCLIP's joint space. Pooled embeddings are the published ones.

    Args:
        network: With its weights, as published or after ``fold.optimise``; stays on its device.
        reading: How a cell of the image grid becomes a patch embedding; see ``image.Reading``.
        sound_scale: ``int16`` multiplies samples by 32768 first.
        weights_sha256: Of the weights file, or of the tensors handed in.
        precision: Of the network, as ``fold.optimise`` made it.
    """

    name = "audioclip"

    def __init__(
        self,
        network: AudioClipNetwork,
        *,
        reading: Reading = "value",
        sound_scale: SoundScale = "int16",
        weights_sha256: str = "",
        precision: Literal["fp32", "bf16"] = "fp32",
    ) -> None:
        if reading not in ("value", "query"):
            raise ValueError(f"reading must be 'value' or 'query', got {reading!r}")
        if sound_scale not in ("int16", "unit"):
            raise ValueError(f"sound_scale must be 'int16' or 'unit', got {sound_scale!r}")
        self.network = network.eval()
        self.reading, self.sound_scale = reading, sound_scale
        self.dim = network.sizes.dim
        self.feature_dims = (self.dim, self.dim)
        self.names_dim = self.dim
        self.sample_rate = SAMPLE_RATE
        self.weights_sha256, self.precision = weights_sha256, precision
        self.device = network.text_projection.device
        self._texts: dict[str, Tensor] = {}

    @functools.cached_property
    def calibration(self) -> Calibration:
        """As fitted for these towers without heads."""
        return read_calibration(Path(__file__).parent / "calibration.json")

    @property
    def sound_hop_s(self) -> None:
        """None: positions look far beyond their own place, so every window must be embedded by itself."""
        return None

    @property
    def sound_span_s(self) -> float:
        """Seconds that one position sees, 6.2 with the published sizes: all of a 5 s window."""
        sizes = self.network.sizes.sound
        return ((RECEPTIVE_COLUMNS - 1) * sizes.hop + sizes.frame) / SAMPLE_RATE

    def preprocess(self, frames: NDArray[np.uint8]) -> Tensor:
        """RGB frames to normalised images that show the whole frame; short side 224, both multiples of 32.

        Shapes: frames ``[clip height width 3]`` to ``[clip 3 height2 width2]``.

        Raises: ValueError: Not uint8 ``[clip height width 3]``.
        """
        return prepare.prepare_whole(frames, short_side=self.network.sizes.image.side).to(self.device)

    def preprocess_centre(self, frames: NDArray[np.uint8]) -> Tensor:
        """RGB frames to normalised centre squares, as the published model was tested.

        Shapes: frames ``[clip height width 3]`` to ``[clip 3 side side]``.
        """
        return prepare.prepare_centre(frames, side=self.network.sizes.image.side).to(self.device)

    @torch.inference_mode()
    def embed_images(self, images: Tensor) -> Tensor:
        """Pooled embeddings of normalised images, as published (not unit length); any multiples of 32 pixels.

        Shapes: images ``[clip 3 height width]`` to ``[clip dim]``.
        """
        images = self._images(images)
        if len(images) == 0:
            return images.new_zeros(0, self.dim)
        return self.network.embed_images(images).float()

    @torch.inference_mode()
    def image_patches(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """One embedding per 32 x 32 cell, row by row, and (rows, columns); see ``image.Reading``.

        Shapes: images ``[clip 3 height width]`` to ``[clip patch dim]``.
        """
        images = self._images(images)
        grid = (images.shape[2] // STRIDE, images.shape[3] // STRIDE)
        if len(images) == 0:
            return images.new_zeros(0, grid[0] * grid[1], self.dim), grid
        pool = self.network.visual.attnpool
        return pool.patches(self.network.visual.features(images), self.reading).float(), grid

    @torch.inference_mode()
    def embed_audio(self, waveforms: Tensor) -> Tensor:
        """Pooled embeddings of mono sounds in [-1, 1] at 44.1 kHz, as published (not unit length); any length.

        Shapes: waveforms ``[clip sample]`` to ``[clip dim]``.

        Raises: ValueError: Not ``[clip sample]``, empty, not finite, or far outside [-1, 1].
        """
        waveforms = self._sounds(waveforms)
        if len(waveforms) == 0:
            return waveforms.new_zeros(0, self.dim)
        audio = self.network.audio
        return audio.pool(self._sound_features(waveforms)).float()

    @torch.inference_mode()
    def sound_positions(self, waveforms: Tensor) -> Tensor:
        """One embedding per cell of the last sound grid, in order of time, at each time from low to high frequency.

        Shapes: waveforms ``[clip sample]`` to ``[clip sound dim]``.

        ``sound_grid`` says how many; position ``i`` lies in time column ``i // rows``.
        """
        waveforms = self._sounds(waveforms)
        if len(waveforms) == 0:
            rows, columns = self.sound_grid(waveforms.shape[1])
            return waveforms.new_zeros(0, rows * columns, self.dim)
        return self.network.audio.positions(self._sound_features(waveforms)).float()

    def image_features(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """The patches themselves, which lie in the joint space already; see ``image_patches``."""
        return self.image_patches(images)

    @torch.inference_mode()
    def sound_features(self, waveforms: Tensor) -> Tensor:
        """One vector per time column, the mean over its frequencies: 13 for 5 s.

        Every cell of the last grid hears all frequencies of its time and more, so that its row says little; heads over
        143 positions instead of 13 would take longer than the towers' whole cache saves.

        Shapes: waveforms ``[clip sample]`` to ``[clip sound dim]``.
        """
        rows, columns = self.sound_grid(waveforms.shape[1])
        return self.sound_positions(waveforms).reshape(-1, columns, rows, self.dim).mean(dim=2)

    def joint_image(self, features: Tensor) -> Tensor:
        """The features themselves."""
        return features

    def joint_sound(self, features: Tensor) -> Tensor:
        """The features themselves."""
        return features

    @torch.inference_mode()
    def embed_names(self, names: Sequence[str]) -> Tensor:
        """Unit vectors of class names: ``[klass dim]``."""
        return functional.normalize(self.embed_text(names), dim=-1)

    def sound_grid(self, samples: int) -> tuple[int, int]:
        """(frequency rows, time columns) of the sound positions of so many samples; (11, 13) for 5 s."""
        return self.network.audio.grid(samples)

    def tokenize(self, names: Sequence[str]) -> Tensor:
        """CLIP's byte-pair tokens, 77 per name.

        Shapes: ``[klass context]``.

        Raises: InputError: A name takes more than 75 tokens.
        """
        return torch.from_numpy(tokenize(names))

    @torch.inference_mode()
    def embed_text(self, names: Sequence[str]) -> Tensor:
        """Embeddings of names or short texts, as published (not unit length); those seen before are remembered.

        Shapes: ``[klass dim]``.

        Raises: InputError: A name takes more than 75 tokens.
        """
        tokens = self.tokenize(names)
        fresh = [index for index, name in enumerate(names) if name not in self._texts]
        if len(self._texts) + len(fresh) > TEXTS_KEPT:
            self._texts.clear()
            fresh = list(range(len(names)))
        found = {names[i]: row for i, row in zip(fresh, self._embed_tokens(tokens[fresh]), strict=True)}
        rows = [found[name] if name in found else self._texts[name] for name in names]
        self._texts.update(list(found.items())[:TEXTS_KEPT])
        return torch.stack(rows) if rows else torch.zeros(0, self.dim, device=self.device)

    def class_evidence(self, names: Sequence[str], labels: Mapping[str, LabelEvidence]) -> AudioClipEvidence:
        """Evidence for classes by the words of their names: these towers know no labels."""
        unseen = Rivals(
            background=self.embed_text(evidence.NO_OBJECT),
            nothing=self._patches_of_nothing,
            scale=self.network.scale("logit_scale"),
        )
        unheard = Rivals(
            background=self.embed_text(evidence.NO_SOUND),
            nothing=self._positions_of_nothing,
            scale=self.network.scale("logit_scale_at"),
        )
        return AudioClipEvidence(self, self.embed_text(names), unseen=unseen, unheard=unheard)

    @torch.inference_mode()
    def inspect_images(self, images: Tensor) -> PictureParts:
        """Patches, how likely each belongs to any object, and how alike they look, from one pass.

        Foreground is how much more a patch looks like any object than like any surface (``evidence.foreground``);
        likeness is the cosine of the last features, less their mean over the picture.

        Shapes: images ``[clip 3 height width]``.
        """
        images = self._images(images)
        rows, columns = images.shape[2] // STRIDE, images.shape[3] // STRIDE
        if len(images) == 0:
            nothing = images.new_zeros(0, rows * columns, self.dim)
            return PictureParts(
                patches=Patches(joint=nothing),
                grid=(rows, columns),
                features=nothing,
                foreground=images.new_zeros(0, rows, columns),
                affinity=images.new_zeros(0, rows * columns, rows * columns),
            )
        features = self.network.visual.features(images)
        patches = self.network.visual.attnpool.patches(features, self.reading).float()
        likely = evidence.foreground(
            patches,
            objects=self.embed_text(evidence.OBJECTS),
            stuff=self.embed_text(evidence.STUFF),
            scale=self.network.scale("logit_scale"),
        )
        return PictureParts(
            patches=Patches(joint=patches),
            grid=(rows, columns),
            features=patches,
            foreground=likely.reshape(-1, rows, columns),
            affinity=evidence.likeness(features.float()),
        )

    @functools.cached_property
    def _patches_of_nothing(self) -> Tensor:
        frames = evidence.pictures_of_nothing(self.network.sizes.image.side)
        return self.image_patches(self.preprocess(frames))[0]

    @functools.cached_property
    def _positions_of_nothing(self) -> Tensor:
        return self.sound_positions(evidence.sounds_of_nothing(SAMPLE_RATE))

    def _embed_tokens(self, tokens: Tensor) -> list[Tensor]:
        """In order of length, so that short texts are not padded to long ones."""
        order = tokens.argmax(-1).argsort()
        rows: list[Tensor] = [torch.empty(0)] * len(tokens)
        if not rows:
            return rows
        for part in torch.split(order, TEXTS_AT_ONCE):
            embedded = self.network.embed_tokens(tokens[part].to(self.device)).float()
            for index, row in zip(part.tolist(), embedded, strict=True):
                rows[index] = row
        return rows

    def _sound_features(self, waveforms: Tensor) -> Tensor:
        scale = INT16_SCALE if self.sound_scale == "int16" else 1.0
        return self.network.audio.listen(waveforms * scale)

    def _images(self, images: Tensor) -> Tensor:
        if not isinstance(images, Tensor) or images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise ValueError(
                f"images must be a normalised float tensor [clip 3 height width], got {_described(images)}: "
                "call preprocess first"
            )
        height, width = images.shape[2:]
        if height < STRIDE or width < STRIDE or height % STRIDE or width % STRIDE:
            raise ValueError(f"image sides must be multiples of {STRIDE}, got {height} x {width}: use preprocess")
        return images.to(self.device, torch.float32, memory_format=torch.channels_last)

    def _sounds(self, waveforms: Tensor) -> Tensor:
        if not isinstance(waveforms, Tensor) or waveforms.ndim != 2 or not waveforms.is_floating_point():
            raise ValueError(
                f"waveforms must be a mono float tensor [clip sample], got {_described(waveforms)}: "
                f"average the channels, resample to {SAMPLE_RATE} Hz and scale to [-1, 1]"
            )
        if waveforms.shape[1] == 0:
            raise ValueError("waveforms must hold at least one sample, got none")
        waveforms = waveforms.to(self.device, torch.float32)
        if len(waveforms):
            peak = float(waveforms.abs().max())
            if not np.isfinite(peak):
                raise ValueError("waveforms must be finite, got NaN or infinity")
            if peak > LOUDEST:
                raise ValueError(f"waveforms must lie in [-1, 1], got {peak:g}: divide 16-bit samples by 32768")
        return waveforms


def _described(value: object) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} {list(value.shape)}"
    return type(value).__name__
