import threading
import time
from contextlib import closing

import pytest

from tvsl_core.annotate.prefetch import Prefetch


def test_items_come_in_order():
    assert list(Prefetch(range(100), depth=3)) == list(range(100))


def test_an_error_arrives_after_the_items_before_it():
    def source():
        yield from (1, 2)
        raise OSError("broken")

    got = []
    with pytest.raises(OSError, match="broken"):
        got.extend(Prefetch(source(), depth=4))
    ahead = Prefetch(source(), depth=4)

    assert [next(ahead), next(ahead)] == [1, 2]


def test_it_begins_before_anybody_asks():
    begun = threading.Event()

    def source():
        begun.set()
        yield 0

    with closing(Prefetch(source(), depth=1)):
        assert begun.wait(timeout=20)


def test_any_number_waits_where_depth_is_none():
    made = threading.Event()

    def source():
        yield from range(500)
        made.set()

    with closing(Prefetch(source(), depth=0)) as ahead:
        assert made.wait(timeout=20)
        assert list(ahead) == list(range(500))


def test_no_more_than_depth_items_wait():
    made = []

    def source():
        for i in range(50):
            made.append(i)
            yield i

    ahead = Prefetch(source(), depth=3)
    next(ahead)
    time.sleep(0.3)

    assert len(made) <= 1 + 3 + 1
    ahead.close()


def test_closing_stops_the_thread_and_closes_the_source():
    closed = threading.Event()

    def source():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    ahead = Prefetch(source(), depth=2)
    next(ahead)
    ahead.close()

    assert closed.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "prefetch"]
