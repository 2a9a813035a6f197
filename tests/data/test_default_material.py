"""What the default model learns from: the recipe, random music, recordings cut to phrases, and pictures by source."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest
from scipy.io import wavfile

from tvsl_core.data.material.recipe.build import SAMPLE_RATE, build_material, write_wave
from tvsl_core.data.material.recipe.phrases import PHRASE_S, Note, phrase
from tvsl_core.data.material.recipe.pictures import write_backgrounds
from tvsl_core.data.material.recipe.recipe import ClassRecipe, MaterialRecipe, SourceFolders, read_recipe
from tvsl_core.data.material.recipe.recordings import change_speed, read_sound, repeat_call, string_notes, trim
from tvsl_core.data.material.recipe.soundfont import write_midi
from tvsl_core.errors import ManifestError
from tvsl_core.vocabulary.classes import load_vocabulary


def rng(seed=0):
    return np.random.default_rng(seed)


def tone(seconds=0.5, pitch=440.0):
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.sin(2 * np.pi * pitch * time).astype(np.float32)


def small_recipe(**changes) -> MaterialRecipe:
    parts = {
        "classes": (ClassRecipe(name="dog", photos=("dogs",), tonejs=("dog",)),),
        "others": ClassRecipe(name="others"),
        "not_backgrounds": ("stage",),
        "soundfonts": {},
        "validation": frozenset({"tonejs", "heldout"}),
    }
    return MaterialRecipe(**(parts | changes))


def test_every_class_of_the_recipe_is_one_of_the_default_vocabulary_and_has_material():
    names = set(load_vocabulary(None).names)

    for klass in read_recipe().classes:
        assert klass.name in names
        assert (
            klass.programs
            or klass.drums
            or klass.notes
            or klass.stamps
            or klass.sonic
            or klass.photos
            or klass.gcompris
        )


def test_nothing_that_the_samples_are_made_of_is_learned_from():
    recipe = read_recipe()
    cutouts = {name for klass in recipe.classes for name in klass.cutouts}

    assert {"gcompris", "musescore"} <= recipe.validation
    assert not {name for name in cutouts if name.endswith(("/cello", "/trumpet", "/guitar_classical"))}


def test_an_unknown_key_of_a_recipe_is_refused(tmp_path):
    text = '[sources]\nvalidation = []\n[soundfonts]\n[classes]\ndog = { barks = ["x"] }\n'
    (tmp_path / "recipe.toml").write_text(text + "[others]\n[backgrounds]\nwithout = []\n")

    with pytest.raises(ManifestError, match="barks"):
        read_recipe(tmp_path / "recipe.toml")


@pytest.mark.parametrize("style", ["line", "chords", "hits"])
@pytest.mark.parametrize("seed", range(5))
def test_a_phrase_stays_within_its_keys_and_begins_within_its_time(style, seed):
    keys = (40, 43, 46) if style == "hits" else (50, 80)
    notes = phrase(style, keys, rng(seed))

    assert notes
    assert all(0 <= note.start_s < PHRASE_S + 1 and 1 <= note.velocity <= 127 for note in notes)
    if style == "hits":
        assert {note.pitch for note in notes} <= set(keys)
    else:
        assert all(keys[0] <= note.pitch <= keys[1] for note in notes)


def test_every_note_that_begins_also_ends_though_it_begins_late(tmp_path):
    mido = pytest.importorskip("mido")
    late = Note(start_s=PHRASE_S + 0.2, length_s=1.0, pitch=60, velocity=90)
    long = Note(start_s=PHRASE_S - 0.1, length_s=9.0, pitch=64, velocity=90)
    write_midi(tmp_path / "x.mid", [(40, [long, late]), (None, [long])])

    sounding: set[tuple[int, int]] = set()
    for message in mido.MidiFile(str(tmp_path / "x.mid")).tracks[0]:
        if message.type == "note_on":
            sounding.add((message.channel, message.note))
        elif message.type == "note_off":
            sounding.remove((message.channel, message.note))
    assert sounding == set()


def test_trimming_takes_silence_off_both_ends_and_levels_the_rest():
    sound = np.concatenate([np.zeros(3000), 0.1 * tone(), np.zeros(5000)]).astype(np.float32)
    cut = trim(sound)

    assert abs(len(cut) - len(tone())) < 10
    assert np.abs(cut).max() == pytest.approx(0.7, abs=1e-3)
    assert len(trim(np.zeros(1000, np.float32))) == 0


def test_faster_is_shorter_and_higher():
    fast = change_speed(tone(1.0), 1.25)
    peak = np.argmax(np.abs(np.fft.rfft(fast))) * SAMPLE_RATE / len(fast)

    assert len(fast) == pytest.approx(SAMPLE_RATE / 1.25, rel=0.01)
    assert peak == pytest.approx(550, rel=0.02)


def test_what_is_too_high_when_faster_is_gone_and_does_not_come_back_lower():
    high = np.sin(2 * np.pi * 0.44 * np.arange(SAMPLE_RATE)).astype(np.float32)
    fast = change_speed(high, 1.25)

    assert np.abs(fast[1000:-1000]).max() < 1e-4


def test_phrases_of_recordings_have_one_length_and_repeat_from_the_same_seed():
    notes = [tone(0.4, pitch) for pitch in (300, 400, 500)]

    for make in (lambda rng: string_notes(notes, rng, sample_rate=SAMPLE_RATE),
                 lambda rng: repeat_call(notes[0], rng, sample_rate=SAMPLE_RATE)):  # fmt: skip
        one, again, other = make(rng(1)), make(rng(1)), make(rng(2))
        assert len(one) == round(PHRASE_S * SAMPLE_RATE)
        assert np.array_equal(one, again)
        assert not np.array_equal(one, other)


def test_a_written_wave_is_read_back_and_never_clipped(tmp_path):
    write_wave(tmp_path / "loud.wav", 3 * tone())
    rate, samples = wavfile.read(tmp_path / "loud.wav")

    assert rate == SAMPLE_RATE
    assert np.abs(samples).max() == 32767
    assert np.corrcoef(read_sound(tmp_path / "loud.wav", SAMPLE_RATE), tone())[0, 1] > 0.999


def test_material_is_named_by_source_and_what_cannot_be_read_is_told(tmp_path):
    media, packages = tmp_path / "media", tmp_path / "packages"
    (media / "images/dogs").mkdir(parents=True)
    for index in range(10):
        cv2.imwrite(str(media / f"images/dogs/{index}.png"), np.full((20, 20, 3), 90 + index, np.uint8))
    (packages / "tonejs/dog").mkdir(parents=True)
    write_wave(packages / "tonejs/dog/bark.mp3", tone())  # the content decides, not the name
    (packages / "tonejs/dog/broken.mp3").write_bytes(b"nothing")
    report = build_material(
        SourceFolders(packages=packages, media=media),
        tmp_path / "out",
        phrases=5,
        recipe=small_recipe(),
        classes=("dog",),
    )

    pictures = sorted(path.name.partition("__")[0] for path in (tmp_path / "out/images/dog").iterdir())
    sounds = {path.name.partition("__")[0] for path in (tmp_path / "out/sounds/dog").iterdir()}
    assert pictures == ["heldout"] * 2 + ["photos"] * 8
    assert sounds == {"tonejs"}
    assert report.images == 10
    assert len(report.skipped) == 1 and "broken.mp3" in report.skipped[0]


def test_no_background_shows_a_class_or_its_kin(tmp_path):
    samples = tmp_path / "imagenet_samples"
    samples.mkdir()
    for number, name in enumerate(("stage", "valley", "golden_retriever", "cello", "pizza")):
        cv2.imwrite(str(samples / f"n{number:08d}_{name}.jpg"), np.zeros((9, 9, 3), np.uint8))
    count = write_backgrounds(small_recipe(), SourceFolders(packages=tmp_path, media=tmp_path), tmp_path / "out")
    found = {path.stem.partition("_n")[2][9:] for path in (tmp_path / "out/backgrounds").iterdir()}

    assert count == len(found)
    assert {"valley", "pizza"} <= found
    assert not {"stage", "golden_retriever"} & found


@pytest.mark.skipif(shutil.which("fluidsynth") is None, reason="the program fluidsynth is not installed")
def test_a_missing_soundfont_is_one_sentence(tmp_path):
    (tmp_path / "images").mkdir()
    recipe = small_recipe(classes=(ClassRecipe(name="violin", programs=(40,)),), soundfonts={"fluid": "**/none.sf2"})

    with pytest.raises(ManifestError, match=r"none\.sf2"):
        build_material(
            SourceFolders(packages=tmp_path, media=tmp_path), tmp_path / "out", recipe=recipe, classes=("violin",)
        )
