from pathlib import Path

import pytest

from tvsl_cli.annotate.tally import Tally, clock_text
from tvsl_core.annotate.progress import VideoAdvanced, VideoFinished, VideoStarted


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def tally(videos=2, stages=1):
    clock = Clock()
    return Tally(videos=videos, stages=stages, clock=clock), clock


def started(video="a", duration_s=60.0):
    return VideoStarted(video=video, duration_s=duration_s)


def advanced(video="a", stage="annotate", done_s=30.0, total_s=60.0):
    return VideoAdvanced(video=video, stage=stage, done_s=done_s, total_s=total_s)


def finished(video="a", status="done", duration_s=60.0):
    return VideoFinished(video=video, path=Path(video), status=status, duration_s=duration_s)


def test_half_of_one_stage_is_half_of_a_video_with_one_stage_and_a_quarter_with_two():
    for stages, share in ((1, 0.5), (2, 0.25)):
        counting, _ = tally(stages=stages)
        counting.hear(started())
        counting.hear(advanced())

        assert counting.share_of("a") == share


def test_progress_never_goes_back_and_never_passes_the_end():
    counting, _ = tally()
    counting.hear(started())
    shares = []
    for done_s in (10, 40, 20, 90):
        counting.hear(advanced(done_s=done_s))
        shares.append(counting.share_of("a"))

    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_speed_is_seconds_of_video_per_second():
    counting, clock = tally()
    counting.hear(started())
    clock.now = 10.0
    counting.hear(advanced())

    assert counting.speed_of("a") == 3.0
    assert counting.speed == 3.0
    assert counting.left_of("a") == 10.0


def test_a_part_of_a_video_counts_with_its_own_length():
    counting, clock = tally(videos=1)
    counting.hear(started(duration_s=600))
    clock.now = 10.0
    counting.hear(advanced(done_s=20, total_s=20))
    counting.hear(finished(duration_s=600))

    assert counting.speed == 2.0


def test_loading_the_model_does_not_make_a_batch_slow():
    counting, clock = tally(videos=1)
    clock.now = 100.0
    counting.hear(started())
    clock.now = 110.0
    counting.hear(finished())

    assert counting.speed == 6.0


def test_time_left_follows_the_videos_that_are_behind_us():
    counting, clock = tally(videos=4)
    counting.hear(started())
    clock.now = 5.0
    counting.hear(finished())

    assert counting.left_s == 15.0


def test_skipped_videos_do_not_make_the_rest_look_fast():
    counting, clock = tally(videos=3)
    counting.hear(finished("a", "skipped"))
    counting.hear(started("b"))
    clock.now = 5.0
    counting.hear(finished("b"))

    assert counting.left_s == 5.0
    assert counting.speed == 12.0


def test_failed_videos_are_behind_us_and_add_no_speed():
    counting, clock = tally(videos=1)
    counting.hear(started())
    clock.now = 1.0
    counting.hear(finished(status="failed"))

    assert (counting.done, counting.speed, counting.left_s) == (1, 0.0, 0.0)


def test_nothing_known_is_said_to_be_unknown():
    counting, _ = tally()
    counting.hear(started(duration_s=0.0))
    counting.hear(advanced(done_s=3.0, total_s=0.0))

    assert counting.left_of("a") is None
    assert clock_text(None) == "-:--"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (3600, "1:00:00"), (3725, "1:02:05")]
)
def test_a_duration_reads_as_a_clock(seconds, text):
    assert clock_text(seconds) == text


def test_a_batch_of_nothing_is_done():
    counting, _ = tally(videos=0)

    assert counting.left_s == 0.0
