"""Whole batches of real files, good and bad: one row for each, nothing lost, nothing left over."""

import json
import os
import shutil
import subprocess
from fractions import Fraction

import av
import numpy as np
import pandas as pd
import pytest

from tests.builders import cut_off, make_clip, make_sound_file
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.inputs import find_videos
from tvsl_core.batch.single import annotate_video


def run(model, inputs, out, *, overwrite=False, workers=1, dry_run=False, **options):
    found = find_videos([str(path) for path in inputs])
    return annotate_videos(
        found,
        out=out,
        model=model,
        options=AnnotateOptions(**({"overlay": "combined"} | options)),
        overwrite=overwrite,
        workers=workers,
        dry_run=dry_run,
    )


def statuses(report):
    return {video.video: video.status for video in report.finished}


BAD = {
    "empty.mp4": lambda path: path.write_bytes(b""),
    "garbage.mkv": lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)),
    "truncated.mp4": lambda path: cut_off(make_clip(path), share=0.4),
    "sound_only.mp4": lambda path: make_sound_file(path, audio="aac"),
    "text.avi": lambda path: path.write_text("no video at all, just words\n" * 50),
    "playlist.ts": lambda path: path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n"),
}

GOOD = {
    "plain.mp4": {},
    "no_sound_track.mp4": {"audio": None},
    "silent.mp4": {"sound": "silence"},
    "long_sound.mkv": {"seconds": 1, "audio_seconds": 3},
    "long_picture.mkv": {"seconds": 3, "audio_seconds": 1},
    "late_sound.mp4": {"audio_start_s": 0.7},
    "variable_rate.mkv": {"frame_times": [0, 0.03, 0.2, 0.21, 0.9, 1.0, 1.5]},
    "turned.mp4": {"rotation": 90},
    "tiny.avi": {"size": (1, 1), "codec": "ffv1", "pix_fmt": "bgr0", "audio": "pcm_s16le"},
    "odd.mkv": {"size": (17, 31), "codec": "ffv1", "pix_fmt": "yuv444p"},
    "ten_bit.mp4": {"codec": "libx265", "pix_fmt": "yuv420p10le"},
    "vp9.webm": {"codec": "libvpx-vp9", "audio": "libopus", "audio_rate": 48000},
    "old.avi": {"codec": "mpeg4", "audio": "libmp3lame"},
    "two_tracks.mkv": {"audio_tracks": 2, "default_track": 1, "sound": ["silence", "beep"]},
    "ntsc.mp4": {"fps": Fraction(30000, 1001)},
    "naïve café 日本 (1).mp4": {},
    "-leading dash.mp4": {},
    "sub/plain.mp4": {},
}


@pytest.fixture(scope="module")
def batch(model, tmp_path_factory):
    """Every good and bad file in one batch."""
    root = tmp_path_factory.mktemp("media")
    (root / "sub").mkdir()
    for name, make in BAD.items():
        make(root / name)
    for name, recipe in GOOD.items():
        make_clip(root / name, **recipe)
    out = tmp_path_factory.mktemp("out")
    return root, out, run(model, [root, root / "missing.mp4"], out)


def test_every_good_file_is_done_and_every_bad_one_fails(batch):
    *_, report = batch
    found = statuses(report)

    assert {name for name, status in found.items() if status == "done"} == set(GOOD)
    assert {name.rsplit("/", 1)[-1] for name, status in found.items() if status == "failed"} == {*BAD, "missing.mp4"}


def test_each_failure_is_one_clear_sentence(batch):
    *_, report = batch
    for video in report.finished:
        if video.status == "failed":
            assert video.error.endswith("."), video.error
            assert "Traceback" not in video.error
            assert "unexpected" not in video.error
            assert len(video.error) < 400


def test_videos_parquet_has_a_row_for_every_input(batch):
    _, out, report = batch
    videos = pd.read_parquet(out / "videos.parquet")

    assert len(videos) == len(report.finished) == len(GOOD) + len(BAD) + 1
    assert set(videos["status"]) == {"done", "failed"}
    assert (videos.loc[videos["status"] == "failed", "error"] != "").all()
    for table in videos["table"].dropna():
        pd.read_parquet(out / table)


def test_heatmap_videos_keep_size_rate_and_length(batch):
    _root, out, _ = batch
    for name in ("plain.mp4", "turned.mp4", "ntsc.mp4", "vp9.webm", "no_sound_track.mp4", "odd.mkv"):
        with av.open(str(out / "heatmaps" / name.replace(".", "-") / "combined.mp4")) as made:
            stream = made.streams.video[0]
            recipe = GOOD[name]
            width, height = recipe.get("size", (128, 96))
            shown = (height, width) if recipe.get("rotation") == 90 else (width, height)

            assert (stream.width, stream.height) == (shown[0] + shown[0] % 2, shown[1] + shown[1] % 2), name
            assert stream.average_rate == Fraction(recipe.get("fps", 25)), name
            assert bool(made.streams.audio) == (recipe.get("audio", "aac") is not None), name
            assert float(stream.duration * stream.time_base) == pytest.approx(2.0, abs=0.06), name


def test_a_variable_rate_keeps_its_length(batch):
    _, out, _ = batch
    with av.open(str(out / "heatmaps" / "variable_rate-mkv" / "combined.mp4")) as made:
        stream = made.streams.video[0]

        assert float(stream.duration * stream.time_base) == pytest.approx(1.7, abs=0.35)


def test_silence_and_tones_name_no_source(batch):
    *_, report = batch
    rows = {video.video: video.rows for video in report.finished}

    assert rows["silent.mp4"] == 0
    assert rows["no_sound_track.mp4"] == 0


def test_a_video_without_sound_says_so(batch):
    *_, report = batch
    (video,) = [video for video in report.finished if video.video == "no_sound_track.mp4"]

    assert "no sound track" in " ".join(video.warnings)


def test_nothing_temporary_is_left(batch):
    _, out, _ = batch

    assert list(out.rglob("*.part")) == []
    assert list((out / ".tvsl" / "leases").iterdir()) == []
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == [".tvsl"]


def test_run_json_says_how_the_results_were_made(batch):
    _, out, _ = batch
    run_file = json.loads((out / "run.json").read_text())

    assert run_file["versions"]["torch"]
    assert len(run_file["weights_sha256"]) == 64
    assert run_file["videos"] == {"done": len(GOOD), "skipped": 0, "failed": len(BAD) + 1, "pending": 0}
    assert run_file["interrupted"] is False


def test_a_rerun_skips_what_is_done_and_tries_again_what_failed(batch, model):
    root, out, _first = batch
    again = run(model, [root], out)

    assert {name for name, status in statuses(again).items() if status == "skipped"} == set(GOOD)
    assert len(pd.read_parquet(out / "videos.parquet").query("status == 'done'")) == len(GOOD)


@pytest.fixture
def clip(tmp_path):
    return make_clip(tmp_path / "clip.mp4", seconds=1)


def test_other_settings_and_changed_input_are_computed_anew(clip, model, tmp_path):
    out = tmp_path / "out"
    run(model, [clip], out)

    assert statuses(run(model, [clip], out)) == {"clip.mp4": "skipped"}
    assert statuses(run(model, [clip], out, batch=3)) == {"clip.mp4": "skipped"}
    assert statuses(run(model, [clip], out, fps=4)) == {"clip.mp4": "done"}
    os.utime(clip, (1, 1))
    assert statuses(run(model, [clip], out, fps=4)) == {"clip.mp4": "done"}
    assert statuses(run(model, [clip], out, fps=4, overwrite=True)) == {"clip.mp4": "done"}


def test_tables_are_the_same_however_many_frames_and_videos_go_together(model, tmp_path):
    from tests.scoring import SAMPLES

    clips = [SAMPLES / "owl.mp4", SAMPLES / "cow_and_sheep.mp4"]
    one = run(model, clips, tmp_path / "one", overlay="none", batch=1, end_s=3.0)
    many = run(model, clips, tmp_path / "many", overlay="none", batch=7, workers=2, end_s=3.0)

    assert statuses(one) == statuses(many)
    for name in ("owl.mp4", "cow_and_sheep.mp4"):
        left, right = (pd.read_parquet(tmp_path / out / "sources" / f"{name}.parquet") for out in ("one", "many"))
        assert len(left) > 0
        assert left["class"].tolist() == right["class"].tolist()
        assert np.allclose(left["score"], right["score"], atol=1e-3)


def test_a_dry_run_touches_nothing(clip, model, tmp_path):
    report = run(model, [clip], tmp_path / "out", dry_run=True)

    assert statuses(report) == {"clip.mp4": "done"}
    assert not (tmp_path / "out").exists()


def test_old_heatmap_videos_go_when_the_settings_change(model, tmp_path):
    from tests.scoring import SAMPLES

    clip = SAMPLES / "owl.mp4"
    run(model, [clip], tmp_path, overlay="sources", end_s=2.5)
    before = {path.name for path in (tmp_path / "heatmaps" / "owl-mp4").iterdir()}
    run(model, [clip], tmp_path, overlay="none", end_s=2.5)

    assert before == {"0-owl.mp4"}
    assert not (tmp_path / "heatmaps" / "owl-mp4").exists()


def test_start_and_end_limit_what_is_annotated(model, tmp_path):
    from tests.scoring import SAMPLES

    run(model, [SAMPLES / "owl.mp4"], tmp_path, overlay="none", start_s=1.0, end_s=2.4, min_score=0.0)
    rows = pd.read_parquet(tmp_path / "sources" / "owl.mp4.parquet")

    assert rows["time_s"].between(0.95, 2.4).all()
    assert rows["time_s"].nunique() == 3


def test_a_start_behind_the_end_is_one_sentence(clip, model, tmp_path):
    (video,) = run(model, [clip], tmp_path / "out", start_s=50.0).finished

    assert video.status == "failed"
    assert "behind the end" in video.error


def test_saved_maps_have_the_shape_that_the_row_says(model, tmp_path):
    from tests.scoring import SAMPLES

    options = AnnotateOptions(overlay="none", save_maps=True, end_s=2.0)
    rows = annotate_video(SAMPLES / "owl.mp4", out=tmp_path, model=model, options=options)

    in_view = rows[rows["verdict"] == "sounding"]
    assert len(in_view) > 0
    assert rows[rows["verdict"] == "offscreen"]["map"].isna().all()
    for row in in_view.to_dict("records"):
        assert len(row["map"]) == row["map_rows"] * row["map_cols"]
        assert max(row["map"]) == pytest.approx(row["map_peak"])


def test_only_the_classes_asked_for_are_found(model, tmp_path):
    from tests.scoring import SAMPLES

    options = AnnotateOptions(overlay="none", classes=("sheep",), end_s=6.0)
    rows = annotate_video(SAMPLES / "cow_and_sheep.mp4", out=tmp_path, model=model, options=options)

    assert set(rows["class"]) == {"sheep"}


def test_a_model_that_is_given_looks_for_its_own_classes(model, tmp_path):
    from tests.scoring import SAMPLES

    cows = model.with_vocabulary(model.vocabulary.restrict(("cow",)))
    options = AnnotateOptions(overlay="none", start_s=4.0, end_s=6.0)
    report = annotate_videos(str(SAMPLES / "cow_and_sheep.mp4"), out=str(tmp_path), model=cows, options=options)

    assert report.finished[0].classes == ("cow",)


def test_a_bar_of_videos_shows_only_for_who_asks(model, clip, tmp_path, capsys):
    options = AnnotateOptions(overlay="none", end_s=1.0)
    annotate_videos([clip, "gone.mp4"], out=tmp_path / "quiet", model=model, options=options)
    assert capsys.readouterr() == ("", "")

    annotate_videos([clip, "gone.mp4"], out=tmp_path / "shown", model=model, options=options, progress=True)
    assert "videos: 100%" in capsys.readouterr().err


def test_the_library_raises_where_the_batch_records(model, tmp_path):
    from tvsl_core.errors import MediaError

    with pytest.raises(MediaError):
        annotate_video(tmp_path / "missing.mp4", out=tmp_path / "out", model=model)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    command = [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    made = subprocess.run(command, capture_output=True, check=False)
    if made.returncode:
        pytest.skip("this machine does not let us mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=False)


def test_a_full_disk_is_one_sentence_and_leaves_no_half_file(model, small_disk):
    from tests.scoring import SAMPLES
    from tvsl_core.errors import OutputError

    out = small_disk / "out"
    try:
        report = run(model, [SAMPLES / "cow_and_sheep.mp4"], out, overlay="sources")
        messages = [video.error for video in report.finished]
    except OutputError as error:  # not even the ledger fits
        messages = [str(error)]

    assert all("disk is full" in message for message in messages), messages
    assert not list(out.rglob("*.parquet")) or all(pd.read_parquet(path) is not None for path in out.rglob("*.parquet"))
    assert not list(out.rglob("*.part"))
