"""Stage 3 of annotation: each class that sounds gets a map over the frame."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tvsl_core.annotate.rules import MapOptions
from tvsl_core.annotate.signals.pictures import PictureEvidence
from tvsl_core.types import Detection, LocalizationMap


def localize(
    picture: PictureEvidence,
    detections: Sequence[Detection],
    options: MapOptions,
    *,
    frame_size: tuple[int, int],
) -> tuple[tuple[Detection, LocalizationMap | None], ...]:
    """Each detection with its map; None for those that are offscreen.

    Args:
        picture: What the instant's picture says.
        detections: What sounds at that instant, the likeliest first.
        options: How evidence becomes a map.
        frame_size: Width and height of the frame as shown, in pixels.
    """
    seen = [detection for detection in detections if detection.verdict == "sounding"]
    unseen = tuple((detection, None) for detection in detections if detection.verdict == "offscreen")
    if not seen:
        return unseen
    things = [detection for detection in seen if detection.klass not in picture.people]
    # The peak of a map is how surely its class is in view; its shape has a maximum of 1.
    grids = {
        detection.klass: grid * np.float32(detection.image_score)
        for detection, grid in zip(things, _of_patches(picture, things, options), strict=True)
    } | dict(picture.people)
    width, height = frame_size
    found = tuple(
        (detection, LocalizationMap(values=grids[detection.klass], frame_width=width, frame_height=height))
        for detection in seen
    )
    return found + unseen


def _of_patches(picture: PictureEvidence, detections: Sequence[Detection], options: MapOptions) -> NDArray[np.float32]:
    """``[source row column]``, each with a maximum of 1: what the patches say of where each class is."""
    if not detections:
        return np.zeros((0, *picture.grid), np.float32)
    klasses = [detection.klass for detection in detections]
    extents = find_extents(picture, klasses, options)
    return keep_own_parts(extents, _as_grids(picture.image.T, picture.grid), klasses, options)


def find_extents(picture: PictureEvidence, klasses: Sequence[int], options: MapOptions) -> NDArray[np.float32]:
    """How far each of some classes reaches, apart from the others, ``[source row column]`` with a maximum of 1 each.

    Args:
        picture: What one picture says.
        klasses: Class of each source.
        options: How evidence becomes a map.
    """
    maps = separate(picture.maps[list(klasses)], options.rival_share)
    return _as_grids(spread_over_objects(maps, picture.affinity, picture.foreground, options), picture.grid)


def shared_regions(picture: PictureEvidence, klasses: Sequence[int], options: MapOptions) -> NDArray[np.float64]:
    """How much the regions of some classes are one, ``[source source]``: two names for one object share most of it.

    Args:
        picture: What one picture says.
        klasses: Class of each source; each has the region that its class alone would have.
        options: What a region is.
    """
    maps = spread_over_objects(picture.maps[list(klasses)], picture.affinity, picture.foreground, options)
    for row, klass in enumerate(klasses):
        if klass in picture.people:
            on_patches = cv2.resize(picture.people[klass], picture.grid[::-1], interpolation=cv2.INTER_AREA)
            maps[row] = torch.from_numpy(np.asarray(on_patches, np.float32).ravel())
    return shares(maps, options)


def shares(maps: Tensor, options: MapOptions) -> NDArray[np.float64]:
    """Intersection over union of the regions of maps, ``[source patch]`` to ``[source source]``."""
    regions = (maps >= options.region * maps.amax(dim=1, keepdim=True).clamp_min(1e-12)).double()
    common = regions @ regions.T
    sizes = regions.sum(dim=1)
    return np.asarray((common / (sizes[:, None] + sizes[None, :] - common).clamp_min(1)).numpy())


def separate(maps: Tensor, rival_share: float) -> Tensor:
    """Take each class's rivals off its map, so that two sources do not claim one object.

    Args:
        maps: ``[klass patch]`` in [0, 1]. Each is first brought to a maximum of 1: a strong class must not erase a
            faint one.
        rival_share: How much of the strongest rival's map is taken off.

    Returns: ``[klass patch]`` in [0, 1].
    """
    even = maps / maps.amax(dim=1, keepdim=True).clamp_min(1e-12)
    if len(maps) == 1:
        return even
    rivals = torch.stack([torch.cat([even[:k], even[k + 1 :]]).amax(dim=0) for k in range(len(even))])
    apart = (even - rival_share * rivals).clamp_min(0)
    top = apart.amax(dim=1, keepdim=True)
    return torch.where(top > 0, apart / top.clamp_min(1e-12), even)


def spread_over_objects(maps: Tensor, affinity: Tensor, foreground: Tensor, options: MapOptions) -> Tensor:
    """Let a map reach over the object that its peak lies on: an activation peaks on a part of a large object.

    Every patch takes the most that a patch like it offers, and what is background goes out.

    Args:
        maps: ``[klass patch]`` in [0, 1].
        affinity: ``[patch patch]`` in [0, 1], how alike two patches look.
        foreground: ``[patch]`` in [0, 1], how likely a patch belongs to any object.
        options: How far to reach.

    Returns: ``[klass patch]`` in [0, 1], each with a maximum of 1 unless it is empty.
    """
    like = ((affinity.float() - options.likeness_floor) / (1 - options.likeness_floor)).clamp(0, 1)
    reached = (maps.clamp_min(0) ** options.sharpness)[:, None, :].mul(like).amax(dim=2)
    objects = (foreground.float() - options.foreground_floor).clamp_min(0)
    objects = objects / objects.amax().clamp_min(1e-12) if objects.amax() > 0 else torch.ones_like(objects)
    extent = reached ** (1 - options.foreground_weight) * objects**options.foreground_weight
    return (extent / extent.amax(dim=1, keepdim=True).clamp_min(1e-12)) ** options.flatness


def keep_own_parts(
    extents: NDArray[np.float32], everything: NDArray[np.float32], klasses: Sequence[int], options: MapOptions
) -> NDArray[np.float32]:
    """Keep of each extent the part in which its class is seen best, and those in which no other class is seen better.

    Likeness carries a dog over to the sheep beside it, which is alike and also no background. The sheep goes out, since
    it looks more like a sheep than like a dog. A second dog stays.

    Args:
        extents: ``[source row column]``, each with a maximum of 1.
        everything: ``[klass row column]``, the image evidence of every class of the vocabulary.
        klasses: Class of each source.
        options: What a part is, and what shows the class as well.

    Returns: ``[source row column]``.
    """
    kept = np.zeros_like(extents)
    for source, (extent, klass) in enumerate(zip(extents, klasses, strict=True)):
        count, parts = cv2.connectedComponents((extent >= options.part).astype(np.uint8), connectivity=8)
        own = everything[klass]
        main = parts[np.unravel_index(int(np.argmax(own * (parts > 0))), parts.shape)]
        inside = parts == main
        for part in range(1, count):
            there = everything[:, parts == part].mean(axis=1)
            if there[klass] >= options.seed * own[inside].mean() and there[klass] >= there.max() - 1e-6:
                inside |= parts == part
        # The rim around a part stays, so that a map fades out instead of ending at a patch.
        rim = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & (parts == 0)
        kept[source] = np.where(inside | rim, extent, 0)
    return kept


def _as_grids(maps: Tensor, grid: tuple[int, int]) -> NDArray[np.float32]:
    return maps.reshape(-1, *grid).float().cpu().numpy()
