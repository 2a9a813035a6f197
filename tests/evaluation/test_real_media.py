"""A benchmark with real frames, sounds and videos on the disk, scored with the embedded model."""

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.scoring import SAMPLES
from tvsl_core.data.benchmarks.clips import folder_loader, read_sound
from tvsl_core.data.benchmarks.sample import Sample, Source
from tvsl_core.errors import MediaError

ROOT = Path(__file__).resolve().parents[2]
COW, DOG = "cowcowcowco_000003", "dogdogdogdo_000001"


def write_wav(path, samples, rate):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """VGG-SS with two clips: one as frame and sound, one as video; a third has no media."""
    root = tmp_path_factory.mktemp("data")
    media = root / "media"
    for folder in ("annotations", "media/frames", "media/audio", "media/videos"):
        (root / folder).mkdir(parents=True)
    truth = json.loads((SAMPLES / "truth.json").read_text())["clips"]
    entries = []
    for clip, name, time_s in ((COW, "cow_and_sheep.mp4", 3.0), (DOG, "dog_and_silent_sheep.mp4", 3.5)):
        thing = truth[name]["objects"][0]
        box = next(at["box"] for at in thing["boxes"] if at["time_s"] == time_s)
        size = [truth[name]["width"], truth[name]["height"]] * 2
        entries.append(
            {"file": clip, "class": thing["class"], "bbox": [[v / s for v, s in zip(box, size, strict=True)]]}
        )
    entries.append({"file": "missingggg0_000001", "class": "dog", "bbox": [[0.1, 0.1, 0.5, 0.5]]})
    (root / "annotations" / "vggss.json").write_text(json.dumps(entries))
    lines = [f"{entry['file']},{entry['class']}" for entry in entries]
    (root / "annotations" / "vggsound_single_test.csv").write_text("\n".join(lines) + "\n")

    loader = folder_loader(media)
    (media / "videos" / f"{DOG}.mp4").write_bytes((SAMPLES / "dog_and_silent_sheep.mp4").read_bytes())
    (media / "videos" / f"{COW}.mp4").write_bytes((SAMPLES / "cow_and_sheep.mp4").read_bytes())
    clip = loader(sample(COW), 16_000)
    cv2.imwrite(str(media / "frames" / f"{COW}.jpg"), clip.frame[:, :, ::-1])
    write_wav(media / "audio" / f"{COW}.wav", clip.waveform, 16_000)
    (media / "videos" / f"{COW}.mp4").unlink()
    return root


def sample(clip):
    return Sample(id=clip, video=clip, sources=(Source(name="cow", boxes=((0.1, 0.1, 0.5, 0.5),)),), clips=(clip,))


def test_a_frame_and_its_sound_are_read_like_the_video_they_came_from(data):
    clip = folder_loader(data / "media")(sample(COW), 16_000)

    assert clip.frame.shape == (360, 640, 3)
    assert len(clip.waveform) == 80_000
    assert np.abs(clip.waveform).max() > 0.05


def test_missing_media_are_said_to_be_missing(data):
    assert folder_loader(data / "media")(sample("missingggg0_000001"), 16_000) is None


def test_a_sound_that_names_another_file_is_refused(tmp_path):
    path = tmp_path / "x.wav"
    path.write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n")

    with pytest.raises(MediaError):
        read_sound(path, 16_000)


def evaluate(data, *arguments, **environment):
    command = [sys.executable, "-m", "tvsl_cli", "evaluate", "--benchmark", "vggsound-single", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=ROOT, text=True, capture_output=True, check=False, env=os.environ | {"TVSL_DATA": ""} | environment
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_the_model_is_scored_on_real_media_and_missing_ones_are_told(data, tmp_path):
    scores = tmp_path / "scores.json"
    code, _, err = evaluate(
        data, "--annotations", data / "annotations", "--media", data / "media", "--json", scores,
        "--save-predictions", tmp_path / "maps",
    )  # fmt: skip

    assert code == 1, err
    assert "missingggg0_000001: its media are missing" in err
    assert sorted(path.stem for path in (tmp_path / "maps").glob("*.npz")) == [COW, DOG]
    text = scores.read_text()
    assert "cIoU@0.5" in text
    again, _, _ = evaluate(
        data, "--annotations", data / "annotations", "--predictions", tmp_path / "maps", "--allow-missing"
    )
    assert again == 0


@pytest.mark.slow
def test_shards_fill_one_folder_and_processes_give_the_same_scores(data, tmp_path):
    common = ("--annotations", data / "annotations", "--media", data / "media", "--allow-missing")
    for shard in ("1/2", "2/2"):
        code, out, err = evaluate(data, *common, "--shard", shard, "--save-predictions", tmp_path / "maps")
        assert code == 0, err
        assert out == ""
    first = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in (tmp_path / "maps").glob("*.npz")}
    assert sorted(first) == [f"{COW}.npz", f"{DOG}.npz"]

    (tmp_path / "maps" / f"{DOG}.npz").unlink()
    code, resumed, err = evaluate(
        data, *common, "--save-predictions", tmp_path / "maps", "--workers", "2", "--table", "csv"
    )
    assert code == 0, err
    again = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in (tmp_path / "maps").glob("*.npz")}
    assert again[f"{COW}.npz"] == first[f"{COW}.npz"]  # not redone
    assert again[f"{DOG}.npz"][0] != first[f"{DOG}.npz"][0]
    code, parallel, err = evaluate(data, *common, "--workers", "2", "--table", "csv")
    assert code == 0, err
    assert parallel == resumed == evaluate(data, *common, "--table", "csv")[1]


def test_predictions_of_another_model_are_not_mixed_in(data, tmp_path):
    (tmp_path / "maps").mkdir()
    np.savez(tmp_path / "maps" / "x.npz", maps=np.ones((1, 2, 2)), classes=["a"])
    code, _, err = evaluate(
        data, "--annotations", data / "annotations", "--media", data / "media",
        "--save-predictions", tmp_path / "maps",
    )  # fmt: skip

    assert code == 1
    assert "another model or benchmark" in err


@pytest.mark.parametrize(("more", "message"), [(("--shard", "3/2"), "I/N"), (("--shard", "1/2"), "--save-predictions")])
def test_a_shard_needs_its_number_and_its_folder(data, more, message):
    code, _, err = evaluate(data, "--annotations", data / "annotations", "--media", data / "media", *more)

    assert code == 2
    assert message in err


def test_the_data_folder_may_stand_in_the_configuration_file(data, tmp_path):
    (tmp_path / "t.toml").write_text(f'[evaluate]\ndata = "{data}"\nfloors = true\n')
    code, out, err = evaluate(data, "--config", tmp_path / "t.toml")

    assert code == 0, err
    assert "centred-gaussian" in out


def test_a_split_without_the_classes_heard_is_refused(data):
    code, _, err = evaluate(data, "--annotations", data / "annotations", "--split", "unheard")

    assert code == 2
    assert "A split needs heard" in err
