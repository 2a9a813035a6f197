"""Small files made here: damage, disagreement, and lists of one's own."""

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvsl_core.data.benchmarks.boxes import misread_share, read_boxes, to_corners
from tvsl_core.data.benchmarks.custom import load_custom
from tvsl_core.data.benchmarks.layout import check_media
from tvsl_core.data.benchmarks.masks import read_mask
from tvsl_core.data.benchmarks.sample import Benchmark, Sample, Source, class_key
from tvsl_core.data.benchmarks.select import split_by_classes, spread
from tvsl_core.data.benchmarks.vggsound import load_duet, load_single
from tvsl_core.errors import ManifestError

SHARE = st.floats(0, 1, allow_nan=False)


@given(SHARE, SHARE, SHARE, SHARE)
def test_both_forms_of_a_box_mean_the_same(left, top, right, bottom):
    corners = to_corners((left, top, right, bottom), "xyxy")
    sized = to_corners((left, top, right - left, bottom - top), "xywh")

    assert corners is None or sized is None or corners == pytest.approx(sized)
    assert corners is None or (corners[0] < corners[2] and corners[1] < corners[3])


def test_a_damaged_coordinate_drops_the_box_and_keeps_the_others():
    boxes, dropped = read_boxes([(0.38, 0.86, 0.70, -2.9e16), (0.1, 0.1, 0.2, 0.2), (0, 0, float("nan"), 1)], "xyxy")

    assert boxes == ((0.1, 0.1, 0.2, 0.2),)
    assert dropped == 2
    assert misread_share([], "xyxy") == 0


def test_class_names_meet_whatever_their_spelling():
    assert class_key("female speech, woman speaking") == class_key("Female_Speech_woman-speaking")


def vggss(folder, entries, pairs=()):
    (folder / "vggss.json").write_text(json.dumps(entries))
    (folder / "vggsound_duet_test.csv").write_text("\n".join(pairs))
    return folder


CLIP = {"file": "aaaaaaaaaaa_000001", "class": "dog barking", "bbox": [[0.1, 0.1, 0.5, 0.5]]}
OTHER = {"file": "bbbbbbbbbbb_000002", "class": "cat purring", "bbox": [[0.2, 0.2, 0.4, 0.9]]}


def test_a_pair_is_called_by_its_left_clip(tmp_path):
    found = load_duet(vggss(tmp_path, [CLIP, OTHER], ["aaaaaaaaaaa_000001,dog_barking,bbbbbbbbbbb_000002,cat_purring"]))

    assert found.samples[0].id == "aaaaaaaaaaa_000001"
    assert [source.tile for source in found.samples[0].sources] == [0, 1]


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("aaaaaaaaaaa_000001,cow,bbbbbbbbbbb_000002,cat purring", "calls .* 'cow'"),
        ("aaaaaaaaaaa_000001,dog barking,ccccccccccc_000003,cat", "does not hold"),
        ("aaaaaaaaaaa_000001,dog barking", "expected 4 columns"),
    ],
)
def test_lists_that_disagree_are_refused(tmp_path, pair, message):
    with pytest.raises(ManifestError, match=message):
        load_duet(vggss(tmp_path, [CLIP, OTHER], [pair]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ("{}", "must hold a JSON list"),
        ('[{"file": "x"}]', "entries need file, class and bbox"),
        (json.dumps([CLIP, CLIP]), "twice"),
    ],
)
def test_damaged_annotation_files_are_named(tmp_path, content, message):
    (tmp_path / "vggss.json").write_text(content)
    with pytest.raises(ManifestError, match=message):
        load_single(tmp_path)


def test_a_list_of_ones_own_may_be_in_pixels(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(
        "id,class,x,y,width,height,frame_width,frame_height\nv1,dog,10,20,50,40,100,200\nv1,dog,0,0,10,10,100,200\n"
    )
    found = load_custom(path)

    first, second = found.samples[0].sources[0].boxes
    assert first == pytest.approx((0.1, 0.1, 0.6, 0.3))
    assert second == pytest.approx((0.0, 0.0, 0.1, 0.05))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,class\nv,dog\n", "must have a header"),
        ("id,class,x_min,y_min,x_max,y_max\nv,dog,0,0,one,1\n", "line 2"),
        ("id,class,x_min,y_min,x_max,y_max\nv,dog,10,10,90,90\n", "frame_width"),
        ("id,class,x_min,y_min,x_max,y_max\n", "lists no box"),
    ],
)
def test_a_faulty_list_says_where(tmp_path, text, message):
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(ManifestError, match=message):
        load_custom(tmp_path / "mine.csv")


def test_coco_boxes_are_corner_and_size_in_pixels(tmp_path):
    content = {
        "images": [{"id": 1, "file_name": "a/clip7.jpg", "width": 200, "height": 100}],
        "categories": [{"id": 3, "name": "dog"}],
        "annotations": [{"image_id": 1, "category_id": 3, "bbox": [20, 10, 100, 50]}],
    }
    (tmp_path / "mine.json").write_text(json.dumps(content))
    (sample,) = load_custom(tmp_path / "mine.json").samples

    assert sample.id == "clip7"
    assert sample.sources[0].boxes == ((0.1, 0.1, 0.6, 0.6),)


class Malice:
    def __reduce__(self):
        return (print, ("run",))


@pytest.mark.parametrize("protocol", range(6))
def test_pickled_arrays_are_read_in_every_protocol(tmp_path, protocol):
    mask = np.zeros((4, 6), dtype=np.float64)
    mask[1:3, 2:5] = 1
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(mask, protocol=protocol))

    assert (read_mask(tmp_path / "m.pkl") == mask).all()


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Malice()),
        pickle.dumps({"mask": [1]}),
        pickle.dumps(np.array([Malice()], dtype=object)),
        b"cos\nsystem\n(S'true'\ntR.",
        b"",
        b"\x80\x04garbage",
    ],
)
def test_pickles_that_are_not_arrays_are_refused_unrun(tmp_path, content, capsys):
    (tmp_path / "m.pkl").write_bytes(content)
    with pytest.raises(ManifestError, match="mask"):
        read_mask(tmp_path / "m.pkl")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("mask", [np.zeros((3, 3)), np.full((3, 3), np.nan), np.full((3, 3), -1.0), np.ones(5)])
def test_masks_that_say_nothing_are_refused(tmp_path, mask):
    np.save(tmp_path / "m.npy", mask)
    with pytest.raises(ManifestError, match="mask"):
        read_mask(tmp_path / "m.npy")


def small(*names, **more):
    samples = tuple(
        Sample(id=f"s{i}", video=f"v{i}", clips=(f"s{i}",), sources=(Source(name=name, boxes=((0, 0, 0.5, 0.5),)),))
        for i, name in enumerate(names)
    )
    return Benchmark(name="small", samples=samples, classes=tuple(sorted(set(names))), **more)


def test_both_media_layouts_count_and_gaps_are_listed(tmp_path):
    for name in ("audio/s0.wav", "frames/s0.jpg", "videos/s1.mp4", "audio/s2.wav", "frames/s3.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = check_media(small("dog", "cat", "owl", "cow", "hen"), tmp_path)

    assert found.usable_samples == 2
    assert {media.clip: media.lack for media in found.missing} == {
        "s2": "frame",
        "s3": "sound",
        "s4": "frame and sound",
    }


def test_an_id_may_occur_once():
    sample = small("dog").samples[0]
    with pytest.raises(ManifestError, match="more than once"):
        Benchmark(name="twice", samples=(sample, sample), classes=("dog",))


def test_a_subset_is_spread_over_the_whole_list():
    samples = small(*["dog"] * 10).samples

    assert [sample.id for sample in spread(samples, 3)] == ["s0", "s3", "s6"]
    assert spread(samples, 99) == samples


def test_heard_and_unheard_classes_share_no_sample():
    found = small("dog", "cat", "owl")
    heard = split_by_classes(found, {"dog", "cat"}, unheard=False)
    unheard = split_by_classes(found, {"dog", "cat"}, unheard=True)

    assert [len(heard.samples), len(unheard.samples)] == [2, 1]
    with pytest.raises(ManifestError, match="no sample"):
        split_by_classes(found, set(), unheard=False)
