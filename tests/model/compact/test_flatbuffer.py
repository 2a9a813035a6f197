from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvsl_core.errors import WeightsError
from tvsl_core.model.compact.conversion.convert import convert_sound
from tvsl_core.model.compact.conversion.flatbuffer import read_graph


class Writer:
    """Lays out tables one after the other, each behind its own vtable; offsets to later things are patched in."""

    def __init__(self):
        self.data = bytearray(struct.pack("<I4s", 0, b"TFL3"))

    def align(self):
        self.data += b"\0" * (-len(self.data) % 4)

    def table(self, kinds):
        """A table whose fields are 'I' or 'b'; returns its position and those of its fields."""
        self.align()
        vtable = len(self.data)
        self.data += struct.pack("<HH", 4 + 2 * len(kinds), 4 + 4 * len(kinds))
        self.data += struct.pack(f"<{len(kinds)}H", *[4 + 4 * i for i in range(len(kinds))])
        self.align()
        position = len(self.data)
        self.data += struct.pack("<i", position - vtable) + b"\0" * 4 * len(kinds)
        return position, [position + 4 + 4 * i for i in range(len(kinds))]

    def point(self, field):
        """Let a field point to what is written next."""
        self.align()
        struct.pack_into("<I", self.data, field, len(self.data) - field)

    def vector(self, field, values):
        self.point(field)
        array = np.asarray(values)
        self.data += struct.pack("<I", len(array)) + array.tobytes()

    def offsets(self, field, count):
        self.point(field)
        self.data += struct.pack("<I", count)
        start = len(self.data)
        self.data += b"\0" * 4 * count
        return [start + 4 * i for i in range(count)]


def sparse_part(writer, field, full, *, axis_format=1):
    """Says that only the values of ``full`` are stored that are not zero, row by row."""
    sparsity, fields = writer.table("III")
    struct.pack_into("<I", writer.data, field, sparsity - field)
    writer.vector(fields[0], np.arange(full.ndim, dtype=np.int32))
    struct.pack_into("<I", writer.data, fields[1], 0)
    # No block map: the vtable says that the field is left out.
    vtable = sparsity - struct.unpack_from("<i", writer.data, sparsity)[0]
    struct.pack_into("<H", writer.data, vtable + 4 + 2, 0)
    slots = writer.offsets(fields[2], full.ndim)
    rows = full.reshape(-1, full.shape[-1])
    segments = np.concatenate([[0], np.cumsum((rows != 0).sum(axis=1))]).astype(np.uint16)
    for slot, kind in zip(slots, [0] * (full.ndim - 1) + [axis_format], strict=True):
        axis, parts = writer.table("bIbIbI")
        struct.pack_into("<I", writer.data, slot, axis - slot)
        writer.data[parts[0]] = kind
        for number, (dtype, values) in enumerate(((2, segments), (3, np.nonzero(rows)[1].astype(np.uint8)))):
            writer.data[parts[2 + 2 * number]] = dtype
            vector, (values_field,) = writer.table("I")
            struct.pack_into("<I", writer.data, parts[3 + 2 * number], vector - parts[3 + 2 * number])
            writer.vector(values_field, values)


def tiny_file(values, *, scales=(0.5,), sparse=False, axis_format=1):
    """One int8 tensor, one operator that uses it."""
    writer = Writer()
    model, fields = writer.table("IIIII")
    struct.pack_into("<I", writer.data, 0, model)
    (graph_slot,) = writer.offsets(fields[2], 1)
    writer.point(graph_slot)
    at = len(writer.data)
    graph, graph_fields = writer.table("IIII")
    struct.pack_into("<I", writer.data, graph_slot, graph - graph_slot)
    (tensor_slot,) = writer.offsets(graph_fields[0], 1)
    tensor, tensor_fields = writer.table("IIIIIII" if sparse else "IIIII")
    struct.pack_into("<I", writer.data, tensor_slot, tensor - tensor_slot)
    array = np.asarray(values, np.int8)
    if sparse:
        struct.pack_into("<I", writer.data, tensor_fields[5], 0)
        sparse_part(writer, tensor_fields[6], array, axis_format=axis_format)
    writer.vector(tensor_fields[0], np.array(array.shape, np.int32))
    writer.data[tensor_fields[1]] = 9
    struct.pack_into("<I", writer.data, tensor_fields[2], 1)
    writer.vector(tensor_fields[3], np.frombuffer(b"weights", np.uint8))
    quantization, quantization_fields = writer.table("IIII")
    struct.pack_into("<I", writer.data, tensor_fields[4], quantization - tensor_fields[4])
    writer.vector(quantization_fields[2], np.array(scales, np.float32))
    writer.vector(quantization_fields[3], np.zeros(len(scales), np.int64))
    (operator_slot,) = writer.offsets(graph_fields[3], 1)
    operator, operator_fields = writer.table("III")
    struct.pack_into("<I", writer.data, operator_slot, operator - operator_slot)
    writer.vector(operator_fields[1], np.array([0, -1], np.int32))
    for field in (
        graph_fields[1],
        graph_fields[2],
        fields[0],
        fields[1],
        fields[3],
        operator_fields[0],
        operator_fields[2],
    ):
        struct.pack_into("<I", writer.data, field, 0)
    slots = writer.offsets(fields[4], 2)
    stored = array[array != 0] if sparse else array
    for slot, content in zip(slots, (b"", stored.tobytes()), strict=True):
        buffer, (data,) = writer.table("I")
        struct.pack_into("<I", writer.data, slot, buffer - slot)
        writer.vector(data, np.frombuffer(content, np.uint8))
    assert at < graph
    return bytes(writer.data)


def test_a_tensor_comes_back_with_its_name_shape_scale_and_operator():
    graph = read_graph(tiny_file([[1, -2, 3], [4, 5, -128]], scales=(0.5, 0.25)))
    (tensor,) = graph.tensors

    assert tensor.name == "weights"
    np.testing.assert_array_equal(tensor.values, np.array([[1, -2, 3], [4, 5, -128]], np.int8))
    assert tensor.scales.tolist() == [0.5, 0.25]
    assert [operator.inputs for operator in graph.operators] == [(0, -1)]


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\0" * 100, b"PK\x03\x04 not this"])
def test_another_kind_of_file_is_named_as_such(data):
    with pytest.raises(WeightsError, match="not a TensorFlow Lite file"):
        read_graph(data)


@given(st.integers(8, 400))
def test_a_truncated_file_is_damaged_or_lacks_its_end_but_never_crashes(length):
    data = tiny_file(np.arange(60).reshape(3, 20))
    try:
        read_graph(data[:length])
    except WeightsError as error:
        assert "damaged" in str(error)


@given(st.binary(max_size=300), st.lists(st.tuples(st.integers(8, 300), st.integers(0, 255)), max_size=8))
def test_no_bytes_crash_the_reader(tail, changes):
    for data in (b"\x10\0\0\0TFL3" + tail, bytearray(tiny_file([1, 2, 3]))):
        damaged = bytearray(data)
        for position, value in changes:
            if position < len(damaged):
                damaged[position] = value
        with contextlib.suppress(WeightsError):
            read_graph(bytes(damaged))


def test_another_network_is_refused():
    with pytest.raises(WeightsError, match="has 0 quantised layers, not 28"):
        convert_sound(tiny_file([1, 2, 3]))


def test_zeros_that_a_sparse_tensor_leaves_out_are_filled_in():
    full = [[[0, -2, 0, 7]], [[0, 0, 0, 0]], [[1, 0, 0, 5]]]

    assert read_graph(tiny_file(full, sparse=True)).tensors[0].values.tolist() == full


def test_a_tensor_that_is_sparse_in_another_way_is_refused():
    with pytest.raises(WeightsError, match="another axis than its last"):
        read_graph(tiny_file([[0, 1], [2, 0]], sparse=True, axis_format=0))
