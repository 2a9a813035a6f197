import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tvsl_cli.shared.terminal import sentence, visible


@given(st.text(st.characters(codec="utf-16")) | st.text())
def test_nothing_that_steers_a_terminal_is_left(text):
    left = {unicodedata.category(character) for character in visible(text).replace("\u200c", "").replace("\u200d", "")}

    assert not left & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_names_of_every_script_stay_as_they_are():
    for name in ("café – Ünïcode.mp4", "日本語 動画.mp4", "👩‍🚀 launch.mp4", "[red]not markup[/red].mp4"):  # noqa: RUF001
        assert visible(name) == name


def test_escapes_line_breaks_and_reversals_are_spelled_out():
    assert visible("a\x1b[31mb\nc\u202ed\udcff") == "a\\x1b[31mb\\nc\\u202ed\\udcff"


def test_a_path_at_the_beginning_keeps_its_letters():
    assert sentence("videos/a.mp4 is empty") == "videos/a.mp4 is empty."


def test_a_sentence_begins_with_a_capital_and_ends_once():
    assert sentence("the file is empty", "Copy it again.") == "The file is empty Copy it again."
    assert sentence("no sound") == "No sound."
    assert sentence("really?") == "Really?"
    assert sentence("") == ""
