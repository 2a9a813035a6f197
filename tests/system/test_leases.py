"""Leases between real processes: one holder at a time, whoever dies, sleeps or wakes up too late."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tvsl_core.system.leases import Lease, Leases, Owner, standing

ROOT = Path(__file__).resolve().parents[2]


def process(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def leases(tmp_path, clock):
    made = Leases(tmp_path / "leases", clock=clock)
    yield made
    made.close()


def test_a_lease_is_held_by_one_until_it_is_given_back(leases):
    other = Leases(leases.folder)
    lease = leases.take("unit")

    assert other.take("unit") is None
    assert leases.take("unit") is None
    assert lease.holds()
    leases.give_back(lease)
    assert not lease.holds()
    assert other.take("unit") is not None
    other.close()
    assert list(leases.folder.iterdir()) == []


RACE = """
    import sys, time
    from pathlib import Path
    from tvsl_core.system.leases import Leases

    leases = Leases(Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(60):
        lease = leases.take(f"unit{number}")
        if lease is not None:
            print(number, flush=True)
    sys.stdin.readline()
    leases.close()
"""


@pytest.mark.parametrize("abandoned", [False, True], ids=["free", "abandoned"])
def test_of_many_processes_that_take_one_lease_at_the_same_moment_one_gets_it(tmp_path, abandoned):
    folder = tmp_path / "leases"
    if abandoned:
        folder.mkdir()
        dead = replace(Owner.ours(), pid=2**22 - 1, began="1", token="dead")
        for number in range(60):
            (folder / f"unit{number}.1").write_text(json.dumps(asdict(dead)))
    racers = [process(RACE, folder) for _ in range(4)]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    time.sleep(1.0)
    got = Counter(line for racer in racers for line in racer.communicate("end\n")[0].split())

    assert max(got.values()) == 1
    assert len(got) >= 55  # in a race for an abandoned one both may step back, and ask again later


HOLD = """
    import sys
    from pathlib import Path
    from tvsl_core.system.leases import Leases

    leases = Leases(Path(sys.argv[1]), heartbeat_s=float(sys.argv[2]))
    print(leases.take("unit").holds(), flush=True)
    sys.stdin.readline()
"""


def test_the_lease_of_a_process_that_was_killed_is_free_at_once(leases):
    holder = process(HOLD, leases.folder, 0.1)
    assert holder.stdout.readline() == "True\n"

    assert leases.take("unit") is None
    holder.send_signal(signal.SIGKILL)
    until = time.monotonic() + 2
    while (lease := leases.take("unit")) is None and time.monotonic() < until:
        time.sleep(0.01)  # it takes a moment to die; nobody has asked for its exit code yet

    assert lease is not None
    holder.communicate()


def test_a_process_that_sleeps_too_long_loses_its_lease_and_finds_out(leases, clock):
    holder = process(
        HOLD.replace("sys.stdin.readline()", "sys.stdin.readline(); print(lease.holds())").replace(
            'print(leases.take("unit").holds(), flush=True)',
            'lease = leases.take("unit"); print(lease.holds(), flush=True)',
        ),
        leases.folder,
        0.1,
    )
    assert holder.stdout.readline() == "True\n"
    holder.send_signal(signal.SIGSTOP)
    time.sleep(0.3)

    assert leases.take("unit") is None
    clock.now = 59.0
    assert leases.take("unit") is None
    clock.now = 61.0
    assert leases.take("unit").holds()
    holder.send_signal(signal.SIGCONT)
    assert holder.communicate("\n")[0] == "False\n"
    assert [held.token for held in standing(leases.folder, "unit")] == [leases.owner.token]


def test_a_lease_from_another_machine_lives_as_long_as_it_is_touched(leases, clock):
    far = leases.folder / "unit.1"
    far.write_text(json.dumps(asdict(replace(Owner.ours(), host="elsewhere", token="far"))))

    for minute in range(5):
        clock.now = 60.0 * minute
        os.utime(far, (minute, minute))  # by that machine's clock, which is half a century slow
        assert leases.take("unit") is None
    clock.now += 61.0
    lease = leases.take("unit")
    assert lease.path.name == "unit.2"
    assert not far.exists()


def test_a_holder_touches_its_lease(tmp_path):
    leases = Leases(tmp_path, heartbeat_s=0.05)
    lease = leases.take("unit")
    os.utime(lease.path, (1, 1))
    time.sleep(0.3)

    assert lease.path.stat().st_mtime > 1000
    leases.close()


def test_a_lease_whose_writer_died_before_its_first_word_is_free_after_a_while(leases, clock):
    (leases.folder / "unit.1").touch()

    assert leases.take("unit") is None
    clock.now = 61.0
    assert leases.take("unit") is not None


def test_giving_back_what_was_lost_leaves_the_new_holder_alone(leases, clock):
    stale = Leases(leases.folder, heartbeat_s=1000)
    lost = stale.take("unit")
    leases.take("unit")
    clock.now = 61.0
    taken = leases.take("unit")

    assert not lost.holds()
    stale.close()
    assert taken.holds()
    leases.give_back(taken)
    fresh = leases.take("unit")
    assert fresh.path == lost.path
    stale.give_back(lost)
    assert fresh.holds()


def test_who_finds_a_higher_lease_or_another_one_in_the_place_of_the_abandoned_steps_back(leases):
    far = asdict(replace(Owner.ours(), host="elsewhere", token="far"))
    ours = leases.take("unit")
    (before,) = standing(leases.folder, "unit")
    assert leases._won(None, ours)

    (leases.folder / "unit.2").write_text(json.dumps(far))
    assert not leases._won(None, ours)

    above = Lease(path=leases.folder / "unit.2", token="far")
    assert leases._won(before, above)
    os.utime(ours.path, (5, 5))  # its holder was alive after all
    assert not leases._won(before, above)
    ours.path.write_text(json.dumps(far))
    assert not leases._won(before, above)
