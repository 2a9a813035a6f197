from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.training.tiny import CLASSES, TinyScenes, TinyTowers, digest, make_run, newest
from tvsl_core.data.scenes.scene import Picture, Sound
from tvsl_core.errors import InputError, OutputError
from tvsl_core.training.distributed import Group
from tvsl_core.training.features.cache import CachedFeatures, fingerprint, plan_cache, problems_of
from tvsl_core.training.features.cache_build import build_cache
from tvsl_core.training.features.live import OBJECTS, LiveFeatures, patch_cover
from tvsl_core.training.prepare import features_of
from tvsl_core.training.run import train

CPU = torch.device("cpu")


def build(folder, source, towers, *, epochs=1, **options):
    pictures, sounds = plan_cache(LiveFeatures(source, towers), folder=folder, epochs=epochs)
    for plan in (pictures, sounds):
        build_cache(plan, LiveFeatures(source, towers), **options)
    return CachedFeatures(pictures, sounds, classes=source.classes, epochs=epochs), (pictures, sounds)


def test_a_cache_holds_what_the_towers_see_and_hear(tmp_path):
    source, towers = TinyScenes(20), TinyTowers()
    cached, _ = build(tmp_path, source, towers, epochs=2)
    live, some = LiveFeatures(source, towers), np.array([3, 0, 17])

    for epoch in (0, 1):
        for name in ("pictures", "sounds"):
            for stored, fresh in zip(getattr(cached, name)(some, epoch), getattr(live, name)(some, epoch), strict=True):
                if stored.dtype == np.float16:  # a batch of another size rounds otherwise in the last place
                    assert np.allclose(stored, fresh, atol=2e-3)
                else:
                    assert np.array_equal(stored, fresh)


def test_later_epochs_begin_with_the_first_again(tmp_path):
    cached, _ = build(tmp_path, TinyScenes(8), TinyTowers(), epochs=2)
    zero, one, two = (cached.pictures(np.arange(8), epoch).features for epoch in (0, 1, 2))

    assert np.array_equal(zero, two) and not np.array_equal(zero, one)


def test_training_from_a_cache_is_training_on_rounded_features(tmp_path):
    run = make_run(tmp_path / "cached", cache=tmp_path / "cache", epochs=1, swap_sounds=0.5)
    train(run, device=CPU)
    train(make_run(tmp_path / "live", epochs=1, swap_sounds=0.5), device=CPU)
    from safetensors.torch import load_file

    cached, live = (load_file(newest(tmp_path / name)) for name in ("cached", "live"))
    for name, value in live.items():
        if name.startswith("heads."):
            assert torch.allclose(value, cached[name], atol=0.05), name


def test_the_size_is_announced_before_anything_is_built(tmp_path):
    source, towers = TinyScenes(20), TinyTowers()
    plans = plan_cache(LiveFeatures(source, towers), folder=tmp_path, epochs=2)

    assert not any(plan.is_built or plan.folder.exists() for plan in plans)
    assert source.drawn <= 2
    for plan in plans:
        build_cache(plan, LiveFeatures(source, towers))
        stored = sum(path.stat().st_size for path in plan.folder.glob("*.npy") if path.name != "done.npy")
        assert plan.bytes <= stored <= plan.bytes + 128 * 8


def test_a_built_cache_is_not_built_again(tmp_path):
    source, towers = TinyScenes(8), TinyTowers()
    build(tmp_path, source, towers)
    seen, heard = towers.pictures_seen, towers.sounds_heard
    build(tmp_path, source, towers)

    assert (towers.pictures_seen, towers.sounds_heard) == (seen + 1, heard + 1), "only the example goes through again"


def test_an_interrupted_build_continues_where_it_stopped(tmp_path):
    source, towers = TinyScenes(40), TinyTowers()
    (pictures, _), told = plan_cache(LiveFeatures(source, towers), folder=tmp_path, epochs=1), []

    def interrupt(progress):
        told.append(progress.done)
        if progress.done >= 24:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_cache(pictures, LiveFeatures(source, towers), listener=interrupt, flush_s=0.0)
    assert not pictures.folder.exists()
    before = towers.pictures_seen
    build_cache(pictures, LiveFeatures(source, towers))

    assert towers.pictures_seen - before == 40 - 24
    assert told == [8, 16, 24]
    whole, _ = build(tmp_path / "whole", source, towers)
    rows = np.load(pictures.folder / "features.npy")
    assert np.array_equal(rows, whole.pictures(np.arange(40), 0).features)


def test_processes_that_render_change_nothing(tmp_path):
    one, _ = build(tmp_path / "one", TinyScenes(20), TinyTowers())
    two, _ = build(tmp_path / "two", TinyScenes(20), TinyTowers(), workers=2)

    assert np.array_equal(one.pictures(np.arange(20), 0).features, two.pictures(np.arange(20), 0).features)
    assert np.array_equal(one.sounds(np.arange(20), 0).features, two.sounds(np.arange(20), 0).features)


class Shorter(TinyScenes):
    """As many scenes as one likes under one fingerprint."""

    def fingerprint(self):
        return TinyScenes(8).fingerprint()

    def __len__(self):
        return 7


@pytest.mark.parametrize(
    "other",
    [
        {"source": TinyScenes(8, seed=1)},
        {"towers": TinyTowers(seed=1)},
        {"towers": TinyTowers(gain=0.9)},
        {"epochs": 2},
        {"side": "sounds"},
        {"source": Shorter(8)},
        {"classes": (*CLASSES, "zither")},
    ],
    ids=["scenes", "weights", "preprocessing", "epochs", "side", "number", "classes"],
)
def test_whatever_changes_the_numbers_changes_the_fingerprint(other):
    given = {"source": TinyScenes(8), "towers": TinyTowers(), "epochs": 1, "side": "pictures", "classes": CLASSES}
    same, changed = given | {"source": TinyScenes(8)}, given | other

    assert fingerprint(**given) == fingerprint(**same)
    assert fingerprint(**given) != fingerprint(**changed)


def test_scenes_that_cannot_be_read_are_left_out_and_told(tmp_path):
    source = TinyScenes(40, broken=(5, 17))
    cached, (pictures, sounds) = build(tmp_path, source, TinyTowers())

    assert cached.usable.tolist() == [n for n in range(40) if n not in (5, 17)]
    for plan in (pictures, sounds):
        assert problems_of(plan) == [f"clip{n}.mp4 ends in the middle of a frame." for n in (17, 5)]
    done = train(make_run(tmp_path / "run", train=source, cache=tmp_path, epochs=1), device=CPU)
    assert len(done.problems) == 2


def test_too_many_unreadable_scenes_end_the_build_and_what_was_read_is_kept(tmp_path):
    source, towers = TinyScenes(40, broken=tuple(range(3, 12))), TinyTowers()
    (pictures, _) = plan_cache(LiveFeatures(source, towers), folder=tmp_path, epochs=1)

    with pytest.raises(InputError, match=r"9 of 40 pictures cannot be read. The last one: clip11.mp4 ends"):
        build_cache(pictures, LiveFeatures(source, towers))
    source.broken = ()
    before = towers.pictures_seen
    build_cache(pictures, LiveFeatures(source, towers))
    assert towers.pictures_seen - before == 9, "only those that could not be read before"


def test_a_class_without_a_usable_sample_is_named(tmp_path):
    class Quiet(TinyScenes):
        classes = (*CLASSES, "zither")

        def fingerprint(self):
            return "quiet"

    with pytest.raises(InputError, match=r"1 of 5 classes have no usable sample: zither. Add samples of them"):
        train(make_run(tmp_path / "run", train=Quiet(), cache=tmp_path, validation=0), device=CPU)


def test_a_class_with_pictures_alone_is_learned_from_them(tmp_path):
    from tvsl_core.model.heads_file import load_heads

    class Mute(TinyScenes):
        def fingerprint(self):
            return "mute"

        def sound(self, index, epoch, sample_rate):
            waveform, sounding = super().sound(index, epoch, sample_rate)
            return Sound(waveform, tuple(name for name in sounding if name != "dog"))

    done = train(make_run(tmp_path / "run", train=Mute(), cache=tmp_path, validation=0, epochs=1), device=CPU)
    details = load_heads(done.heads)[1].details
    assert details["looks"] == list(CLASSES)
    assert details["sounds"] == ["bell", "flute", "horse"]


def test_pictures_of_several_sizes_are_refused(tmp_path):
    class Odd(TinyScenes):
        def picture(self, index, epoch):
            frame, visible, regions = super().picture(index, epoch)
            return Picture(frame[:16], visible, regions[:16]) if index == 9 else Picture(frame, visible, regions)

    with pytest.raises(InputError, match="must have one size, got 48 x 16 and 48 x 32"):
        build(tmp_path, Odd(20), TinyTowers())


def test_a_disk_without_room_is_told_before_anything_is_written(tmp_path, monkeypatch):
    import resource

    source, towers = TinyScenes(4000), TinyTowers()
    plans = plan_cache(LiveFeatures(source, towers), folder=tmp_path, epochs=1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OutputError, match="Cannot write"):
            build_cache(plans[0], LiveFeatures(source, towers))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    build_cache(plans[0], LiveFeatures(source, towers))
    assert plans[0].folder.is_dir()

    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("usage", (), {"free": 1000}))
    with pytest.raises(OutputError, match=r"the feature cache of the sounds needs 0.\d+ GB .* 0.00 GB are free"):
        build_cache(plans[1], LiveFeatures(source, towers))


def test_a_damaged_cache_says_so(tmp_path):
    source, towers = TinyScenes(8), TinyTowers()
    _, (pictures, sounds) = build(tmp_path, source, towers)
    (pictures.folder / "features.npy").write_bytes(b"nothing")

    with pytest.raises(InputError, match=r"is damaged: .* Delete that folder"):
        CachedFeatures(pictures, sounds, classes=CLASSES, epochs=1)


def test_patches_know_how_much_of_them_each_object_covers():
    regions = np.zeros((16, 24), np.int16)
    regions[:8, 4:16] = 1
    regions[8:, 16:] = -1
    cover, known = patch_cover(regions, (2, 3), 1)

    assert cover.shape == (6, OBJECTS)
    assert cover[:, 0].tolist() == [128, 255, 0, 0, 0, 0]
    assert known.tolist() == [True, True, True, True, True, False]


def test_runs_from_a_cache_are_repeatable(tmp_path):
    for name in ("one", "two"):
        train(make_run(tmp_path / name, cache=tmp_path / "cache", epochs=1), device=CPU)

    assert digest(newest(tmp_path / "one")) == digest(newest(tmp_path / "two"))


def test_a_validation_split_without_some_classes_keeps_their_numbers(tmp_path):
    class Few(TinyScenes):
        classes = ("dog", "horse")

        def picture(self, index, epoch):
            frame, _, regions = super().picture(2 * index, epoch)
            return Picture(frame, ("horse",), regions)

    features, _ = features_of(make_run(tmp_path / "run", cache=tmp_path), Few(8), Group(), lambda event: None, epochs=1)

    assert features.classes == CLASSES
    assert set(features.pictures(np.arange(4), 0).visible[:, 0].tolist()) == {CLASSES.index("horse")}
    assert features.sounds(np.arange(4), 0).sounding.shape == (4, 4)
