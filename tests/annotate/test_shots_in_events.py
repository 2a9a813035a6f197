"""From the evidence of a file with cuts to its events: what one shot shows is not in view in the next."""

from fractions import Fraction

import av
import numpy as np
import pytest

from tests.scoring import SAMPLES
from tvsl_core.annotate.embed import ClipSound, Unheard, embed
from tvsl_core.annotate.find import SourceFinder
from tvsl_core.annotate.objects.shots import Shots
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.signals.listen import listen
from tvsl_core.annotate.signals.pictures import Pictures
from tvsl_core.media.read.frames import read_frames
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.sound import resample
from tvsl_core.types import Frame

RATE = 16_000
USUAL = AnnotateOptions()


@pytest.fixture(scope="module")
def calls():
    """An owl that calls twice without a pause, at the towers' rate."""
    with av.open(str(SAMPLES / "sources" / "owl.ogg")) as container:
        samples = np.concatenate([one.to_ndarray().mean(axis=0) for one in container.decode(audio=0)])
        rate = container.streams.audio[0].rate
    call = resample(samples.astype(np.float32), source_rate=rate, target_rate=RATE)
    return np.concatenate([call, call])


@pytest.fixture(scope="module")
def pictures(model, calls):
    """The owl for the first half, then a grey wall; two instants a second."""
    owl = next(read_frames(probe(SAMPLES / "owl.mp4"), fps=1)).pixels
    wall = np.full_like(owl, 120)
    half = len(calls) / RATE / 2
    frames = [
        Frame(time=Fraction(number, 2), pts=number, index=number, pixels=owl if number / 2 < half else wall)
        for number in range(int(4 * half))
    ]
    with Pictures(model, correspondence=0.0) as seen:
        for clips in embed(frames, model, Unheard(model), window_s=5.0, batch=4):
            seen.add(clips)
        yield seen


def events(model, calls, pictures, shots):
    seconds = len(calls) / RATE
    heard = listen(model, ClipSound(calls, sample_rate=RATE), USUAL.analysis, end_s=seconds)
    finder = SourceFinder(heard, pictures, model, USUAL, frame_size=(960, 540), part=(0.0, seconds), shots=shots)
    return [one.event for one in finder.events() if one.event.name == "owl"]


def test_an_event_that_goes_on_over_a_cut_is_in_view_only_where_its_source_is(model, calls, pictures):
    cut_s = len(calls) / RATE / 2
    told = events(model, calls, pictures, Shots(cuts_s=(cut_s,)))
    before, after = (
        [one for one in told if one.end_s <= cut_s + 0.1],
        [one for one in told if one.start_s >= cut_s - 0.1],
    )

    assert {one.verdict for one in before} == {"sounding"}
    assert {one.verdict for one in after} == {"offscreen"}
    assert len(before) + len(after) == len(told)


def test_without_cuts_it_is_in_view_all_along(model, calls, pictures):
    assert {one.verdict for one in events(model, calls, pictures, None)} == {"sounding"}
