"""Third step of a mixture: paint its picture, and write down which pixel is whose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.scenes.layout import PixelBox
from tvsl_core.data.scenes.options import MixtureOptions
from tvsl_core.data.scenes.plan import ScenePlan, rng_for
from tvsl_core.data.scenes.pool import PictureItem
from tvsl_core.data.scenes.scene import UNKNOWN, Picture, PlacedObject

Pixels = NDArray[np.uint8]
ReadPicture = Callable[[PictureItem], Pixels]
"""From an item to its pixels: RGB, or RGBA with colours multiplied by opacity for a cutout."""

WHITE_SHARE = 0.6
"""Share of the plain backgrounds that are white, as product photographs are; the others have any colour."""
LEAST_KEPT = 0.6
"""A photograph that would lose more than the rest of a side to the form of its tile is shown as a whole instead."""
IN_TILE = (0.55, 0.97)
"""A cutout fills a tile to a share between these."""
BLUR = (0.4, 1.5)
QUALITY = (35, 92)


def paint(
    plan: ScenePlan,
    items: tuple[PictureItem, ...],
    background: PictureItem | None,
    options: MixtureOptions,
    read: ReadPicture,
) -> Picture:
    """Paint one scene.

    Args:
        plan: What was drawn.
        items: The picture of each object of the plan.
        background: Behind them; None for a plain colour.
        options: How strongly colours and sharpness change.
        read: Gives the pixels of an item.

    Raises: MediaError: A file cannot be decoded.
    """
    rng = rng_for("picture", plan.recipe.seed, plan.recipe.epoch, plan.recipe.index)
    width, height = plan.recipe.size
    behind = _background(background, (width, height), options, read, rng)
    frame = behind.copy()
    regions = np.zeros((height, width), np.int16)
    for number, (placed, item) in enumerate(zip(plan.recipe.objects, items, strict=True), start=1):
        pixels = read(item)
        if plan.recipe.layout == "placed":
            _paste(frame, regions, number, _recoloured(_posed(pixels, placed), options, rng), placed.box)
        elif item.cutout:
            _tile_of_cutout(frame, regions, number, pixels, placed, options, rng)
        else:
            left, top, right, bottom = placed.box
            photo = fitted(pixels, (right - left, bottom - top), options.crop, rng)
            frame[top:bottom, left:right] = _recoloured(_mirrored(photo, placed.flipped), options, rng)
            regions[top:bottom, left:right] = UNKNOWN
    # one entry per object: a file of several classes names all of them, the others as objects without pixels
    extra = tuple(name for names, one in zip(plan.visible, plan.recipe.objects, strict=True)
                  for name in names if name != one.name)  # fmt: skip
    visible = (*(one.name for one in plan.recipe.objects), *extra)
    return Picture(frame=_developed(frame, options, rng), visible=visible, regions=regions)


def fitted(
    photo: Pixels, size: tuple[int, int], crop: float, rng: np.random.Generator, *, least_kept: float = LEAST_KEPT
) -> Pixels:
    """A photograph in the form of a tile: a random crop, or the whole before its own edge's colour.

    Args:
        photo: RGB ``[height width 3]``.
        size: Of the tile, (width, height).
        crop: Least share of the sides that is kept beyond what the form takes; 1 takes the largest, from the middle.
        rng: Of the scene.
        least_kept: Show the whole when the form of the tile would take more of a side; 0 never does.
    """
    import cv2

    height, width = photo.shape[:2]
    ratio = size[0] / size[1]
    across, down = min(width, height * ratio), min(height, width / ratio)
    if min(across / width, down / height) < least_kept:
        return _letterboxed(photo, size)
    share = float(rng.uniform(crop, 1.0))
    x, y = rng.random(2) if crop < 1 else (0.5, 0.5)
    wide, tall = max(1, round(across * share)), max(1, round(down * share))
    left, top = int(x * (width - wide)), int(y * (height - tall))
    part = photo[top : top + tall, left : left + wide]
    method = cv2.INTER_AREA if wide > size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, size, interpolation=method), dtype=np.uint8)


def _letterboxed(photo: Pixels, size: tuple[int, int]) -> Pixels:
    """The whole photograph in the middle of a tile of its edge's mean colour."""
    import cv2

    height, width = photo.shape[:2]
    factor = min(size[0] / width, size[1] / height)
    wide, tall = max(1, round(width * factor)), max(1, round(height * factor))
    edge = np.concatenate([photo[0], photo[-1], photo[:, 0], photo[:, -1]]).mean(axis=0)
    tile = np.empty((size[1], size[0], 3), np.uint8)
    tile[:] = np.rint(edge)
    left, top = (size[0] - wide) // 2, (size[1] - tall) // 2
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    tile[top : top + tall, left : left + wide] = cv2.resize(photo, (wide, tall), interpolation=method)
    return tile


def _background(
    item: PictureItem | None,
    size: tuple[int, int],
    options: MixtureOptions,
    read: ReadPicture,
    rng: np.random.Generator,
) -> Pixels:
    if item is None:
        return _plain(size, rng)
    picture = fitted(read(item), size, options.crop, rng, least_kept=0)
    return _mirrored(picture, bool(rng.random() < options.flip))


def _plain(size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """White, or any colour with a gradient to another."""
    import cv2

    if rng.random() < WHITE_SHARE:
        return np.full((size[1], size[0], 3), int(rng.integers(244, 256)), np.uint8)
    corners = np.clip(rng.integers(0, 256, 3) + rng.integers(-40, 41, (2, 2, 3)), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(corners, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _posed(cutout: Pixels, placed: PlacedObject) -> Pixels:
    """A cutout mirrored, resized and leaning, so that it fills its box."""
    import cv2

    wide, tall = placed.box[2] - placed.box[0], placed.box[3] - placed.box[1]
    cutout = _mirrored(cutout, placed.flipped)
    if not placed.turn_degrees:
        return _resized(cutout, (wide, tall))
    height, width = cutout.shape[:2]
    matrix = cv2.getRotationMatrix2D((0, 0), -placed.turn_degrees, 1.0)
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) @ matrix[:, :2].T
    low, high = corners.min(axis=0), corners.max(axis=0)
    factor = min(1.0, max(wide, 1) / (high[0] - low[0]))
    if factor < 1:  # shrink first, with averaging: a warp alone would skip pixels
        cutout = _resized(cutout, (max(1, round(width * factor)), max(1, round(height * factor))))
        height, width = cutout.shape[:2]
        corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) @ matrix[:, :2].T
        low, high = corners.min(axis=0), corners.max(axis=0)
    scale = np.array([wide, tall]) / (high - low)
    matrix[:, :2] *= scale[:, None]
    matrix[:, 2] = -low * scale
    return np.asarray(cv2.warpAffine(cutout, matrix, (wide, tall), flags=cv2.INTER_LINEAR), dtype=np.uint8)


def _resized(cutout: Pixels, size: tuple[int, int]) -> Pixels:
    import cv2

    method = cv2.INTER_AREA if size[0] < cutout.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(cutout, size, interpolation=method), dtype=np.uint8)


def _paste(frame: Pixels, regions: NDArray[np.int16], number: int, cutout: Pixels, box: PixelBox) -> None:
    """Lay a cutout over the frame; its region is where it is at least half opaque."""
    import cv2

    height, width = frame.shape[:2]
    left, top, right, bottom = max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)
    if left >= right or top >= bottom:
        return
    part = cutout[top - box[1] : bottom - box[1], left - box[0] : right - box[0]]
    alpha = np.ascontiguousarray(part[:, :, 3])
    through = cv2.cvtColor(255 - alpha, cv2.COLOR_GRAY2RGB)
    under = cv2.multiply(frame[top:bottom, left:right], through, scale=1 / 255)
    frame[top:bottom, left:right] = cv2.add(under, np.ascontiguousarray(part[:, :, :3]))
    regions[top:bottom, left:right][alpha >= 128] = number


def _tile_of_cutout(
    frame: Pixels,
    regions: NDArray[np.int16],
    number: int,
    pixels: Pixels,
    placed: PlacedObject,
    options: MixtureOptions,
    rng: np.random.Generator,
) -> None:
    """A tile with one object before a plain colour, or before whatever the frame has there."""
    left, top, right, bottom = placed.box
    width, height = right - left, bottom - top
    tile = np.ascontiguousarray(frame[top:bottom, left:right])
    if placed.box != (0, 0, frame.shape[1], frame.shape[0]) and rng.random() < max(options.plain, 0.5):
        tile = _plain((width, height), rng)
    share = float(rng.uniform(*IN_TILE))
    factor = share * min(width / pixels.shape[1], height / pixels.shape[0])
    wide, tall = max(2, round(pixels.shape[1] * factor)), max(2, round(pixels.shape[0] * factor))
    x, y = (rng.random(2) * (width - wide, height - tall)).astype(int)
    local = np.zeros((height, width), np.int16)
    posed = _mirrored(_resized(pixels, (wide, tall)), placed.flipped)
    _paste(tile, local, number, _recoloured(posed, options, rng), (int(x), int(y), int(x) + wide, int(y) + tall))
    frame[top:bottom, left:right] = tile
    regions[top:bottom, left:right] = local


def _mirrored(pixels: Pixels, flipped: bool) -> Pixels:
    """Mirrored left to right, if so."""
    return np.ascontiguousarray(pixels[:, ::-1]) if flipped else pixels


def _recoloured(pixels: Pixels, options: MixtureOptions, rng: np.random.Generator) -> Pixels:
    """Other brightness, contrast and saturation. Black stays black, so that what is transparent stays so."""
    import cv2

    strength = options.colour
    gain, gamma, saturation = (1 + strength * float(value) for value in rng.uniform(-1, 1, 3))
    if options.hue > 0:  # nothing is drawn otherwise: the scenes of a seed stay what they were
        pixels = _other_hue(pixels, options.hue * float(rng.uniform(-1, 1)))
    if strength <= 0:
        return pixels
    table = np.clip(255 * gain * (np.arange(256) / 255) ** gamma, 0, 255).astype(np.uint8)
    colours = cv2.LUT(np.ascontiguousarray(pixels[:, :, :3]), table)
    grey = cv2.cvtColor(cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    colours = cv2.addWeighted(colours, saturation, grey, 1 - saturation, 0)
    changed = colours if pixels.shape[2] == 3 else np.dstack([colours, pixels[:, :, 3]])
    return np.asarray(changed, dtype=np.uint8)


def _other_hue(pixels: Pixels, turn: float) -> Pixels:
    """Hues turned by a share of the colour circle; grey, and what is transparent, stays as it is."""
    import torch
    from torchvision.transforms.v2.functional import adjust_hue

    planes = torch.from_numpy(np.ascontiguousarray(pixels[:, :, :3])).permute(2, 0, 1)
    turned = np.ascontiguousarray(adjust_hue(planes, turn).permute(1, 2, 0).numpy())
    return turned if pixels.shape[2] == 3 else np.dstack([turned, pixels[:, :, 3]])


def _developed(frame: Pixels, options: MixtureOptions, rng: np.random.Generator) -> Pixels:
    """What happens to the frame as a whole: light, focus and compression."""
    import cv2

    frame = _recoloured(frame, options, rng)
    soft, sigma, pressed, quality = rng.random(4)
    if soft < options.softened:
        frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), BLUR[0] + sigma * (BLUR[1] - BLUR[0])), dtype=np.uint8)
    if pressed < options.compressed:
        setting = [cv2.IMWRITE_JPEG_QUALITY, int(QUALITY[0] + quality * (QUALITY[1] - QUALITY[0]))]
        _, data = cv2.imencode(".jpg", frame[:, :, ::-1], setting)
        frame = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)[:, :, ::-1]
    return np.ascontiguousarray(frame)
