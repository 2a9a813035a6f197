import json

import numpy as np
import pandas as pd
import pytest

from tests.builders import make_clip
from tests.scoring import SAMPLES
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.inputs import find_videos
from tvsl_core.data.benchmarks.clips import read_instant
from tvsl_core.media.read.frames import read_frames
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.sound import SoundStream
from tvsl_core.tuning.predict import ClipPredictor, benchmark_vocabulary


@pytest.fixture(scope="module")
def moment():
    """Cow and sheep, both calling, with where they are."""
    info = probe(SAMPLES / "cow_and_sheep.mp4")
    frame = next(read_frames(info, fps=1, start_s=5.0))
    with SoundStream(info, sample_rate=16_000) as sound:
        waveform = sound.window(2.5, 7.5)
    clip = json.loads((SAMPLES / "truth.json").read_text())["clips"]["cow_and_sheep.mp4"]
    boxes = {
        thing["class"]: next(at["box"] for at in thing["boxes"] if at["time_s"] == 5.0) for thing in clip["objects"]
    }
    return frame.pixels, waveform, boxes


@pytest.fixture(scope="module")
def predictor(model):
    return ClipPredictor(model.with_vocabulary(benchmark_vocabulary(["cow", "sheep", "dog", "violin"])))


def peak(values, frame):
    row, column = np.unravel_index(values.argmax(), values.shape)
    return (column + 0.5) * frame.shape[1] / values.shape[1], (row + 0.5) * frame.shape[0] / values.shape[0]


def test_both_sources_are_found_each_on_its_own_object(model, moment):
    frame, waveform, boxes = moment
    answer = ClipPredictor(model)(frame, waveform, ("cow", "sheep"))

    assert set(answer.classes) == {"cow", "sheep"}
    assert all(answer.detected)
    for name, values in zip(answer.classes, answer.maps, strict=True):
        x, y = peak(values, frame)
        x_min, y_min, x_max, y_max = boxes[name]
        assert x_min <= x <= x_max
        assert y_min <= y <= y_max


def test_a_class_that_is_only_given_gets_a_map_and_is_not_called_detected(predictor, moment):
    frame, waveform, _ = moment
    answer = predictor(frame, waveform, ("violin",))

    assert dict(zip(answer.classes, answer.detected, strict=True))["violin"] is False


def test_knowing_the_names_does_not_change_what_is_detected(predictor, moment):
    frame, waveform, _ = moment
    honest, told = predictor(frame, waveform, ()), predictor(frame, waveform, ("dog", "violin"))
    count = len(honest.classes)

    assert told.classes[:count] == honest.classes
    assert np.array_equal(told.maps[:count], honest.maps)


def test_a_muted_clip_has_no_source(predictor, moment):
    frame, waveform, _ = moment

    assert predictor(frame, np.zeros_like(waveform), ()).classes == ()


@pytest.mark.parametrize("audible_s", [5.0, 3.0], ids=["sounds throughout", "falls silent"])
def test_the_evaluator_answers_what_annotation_writes_bit_for_bit(model, moment, tmp_path, audible_s):
    """The same file through both doors, at its middle: names, scores, maps."""
    frame, waveform, _ = moment
    heard = np.where(np.arange(len(waveform)) < audible_s * 16_000, waveform, 0)
    make_clip(
        tmp_path / "clip.mkv", seconds=5, fps=10, size=(frame.shape[1], frame.shape[0]), picture=lambda *_: frame,
        audio="pcm_s16le", audio_rate=16_000, sound=lambda seconds: heard[np.rint(seconds * 16_000).astype(int)],
    )  # fmt: skip
    options = AnnotateOptions(start_s=2.5, end_s=2.6, overlay="none", save_maps=True)
    found = find_videos([str(tmp_path / "clip.mkv")])
    (video,) = annotate_videos(found, out=tmp_path / "out", model=model, options=options).finished
    rows = pd.read_parquet(video.outputs[0]).set_index("class")

    clip = read_instant(tmp_path / "clip.mkv", None, model.towers.sample_rate)
    answer = ClipPredictor(model)(clip.frame, clip.waveform, ())

    assert set(rows["time_s"]) == {2.5}
    assert len(rows) >= 1
    assert sorted(answer.classes) == sorted(rows.index)
    for name, values, score in zip(answer.classes, answer.maps, answer.scores, strict=True):
        row = rows.loc[name]
        assert np.float32(score) == row["score"]
        assert values.any() == (row["verdict"] == "sounding")
        assert np.array_equal(values.ravel(), row["map"] if row["map"] is not None else np.zeros(values.size))


def test_a_benchmark_keeps_its_own_names():
    names = benchmark_vocabulary(["playing acoustic guitar", "acoustic guitar", "people eating crisps"]).names

    assert names == ("playing acoustic guitar", "acoustic guitar", "people eating crisps")
