"""Sound files are annotated like videos, but for what needs a picture."""

import av
import numpy as np
import pandas as pd
import pytest

from tests.annotate.test_samples import SAMPLES
from tests.builders import make_clip, make_sound_file
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.inputs import find_videos
from tvsl_core.errors import MediaError
from tvsl_core.media.read.instants import read_instants
from tvsl_core.media.read.probe import probe
from tvsl_core.search.embeddings import EmbedOptions, embed_videos

FILES = {
    "a.wav": "pcm_s16le",
    "a.mp3": "libmp3lame",
    "a.flac": "flac",
    "a.m4a": "aac",
    "a.ogg": "flac",
    "a.opus": "libopus",
    "a.mka": "aac",
    "a.mp4": "aac",
    "a.aac": "aac",
    "a.aiff": "pcm_s16be",
    "a.caf": "pcm_s16le",
}


@pytest.mark.parametrize("name", FILES)
def test_the_instants_of_a_sound_file_reach_to_its_end(tmp_path, name):
    recipe = {"audio_rate": 48000} if name.endswith("opus") else {"audio_layout": "stereo"}
    clip = make_clip(tmp_path / name, codec=None, audio=FILES[name], sound="tone", seconds=3, audio_seconds=3, **recipe)
    info = probe(clip, needs_picture=False)

    assert not info.has_picture
    assert [float(frame.time) for frame in read_instants(info, fps=2)] == [n / 2 for n in range(6)]
    assert [float(frame.time) for frame in read_instants(info, fps=2, start_s=1, end_s=2)] == [1, 1.5]


@pytest.mark.parametrize("seconds", [0.01, 0.1])
def test_the_shortest_sound_has_an_instant(tmp_path, seconds):
    info = probe(make_sound_file(tmp_path / "a.wav", seconds=seconds), needs_picture=False)

    assert [frame.time for frame in read_instants(info, fps=2)] == [0]


@pytest.fixture(scope="module")
def results(model, tmp_path_factory):
    """The call of the sample's owl as a sound file, beside the video that it comes from."""
    root = tmp_path_factory.mktemp("mixed")
    with av.open(str(SAMPLES / "owl.mp4")) as container:
        samples = np.concatenate([one.to_ndarray().mean(axis=0) for one in container.decode(audio=0)])
        rate = container.streams.audio[0].rate

    def call(seconds):
        return samples[np.minimum(np.round(seconds * rate).astype(int), len(samples) - 1)]

    (root / "videos").mkdir()
    make_clip(root / "videos" / "owl.wav", codec=None, audio="pcm_s16le", sound=call, audio_rate=rate, seconds=3)
    (root / "videos" / "owl.mp4").write_bytes((SAMPLES / "owl.mp4").read_bytes())
    report = annotate_videos(
        find_videos([str(root / "videos")]), out=root / "out", model=model, options=AnnotateOptions()
    )
    return root / "out", report


def test_every_source_of_a_sound_file_is_offscreen(results):
    rows = pd.read_parquet(results[0] / "sources" / "owl.wav.parquet")

    assert "owl" in set(rows["class"])
    assert set(rows["verdict"]) == {"offscreen"}
    for column in ("x_min", "map_peak", "frame_index", "pts", "frame_width", "frame_height"):
        assert rows[column].isna().all()


def test_a_sound_file_has_a_row_and_nothing_that_needs_a_picture(results):
    out, report = results
    row = pd.read_parquet(out / "videos.parquet").set_index("video").loc["owl.wav"]

    assert [video.status for video in report.finished] == ["done", "done"]
    assert row["duration_s"] == pytest.approx(3, abs=0.05)
    assert pd.isna(row["frame_width"])
    assert pd.isna(row["frame_rate"])
    assert "sound file" in row["warnings"][0]
    assert not (out / "strips" / "owl.wav.jpg").exists()
    assert not (out / "heatmaps" / "owl-wav").exists()
    assert (out / "heatmaps" / "owl-mp4").is_dir()


def test_the_rows_of_a_video_beside_it_are_whole(results):
    rows = pd.read_parquet(results[0] / "sources" / "owl.mp4.parquet")

    assert rows["frame_index"].notna().all()
    assert set(rows["frame_width"]) == {960}


def test_a_sound_file_has_vectors_of_its_sound_alone(tmp_path, model):
    make_sound_file(tmp_path / "a.wav", seconds=6)
    (done,) = embed_videos(
        find_videos([str(tmp_path)]), out=tmp_path / "index", towers=model.towers, options=EmbedOptions()
    )
    rows = pd.read_parquet(done.table)

    assert rows["time_s"].tolist() == [0, 5]
    assert rows["image"].isna().all()
    assert rows["audio"].notna().all()


def test_what_needs_pictures_still_says_that_a_sound_file_has_none(tmp_path):
    with pytest.raises(MediaError, match="sound file"):
        probe(make_sound_file(tmp_path / "a.wav"))
