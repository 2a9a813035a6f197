"""Did you mean."""

import pytest

from tvsl_core.system.suggest import closest, did_you_mean

NAMES = ("violin", "viola", "drum kit")


@pytest.mark.parametrize("slip", ["violine", "vilin", "Violin", "voilin"])
def test_a_slip_of_the_hand_finds_what_was_meant(slip):
    assert closest(slip, NAMES) == "violin"
    assert did_you_mean(slip, NAMES) == "Did you mean 'violin'?"


def test_what_is_like_nothing_gets_the_list_in_its_order():
    assert closest("xyz", NAMES) is None
    assert did_you_mean("xyz", NAMES) == "Known: violin, viola, drum kit."
    assert did_you_mean("xyz", NAMES, more=", or a file") == "Known: violin, viola, drum kit, or a file."


def test_a_list_too_long_to_show_always_has_a_nearest_name():
    assert closest("drums", NAMES, least=0.9) is None
    assert closest("kettle", NAMES, least=0.0) in NAMES
