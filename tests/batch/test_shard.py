"""Shares of the inputs for many machines: each video in exactly one, by its name alone."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvsl_core.annotate.results.job import VideoItem
from tvsl_core.batch.inputs import FoundVideos, InputProblem
from tvsl_core.batch.shard import Shard, choose_shard, parse_shard, shard_of_array


def videos(*names: str) -> FoundVideos:
    items = tuple(VideoItem(path=Path("/media") / name, name=name) for name in names)
    return FoundVideos(items=items, problems=(InputProblem(given="gone.mp4", message="gone.", hint=""),))


@given(st.lists(st.text(max_size=8), unique=True, max_size=30), st.integers(1, 9))
def test_together_the_shards_hold_every_input_exactly_once(names, count):
    found = videos(*names)
    shares = [choose_shard(found, Shard(number=number, count=count)) for number in range(1, count + 1)]

    assert Counter(item.name for share in shares for item in share.items) == Counter(names)
    assert sum(len(share.problems) for share in shares) == 1


def test_a_share_depends_on_nothing_but_the_name():
    names = [f"{number}.mp4" for number in range(50)]
    shard = Shard(number=2, count=3)
    ours = {item.name for item in choose_shard(videos(*names), shard).items}
    more = {item.name for item in choose_shard(videos(*reversed(names), "new.mp4"), shard).items}
    elsewhere = FoundVideos(items=tuple(replace(item, path=Path("/mnt/x")) for item in videos(*names).items))

    assert more - {"new.mp4"} == ours
    assert {item.name for item in choose_shard(elsewhere, shard).items} == ours


def test_shares_never_change_between_versions():
    """Machines of one job may run different versions; these numbers follow from SHA-256."""
    held = ["".join(str(n) for n in range(1, 5) if Shard(number=n, count=4).holds(f"{v}.mp4")) for v in range(8)]

    assert held == GOLDEN


GOLDEN = ["2", "2", "1", "4", "3", "2", "3", "3"]


def test_shares_are_about_equal():
    counts = [sum(Shard(number=n, count=8).holds(f"clip-{v:05}.mp4") for v in range(4000)) for n in range(1, 9)]

    assert 430 < min(counts) <= max(counts) < 570


@pytest.mark.parametrize(("text", "number", "count"), [("1/1", 1, 1), ("2/5", 2, 5), (" 5 / 5 ", 5, 5)])
def test_a_shard_is_counted_from_one(text, number, count):
    assert parse_shard(text) == Shard(number=number, count=count)
    assert parse_shard(text).label == f"{number}-of-{count}"


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "1", "a/b", "-1/4", "1/4/2", "", "1/9999999", "\u0661/\u0664"])
def test_what_names_no_shard_is_refused(text):
    with pytest.raises(ValueError, match="shard"):
        parse_shard(text)


def array(task, count, low, high):
    names = {"ID": task, "COUNT": count, "MIN": low, "MAX": high}
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in names.items()}


@pytest.mark.parametrize(
    ("environment", "number", "count"),
    [
        (array(0, 10, 0, 9), 1, 10),
        (array(9, 10, 0, 9), 10, 10),
        (array(1, 10, 1, 10), 1, 10),
        (array(20, 5, 10, 30), 3, 5),
        (array(7, 1, 7, 7), 1, 1),
        ({"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "4"}, 3, 4),
    ],
)
def test_a_job_array_gives_each_task_its_share(environment, number, count):
    assert shard_of_array(environment) == Shard(number=number, count=count)


def test_outside_an_array_there_are_no_shares():
    assert shard_of_array({}) is None
    assert shard_of_array({"SLURM_JOB_ID": "7"}) is None


@pytest.mark.parametrize("environment", [array(6, 3, 1, 8), array("x", 3, 1, 3), array(4, 3, 1, 6), array(9, 3, 1, 3)])
def test_an_array_that_is_no_even_row_asks_for_the_option(environment):
    with pytest.raises(ValueError, match=r"--shard I/N|counted from 1"):
        shard_of_array(environment)
