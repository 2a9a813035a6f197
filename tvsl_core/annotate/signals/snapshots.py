"""Every instant's picture, kept small on the disk until it is known whether somebody is to be looked for in it.

What sounds is known only when the whole file was read. Most files have no voice, and people cost more than all that
else is read of a picture; so a picture is kept as a JPEG at a small part of that cost, and people are found where a
voice is.
"""

from __future__ import annotations

import contextlib
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Collection
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tvsl_core.annotate.objects.shots import Shots
from tvsl_core.annotate.rules import PeopleOptions
from tvsl_core.annotate.signals.people import (
    Face,
    Person,
    cover,
    crowd_map,
    find_faces,
    map_grid,
    match_faces,
    move_between,
    voice_map,
)
from tvsl_core.model.people.load import PeopleNetworks, load_people
from tvsl_core.system.files import write_error
from tvsl_core.vocabulary.people import PeopleClasses

CLOSE_S = 0.01
"""Instants are not exactly as far apart as their rate says."""
QUALITY = 90
"""Of the JPEG: what it loses is far below what a face detector notices."""


class Snapshots:
    """The pictures of one video in order of time, and the people in those that are asked for.

    Args:
        classes: What people may be the source of.
        options: How they are looked for.
        device: Where their networks run.
        folder: Where the temporary file may lie; None is the system's own place.

    Raises: OutputError: The temporary file cannot be written.
    """

    def __init__(
        self, classes: PeopleClasses, options: PeopleOptions, *, device: torch.device, folder: Path | None = None
    ) -> None:
        self.classes, self.options = classes, options
        self._device, self._folder = device, folder or Path(tempfile.gettempdir())
        try:
            self._file = tempfile.TemporaryFile(dir=folder, prefix=".tvsl-snapshots-")  # noqa: SIM115 closed by close
        except OSError as error:
            raise write_error(self._folder, error) from error
        self._places: list[tuple[int, int]] = []
        self._times: list[float] = []
        self._shots = Shots()
        self.size = (1, 1)
        """Width and height of the pictures; faces count in their pixels."""
        self._looks: list[int] | None = None
        """The pictures in which faces are looked for; None until all are there."""
        self._bodies: list[int] = []
        """The pictures in which bodies are."""
        self._faces: dict[int, tuple[Face, ...]] = {}
        self._people: dict[int, tuple[Person, ...]] = {}

    def add(self, picture: NDArray[np.uint8], time_s: float) -> None:
        """Keep the picture of one more instant, RGB ``[height width 3]``."""
        self.size = picture.shape[1], picture.shape[0]
        # numpy takes as long to turn the colours round as the JPEG takes.
        turned = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        _, packed = cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        begin = sum(self._places[-1]) if self._places else 0
        try:
            self._file.seek(begin)
            self._file.write(packed.tobytes())
        except OSError as error:
            raise write_error(self._folder, error) from error
        self._places.append((begin, len(packed)))
        self._times.append(time_s)
        self._looks = None

    def divide(self, shots: Shots) -> None:
        """Nobody is followed from one shot to the next; said once all pictures are there, before anybody is found."""
        self._shots, self._looks = shots, None

    @property
    def networks(self) -> PeopleNetworks:
        """What sees people; read from the file at the first use.

        Raises: WeightsError: They cannot be loaded.
        """
        return _networks(self._device)

    def picture(self, index: int) -> NDArray[np.uint8]:
        """One of them, RGB ``[height width 3]``.

        Raises: OutputError: The temporary file cannot be read.
        """
        begin, size = self._places[index]
        try:
            self._file.seek(begin)
            packed = np.frombuffer(self._file.read(size), np.uint8)
        except OSError as error:
            raise write_error(self._folder, error) from error
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR_RGB), np.uint8)

    def faces(self, index: int) -> tuple[Face, ...]:
        """The faces of one picture, the most prominent first.

        Faces are looked for in some pictures of a shot; where the one before and the one behind show the same, those
        of a picture between them lie between.

        Raises:
            OutputError: The temporary file cannot be read.
            WeightsError: The networks cannot be loaded.
        """
        if index not in self._faces:
            between = self._between(index)
            if between is None:
                near = self._faces.get(self._look_ahead_of(index), ())
                (self._faces[index],) = find_faces([self.picture(index)], self.networks, self.options, near=near)
            else:
                self._faces[index] = between
        return self._faces[index]

    def people(self, index: int) -> tuple[Person, ...]:
        """Who is in one picture, in the order of its faces.

        Bodies are looked for in some pictures of a shot; where a later one shows the same faces they moved with them.

        Raises:
            OutputError: The temporary file cannot be read.
            WeightsError: The networks cannot be loaded.
        """
        if index not in self._people:
            faces, held = self.faces(index), self._body_before(index)
            places = match_faces(faces, self.faces(held)) if held != index else None
            if places is None:
                self._people[index] = cover(self.picture(index), faces, self.networks) if faces else ()
            else:
                before = self.people(held)
                self._people[index] = tuple(
                    before[place].moved(face, self.size) for place, face in zip(places, faces, strict=True)
                )
        return self._people[index]

    def looked_at(self, index: int) -> bool:
        """Whether faces were already looked for in a picture."""
        return index in self._faces

    def look_before(self, index: int) -> int:
        """The last picture up to one in which faces are looked for."""
        looks = self._all_looks()
        return looks[bisect_right(looks, index) - 1]

    def maps(self, index: int, klasses: Collection[int]) -> dict[int, NDArray[np.float32]]:
        """A map ``[row column]`` in [0, 1] for each of some classes that people make; empty where nobody is seen."""
        people = self.people(index) if klasses else ()
        nobody = np.zeros(map_grid(*self.size), np.float32)
        return {
            klass: (crowd_map(people) if klass in self.classes.crowds else voice_map(people, self.options))
            if people
            else nobody
            for klass in klasses
        }

    def _all_looks(self) -> list[int]:
        if self._looks is None:
            self._looks, self._bodies = self._apart(self.options.every_s), self._apart(self.options.bodies_every_s)
        return self._looks

    def _apart(self, every_s: float) -> list[int]:
        """The first picture of every shot, and those that lie so far apart."""
        chosen: list[int] = []
        for index, time_s in enumerate(self._times):
            last_s = self._times[chosen[-1]] if chosen else -np.inf
            another = self._shots.number(time_s) != self._shots.number(last_s)
            if another or time_s - last_s >= every_s - CLOSE_S:
                chosen.append(index)
        return chosen

    def _body_before(self, index: int) -> int:
        """The last picture up to one in which bodies are looked for."""
        self._all_looks()
        return self._bodies[bisect_right(self._bodies, index) - 1]

    def _look_ahead_of(self, index: int) -> int:
        """The last picture of the same shot before one in which faces are looked for; -1 where there is none."""
        looks, shot = self._all_looks(), self._shots.number(self._times[index])
        place = bisect_left(looks, index) - 1
        return looks[place] if place >= 0 and self._shots.number(self._times[looks[place]]) == shot else -1

    def _between(self, index: int) -> tuple[Face, ...] | None:
        """The faces of a picture in which nobody looks, by those before and behind it; None where they do not say."""
        looks = self._all_looks()
        place = bisect_right(looks, index)
        if looks[place - 1] == index or place == len(looks):
            return None
        before, behind = looks[place - 1], looks[place]
        times = [self._times[one] for one in (before, index, behind)]
        if self._shots.number(times[0]) != self._shots.number(times[2]):
            return None
        return move_between(self.faces(before), self.faces(behind), (times[1] - times[0]) / (times[2] - times[0]))

    def close(self) -> None:
        """The temporary file goes away."""
        with contextlib.suppress(OSError):  # what it still holds back is of no use any more
            self._file.close()


@cache
def _networks(device: torch.device) -> PeopleNetworks:
    """Read from the file once, however many videos are annotated."""
    return load_people(device=device)
