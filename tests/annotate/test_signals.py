"""From the sound and pictures of a whole file to events: in pieces as at once, in little memory."""

import av
import numpy as np
import pytest

from tests.builders import make_clip
from tests.scoring import SAMPLES
from tvsl_core.annotate.embed import ClipSound
from tvsl_core.annotate.evidence import HOP_S
from tvsl_core.annotate.find import SourceFinder, least_scores
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.rules import AnalysisOptions, EventOptions
from tvsl_core.annotate.signals import score as scoring
from tvsl_core.annotate.signals.clip import read_clip
from tvsl_core.annotate.signals.levels import levels
from tvsl_core.annotate.signals.listen import BLOCK, NOTHING, SoundEvidence, listen, listen_on, sound_from_s
from tvsl_core.annotate.signals.score import overlapping, score_events
from tvsl_core.errors import ManifestError
from tvsl_core.media.read.frames import read_frames
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.sound import SoundStream, resample
from tvsl_core.tuning.predict import benchmark_vocabulary
from tvsl_core.vocabulary.classes import Vocabulary, VocabularyClass

RATE = 16_000
USUAL = AnnotateOptions()


@pytest.fixture(scope="module")
def call():
    """An owl, 2.3 s, at the towers' rate."""
    with av.open(str(SAMPLES / "sources" / "owl.ogg")) as container:
        samples = np.concatenate([one.to_ndarray().mean(axis=0) for one in container.decode(audio=0)])
        rate = container.streams.audio[0].rate
    return resample(samples.astype(np.float32), source_rate=rate, target_rate=RATE)


@pytest.fixture(scope="module")
def owl():
    """The frame that shows it."""
    return next(read_frames(probe(SAMPLES / "owl.mp4"), fps=1)).pixels


def silence(seconds):
    return np.zeros(round(seconds * RATE), np.float32)


def told(model, frame, *parts, **changes):
    """The events of a clip."""
    options = AnnotateOptions(**changes)
    clip = read_clip(frame, np.concatenate(parts), model, options)
    finder = SourceFinder(clip.sound, clip.pictures, model, options, frame_size=clip.size, part=(0.0, clip.seconds))
    return [one.event for one in finder.events()]


# Hearing


def test_a_position_is_the_same_wherever_reading_began(model, tmp_path):
    sound = np.random.default_rng(0).normal(0, 0.1, 40 * RATE).astype(np.float32).clip(-1, 1)
    path = make_clip(
        tmp_path / "a.mkv", seconds=40, fps=1, size=(16, 16), audio="pcm_s16le", audio_rate=RATE,
        sound=lambda seconds: sound[np.minimum(np.rint(seconds * RATE).astype(int), len(sound) - 1)],
    )  # fmt: skip

    def heard(begin_s, end_s):
        with SoundStream(probe(path), sample_rate=RATE, start_s=sound_from_s(model, begin_s)) as stream:
            return listen(model, stream, AnalysisOptions(), begin_s=begin_s, end_s=end_s)

    whole, late, cut = heard(0.0, 40.0), heard(25.0, 40.0), heard(25.0, 35.0)

    assert late.first == cut.first == 2 * BLOCK
    assert len(whole.sound) == int(40 / HOP_S) + 1 and len(cut.sound) == int(35 / HOP_S) + 1 - cut.first
    for name in ("sound", "untrained", "level_db", "bands_db"):
        assert np.array_equal(getattr(whole, name)[late.first :], getattr(late, name)), name
        # As many positions at once as there are: networks round sums of other sizes in another order.
        rows = slice(cut.first, cut.first + len(cut.sound))
        np.testing.assert_allclose(getattr(whole, name)[rows], getattr(cut, name), rtol=2e-3, err_msg=name)


@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.5, 0.9, 1.0, 4.99])
def test_a_short_sound_has_every_position_that_it_has_in_a_long_one(model, seconds):
    sound = np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32).clip(-1, 1)
    long = ClipSound(np.pad(sound, (0, 12 * RATE)), sample_rate=RATE)
    short = listen(model, ClipSound(sound, sample_rate=RATE), AnalysisOptions(), end_s=seconds)
    whole = listen(model, long, AnalysisOptions(), end_s=12.0)
    count = len(short.sound)

    assert count == int(round(seconds * RATE) / round(HOP_S * RATE)) + 1
    np.testing.assert_allclose(short.sound, whole.sound[:count], rtol=2e-3)
    np.testing.assert_allclose(short.bands_db, whole.bands_db[:count], rtol=1e-6)


def test_stretches_follow_each_other_and_joined_are_the_whole(model):
    sound = np.random.default_rng(1).normal(0, 0.1, 25 * RATE).astype(np.float32).clip(-1, 1)
    stretches = list(listen_on(model, ClipSound(sound, sample_rate=RATE), AnalysisOptions(), end_s=25.0))

    assert [one.first for one in stretches] == [0, BLOCK, 2 * BLOCK]
    assert [one.end_s for one in stretches] == pytest.approx([100 * HOP_S, 200 * HOP_S, 261 * HOP_S])
    assert len(SoundEvidence.join(stretches).sound) == int(25 / HOP_S) + 1


def test_an_hour_of_evidence_is_small(model):
    heard = listen(model, ClipSound(silence(20), sample_rate=RATE), AnalysisOptions(), end_s=20.0)
    a_position = sum(getattr(heard, name)[0].nbytes for name in ("sound", "untrained", "level_db", "bands_db"))

    assert a_position * 3600 / HOP_S < 40e6


def test_silence_speaks_for_nothing_but_keeps_its_positions(model):
    hiss = np.random.default_rng(0).normal(0, 10 ** (-70 / 20), 5 * RATE).astype(np.float32)
    for samples, level_db in ((silence(5), -120), (hiss, -70)):
        heard = listen(model, ClipSound(samples, sample_rate=RATE), AnalysisOptions(), end_s=5.0)

        assert len(heard.sound) == int(5 / HOP_S) + 1
        assert (heard.sound == np.float16(NOTHING)).all()
        assert heard.level_db[10:40] == pytest.approx(np.full(30, level_db), abs=1.0)


def test_the_towers_have_no_second_opinion_of_a_class_that_only_the_heads_know(model, call):
    dog = model.vocabulary.find("dog")
    taught = model.with_vocabulary(Vocabulary(classes=(VocabularyClass(name="owl"), dog)))  # no label speaks for it
    heard = listen(taught, ClipSound(call, sample_rate=RATE), AnalysisOptions(), end_s=2.0)

    assert taught.is_sound_trained.all()
    assert np.array_equal(heard.untrained[:, 0], heard.sound[:, 0])
    assert not np.array_equal(heard.untrained[:, 1], heard.sound[:, 1])


def test_a_position_is_centred_on_its_time():
    samples = silence(2)
    samples[round(0.93 * RATE) :][:48] = 0.5  # 3 ms
    level, bands = levels(np.pad(samples, 2000), RATE, first=2000, count=20)

    assert int(level.argmax()) == round(0.93 / HOP_S) == 10
    assert bands[:8].max() < bands[9:12].max()


def test_levels_are_in_decibels_of_full_scale():
    level, _ = levels(np.full(4 * RATE, 0.1, np.float32), RATE, first=RATE, count=10)

    assert level == pytest.approx(np.full(10, -20.0), abs=1e-3)


# Judging


def test_events_are_the_same_in_stretches_as_at_once(model, monkeypatch, call, owl):
    few = model.with_vocabulary(benchmark_vocabulary(["owl", "dog", "violin", "trumpet", "rain", "cat"]))
    waveform = np.concatenate([silence(1), call, silence(2), call, silence(14), call, silence(9), call, silence(1)])
    clip = read_clip(owl, waveform, few, USUAL)
    found = {}
    for stretch in (100_000, 200, 20):
        monkeypatch.setattr(scoring, "STRETCH", stretch)
        found[stretch] = score_events(clip.sound, clip.pictures.instants, few, EventOptions())

    assert len(found[200]) >= 4
    assert found[20] == found[200] == found[100_000]


def test_groups_are_events_that_sound_beside_one_another(model):
    def span(first, stop):
        return scoring.EventSpan(
            klass=0, first=first, stop=stop, peak=first, peak_probability=1.0, mean_probability=1.0
        )

    spans = [span(0, 10), span(2, 4), span(9, 12), span(12, 14), span(20, 30), span(25, 26)]

    assert [len(group) for group in overlapping(spans)] == [3, 1, 2]


# Finding


def test_a_pause_makes_two_events_of_one_source(model, call, owl):
    events = told(model, owl, silence(0.5), call, silence(0.8), call, silence(0.5))
    owls = [one for one in events if one.name == "owl"]

    assert len(owls) == 2
    assert {one.source_id for one in owls} == {owls[0].source_id}
    gap = owls[1].start_s - owls[0].end_s
    assert 0.3 < gap < 1.6


def test_silence_has_no_event(model, owl):
    assert told(model, owl, silence(6)) == []


def test_an_event_over_the_end_ends_with_the_clip(model, call, owl):
    events = told(model, owl, silence(1), call[: round(1.5 * RATE)])

    assert events
    assert max(one.end_s for one in events) == 2.5
    assert all(one.start_s <= one.peak_s <= one.end_s for one in events)


def test_a_source_that_nothing_shows_is_offscreen_and_has_no_box(model, call, owl):
    events = told(model, np.full_like(owl, 200), silence(0.5), call, silence(0.5))

    assert "owl" in {one.name for one in events}
    assert {(one.verdict, one.box) for one in events} == {("offscreen", None)}


def test_a_threshold_of_its_own_mutes_a_class_and_no_other(model, call, owl):
    quiet = told(model, owl, silence(0.5), call, silence(0.5), thresholds=(("owl", 1.0),))

    assert "owl" not in {one.name for one in quiet}
    assert "owl" in {one.name for one in told(model, owl, silence(0.5), call, silence(0.5))}


def test_a_threshold_for_an_unknown_class_names_the_nearest(model):
    with pytest.raises(ManifestError, match="'dogg'") as caught:
        least_scores(model, 0.5, {"dogg": 0.3})
    assert "dog" in caught.value.hint
