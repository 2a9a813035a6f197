"""How far a loop is, for those who call the library."""

from tvsl_core.system.progress import reporting


def test_a_function_is_told_as_it_is():
    told = []
    with reporting(lambda *args: told.append(args)) as advance:
        advance("one", 1, 2)

    assert told == [("one", 1, 2)]


def test_nothing_is_shown_unless_asked(capsys):
    with reporting(False) as advance:
        advance("one", 1, 2)

    assert capsys.readouterr() == ("", "")


def test_each_thing_gets_a_bar_of_its_own(capsys):
    with reporting(True) as advance:
        for done in (1, 2):
            advance("pictures", done, 2)
        for done in (1, 2, 3):
            advance("sounds", done, 4)
    shown = capsys.readouterr().err

    assert "pictures: 100%" in shown and "2/2" in shown
    assert "sounds:  75%" in shown and "3/4" in shown
    assert shown.count("\n") == 2
