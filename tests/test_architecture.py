"""How the house is laid out, as tables that are checked."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("tvsl_core", "tvsl_cli")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_TRACKED_BYTES = 50_000_000

MAY_IMPORT = {
    "tvsl_core.errors": (),
    "tvsl_core.limits": (),
    "tvsl_core.types": ("limits", "errors"),
    "tvsl_core.config": ("errors",),
    "tvsl_core.vocabularies": ("vocabularies", "errors"),
    "tvsl_core.vocabulary": ("vocabularies", "types", "errors"),
    "tvsl_core.media": ("media", "types", "limits", "errors"),
    "tvsl_core.data": ("data", "media", "vocabulary", "types", "errors"),
    "tvsl_core.model": ("model", "vocabulary", "types", "errors"),
    "tvsl_core.evaluation": ("evaluation", "data", "vocabulary", "types", "errors"),
    "tvsl_core.pipeline": ("pipeline", "model", "media", "data", "vocabulary", "types", "limits", "errors"),
    "tvsl_core.training": ("training", "model", "media", "data", "vocabulary", "types", "errors"),
    "tvsl_core.report": ("report", "evaluation", "media", "data", "vocabulary", "types", "errors"),
}
"""Room to the rooms of tvsl_core that it may import. The command line may import all of them; none imports it."""

FREE_OF = {
    "tvsl_core": ("typer", "rich", "click", "tvsl_cli"),
    "tvsl_core.errors": ("numpy", "torch"),
    "tvsl_core.limits": ("numpy", "torch"),
    "tvsl_core.types": ("torch", "pandas", "av", "cv2"),
    "tvsl_core.vocabulary": ("torch",),
    "tvsl_core.media": ("torch",),
    "tvsl_core.evaluation": ("torch", "pandas", "av"),
    "tvsl_cli": ("click",),
}
"""Room to the packages that it must do without."""


def sources(room: str) -> list[Path]:
    path = ROOT.joinpath(*room.split("."))
    return [path.with_suffix(".py")] if path.with_suffix(".py").is_file() else sorted(path.rglob("*.py"))


ALL_SOURCES = [file for package in PACKAGES for file in sources(package)]


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imports(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively in line {node.lineno}"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_point_one_way(room):
    allowed = {f"tvsl_core.{name}" for name in MAY_IMPORT[room]}
    for file in sources(room):
        for name in imports(file):
            home = ".".join(name.split(".")[:2])
            if home in MAY_IMPORT:
                assert home in allowed, f"{file.relative_to(ROOT)} imports {name}; {room} may not"


def test_every_room_stands_in_the_table():
    rooms = {
        f"tvsl_core.{path.stem}"
        for path in (ROOT / "tvsl_core").iterdir()
        if list(path.rglob("*.py")) or path.suffix == ".py"
    }

    assert rooms - set(MAY_IMPORT) - {"tvsl_core.__init__"} == set()


def test_every_folder_of_code_is_a_package_that_the_wheel_carries():
    folders = {file.parent for file in ALL_SOURCES}

    assert [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize("room", FREE_OF)
def test_a_room_does_without_what_is_not_its_business(room):
    for file in sources(room):
        clash = {name.split(".")[0] for name in imports(file)} & set(FREE_OF[room])
        assert not clash, f"{file.relative_to(ROOT)} imports {clash}"


@pytest.mark.parametrize("module", ["tvsl_core", "tvsl_core.vocabulary", "tvsl_core.config", "tvsl_cli.app"])
def test_what_runs_before_the_work_loads_nothing_heavy(module):
    heavy = ("torch", "pandas", "pyarrow", "av", "cv2", "numpy")
    code = f"import sys, {module}; print(*(name for name in {heavy} if name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == ""


@pytest.mark.parametrize("room", ["tvsl_core.media", "tvsl_core.evaluation", "tvsl_core.types"])
def test_the_rooms_without_torch_can_be_used_without_it(room):
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in sources(room)]
    code = f"import sys, {', '.join(names)}; sys.exit('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr or f"{room} loads torch"


@pytest.mark.parametrize("file", sources("tvsl_core"), ids=lambda file: str(file.relative_to(ROOT)))
def test_the_library_never_prints_exits_or_reads_the_command_line(file):
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("print", "exit", "quit", "input"), f"{node.func.id}() in line {node.lineno}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sys":
            assert node.attr not in ("exit", "argv", "stdout", "stdin"), f"sys.{node.attr} in line {node.lineno}"


@pytest.mark.parametrize("file", ALL_SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_files_and_functions_fit_in_the_head(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.body[0].lineno + 1
            assert lines <= MAX_FUNCTION_LINES, f"the body of {node.name} has {lines} lines"


@pytest.mark.parametrize("file", ALL_SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_public_name_is_documented(file):
    module = parsed(file)
    assert ast.get_docstring(module), "the module says nothing about itself"
    bare = [node for node in public_definitions(module) if not ast.get_docstring(node)]

    assert [f"{node.name} in line {node.lineno}" for node in bare] == []


def public_definitions(scope: ast.Module | ast.ClassDef):
    for node in scope.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            overload = any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in node.decorator_list)
            if not overload:
                yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node)


def test_nothing_names_a_machine_or_a_registry_host():
    marks = [
        r"/work/",
        r"/root/",
        r"/home/\w",
        r"/tmp/\w",
        "pypi" + r"\.org",
        "files." + "pythonhosted",
        "artifact" + "ory",
    ]
    forbidden = re.compile("|".join(marks))
    texts = {".py", ".md", ".toml", ".txt", ".json", ".csv", ".yml", ".yaml", ".cfg", ".sh", ""}
    for file in tracked():
        if file.suffix in texts and file.stat().st_size < 2_000_000 and file != Path(__file__).resolve():
            found = forbidden.search(file.read_text(encoding="utf-8", errors="replace"))
            assert found is None, f"{file.relative_to(ROOT)} names {found[0]!r}" if found else ""


def test_no_tracked_file_is_too_big_for_a_clone():
    big = [str(file.relative_to(ROOT)) for file in tracked() if file.stat().st_size > MAX_TRACKED_BYTES]
    packages = [
        str(file.relative_to(ROOT))
        for file in tracked()
        if file.suffix in (".deb", ".whl", ".zip", ".gz") and "tvsl_core" not in file.parts
    ]

    assert big + packages == []


def test_the_public_names_are_there_and_documented():
    import tvsl_core

    for name in tvsl_core.__all__:
        value = getattr(tvsl_core, name)
        assert isinstance(value, str) or value.__doc__, name
    assert set(tvsl_core.__all__) <= set(dir(tvsl_core))


def test_the_library_never_logs_through_the_root_logger():
    for file in sources("tvsl_core"):
        for node in ast.walk(parsed(file)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "logging":
                assert node.attr not in ("info", "warning", "error", "debug", "basicConfig"), (
                    f"{file}: line {node.lineno}"
                )
