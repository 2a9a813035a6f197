"""Benchmarks in the form in which their authors publish them, as tiny files of that form."""

import json

import numpy as np
import pytest

from tests.builders import write_picture, write_sound
from tvsl_core.data.benchmarks.catalog import ENTRIES
from tvsl_core.data.benchmarks.clips import folder_loader
from tvsl_core.data.predictions.prediction import Prediction
from tvsl_core.errors import ManifestError
from tvsl_core.evaluation.protocols import PROTOCOLS
from tvsl_core.evaluation.run import evaluate, evaluate_floors
from tvsl_core.evaluation.scene import draw_scene


def load(name, folder):
    return ENTRIES[name].load(folder)


def annotation(*boxes):
    parts = "".join(
        "<person><bbox><id>1</id>" + "".join(f"<v>{value}</v>" for value in box) + "</bbox></person>" for box in boxes
    )
    return f"<annotation>{parts}</annotation>"


@pytest.fixture
def flickr(tmp_path):
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "flickr_test.csv").write_text("100,0\n200,0\n300,0\n")
    (tmp_path / "Annotations/100.xml").write_text(annotation((0, 0, 128, 256), (0, 0, 64, 256), (0, 0, 64, 256)))
    (tmp_path / "Annotations/200.xml").write_text(annotation((64, 64, 192, 192)))
    (tmp_path / "Annotations/300.xml").write_text(annotation())
    (tmp_path / "flickr_test_plus_silent.csv").write_text("100,100,sounding\n100,200,non-sounding\n")
    return tmp_path


def test_flickr_pixels_weigh_as_much_as_annotators_agree(flickr):
    benchmark = load("flickr-soundnet", flickr)
    scene = draw_scene(benchmark.samples[0])

    assert [sample.id for sample in benchmark.samples] == ["100", "200"]
    assert [one.id for one in benchmark.refused] == ["300"]
    assert scene.weights is not None
    assert (scene.weights[0, :, :56] == 1).all()  # three of three, capped at two
    assert (scene.weights[0, :, 56:112] == 0.5).all()  # one of the two that are needed
    assert not scene.weights[0, :, 112:].any()


def test_flickr_ciou_is_the_consensus_of_the_field_and_any_name_may_answer(flickr):
    benchmark = load("flickr-soundnet", flickr)
    left_half = np.zeros((1, 224, 224), dtype=np.float32)
    left_half[:, :, :140] = 1
    said = Prediction(classes=("whatever",), maps=left_half, scores=(0.5,), detected=(True,))
    found = evaluate(benchmark, lambda _sample: said, PROTOCOLS["strict"], draws=5)
    weights = np.zeros((224, 224))
    weights[:, :112], weights[:, :56] = 0.5, 1
    chosen = left_half[0] > 0

    expected = (weights * chosen).sum() / (weights.sum() + (chosen & (weights == 0)).sum())
    assert [row.ciou for row in found.rows if row.sample == "100"] == pytest.approx([expected, expected])
    whole = next(row for row in found.floor_rows["whole-frame"] if row.sample == "100")
    assert whole.ciou == pytest.approx(weights.sum() / (weights.sum() + 224 * 112))


def test_silent_pairs_take_their_frame_here_and_their_sound_there(flickr):
    benchmark = load("flickr-extended", flickr)
    silent = benchmark.samples[-1]
    for number, clip in enumerate(("100", "200")):
        write_picture(flickr / "frames" / f"{clip}.jpg", np.full((40, 40, 3), 60 + 100 * number, np.uint8))
        write_sound(flickr / "audio" / f"{clip}.wav", hertz=400 * (number + 1), seconds=5)
    clip = folder_loader(flickr)(silent, 8000)

    assert (silent.sources, silent.clips, silent.sounds) == ((), ("100",), ("200",))
    assert clip is not None
    assert clip.frame.mean() == pytest.approx(60, abs=4)
    assert np.abs(np.fft.rfft(clip.waveform)).argmax() / 5 == pytest.approx(800, abs=5)


def test_extended_lists_measure_whether_a_system_knows_silence(flickr):
    benchmark = load("flickr-extended", flickr)

    def knows(sample):
        maps = np.zeros((1, 224, 224), dtype=np.float32)
        if sample.sources:
            maps[0] = draw_scene(sample).references[0]
        return Prediction(classes=("a",), maps=maps, scores=(0.9 if sample.sources else 0.1,), detected=(True,))

    found = evaluate(benchmark, knows, PROTOCOLS["strict"], draws=5)

    assert found.measures["predicted"]["max-F1"] == 1
    assert found.measures["predicted"]["LocAcc"] == 1
    assert found.measures["whole-frame"]["max-F1"] < 1
    assert set(evaluate_floors(benchmark, PROTOCOLS["strict"], draws=5).measures) >= {"centred-gaussian", "whole-frame"}


def test_an_annotation_with_a_document_type_is_refused(flickr):
    (flickr / "Annotations/100.xml").write_text('<!DOCTYPE x [<!ENTITY a "b">]><annotation>&a;</annotation>')
    with pytest.raises(ManifestError, match="document type"):
        load("flickr-soundnet", flickr)


def test_vggsounder_says_what_sounds_what_is_silent_and_what_is_offscreen(tmp_path):
    (tmp_path / "vggsounder.csv").write_text(
        "video_id,label,modality,background_music,static_image,voice_over\n"
        "abcdefghijk_000001,male singing,A,True,False,False\n"
        'abcdefghijk_000001,"dog barking, bow-wow",AV,True,False,False\n'
        "abcdefghijk_000001,playing harp,V,True,False,False\n"
    )
    (sample,) = load("vggsounder", tmp_path).samples

    assert sample.names == ("male singing", "dog barking, bow-wow")
    assert sample.silent == ("playing harp",)
    assert sample.offscreen == ("male singing",)
    said = Prediction(
        classes=("male singing", "playing harp"),
        maps=np.ones((2, 2, 2), dtype=np.float32),
        scores=(0.9, 0.8),
        detected=(True, True),
    )
    found = evaluate(load("vggsounder", tmp_path), lambda _sample: said, PROTOCOLS["strict"], draws=5)
    assert found.detection["recall"] == 0.5
    assert found.detection["silent reported"] == 1
    (tmp_path / "vggsounder.csv").write_text("video_id,label,modality\nabcdefghijk_000001,harp,X\n")
    with pytest.raises(ManifestError, match="none of A, V and AV"):
        load("vggsounder", tmp_path)


@pytest.mark.parametrize(
    ("name", "file"), [("is3", "IS3_annotation.json"), ("vpo-ss", "vpo_ss_bbox.json"), ("vpo-ms", "vpo_ms_bbox.json")]
)
def test_interactive_images_count_only_when_each_of_their_sounds_is_found(tmp_path, name, file):
    entries = [
        {"image": f"x/{clip}.jpg", "audio": f"y/{clip}.wav", "gt_box": box}
        for clip, box in [
            ("accordion_baby_1_accordion", [0, 0, 112, 224]),
            ("accordion_baby_1_baby", [112, 0, 224, 224]),
            ("cat_dog_2_cat", [0, 0, 112, 112]),
            ("cat_dog_2_dog", [112, 112, 224, 224]),
        ]
    ]
    (tmp_path / file).write_text(json.dumps(entries))
    benchmark = load(name, tmp_path)

    def left_only(sample):  # finds three of the four
        reference = draw_scene(sample).references[0].astype(np.float32)
        if sample.id.endswith("dog"):
            reference = reference[::-1, ::-1]
        return Prediction(classes=sample.names, maps=reference[None].copy(), scores=(0.5,), detected=(True,))

    found = evaluate(benchmark, left_only, PROTOCOLS["strict"], draws=5)
    assert benchmark.classes == ("accordion", "baby", "cat", "dog")
    assert found.find("cIoU@0.5", "predicted").value == 0.75
    assert found.measures["predicted"]["IIoU@0.5"] == 0.5
    assert found.measures["whole-frame"]["IIoU@0.5"] == 0.5  # half the frame each


def test_the_adaptive_threshold_marks_as_many_pixels_as_the_source_has(tmp_path):
    entries = [{"image": "a_1_a.jpg", "audio": "a_1_a.wav", "gt_box": [10, 20, 90, 100]}]
    (tmp_path / "IS3_annotation.json").write_text(json.dumps(entries))
    benchmark = load("is3", tmp_path)
    values = np.random.default_rng(0).random((224, 224)).astype(np.float32)
    values[30:110, 20:100] += 1
    said = Prediction(classes=("a",), maps=values[None], scores=(0.5,), detected=(True,))
    found = evaluate(benchmark, lambda _sample: said, PROTOCOLS["alignment"], draws=5)
    truth = np.zeros((224, 224), dtype=bool)
    truth[20:100, 10:90] = True
    limit = sorted(values.ravel().tolist())[values.size - 6400]
    chosen = values > limit

    assert found.rows[0].ciou == pytest.approx((chosen & truth).sum() / (chosen | truth).sum(), abs=1e-9)
    floor = next(row for row in found.floor_rows["centred-gaussian"])
    assert 0 < floor.ciou < 1


@pytest.fixture
def avsbench(tmp_path):
    (tmp_path / "s4_meta_data.csv").write_text(
        "name,youtube,category,split\nclip,x,male_speech,test\nold,y,cat,train\n"
    )
    (tmp_path / "ms3_meta_data.csv").write_text("video_id,start,end,split\nclip,0,5,test\n")
    for second in range(1, 6):
        mask = np.zeros((224, 224), dtype=np.uint8)
        mask[:, : 40 * (second - 1)] = 80  # the first one is empty
        pixels = np.repeat(mask[:, :, None], 3, axis=2)
        write_picture(tmp_path / f"gt_masks/test/male_speech/clip/clip_{second}.png", pixels)
        write_picture(tmp_path / f"gt_masks/test/clip/clip_{second}.png", pixels)
    return tmp_path


@pytest.mark.parametrize("name", ["avsbench-s4", "avsbench-ms3"])
def test_masks_of_five_seconds_are_met_as_the_field_counts_it(avsbench, name):
    benchmark = load(name, avsbench)
    values = np.tile(np.linspace(1, 0, 224, dtype=np.float32), (224, 1))
    said = Prediction(classes=("male speech",), maps=values[None], scores=(0.5,), detected=(True,))
    found = evaluate(benchmark, lambda _sample: said, PROTOCOLS["strict"], draws=5)
    ious, curves = [], []
    for second in range(1, 6):
        truth = np.zeros((224, 224), dtype=bool)
        truth[:, : 40 * (second - 1)] = True
        chosen = values >= 0.5
        union = (truth | chosen).sum() if truth.any() else truth.size
        ious.append(((truth & chosen).sum() if truth.any() else (~truth & ~chosen).sum()) / union)
        if truth.any():
            curve = []
            for level in np.linspace(0, 1 - 1e-10, 255):
                at_least = values >= level
                precision = (truth & at_least).sum() / max(at_least.sum(), 1)
                recall = (truth & at_least).sum() / truth.sum()
                below = 0.3 * precision + recall
                curve.append(1.3 * precision * recall / below if below else 0)
            curves.append(curve)

    assert len(benchmark.samples) == 5
    assert benchmark.samples[0].sources == ()
    assert found.measures["predicted"]["mIoU"] == pytest.approx(np.mean(ious))
    assert found.measures["predicted"]["F-score"] == pytest.approx(np.mean(curves, axis=0).max(), abs=1e-6)
    assert found.measures["whole-frame"]["mIoU"] == pytest.approx(np.mean([0, 40, 80, 120, 160]) / 224)


def test_every_public_form_is_described_and_lists_its_files():
    for name in ("flickr-soundnet", "flickr-extended", "vggss-extended", "vggsounder", "is3", "vpo-ss", "avsbench-s4"):
        assert ENTRIES[name].files
        assert "http" in ENTRIES[name].annotations_from
