"""Pieces of a network's work side by side: in order, not too many, and each on one thread."""

import ctypes
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tvsl_core.model.threads import AHEAD, runs_beside_itself, side_by_side
from tvsl_core.system import machine


@pytest.fixture(autouse=True)
def two_cores_by_pieces():
    """Two cores, which torch leaves to us."""
    shared_out = torch.get_num_threads()
    torch.set_num_threads(1)
    machine.take_share(2)
    yield
    machine.take_share(0)
    torch.set_num_threads(shared_out)


def test_pieces_come_in_order_whichever_is_done_first():
    def slow_first(number):
        time.sleep(0.05 * (number == 0))
        return number

    assert list(side_by_side(slow_first, range(9))) == list(range(9))


def test_two_pieces_are_at_work_at_a_time():
    meeting = threading.Barrier(2, timeout=20)

    assert list(side_by_side(lambda number: meeting.wait() >= 0, range(4))) == [True] * 4


def test_no_more_pieces_are_taken_than_keep_the_cores_busy():
    taken = []
    results = side_by_side(lambda number: number, (taken.append(n) or n for n in range(50)))
    next(results)

    assert len(taken) == 2 * AHEAD


def test_pieces_of_a_piece_stay_in_its_thread():
    def inside(number):
        mine = threading.get_ident()
        return [mine == other for other in side_by_side(lambda _: threading.get_ident(), range(3))]

    assert list(side_by_side(inside, range(4))) == [[True] * 3] * 4


def test_a_sound_is_heard_beside_pictures_only_where_torch_leaves_cores():
    towers, gpu = (SimpleNamespace(has_pieces=True, device=torch.device(name)) for name in ("cpu", "cuda"))
    whole = SimpleNamespace(device=torch.device("cpu"))

    assert [runs_beside_itself(one) for one in (towers, gpu, whole)] == [True, True, False]
    machine.take_share(1)
    assert [runs_beside_itself(one) for one in (towers, gpu, whole)] == [False, True, False]


def test_an_error_of_a_piece_comes_in_its_place():
    results = side_by_side(lambda number: 1 // number, [1, 0, 1])

    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_the_library_below_torch_keeps_to_one_thread_in_each():
    libraries = list((Path(torch.__file__).parent / "lib").glob("libgomp*"))
    if not libraries:
        pytest.skip("this torch has another library for its threads")
    machine.take_share(3)  # other threads than the tests above have used
    most_threads = ctypes.CDLL(str(libraries[0])).omp_get_max_threads

    assert set(side_by_side(lambda _: most_threads(), range(6))) == {1}
