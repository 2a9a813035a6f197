from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tvsl_core.annotate.detect import Detector, InstantEvidence, detect, pool_sound
from tvsl_core.annotate.embed import EmbeddedClip
from tvsl_core.annotate.rules import DetectOptions, MapOptions
from tvsl_core.model.calibration import Calibration
from tvsl_core.model.evidence import Patches, Positions
from tvsl_core.model.load import load_model

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
    pooled = pool_sound(heard, torch.linspace(-2, 2, count), DetectOptions())

    assert (pooled <= heard.amax(dim=0) + 1e-6).all()
    assert (pooled >= 0).all()


def test_sound_far_from_the_instant_does_not_count_as_sounding_now():
    heard = torch.ones(4, 2)

    assert pool_sound(heard, torch.tensor([-2.0, -1.5, 1.5, 2.0]), DetectOptions()).tolist() == [0.0, 0.0]


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


def test_a_threshold_out_of_range_is_refused():
    with pytest.raises(ValueError, match="sharpness"):
        MapOptions(sharpness=0)


def test_trained_and_other_names_are_ranked_by_how_far_each_is_above_its_own_threshold():
    both = SimpleNamespace(
        calibration=Calibration(sound_offset=-4.0), untrained=Calibration(sound_offset=-2.0),
        is_sound_trained=np.array([True, False]), is_look_trained=np.array([True, False]),
    )  # fmt: skip
    even = np.array([0.1, 0.1])
    first, second = InstantEvidence(sound=even, image=even, audible=even, visible=even).rank(both, DetectOptions())

    assert first - second == pytest.approx(2 * 2.0)
