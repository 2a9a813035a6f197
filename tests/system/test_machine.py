import gc

import pytest

from tvsl_core.system.machine import collecting_seldom


def test_circles_are_looked_for_as_before_behind_the_block():
    usual = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), collecting_seldom():
        assert gc.get_threshold()[0] > usual[0]
        _ = 1 / 0
    assert gc.get_threshold() == usual
