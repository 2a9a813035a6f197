"""Loads the networks that find people from the file in the package, strictly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from tvsl_core.errors import WeightsError
from tvsl_core.model.compact.store import read_metadata, unpack
from tvsl_core.model.people.body_mask import BodyMask
from tvsl_core.model.people.face_detector import FaceDetector
from tvsl_core.model.people.face_mesh import FaceMesh

FORMAT = "tvsl-people"
WEIGHTS_FILE = Path(__file__).parent / "people.safetensors"
NETWORKS: dict[str, type[nn.Module]] = {"detector": FaceDetector, "mesh": FaceMesh, "mask": BodyMask}
"""Prefix of the tensors to the network that has them."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PeopleNetworks:
    """What sees people. None of it says who somebody is: no network here compares or names faces."""

    detector: FaceDetector
    mesh: FaceMesh
    mask: BodyMask
    device: torch.device


def load_people(*, weights: Path | None = None, device: torch.device | str = "cpu") -> PeopleNetworks:
    """The networks, ready to use.

    Args:
        weights: A file in the form of ``people.safetensors``; None is the one in the package.
        device: Where they run.

    Raises: WeightsError: The file is missing or damaged, or a tensor is missing, unknown or of another shape.
    """
    path = weights or WEIGHTS_FILE
    hint = "Reinstall tvsl, or rebuild the file with 'tvsl models build people --from DIR'."
    try:
        with safe_open(path, framework="pt") as file:
            read_metadata(file.metadata(), kind=FORMAT)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"cannot read the weights {path} ({error}).", hint=hint) from error
    networks = {role: build() for role, build in NETWORKS.items()}
    try:
        for role, network in networks.items():
            network.load_state_dict(unpack(tensors, f"{role}."), strict=True)
            network.requires_grad_(False).eval().to(device)
    except RuntimeError as error:
        raise WeightsError(f"the weights {path} are of other networks ({error}).", hint=hint) from error
    return PeopleNetworks(**networks, device=torch.device(device))  # type: ignore[arg-type]
