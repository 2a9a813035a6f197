"""Do the tests of a stage notice when its code changes? One small change at a time, and the stage's own tests.

Run as a program: ``python tests/mutate_stages.py`` tries every stage, with ``annotate/boxes.py`` behind it one. The
changes are made in a temporary copy of the package, never in the checkout; each mutant is read from there by a process
of its own. What the tests let pass is listed: either a test is missing, or the change is none, and then
``tests/equivalent_mutants.toml`` says why.

The damage that ``mutate.py`` does is another one: it damages media files, not code.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import resource
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STAGES = {
    "annotate/boxes.py": ["annotate/test_boxes.py"],
    "annotate/embed.py": ["annotate/test_embed.py"],
    "annotate/localize.py": ["annotate/test_localize.py"],
    "annotate/results/timeline.py": ["annotate/test_timeline.py"],
    "annotate/track.py": ["annotate/test_track.py"],
    "batch/merge.py": ["batch/test_merge.py"],
    "batch/record_log.py": ["batch/test_record_log.py"],
    "batch/shard.py": ["batch/test_shard.py"],
    "evaluation/metrics/localization.py": ["evaluation/test_localization.py"],
    "evaluation/metrics/maps.py": ["evaluation/test_localization.py"],
    "evaluation/metrics/matching.py": ["evaluation/test_matching.py"],
    "evaluation/metrics/success.py": ["evaluation/test_success.py"],
    "system/files.py": ["system/test_files.py"],
}
"""Each stage, below ``tvsl_core``, and its own tests, below ``tests``."""
FLOOR = 0.8
"""Least share of the mutants that count which a stage's own tests must notice."""
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_EXTREMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "argmin": "argmax",
             "argmax": "argmin", "amin": "amax", "amax": "amin", "floor": "ceil", "ceil": "floor", "any": "all",
             "all": "any"}  # fmt: skip
CPU_SECONDS = 60
"""A mutant that loops is stopped, and counts as noticed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One change to a file."""

    line: int
    before: str
    after: str
    source: str
    """The whole changed file."""

    @property
    def change(self) -> str:
        """Such as ``x < 1  ->  x <= 1``."""
        return f"{self.before}  ->  {self.after}"


def mutants(source: str) -> Iterator[Mutant]:
    """Every change to a file, in the order of its lines; strings, annotations and decorators stay as they are."""
    tree = ast.parse(source)
    for node in _inside(tree):
        for replacement in _replacements(node):
            shown = (ast.unparse(part).splitlines()[0] for part in (node, replacement))
            changed = ast.fix_missing_locations(_Swap(node, replacement).visit(copy.deepcopy(_marked(tree, node))))
            before, after = shown
            yield Mutant(line=node.lineno, before=before, after=after, source=ast.unparse(changed))


def _inside(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Statements and expressions that run, from the top."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.expr | ast.stmt):
                yield child
            if isinstance(child, ast.AST):
                yield from _inside(child)


def _marked(tree: ast.Module, node: ast.AST) -> ast.Module:
    for other in ast.walk(tree):
        other.__dict__.pop("chosen", None)
    node.__dict__["chosen"] = True
    return tree


class _Swap(ast.NodeTransformer):
    """Puts something in the place of the one marked node."""

    def __init__(self, _node: ast.AST, replacement: ast.AST) -> None:
        self._replacement = replacement

    def visit(self, node: ast.AST) -> ast.AST:
        return copy.deepcopy(self._replacement) if "chosen" in node.__dict__ else super().visit(node)


def _replacements(node: ast.expr | ast.stmt) -> Iterator[ast.AST]:  # noqa: PLR0912 a table, one kind of node a row
    match node:
        case ast.Compare(ops=[operator, *_]) if type(operator) in _COMPARISONS:
            for at, old in enumerate(node.ops):
                yield ast.Compare(
                    node.left, [*node.ops[:at], _COMPARISONS[type(old)](), *node.ops[at + 1 :]], node.comparators
                )
        case ast.BinOp(left, operator, right) if type(operator) in _OPERATORS:
            yield ast.BinOp(left, _OPERATORS[type(operator)](), right)
        case ast.AugAssign(target, operator, value):
            if type(operator) in _OPERATORS:
                yield ast.AugAssign(target, _OPERATORS[type(operator)](), value)
            yield ast.Pass()
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(ast.And() if isinstance(operator, ast.Or) else ast.Or(), values)
        case ast.UnaryOp(ast.Not() | ast.USub() | ast.Invert(), operand):
            yield operand
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            yield ast.Constant(node.value + 1 if isinstance(node.value, int) or not node.value else node.value * 1.25)
        case ast.Call(ast.Name(name), arguments, keywords) if name in _EXTREMES:
            yield ast.Call(ast.Name(_EXTREMES[name]), arguments, keywords)
        case ast.Call(ast.Attribute(owner, name), arguments, keywords) if name in _EXTREMES:
            yield ast.Call(ast.Attribute(owner, _EXTREMES[name]), arguments, keywords)
        case ast.Return(value) if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(ast.Constant(None))
        case ast.If(ast.Name() | ast.Attribute() | ast.Call() as test, body, orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Expr(value) if not isinstance(value, ast.Constant):
            yield ast.Pass()
        case ast.Raise() | ast.Continue() | ast.Break() | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()


def known_equivalents(stage: str) -> dict[str, str]:
    """Changes to a stage that change nothing, each with the reason."""
    table = tomllib.loads((ROOT / "tests/equivalent_mutants.toml").read_text(encoding="utf-8"))
    return {entry["change"]: entry["reason"] for entry in table.get(stage, [])}


def copy_tree(folder: Path) -> None:
    """The package and its tests; what is large and no code is linked."""

    def place(source: str, target: str) -> None:
        if Path(source).suffix in (".py", ".toml", ".txt", ".json"):
            shutil.copyfile(source, target)
        else:
            Path(target).symlink_to(source)

    ignore = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("tvsl_core", "tests"):
        shutil.copytree(ROOT / name, folder / name, copy_function=place, ignore=ignore)
    shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")


def passes(folder: Path, tests: list[str]) -> bool:
    """Whether the tests pass on the copy as it is now, in a process of its own."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(_run_tests(folder, tests))
        finally:
            os._exit(3)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _run_tests(folder: Path, tests: list[str]) -> int:
    import pytest

    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_DATA, (8 << 30, 8 << 30))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    os.chdir(folder)
    elsewhere = [place for place in sys.path if Path(place or ".").resolve() not in (ROOT, ROOT / "tests")]
    sys.path[:] = [str(folder), *elsewhere]
    names = [str(folder / "tests" / name) for name in tests]
    options = ["-x", "-q", "-p", "no:cacheprovider", "-o", f"timeout={CPU_SECONDS}", "--hypothesis-seed=0"]
    return int(pytest.main([*options, *names]))


def try_stage(folder: Path, stage: str, every: int = 1) -> bool:
    """Try the mutants of a stage, or each so-manieth; say what its tests let pass, and whether they notice enough."""
    target = folder / "tvsl_core" / stage
    source = target.read_text(encoding="utf-8")
    if not passes(folder, STAGES[stage]):
        say(f"{stage}: its tests fail before anything is changed")
        return False
    equivalent = known_equivalents(stage)
    killed, survived, met = 0, [], set()
    for mutant in islice(mutants(source), 0, None, every):
        if mutant.change in equivalent:
            met.add(mutant.change)
            continue
        target.write_text(mutant.source, encoding="utf-8")
        if passes(folder, STAGES[stage]):
            survived.append(mutant)
        else:
            killed += 1
    target.write_text(source, encoding="utf-8")
    total = killed + len(survived)
    say(f"{stage}: {killed} of {total} killed ({killed / total:.0%}), {len(met)} equivalent")
    for mutant in survived:
        say(f"  line {mutant.line}: {mutant.change}")
    for change in equivalent.keys() - met if every == 1 else ():
        say(f"  no such mutant any more: {change}")
    return killed >= FLOOR * total


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(stages: list[str], every: int) -> int:
    """Try these stages, or all."""
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", PYTHONDONTWRITEBYTECODE="1")
    sys.dont_write_bytecode = True  # two mutants within a second would share one cached file
    # What does not change is read once, before the processes part.
    import cv2
    import hypothesis.extra.numpy
    import pytest  # noqa: F401
    import scipy.optimize
    import torch

    assert all((cv2, hypothesis, scipy, torch))
    with tempfile.TemporaryDirectory(prefix="tvsl-mutants-") as name:
        folder = Path(name)
        copy_tree(folder)
        results = [try_stage(folder, stage, every) for stage in stages or STAGES]
    return 0 if all(results) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "stages", nargs="*", metavar="STAGE", choices=[*STAGES, []], help="below tvsl_core; all without"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th change: a sample, in a hurry")
    chosen = parser.parse_args()
    sys.exit(main(chosen.stages, chosen.every))
