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
DTYPES: dict[int, type[np.generic]] = {
    0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 4: np.int64, 9: np.int8
}  # fmt: skip
"""TensorType of the schema to numpy, for the types that occur in weights."""
MODEL_SUBGRAPHS, MODEL_BUFFERS = 2, 4
GRAPH_TENSORS, GRAPH_OUTPUTS, GRAPH_OPERATORS = 0, 2, 3
TENSOR_SHAPE, TENSOR_TYPE, TENSOR_BUFFER, TENSOR_NAME, TENSOR_QUANTIZATION = range(5)
TENSOR_SPARSITY = 6
QUANTIZATION_SCALE, QUANTIZATION_ZERO = 2, 3
SPARSITY_ORDER, SPARSITY_BLOCKS, SPARSITY_AXES = range(3)
AXIS_FORMAT, AXIS_SEGMENTS_TYPE, AXIS_SEGMENTS, AXIS_INDICES_TYPE, AXIS_INDICES = 0, 2, 3, 4, 5
INDEX_DTYPES: dict[int, type[np.generic]] = {1: np.int32, 2: np.uint16, 3: np.uint8}
"""The kinds of index vector of a compressed axis."""
OPERATOR_INPUTS, OPERATOR_OUTPUTS = 1, 2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StoredTensor:
    """One tensor of the graph."""

    name: str
    values: NDArray[Any] | None
    """None when the graph computes it."""
    scales: NDArray[np.float32]
    """One per channel, one for all, or none when it is not quantised."""
    zeros: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """What one step takes and gives, as indices of tensors."""

    inputs: tuple[int, ...]
    """-1 stands for none."""
    outputs: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Graph:
    """The first subgraph of a file."""

    tensors: tuple[StoredTensor, ...]
    operators: tuple[Operator, ...]
    """In the order of execution."""
    outputs: tuple[int, ...]
    """Indices of the tensors that the graph gives."""


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
            Operator(inputs=self._indices(position, OPERATOR_INPUTS), outputs=self._indices(position, OPERATOR_OUTPUTS))
            for position in self._tables(graph, GRAPH_OPERATORS)
        )
        return Graph(tensors=tensors, operators=operators, outputs=self._indices(graph, GRAPH_OUTPUTS))

    def _tensor(self, table: int, buffers: list[int]) -> StoredTensor:
        shape = tuple(int(size) for size in self._vector(table, TENSOR_SHAPE, np.int32))
        dtype = DTYPES.get(self._byte(table, TENSOR_TYPE))
        buffer = self._field(table, TENSOR_BUFFER)
        raw = self._vector(buffers[self._u32(buffer) if buffer else 0], 0, np.uint8)
        values = self._values(table, raw.view(dtype), shape) if dtype is not None and raw.size else None
        quantization = self._field(table, TENSOR_QUANTIZATION)
        details = quantization + self._u32(quantization) if quantization else 0
        return StoredTensor(
            name=self._vector(table, TENSOR_NAME, np.uint8).tobytes().decode("utf-8", "replace"),
            values=values,
            scales=self._vector(details, QUANTIZATION_SCALE, np.float32) if details else np.zeros(0, np.float32),
            zeros=self._vector(details, QUANTIZATION_ZERO, np.int64) if details else np.zeros(0, np.int64),
        )

    def _values(self, table: int, stored: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """The values in full: of a sparse tensor only those are stored that are not zero."""
        field = self._field(table, TENSOR_SPARSITY)
        if not field:
            return stored.reshape(shape)
        sparsity = field + self._u32(field)
        axes = self._tables(sparsity, SPARSITY_AXES)
        formats = [self._byte(axis, AXIS_FORMAT) for axis in axes]
        in_order = self._indices(sparsity, SPARSITY_ORDER) == tuple(range(len(shape)))
        if formats != [0] * (len(shape) - 1) + [1] or not in_order or self._field(sparsity, SPARSITY_BLOCKS):
            raise ValueError("a sparse tensor is compressed along another axis than its last")
        segments = self._places(axes[-1], AXIS_SEGMENTS_TYPE, AXIS_SEGMENTS)
        columns = self._places(axes[-1], AXIS_INDICES_TYPE, AXIS_INDICES)
        full = np.zeros(shape, stored.dtype)
        rows = np.repeat(np.arange(len(segments) - 1), np.diff(segments))
        full.reshape(-1, shape[-1])[rows, columns] = stored
        return full

    def _places(self, axis: int, kind: int, field: int) -> NDArray[np.int64]:
        """Indices of a compressed axis, which are stored in the smallest fitting type."""
        table = self._field(axis, field)
        return self._vector(table + self._u32(table), 0, INDEX_DTYPES[self._byte(axis, kind)]).astype(np.int64)

    def _byte(self, table: int, number: int) -> int:
        """A field of one byte; 0 when left out."""
        field = self._field(table, number)
        return self.data[field] if field else 0

    def _indices(self, table: int, number: int) -> tuple[int, ...]:
        return tuple(int(index) for index in self._vector(table, number, np.int32))

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
