"""Where results go: inside the output folder, whatever a video is called, and never two in one place."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvsl_core.annotate.results.names import (
    MAX_NAME_BYTES,
    ResultNames,
    heatmap_name,
    result_folder,
    result_path,
    safe_name,
)
from tvsl_core.batch.inputs import find_videos

ODD = [
    "..",
    ".",
    "",
    " ",
    "a/../../b",
    "/etc/passwd",
    "a\\..\\b",
    "C:\\x",
    "a\0b",
    "\x1b]0;x\x07",
    "CON",
    "~",
    "x" * 300,
]


@given(st.lists(st.sampled_from(ODD) | st.text(max_size=300), min_size=1, max_size=4).map("/".join))
def test_no_name_leads_out_of_its_room(video):
    path = result_path(Path("out"), "sources", video, ".parquet")

    assert path.parts[:2] == ("out", "sources")
    assert not {"..", "."} & set(path.parts)
    assert all(len(part.encode()) <= 255 for part in path.parts)  # and no reader of tables stumbles over a byte
    assert len(path.parts) == 2 + len(video.split("/"))


@pytest.mark.parametrize("klass", ["../../x", "a/b", "\x1b[2J", "k" * 400])
def test_no_class_name_leads_out_of_its_folder(klass):
    assert "/" not in heatmap_name(0, klass)
    assert len(heatmap_name(0, klass).encode()) < 255


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("clip.mp4", "CLIP.mp4"),
        ("a:b.mp4", "a_b.mp4"),
        ("a\x01.mp4", "a\x02.mp4"),
        ("caf\u00e9.mp4", "cafe\u0301.mp4"),
        ("stra\u00dfe.mp4", "STRASSE.mp4"),
        ("a/b?.mp4", "A/b*.mp4"),
        ("clip.mp4", "clip.mp4.parquet/b.mp4"),
        ("clip.mp4.jpg/b.mp4", "clip.mp4"),
        ("a.mp4", "a.mp4/0-dog.mp4"),
        ("a.mp4", "a.mp4.jpg"),
        ("a b.mp4", "a_b.mp4"),
        ("a.mp4", "a-mp4"),
        ("a.mp4", "a-mp4/b.mp4"),
    ],
)
def test_two_names_whose_results_would_meet_are_told_apart(one, other):
    places = ResultNames()

    assert places.take(one)
    assert not places.take(other)
    assert places.take("elsewhere/" + other)


@given(st.lists(st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), max_size=4), max_size=12))
def test_every_name_that_is_taken_has_a_file_of_its_own_even_where_case_is_ignored(videos):
    places = ResultNames()
    taken = [video for video in videos if places.take(video)]

    assert len({safe_name(video).casefold() for video in taken}) == len(taken)
    assert all(len(safe_name(video).encode()) <= MAX_NAME_BYTES for video in taken)


def test_hostile_names_in_one_folder_all_get_results_of_their_own(tmp_path):
    odd = ["a:b.mp4", "a_b.mp4", "A_B.mp4", "a\x01b.mp4", "a\nb.mp4", "e\u0301.mp4", "\u00e9.mp4", "a\udcff.mp4"]
    odd += ["c" * 250 + "1.mp4", "c" * 250 + "2.mp4", "a_b.mp4.parquet/c.mp4", "a_b.mp4/c.mp4", "\u202e4pm.mp4"]
    for number, name in enumerate(odd):
        folder = tmp_path / "in" / str(number)  # a folder of its own: the file systems of tests differ
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    found = find_videos([str(tmp_path / "in" / str(number)) for number in range(len(odd))])
    tables = [str(result_path(Path("out"), "sources", item.name, ".parquet")) for item in found.items]

    assert len({table.casefold() for table in tables}) == len(odd)
    for table in tables:
        file = tmp_path / table
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")


@pytest.mark.parametrize(
    ("video", "folder"),
    [
        ("cow.mp4", "cow-mp4"),
        ("a b/c d.tar.mkv", "a_b/c_d.tar-mkv"),
        ("plain", "plain"),
        (".mp4", ".mp4"),
        ("a.b/plain", "a.b/plain"),
    ],
)
def test_a_folder_of_results_does_not_look_like_a_video_and_has_no_blanks(video, folder):
    assert result_folder(Path("out"), "heatmaps", video) == Path("out/heatmaps") / folder


@given(st.text(max_size=20))
def test_no_name_of_a_result_needs_quotes_for_its_blanks(text):
    assert not any(letter.isspace() for letter in safe_name(text) + heatmap_name(3, text))


def test_a_name_takes_no_longer_to_take_when_many_are_taken():
    """Linear: a union of all that is taken, made anew for each name, took a hundred times as long here."""

    def seconds(count):
        places, began = ResultNames(), time.process_time()
        assert all(places.take(f"room/{number}.mp4") for number in range(count))
        return time.process_time() - began

    assert seconds(8_000) < 20 * seconds(1_000)
