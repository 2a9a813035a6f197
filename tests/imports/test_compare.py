"""What people changed, told apart: confirmed, changed, renamed, removed, added."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.imports.test_imports import edit_cvat, exported
from tvsl_core.exports.results import read_results
from tvsl_core.imports.compare import compare
from tvsl_core.imports.run import import_labels, read_labels

CLIPS = ["film.mp4", "folder/uneven.mkv", "turned.mp4", "wide.mp4"]


def opinions(folder, name="film.mp4"):
    (video,) = [one for one in read_results(folder) if one.name == name]
    said = compare(video, read_labels(folder)[name])
    return list(said.opinions.values()), [event.name for event in said.added]


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("form", ["cvat-video", "csv"])
def test_what_nobody_touched_is_confirmed(folder, name, form):
    import_labels(exported(folder, form, name), folder)

    offscreen = "not asked" if form == "cvat-video" else "confirmed"
    assert opinions(folder, name) == (["confirmed", offscreen, "confirmed"], [])


def test_a_box_that_was_moved_a_new_name_and_a_new_track_are_told_apart(folder):
    def change(root):
        track = root.find("track")
        track.findall("box")[1].set("xtl", "60")
        new = ElementTree.fromstring(ElementTree.tostring(track))
        new.set("label", "bell")
        for box in new.findall("box")[1:]:
            new.remove(box)
        new.find("box").set("frame", "110")
        root.append(new)

    import_labels(edit_cvat(exported(folder, "cvat-video", "film.mp4"), change), folder)
    assert opinions(folder) == (["changed", "not asked", "confirmed"], ["bell"])

    def rename(root):
        root.find("track").set("label", "wolf")

    import_labels(edit_cvat(exported(folder, "cvat-video", "film.mp4"), rename), folder)
    assert opinions(folder) == (["renamed", "not asked", "renamed"], [])


def test_what_is_missing_in_a_table_was_removed(folder):
    file = exported(folder, "csv", "film.mp4")
    lines = file.read_text(encoding="utf-8").splitlines()
    # The CSV lists each video's three events in turn: the first one goes, the second one ends later.
    kept = [line for line in lines[1:] if line.startswith("film.mp4")][1:]
    kept[0] = kept[0].replace(",2.000,", ",2.500,")
    file.write_text("\n".join([lines[0], *kept]), encoding="utf-8")

    import_labels(file, folder)

    assert opinions(folder) == (["removed", "changed", "confirmed"], [])
