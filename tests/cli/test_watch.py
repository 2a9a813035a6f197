import io
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from tvsl_cli.annotate import progress as watch
from tvsl_cli.annotate import summary
from tvsl_cli.annotate.stdout import ResultWriter, plain
from tvsl_cli.annotate.tally import Tally
from tvsl_cli.shared import terminal
from tvsl_cli.shared.logs import logging_to
from tvsl_core.annotate.progress import VideoAdvanced, VideoFinished, VideoStarted
from tvsl_core.batch.batch import BatchReport
from tvsl_core.errors import OutputError

NASTY = "a[red]b\x1b[31m\nc.mp4"


@pytest.fixture
def screen(monkeypatch):
    """Standard error as a text of its own: a terminal when called with True."""

    def begin(is_terminal):
        made = Console(
            file=io.StringIO(), force_terminal=is_terminal, width=120, highlight=False, emoji=False, color_system=None
        )
        for module in (terminal, watch, summary):
            monkeypatch.setattr(module, "console", lambda: made)
        return made.file

    return begin


def finished(video="a.mp4", status="done", **more):
    given = (
        {"duration_s": 60.0, "elapsed_s": 15.0, "sources": 2, "classes": ("dog", "violin")} if status == "done" else {}
    )
    return VideoFinished(video=video, path=Path("a.mp4"), status=status, **(given | more))


def play(tally, *ends):
    with watch.watching(tally) as hear:
        for end in ends:
            hear(VideoStarted(video=end.video, duration_s=60.0))
            hear(VideoAdvanced(video=end.video, stage="annotate", done_s=30.0, total_s=60.0))
            hear(end)


def report_of(*rows, **more):
    places = {"videos_table": Path("results/videos.parquet"), "run_file": Path("results/run.json")}
    return BatchReport(finished=rows, **(places | {"stale": {}} | more))


def test_without_a_terminal_each_video_has_a_line_at_its_start_and_end(screen):
    text = screen(False)
    play(Tally(videos=2, stages=1), finished(), finished("b.mp4", "failed", error="it is empty.", hint="Copy it."))
    lines = text.getvalue().splitlines()

    assert lines[0] == "Annotating a.mp4 (1:00)"
    assert lines[1] == "[1/2] a.mp4: done: 2 sources; dog, violin; 15.0 s; 4.0x"
    assert lines[3] == "[2/2] b.mp4: failed: It is empty."
    assert len(lines) == 4


def test_without_a_terminal_nothing_moves_or_is_coloured(screen):
    text = screen(False)
    play(Tally(videos=1, stages=1), finished())

    assert "\x1b" not in text.getvalue()
    assert "\r" not in text.getvalue()


def test_a_long_video_says_now_and_then_how_far_it_is(screen):
    text = screen(False)
    now = [0.0]
    with watch.watching(Tally(videos=1, stages=1, clock=lambda: now[0])) as hear:
        hear(VideoStarted(video="a.mp4", duration_s=600.0))
        for second in range(1, 101):
            now[0] = float(second)
            hear(VideoAdvanced(video="a.mp4", stage="annotate", done_s=4.0 * second, total_s=600.0))
    lines = text.getvalue().splitlines()

    assert lines[1] == "Annotating a.mp4: 20%, 4.0x real time, 2:00 left"
    assert len(lines) == 1 + 3


def test_on_a_terminal_the_bars_show_batch_video_speed_and_time_left(screen):
    text = screen(True)
    now = [0.0]
    with watch.watching(Tally(videos=2, stages=1, clock=lambda: now[0])) as hear:
        hear(VideoStarted(video=NASTY, duration_s=60.0))
        now[0] = 10.0
        hear(VideoAdvanced(video=NASTY, stage="annotate", done_s=30.0, total_s=60.0))
        hear(finished(NASTY, warnings=("no sound",)))
    shown = text.getvalue()

    assert "all 2 videos" in shown
    assert "3.0x" in shown or "6.0x" in shown
    assert "left" in shown
    assert "No sound." in shown


def test_before_the_first_video_the_terminal_says_what_it_waits_for(screen):
    text = screen(True)
    with watch.watching(Tally(videos=1, stages=1)):
        pass

    assert "loading the model" in text.getvalue()


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_nasty_name_neither_steers_the_terminal_nor_is_read_as_markup(screen, is_terminal):
    text = screen(is_terminal)
    tally = Tally(videos=1, stages=1)
    play(tally, finished(NASTY, "failed", error=f"cannot read {NASTY}"))
    report = report_of(finished(NASTY, classes=(NASTY,)), finished(NASTY, "failed", error=NASTY))
    summary.say_summary(report, tally)
    summary.say_failures(report)
    summary.say_plan(report)

    assert "\x1b[31m" not in text.getvalue()
    assert "a[red]b\\x1b[31m\\nc.mp4" in text.getvalue()


def test_the_summary_shows_every_column_and_failures_first(screen):
    text = screen(True)
    tally = Tally(videos=2, stages=1)
    tally.annotated_s["a.mp4"] = 60.0
    summary.say_summary(report_of(finished(), finished("b.mp4", "failed", error="x")), tally)
    lines = text.getvalue().splitlines()

    assert lines[0].split() == ["video", "length", "sources", "sounding", "time", "speed", "status"]
    assert lines[1].split() == ["b.mp4", "failed"]
    assert lines[2].split() == ["a.mp4", "1:00", "2", "dog,", "violin", "0:15", "4.0x", "done"]
    assert any(line.startswith("2 videos: 1 done, 1 failed") for line in lines)


def test_a_long_batch_shows_some_rows_and_says_where_the_rest_is(screen):
    text = screen(True)
    rows = [finished(f"{number}.mp4", "failed", error="bad") for number in range(100)]
    summary.say_summary(report_of(*rows), Tally(videos=100, stages=1))
    summary.say_failures(report_of(*rows))

    assert "... and 60 more" in text.getvalue()
    assert "60 more failures, listed in results/videos.parquet" in text.getvalue()


def test_a_failure_is_said_with_what_to_do(screen):
    text = screen(False)
    summary.say_failures(report_of(finished("b.mp4", "failed", error="the file is empty.", hint="Copy it again")))

    assert text.getvalue() == "Failed: b.mp4: The file is empty. Copy it again.\n"


def table(folder: Path) -> Path:
    path = folder / "a.mp4.parquet"
    score = pa.array([0.9, float("nan")], pa.float32())
    names = pa.array(["dog", "\x1b[31m"]).dictionary_encode()
    maps = pa.array([[0.1, 0.2], None], pa.list_(pa.float32()))
    pq.write_table(pa.table({"class": names, "score": score, "time_s": [0.1, 0.5], "map": maps}), path)
    return path


def test_standard_output_is_one_line_per_table_of_done_and_skipped_videos(tmp_path, capsys):
    writer = ResultWriter(jsonl=False)
    writer.hear(VideoStarted(video="a", duration_s=1.0))
    for status in ("done", "skipped", "failed"):
        writer.hear(finished(status=status, outputs=(tmp_path / f"{status}.parquet",)))

    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "done.parquet"), str(tmp_path / "skipped.parquet")]


def test_jsonl_is_one_object_per_row_of_plain_ascii(tmp_path, capsys):
    ResultWriter(jsonl=True).hear(finished(outputs=(table(tmp_path),)))
    out = capsys.readouterr().out
    rows = [json.loads(line) for line in out.splitlines()]

    assert rows[0] == {"class": "dog", "score": 0.9, "time_s": 0.1, "map": [0.1, 0.2]}
    assert rows[1] == {"class": "\x1b[31m", "score": None, "time_s": 0.5, "map": None}
    assert out.isascii()
    assert "\x1b" not in out


def test_a_dry_run_names_the_tables_that_would_be_made(tmp_path, capsys):
    for jsonl in (False, True):
        writer = ResultWriter(jsonl=jsonl, dry_run=True)
        writer.hear(finished(outputs=(Path("new.parquet"),)))
        writer.hear(finished(status="skipped", outputs=(Path("old.parquet"),)))

    assert capsys.readouterr().out == "new.parquet\n"


def test_when_nobody_reads_any_more_the_annotation_goes_on(monkeypatch):
    class Closed(io.StringIO):
        def write(self, _text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    writer = ResultWriter(jsonl=False)

    for _ in range(2):
        writer.hear(finished(outputs=(Path("a.parquet"),)))


def test_numbers_that_json_lacks_become_null():
    assert [plain(float(text)) for text in ("nan", "inf", "-inf", "1.5")] == [None, None, None, 1.5]


def test_the_log_file_gets_everything_with_times_one_line_each(tmp_path, screen):
    import logging

    text = screen(False)
    log = tmp_path / "deep" / "tvsl.log"
    with pytest.raises(RuntimeError), logging_to(verbose=False, quiet=False, log_file=log):
        logging.getLogger("tvsl_core.media").debug("a detail of %s", NASTY)
        logging.getLogger("tvsl_core.media").warning("a gap")
        raise RuntimeError("the sky fell")
    lines = log.read_text().splitlines()

    assert lines[0].endswith(r"DEBUG tvsl_core.media: a detail of a[red]b\x1b[31m\nc.mp4")
    assert "Traceback" in log.read_text()
    assert text.getvalue() == "Warning: a gap\n"
    assert logging.getLogger("tvsl_core").handlers == []


def test_a_log_file_that_cannot_be_written_is_said_before_any_work(tmp_path):
    with pytest.raises(OutputError, match="log file"), logging_to(verbose=False, quiet=False, log_file=tmp_path):
        pytest.fail("the work began")


def test_a_full_disk_behind_standard_output_is_one_sentence():
    writer = ResultWriter(jsonl=False)
    with Path("/dev/full").open("w") as full, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", full)
        with pytest.raises(OutputError, match="standard output cannot be written: No space left"):
            writer.hear(finished(outputs=(Path("a.parquet"),)))
        patch.undo()
        with pytest.raises(OSError, match="No space"):
            full.close()


def test_a_screen_that_is_gone_falls_silent(monkeypatch):
    class Gone(io.StringIO):
        def write(self, _text):
            raise BrokenPipeError

    terminal.console.cache_clear()
    monkeypatch.setattr(sys, "stderr", Gone())
    terminal.say("nobody hears this")
    terminal.say("nor this")
    assert terminal.console().quiet
    terminal.console.cache_clear()


def test_the_summary_says_what_was_out_of_date_what_is_an_old_failure_and_why_it_stopped(screen):
    text = screen(False)
    old = finished("b.mp4", "failed", error="it is empty.", earlier=True)
    report = report_of(finished(), old, stale={"its input changed": 2}, stopped=True)
    summary.say_summary(report, Tally(videos=2, stages=1))

    assert "Out of date, so annotated again: its input changed (2)." in text.getvalue()
    assert "1 of the failed ones failed before and were not tried again; --retry-failed does." in text.getvalue()
    assert "Stopped" in text.getvalue()
