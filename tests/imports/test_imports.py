"""Corrections that come back: export, edit as a person would in the target program, import."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.exports.conftest import BOX, EVENTS, SHIFT, event, write_results
from tvsl_core.errors import InputError, ManifestError
from tvsl_core.exports.export import export_results
from tvsl_core.exports.results import read_results
from tvsl_core.imports.run import import_labels, read_labels
from tvsl_core.media.read.frame_times import frame_times
from tvsl_core.types import Box

CLIPS = ["film.mp4", "folder/uneven.mkv", "turned.mp4", "wide.mp4"]
"""29.97 a second, variable rate, turned, wide pixels."""


def exported(folder: Path, form: str, name: str) -> Path:
    files = list(export_results(folder, formats=[form]))
    return next(file for file in files if name in file.as_posix()) if form == "cvat-video" else files[0]


def spans(folder: Path, name: str) -> list[tuple[str, int, int]]:
    """Events of labels by frames: name, first frame, and the first frame without it."""
    labels = read_labels(folder)[name]
    return [(one.name, labels.frame_at(one.start_s), labels.frame_at(one.end_s)) for one in labels.events]


def frame_spans(folder: Path, name: str) -> list[tuple[str, int, int]]:
    """What the model said of what is in view, by frames."""
    (video,) = [one for one in read_results(folder) if one.name == name]
    return [(one.name, video.frame_at(one.start_s), video.frame_at(one.end_s)) for one in video.events if one.box]


def edit_cvat(file: Path, change) -> Path:
    tree = ElementTree.parse(file)
    change(tree.getroot())
    tree.write(file, encoding="utf-8", xml_declaration=True)
    return file


def edit_label_studio(file: Path, name: str, change) -> Path:
    """What Label Studio gives back when a person corrected the predictions of one task and submitted it."""
    tasks = json.loads(file.read_text(encoding="utf-8"))
    (task,) = [one for one in tasks if one["data"]["name"] == name]
    result = task["predictions"][0]["result"]
    change(result)
    task["annotations"] = [{"result": result, "was_cancelled": False, "updated_at": "2025-01-01T00:00:00Z"}]
    file.write_text(json.dumps(tasks), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", CLIPS)
def test_cvat_gives_back_what_it_was_given_frame_by_frame(folder, name):
    (written,) = import_labels(exported(folder, "cvat-video", name), folder)

    assert written.video == name
    assert spans(folder, name) == frame_spans(folder, name)
    first = read_labels(folder)[name].instants[0]
    moved = BOX.x_min + SHIFT
    assert first.box == Box(x_min=moved, y_min=BOX.y_min, x_max=moved + 64, y_max=BOX.y_max)


@pytest.mark.parametrize("name", CLIPS)
def test_label_studio_gives_back_what_it_was_given_frame_by_frame(folder, name):
    import_labels(edit_label_studio(exported(folder, "label-studio", name), name, lambda result: None), folder)

    assert spans(folder, name) == frame_spans(folder, name)
    boxes = {one.frame: one.box for one in read_labels(folder)[name].instants}
    (video,) = [one for one in read_results(folder) if one.name == name]
    assert {one.frame: inside(one.box, video.width) for one in video.instants if one.box}.items() <= boxes.items()


def inside(box: Box, width: int) -> Box:
    """The part of a box that lies in a picture of some width."""
    return Box(x_min=box.x_min, y_min=box.y_min, x_max=min(box.x_max, width), y_max=box.y_max)


@pytest.mark.parametrize("name", CLIPS)
def test_a_csv_gives_back_its_times_and_boxes(folder, name):
    import_labels(exported(folder, "csv", name), folder)

    labels = read_labels(folder)[name]
    assert [(one.name, one.start_s, one.end_s, one.verdict) for one in labels.events] == [
        (one.name, one.start_s, one.end_s, one.verdict) for one in EVENTS
    ]
    assert labels.events[0].box == BOX
    assert labels.events[1].box is None


@pytest.mark.parametrize("name", CLIPS)
def test_an_edit_in_cvat_is_the_edit_that_comes_back(folder, name):
    """A person moves the first onset to frame 10, ends that event at frame 33, renames the thing, moves its box."""

    def change(root):
        track = root.find("track")
        track.set("label", "wolf")
        first, second, outside = track.findall("box")[:3]
        first.set("frame", "10")
        outside.set("frame", "33")
        second.set("ytl", "20.00")

    import_labels(edit_cvat(exported(folder, "cvat-video", name), change), folder)

    labels, times = read_labels(folder)[name], frame_times(read_labels(folder)[name].path)
    assert spans(folder, name)[0] == ("wolf", 10, 33)
    assert (labels.events[0].start_s, labels.events[0].end_s) == (times[10], times[33])
    assert labels.instants[1].box.y_min == 20
    assert labels.events[0].score == 1.0


@pytest.mark.parametrize("name", CLIPS)
def test_an_edit_in_label_studio_is_the_edit_that_comes_back(folder, name):
    """Its frames count from 1, and a point that is not enabled is the last one shown."""

    def change(result):
        points = result[0]["value"]["sequence"]
        points[0]["frame"] = 11
        points[2]["frame"] = 33
        points[2]["enabled"] = False
        result[0]["value"]["labels"] = ["wolf"]
        points[0] |= {"x": 50.0, "width": 25.0}

    import_labels(edit_label_studio(exported(folder, "label-studio", name), name, change), folder)

    labels = read_labels(folder)[name]
    assert spans(folder, name)[0] == ("wolf", 10, 33)
    assert (labels.instants[0].box.x_min, labels.instants[0].box.x_max) == (labels.width // 2, 3 * labels.width // 4)


def test_a_track_without_an_end_lasts_until_the_video_ends(folder):
    def change(root):
        track = root.find("track")
        for box in track.findall("box")[2:]:
            track.remove(box)

    import_labels(edit_cvat(exported(folder, "cvat-video", "film.mp4"), change), folder)

    (only,) = read_labels(folder)["film.mp4"].events
    assert only.end_s == pytest.approx(4.0, abs=0.05)


def test_frames_that_cvat_interpolated_are_not_taken_for_what_a_person_set(folder):
    def change(root):
        first = root.find("track/box")
        between = ElementTree.fromstring(ElementTree.tostring(first))
        between.set("frame", "20")
        between.set("keyframe", "0")
        root.find("track").insert(1, between)

    import_labels(edit_cvat(exported(folder, "cvat-video", "film.mp4"), change), folder)

    assert [one.frame for one in read_labels(folder)["film.mp4"].instants] == [14, 29, 74]


def test_an_event_begins_in_cvat_at_its_onset_also_where_its_first_box_comes_later(results, tmp_path):
    write_results(tmp_path, "film.mp4", results.clips["film.mp4"], (event(0, 0.7, 1.6),))

    import_labels(exported(tmp_path, "cvat-video", "film.mp4"), tmp_path)

    assert spans(tmp_path, "film.mp4") == [("dog", 20, 47)]


def test_the_archive_that_cvat_gives_is_read_as_it_is(folder, tmp_path):
    xml = exported(folder, "cvat-video", "film.mp4")
    with zipfile.ZipFile(tmp_path / "task.zip", "w") as archive:
        archive.write(xml, "annotations.xml")

    (written,) = import_labels(tmp_path / "task.zip", folder)

    assert (written.video, written.events) == ("film.mp4", 2)


def test_a_task_that_was_renamed_is_known_by_its_file_or_named_by_the_user(folder):
    def change(root):
        root.find("meta/task/name").text = "my first task"

    file = edit_cvat(exported(folder, "cvat-video", "film.mp4"), change)
    assert import_labels(file, folder)[0].video == "film.mp4"

    def forget(root):
        root.find("meta/task/source").text = "other.mp4"

    other = edit_cvat(file, forget).rename(file.with_name("other.xml"))
    with pytest.raises(ManifestError, match=r"my first task.*--video"):
        import_labels(other, folder)
    assert import_labels(other, folder, video="film.mp4")[0].video == "film.mp4"
    with pytest.raises(ManifestError, match=r"no video 'fil.mp4'; the nearest is 'film.mp4'"):
        import_labels(other, folder, video="fil.mp4")


def test_the_name_of_an_upload_in_label_studio_leads_to_the_video(folder):
    file = edit_label_studio(exported(folder, "label-studio", "film.mp4"), "film.mp4", lambda result: None)
    tasks = json.loads(file.read_text(encoding="utf-8"))
    for task in tasks:
        if "annotations" in task:
            task["data"] = {"video": "/data/upload/3/0a1b2c3d-film.mp4"}
    file.write_text(json.dumps(tasks), encoding="utf-8")

    assert [one.video for one in import_labels(file, folder)] == ["film.mp4"]


def test_a_table_from_a_spreadsheet_with_decimal_commas_is_read(folder, tmp_path):
    (tmp_path / "edited.csv").write_text(
        "\ufeffvideo;class;start_s;end_s\nfilm.mp4;dog;0,25;1,5\n", encoding="utf-8", newline=""
    )

    import_labels(tmp_path / "edited.csv", folder)

    (only,) = read_labels(folder)["film.mp4"].events
    assert (only.start_s, only.end_s, only.verdict) == (0.25, 1.5, "offscreen")


def test_what_the_model_said_stays_and_the_latest_import_of_a_video_counts(folder):
    before = {file: file.read_bytes() for room in ("events", "sources") for file in (folder / room).rglob("*.parquet")}

    (first,) = import_labels(exported(folder, "cvat-video", "film.mp4"), folder)
    again = import_labels(exported(folder, "csv", "film.mp4"), folder)

    assert {file: file.read_bytes() for file in before} == before
    assert not first.replaced
    assert {one.video: one.replaced for one in again}["film.mp4"]
    assert len(read_labels(folder)) == 5
    assert len(read_labels(folder)["film.mp4"].events) == 3


def test_a_video_in_which_people_left_nothing_is_labelled_all_the_same(folder):
    def change(root):
        for track in root.findall("track"):
            root.remove(track)

    (written,) = import_labels(edit_cvat(exported(folder, "cvat-video", "film.mp4"), change), folder)

    assert written.events == 0
    assert read_labels(folder)["film.mp4"].events == ()


def test_labels_say_from_which_program_and_file_they_come(folder):
    from tvsl_core.annotate.results.table import read_metadata

    (written,) = import_labels(exported(folder, "cvat-video", "film.mp4"), folder)

    facts = read_metadata(written.table)
    assert facts["labelled_in"] == "CVAT"
    assert facts["labelled_file"] == "film.mp4.xml"
    assert facts["labelled_at"].startswith("20")


def cvat(inside: str, size: str = "<original_size><width>128</width><height>96</height></original_size>") -> str:
    return f"<annotations><meta><task><name>film.mp4</name>{size}</task></meta>{inside}</annotations>"


def box(frame: int) -> str:
    return f'<box frame="{frame}" outside="0" keyframe="1" xtl="1" ytl="1" xbr="9" ybr="9"/>'


TASK = {"data": {"name": "film.mp4"}}
BAD = [
    ("a.xml", "<annotations><meta>", "damaged XML"),
    ("a.xml", "<svg/>", "not of CVAT"),
    ("a.xml", "<!DOCTYPE x []><annotations/>", "document type"),
    ("a.xml", cvat("<image id='0'/>"), "single images"),
    ("a.xml", cvat("<track label='dog'><polygon points='1,2'/></track>"), "only boxes"),
    ("a.xml", cvat("<track label='dog'><box frame='x'/></track>"), "without its frame"),
    ("a.xml", cvat(f"<track label=''>{box(3)}</track>"), "class name"),
    ("a.xml", cvat(f"<track label='dog'>{box(500)}</track>"), r"frame 500.*120 frames"),
    ("a.xml", cvat("", "<original_size><width>64</width><height>48</height></original_size>"), r"64 x 48.*128 x 96"),
    ("a.json", "[{", "damaged JSON"),
    ("a.json", '{"images": [], "annotations": []}', "not of Label Studio"),
    ("a.json", json.dumps([TASK]), "nobody has submitted"),
    ("a.json", json.dumps([TASK | {"annotations": [{"result": [{"type": "videorectangle"}]}]}]), "damaged task"),
    ("a.csv", "id,name\n1,2\n", "must have a header"),
    ("a.csv", "", "must have a header"),
    ("a.csv", "video,class,start_s,end_s\n", "lists no event"),
    ("a.csv", "video,class,start_s,end_s\nfilm.mp4,dog,2,1\n", "line 2.*ends after it starts"),
    ("a.csv", "video,class,start_s,end_s\nfilm.mp4,dog,one,2\n", "line 2.*start_s is no number"),
    ("a.csv", "video,class,start_s,end_s\nfilm.mp4,dog,9,10\n", "ends at 4"),
    ("a.csv", "video,class,start_s,end_s\nfilm.mp4,,0,1\n", "line 2.*class name"),
    ("a.csv", "video,class,start_s,end_s\ncat.mp4,dog,0,1\n", "'cat.mp4', which is no video"),
    ("a.csv", "video,class,start_s,end_s,verdict\nfilm.mp4,dog,0,1,loud\n", "'loud'"),
    ("a.csv", b"\xff\xfe\x00\x01", "neither text nor"),
    ("a.zip", None, "no annotations.xml"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD, ids=[f"{one[0]}-{one[2][:20]}" for one in BAD])
def test_a_damaged_or_foreign_file_is_one_clear_sentence_and_changes_nothing(folder, tmp_path, name, content, message):
    file = tmp_path / name
    if content is None:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("other.txt", "")
    else:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(InputError, match=message) as caught:
        import_labels(file, folder)

    assert "\n" not in str(caught.value)
    assert not (folder / "labels").exists()


def test_the_lists_name_each_labelled_instant_once_with_frame_and_sound(folder):
    import_labels(exported(folder, "csv", "film.mp4"), folder)

    labels = folder / "labels"
    rows = list(csv.DictReader((labels / "benchmark.csv").open(encoding="utf-8")))
    film = [row for row in rows if row["video"] == "film.mp4"]
    assert [(row["id"], row["class"], row["x_min"]) for row in film] == [
        ("film.mp4@000000500", "dog", "16"),
        ("film.mp4@000001000", "dog", ""),
        ("film.mp4@000001000", "acoustic guitar", ""),
        ("film.mp4@000002500", "dog", "16"),
    ]
    assert all((labels / "frames" / f"{row['id']}.jpg").is_file() for row in film)
    trained = list(csv.DictReader((labels / "training.csv").open(encoding="utf-8")))
    assert [row["path"] for row in trained if row["group"] == "film.mp4"] == [film[0]["id"], film[3]["id"]]


def test_between_key_frames_a_tracked_source_is_where_the_program_shows_it(folder):
    from tvsl_core.imports.lists import box_at

    import_labels(exported(folder, "cvat-video", "film.mp4"), folder)
    labels = read_labels(folder)["film.mp4"]
    first = labels.events[0]
    times = frame_times(labels.path)

    half = box_at(labels, first, (times[14] + times[29]) / 2, between=True)
    assert half.x_min == BOX.x_min + 1.5 * SHIFT
    assert box_at(labels, first, times[40], between=True).x_min == BOX.x_min + 2 * SHIFT
    assert box_at(labels, first, times[20], between=False) is None


def test_labels_are_a_benchmark_and_a_training_set_by_the_name_of_the_results(folder):
    from tvsl_core.api.evaluate_data import clip_source, load_benchmark
    from tvsl_core.api.evaluate_request import EvaluateRequest
    from tvsl_core.data.training_sets.sets import load_training_set

    request = EvaluateRequest(benchmark="custom", annotations=folder)
    with pytest.raises(ManifestError, match="import-labels"):
        load_benchmark(request)
    import_labels(exported(folder, "csv", "film.mp4"), folder)

    found = load_benchmark(request)
    sample = found.samples[0]
    clip = clip_source(request).open()(sample, 16_000)
    assert {one.id for one in found.samples if one.video == "film.mp4"} == {"film.mp4@000000500", "film.mp4@000002500"}
    assert sample.sources[0].boxes == ((16 / 128, 8 / 96, 80 / 128, 56 / 96),)
    assert clip.frame.shape == (96, 128, 3)
    assert np.abs(clip.waveform).max() > 0.01
    training = load_training_set(str(folder))
    assert training.classes == ("dog",)
    assert len(training.clips) == 2 * len(found.samples) // 2
    assert training.missing == ()


def test_a_benchmark_of_labels_is_scored_by_the_command(folder, capsys):
    from tvsl_cli.__main__ import main

    import_labels(exported(folder, "csv", "film.mp4"), folder)

    arguments = ["evaluate", "--benchmark", "custom", "--annotations", str(folder), "--floors"]
    assert main(arguments) == 0
    assert "whole-frame" in capsys.readouterr().out.lower()


def test_the_command_names_the_tables_and_says_how_much_came_back(folder, capsys):
    from tvsl_cli.__main__ import main

    file = exported(folder, "cvat-video", "film.mp4")
    assert main(["import-labels", str(file), "--results", str(folder)]) == 0
    told = capsys.readouterr()
    assert told.out == f"{folder / 'labels/events/film.mp4.parquet'}\n"
    assert "2 events of 1 video." in told.err
    assert main(["import-labels", str(folder / "none.xml"), "--results", str(folder)]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_a_box_that_was_dragged_out_of_the_picture_says_that_the_source_is_gone(folder):
    def change(root):
        second = root.findall("track/box")[1]
        second.set("xtl", "200")
        second.set("xbr", "260")

    import_labels(edit_cvat(exported(folder, "cvat-video", "film.mp4"), change), folder)

    assert spans(folder, "film.mp4")[0] == ("dog", 14, 29)


def test_an_annotation_that_was_skipped_says_nothing_and_the_newest_one_counts(folder):
    file = edit_label_studio(exported(folder, "label-studio", "film.mp4"), "film.mp4", lambda result: None)
    tasks = json.loads(file.read_text(encoding="utf-8"))
    (task,) = [one for one in tasks if "annotations" in one]
    (given,) = task["annotations"]
    task["annotations"] = [
        given | {"updated_at": "2025-03-01", "was_cancelled": True, "result": []},
        given | {"updated_at": "2025-02-01"},
        given | {"updated_at": "2025-01-01", "result": []},
    ]
    file.write_text(json.dumps(tasks), encoding="utf-8")

    assert import_labels(file, folder)[0].events == 2


def test_a_file_that_holds_a_video_twice_is_refused(folder):
    file = edit_label_studio(exported(folder, "label-studio", "film.mp4"), "film.mp4", lambda result: None)
    tasks = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(tasks + tasks), encoding="utf-8")

    with pytest.raises(ManifestError, match="more than once"):
        import_labels(file, folder)


def test_the_name_of_its_file_is_enough_for_a_video_in_a_folder_unless_two_are_called_so(folder, results):
    def change(root):
        root.find("meta/task/name").text = "my first task"

    file = edit_cvat(exported(folder, "cvat-video", "uneven.mkv"), change)
    assert import_labels(file, folder)[0].video == "folder/uneven.mkv"

    write_results(folder, "other/uneven.mkv", results.clips["folder/uneven.mkv"], EVENTS)
    with pytest.raises(ManifestError, match=r"2 videos of the results are called so.*--video 'folder/uneven\.mkv'"):
        import_labels(file, folder)
