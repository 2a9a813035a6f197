"""The real annotation files, with every trap that they hold."""

import json
import shutil

import numpy as np
import pytest

from tvsl_core.data.benchmarks.boxes import draw_boxes
from tvsl_core.data.benchmarks.catalog import ENTRIES, annotations_folder, find_entry, media_folder
from tvsl_core.data.benchmarks.sample import SAME_CLASS, class_key
from tvsl_core.errors import InputError, ManifestError


def test_vggss_drops_boxes_without_area_and_refuses_clips_without_boxes(benchmarks):
    found = ENTRIES["vggsound-single"].load(benchmarks)

    assert (len(found.samples), len(found.classes), found.dropped_boxes) == (5156, 221, 18)
    assert {entry.id for entry in found.refused} == {"M1P1xla8rg0_000000", "MKC9LvRivTM_000030"}
    corners = np.array([box for sample in found.samples for source in sample.sources for box in source.boxes])
    assert len(corners) == 5941 - 18
    assert corners.min() >= 0
    assert corners.max() <= 1


def test_overlapping_boxes_are_a_union_and_not_a_sum(benchmarks):
    found = ENTRIES["vggsound-single"].load(benchmarks)
    overlapping = 0
    for sample in found.samples:
        boxes = sample.sources[0].boxes
        parts = sum(int(draw_boxes([box], height=224, width=224).sum()) for box in boxes)
        whole = int(draw_boxes(boxes, height=224, width=224).sum())
        assert 0 < whole <= parts
        overlapping += whole < parts

    assert 130 <= overlapping <= 150  # 144 by exact geometry


def test_a_duet_is_two_tiles_and_22_pairs_share_a_class(benchmarks):
    found = ENTRIES["vggsound-duet"].load(benchmarks)

    assert len(found.samples) == 5158
    assert sum(SAME_CLASS in sample.tags for sample in found.samples) == 22
    assert all(len(sample.clips) == 2 for sample in found.samples)
    assert found.sources == 2 * 5158 - len(found.refused) == 10313


def test_music_boxes_are_corner_and_size(benchmarks):
    found = ENTRIES["music-solo"].load(benchmarks)
    first = next(sample for sample in found.samples if sample.id == "-_-TDDxoaAc_000_00000").sources[0].boxes[0]

    assert (len(found.samples), found.videos, len({s.sources[0].name for s in found.samples})) == (2124, 20, 7)
    assert first == pytest.approx((0.328125, 0.1222222, 0.5625, 0.9722222), abs=1e-6)
    assert all(source.boxes for sample in found.samples for source in sample.sources)


def test_the_larger_music_list_agrees_with_the_videos_own_labels(benchmarks):
    found = ENTRIES["music-duet"].load(benchmarks)
    labels = json.loads((benchmarks / "MUSIC_duet_videos.json").read_text())["videos"]
    by_video = {video: {class_key(name) for name in names.split()} for names, ids in labels.items() for video in ids}

    assert (len(found.samples), found.videos) == (10284, 16)
    for sample in found.samples:
        assert {class_key(source.name) for source in sample.sources} <= by_video[sample.video]
        assert {class_key(name) for name in sample.names} == by_video[sample.video]


def test_the_shorter_music_list_is_one_pair_of_instruments(benchmarks):
    found = ENTRIES["music-duet-short"].load(benchmarks)
    pairs = [tuple(source.name for source in sample.sources) for sample in found.samples]

    assert (len(pairs), found.videos, pairs.count(("cello", "acoustic guitar"))) == (1020, 6, 1012)


def test_audioset_boxes_of_one_class_are_one_source(benchmarks):
    found = ENTRIES["audioset-instruments"].load(benchmarks)

    assert (len(found.samples), len(found.refused), len(found.classes)) == (4473, 30, 13)
    assert max(len(source.boxes) for sample in found.samples for source in sample.sources) == 16


def test_868_training_clips_are_test_clips(benchmarks):
    from tvsl_core.data.benchmarks.select import trained_on

    single = ENTRIES["vggsound-single"].load(benchmarks)
    shared = trained_on(single, benchmarks / "vgginstruments_train.txt")

    assert 860 <= len(shared) <= 868  # two test clips are refused


def test_music_boxes_read_as_corners_are_refused_with_the_reason(benchmarks, tmp_path):
    from tvsl_core.data.benchmarks.custom import load_custom

    rows = json.loads((benchmarks / "music_solo.json").read_text())[:200]
    lines = [",".join([row["file"], row["class"], *(str(value) for value in row["bbox"])]) for row in rows]
    path = tmp_path / "mine.csv"
    path.write_text("id,class,x_min,y_min,x_max,y_max\n" + "\n".join(lines))

    with pytest.raises(ManifestError, match="make no sense as xyxy") as raised:
        load_custom(path)
    assert "--box-form xywh" in str(raised.value)
    assert len(load_custom(path, form="xywh").samples) == 200  # the advice works


def test_masks_are_asked_for_by_name(benchmarks):
    with pytest.raises(ManifestError, match=r"none of the 446 masks .*vgginstruments_masks"):
        ENTRIES["vggsound-instruments"].load(benchmarks)


def test_masks_make_a_benchmark(benchmarks, tmp_path):
    shutil.copy(benchmarks / "vgginstruments_multi_test.csv", tmp_path)
    (tmp_path / "vgginstruments_masks").mkdir()
    for clip in ("sample0000", "sample0190"):
        np.save(tmp_path / "vgginstruments_masks" / f"{clip}.npy", np.eye(8, dtype=np.uint8))
    found = ENTRIES["vggsound-instruments-multi"].load(tmp_path)

    assert [source.name for source in found.samples[0].sources] == ["accordion", "steel guitar"]
    assert len(found.refused) > 800


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_no_data_says_what_to_fetch_where_to_put_it_and_how_to_check(name, tmp_path):
    entry = ENTRIES[name]
    for locate in (annotations_folder, media_folder):
        for root in (None, tmp_path):
            with pytest.raises(ManifestError) as raised:
                locate(entry, None, root)
            for expected in (entry.files[0], entry.annotations_from, f"tvsl datasets check {name}"):
                assert expected in str(raised.value)


def test_a_misspelled_benchmark_names_the_nearest():
    with pytest.raises(InputError, match="music-duet"):
        find_entry("musik-duet")
    assert find_entry("vggss").name == "vggsound-single"
