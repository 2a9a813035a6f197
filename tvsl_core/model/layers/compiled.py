"""A network of convolutions, compiled as a whole for this processor by OpenVINO where that is installed.

Both libraries run the same kernels of oneDNN, so that answers are the same. But torch decides anew at every layer of
every picture how it is run, puts the weights in order for it, and finds memory for its answer; compiled once, none of
that is left (docs/performance.md has the figures). What is compiled is what the network's own ``forward`` says: it runs
once over a ``Traced`` in the place of a tensor.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any, NamedTuple, cast
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tvsl_core.model.layers.convolution import Activation
from tvsl_core.system.machine import cores
from tvsl_core.system.platforms import leave_signal_stack

Forward = Callable[[Any], Sequence[Any]]
"""From a tensor, or what stands for one, to some of its kind; of layers that know ``Traced``."""
Size = tuple[int, ...]
"""``(height, width, channels)`` of an input."""
TELEMETRY = "openvino_telemetry"
OFTEN, MOST_SIZES = 8, 4
"""The first size, and each that came so often, is compiled for itself, up to so many: that takes a tenth of a second,
and memory for the weights, and spares a tenth of the time from then on."""


class Form(NamedTuple):
    """What a network is compiled for."""

    at_once: int
    """Calls."""
    threads: int
    """For all of them."""
    size: Size | None
    """Of the input; None is any."""


_networks: WeakKeyDictionary[nn.Module, _Compiled] = WeakKeyDictionary()
_making = threading.Lock()


class Traced:
    """Stands for the tensor ``[clip channels height width]`` between two layers while a network is written down."""

    def __init__(self, node: Any) -> None:
        self._node = node

    @property
    def channels_last(self) -> Any:
        """The node of the same numbers as ``[clip height width channels]``."""
        return _openvino().opset13.transpose(self._node, np.array([0, 2, 3, 1]))

    def convolve(
        self, layer: nn.Conv2d, *, activation: Activation = "none", shortcut: Traced | None = None, same: bool = True
    ) -> Traced:
        """What a layer gives; see ``convolve`` for what follows it.

        With ``same`` it pads as TensorFlow's "SAME" does, else by its own padding on every side.
        """
        opset, weight, bias = _openvino().opset13, layer.weight.numpy(force=True), layer.bias
        zeros = [0, 0] if same else [int(one) for one in layer.padding]
        pads = "SAME_UPPER" if same else "EXPLICIT"
        where = {"pads_begin": zeros, "pads_end": zeros, "dilations": [1, 1], "auto_pad": pads}
        if layer.groups > 1:
            outputs, inputs, *kernel = weight.shape
            grouped = weight.reshape(layer.groups, outputs // layer.groups, inputs, *kernel)
            y = opset.group_convolution(self._node, grouped, list(layer.stride), **where)
        else:
            y = opset.convolution(self._node, weight, list(layer.stride), **where)
        assert bias is not None
        y = opset.add(y, bias.numpy(force=True)[:, None, None])
        if shortcut is not None:
            y = opset.add(y, shortcut._node)
        match activation:
            case "relu":
                y = opset.relu(y)
            case "relu6":
                y = opset.clamp(y, 0.0, 6.0)
            case "sigmoid":
                y = opset.sigmoid(y)
            case "hardswish":
                y = opset.hswish(y)
        return Traced(y)

    def __add__(self, other: Traced) -> Traced:
        return Traced(_openvino().opset13.add(self._node, other._node))

    def __mul__(self, other: Traced) -> Traced:
        return Traced(_openvino().opset13.multiply(self._node, other._node))

    def mean(self) -> Traced:
        """Of every channel, ``[clip channels 1 1]``."""
        return Traced(_openvino().opset13.reduce_mean(self._node, np.array([2, 3]), keep_dims=True))

    def relu(self) -> Traced:
        """What is below zero becomes zero."""
        return Traced(_openvino().opset13.relu(self._node))

    def doubled(self) -> Traced:
        """Twice as high and wide, linear in between."""
        opset, twice = _openvino().opset13, np.array([2, 2], np.float32)
        where = {"mode": "linear_onnx", "coordinate_transformation_mode": "half_pixel"}
        return Traced(opset.interpolate(self._node, twice, shape_calculation_mode="scales", axes=[2, 3], **where))

    def bent(self, slopes: Tensor) -> Traced:
        """What is below zero times the slope of its channel."""
        return Traced(_openvino().opset13.prelu(self._node, slopes.numpy(force=True)))

    def halved(self) -> Traced:
        """The largest of every two by two."""
        sizes = {"strides": [2, 2], "kernel_shape": [2, 2], "dilations": [1, 1]}
        none = [0, 0]
        pooled = _openvino().opset13.max_pool(self._node, pads_begin=none, pads_end=none, **sizes)
        return Traced(pooled.output(0))

    def widened(self, channels: int) -> Traced:
        """With so many channels of zeros behind its own."""
        ends = np.array([0, channels, 0, 0])
        return Traced(_openvino().opset13.pad(self._node, np.zeros(4, np.int64), ends, "constant", np.float32(0)))


class Bend(nn.PReLU):
    """What is below zero times the slope of its channel."""

    def forward(self, input: Any) -> Any:
        """``[clip channels height width]`` to the same."""
        return input.bent(self.weight) if isinstance(input, Traced) else super().forward(input)


def relu(x: Any) -> Any:
    """What is below zero becomes zero; may be written over ``x``."""
    return x.relu() if isinstance(x, Traced) else F.relu(x, inplace=True)


def mean(x: Any) -> Any:
    """Of every channel: ``[clip channels height width]`` to ``[clip channels 1 1]``."""
    return x.mean() if isinstance(x, Traced) else x.mean(dim=(-2, -1), keepdim=True)


def double(x: Any) -> Any:
    """Linear in between: ``[clip channels height width]`` to ``[clip channels 2*height 2*width]``."""
    if isinstance(x, Traced):
        return x.doubled()
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def halve(x: Any) -> Any:
    """The largest of every two by two: ``[clip channels height width]`` to ``[clip channels height/2 width/2]``."""
    return x.halved() if isinstance(x, Traced) else F.max_pool2d(x, 2)


def widen(x: Any, channels: int) -> Any:
    """So many channels of zeros more: ``[clip inputs height width]`` to ``[clip inputs+channels height width]``."""
    return x.widened(channels) if isinstance(x, Traced) else F.pad(x, (0, 0, 0, 0, 0, channels))


def run(network: nn.Module, forward: Forward, x: Tensor, *, clips: int) -> tuple[Tensor, ...]:
    """What a frozen network's ``forward`` says of ``x``; compiled, if it can be, at the first call.

    Args:
        network: Whose weights are in ``forward``; once it is compiled, they stay what they were.
        forward: From ``[clip channels height width]`` of any size to maps like it.
        x: Its input, ``[clip channels height width]``.
        clips: How many go through a compiled network together: it is then the same for any number of them, and its
            maps stay in the caches. The last ones are filled up.
    """
    if not _can_compile(network, x):
        return tuple(forward(x))
    with _making:
        if network not in _networks:
            _networks[network] = _Compiled(forward, channels=x.shape[1], clips=clips)
    return _networks[network](x)


def _can_compile(network: nn.Module, x: Tensor) -> bool:
    """Full precision on the processor, and nobody trains it."""
    plain = x.device.type == "cpu" and x.dtype == torch.float32 and x.numel() > 0 and not x.requires_grad
    return plain and _has_openvino() and not any(weight.requires_grad for weight in network.parameters())


@cache
def _has_openvino() -> bool:
    return find_spec("openvino") is not None


@cache
def _openvino() -> Any:
    """The library without its telemetry: it would tell its maker over the network that it was imported."""
    silenced = sys.modules.setdefault(TELEMETRY, cast(ModuleType, None)) is None
    try:
        import openvino
    finally:
        if silenced:  # whoever else wants it finds it
            del sys.modules[TELEMETRY]
    _use_once(openvino)
    return openvino


def _use_once(openvino: Any) -> None:
    """One thread does all that many will do: the library sets itself up when something is used for the first time.

    Of two threads that come to that together one has its lock and the other Python's, and both wait forever.
    """
    pixels = openvino.opset13.parameter([1], np.float32)
    model = openvino.Model([openvino.opset13.relu(pixels)], [pixels])
    request = openvino.Core().compile_model(model, "CPU").create_infer_request()
    leave_signal_stack()
    request.infer([np.zeros(1, np.float32)], share_inputs=True)
    for one in request.output_tensors:
        one.data.copy()


class _Compiled:
    """One network, compiled for the sizes that come often, and for any other.

    Threads may call it together.
    """

    def __init__(self, forward: Forward, *, channels: int, clips: int) -> None:
        openvino = _openvino()
        pixels = openvino.opset13.parameter([clips, -1, -1, channels], np.float32)
        maps = forward(Traced(openvino.opset13.transpose(pixels, np.array([0, 3, 1, 2]))))
        self._core = openvino.Core()
        self._model = openvino.Model([one.channels_last for one in maps], [pixels])
        self._clips = clips
        self._came: Counter[Size] = Counter()
        self._fixed: set[Size] = set()
        """What is compiled for itself."""
        self._compiled: dict[Form, Any] = {}
        self._lock, self._requests = threading.Lock(), threading.local()

    def __call__(self, x: Tensor) -> tuple[Tensor, ...]:
        pixels = x.permute(0, 2, 3, 1).contiguous().numpy()
        lacking = -len(pixels) % self._clips
        if lacking:
            pixels = np.concatenate([pixels, np.zeros((lacking, *pixels.shape[1:]), np.float32)])
        request = self._request(self._form(pixels.shape[1:]))
        parts = []
        for part in pixels.reshape(-1, self._clips, *pixels.shape[1:]):
            request.infer([part], share_inputs=True)
            # The request writes its next answer over this one.
            parts.append([torch.from_numpy(one.data.copy()) for one in request.output_tensors])
        return tuple(torch.cat(maps)[: len(x)].permute(0, 3, 1, 2) for maps in zip(*parts, strict=True))

    def _form(self, size: Size) -> Form:
        """How this thread, as torch is to share out its cores in it, runs an input of one size."""
        with self._lock:
            first = not self._came
            self._came[size] += 1
            if (first or self._came[size] >= OFTEN) and len(self._fixed) < MOST_SIZES:
                self._fixed.add(size)
        shared_out = torch.get_num_threads()
        return Form(max(1, cores() // shared_out), max(shared_out, cores()), size if size in self._fixed else None)

    def _request(self, form: Form) -> Any:
        """This thread's own."""
        mine: dict[Form, Any] = self._requests.__dict__.setdefault("by_form", {})
        if form not in mine:
            mine[form] = self._for(form).create_infer_request()
        return mine[form]

    def _for(self, form: Form) -> Any:
        settings: dict[str, Any] = {
            "NUM_STREAMS": form.at_once,
            "INFERENCE_NUM_THREADS": form.threads,
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False,  # several workers would be bound to the same cores
        }
        with self._lock:
            if form not in self._compiled:
                model = self._model
                if form.size is not None:
                    model = model.clone()
                    model.reshape([self._clips, *form.size])
                self._compiled[form] = self._core.compile_model(model, "CPU", settings)
                leave_signal_stack()
            return self._compiled[form]
