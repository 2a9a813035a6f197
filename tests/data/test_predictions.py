"""What other systems leave behind, and what is wrong with it."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from tvsl_core.data.benchmarks.sample import Sample, Source
from tvsl_core.data.predictions.prediction import NOTHING, Prediction, boxes_as_prediction
from tvsl_core.data.predictions.read import open_predictions, read_maps, save_maps
from tvsl_core.errors import ManifestError


def sample(name="left", clips=("left", "right")):
    return Sample(id=name, video=name, clips=clips, sources=(Source(name="dog", boxes=((0, 0, 1, 1),)),))


def test_maps_come_back_as_they_were_saved(tmp_path):
    maps = np.random.default_rng(0).random((2, 3, 4)).astype(np.float32)
    stored = Prediction(classes=("dog", "cat"), maps=maps, scores=(0.5, 0.25), detected=(True, False))
    save_maps(tmp_path / "deep" / "left.npz", stored)
    found = open_predictions(tmp_path / "deep", [sample()]).read(sample())

    assert found is not None
    assert (found.maps == maps).all()
    assert (found.classes, found.scores, found.detected) == (stored.classes, stored.scores, stored.detected)


def test_a_pair_may_be_called_by_both_ids(tmp_path):
    np.savez(tmp_path / "left+right.npz", maps=np.ones((1, 2, 2)), classes=["dog"])

    assert open_predictions(tmp_path, [sample()]).ids == {"left"}


def test_a_sample_may_be_predicted_once(tmp_path):
    for name in ("left", "left+right"):
        np.savez(tmp_path / f"{name}.npz", maps=np.ones((1, 2, 2)), classes=["dog"])
    with pytest.raises(ManifestError, match="twice"):
        open_predictions(tmp_path, [sample()])


def test_a_file_with_no_sources_reports_nothing(tmp_path):
    save_maps(tmp_path / "left.npz", NOTHING)

    assert read_maps(tmp_path / "left.npz").classes == ()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"maps": np.full((1, 2, 2), np.nan), "classes": ["dog"], "scores": [1.0]}, "maps hold NaN"),
        ({"maps": np.ones((2, 2)), "classes": ["dog"]}, "source row column"),
        ({"maps": np.ones((2, 2, 2)), "classes": ["dog"]}, "do not belong together"),
        ({"maps": np.ones((1, 2, 2))}, "lacks classes"),
        ({"maps": np.ones((1, 2, 2)), "classes": np.array(["dog"], dtype=object)}, "refused"),
        ({"maps": np.array([[["a"]]]), "classes": ["dog"]}, "numbers"),
        ({"maps": np.ones((1, 1, 5000)), "classes": ["dog"]}, "at most"),
        ({"maps": np.ones((1, 2, 2)), "classes": ["dog"], "scores": [np.inf]}, "scores"),
    ],
)
def test_faulty_maps_are_refused_by_name(tmp_path, arrays, message):
    np.savez(tmp_path / "left.npz", **arrays)
    with pytest.raises(ManifestError, match=message) as raised:
        read_maps(tmp_path / "left.npz")
    assert "left.npz" in str(raised.value)


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "left.npz").write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(ManifestError, match=r"left\.npz"):
        read_maps(tmp_path / "left.npz")


def table(rows):
    names = ["video", "window_start_s", "window_end_s", "time_s", "class", "score"]
    names += ["x_min", "y_min", "x_max", "y_max", "frame_width", "frame_height"]
    return pa.table({name: [row[index] for row in rows] for index, name in enumerate(names)})


def test_our_own_tables_are_read_at_their_middle_instant(tmp_path):
    (tmp_path / "sources").mkdir()
    rows = [
        ("left.mp4", 0.0, 5.0, 2.5, "dog", 0.75, 0, 0, 50, 100, 100, 100),
        ("left.mp4", 0.0, 5.0, 2.5, "cat", 0.5, None, None, None, None, 100, 100),
        ("left.mp4", 0.0, 4.0, 0.5, "owl", 0.9, 0, 0, 10, 10, 100, 100),
    ]
    pyarrow.parquet.write_table(table(rows), tmp_path / "sources" / "left.parquet")
    one = sample(clips=("left",))
    found = open_predictions(tmp_path, [one]).read(one)

    assert found is not None
    assert found.classes == ("dog", "cat")
    assert found.regions
    assert (found.maps[0] > 0).mean() == pytest.approx(0.5)
    assert not found.maps[1].any()  # heard, not placed


def test_coco_boxes_become_maps(tmp_path):
    content = {
        "images": [{"id": 1, "file_name": "left.jpg", "width": 100, "height": 100},
                   {"id": 2, "file_name": "empty.jpg", "width": 100, "height": 100}],
        "categories": [{"id": 3, "name": "dog"}],
        "annotations": [{"image_id": 1, "category_id": 3, "bbox": [0, 0, 25, 100], "score": 0.5}],
    }  # fmt: skip
    (tmp_path / "boxes.json").write_text(json.dumps(content))
    one, empty = sample(clips=("left",)), sample("empty", ("empty",))
    found = open_predictions(tmp_path / "boxes.json", [one, empty])

    prediction = found.read(one)
    assert prediction is not None
    assert (prediction.maps[0] > 0).mean() == pytest.approx(0.25)
    assert found.read(empty) is not None  # listed without boxes: nothing sounds
    assert found.read(sample("other", ("other",))) is None


def test_overlapping_boxes_of_one_class_keep_the_surer_score():
    found = boxes_as_prediction([("dog", (0, 0, 1, 1), 0.25), ("dog", (0, 0, 0.5, 1), 0.75)], side=4)

    assert found.maps[0, 0].tolist() == [0.75, 0.75, 0.25, 0.25]
    assert found.scores == (0.75,)


def test_a_folder_without_predictions_says_what_is_expected(tmp_path):
    with pytest.raises(ManifestError, match=r"<id>\.npz"):
        open_predictions(tmp_path, [])
    with pytest.raises(ManifestError, match="do not exist"):
        open_predictions(tmp_path / "nowhere", [])
