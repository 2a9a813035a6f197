"""The sample videos are what their truth and their README say; whether tvsl finds it is tested elsewhere."""

import json
import os
import subprocess
import sys
import tomllib
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from tvsl_core.model.people.faces import detect_faces, mesh_faces
from tvsl_core.model.people.load import load_people

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "sample_videos"
CLIPS = json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))["clips"]
README = (SAMPLES / "README.md").read_text(encoding="utf-8")

each_clip = pytest.mark.parametrize("name", CLIPS)


@cache
def sound(name):
    """The decoded sound of a clip at 16 kHz."""
    with av.open(str(SAMPLES / name)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=16_000)
        blocks = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        blocks += [part.to_ndarray()[0] for part in resampler.resample(None)]
    return np.concatenate(blocks)


def level(samples):
    """Loudest tenth of a second, dB of full scale."""
    blocks = samples[: len(samples) // 1600 * 1600].reshape(-1, 1600)
    return 10 * np.log10((blocks.astype(np.float64) ** 2).mean(1).max(initial=0) + 1e-12)


def sounding_at(clip, times):
    """Whether anything sounds at each of the times."""
    intervals = [interval for thing in clip["objects"] for interval in thing["sounding"]]
    return np.any([(start <= times) & (times < end) for start, end in intervals] or [times < 0], axis=0)


def of_kind(*, sounding, silent, offscreen=0):
    """Clips with so many visible objects that sound, visible ones that do not, and sounds from outside."""
    return [
        name
        for name, clip in CLIPS.items()
        if sum(thing["visible"] and bool(thing["sounding"]) for thing in clip["objects"]) == sounding
        and sum(thing["visible"] and not thing["sounding"] for thing in clip["objects"]) == silent
        and sum(thing["offscreen"] for thing in clip["objects"]) == offscreen
    ]


def test_the_truth_knows_every_video_and_no_other():
    videos = {path.name for path in SAMPLES.iterdir() if path.suffix in {".mp4", ".webm"}}

    assert videos == set(CLIPS)


def test_the_samples_stay_small():
    assert sum((SAMPLES / name).stat().st_size for name in CLIPS) < 12e6


def test_every_situation_has_a_clip():
    assert len(of_kind(sounding=1, silent=0)) >= 2
    assert len(of_kind(sounding=2, silent=0)) >= 2
    assert of_kind(sounding=1, silent=1)
    assert of_kind(sounding=0, silent=1, offscreen=1)
    assert of_kind(sounding=0, silent=1)
    assert of_kind(sounding=2, silent=0, offscreen=1)


@each_clip
def test_a_clip_has_the_format_that_the_truth_says(name):
    clip = CLIPS[name]
    with av.open(str(SAMPLES / name)) as container:
        video, frame = container.streams.video[0], next(container.decode(video=0))
        shown = (frame.height, frame.width) if frame.rotation % 180 else (frame.width, frame.height)

        assert shown == (clip["width"], clip["height"])
        assert frame.rotation % 360 == clip["rotation"]
        assert video.average_rate == Fraction(clip["frame_rate"])
        assert container.duration / av.time_base == pytest.approx(clip["duration_s"], abs=0.05)
        assert 4 <= clip["duration_s"] <= 10
        assert container.streams.audio


@each_clip
def test_the_picture_moves_all_the_time(name):
    with av.open(str(SAMPLES / name)) as container:
        stills = [
            frame.to_ndarray(format="gray").astype(np.int16)
            for index, frame in enumerate(container.decode(video=0))
            if index % 24 == 0
        ]

    assert all(np.abs(after - before).mean() > 0.5 for before, after in pairwise(stills))


@each_clip
def test_boxes_lie_in_the_frame_every_half_second(name):
    clip = CLIPS[name]
    for thing in clip["objects"]:
        times = [entry["time_s"] for entry in thing["boxes"]]
        boxes = np.array([entry["box"] for entry in thing["boxes"]]).reshape(-1, 4)

        assert times == (list(np.arange(0, clip["duration_s"], 0.5)) if thing["visible"] else [])
        assert thing["offscreen"] == (not thing["visible"])
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, 2:] <= (clip["width"], clip["height"])).all()
        assert (boxes[:, :2] < boxes[:, 2:]).all()


@each_clip
def test_a_source_covers_neither_nothing_nor_everything(name):
    clip = CLIPS[name]
    for thing in clip["objects"]:
        for entry in thing["boxes"] if thing["sounding"] else ():
            x_min, y_min, x_max, y_max = entry["box"]
            share = (x_max - x_min) * (y_max - y_min) / (clip["width"] * clip["height"])

            assert 0.08 < share < 0.6, (thing["class"], entry)


@each_clip
def test_sounding_intervals_are_in_order_and_in_the_clip(name):
    for thing in CLIPS[name]["objects"]:
        edges = [edge for interval in thing["sounding"] for edge in interval]

        assert edges == sorted(set(edges))
        assert all(0 <= edge <= CLIPS[name]["duration_s"] for edge in edges)


@each_clip
def test_it_is_quiet_where_the_truth_says_so(name):
    samples = sound(name)
    heard = sounding_at(CLIPS[name], np.arange(len(samples)) / 16_000)
    # a tenth of a second around each edge belongs to neither: coding smears it
    clearly_quiet = ~np.convolve(heard, np.ones(3201), mode="same").astype(bool)

    assert level(samples[clearly_quiet]) < -45
    if heard.any():
        assert level(samples[heard]) > -25


@cache
def mouths(name):
    """Of every fifth picture its time, and where each face is and how far its mouth is open."""
    networks = load_people()
    with av.open(str(SAMPLES / name)) as container:
        pictures = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)][::5]
    found = detect_faces(networks, [picture for _, picture in pictures], min_score=0.5)
    places = [(one, face) for (_, one), faces in zip(pictures, found, strict=True) for face in faces]
    meshes = iter(mesh_faces(networks, places))
    return [
        (time, [(face, next(meshes).mouth) for face in faces]) for (time, _), faces in zip(pictures, found, strict=True)
    ]


@pytest.mark.parametrize("name", [name for name, clip in CLIPS.items() if clip["objects"][0]["class"] == "speech"])
def test_a_person_is_seen_all_the_time_and_their_mouth_moves_with_their_voice_only(name):
    for person in (thing for thing in CLIPS[name]["objects"] if thing["visible"]):
        left, _, right, _ = person["boxes"][0]["box"]
        seen = [(time, mouth) for time, faces in mouths(name) for face, mouth in faces if left < face.eyes[0] < right]
        speaking = [mouth for time, mouth in seen if any(start <= time < end for start, end in person["sounding"])]
        silent = [mouth for time, mouth in seen if not any(a - 0.3 <= time < b + 0.3 for a, b in person["sounding"])]

        assert len(seen) == len(mouths(name))
        assert np.std(speaking) > 2.5 * np.std(silent), (np.std(speaking), np.std(silent))


@each_clip
def test_no_sound_clips(name):
    assert np.abs(sound(name)).max() < 0.97


@pytest.mark.parametrize("name", of_kind(sounding=2, silent=0))
def test_in_a_duet_one_source_starts_later_than_the_other(name):
    starts = sorted(thing["sounding"][0][0] for thing in CLIPS[name]["objects"])

    assert starts[1] - starts[0] > 1.5


def test_every_class_is_in_the_default_vocabulary():
    vocabulary = tomllib.loads((ROOT / "tvsl_core/vocabulary/default.toml").read_text(encoding="utf-8"))
    known = {entry["name"] for entry in vocabulary["class"]}

    assert {thing["class"] for clip in CLIPS.values() for thing in clip["objects"]} <= known


@each_clip
def test_the_readme_gives_licence_and_credit_of_every_clip(name):
    (row,) = (line for line in README.splitlines() if line.startswith(f"| `{name}` |") and " fps" not in line)
    _, _, licence, made_of, _ = (cell.strip() for cell in row.split("|"))

    assert licence == CLIPS[name]["licence"]
    assert made_of.split(", ") == CLIPS[name]["credits"]
    assert all(f"\n| {credit} |" in README for credit in CLIPS[name]["credits"])


@pytest.mark.parametrize("name", [name for name, clip in CLIPS.items() if clip["licence"].startswith("GPL")])
def test_copyleft_comes_with_its_text_and_its_source(name):
    licence = CLIPS[name]["licence"].removesuffix("-only").removesuffix("-or-later")
    (text,) = (path for path in (SAMPLES / "LICENSES").iterdir() if path.stem == licence)

    assert "GNU GENERAL PUBLIC LICENSE" in text.read_text(encoding="utf-8")
    for credit in CLIPS[name]["credits"]:
        (row,) = (line.split("|") for line in README.splitlines() if line.startswith(f"| {credit} |"))
        if "GPL" in row[4]:
            files = [file.strip(" `") for file in row[2].split(",")]
            assert all(any((SAMPLES / "sources").rglob(file)) for file in files), credit


def test_neither_clips_nor_their_materials_go_into_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert project["tool"]["setuptools"]["packages"]["find"]["include"] == ["tvsl_core*", "tvsl_cli*"]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif("TVSL_SAMPLE_SOURCES" not in os.environ, reason="TVSL_SAMPLE_SOURCES: the unpacked packages")
def test_the_command_in_the_readme_makes_the_same_truth_again(tmp_path):
    command = [sys.executable, "-m", "sample_videos.compose", "--from", os.environ["TVSL_SAMPLE_SOURCES"]]
    subprocess.run([*command, "--out", str(tmp_path), "--only", "silent_horses"], check=True, cwd=ROOT)

    assert (tmp_path / "silent_horses.mp4").stat().st_size > 100_000
    assert json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))["clips"] == CLIPS
