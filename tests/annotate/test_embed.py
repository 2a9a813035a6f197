"""Pictures and sound become vectors: which sound positions belong to which instant, and which are silence."""

from contextlib import ExitStack
from fractions import Fraction
from functools import cache
from itertools import chain

import numpy as np
import pytest
import torch

from tests.builders import make_clip
from tvsl_core.annotate.embed import (
    SeparateWindows,
    StreamedWindows,
    _loudness_of_all,
    embed,
    open_windows,
)
from tvsl_core.annotate.rules import AnalysisOptions
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.sound import SoundStream
from tvsl_core.model.evidence import Patches, PictureParts, Positions
from tvsl_core.types import Frame

RATE = 1000
USUAL = AnalysisOptions()
SILENCE_DBFS = USUAL.silence_dbfs
HOP_S, SPAN_S = 0.25, 0.5


class MeanModel:
    """A model small enough to reckon by hand: a position is the mean level of its samples, a patch one pixel.

    It is its own towers and its own evidence: what embedding asks of the three.

    Args:
        hop_s: None makes towers that see a window as a whole, as five positions.
    """

    dim, sample_rate, device = 1, RATE, torch.device("cpu")

    def __init__(self, hop_s=HOP_S):
        self.sound_hop_s, self.sound_span_s = hop_s, SPAN_S
        self.batches, self.lengths = [], []
        self.towers = self.evidence = self
        self.no_sound = Positions(joint=torch.zeros(0, self.dim))

    def read_sounds(self, waveforms):
        self.lengths.append(waveforms.shape[-1])
        if self.sound_hop_s is None:
            return Positions(joint=waveforms.abs().mean(dim=1)[:, None, None].repeat(1, 5, 1))
        spans = waveforms.unfold(-1, round(SPAN_S * RATE), round(HOP_S * RATE))
        return Positions(joint=spans.abs().mean(dim=-1, keepdim=True))

    def preprocess(self, frames):
        self.batches.append(len(frames))
        return torch.from_numpy(frames).permute(0, 3, 1, 2).float()

    def read_images(self, images):
        clips, _, rows, columns = images.shape
        patches = images.mean(dim=1).reshape(clips, rows * columns, 1)
        alike = torch.eye(rows * columns).repeat(clips, 1, 1)
        return PictureParts(
            patches=Patches(joint=patches),
            grid=(rows, columns),
            features=patches,
            foreground=images[:, 0],
            affinity=alike,
        )


def steps(seconds):
    """A level that rises by a hundredth each quarter of a second, so that a position says where it was."""
    return 0.01 * (1 + np.floor(seconds / HOP_S))


def beats(seconds):
    """Half a second of sound, half a second of silence."""
    return 0.5 * (np.mod(seconds, 1.0) < 0.5)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Makes a clip with a sound, once."""
    folder = tmp_path_factory.mktemp("clips")

    @cache
    def clip(shape):
        path = folder / f"{len(list(folder.iterdir()))}.mkv"
        recipe = {"seconds": 12, "size": (16, 16), "fps": 1, "codec": "ffv1"}
        return probe(make_clip(path, **recipe, audio="pcm_s16le", audio_rate=RATE, sound=shape))

    return clip


@pytest.fixture
def sound(clips):
    """Opens the sound of a clip that is made for it."""
    with ExitStack() as opened:
        yield lambda shape, **options: opened.enter_context(SoundStream(clips(shape), sample_rate=RATE, **options))


def frame(number, *, time=None, pixels=None):
    picture = np.full((2, 3, 3), number, np.uint8) if pixels is None else pixels
    return Frame(time=Fraction(number, 2) if time is None else time, index=number, pts=10 * number, pixels=picture)


def expected_level(centre_s):
    """Mean of the two steps that a position sees."""
    return float(steps(centre_s - 0.2) + steps(centre_s + 0.2)) / 2


def test_every_position_is_in_its_window_with_the_sound_around_its_centre(sound):
    windows = StreamedWindows(MeanModel(), sound(steps), USUAL)
    heard = windows.between(1.0, 2.0)

    assert heard.times_s.tolist() == [1.0, 1.25, 1.5, 1.75]  # half open
    assert heard.positions.joint[:, 0].tolist() == pytest.approx([expected_level(t) for t in heard.times_s], abs=1e-4)
    assert heard.positions.joint.dtype == torch.float32


def test_adjoining_windows_hold_every_position_once_and_overlapping_ones_the_same_again(sound):
    model = MeanModel()
    windows = StreamedWindows(model, sound(steps), USUAL)
    pieces = [windows.between(start, start + 1.0) for start in range(11)]
    times = np.concatenate([piece.times_s for piece in pieces])

    assert times.tolist() == [0.25 + HOP_S * index for index in range(43)]
    one = StreamedWindows(model, sound(steps), USUAL)
    first, second = one.between(2.0, 6.0), one.between(4.0, 8.0)
    assert first.times_s[8:].tolist() == second.times_s[:8].tolist()
    assert torch.equal(first.positions[8:].joint, second.positions[:8].joint)


def test_positions_do_not_depend_on_where_the_reading_began(sound):
    whole = StreamedWindows(MeanModel(), sound(steps), USUAL).between(7.0, 9.0)
    late = StreamedWindows(MeanModel(), sound(steps, start_s=6.3), USUAL, begin_s=6.3).between(7.0, 9.0)

    assert late.times_s.tolist() == whole.times_s.tolist()
    torch.testing.assert_close(late.positions.joint, whole.positions.joint, atol=1e-4, rtol=0)


def test_a_video_is_computed_in_blocks_and_each_position_once(sound):
    model = MeanModel()
    windows = StreamedWindows(model, sound(steps), USUAL)
    for start in range(10):
        windows.between(start / 2, start / 2 + 2)

    assert model.lengths == [round((19 * HOP_S + SPAN_S) * RATE)] * 2  # 20 positions each, up to 7 seconds


def test_silent_positions_are_left_out(sound):
    heard = StreamedWindows(MeanModel(), sound(beats), USUAL).between(0.0, 4.0)

    assert heard.times_s.tolist() == [t for t in np.arange(0.25, 4.0, 0.25) if t % 1.0 != 0.75]


def test_a_silent_block_is_not_computed_and_gives_an_empty_window(sound):
    model = MeanModel()
    heard = StreamedWindows(model, sound(np.zeros_like), USUAL).between(1.0, 3.0)

    assert model.lengths == []
    assert heard.positions.joint.shape == (0, 1)
    assert heard.times_s.shape == (0,)


def test_a_late_sound_is_heard_after_silent_blocks(sound):
    def late(seconds):
        return 0.5 * (seconds >= 8)

    windows = StreamedWindows(MeanModel(), sound(late), USUAL)

    assert windows.between(0.0, 4.0).times_s.size == 0
    assert windows.between(8.0, 9.0).times_s.tolist() == [8.0, 8.25, 8.5, 8.75]


def test_what_nobody_could_hear_is_silence_and_what_is_a_little_louder_is_not(sound):
    def level(decibels):
        return lambda seconds: np.full_like(seconds, 10 ** (decibels / 20))

    for decibels, heard in ((SILENCE_DBFS - 1, 0), (SILENCE_DBFS + 1, 4)):
        for model in (MeanModel(), MeanModel(hop_s=None)):
            times = open_windows(model, sound(level(decibels)), USUAL).between(1.0, 2.0).times_s
            assert bool(times.size) == bool(heard)
            if model.sound_hop_s:
                assert times.size == heard


def test_towers_that_see_whole_windows_spread_their_positions_evenly_over_each(sound):
    heard = SeparateWindows(MeanModel(hop_s=None), sound(steps), USUAL).between(2.0, 4.0)

    assert heard.times_s.tolist() == pytest.approx([2.2, 2.6, 3.0, 3.4, 3.8])
    assert heard.positions.joint[0, 0] == pytest.approx(
        np.mean([steps(t) for t in np.arange(2.0, 4.0, 0.25)]), abs=1e-4
    )


def test_towers_get_the_windows_that_fit_them(sound):
    assert isinstance(open_windows(MeanModel(), sound(steps), USUAL), StreamedWindows)
    assert isinstance(open_windows(MeanModel(hop_s=None), sound(steps), USUAL), SeparateWindows)
    with pytest.raises(ValueError, match="SeparateWindows"):
        StreamedWindows(MeanModel(hop_s=None), sound(steps), USUAL)


def test_windows_of_a_late_beginning_ask_for_nothing_earlier(sound):
    windows = open_windows(MeanModel(), sound(steps, start_s=5.0), USUAL, begin_s=5.0)

    assert windows.between(5.5, 6.0).times_s.tolist() == [5.5, 5.75]


def test_a_clip_is_a_frame_and_the_sound_around_it(sound):
    frames = [frame(number) for number in (2, 4, 6)]
    windows = StreamedWindows(MeanModel(), sound(steps), USUAL)
    clips = list(chain.from_iterable(embed(frames, MeanModel(), windows, window_s=1.0, batch=2)))

    for shown, clip in zip(frames, clips, strict=True):
        assert (clip.time, clip.frame_index, clip.pts) == (shown.time, shown.index, shown.pts)
        assert clip.grid == (2, 3)
        assert clip.patches.joint.tolist() == [[shown.index]] * 6
        assert clip.foreground.tolist() == [[shown.index] * 3] * 2
        assert clip.affinity.tolist() == torch.eye(6).tolist()
        assert clip.window == (float(shown.time) - 0.5, float(shown.time) + 0.5)
        assert clip.offsets_s.tolist() == [-0.5, -0.25, 0.0, 0.25]
        levels = [expected_level(float(shown.time) + offset) for offset in clip.offsets_s]
        assert clip.positions.joint[:, 0].tolist() == pytest.approx(levels, abs=1e-4)


def test_the_window_is_cut_at_the_beginning_of_the_timeline(sound):
    ((clip,),) = embed(
        [frame(0)], MeanModel(), StreamedWindows(MeanModel(), sound(steps), USUAL), window_s=2.0, batch=1
    )

    assert clip.window == (0.0, 1.0)
    assert clip.offsets_s.tolist() == [0.25, 0.5, 0.75]


@pytest.mark.parametrize(("batch", "groups"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (9, [5])])
def test_frames_go_through_the_towers_together_and_the_answer_is_the_same(sound, batch, groups):
    model = MeanModel()
    clips = list(
        embed((frame(n) for n in range(5)), model, StreamedWindows(model, sound(steps), USUAL), window_s=1, batch=batch)
    )

    assert model.batches == [len(group) for group in clips] == groups
    assert [float(clip.patches.joint.mean()) for group in clips for clip in group] == [0, 1, 2, 3, 4]


def test_towers_that_work_by_pieces_get_one_frame_at_a_time_and_the_answer_is_the_same(sound):
    model = MeanModel()
    model.has_pieces = True
    frames = (frame(n) for n in range(5))
    clips = list(embed(frames, model, StreamedWindows(model, sound(steps), USUAL), window_s=1, batch=3))

    assert model.batches == [len(group) for group in clips] == [1] * 5
    assert [float(clip.patches.joint.mean()) for (clip,) in clips] == [0, 1, 2, 3, 4]


def test_no_more_frames_are_taken_than_go_through_together(sound):
    taken = []
    frames = (taken.append(n) or frame(n) for n in range(9))
    model = MeanModel()
    next(iter(embed(frames, model, StreamedWindows(model, sound(steps), USUAL), window_s=1, batch=3)))

    assert taken == [0, 1, 2]


@pytest.mark.parametrize(("amplitude", "decibels"), [(1.0, 0.0), (0.5, -6.0206), (0.001, -60.0)])
def test_loudness_is_in_decibels_of_full_scale(amplitude, decibels):
    samples = np.full(64, amplitude, np.float32) * np.resize([1, -1], 64).astype(np.float32)

    assert _loudness_of_all(samples) == pytest.approx(decibels, abs=1e-3)
    assert _loudness_of_all(np.concatenate([samples, np.zeros(64, np.float32)])) == pytest.approx(
        decibels - 3.0103, abs=1e-3
    )


def test_digital_silence_and_no_sound_have_no_loudness():
    assert _loudness_of_all(np.zeros(8, np.float32)) == _loudness_of_all(np.zeros(0, np.float32)) == -np.inf
