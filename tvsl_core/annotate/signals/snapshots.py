"""Every instant's picture, kept small on the disk until it is known whether somebody is to be looked for in it.

What sounds is known only when the whole file was read. Most files have no voice, and people cost more than all that
else is read of a picture; so a picture is kept as a JPEG at a small part of that cost, and people are found where a
voice is.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Collection
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tvsl_core.annotate.rules import PeopleOptions
from tvsl_core.annotate.signals.people import Person, crowd_map, find_people, map_grid, voice_map
from tvsl_core.model.people.load import PeopleNetworks, load_people
from tvsl_core.system.files import write_error
from tvsl_core.vocabulary.people import PeopleClasses

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
        self._grid = (1, 1)
        self._found: dict[int, tuple[Person, ...]] = {}

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Keep one more picture, RGB ``[height width 3]``."""
        self._grid = map_grid(picture.shape[1], picture.shape[0])
        _, packed = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        begin = sum(self._places[-1]) if self._places else 0
        try:
            self._file.seek(begin)
            self._file.write(packed.tobytes())
        except OSError as error:
            raise write_error(self._folder, error) from error
        self._places.append((begin, len(packed)))

    def people(self, index: int) -> tuple[Person, ...]:
        """Who is in one picture, the most prominent first.

        Raises:
            OutputError: The temporary file cannot be read.
            WeightsError: The networks cannot be loaded.
        """
        if index not in self._found:
            (self._found[index],) = find_people([self._picture(index)], _networks(self._device), self.options)
        return self._found[index]

    def looked_at(self, index: int) -> bool:
        """Whether people were already looked for in a picture."""
        return index in self._found

    def maps(self, index: int, klasses: Collection[int]) -> dict[int, NDArray[np.float32]]:
        """A map ``[row column]`` in [0, 1] for each of some classes that people make; empty where nobody is seen."""
        people = self.people(index) if klasses else ()
        nobody = np.zeros(self._grid, np.float32)
        return {
            klass: (crowd_map(people) if klass in self.classes.crowds else voice_map(people, self.options))
            if people
            else nobody
            for klass in klasses
        }

    def _picture(self, index: int) -> NDArray[np.uint8]:
        begin, size = self._places[index]
        try:
            self._file.seek(begin)
            packed = np.frombuffer(self._file.read(size), np.uint8)
        except OSError as error:
            raise write_error(self._folder, error) from error
        return np.ascontiguousarray(np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])

    def close(self) -> None:
        """The temporary file goes away."""
        with contextlib.suppress(OSError):  # what it still holds back is of no use any more
            self._file.close()


@cache
def _networks(device: torch.device) -> PeopleNetworks:
    """Read from the file once, however many videos are annotated."""
    return load_people(device=device)
