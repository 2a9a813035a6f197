"""The picture of every instant is kept while a video is annotated: the strip shows it, and reads nothing again."""

from fractions import Fraction

import numpy as np
import pytest

from tests.scoring import SAMPLES
from tvsl_core import AnnotateOptions, annotate_video
from tvsl_core.annotate.embed import Unheard, embed
from tvsl_core.annotate.results import strip
from tvsl_core.annotate.rules import PeopleOptions
from tvsl_core.annotate.signals.pictures import Pictures
from tvsl_core.types import Frame


@pytest.mark.parametrize("enabled", [True, False])
def test_the_picture_of_an_instant_is_kept_for_those_that_look_for_people(model, enabled):
    shades = [np.full((64, 96, 3), (shade, 30, 90), np.uint8) for shade in (20, 120, 220)]
    frames = [Frame(time=Fraction(n, 3), pts=n, index=n, pixels=shown) for n, shown in enumerate(shades)]
    with Pictures(model, correspondence=0.0, people=PeopleOptions(enabled=enabled)) as pictures:
        for clips in embed(frames, model, Unheard(model), window_s=1.0, batch=3):
            pictures.add(clips)

        kept = pictures.picture(1 / 3)
        assert pictures.picture(0.4) is None
        assert (kept is not None) == enabled
        assert kept is None or np.abs(kept.astype(int) - shades[1]).max() <= 6


def test_a_strip_reads_nothing_again(model, tmp_path, monkeypatch):
    monkeypatch.setattr(strip, "_frame_at", lambda *_: pytest.fail("the video was read again"))
    options = AnnotateOptions(overlay="none", end_s=2.0)
    found = annotate_video(SAMPLES / "owl.mp4", out=tmp_path, model=model, options=options)

    assert len(found)
    assert (tmp_path / "strips" / "owl.mp4.jpg").stat().st_size > 5_000
