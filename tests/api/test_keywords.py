"""Options as keywords of a call say what the dataclasses say, and do what they do."""

import dataclasses
import inspect
from typing import get_type_hints

import pytest

from tests.builders import make_clip
from tvsl_core import AnnotateOptions, annotate_video, annotate_videos
from tvsl_core.annotate.rules import DetectOptions, PeopleOptions
from tvsl_core.batch.keywords import AnnotateKeywords, keyword_of, with_keywords
from tvsl_core.option import traits_of


def flat_options() -> dict[str, object]:
    """Name and type of every option that stands alone: no group, or marked as on top inside one."""
    found: dict[str, object] = {}
    hints = get_type_hints(AnnotateOptions)
    for one in dataclasses.fields(AnnotateOptions):
        if not dataclasses.is_dataclass(hints[one.name]):
            found[one.name] = hints[one.name]
            continue
        inside = get_type_hints(hints[one.name])
        found |= {
            keyword_of(each): inside[each.name] for each in dataclasses.fields(hints[one.name]) if traits_of(each).top
        }
    return found


def test_the_keywords_are_the_options_by_name_and_type():
    assert get_type_hints(AnnotateKeywords) == flat_options()


def test_no_keyword_is_also_an_argument_of_its_own():
    for function in (annotate_video, annotate_videos):
        assert not set(inspect.signature(function).parameters) & set(AnnotateKeywords.__annotations__)


def test_keywords_take_the_place_of_single_options_and_leave_the_rest():
    given = AnnotateOptions(fps=1, overlay="none", detect=DetectOptions(max_sources=2))
    chosen = with_keywords(given, {"fps": 4, "min_score": 0.3})

    assert chosen == AnnotateOptions(fps=4, overlay="none", detect=DetectOptions(min_score=0.3, max_sources=2))
    assert with_keywords(None, {}) == AnnotateOptions()
    assert with_keywords(None, {"people": False}).people == PeopleOptions(enabled=False)


def test_a_misspelled_keyword_names_the_nearest_one(tmp_path):
    with pytest.raises(TypeError, match=r"no option 'fsp'\. Did you mean 'fps'"):
        annotate_video("a.mp4", out=tmp_path, fsp=4)
    with pytest.raises(ValueError, match="fps must lie in"):
        annotate_videos("a.mp4", out=tmp_path, fps=0)


def test_keywords_reach_the_annotation(tmp_path, model):
    clip = make_clip(tmp_path / "a.mp4", seconds=1, size=(64, 48), sound="tone")
    annotate_video(clip, out=tmp_path / "out", model=model, overlay="none", strips=False)

    assert (tmp_path / "out/sources/a.mp4.parquet").is_file()
    assert not (tmp_path / "out/strips").exists()
    assert not (tmp_path / "out/heatmaps").exists()
