from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvsl_cli.shared import config_file as config
from tvsl_core.errors import ManifestError

KEYS = {"fps": config.number, "max-sources": config.whole, "classes": config.names, "save-maps": config.flag}
KEYS |= {"overlay": config.one_of("sources", "none"), "start": config.seconds, "out": config.path}


def read(folder: Path, text: str) -> dict:
    file = folder / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return config.read_config(file, section="annotate", keys=KEYS, sections=("annotate", "train"))


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(ManifestError) as caught:
        read(folder, text)
    return str(caught.value)


def test_only_what_the_file_sets_is_returned(tmp_path):
    settings = read(tmp_path, '[annotate]\nfps = 4\nclasses = ["dog", "violin"]\nstart = "0:30"\nout = "there"')

    assert settings == {"fps": 4.0, "classes": ("dog", "violin"), "start": 30.0, "out": Path("there")}


def test_underscores_and_dashes_name_the_same_key(tmp_path):
    assert read(tmp_path, "[annotate]\nmax_sources = 3") == {"max-sources": 3}
    assert "twice" in complaint(tmp_path, "[annotate]\nmax_sources = 3\nmax-sources = 4")


def test_sections_of_other_commands_are_left_alone(tmp_path):
    assert read(tmp_path, "[train]\nanything = 1") == {}


def test_an_unknown_key_names_the_nearest_known_one(tmp_path):
    assert "no key 'max-source'. Did you mean 'max-sources'?" in complaint(tmp_path, "[annotate]\nmax-source = 3")


def test_an_unknown_section_names_the_nearest_known_one(tmp_path):
    assert "section [anotate]. Did you mean 'annotate'?" in complaint(tmp_path, "[anotate]\nfps = 3")


def test_a_key_outside_its_section_is_sent_there(tmp_path):
    assert "Put the settings under [annotate]" in complaint(tmp_path, "fps = 3")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('fps = "two"', "fps must be a number, got 'two' (text)"),
        ("fps = true", "fps must be a number"),
        ("max-sources = 2.5", "max-sources must be a whole number"),
        ("max-sources = true", "max-sources must be a whole number"),
        ("save-maps = 1", "save-maps must be true or false"),
        ('overlay = "all"', "overlay must be one of sources, none"),
        ("classes = 3", "classes must be names"),
        ("classes = []", "classes must name at least one"),
        ('start = "1:75"', "start must be seconds or [hh:]mm:ss[.f]"),
        ("out = 1", "out must be text in quotes"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_with_what_it_must_be(tmp_path, line, wanted):
    assert wanted in complaint(tmp_path, f"[annotate]\n{line}")


def test_an_unusable_file_says_so(tmp_path):
    assert "is not TOML" in complaint(tmp_path, "fps 3")
    (tmp_path / "raw.toml").write_bytes(b"\xff\xfe\x00")
    for missing in ("raw.toml", "none.toml", "."):
        with pytest.raises(ManifestError, match=r"is not TOML|cannot be read"):
            config.read_config(tmp_path / missing, section="annotate", keys=KEYS, sections=("annotate",))


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_a_clock_is_hours_minutes_and_seconds(hours, minutes, whole, thousandths):
    moment = config.seconds(f"{hours}:{minutes:02}:{whole:02}.{thousandths:03}")

    assert moment == pytest.approx(hours * 3600 + minutes * 60 + whole + thousandths / 1000, abs=1e-9)


@given(st.floats(0, 1e6).map(lambda value: round(value, 3)))
def test_seconds_mean_themselves_as_number_and_as_text(value):
    assert config.seconds(value) == value
    assert config.seconds(f"{value:.3f}") == value


@pytest.mark.parametrize(
    "bad", ["", "-1", "1:60", "1:60:00", "1:2:3:4", "a", "1e3", "nan", "inf", ":30", -1, None, True]
)
def test_what_is_no_moment_is_refused(bad):
    with pytest.raises(ValueError, match=r"\[hh:\]mm:ss"):
        config.seconds(bad)


def test_minutes_may_pass_an_hour_when_no_hours_are_given():
    assert config.seconds("90:00") == 5400


def test_names_keep_their_order_once_each():
    assert config.names(" dog,violin , dog") == ("dog", "violin")
    for empty in ("", " ", "dog,,violin", ","):
        with pytest.raises(ValueError, match="at least one"):
            config.names(empty)
