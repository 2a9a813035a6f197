"""How the house is laid out, as tables that are checked."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("tvsl_core", "tvsl_cli")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_TRACKED_BYTES = 50_000_000

MAX_FOLDER_FILES = 16

FLOORS = (
    ("option",),
    ("errors", "limits"),
    ("types",),
    ("system",),
    ("vocabulary",),
    ("media",),
    ("data.benchmarks",),
    ("data.predictions",),
    ("data.scenes",),
    ("data.material",),
    ("data.training_sets",),
    ("model.weights",),
    ("model",),
    ("annotate", "evaluation", "training"),
    ("batch", "exports"),
    ("imports",),
    ("report",),
    ("search",),
    ("tuning",),
    ("api",),
)
"""The rooms of tvsl_core from the ground up: each may import itself and what lies below it, but nothing beside it."""

BARRED = {
    "model": ("data", "media", "system.leases"),
    "evaluation": ("media", "model"),
    "training": ("data.predictions",),
}
"""Room to lower rooms that it must do without all the same."""

FREE_OF = {
    "tvsl_core": ("typer", "rich", "click", "tvsl_cli"),
    "tvsl_core.errors": ("numpy", "torch"),
    "tvsl_core.option": ("numpy", "torch"),
    "tvsl_core.limits": ("numpy", "torch"),
    "tvsl_core.types": ("torch", "pandas", "av", "cv2"),
    "tvsl_core.vocabulary.classes": ("torch",),
    "tvsl_core.media": ("torch",),
    "tvsl_core.evaluation": ("torch", "pandas", "av"),
    "tvsl_cli": ("click",),
}
"""Room to the packages that it must do without."""


def sources(room: str) -> list[Path]:
    path = ROOT.joinpath(*room.split("."))
    return [path.with_suffix(".py")] if path.with_suffix(".py").is_file() else sorted(path.rglob("*.py"))


ALL_SOURCES = [file for package in PACKAGES for file in sources(package)]


def dotted(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {dotted(file): file for file in ALL_SOURCES}


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


def imported_modules(module: str) -> set[str]:
    """Modules of ours that a module imports; a package counts when one of its own names is taken from it.

    What ``tvsl_core`` itself re-exports lazily is no arrow: it is the front door, above every room.
    """
    found: set[str] = set()
    for node in ast.walk(parsed(MODULES[module])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (below & set(MODULES)) or {node.module or ""}
    return {name for name in found & set(MODULES) if name not in (module, "tvsl_core")}


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


ROOMS = {f"tvsl_core.{room}": level for level, rooms in enumerate(FLOORS) for room in rooms}


def room_of(module: str) -> str | None:
    """The room that a module of tvsl_core lies in; None for what is in none."""
    inside = [room for room in ROOMS if module == room or module.startswith(room + ".")]
    return max(inside, key=len, default=None)


def test_no_import_points_up():
    for module, file in MODULES.items():
        here = room_of(module)
        for name in imported_modules(module) if here else ():
            there = room_of(name)
            assert there is None or there == here or ROOMS[there] < ROOMS[here], f"{file} imports {name}"


@pytest.mark.parametrize("room", BARRED)
def test_a_room_does_not_reach_for_what_it_is_barred_from(room):
    for file in sources(f"tvsl_core.{room}"):
        for name in imports(file):
            assert not any(f"{name}.".startswith(f"tvsl_core.{barred}.") for barred in BARRED[room]), f"{file}: {name}"


def test_every_module_of_the_library_lies_in_a_room():
    homeless = [name for name in MODULES if name.startswith("tvsl_core.") and not room_of(name)]

    assert homeless == ["tvsl_core.data"], "only the package that holds the rooms of data is no room itself"


def test_no_modules_import_each_other_in_a_circle():
    """Neither at the top of a file, nor inside functions, nor under TYPE_CHECKING."""
    graph = TopologicalSorter({module: imported_modules(module) for module in MODULES})

    graph.prepare()  # CycleError names the circle


def test_a_folder_can_be_looked_over():
    folders = {file.parent for file in ALL_SOURCES}
    full = {
        str(folder.relative_to(ROOT)): count
        for folder in folders
        if (count := len([file for file in folder.glob("*.py") if file.stem != "__init__"])) > MAX_FOLDER_FILES
    }

    assert full == {}


def test_a_public_class_name_stands_for_one_thing():
    homes: dict[str, list[str]] = {}
    for file in ALL_SOURCES:
        for node in public_definitions(parsed(file)):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(str(file.relative_to(ROOT)))

    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_every_package_says_what_its_files_are_for():
    for init in (file for file in ALL_SOURCES if file.stem == "__init__"):
        text = ast.get_docstring(parsed(init)) or ""
        own = {file.stem for file in init.parent.glob("*.py")} - {"__init__", "__main__"}
        if init.parent != ROOT / "tvsl_core":
            assert [name for name in sorted(own) if f"``{name}``" not in text] == [], init.relative_to(ROOT)


def test_every_folder_of_code_is_a_package_that_the_wheel_carries():
    folders = {file.parent for file in ALL_SOURCES}

    assert [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize("room", FREE_OF)
def test_a_room_does_without_what_is_not_its_business(room):
    for file in sources(room):
        clash = {name.split(".")[0] for name in imports(file)} & set(FREE_OF[room])
        assert not clash, f"{file.relative_to(ROOT)} imports {clash}"


@pytest.mark.parametrize(
    "module", ["tvsl_core", "tvsl_core.vocabulary.classes", "tvsl_cli.shared.config_file", "tvsl_cli.app"]
)
def test_what_runs_before_the_work_loads_nothing_heavy(module):
    heavy = ("torch", "pandas", "pyarrow", "av", "cv2", "numpy")
    code = f"import sys, {module}; print(*(name for name in {heavy} if name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == ""


@pytest.mark.parametrize("room", ["tvsl_core.system", "tvsl_core.media", "tvsl_core.evaluation"])
def test_the_rooms_without_torch_can_be_used_without_it(room):
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in sources(room)]
    code = f"import sys, {', '.join(names)}; sys.exit('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr or f"{room} loads torch"


def test_the_library_never_exits_or_reads_the_command_line():
    """That it never prints is a rule of ruff's (T20)."""
    for file in sources("tvsl_core"):
        for node in ast.walk(parsed(file)):
            place = f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("exit", "quit", "input"), place
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sys":
                assert node.attr not in ("exit", "argv", "stdout", "stdin"), place


def test_files_and_functions_fit_in_the_head():
    for file in ALL_SOURCES:
        assert len(file.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES, file.relative_to(ROOT)
        for node in ast.walk(parsed(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.body[0].lineno + 1
                assert lines <= MAX_FUNCTION_LINES, f"{file.relative_to(ROOT)}: {node.name} has {lines} lines"


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
