"""What the code of some modules says, apart from how it is laid out and commented."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tvsl_core.system.cache import look_up

PACKAGE = Path(__file__).resolve().parents[1]


@cache
def code_version(*modules: str, package: Path = PACKAGE) -> str:
    """Short hash of the code of some modules and of everything of the package that they import, at whatever depth.

    It follows by itself when a rule changes; comments, docstrings and layout do not count. Imports inside functions do.

    Args:
        modules: Full names, such as ``tvsl_core.annotate.video``.
        package: Folder of the package that they belong to.
    """
    if package != PACKAGE:
        return _version_of(modules, package)
    # Parsing this library takes half a second; files that did not change say what they said.
    files = {str(file): file.stat() for file in sorted(package.rglob("*.py"))}
    stamps = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in files.items()]
    key = hashlib.sha256(json.dumps([sys.version, modules, stamps]).encode()).hexdigest()
    return look_up("code", key, lambda: _version_of(modules, package))


def _version_of(modules: tuple[str, ...], package: Path) -> str:
    waiting, known = list(modules), set[str]()
    digest = hashlib.sha256()
    codes: dict[str, ast.Module] = {}
    while waiting:
        name = waiting.pop()
        file = _file_of(name, package)
        if name in known or file is None:
            continue
        known.add(name)
        codes[name] = ast.parse(file.read_bytes())
        waiting += _imported(codes[name])
    for name in sorted(codes):
        digest.update(f"\n{name}\n".encode())
        for word in _words(codes[name]):
            digest.update(word.encode("utf-8", "backslashreplace") + b"\0")
    return digest.hexdigest()[:16]


def _file_of(module: str, package: Path) -> Path | None:
    """Where a module of the package lies; None for what is none, such as a function."""
    top, *rest = module.split(".")
    if top != package.name:
        return None
    place = package.joinpath(*rest)
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def _imported(code: ast.Module) -> Iterator[str]:
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _words(node: ast.AST) -> Iterator[str]:
    """The tree as words. What is empty is left out: versions of Python differ in the empty fields that they have."""
    yield type(node).__name__
    for name, value in ast.iter_fields(node):
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                if not _is_text(item):
                    yield name
                    yield from _words(item)
            elif item is not None:
                yield f"{name}={item!r}"
    yield ")"


def _is_text(node: ast.AST) -> bool:
    """Whether it is a bare string, which does nothing: the docstring of a function, a class or a field."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
