"""A mixture on paper: everything that is drawn for one scene, from (seed, epoch, index) alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tvsl_core.data.scenes.cast import Casting, CastMember, pick
from tvsl_core.data.scenes.layout import draw_layout, draw_tiles, place_objects, turned_size
from tvsl_core.data.scenes.options import MixtureOptions
from tvsl_core.data.scenes.pool import MediaPool, SoundItem
from tvsl_core.data.scenes.scene import PlacedObject, PlacedSound, SceneRecipe

SHORT = 0.6
"""A sound is short when it lasts less than this share of the window."""
MOST_PIECES = 16
"""Sounds in a row that make a phrase."""
STREAMS = {"cast": 0, "places": 1, "levels": 2, "picture": 3, "sound": 4}
"""Independent random numbers for each step, so that a change of one does not change the others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScenePlan:
    """A recipe, with the positions of its files in the pool."""

    recipe: SceneRecipe
    pictures: tuple[int, ...]
    """In the order of ``recipe.objects``."""
    sounds: tuple[int, ...]
    """In the order of ``recipe.sounds``; a sound of none of the classes counts in ``pool.others``."""
    background: int
    """Position in ``pool.backgrounds``; -1 for a plain colour."""
    visible: tuple[tuple[str, ...], ...]
    """Classes of each object."""
    sounding: tuple[str, ...]


def rng_for(stream: str, seed: int, epoch: int, index: int) -> np.random.Generator:
    """The random numbers of one step of one scene."""
    return np.random.default_rng((STREAMS[stream], seed, epoch, index))


def draw_plan(pool: MediaPool, casting: Casting, seed: int, epoch: int, index: int) -> ScenePlan:
    """Draw a whole scene."""
    options = casting.options
    parts = casting.draw(rng_for("cast", seed, epoch, index))
    rng = rng_for("places", seed, epoch, index)
    size = pick(options.sizes, rng)
    seen = [part for part in parts if part.picture >= 0]
    placeable = all(casting.can_be_placed(part) for part in seen)
    layout = draw_layout(options, len(seen), placeable=placeable, rng=rng)
    seen = [seen[int(number)] for number in rng.permutation(len(seen))]
    pictures = tuple(casting.picture_of(part, placed=layout == "placed", rng=rng) for part in seen)
    objects = _draw_objects(pool, options, layout, size, seen, pictures, rng)
    plain = not pool.backgrounds or rng.random() < options.plain
    background = -1 if plain else int(rng.integers(len(pool.backgrounds)))
    rng = rng_for("levels", seed, epoch, index)
    sounds, places = draw_sounds(pool, casting, parts, rng)
    noisy = rng.random() < options.noise
    return ScenePlan(
        recipe=SceneRecipe(
            seed=seed,
            epoch=epoch,
            index=index,
            layout=layout,
            size=size,
            background="" if background < 0 else pool.backgrounds[background].label,
            objects=objects,
            sounds=sounds,
            noise_db=round(float(rng.uniform(*options.noise_db)), 2) if noisy else None,
        ),
        pictures=pictures,
        sounds=places,
        background=background,
        visible=tuple(pool.pictures[position].names for position in pictures),
        sounding=tuple(dict.fromkeys(name for part in parts if part.sound >= 0 for name in _heard(pool, part))),
    )


def _heard(pool: MediaPool, part: CastMember) -> tuple[str, ...]:
    return pool.sounds[part.sound].names


def _draw_objects(
    pool: MediaPool,
    options: MixtureOptions,
    layout: str,
    size: tuple[int, int],
    parts: Sequence[CastMember],
    pictures: Sequence[int],
    rng: np.random.Generator,
) -> tuple[PlacedObject, ...]:
    """Where each picture goes, mirrored or not, leaning or not."""
    items = [pool.pictures[position] for position in pictures]
    placed = layout == "placed"
    turns = [round(float(rng.uniform(-1, 1)) * options.turn_degrees, 2) if placed else 0.0 for _ in items]
    if placed:
        shapes = [turned_size(item.size, turn) for item, turn in zip(items, turns, strict=True)]
        boxes = place_objects(shapes, options, size, rng)
    else:
        boxes = draw_tiles(layout, len(items), size, rng) if items else []
    return tuple(
        PlacedObject(
            name=part.name,
            file=item.label,
            group=item.group,
            box=box,
            flipped=bool(rng.random() < options.flip),
            turn_degrees=turn,
        )
        for part, item, box, turn in zip(parts, items, boxes, turns, strict=True)
    )


def draw_sounds(
    pool: MediaPool, casting: Casting, parts: Sequence[CastMember], rng: np.random.Generator
) -> tuple[tuple[PlacedSound, ...], tuple[int, ...]]:
    """What is heard, when and how loud.

    Returns: The sounds, and the position of each in the pool (of ``others`` for those of no class).
    """
    options = casting.options
    heard = [part for part in parts if part.sound >= 0]
    top = float(rng.uniform(*options.level_db))
    loudest = int(rng.integers(len(heard))) if heard else -1
    placed: list[PlacedSound] = []
    places: list[int] = []
    for number, part in enumerate(heard):
        under = 0.0 if number == loudest else float(rng.uniform(0, 1)) * options.difference_db
        speed = round(1 + float(rng.uniform(-1, 1)) * options.speed, 4)
        for position, start in _draw_phrase(pool, casting, part, speed, rng):
            places.append(position)
            placed.append(_place(pool.sounds[position], part.name, top - under, start, speed))
    if pool.others and rng.random() < options.other_sounds:
        position = int(rng.integers(len(pool.others)))
        item = pool.others[position]
        places.append(position)
        level = top + float(rng.uniform(*options.other_db))
        placed.append(_place(item, "", level, draw_start(item, options, 1.0, rng), 1.0))
    return tuple(placed), tuple(places)


def _place(item: SoundItem, name: str, level_db: float, start_s: float, speed: float) -> PlacedSound:
    return PlacedSound(
        name=name,
        file=item.label,
        group=item.group,
        level_db=round(level_db, 2),
        start_s=round(start_s, 3),
        speed=speed,
    )


def _draw_phrase(
    pool: MediaPool, casting: Casting, part: CastMember, speed: float, rng: np.random.Generator
) -> list[tuple[int, float]]:
    """A sound, and behind a short one perhaps others of its class and group, as positions and starts."""
    options = casting.options
    first = pool.sounds[part.sound]
    window = options.seconds
    short = 0 < first.seconds / speed < SHORT * window
    if not short or rng.random() >= options.phrase:
        return [(part.sound, draw_start(first, options, speed, rng))]
    kin = [n for n in casting.kin[part.sound] if pool.sounds[n].seconds <= window]
    pieces: list[tuple[int, float]] = []
    cursor = float(rng.uniform(0, 0.1)) * window
    position = part.sound
    while cursor < 0.9 * window and len(pieces) < MOST_PIECES:
        item = pool.sounds[position]
        begin = item.active[0][0] if item.active else 0.0
        pieces.append((position, begin - cursor * speed))
        end = item.active[-1][1] if item.active else item.seconds
        cursor += max(0.15, (end - begin) / speed * float(rng.uniform(0.6, 1.0))) + float(rng.exponential(0.1))
        position = position if rng.random() < 0.3 or not kin else pick(kin, rng)
    return pieces


def draw_start(item: SoundItem, options: MixtureOptions, speed: float, rng: np.random.Generator) -> float:
    """Where in a file the window begins, in seconds of the file, so that something loud lies in it.

    A sound longer than the window is heard from somewhere in its middle; a shorter one as a whole, somewhere in the
    window; one of unknown length around its middle.
    """
    if not item.active:
        return float(rng.uniform(-1, 1)) * options.shift_s
    window = options.seconds * speed
    lengths = np.array([end - begin for begin, end in item.active])
    stretch = int(np.searchsorted(np.cumsum(lengths), rng.random() * lengths.sum(), side="right"))
    begin, end = item.active[min(stretch, len(lengths) - 1)]
    moment = float(rng.uniform(begin, end))
    landing = float(rng.uniform(0.05, 0.95)) * window
    first, last = 0.0, item.seconds - window
    if last < first:  # shorter than the window
        first, last = last, first
    return min(max(moment - landing, first), last)
