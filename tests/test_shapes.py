"""What goes in and out of stages has the shapes that their documents promise, by jaxtyping and beartype.

The shipped code imports neither: shapes stand in its docstrings, and here once more where a machine reads them.
"""

import inspect
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from beartype import beartype
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Bool, Float, Float32, Float64, TypeCheckError, jaxtyped

from tvsl_core.annotate import boxes, localize
from tvsl_core.annotate.rules import BoxOptions, MapOptions
from tvsl_core.evaluation.metrics import localization, maps, matching, success
from tvsl_core.media.draw import heat
from tvsl_core.model.compact.yamnet import Yamnet

Array, Tensor = np.ndarray, torch.Tensor
BORDERS = {
    boxes.refine: {"values": Float32[Array, "r c"], "return": Float32[Array, "8*r 8*c"]},
    localize.separate: {"maps": Float[Tensor, "klass patch"], "return": Float[Tensor, "klass patch"]},
    localize.spread_over_objects: {
        "maps": Float[Tensor, "klass patch"], "affinity": Float[Tensor, "patch patch"],
        "foreground": Float[Tensor, "patch"], "return": Float[Tensor, "klass patch"],
    },
    localize.keep_own_parts: {
        "extents": Float32[Array, "source r c"], "everything": Float32[Array, "klass r c"],
        "klasses": Sequence[int], "return": Float32[Array, "source r c"],
    },
    localization.ciou: {"reference": Float[Array, "h w"], "estimate": Bool[Array, "h w"], "return": float},
    localization.pixel_aps: {
        "references": Float[Array, "source h w"], "estimate": Float32[Array, "h w"],
        "return": Float64[Array, "source"],
    },
    maps.binarize: {"estimate": Float32[Array, "h w"], "return": Bool[Array, "h w"]},
    maps.resize_map: {"estimate": Float32[Array, "r c"], "return": Float32[Array, "{height} {width}"]},
    matching.hungarian: {"gains": Float64[Array, "source map"], "return": list[int]},
    success.auc_shares: {"cious": Float64[Array, "source"], "return": Float64[Array, "source"]},
    heat.interpolate_maps: {"first": Float32[Array, "r c"], "return": Float32[Array, "r c"]},
    Yamnet.log_mel: {"waveforms": Float[Tensor, "clip sample"], "return": Float[Tensor, "clip sound 96 64"]},
}  # fmt: skip
"""Function to the shapes of its arguments and of its answer; one name is one length."""
SIDE = st.integers(1, 6)


def checked(function):
    """The function, refusing what has another shape than its border says."""

    signature = inspect.signature(function)
    shapes = BORDERS[function]
    assert shapes.keys() - {"return"} <= signature.parameters.keys()
    arguments = ", ".join(str(one.replace(annotation=inspect.Parameter.empty)) for one in signature.parameters.values())
    given_on = ", ".join(
        f"{name}={name}" if one.kind is one.KEYWORD_ONLY else name for name, one in signature.parameters.items()
    )
    scope = {"function": function}
    exec(f"def bordered({arguments}):\n    return function({given_on})", scope)
    scope["bordered"].__annotations__ = shapes
    return jaxtyped(typechecker=beartype)(scope["bordered"])


def test_a_wrong_shape_is_refused():
    with pytest.raises(TypeCheckError):
        checked(localize.spread_over_objects)(torch.ones(2, 6), torch.eye(5), torch.ones(6), MapOptions())
    with pytest.raises(TypeCheckError):
        checked(localization.ciou)(np.ones((2, 3)), np.ones((3, 2), bool))
    with pytest.raises(TypeCheckError):
        checked(boxes.refine)(np.ones((2, 3), np.uint8), 8)


@settings(max_examples=25, deadline=None)
@given(SIDE, SIDE, SIDE, SIDE, SIDE)
def test_stages_keep_their_shapes(a, b, c, d, e):
    rng = np.random.default_rng(a)
    some = rng.random((a, b, c)).astype(np.float32)
    alike = torch.eye(b)

    checked(boxes.refine)(some[0], BoxOptions().fine)
    checked(localize.separate)(torch.rand(a, b), 1.0)
    checked(localize.spread_over_objects)(torch.rand(a, b), alike, torch.rand(b), MapOptions())
    checked(localize.keep_own_parts)(some, rng.random((d, b, c)).astype(np.float32), [0] * a, MapOptions())
    checked(localization.ciou)(some[0].astype(np.float64), some[0] > 0.5)
    checked(localization.pixel_aps)(some, some[0])
    checked(maps.binarize)(some[0], maps.Threshold(kind="top", value=0.5))
    checked(maps.resize_map)(some[0], height=d, width=e)
    checked(matching.hungarian)(rng.random((a, d)))
    checked(success.auc_shares)(rng.random(a))
    checked(heat.interpolate_maps)(some[0], rng.random((d, e)).astype(np.float32), 0.5)


def test_the_front_end_of_the_sound_network_gives_patches_of_96_by_64():
    for samples in (1, 15_600, 15_601, 40_000):
        checked(Yamnet.log_mel)(Yamnet(), torch.zeros(2, samples))
