"""Search by words: over events that are known, and over what the real towers see and hear in real videos."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exports.conftest import event, write_results
from tvsl_core.batch.inputs import find_videos
from tvsl_core.errors import InputError
from tvsl_core.model.load import load_towers
from tvsl_core.search.embeddings import EmbedOptions, embed_videos
from tvsl_core.search.find import FindRequest, find_moments
from tvsl_core.search.query import parse_query
from tvsl_core.search.relevance import class_relevance
from tvsl_core.types import Alternative
from tvsl_core.vocabulary.classes import load_vocabulary

SAMPLES = Path(__file__).resolve().parents[2] / "sample_videos"
CLIPS = ("owl.mp4", "cow_and_sheep.mp4", "kitten_and_offscreen_trumpet.mp4", "dog_and_silent_sheep.mp4")
EVENTS = {
    "owl.mp4": (event(0, 0.5, 1.5, name="owl", score=0.9), event(1, 2.0, 3.0, name="rooster", score=0.8)),
    "cow_and_sheep.mp4": (
        event(0, 0.0, 2.0, name="cow", score=0.7, alternatives=(Alternative(name="goat", score=0.4),)),
    ),
    "kitten_and_offscreen_trumpet.mp4": (
        event(0, 0.0, 3.0, name="trumpet", score=0.6, verdict="offscreen", box=None, alternatives=()),
        event(1, 1.0, 2.0, name="cat", score=0.5),
        event(2, 2.0, 3.0, name="trumpet", score=0.4, alternatives=()),
    ),
    "dog_and_silent_sheep.mp4": (
        event(0, 0.0, 1.0, name="dog", score=0.95),
        event(1, 1.0, 2.0, name="laughter", score=0.5, alternatives=()),
    ),
}


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """Results with events and without embeddings."""
    out = tmp_path_factory.mktemp("events")
    for name, found in EVENTS.items():
        write_results(out, name, SAMPLES / name, found)
    return out


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    """What the real towers make of real videos; no events."""
    out = tmp_path_factory.mktemp("windows")
    found = find_videos([str(SAMPLES / name) for name in CLIPS])
    embed_videos(found, out=out, towers=load_towers("compact", device="cpu"), options=EmbedOptions(every_s=2.5))
    return out


def found(results, query, **more):
    answer = find_moments(FindRequest(results=results, query=query, device="cpu", **more))
    return [(one.video.split("_")[0].removesuffix(".mp4"), one.klass, round(one.score, 2)) for one in answer.moments]


@pytest.mark.parametrize(
    ("typed", "text", "verdict"),
    [
        ("dog barking outside", "dog barking", "offscreen"),
        ("Trumpet off-screen", "trumpet", "offscreen"),
        ("a cow not in view", "a cow", "offscreen"),
        ("out of sight dog", "dog", "offscreen"),
        ("outside of the frame: dog", ": dog", "offscreen"),
        ("cow in the picture", "cow", "sounding"),
        ("visible owl", "owl", "sounding"),
        ("inside out", "inside out", None),
        ("dog", "dog", None),
    ],
)
def test_words_for_the_place_are_told_from_words_for_the_thing(typed, text, verdict):
    query = parse_query(typed)

    assert (query.text, query.verdict) == (text, verdict)


@pytest.mark.parametrize("typed", ["", "   ", "outside", "the", "?!", "x" * 501])
def test_a_search_for_nothing_says_so(typed):
    with pytest.raises(InputError, match="search"):
        parse_query(typed)


def test_names_aliases_and_plurals_find_their_class(events):
    assert found(events, "owls") == [("owl", "owl", 0.9)]
    assert found(events, "kitten meowing") == found(events, "cat") == [("kitten", "cat", 0.5)]
    assert found(events, "dog barking loudly") == [("dog", "dog", 0.95)]
    assert found(events, "cow and cat") == [("cow", "cow", 0.7), ("kitten", "cat", 0.5)]


def test_a_generic_name_finds_what_is_one_and_a_special_name_what_may_be_one(events, tmp_path):
    assert found(events, "bird") == [("owl", "owl", 0.85), ("owl", "rooster", 0.76)]
    assert [name for _, name, _ in found(events, "animals")] == ["dog", "owl", "rooster", "cow", "cat"]
    write_results(tmp_path, "owl.mp4", SAMPLES / "owl.mp4", (event(0, 0, 1, name="bird", score=0.8, alternatives=()),))
    assert found(tmp_path, "owl") == [("owl", "bird", 0.4)]


def test_what_an_event_could_also_be_is_found_with_that_score(events):
    assert found(events, "goat") == [("cow", "cow", 0.4)]


def test_off_screen_and_in_view_leave_only_such_events(events):
    assert found(events, "trumpet") == [("kitten", "trumpet", 0.6), ("kitten", "trumpet", 0.4)]
    assert found(events, "trumpet outside") == [("kitten", "trumpet", 0.6)]
    assert found(events, "trumpet in view") == [("kitten", "trumpet", 0.4)]


def test_words_that_name_no_class_are_understood_by_their_meaning(events):
    """With the text encoder of the real towers."""
    ((video, name, score),) = found(events, "people chuckle")

    assert (video, name) == ("dog", "laughter")
    assert 0.25 < score < 0.5
    assert found(events, "qwzx") == []


def relevance(words, *names):
    towers = load_towers("compact", device="cpu")
    return class_relevance(
        parse_query(words), names, load_vocabulary(), lambda texts: towers.embed_names(texts).float().numpy()
    )


def test_the_longest_name_is_meant():
    answer = relevance("church bells", "church bell", "bell")

    assert answer["church bell"] == 1.0
    assert answer.get("bell", 0.0) < 1.0


def test_letters_without_sense_mean_no_class():
    assert relevance("qwzx", *load_vocabulary().names) == {}


def test_limits_and_least_scores_hold(events):
    assert len(found(events, "animal", limit=2)) == 2
    assert found(events, "trumpet", min_score=0.5) == [("kitten", "trumpet", 0.6)]
    with pytest.raises(ValueError, match="limit"):
        FindRequest(results=events, query="x", limit=0)


@pytest.mark.parametrize(
    ("query", "video"),
    [("an owl at night", "owl"), ("a cow", "cow"), ("a dog barks", "dog"), ("trumpet music", "kitten")],
)
def test_windows_are_found_by_what_is_seen_and_heard_in_them(windows, query, video):
    answer = found(windows, query)

    assert answer[0][0] == video
    assert answer[0][1] == ""


@pytest.mark.parametrize(
    ("query", "video"), [("sheep in the picture", "cow"), ("kitten in view", "kitten"), ("an owl, visible", "owl")]
)
def test_what_is_asked_for_in_view_is_looked_for_in_pictures(windows, query, video):
    assert found(windows, query)[0][0] == video


def test_windows_that_are_far_from_the_nearest_are_no_answer(windows):
    """The cow lows in the first window; the second one has a third of its likeness."""
    scores = [score for _, _, score in found(windows, "cow")]

    assert min(scores) >= 0.5 * max(scores) - 0.01


def test_what_is_off_screen_is_looked_for_by_ear_alone(windows):
    def ways(query):
        answer = find_moments(FindRequest(results=windows, query=query, device="cpu"))
        return {one.found for one in answer.moments}

    assert ways("dog in the picture") == {"image"}
    assert "image" not in ways("dog outside")
    assert ways("trumpet outside") == {"audio"}


def test_events_come_before_windows(events, windows, tmp_path):
    shutil.copytree(events, tmp_path / "r")
    shutil.copytree(windows / "embeddings", tmp_path / "r/embeddings")

    answer = find_moments(FindRequest(results=tmp_path / "r", query="owl", device="cpu"))

    kinds = ["event" if one.found == "event" else "window" for one in answer.moments]
    assert kinds == sorted(kinds)
    assert set(kinds) == {"event", "window"}


def test_embeddings_of_other_weights_are_left_out_and_said_to_be(windows, tmp_path):
    import pyarrow.parquet as pq

    source = windows / "embeddings/owl.mp4.parquet"
    table = pq.read_table(source)
    facts = dict(table.schema.metadata) | {b"tvsl.weights_sha256": b"0"}
    (tmp_path / "embeddings").mkdir()
    pq.write_table(table.replace_schema_metadata(facts), tmp_path / "embeddings/owl.mp4.parquet")

    answer = find_moments(FindRequest(results=tmp_path, query="owl", device="cpu"))

    assert answer.moments == ()
    assert "other weights" in answer.notes[0]


def test_a_folder_without_results_or_with_damaged_embeddings_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="holds no results"):
        find_moments(FindRequest(results=tmp_path, query="dog", device="cpu"))
    (tmp_path / "embeddings").mkdir()
    (tmp_path / "embeddings/a.mp4.parquet").write_bytes(b"no table")
    with pytest.raises(InputError, match=r"a\.mp4\.parquet.*damaged"):
        find_moments(FindRequest(results=tmp_path, query="dog", device="cpu"))


def test_the_command_gives_programs_lines_and_people_a_sentence(events, capsys):
    from tvsl_cli.__main__ import main

    assert main(["search", str(events), "trumpet outside"]) == 0
    told = capsys.readouterr()
    assert told.out == "kitten_and_offscreen_trumpet.mp4\t0.000\t3.000\ttrumpet\t0.6000\n"
    assert "1 moment of trumpet, off screen." in told.err

    assert main(["search", str(events), "owl", "--jsonl", "--quiet"]) == 0
    told = capsys.readouterr()
    (line,) = told.out.splitlines()
    assert json.loads(line) | {"box": None} == {
        **{"video": "owl.mp4", "start_s": 0.5, "end_s": 1.5, "class": "owl", "score": 0.9, "found": "event"},
        **{"verdict": "sounding", "peak_s": 0.5, "box": None},
    }
    assert told.err == ""


def test_a_search_that_finds_nothing_says_what_there_is(events, capsys):
    from tvsl_cli.__main__ import main

    assert main(["search", str(events), "violin"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "0 moments" in told.err
    assert "cat, cow, dog" in told.err
    assert "tvsl embed" in told.err


def test_a_terminal_gets_a_table_on_standard_error(events, capsys, monkeypatch):
    from tvsl_cli.__main__ import main

    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert main(["search", str(events), "trumpet"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "off screen" in told.err
    assert "in view" in told.err


def test_the_page_shows_each_moment_and_leads_to_it(events, tmp_path):
    """Links lead into the report where there is one, else into the video."""
    from tvsl_core.report.viewer.data import video_id
    from tvsl_core.search.page import write_page

    answer = find_moments(FindRequest(results=events, query="trumpet", device="cpu"))
    write_page(answer, tmp_path / "moments.html", results=events)
    text = (tmp_path / "moments.html").read_text(encoding="utf-8")

    assert text.count("<li>") == text.count("data:image/jpeg;base64,") == 2
    assert "trumpet (off screen)" in text
    assert "kitten_and_offscreen_trumpet.mp4#t=0.00" in text
    (tmp_path / "r/report").mkdir(parents=True)
    (tmp_path / "r/report/index.html").touch()
    write_page(answer, tmp_path / "moments.html", results=tmp_path / "r")
    again = (tmp_path / "moments.html").read_text(encoding="utf-8")
    assert f"r/report/index.html#/v/{video_id('kitten_and_offscreen_trumpet.mp4')}?t=2.00" in again


def test_names_of_strangers_are_text_on_the_page(tmp_path):
    from tvsl_core.search.page import write_page

    name = "<script>alert(1)</script>.mp4"
    write_results(tmp_path / "r", name, SAMPLES / "owl.mp4", (event(0, 0, 1, name="<b>owl</b>"),))
    write_page(
        find_moments(FindRequest(results=tmp_path / "r", query="<b>owl</b>", device="cpu")),
        tmp_path / "p.html",
        results=tmp_path / "r",
    )

    text = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "<b>" not in text


@pytest.mark.parametrize("command", ["search", "import-labels"])
def test_when_nobody_reads_any_more_the_commands_end_quietly(events, tmp_path, command):
    """The reader of the pipe is gone before the first line is written."""
    results = shutil.copytree(events, tmp_path / "r")
    (tmp_path / "a.csv").write_text("video,class,start_s,end_s\nowl.mp4,owl,0,1\n", encoding="utf-8")
    arguments = {
        "search": ["search", str(results), "animal"],
        "import-labels": ["import-labels", str(tmp_path / "a.csv"), "--results", str(results)],
    }[command]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "tvsl_cli", *arguments, "--quiet"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)

    assert done.stderr == ""
