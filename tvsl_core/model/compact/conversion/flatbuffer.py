"""Reads the tensors of a TensorFlow Lite file: as much of the FlatBuffers format as that takes, and no more.

Field numbers are those of the public schema (``tensorflow/lite/schema/schema.fbs``, version 3). Offsets come from the
file, so every one is checked; a damaged file gives a ``WeightsError``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tvsl_core.errors import WeightsError

IDENTIFIER = b"TFL3"
DTYPES: dict[int, type[np.generic]] = {0: np.float32, 2: np.int32, 3: np.uint8, 4: np.int64, 9: np.int8}
"""TensorType of the schema to numpy, for the types that occur in weights."""
MODEL_SUBGRAPHS, MODEL_BUFFERS = 2, 4
GRAPH_TENSORS, GRAPH_OPERATORS = 0, 3
TENSOR_SHAPE, TENSOR_TYPE, TENSOR_BUFFER, TENSOR_NAME, TENSOR_QUANTIZATION = range(5)
QUANTIZATION_SCALE, QUANTIZATION_ZERO = 2, 3
OPERATOR_INPUTS = 1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StoredTensor:
    """One tensor of the graph."""

    name: str
    values: NDArray[Any] | None
    """None when the graph computes it."""
    scales: NDArray[np.float32]
    """One per channel, one for all, or none when it is not quantised."""
    zeros: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Graph:
    """The first subgraph of a file."""

    tensors: tuple[StoredTensor, ...]
    operators: tuple[tuple[int, ...], ...]
    """For each operator, in the order of execution, the indices of its inputs; -1 stands for none."""


def read_graph(data: bytes) -> Graph:
    """The tensors and operators of a TensorFlow Lite file.

    Raises: WeightsError: It is not such a file, or it is damaged.
    """
    if data[4:8] != IDENTIFIER:
        raise WeightsError("this is not a TensorFlow Lite file.", hint="Download the package again.", stage="convert")
    try:
        return _Reader(data).graph()
    except (struct.error, ValueError, IndexError, KeyError) as error:
        raise WeightsError(
            f"the TensorFlow Lite file is damaged ({error}).", hint="Download the package again.", stage="convert"
        ) from error


class _Reader:
    """Walks the tables; a position is an offset from the start of the file."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def graph(self) -> Graph:
        model = self._u32(0)
        graph = self._tables(model, MODEL_SUBGRAPHS)[0]
        buffers = self._tables(model, MODEL_BUFFERS)
        tensors = tuple(self._tensor(position, buffers) for position in self._tables(graph, GRAPH_TENSORS))
        operators = tuple(
            tuple(int(index) for index in self._vector(position, OPERATOR_INPUTS, np.int32))
            for position in self._tables(graph, GRAPH_OPERATORS)
        )
        return Graph(tensors=tensors, operators=operators)

    def _tensor(self, table: int, buffers: list[int]) -> StoredTensor:
        shape = tuple(int(size) for size in self._vector(table, TENSOR_SHAPE, np.int32))
        kind = self._field(table, TENSOR_TYPE)
        dtype = DTYPES.get(self.data[kind] if kind else 0)
        buffer = self._field(table, TENSOR_BUFFER)
        raw = self._vector(buffers[self._u32(buffer) if buffer else 0], 0, np.uint8)
        values = raw.view(dtype).reshape(shape) if dtype is not None and raw.size else None
        quantization = self._field(table, TENSOR_QUANTIZATION)
        details = quantization + self._u32(quantization) if quantization else 0
        return StoredTensor(
            name=self._vector(table, TENSOR_NAME, np.uint8).tobytes().decode("utf-8", "replace"),
            values=values,
            scales=self._vector(details, QUANTIZATION_SCALE, np.float32) if details else np.zeros(0, np.float32),
            zeros=self._vector(details, QUANTIZATION_ZERO, np.int64) if details else np.zeros(0, np.int64),
        )

    def _u32(self, position: int) -> int:
        value: int = struct.unpack_from("<I", self.data, position)[0]
        return value

    def _field(self, table: int, number: int) -> int:
        """Where a field of a table lies; 0 when the table leaves it out."""
        vtable = table - struct.unpack_from("<i", self.data, table)[0]
        size = struct.unpack_from("<H", self.data, vtable)[0]
        slot = 4 + 2 * number
        offset = struct.unpack_from("<H", self.data, vtable + slot)[0] if slot < size else 0
        return table + offset if offset else 0

    def _vector(self, table: int, number: int, dtype: type[np.generic]) -> NDArray[Any]:
        """A field that is a vector of numbers, as a copy; empty when left out."""
        field = self._field(table, number)
        if not field:
            return np.zeros(0, dtype)
        start = field + self._u32(field)
        return np.frombuffer(self.data, dtype, count=self._u32(start), offset=start + 4).copy()

    def _tables(self, table: int, number: int) -> list[int]:
        """A field that is a vector of tables, as their positions."""
        field = self._field(table, number)
        start = field + self._u32(field) if field else 0
        count = self._u32(start) if field else 0
        if count > len(self.data):
            raise ValueError(f"a list of {count} tables cannot fit")
        return [start + 4 + 4 * i + self._u32(start + 4 + 4 * i) for i in range(count)]
