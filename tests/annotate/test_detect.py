from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tvsl_core.annotate.detect import DetectOptions, Detector, InstantEvidence, detect, pool_sound
from tvsl_core.annotate.embed import EmbeddedClip
from tvsl_core.annotate.localize import different_objects, keep_own_parts, localize, separate, spread_over_objects
from tvsl_core.model.calibration import Calibration
from tvsl_core.model.evidence import Patches, Positions
from tvsl_core.model.load import load_model
from tvsl_core.model.tvsl import MapOptions

GRID = (4, 6)


@pytest.fixture(scope="module")
def model():
    """Towers whose positions are labels, so that a test can write down what is heard."""
    return load_model("compact-untrained", device="cpu")


def scene(model, *, heard=(), seen=(), time=0, loudness=0.9):
    """A clip in which classes sound steadily, and are seen each in two patches of its own."""
    names = list(model.vocabulary.names)
    positions = torch.zeros(10, model.towers.dim)
    for name in heard:
        own = model.evidence.text[names.index(name)].clone()
        own[:1000] = 0
        positions += loudness * (own == own.max()) * own
    patches = torch.zeros(GRID[0] * GRID[1], model.towers.dim)
    for place, name in enumerate(seen):
        own = model.evidence.text[names.index(name)].clone()
        own[1000:] = 0
        strongest = (own == own.max()).nonzero()[0]
        patches[6 + 3 * place : 8 + 3 * place, strongest] = 0.95
    alike = torch.eye(len(patches))
    return EmbeddedClip(
        time=Fraction(time), frame_index=0, pts=0, patches=Patches(joint=patches), grid=GRID,
        foreground=patches.amax(dim=1).reshape(GRID), affinity=alike,
        positions=Positions(joint=positions.clamp(0, 1)), offsets_s=np.linspace(-2.2, 2.2, 10), window=(0.0, 5.0),
    )  # fmt: skip


def names_of(found):
    return {detection.name: detection.verdict for detection in found}


def test_what_sounds_and_is_seen_is_found(model):
    found = detect(scene(model, heard=["dog"], seen=["dog"]), model, DetectOptions())

    assert names_of(found) == {"dog": "sounding"}


def test_what_is_seen_and_silent_is_not_reported(model):
    found = detect(scene(model, heard=["dog"], seen=["dog", "violin"]), model, DetectOptions())

    assert names_of(found) == {"dog": "sounding"}


def test_what_is_heard_and_not_seen_is_offscreen(model):
    found = detect(scene(model, heard=["dog"], seen=["violin"]), model, DetectOptions())

    assert names_of(found) == {"dog": "offscreen"}


def test_any_number_of_sources_is_found_up_to_the_limit(model):
    clip = scene(model, heard=["dog", "violin", "rooster"], seen=["dog", "violin", "rooster"])

    assert set(names_of(detect(clip, model, DetectOptions()))) == {"dog", "violin", "rooster"}
    assert len(detect(clip, model, DetectOptions(max_sources=2))) == 2


def test_silence_gives_nothing(model):
    quiet = scene(model, heard=[], seen=["dog"])

    assert detect(quiet, model, DetectOptions()) == ()


def test_one_sound_gets_one_name(model):
    found = detect(scene(model, heard=["violin"], seen=["violin"]), model, DetectOptions())

    assert names_of(found) == {"violin": "sounding"}


def borrowers(vocabulary):
    """(owner, borrower) of a sound label, where each has a look of its own."""
    for owner in vocabulary:
        own = {label for label, weight in owner.sounds.items() if weight == 1}
        for other in vocabulary:
            lent = [label for label in own if 0.4 <= other.sounds.get(label, 0) < 1]
            looks = [label for label, weight in other.looks.items() if weight == 1 and label not in owner.looks]
            kin = vocabulary.ancestors(owner.name) | vocabulary.ancestors(other.name) | {owner.name}
            if lent and looks and max(owner.looks.values()) == 1 and not kin & {owner.name, other.name} - {owner.name}:
                yield owner.name, other.name


def test_what_speaks_for_a_found_class_does_not_speak_for_another(model):
    pairs = list(borrowers(model.vocabulary))[:20]
    reported = [detect(scene(model, heard=[one], seen=[one, two]), model, DetectOptions()) for one, two in pairs]

    assert len(pairs) >= 5
    assert all(two not in names_of(found) for (_, two), found in zip(pairs, reported, strict=True))


def test_a_faint_sound_counts_when_its_source_is_seen_and_not_otherwise(model):
    faint = {"heard": ["dog"], "loudness": 0.15}

    assert names_of(detect(scene(model, seen=["dog"], **faint), model, DetectOptions())) == {"dog": "sounding"}
    assert detect(scene(model, seen=["violin"], **faint), model, DetectOptions()) == ()


def test_a_higher_threshold_never_finds_more(model):
    clip = scene(model, heard=["dog", "violin"], seen=["dog", "violin"], loudness=0.3)
    counts = [len(detect(clip, model, DetectOptions(min_score=score))) for score in (0.0, 0.5, 0.9, 1.0)]

    assert counts == sorted(counts, reverse=True)


def test_what_just_sounded_is_heard_for_longer(model):
    clear = {"heard": ["dog"], "seen": ["dog"]}
    detector = Detector(model, DetectOptions())
    for step in range(3):
        detector.feed(scene(model, time=Fraction(step, 2), **clear))
    faint = scene(model, time=Fraction(3, 2), loudness=0.04, **clear)

    assert detect(faint, model, DetectOptions()) == ()
    assert set(names_of(detector.feed(faint))) == {"dog"}


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_pooled_sound_stays_within_what_was_heard(count, seed):
    heard = torch.from_numpy(np.random.default_rng(seed).random((count, 3), dtype=np.float32))
    pooled = pool_sound(heard, torch.linspace(-2, 2, count))

    assert (pooled <= heard.amax(dim=0) + 1e-6).all()
    assert (pooled >= 0).all()


def test_sound_far_from_the_instant_does_not_count_as_sounding_now():
    heard = torch.ones(4, 2)

    assert pool_sound(heard, torch.tensor([-2.0, -1.5, 1.5, 2.0])).tolist() == [0.0, 0.0]


def test_each_class_is_on_its_own_patches(model):
    clip = scene(model, heard=["dog", "violin"], seen=["dog", "violin"])
    located = localize(clip, detect(clip, model, DetectOptions()), model, frame_size=(600, 400))
    peaks = {detection.name: int(grid.values.argmax()) for detection, grid in located}

    assert peaks["dog"] in (6, 7)
    assert peaks["violin"] in (9, 10)


def test_shuffled_patches_shuffle_the_map(model):
    clip = scene(model, heard=["dog"], seen=["dog", "violin"])
    order = torch.randperm(24, generator=torch.Generator().manual_seed(1))
    text = [list(model.vocabulary.names).index("dog")]
    straight = model.class_maps(patches=clip.patches, positions=clip.positions, klasses=text)
    shuffled = model.class_maps(patches=clip.patches[order], positions=clip.positions, klasses=text)

    assert torch.allclose(straight[:, order], shuffled)


def test_each_class_gets_the_map_that_it_would_get_alone(model):
    clip = scene(model, heard=["dog", "violin"], seen=["dog", "violin"])
    both = [list(model.vocabulary.names).index(name) for name in ("dog", "violin")]
    together = model.class_maps(patches=clip.patches, positions=clip.positions, klasses=both)
    alone = model.class_maps(patches=clip.patches, positions=clip.positions, klasses=both[1:])

    assert torch.allclose(together[1:], alone)


def test_rivals_do_not_share_a_patch():
    maps = torch.tensor([[1.0, 0.9, 0.1, 0.0], [0.0, 0.5, 1.0, 0.2]])
    apart = separate(maps)

    assert ((apart > 0).sum(dim=0) <= 1).all()
    assert apart.amax(dim=1).tolist() == [1.0, 1.0]


def test_a_map_reaches_over_the_patches_that_look_like_its_peak():
    alike = torch.eye(6)
    alike[:3, :3] = 0.9
    peak_only = torch.tensor([[1.0, 0, 0, 0, 0, 0]])
    spread = spread_over_objects(peak_only, alike, torch.ones(6), MapOptions())

    assert (spread[0, :3] > 0.5).all()
    assert (spread[0, 3:] == 0).all()


def test_background_goes_out_of_a_map():
    flat = torch.ones(1, 4)
    spread = spread_over_objects(flat, torch.ones(4, 4), torch.tensor([1.0, 0.9, 0.1, 0.0]), MapOptions())

    assert spread[0, 2:].tolist() == [0.0, 0.0]


def test_two_names_for_one_object_leave_the_likelier_one():
    maps = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.9, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])

    assert different_objects(maps) == [0, 2]


def test_a_look_alike_of_another_class_goes_out_of_a_map_and_a_second_of_the_same_class_stays():
    extent = np.zeros((1, 4, 9), np.float32)
    extent[0, 1:3, 0:2] = extent[0, 1:3, 3:5] = extent[0, 1:3, 7:9] = 1.0
    evidence = np.zeros((2, 4, 9), np.float32)
    evidence[0, 1:3, 0:2] = 0.9  # the dog
    evidence[0, 1:3, 3:5], evidence[1, 1:3, 3:5] = 0.5, 0.6  # a sheep, rather like a dog
    evidence[0, 1:3, 7:9] = 0.7  # another dog
    kept = keep_own_parts(extent, evidence, [0])

    assert kept[0, 1, 0] == kept[0, 1, 8] == 1.0
    assert kept[0, 1:3, 3:5].max() == 0.0


def test_offscreen_sources_have_no_map(model):
    clip = scene(model, heard=["dog"], seen=["violin"])
    ((detection, grid),) = localize(clip, detect(clip, model, DetectOptions()), model, frame_size=(60, 40))

    assert detection.verdict == "offscreen"
    assert grid is None


def test_a_threshold_out_of_range_is_refused():
    with pytest.raises(ValueError, match="sharpness"):
        MapOptions(sharpness=0)


def test_trained_and_other_names_are_ranked_by_how_far_each_is_above_its_own_threshold():
    both = SimpleNamespace(
        calibration=Calibration(sound_offset=-4.0), untrained=Calibration(sound_offset=-2.0),
        is_sound_trained=np.array([True, False]), is_look_trained=np.array([True, False]),
    )  # fmt: skip
    even = np.array([0.1, 0.1])
    first, second = InstantEvidence(sound=even, image=even, audible=even, visible=even).rank(both)

    assert first - second == pytest.approx(2 * 2.0)


def test_a_flatter_map_keeps_its_order_and_is_wider_at_half_its_height():
    maps, alike, objects = torch.tensor([[0.001, 0.02, 1.0, 0.005]]), torch.eye(4), torch.ones(4)
    steep, flat = (spread_over_objects(maps, alike, objects, MapOptions(flatness=f))[0] for f in (1.0, 0.5))

    torch.testing.assert_close(flat, steep**0.5)
    assert (flat >= 0.5).sum() > (steep >= 0.5).sum()
