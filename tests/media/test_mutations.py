"""Thousands of damaged files in processes of their own: no crash, no hang, no growth, no error but ours."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.mutate import RECIPES, make_sources, mutant

PROGRAM = Path(__file__).resolve().parents[1] / "mutate.py"
MUTANTS = 2400
LIMIT_S = 20.0
"""For one mutant of some kilobytes; the slowest that was ever met took 4 s, in FFmpeg's reading of an index."""
GROWTH_MIB = 60
PEAK_MIB = 700


@dataclass
class Harvest:
    """What became of a range of seeds."""

    outcomes: Counter = field(default_factory=Counter)
    trouble: list[str] = field(default_factory=list)
    resident_mib: list[int] = field(default_factory=list)


def harvest(command: Callable[[int, int], list[str]], first: int, count: int, limit_s: float = LIMIT_S) -> Harvest:
    """Run seeds in worker processes; one that dies or hangs is named by its seed, and the next worker goes on."""
    result, end = Harvest(), first + count
    while first < end:
        with subprocess.Popen(command(first, end - first), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as worker:
            at = first
            for line in worker.stdout:
                words = line.decode().split(" ", 4)
                if words[0] == "begin":
                    at = int(words[1])
                    watchdog = threading.Timer(limit_s, worker.kill)
                    watchdog.start()
                else:
                    watchdog.cancel()
                    result.resident_mib.append(int(words[2]))
                    result.outcomes[words[4].split()[0]] += 1
                    if words[4].startswith("raised"):
                        result.trouble.append(f"seed {at} {words[4]}")
            complaint = worker.stderr.read().decode()[-300:]
        watchdog.cancel()
        if worker.returncode == 0:
            break
        result.trouble.append(f"seed {at} ended the process with {worker.returncode}: {complaint}")
        first = at + 1
    return result


def test_a_crash_a_hang_and_an_error_are_blamed_on_their_seed():
    program = (
        "import os, sys, time\n"
        "for seed in range(int(sys.argv[1]), int(sys.argv[1]) + int(sys.argv[2])):\n"
        "    print('begin', seed, flush=True)\n"
        "    if seed == 2: os.abort()\n"
        "    if seed == 4: time.sleep(60)\n"
        "    print('end', seed, 1, 0.1, 'raised x' if seed == 5 else 'read', flush=True)\n"
    )
    found = harvest(lambda first, count: [sys.executable, "-c", program, str(first), str(count)], 0, 8, limit_s=1)

    assert [trouble.split(":")[0].strip() for trouble in found.trouble] == [
        "seed 2 ended the process with -6",
        "seed 4 ended the process with -9",
        "seed 5 raised x",
    ]
    assert found.outcomes == {"read": 5, "raised": 1}


def test_a_seed_always_gives_the_same_file_and_every_container_has_its_turn(tmp_path):
    make_sources(tmp_path)
    files = [mutant(tmp_path, seed) for seed in range(64)]

    assert files == [mutant(tmp_path, seed) for seed in range(64)]
    assert {ending for ending, _ in files} == set(RECIPES)
    assert len({content for _, content in files}) > 60


@pytest.mark.slow
def test_thousands_of_damaged_files_do_no_harm(tmp_path):
    make_sources(tmp_path)
    found = harvest(
        lambda first, count: [sys.executable, str(PROGRAM), str(tmp_path), str(first), str(count)], 0, MUTANTS
    )
    warm = found.resident_mib[200]

    assert found.trouble == []
    assert sum(found.outcomes.values()) == MUTANTS
    assert min(found.outcomes["read"], found.outcomes["refused"]) > MUTANTS / 5, "the damage is too weak or too strong"
    assert found.resident_mib[-1] - warm < GROWTH_MIB
    assert max(found.resident_mib) < PEAK_MIB
