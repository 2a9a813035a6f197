"""Everything that is learned: T-VSL's heads over the features of any frozen towers.

The towers give features of patches and of sound positions; the heads carry them into the space of names (``see`` and
``hear``), adapt them, and let the name of a class pull its part out of the picture and out of the sound. Every adapter
is the identity at gate 1, so that heads without projections start as the training-free model.

Source: Mahmud, Tian, Marculescu, "T-VSL", CVPR 2024 (arXiv 2404.01751), section 3, implemented from the published
description; steps are numbered as in docs/how-it-works.md. Where the description is weak we do otherwise, by option, so
that docs/experiments.md can measure both.
"""

from __future__ import annotations

import copy
import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from tvsl_core.model.towers import TrainableTowers

GATE = 0.9
"""Where gates start: nearly the identity, yet not exactly, since at 1 the perceptron behind it gets no gradient."""
TextWeight = Literal["relu", "softmax", "sign"]
"""How the likeness of a patch and a name enters a map; ``sign`` is the published form (``TvslHeads.text_weights``)."""
PoolingOrder = Literal["adapt-first", "pool-first"]
"""Whether the keys of a training pair are adapted before they are pooled, as maps need them, or after (published)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadOptions:
    """How large the heads are, and which form the conditioning has."""

    dim: int
    """Of the space in which names are: 384 for compact, 1024 for AudioCLIP."""
    image_features: int
    """Size of a patch's features."""
    sound_features: int
    """Size of a sound position's features."""
    project: bool = True
    """A perceptron in front carries features into the space of names; without it they are in that space already."""
    hidden: int = 512
    """Width inside a projection."""
    dropout: float = 0.1
    """Share of a projection's hidden values that is dropped in training."""
    text_weight: TextWeight = "relu"
    pooling: PoolingOrder = "adapt-first"

    def __post_init__(self) -> None:
        for name in ("dim", "image_features", "sound_features", "hidden"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {self.dropout}")
        if not self.project and {self.image_features, self.sound_features} != {self.dim}:
            raise ValueError(
                f"without a projection features must have {self.dim} dimensions, "
                f"got {self.image_features} and {self.sound_features}"
            )
        if self.text_weight not in ("relu", "softmax", "sign"):
            raise ValueError(f"text_weight must be relu, softmax or sign, got {self.text_weight!r}")
        if self.pooling not in ("adapt-first", "pool-first"):
            raise ValueError(f"pooling must be adapt-first or pool-first, got {self.pooling!r}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the head of a file."""
        return asdict(self)


def options_for(towers: TrainableTowers, **changes: Any) -> HeadOptions:
    """Head sizes that fit some towers; ``changes`` are any other fields of ``HeadOptions``."""
    image, sound = towers.feature_dims
    sizes: dict[str, Any] = {
        "dim": towers.names_dim,
        "image_features": image,
        "sound_features": sound,
        "project": not image == sound == towers.names_dim,
    }
    return HeadOptions(**(sizes | changes))


class Perceptron(nn.Sequential):
    """Layers that may compute in bfloat16; what goes in and comes out stays as it is.

    They are nearly all of the heads' work. Cosines stay in float32: rounded to bfloat16 and times a scale of up to 100,
    they would move logits by 0.4.
    """

    bf16 = False

    def forward(self, input: Tensor) -> Tensor:
        """``[... features]`` to ``[... outputs]``."""
        if not self.bf16:
            plain: Tensor = super().forward(input)  # type: ignore[no-untyped-call]
            return plain
        with torch.autocast(input.device.type, torch.bfloat16):
            mixed: Tensor = super().forward(input)  # type: ignore[no-untyped-call]
        return mixed.to(input.dtype)


class GatedAdapter(nn.Module):
    """``g * x + (1 - g) * MLP(x)``; at g = 1 the identity. [TVSL] section 3.3; the gate is one learned scalar.

    Args:
        dim: Of input and output.
        hidden: Inside the perceptron; None is twice ``dim``.
    """

    def __init__(self, dim: int, hidden: int | None = None) -> None:
        super().__init__()
        hidden = hidden or 2 * dim
        self.gate = nn.Parameter(torch.tensor(GATE))
        self.mlp = Perceptron(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))

    def forward(self, x: Tensor) -> Tensor:
        """``[... dim]`` to ``[... dim]``."""
        mixed: Tensor = self.gate * x + (1 - self.gate) * self.mlp(x)
        return mixed


class Projection(nn.Module):
    """Features of one tower to the space of names: standardised, then a perceptron beside a linear map.

    The linear map alone is a probe of the features, which is what a small training set can afford; the perceptron adds
    what it can.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, features: int, options: HeadOptions) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))
        self.linear = nn.Linear(features, options.dim)
        self.mlp = Perceptron(
            nn.Linear(features, options.hidden),
            nn.GELU(),
            nn.Dropout(options.dropout),
            nn.Linear(options.hidden, options.dim),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``[... features]`` to ``[... dim]``."""
        x = (x - self.mean) / self.spread
        projected: Tensor = self.linear(x) + self.mlp(x)
        return projected

    @torch.no_grad()
    def standardise(self, features: Tensor) -> None:
        """Take mean and spread of each dimension from examples ``[... features]``."""
        rows = features.flatten(0, -2).float()
        self.mean.copy_(rows.mean(dim=0))
        # A dimension that hardly moves must not be blown up; half the median keeps the scales comparable.
        spread = rows.std(dim=0)
        self.spread.copy_(spread.clamp_min(float(spread.median()) / 2 + 1e-6))


class TvslHeads(nn.Module):
    """What T-VSL learns, over features of frozen towers. Axes: clip, patch, sound, klass, dim; ``text`` is unit length.

    Args:
        options: Sizes and forms.
    """

    def __init__(self, options: HeadOptions) -> None:
        super().__init__()
        self.options = options
        dim = options.dim
        self.project_image: nn.Module = nn.Identity()
        self.project_sound: nn.Module = nn.Identity()
        if options.project:
            self.project_image = Projection(options.image_features, options)
            self.project_sound = Projection(options.sound_features, options)
        self.patch = GatedAdapter(dim)
        """P_v of step 1."""
        self.sound = GatedAdapter(dim)
        """P_a of step 1."""
        self.fuse = GatedAdapter(2 * dim, hidden=dim)
        """MLP_f of step 2, over picture and sound side by side."""
        self.image_class = GatedAdapter(dim)
        """P_vc of step 4."""
        self.sound_class = GatedAdapter(dim)
        """P_ac of step 4."""
        self.query = GatedAdapter(dim)
        """P_av of step 5."""
        self.key = GatedAdapter(dim)
        """P_va of step 5."""
        self.background = nn.Parameter(torch.empty(dim))
        """A direction for patches that show none of the classes."""
        self.scales = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(math.log(10.0))) for name in ("image", "sound", "detect", "class", "pair")}
        )
        """Logarithms of the factors on cosines, so that they stay positive."""
        # As in SigLIP (arXiv 2303.15343): most classes are absent, and the loss should not begin by unlearning them.
        self.biases = nn.ParameterDict({name: nn.Parameter(torch.tensor(-5.0)) for name in ("sound", "detect")})
        # Arithmetic without memory behind it makes torch load its compiler, which takes longer than all of the model.
        if not self.background.is_meta:
            nn.init.normal_(self.background, std=1 / math.sqrt(dim))

    @torch.no_grad()
    def towards(self, other: TvslHeads, share: float) -> TvslHeads:
        """New heads between these and others of the same form, ``share`` of the way.

        Heads that were fine-tuned do their new task nearly as well half the way back, and the old one far better:
        Wortsman et al., "Robust fine-tuning of zero-shot models" (WiSE-FT), CVPR 2022.
        """
        between = copy.deepcopy(self)
        for mine, theirs in zip(between.parameters(), other.parameters(), strict=True):
            mine.lerp_(theirs.to(mine.device), share)
        return between

    def fill_lean(self, fresh: TvslHeads) -> None:
        """Take what only training needs from other heads, where a lean file left it out as zeros."""
        for part in ("fuse", "image_class", "sound_class"):
            mine: GatedAdapter = getattr(self, part)
            if not any(bool(value.any()) for value in mine.parameters()):
                mine.load_state_dict(getattr(fresh, part).state_dict())

    def use_bf16(self, wanted: bool) -> None:
        """Compute perceptrons in bfloat16, or not."""
        for module in self.modules():
            if isinstance(module, Perceptron):
                module.bf16 = wanted

    def scale(self, name: str) -> Tensor:
        """The factor on cosines of one kind of logit, in (0, 100]."""
        factor: Tensor = self.scales[name].exp().clamp(max=100.0)
        return factor

    def see(self, features: Tensor) -> Tensor:
        """Step 1 for pictures: ``[... patch image_features]`` to unit ``[... patch dim]``."""
        return normalize(self.patch(self.project_image(features)), dim=-1)

    def hear(self, features: Tensor) -> Tensor:
        """Step 1 for sounds: ``[... sound sound_features]`` to unit ``[... sound dim]``."""
        return normalize(self.sound(self.project_sound(features)), dim=-1)

    def image_logits(self, seen: Tensor, text: Tensor) -> Tensor:
        """What each patch shows: ``[clip patch dim]`` and ``[klass dim]`` to ``[clip patch klass+1]``, background last.

        The classes of a patch exclude each other: take the softmax.
        """
        names = torch.cat((text, normalize(self.background, dim=-1)[None]))
        logits: Tensor = self.scale("image") * (seen @ names.T)
        return logits

    def sound_logits(self, heard: Tensor, text: Tensor) -> Tensor:
        """What each sound position holds: ``[clip sound dim]`` and ``[klass dim]`` to ``[clip sound klass]``.

        Sounds mix, so each class has its own yes or no: take the sigmoid.
        """
        logits: Tensor = self.scale("sound") * (heard @ text.T) + self.biases["sound"]
        return logits

    def detection_logits(self, seen: Tensor, heard: Tensor, text: Tensor) -> Tensor:
        """Step 2, class instance detection: multi-label logits ``[clip klass]`` of a whole clip.

        Every patch and position has unit length before the mean, so that none counts more than another.
        """
        both = self.fuse(torch.cat((seen.mean(dim=-2), heard.mean(dim=-2)), dim=-1))
        names = normalize(torch.cat((text, text), dim=-1), dim=-1)
        logits: Tensor = self.scale("detect") * (normalize(both, dim=-1) @ names.T) + self.biases["detect"]
        return logits

    def text_weights(self, unit: Tensor, text: Tensor) -> Tensor:
        """Step 3: how much each patch or position has to do with each name, not negative (but for ``sign``).

        ``relu`` is the positive part of the cosine; ``softmax`` is the share of each name among all of ``text``;
        ``sign`` is the published form: bringing a conditioned patch to unit length leaves only the cosine's sign.

        Args:
            unit: ``[... position dim]``, of unit length.
            text: ``[klass dim]``, of unit length.

        Returns: ``[... position klass]``.
        """
        cosine = unit @ text.T
        if self.options.text_weight == "softmax":
            return torch.softmax(self.scale("image") * cosine, dim=-1)
        return torch.sign(cosine) if self.options.text_weight == "sign" else cosine.clamp_min(0.0)

    def pull(self, unit: Tensor, text: Tensor) -> Tensor:
        """Step 3, pooled: the part of a picture or sound that a name pulls out, one name a row.

        Args:
            unit: ``[pair position dim]``, of unit length.
            text: ``[pair dim]``, of unit length.

        Returns: ``[pair dim]`` of unit length: positions added up, each weighted by its likeness with the name.
        """
        weight = self._pull_weights(torch.einsum("npd,nd->np", unit, text))
        return normalize(torch.einsum("np,npd->nd", weight, unit), dim=-1)

    def keys(self, seen: Tensor) -> Tensor:
        """Step 5: unit keys of patches, ``[... patch dim]`` to ``[... patch dim]``."""
        return normalize(self.key(seen), dim=-1)

    def pooled_keys(self, seen: Tensor, text: Tensor) -> Tensor:
        """Step 5 in training: one unit key a pair; ``[pair patch dim]`` and ``[pair dim]`` to ``[pair dim]``."""
        if self.options.pooling == "pool-first":
            return normalize(self.key(self.pull(seen, text)), dim=-1)
        weight = self._pull_weights(torch.einsum("npd,nd->np", seen, text))
        return normalize(torch.einsum("np,npd->nd", weight, self.keys(seen)), dim=-1)

    def queries(self, heard: Tensor, text: Tensor) -> Tensor:
        """Step 5: one unit query a pair; ``[pair sound dim]`` and ``[pair dim]`` to ``[pair dim]``."""
        return normalize(self.query(self.pull(heard, text)), dim=-1)

    def class_logits(self, kind: Literal["image", "sound"], unit: Tensor, text: Tensor, klass: Tensor) -> Tensor:
        """Step 4: what the part that a name pulled out is called.

        Args:
            kind: Of ``unit``.
            unit: ``[pair position dim]``.
            text: ``[klass dim]``.
            klass: int64 ``[pair]``: the name that pulls.

        Returns: ``[pair klass]``.
        """
        head = self.image_class if kind == "image" else self.sound_class
        part = normalize(head(self.pull(unit, text[klass])), dim=-1)
        return self.scale("class") * (part @ text.T)

    def correspondence(self, seen: Tensor, heard: Tensor, text: Tensor) -> Tensor:
        """Steps 3 and 5 in use: where the part of the sound that each name pulls out comes from.

        The likeness of patch and name *weights* the agreement of patch and sound, where the published form keeps only
        its sign. Keys are adapted before they are pooled or compared, in training as in use.

        Args:
            seen: ``[clip patch dim]``, of unit length.
            heard: ``[clip sound dim]``, of unit length.
            text: ``[klass dim]``, of unit length.

        Returns: ``[clip klass patch]``; higher is more likely the source.
        """
        pulled = normalize(torch.einsum("csk,csd->ckd", self._pull_weights(heard @ text.T), heard), dim=-1)
        query = normalize(self.query(pulled), dim=-1)
        agreement = query @ self.keys(seen).transpose(1, 2)
        weights = self.text_weights(seen, text).transpose(1, 2)
        if self.options.text_weight != "sign":
            agreement = agreement.clamp_min(0.0)
        return weights * agreement

    def _pull_weights(self, cosine: Tensor) -> Tensor:
        """The published form pulls with the cosine itself; ours leaves out what contradicts the name."""
        return cosine if self.options.text_weight == "sign" else cosine.clamp_min(0.0)
