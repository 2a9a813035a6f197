import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tvsl_core.errors import WeightsError
from tvsl_core.model.weights.safe_load import read_metadata, read_tensors
from tvsl_core.model.weights.strict import fit, hash_tensors

TENSORS = {"one": torch.arange(6.0).reshape(2, 3), "two": torch.tensor(4)}


class Evil:
    """Unpickling it runs a command."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return (os.system, (self.command,))


@pytest.fixture(params=["zip", "legacy", "safetensors"])
def good(tmp_path, request):
    path = tmp_path / ("w.safetensors" if request.param == "safetensors" else "w.pt")
    if request.param == "safetensors":
        save_file(TENSORS, path, metadata={"from": "here"})
    else:
        torch.save(TENSORS, path, _use_new_zipfile_serialization=request.param == "zip")
    return path


def test_every_format_gives_its_tensors(good):
    found = read_tensors(good)

    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)
    assert read_metadata(good) == ({"from": "here"} if good.suffix == ".safetensors" else {})


@pytest.mark.parametrize("keep", [0, 1, 7, 60, 0.5, 0.95])
def test_cut_off_files_are_damaged(good, keep):
    whole = good.read_bytes()
    good.write_bytes(whole[: keep if keep >= 1 else int(len(whole) * keep)])

    with pytest.raises(WeightsError, match=r"damaged|empty|neither|claims"):
        read_tensors(good)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, zipped):
    canary = tmp_path / "ran"
    path = tmp_path / "evil.pt"
    torch.save({"one": Evil(f"touch {canary}")}, path, _use_new_zipfile_serialization=zipped)

    with pytest.raises(WeightsError, match=r"refused: it holds code or objects.*running code"):
        read_tensors(path)
    assert not canary.exists()


def test_a_bare_pickle_with_code_is_refused(tmp_path):
    canary = tmp_path / "ran"
    path = tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps(Evil(f"touch {canary}")))

    with pytest.raises(WeightsError):
        read_tensors(path)
    assert not canary.exists()


def test_a_huge_claim_is_refused_before_memory_is_asked_for(tmp_path):
    path = tmp_path / "huge.pt"
    torch.save({"one": torch.zeros(7_654_321)}, path, _use_new_zipfile_serialization=False)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(struct.pack("<i", 7_654_321), struct.pack("<i", 2_000_000_000))[:4096])

    with pytest.raises(WeightsError, match="claims a tensor of 2,000,000,000 elements"):
        read_tensors(path)


def test_a_huge_claim_in_a_zip_is_refused(tmp_path):
    small, path = tmp_path / "small.pt", tmp_path / "huge.pt"
    torch.save({"one": torch.zeros(70_001)}, small)
    with zipfile.ZipFile(small) as source, zipfile.ZipFile(path, "w") as target:
        for member in source.infolist():
            data = source.read(member)
            target.writestr(member.filename, data.replace(struct.pack("<i", 70_001), struct.pack("<i", 2_000_000_000)))

    with pytest.raises(WeightsError, match="claims"):
        read_tensors(path)


def test_a_compressed_archive_is_refused(tmp_path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 10_000_000)

    with pytest.raises(WeightsError, match="holds compressed parts"):
        read_tensors(path)


def test_a_safetensors_header_longer_than_the_file_is_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 40) + b"{" + b" " * 100)

    with pytest.raises(WeightsError, match="neither"):
        read_tensors(path)


@pytest.mark.parametrize("content", [b"GIF89a" + b"\0" * 100, b"<html>not found</html>", b"PK\x03\x04garbage"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "w.pt"
    path.write_bytes(content)

    with pytest.raises(WeightsError, match=r"neither|damaged"):
        read_tensors(path)


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(WeightsError, match="No such file"):
        read_tensors(tmp_path / "none.pt")
    with pytest.raises(WeightsError, match="not a file"):
        read_tensors(tmp_path)


@pytest.mark.parametrize("value", [[1, 2], {"model": {"one": torch.zeros(1)}}, {"epoch": 3}, {1: torch.zeros(1)}])
def test_anything_but_named_tensors_is_refused(tmp_path, value):
    path = tmp_path / "w.pt"
    torch.save(value, path)

    with pytest.raises(WeightsError, match=r"not tensors by name|instead of a tensor"):
        read_tensors(path)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"one": torch.zeros(3, 2)}, r"\[3, 2\] instead of \[2, 3\]"),
        ({"one": torch.zeros(2, 3, dtype=torch.int64)}, "int64 instead of torch.float32"),
        ({"one": torch.full((2, 3), torch.nan)}, "NaN"),
        ({"three": torch.zeros(1)}, r"1 are unknown \(three\)"),
    ],
)
def test_tensors_that_do_not_fit_are_named(change, part):
    with pytest.raises(WeightsError, match=part):
        fit({**TENSORS, **change}, TENSORS, model="M", source="S")


def test_negative_variance_is_refused():
    expected = {"bn.running_var": torch.ones(2)}

    with pytest.raises(WeightsError, match="negative variance"):
        fit({"bn.running_var": torch.tensor([1.0, -1.0])}, expected, model="M", source="S")


def test_half_precision_is_widened():
    assert fit({**TENSORS, "one": TENSORS["one"].half()}, TENSORS, model="M", source="S")["one"].dtype == torch.float32


def test_the_hash_is_of_names_shapes_and_bytes():
    assert hash_tensors(TENSORS) == hash_tensors(dict(reversed(TENSORS.items())))
    assert hash_tensors(TENSORS) != hash_tensors({**TENSORS, "one": TENSORS["one"].T.contiguous()})
    assert hash_tensors(TENSORS) != hash_tensors({**TENSORS, "two": torch.tensor(np.int64(5))})


@pytest.mark.parametrize("padding", [0x80, 0x4B50])
def test_a_safetensors_file_is_known_whatever_bytes_its_length_has(tmp_path, padding):
    file = tmp_path / "x.safetensors"
    save_file({"a": torch.ones(2)}, file, metadata={"note": "x"})
    content = file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    longer = content[8 : 8 + length].rstrip() + b" " * padding  # cut to the length whose first bytes are a trap
    assert len(longer) >= padding
    file.write_bytes(padding.to_bytes(8, "little") + longer[:padding] + content[8 + length :])

    assert torch.equal(read_tensors(file)["a"], torch.ones(2))
