from dataclasses import replace

import numpy as np
import pytest

from tvsl_core.annotate.evidence import CONTEXT, FEATURES, FineEvidence, features, spectral_change, strongest_classes

KLASSES = 6


def evidence(positions: int = 40, seed: int = 0) -> FineEvidence:
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(-4, 3, shape).astype(np.float32)

    return FineEvidence(
        sound=draw(positions, KLASSES),
        untrained=draw(positions, KLASSES),
        level_db=draw(positions) * 5 - 20,
        rise=np.abs(draw(positions)),
        fall=np.abs(draw(positions)),
        look=draw(positions, KLASSES),
        look_broad=draw(positions, KLASSES),
        trained=np.arange(KLASSES) % 2 == 0,
    )


def kin_of(*pairs: tuple[int, int]) -> np.ndarray:
    kin = np.eye(KLASSES, dtype=bool)
    for one, other in pairs:
        kin[one, other] = kin[other, one] = True
    return kin


def column(values: np.ndarray, name: str) -> np.ndarray:
    return values[..., FEATURES.index(name)]


ALL = np.arange(KLASSES)


def test_classes_in_any_order_get_the_same_features():
    given, order = evidence(), np.array([4, 2, 0, 5, 1, 3])
    kin = kin_of((0, 1), (2, 5))
    turned = FineEvidence(
        sound=given.sound[:, order], untrained=given.untrained[:, order], level_db=given.level_db, rise=given.rise,
        fall=given.fall, look=given.look[:, order], look_broad=given.look_broad[:, order], trained=given.trained[order],
    )  # fmt: skip

    # close, not equal: a mean over the strongest adds them up in another order
    expected = features(given, ALL, kin)[:, order]
    np.testing.assert_allclose(features(turned, ALL, kin[np.ix_(order, order)]), expected, rtol=1e-4, atol=1e-4)


def test_a_class_that_is_not_asked_about_is_a_rival_all_the_same():
    given = evidence()

    np.testing.assert_array_equal(features(given, ALL[:2], kin_of()), features(given, ALL, kin_of())[:, :2])


def test_kin_are_no_rivals():
    given = evidence()
    given.sound[:, 1] = 15
    apart, kin = (features(given, ALL[:1], one) for one in (kin_of(), kin_of((0, 1))))

    assert (column(apart, "rival") == 15).all()
    assert (column(kin, "rival") < 15).any()
    np.testing.assert_allclose(column(kin, "over_kin")[:, 0], given.sound[:, 0] - 15)


def test_sound_beyond_the_context_says_nothing():
    given = evidence(positions=4 * CONTEXT)
    far = replace(given, sound=given.sound.copy(), level_db=given.level_db.copy())
    far.sound[2 * CONTEXT + 1 :] += 9
    far.level_db[2 * CONTEXT + 1 :] += 60

    near = slice(0, CONTEXT - 3)
    np.testing.assert_array_equal(features(far, ALL, kin_of())[near], features(given, ALL, kin_of())[near])
    assert (features(far, ALL, kin_of())[CONTEXT + 3] != features(given, ALL, kin_of())[CONTEXT + 3]).any()


def test_evidence_is_read_around_each_position():
    given = evidence()
    values = features(given, ALL, kin_of())

    np.testing.assert_array_equal(column(values, "sound+0"), given.sound)
    np.testing.assert_array_equal(column(values, "sound+5")[:-5], given.sound[5:])
    np.testing.assert_array_equal(column(values, "sound-16")[:16], np.repeat(given.sound[:1], 16, axis=0))


def test_louder_as_a_whole_changes_only_the_loudness():
    given = evidence()
    louder = features(replace(given, level_db=given.level_db + 6), ALL, kin_of())
    changed = {
        name for name in FEATURES if not np.allclose(column(louder, name), column(features(given, ALL, kin_of()), name))
    }

    assert changed == {"loudest"}


def test_a_single_class_has_no_rival():
    alone = FineEvidence(
        sound=np.zeros((9, 1), np.float32), untrained=np.zeros((9, 1), np.float32), level_db=np.zeros(9, np.float32),
        rise=np.zeros(9, np.float32), fall=np.zeros(9, np.float32), look=np.zeros((9, 1), np.float32),
        look_broad=np.zeros((9, 1), np.float32), trained=np.ones(1, bool),
    )  # fmt: skip
    values = features(alone, np.arange(1), np.eye(1, dtype=bool))

    assert np.isfinite(values).all()
    assert (column(values, "rank") == 0).all()


def test_the_strongest_classes_come_first():
    given = evidence()
    given.sound[7, 3], given.sound[2, 5] = 30, 20

    assert strongest_classes(given, most=2).tolist() == [3, 5]


def test_a_beginning_rises_and_an_end_falls():
    bands = np.full((6, 4), -60, np.float32)
    bands[2:4] = -10
    rise, fall = spectral_change(bands)

    assert np.flatnonzero(rise).tolist() == [2]
    assert np.flatnonzero(fall).tolist() == [4]


def test_evidence_of_two_lengths_is_refused():
    with pytest.raises(ValueError, match="level_db"):
        replace(evidence(), level_db=np.zeros(3, np.float32))
