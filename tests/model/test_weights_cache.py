import dataclasses
import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from tvsl_core.errors import InputError, WeightsError
from tvsl_core.model.audioclip import importing, network
from tvsl_core.model.audioclip.importing import import_weights
from tvsl_core.model.weights import registry
from tvsl_core.model.weights import store as weights
from tvsl_core.model.weights.hashing import hash_file
from tvsl_core.model.weights.safe_load import read_metadata
from tvsl_core.system.cache import cache_folder

CONTENT = b"published bytes" * 1000


@pytest.fixture
def small_registry(monkeypatch):
    """The registry, with a file small enough for a test behind the first name."""
    entry = dataclasses.replace(
        registry.REGISTRY[0], bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest(), file="small.pt"
    )
    entries = (entry, *registry.REGISTRY[1:])
    monkeypatch.setattr(registry, "REGISTRY", entries)
    monkeypatch.setattr(weights, "REGISTRY", entries)
    return entry


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    monkeypatch.delenv("http_proxy", raising=False)
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "small.pt").write_bytes(CONTENT)
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def tiny_layout(monkeypatch):
    """AudioCLIP's layout, made small, so that importing is quick."""
    from tvsl_core.model.audioclip import AudioClipSizes, ImageSizes, SoundSizes, TextSizes

    tiny = AudioClipSizes(
        dim=8,
        image=ImageSizes(blocks=(1, 1, 1, 1), planes=4, heads=2, side=32),
        text=TextSizes(layers=1, width=8, heads=2, vocabulary=49_408),
        sound=SoundSizes(blocks=(1, 1, 1, 1), planes=4, cardinality=2),
    )
    original = importing.empty_network
    monkeypatch.setattr(importing, "empty_network", lambda: original(tiny))
    torch.manual_seed(0)
    return network.AudioClipNetwork(tiny).state_dict()


def test_the_registry_holds_the_published_facts():
    full = registry.published("audioclip")

    assert full.sha256 == "2441d35b353352c8b1bbfb8f7c687f46314c3d2909e940eaf763b8c17f632c44"
    assert full.bytes == 537_302_068
    assert full.url.endswith("/v0.1/AudioCLIP-Full-Training.pt")
    assert registry.published("audioclip-partial").sha256.startswith("1921885b")
    with pytest.raises(WeightsError, match="Known: audioclip, audioclip-partial"):
        registry.published("resnet")


def test_the_cache_is_where_the_user_says(monkeypatch, tmp_path):
    monkeypatch.delenv("TVSL_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == Path.home() / ".cache" / "tvsl"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "tvsl"
    monkeypatch.setenv("TVSL_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    assert cache_folder(tmp_path) == tmp_path


def test_a_relative_xdg_folder_is_ignored(monkeypatch):
    monkeypatch.delenv("TVSL_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")

    assert cache_folder() == Path.home() / ".cache" / "tvsl"


@pytest.mark.parametrize("whole_address", [True, False])
def test_download_verify_remove(small_registry, mirror, tmp_path, whole_address):
    cache = tmp_path / "cache"
    url = mirror + "small.pt" if whole_address else mirror

    path = weights.fetch_weights("audioclip", cache=cache, url=url)
    assert path.read_bytes() == CONTENT
    assert weights.verify_weights("audioclip", cache=cache) == path
    assert weights.fetch_weights("audioclip", cache=cache, offline=True) == path
    assert [stored.path for stored in weights.list_weights(cache)] == [path, None]
    assert weights.remove_weights("audioclip", cache=cache) >= len(CONTENT)
    assert weights.remove_weights("audioclip", cache=cache) == 0


def test_a_changed_file_is_found_out(small_registry, mirror, tmp_path):
    path = weights.fetch_weights("audioclip", cache=tmp_path, url=mirror)
    path.write_bytes(b"x" + CONTENT[1:])

    with pytest.raises(WeightsError, match="has changed"):
        weights.verify_weights("audioclip", cache=tmp_path)


def test_offline_says_what_to_do(tmp_path):
    with pytest.raises(WeightsError, match="--offline forbids"):
        weights.fetch_weights("audioclip", cache=tmp_path, offline=True)


def test_missing_weights_name_the_command(tmp_path):
    with pytest.raises(WeightsError, match="tvsl models download audioclip"):
        weights.find_weights("audioclip", tmp_path)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_import_checks_converts_and_is_used(tiny_layout, tmp_path, precision):
    source = tmp_path / "mine.pt"
    torch.save(tiny_layout, source)

    path = import_weights(source, cache=tmp_path, precision=precision)
    assert weights.find_weights("audioclip", tmp_path) == path
    assert weights.verify_weights("audioclip", cache=tmp_path) == path
    assert read_metadata(path)["source_sha256"] == hash_file(source)
    assert weights.list_weights(tmp_path)[0].imported


def test_verify_says_that_imported_weights_are_not_the_published_ones(tiny_layout, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from tvsl_cli.app import app

    source = tmp_path / "mine.pt"
    torch.save(tiny_layout, source)
    path = import_weights(source, cache=tmp_path)
    command = ["models", "verify", "--cache-dir", str(tmp_path)]
    result = CliRunner().invoke(app, command)

    assert isinstance(result.exception, WeightsError)
    assert f"mine.pt (sha256 {hash_file(source)[:12]})" in str(result.exception)
    known = dataclasses.replace(weights.published("audioclip"), sha256=hash_file(source))
    monkeypatch.setattr(weights, "published", lambda _name: known)
    assert CliRunner().invoke(app, command).stdout.strip() == str(path)


def test_half_precision_halves_the_file_and_keeps_the_numbers(tiny_layout, tmp_path):
    from tvsl_core.model.weights.safe_load import read_tensors
    from tvsl_core.model.weights.strict import fit

    source = tmp_path / "mine.pt"
    tiny_layout["audio.fbsp.fc"] += 0.0301  # no half float near 1,000 has this fraction
    torch.save(tiny_layout, source)
    whole = import_weights(source, cache=tmp_path).stat().st_size
    half = import_weights(source, cache=tmp_path, precision="fp16")

    assert half.stat().st_size < 0.6 * whole
    loaded = fit(read_tensors(half), tiny_layout, model="M", source="S")
    assert torch.equal(loaded["audio.fbsp.fc"], tiny_layout["audio.fbsp.fc"])
    assert torch.allclose(loaded["text_projection"], tiny_layout["text_projection"], rtol=1e-3, atol=1e-6)


def test_other_weights_are_not_imported(tiny_layout, tmp_path):
    source = tmp_path / "mine.pt"
    torch.save({name: value for name, value in tiny_layout.items() if "fbsp" not in name}, source)

    with pytest.raises(WeightsError, match="4 tensors are missing"):
        import_weights(source, cache=tmp_path)
    assert weights.list_weights(tmp_path)[0].path is None


def test_values_beyond_half_precision_are_not_imported_as_such(tiny_layout, tmp_path):
    source = tmp_path / "mine.pt"
    tiny_layout["text_projection"][0, 0] = 1e6
    torch.save(tiny_layout, source)

    with pytest.raises(WeightsError, match="text_projection holds values beyond fp16"):
        import_weights(source, cache=tmp_path, precision="fp16")


def test_an_unknown_name_is_refused_everywhere(tmp_path):
    for call in (weights.find_weights, weights.verify_weights, weights.remove_weights, weights.fetch_weights):
        with pytest.raises((WeightsError, InputError), match="No weights are called"):
            call("nonsense")
