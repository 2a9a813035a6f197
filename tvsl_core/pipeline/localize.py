"""Stage 3 of annotation: each class that sounds gets a map over the frame."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tvsl_core.model.tvsl import TvslModel
from tvsl_core.pipeline.embed import EmbeddedClip
from tvsl_core.types import Detection, LocalizationMap

RIVAL_SHARE = 1.0
"""How much of the strongest rival's map is taken off a class; 1 gives each patch to one class."""


def localize(
    clip: EmbeddedClip, detections: Sequence[Detection], model: TvslModel, *, frame_size: tuple[int, int]
) -> tuple[LocalizationMap | None, ...]:
    """One map for each detection, in order; None for those that are offscreen.

    Args:
        clip: The instant's vectors.
        detections: What sounds at that instant.
        model: The model that embedded the clip.
        frame_size: Width and height of the frame as shown, in pixels.
    """
    seen = [detection for detection in detections if detection.verdict == "sounding"]
    if not seen:
        return tuple(None for _ in detections)
    with torch.inference_mode():
        maps = model.class_maps(
            patches=clip.patches, positions=clip.positions, klasses=[detection.klass for detection in seen]
        )
        spread = spread_over_objects(separate(maps).reshape(-1, *clip.grid), clip.foreground, amount=model.maps.extent)
    width, height = frame_size
    # The peak of a map is how surely its class is in view; its shape has a maximum of 1.
    peaks = torch.tensor([detection.image_score for detection in seen], device=spread.device).view(-1, 1, 1)
    grids = iter((spread * peaks).float().cpu().numpy())
    return tuple(
        LocalizationMap(values=next(grids), frame_width=width, frame_height=height)
        if detection.verdict == "sounding"
        else None
        for detection in detections
    )


def separate(maps: Tensor) -> Tensor:
    """Take each class's rivals off its map, so that two sources do not claim one object.

    Args:
        maps: ``[klass patch]`` in [0, 1]. Each is brought to a maximum of 1 first: a loud class must not erase a faint one.

    Returns: ``[klass patch]`` in [0, 1].
    """
    even = maps / maps.amax(dim=1, keepdim=True).clamp_min(1e-12)
    if len(maps) == 1:
        return even
    rivals = torch.stack([torch.cat([even[:k], even[k + 1 :]]).amax(dim=0) for k in range(len(even))])
    apart = (even - RIVAL_SHARE * rivals).clamp_min(0)
    top = apart.amax(dim=1, keepdim=True)
    return torch.where(top > 0, apart / top.clamp_min(1e-12), even)


def spread_over_objects(maps: Tensor, foreground: Tensor, *, amount: float) -> Tensor:
    """Let a map reach over the object that its peak lies on: an activation peaks on a part of a large object.

    Args:
        maps: ``[klass row column]`` in [0, 1].
        foreground: ``[row column]`` in [0, 1], how likely a patch belongs to any object.
        amount: Weight of the foreground, in [0, 1]; 0.5 is the geometric mean of both.

    Returns: ``[klass row column]``, each with a maximum of 1 unless it is empty.
    """
    if amount == 0:
        return maps
    reached = maps.clamp_min(0) ** (1 - amount) * foreground.clamp(0, 1) ** amount
    return reached / reached.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)
