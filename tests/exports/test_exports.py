"""Exports, each read back with its target's own reader where there is one."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from fractions import Fraction
from xml.etree import ElementTree

import pandas as pd
import pysubs2
import pytest
from pympi.Elan import Eaf

from tests.exports.conftest import BOX, EVENTS, SHIFT, event, write_results
from tvsl_core.errors import InputError, MediaError
from tvsl_core.exports.elan import tiers
from tvsl_core.exports.export import FORMATS, export_results, find_format
from tvsl_core.exports.results import Selection, read_results
from tvsl_core.media.read.frame_times import coded_size, frame_times
from tvsl_core.media.read.probe import probe
from tvsl_core.types import Box

STARTS = [(one.start_s, one.end_s) for one in EVENTS]


@pytest.fixture(scope="session")
def exported(results, tmp_path_factory):
    out = tmp_path_factory.mktemp("exported")
    files = list(export_results(results.folder, formats=list(FORMATS), out=out))
    assert all(file.is_file() for file in files)
    assert list(out.rglob(".tvsl-*")) == []
    return out


def video(results, name="film.mp4"):
    (found,) = [one for one in read_results(results.folder) if one.name == name]
    return found


@pytest.mark.parametrize("form", [one for one in FORMATS.values() if one.of_video], ids=lambda form: form.name)
def test_a_format_of_single_videos_writes_a_file_each(exported, results, form):
    found = [path for path in (exported / form.name).rglob(f"*{form.ending}") if path.is_file()]

    assert len(found) == len(results.clips)


def test_csv_says_all_that_the_tables_say(exported, results):
    events = pd.read_csv(exported / "csv/events.csv", keep_default_na=True)
    instants = pd.read_csv(exported / "csv/instants.csv")

    film = events[events.video == "film.mp4"]
    assert list(zip(film.start_s, film.end_s, strict=True)) == STARTS
    assert film["class"].tolist() == ["dog", "acoustic guitar", "dog"]
    assert film.x_min.isna().tolist() == [False, True, False]
    assert film.alternatives.tolist()[0] == "fox:0.100"
    assert len(events) == len(EVENTS) * len(results.clips)
    assert instants[instants.video == "film.mp4"].time_s.tolist() == [0.5, 1.0, 1.0, 1.5, 2.5]


def test_csv_survives_names_with_commas_quotes_and_line_breaks(results, tmp_path):
    from tests.exports.conftest import write_results

    name = 'a, "b".mp4'
    write_results(tmp_path / "r", name, results.clips["film.mp4"], (event(0, 0.0, 1.0, name='dog, "big"\nloud'),))
    (path, _) = export_results(tmp_path / "r", formats=["csv"])

    (_, row) = csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
    assert (row[0], row[3]) == (name, 'dog, "big"\nloud')


@pytest.mark.parametrize(("name", "ending"), [("webvtt", ".vtt"), ("srt", ".srt")])
def test_captions_are_read_by_a_subtitle_library(exported, name, ending):
    captions = pysubs2.load(str(exported / name / f"film.mp4{ending}"))

    assert [(one.start / 1000, one.end / 1000) for one in captions] == STARTS
    assert [one.plaintext for one in captions] == ["dog", "acoustic guitar (off screen)", "dog"]


def test_a_caption_is_never_markup(results, tmp_path):
    from tests.exports.conftest import write_results

    events = (event(0, 0.0, 1.0, name="<b>dog</b>\n\n2\n--> {\\i1}cat"),)
    write_results(tmp_path / "r", "film.mp4", results.clips["film.mp4"], events)
    (path,) = export_results(tmp_path / "r", formats=["srt"])

    (caption,) = pysubs2.load(str(path))
    assert "cat" in caption.plaintext
    assert "<" not in path.read_text(encoding="utf-8").splitlines()[2]


def test_elan_gets_a_tier_a_class_and_the_video(exported, results):
    document = Eaf(str(exported / "elan/film.mp4.eaf"))

    assert set(document.get_tier_names()) == {"dog", "acoustic guitar"}
    spans = [(start / 1000, end / 1000) for start, end, *_ in sorted(document.get_annotation_data_for_tier("dog"))]
    assert spans == [STARTS[0], STARTS[2]]
    (media,) = document.get_linked_files()
    assert media["MEDIA_URL"] == results.clips["film.mp4"].as_uri()
    assert media["MIME_TYPE"] == "video/mp4"


def test_no_elan_tier_holds_two_events_at_once():
    found = tiers((event(0, 0, 2), event(1, 1, 3), event(2, 2, 4), event(3, 2.5, 5)))

    assert {name: [one.event_id for one in row] for name, row in found.items()} == {
        "dog": [0, 2],
        "dog 2": [1],
        "dog 3": [3],
    }


def test_audacity_labels_are_start_end_and_text(exported):
    lines = (exported / "audacity/film.mp4.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]

    assert [(float(start), float(end)) for start, end, _ in rows] == STARTS
    assert rows[1][2] == "acoustic guitar 0.60"


TALK = (
    event(0, 0.5, 1.5, source_id=4, name="speech"),
    event(1, 1.25, 2.0, source_id=7, name="child speech", box=None, verdict="offscreen"),
    event(2, 1.5, 1.75, source_id=2),
    event(3, 2.5, 3.125, source_id=4, name="woman speaking", score=0.75),
)


@pytest.fixture(scope="module")
def talk(results, tmp_path_factory):
    """The RTTM file of a clip in which two people speak and a dog barks."""
    out = tmp_path_factory.mktemp("talk")
    write_results(out, "a talk.mp4", results.clips["film.mp4"], TALK)
    (file,) = export_results(out, formats=["rttm"])
    return file


def test_rttm_has_a_line_for_each_event_of_speech_and_a_speaker_for_each_source(talk):
    rows = [line.split(" ") for line in talk.read_text(encoding="utf-8").splitlines()]

    assert rows == [
        ["SPEAKER", "a_talk.mp4", "1", start, length, "<NA>", "<NA>", speaker, score, "<NA>"]
        for start, length, speaker, score in (
            ("0.500", "1.000", "speaker_4", "0.900"),
            ("1.250", "0.750", "speaker_7", "0.900"),
            ("2.500", "0.625", "speaker_4", "0.750"),
        )
    ]


def test_captions_number_speakers_where_there_are_several_and_say_where_they_are(results, tmp_path):
    width = probe(results.clips["film.mp4"]).width
    left, right = (Box(x_min=x, y_min=0, x_max=x + 20, y_max=20) for x in (0, width - 20))
    duel = (
        event(0, 0, 1, source_id=3, name="speech", box=right),
        event(1, 1, 2, source_id=1, name="speech", box=left),
        event(2, 2, 3, source_id=3, name="speech", box=right, verdict="uncertain"),
        event(3, 2, 3, source_id=5, name="speech", box=None, verdict="offscreen"),
        event(4, 3, 4, source_id=2),
    )
    write_results(tmp_path / "two", "a.mp4", results.clips["film.mp4"], duel)
    write_results(tmp_path / "one", "a.mp4", results.clips["film.mp4"], duel[:1])
    (two,), (one,) = (export_results(tmp_path / name, formats=["srt"]) for name in ("two", "one"))

    assert [line.text for line in pysubs2.load(str(two))] == [
        "speech, speaker 1, right",
        "speech, speaker 2, left",
        "speech (uncertain), speaker 1, right",
        "speech (off screen), speaker 3",
        "dog",
    ]
    assert [line.text for line in pysubs2.load(str(one))] == ["speech"]


def test_what_nobody_speaks_leaves_an_empty_rttm_file(exported):
    assert (exported / "rttm/film.mp4.rttm").read_text(encoding="utf-8") == ""


RTTM = """
import json, sys
from pyannote.database.util import load_rttm
((name, turns),) = load_rttm(sys.argv[1]).items()
print(json.dumps([name, [[turn.start, turn.end, who] for turn, _, who in turns.itertracks(yield_label=True)]]))
"""


@pytest.mark.slow
def test_rttm_is_read_by_pyannote(talk, elsewhere):
    name, turns = json.loads(elsewhere(("pyannote.database==5.1.3",), RTTM, str(talk)))

    assert name == "a_talk.mp4"
    assert turns == [[0.5, 1.5, "speaker_4"], [1.25, 2.0, "speaker_7"], [2.5, 3.125, "speaker_4"]]


def test_coco_is_read_by_the_reference_reader(exported, results):
    from pycocotools.coco import COCO

    coco = COCO(str(exported / "coco/coco.json"))

    assert {one["name"] for one in coco.loadCats(coco.getCatIds())} == {"acoustic guitar", "dog"}
    images = [one for one in coco.loadImgs(coco.getImgIds()) if one["file_name"].startswith("film.mp4/")]
    assert [one["time_s"] for one in images] == [0.5, 1.0, 1.5, 2.5]
    boxes = coco.loadAnns(coco.getAnnIds(imgIds=[images[0]["id"]]))
    assert [one["bbox"] for one in boxes] == [[BOX.x_min + SHIFT, BOX.y_min, 64, 48]]
    assert Counter(len(coco.getAnnIds(imgIds=[one["id"]])) for one in images) == {1: 3, 0: 1}
    assert len({one["id"] for one in coco.loadAnns(coco.getAnnIds())}) == 3 * len(results.clips)


@pytest.mark.parametrize(
    ("name", "frames"), [("film.mp4", (14, 29, 74)), ("folder/uneven.mkv", (12, 19, 55)), ("turned.mp4", (12, 25, 62))]
)
def test_cvat_keyframes_are_the_frames_that_are_shown(exported, name, frames):
    tree = ElementTree.parse(exported / f"cvat-video/{name}.xml")

    (track,) = tree.findall("track")
    shown = [box for box in track.findall("box") if box.get("outside") == "0"]
    assert track.get("label") == "dog"
    assert [int(box.get("frame")) for box in shown] == list(frames)
    assert [box.find("attribute[@name='verdict']").text for box in shown] == ["sounding"] * 3


def test_cvat_switches_a_source_off_between_its_events(exported):
    tree = ElementTree.parse(exported / "cvat-video/film.mp4.xml")

    boxes = [(int(box.get("frame")), box.get("outside")) for box in tree.find("track").findall("box")]
    assert boxes == [(14, "0"), (29, "0"), (44, "1"), (74, "0"), (89, "1")]


def test_pixels_of_programs_that_ignore_the_pixel_aspect_ratio_are_stored_pixels(exported, results):
    box = ElementTree.parse(exported / "cvat-video/wide.mp4.xml").find("track/box")
    (first, *_) = (exported / "mot/wide.mp4.txt").read_text(encoding="utf-8").splitlines()
    coco = json.loads((exported / "coco/coco.json").read_text(encoding="utf-8"))

    left = BOX.x_min + SHIFT
    assert coded_size(results.clips["wide.mp4"]) == (128, 96)
    assert (float(box.get("xtl")), float(box.get("ytl"))) == (left / 2, BOX.y_min)
    assert first.split(",")[2:6] == [f"{value:.2f}" for value in (left / 2, BOX.y_min, 32, 48)]
    assert {one["width"] for one in coco["images"] if one["file_name"].startswith("wide")} == {256}


def test_a_turned_video_has_the_size_that_is_shown(results):
    assert coded_size(results.clips["turned.mp4"]) == (96, 128)
    assert (video(results, "turned.mp4").width, video(results, "turned.mp4").height) == (96, 128)


def test_mot_frames_count_from_one_and_are_in_order(exported):
    rows = [line.split(",") for line in (exported / "mot/film.mp4.txt").read_text(encoding="utf-8").splitlines()]

    assert [int(row[0]) for row in rows] == [15, 30, 75]
    assert {len(row) for row in rows} == {10}


def test_label_studio_counts_frames_from_one_in_percent_of_the_frame(exported):
    tasks = json.loads((exported / "label-studio/label-studio.json").read_text(encoding="utf-8"))

    (film,) = [task for task in tasks if task["data"]["name"] == "film.mp4"]
    (region,) = film["predictions"][0]["result"]
    sequence = region["value"]["sequence"]
    assert [(one["frame"], one["enabled"]) for one in sequence] == [
        (15, True),
        (30, True),
        (44, False),
        (75, True),
        (89, False),
    ]
    assert sequence[0]["x"] == pytest.approx(100 * (BOX.x_min + SHIFT) / 128)
    assert sequence[0]["height"] == pytest.approx(100 * 48 / 96)
    assert region["value"]["framesCount"] == 120


def test_an_editing_timeline_has_a_marker_an_event(exported):
    import opentimelineio as otio

    timeline = otio.adapters.read_from_file(str(exported / "otio/film.mp4.otio"))
    (clip,) = timeline.find_clips()
    rate = float(Fraction(30000, 1001))

    assert [marker.name for marker in clip.markers] == ["dog", "acoustic guitar", "dog"]
    assert [marker.marked_range.start_time.value for marker in clip.markers] == [14, 29, 74]
    assert clip.markers[0].marked_range.start_time.rate == pytest.approx(rate)
    assert clip.markers[0].metadata["tvsl"]["score"] == pytest.approx(0.9)


def test_an_edit_list_holds_the_events_as_locators(exported):
    text = (exported / "edl/film.mp4.edl").read_text(encoding="utf-8")

    assert text.count("* LOC:") == len(EVENTS)
    assert "ACOUSTIC GUITAR" in text


def test_frames_of_a_variable_rate_are_found_by_their_times(results):
    clip = results.clips["folder/uneven.mkv"]
    times = frame_times(clip)
    found = video(results, "folder/uneven.mkv")

    assert len(times) == found.frames == 90
    assert times == sorted(times)
    for number in (0, 5, 19, 20, 89):
        assert found.frame_at(times[number] + 0.001) == number


def test_without_its_file_a_video_counts_frames_by_its_rate(results, tmp_path):
    from dataclasses import replace

    gone = replace(video(results), path=tmp_path / "gone.mp4")

    assert gone.frame_at(1.0) == 29
    assert gone.frames == 120
    assert gone.stored_size == (128, 96)
    with pytest.raises(MediaError):
        frame_times(tmp_path / "gone.mp4")


def test_a_selection_leaves_out_events_and_their_instants(results, tmp_path):
    selection = Selection(classes=("dog",), min_score=0.8)
    (found, *_) = read_results(results.folder, selection)

    assert [one.event_id for one in found.events] == [0]
    assert [one.time_s for one in found.instants] == [0.5, 1.0]
    with pytest.raises(ValueError, match="min-score"):
        Selection(min_score=1.5)


def test_an_unknown_format_names_the_nearest_one():
    with pytest.raises(InputError, match="nearest is 'webvtt'"):
        find_format("webvt")
    assert find_format("VTT").name == "webvtt"


def test_results_without_events_and_no_results_are_said_to_be_so(tmp_path):
    with pytest.raises(InputError, match="holds no results"):
        list(read_results(tmp_path))
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources/a.mp4.parquet").write_bytes(b"")
    with pytest.raises(InputError, match="without events"):
        list(read_results(tmp_path))


def test_a_damaged_table_is_named(results, tmp_path):
    import shutil

    shutil.copytree(results.folder, tmp_path / "r")
    (tmp_path / "r/events/film.mp4.parquet").write_bytes(b"PAR1 nothing")

    with pytest.raises(InputError, match=r"film\.mp4\.parquet.*damaged"):
        list(read_results(tmp_path / "r"))


DATUMARO = """
import json, sys
from datumaro.components.dataset import Dataset
found = Dataset.import_from(sys.argv[1], "cvat")
names = [label.name for label in found.categories()[next(iter(found.categories()))]]
print(json.dumps([[item.id, item.attributes.get("frame"), [[names[a.label], a.bbox if hasattr(a, "bbox") else
    [a.x, a.y, a.w, a.h], a.attributes] for a in item.annotations]] for item in found], default=str))
"""


@pytest.mark.slow
def test_cvat_files_are_read_by_datumaro(exported, elsewhere, tmp_path):
    (tmp_path / "film.xml").write_bytes((exported / "cvat-video/film.mp4.xml").read_bytes())
    items = json.loads(elsewhere(("datumaro",), DATUMARO, str(tmp_path)))

    boxes = {frame: places for _, frame, places in items if places}
    assert {14, 29, 74} <= set(boxes)
    ((name, place, attributes),) = boxes[14]
    assert (name, place) == ("dog", [BOX.x_min + SHIFT, BOX.y_min, 64, 48])
    assert float(attributes["score"]) == pytest.approx(0.9)
    assert attributes["verdict"] == "sounding"
    assert 60 not in boxes, "between its events a source is nowhere"


LABEL_STUDIO = """
import json, sys
from label_studio_sdk.label_interface import LabelInterface
config = '''<View><Labels name="label" toName="video"><Label value="dog"/></Labels>
<Video name="video" value="$video"/><VideoRectangle name="box" toName="video"/></View>'''
interface = LabelInterface(config)
for task in json.load(open(sys.argv[1])):
    for prediction in task["predictions"]:
        print(interface.validate_prediction(prediction, return_errors=True))
"""


@pytest.mark.slow
def test_label_studio_tasks_pass_its_own_validation(exported, elsewhere):
    answers = elsewhere(("label-studio-sdk",), LABEL_STUDIO, str(exported / "label-studio/label-studio.json"))

    assert set(answers.split("\n")) <= {"[]", "True", ""}
