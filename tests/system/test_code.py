"""The version of code follows what it does, and not what is said about it."""

import shutil
from pathlib import Path

import pytest

import tvsl_core
from tvsl_core.batch.engines.task import RESULTS_FROM
from tvsl_core.system.code import code_version

RULE = Path("annotate/boxes.py")
LINE = "    bold = (fine >= options.threshold * peak).astype(np.uint8)\n"


@pytest.fixture
def changed(tmp_path):
    """The version of the library's code once a line of the box rule is another, compared with the library itself."""

    def with_line(line):
        package = tmp_path / "tvsl_core"
        shutil.copytree(
            Path(tvsl_core.__file__).parent, package, ignore=shutil.ignore_patterns("*.safetensors", "__pycache__")
        )
        text = (package / RULE).read_text()
        assert LINE in text
        (package / RULE).write_text(text.replace(LINE, line))
        return code_version(*RESULTS_FROM, package=package) != code_version(*RESULTS_FROM)

    return with_line


def test_the_same_code_in_another_place_is_the_same(changed):
    assert not changed(LINE)


def test_another_number_is_another_code(changed):
    assert changed(LINE.replace("* peak", "* peak * 0.9"))


def test_comments_docstrings_and_layout_do_not_count(changed):
    text = '    """What is bold."""\n\n    # why\n    bold = (\n'
    assert not changed(f"{text}        {LINE.strip().removeprefix('bold = ').replace('.astype', ').astype', 1)}\n")


def test_a_module_that_is_only_imported_inside_a_function_counts(tmp_path):
    package = tmp_path / "house"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "top.py").write_text("def f():\n    from house.cellar import g\n    return g()\n")
    versions = set()
    for number in (1, 2):
        (package / "cellar.py").write_text(f"def g():\n    return {number}\n")
        code_version.cache_clear()
        versions.add(code_version("house.top", package=package))

    assert len(versions) == 2
