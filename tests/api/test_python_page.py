"""docs/python.md: every public name is in it, and every example runs."""

import inspect
import re
import shutil
from pathlib import Path

import pytest

import tvsl_core
from tests.material import make_material

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/python.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """What the examples expect around them: the sample videos, and a folder of material."""
    (tmp_path / "sample_videos").symlink_to(ROOT / "sample_videos")
    make_material(tmp_path / "material", sources=("home", "field", "street", "studio"))
    # A call that the towers know; tones are nothing to them, and no event would be found in their scenes.
    (tmp_path / "material/sounds/dog/studio__a.wav").unlink()
    shutil.copy(ROOT / "sample_videos/sources/dog.ogg", tmp_path / "material/sounds/dog/studio__a.ogg")
    monkeypatch.setenv("TVSL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TVSL_DATA", raising=False)
    monkeypatch.setattr("tvsl_core.model.registry._registered", {})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_every_example_runs(checkout, capsys):
    together: dict[str, object] = {}
    for number, example in enumerate(EXAMPLES):
        exec(compile(example, f"docs/python.md, example {number + 1}", "exec"), together)
    printed = capsys.readouterr().out

    assert "gone.mp4 failed () there is no file or folder 'gone.mp4'." in printed
    assert re.search(r"^owl 0\.\d+ \w+ True ", printed, re.MULTILINE)
    assert re.search(r"^violin 0\.\d+ sounding False ", printed, re.MULTILINE)
    assert "composed-single strict: 2 of 2" in printed
    for file in (
        "scores.json",
        "report/index.html",
        "calibrated.safetensors",
        "index/texts.parquet",
        "merged/manifest.json",
    ):
        assert (checkout / file).is_file(), file


def test_every_public_function_is_called_in_an_example():
    functions = [name for name in tvsl_core.__all__ if inspect.isfunction(getattr(tvsl_core, name))]
    uncalled = [name for name in functions if not re.search(rf"\b{name}\(", "\n".join(EXAMPLES))]

    assert len(functions) >= 15
    assert uncalled == []


def test_every_public_name_stands_in_the_table_of_names():
    rows = TEXT.partition("## The public names")[2]

    assert [name for name in tvsl_core.__all__ if not re.search(rf"`{name}[`(]", rows)] == []


def test_the_front_door_opens_on_every_name():
    """The names for mypy, ``__all__`` and the rooms that they come from are one list."""
    source = (ROOT / "tvsl_core/__init__.py").read_text(encoding="utf-8").partition("__all__")[0]
    for_mypy = set(re.findall(r"\b\w+\b", " ".join(re.findall(r"import ([^\n(]+|\([^)]*\))", source))))

    assert {name for name in tvsl_core.__all__ if name not in for_mypy} == {"__version__"}
    assert {name for name in tvsl_core.__all__ if not hasattr(tvsl_core, name)} == set()
