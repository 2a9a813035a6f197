import gc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av import VideoFrame

from tests.builders import arrow, make_clip, read_counter
from tvsl_core.errors import MediaError
from tvsl_core.media.read.frames import analysis_size, read_all_frames, read_frames, read_pictures
from tvsl_core.media.read.picture import PictureConverter
from tvsl_core.media.read.probe import probe
from tvsl_core.types import VideoInfo

NTSC = Fraction(30000, 1001)


def counter_clip(path: Path, **recipe) -> VideoInfo:
    return probe(make_clip(path, **{"picture": "counter", "audio": None, **recipe}))


def sampled(info: VideoInfo, **options) -> list[tuple[int, float]]:
    """(number in the picture, time) of each frame."""
    return [(read_counter(frame.pixels), float(frame.time)) for frame in read_frames(info, **options)]


def shown_at(times: list[float], end: float, *, fps: float, start: float = 0, stop: float = 1e9) -> list[int]:
    """What a viewer sees at each instant, worked out from the frames' times alone; each frame once."""
    seen: list[int] = []
    n = 0
    while (instant := start + n / fps) < min(end, stop) - 1e-9:
        now = [number for number, time in enumerate(times) if time <= instant + 1e-9]
        if now and (not seen or seen[-1] != now[-1]):
            seen.append(now[-1])
        n += 1
    return seen


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov", "avi", "ts"])
@pytest.mark.parametrize("rate", [Fraction(25), NTSC])
def test_each_instant_gives_the_frame_that_is_shown_then(tmp_path, ending, rate):
    info = counter_clip(tmp_path / f"a.{ending}", fps=rate)
    times = [float(n / rate) for n in range(round(2 * rate))]

    # 7 instants a second fall on no rounding boundary of a millisecond container
    assert [number for number, _ in sampled(info, fps=7)] == shown_at(times, float(len(times) / rate), fps=7)


@pytest.mark.parametrize("fps", [0.7, 2, 3.3, 12.5, 24.9])
@pytest.mark.parametrize("start", [0, 0.33, 1.111])
def test_sampling_agrees_with_the_plain_definition(tmp_path, fps, start):
    info = counter_clip(tmp_path / "a.mp4", seconds=2.4)
    times = [n / 25 for n in range(60)]

    expected = shown_at(times, 2.4, fps=fps, start=start, stop=2.2)
    assert [number for number, _ in sampled(info, fps=fps, start_s=start, end_s=2.2)] == expected


def test_a_very_slow_rate_gives_the_first_frame(tmp_path):
    assert sampled(counter_clip(tmp_path / "a.mp4"), fps=1e-7) == [(0, 0)]


def test_frames_know_their_number_time_and_stamp(tmp_path):
    info = counter_clip(tmp_path / "a.mp4", fps=NTSC)

    for frame in read_frames(info, fps=3):
        assert frame.index == read_counter(frame.pixels)
        assert frame.time == frame.index / NTSC
        assert frame.time == frame.pts * Fraction(1, 30000)


def test_more_instants_than_frames_give_every_frame_once(tmp_path):
    info = counter_clip(tmp_path / "a.mp4")

    assert [number for number, _ in sampled(info, fps=120)] == list(range(50))


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi", "ts"])
def test_as_many_instants_as_frames_give_every_frame_even_when_the_container_rounds(tmp_path, ending):
    info = counter_clip(tmp_path / f"a.{ending}", fps=NTSC)

    assert [number for number, _ in sampled(info, fps=float(NTSC))] == list(range(60))


def test_all_frames_are_all_frames(tmp_path):
    info = counter_clip(tmp_path / "a.mp4", fps=NTSC)

    frames = list(read_all_frames(info))
    assert [read_counter(frame.pixels) for frame in frames] == list(range(60))
    assert [frame.time for frame in frames] == [n / NTSC for n in range(60)]


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_variable_rate_goes_by_presentation_time(tmp_path, ending):
    times = np.cumsum([0, *([0.04] * 10), 1.5, *([0.1] * 5), 0.7]).round(3).tolist()
    info = counter_clip(tmp_path / f"a.{ending}", frame_times=times)
    got = sampled(info, fps=4, end_s=times[-1])

    assert [number for number, _ in got] == shown_at(times, times[-1], fps=4)
    assert [time for _, time in got] == pytest.approx([times[number] for number, _ in got], abs=0.001)


def test_a_picture_that_stands_still_is_given_again_when_asked(tmp_path):
    info = counter_clip(tmp_path / "a.mp4", frame_times=[0, 2, 4, 4.04])

    assert sampled(info, fps=2, end_s=4) == [(0, 0), (1, 2)]
    assert sampled(info, fps=2, end_s=4, hold_s=1) == [(0, 0), (0, 1), (1, 2), (1, 3)]


def test_holding_gives_nothing_twice_in_a_video_that_moves(tmp_path):
    info = counter_clip(tmp_path / "a.mp4")

    assert sampled(info, fps=60, hold_s=0.5) == sampled(info, fps=60)


def test_nothing_is_given_before_a_late_picture(tmp_path):
    info = counter_clip(tmp_path / "a.mkv", picture_start_s=0.72, seconds=2, audio="pcm_s16le")
    got = sampled(info, fps=4)

    assert got[0] == (0, pytest.approx(0.72, abs=0.002)) or got[0][1] >= 0.7
    assert [number for number, _ in got] == shown_at([0.72 + n / 25 for n in range(32)], 2.0, fps=4)


def test_nothing_is_given_beyond_the_end_of_the_picture(tmp_path):
    info = counter_clip(tmp_path / "a.mp4", seconds=1, audio="aac", audio_seconds=3)

    assert info.duration_s == pytest.approx(3, abs=0.05)
    assert [number for number, _ in sampled(info, fps=2)] == [0, 12]
    assert sampled(info, fps=2, start_s=2) == []


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi", "ts"])
@pytest.mark.parametrize("start", [5.5, 9.99, 11.8])
def test_a_jump_gives_what_reading_from_the_beginning_gives(tmp_path, ending, start):
    info = counter_clip(tmp_path / f"a.{ending}", seconds=12, size=(64, 32), gop=60, fps=10)

    expected = [number for number, time in sampled(info, fps=10) if time + 0.1 > start + 0.001]
    got = list(read_all_frames(info, start_s=start))
    assert [read_counter(frame.pixels) for frame in got] == expected
    assert [frame.index for frame in got] == expected


def test_a_start_behind_the_end_gives_nothing(tmp_path):
    assert sampled(counter_clip(tmp_path / "a.mp4", seconds=1), fps=2, start_s=50) == []


@pytest.mark.parametrize(
    ("degrees", "corners"),  # colours of the upper left, upper right, lower left quarter
    [(0, "rgb"), (90, "br "), (180, " bg"), (270, "g r")],
)
def test_a_turned_video_is_upright(tmp_path, degrees, corners):
    clip = make_clip(tmp_path / "a.mp4", size=(96, 64), picture="arrow", rotation=degrees, audio=None)
    frame = next(read_frames(probe(clip), fps=1))
    height, width = frame.pixels.shape[:2]

    assert (width, height) == ((64, 96) if degrees in {90, 270} else (96, 64))
    assert frame.pixels.flags.c_contiguous
    spots = [(height // 4, width // 4), (height // 4, 3 * width // 4), (3 * height // 4, width // 4)]
    assert "".join(colour_at(frame.pixels, spot) for spot in spots) == corners


def colour_at(pixels: np.ndarray, spot: tuple[int, int]) -> str:
    red, green, blue = (int(value) > 170 for value in pixels[spot])
    return {(1, 0, 0): "r", (0, 1, 0): "g", (0, 0, 1): "b"}.get((red, green, blue), " ")


def test_a_mirrored_video_is_mirrored_back(tmp_path):
    import av

    clip = tmp_path / "a.mp4"
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.set_display_rotation(0, hflip=True)
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(arrow((96, 64))(0, 0.0), "rgb24")))
        container.mux(stream.encode(None))
    pixels = next(read_frames(probe(clip), fps=1)).pixels

    assert colour_at(pixels, (16, 72)) == "r"
    assert colour_at(pixels, (16, 24)) == "g"


def test_pixels_that_are_not_square_are_stretched(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", size=(64, 64), picture="arrow", sample_aspect=Fraction(2), audio=None)

    assert next(read_frames(probe(clip), fps=1)).pixels.shape == (64, 128, 3)


@pytest.mark.parametrize(
    ("name", "recipe", "tolerance"),
    [
        ("bt601.mp4", {"colour": "bt601"}, 12),
        ("bt709.mp4", {"colour": "bt709"}, 12),
        ("untagged.mp4", {}, 12),
        ("tenbit.mkv", {"codec": "libx265", "pix_fmt": "yuv420p10le"}, 14),
        ("vp9.webm", {"codec": "libvpx-vp9"}, 14),
        ("full_range.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}, 14),
        ("lossless.mkv", {"codec": "ffv1", "pix_fmt": "bgr0"}, 0),
        ("444.mp4", {"pix_fmt": "yuv444p"}, 12),
        ("palette.gif", {"codec": "gif", "pix_fmt": "rgb8", "fps": 10}, 70),
    ],
)
def test_colours_come_back_as_they_went_in(tmp_path, name, recipe, tolerance):
    clip = make_clip(tmp_path / name, picture="arrow", seconds=0.5, audio=None, **recipe)
    frame = next(read_frames(probe(clip), fps=1))

    wrong = np.abs(frame.pixels.astype(int) - arrow((128, 96))(0, 0.0))
    assert np.median(wrong) <= tolerance
    assert np.percentile(wrong, 95) <= tolerance


@pytest.mark.parametrize(("size", "matrix"), [((1280, 720), "bt709"), ((640, 360), "bt601"), ((720, 1280), "bt709")])
def test_an_untold_colour_matrix_goes_by_the_size(tmp_path, size, matrix):
    recipe = {"size": size, "colour": matrix, "colour_is_tagged": False, "picture": "arrow", "seconds": 0.1}
    frame = next(read_frames(probe(make_clip(tmp_path / "a.mp4", audio=None, **recipe)), fps=1))

    assert np.median(np.abs(frame.pixels.astype(int) - arrow(size)(0, 0.0))) <= 3
    assert colour_error(frame.pixels, arrow(size)(0, 0.0)) <= 6


def colour_error(pixels: np.ndarray, expected: np.ndarray) -> int:
    """Largest difference in the middles of the three coloured quarters."""
    height, width = pixels.shape[:2]
    spots = [(height // 4, width // 4), (height // 4, 3 * width // 4), (3 * height // 4, width // 4)]
    return max(int(np.abs(pixels[spot].astype(int) - expected[spot]).max()) for spot in spots)


def test_bgr_is_rgb_backwards(tmp_path):
    info = probe(make_clip(tmp_path / "a.mp4", picture="arrow", seconds=0.5, audio=None))

    for rgb, bgr in zip(read_all_frames(info), read_all_frames(info, order="bgr"), strict=True):
        assert np.abs(rgb.pixels.astype(int) - bgr.pixels[..., ::-1]).max() <= 1


def test_pictures_are_converted_only_when_asked(tmp_path):
    info = counter_clip(tmp_path / "a.mp4")
    converter = PictureConverter(info.width, info.height)

    numbers = [read_counter(picture.to_array(converter)) for picture in read_pictures(info) if picture.index % 10 == 0]
    assert numbers == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("max_side", [1, 7, 64, 127, 128, 9999])
def test_large_frames_are_scaled_for_analysis(tmp_path, max_side):
    info = probe(make_clip(tmp_path / "a.mp4", picture="arrow", seconds=0.2, audio=None))
    width, height = analysis_size(info, max_side)

    assert max(width, height) == min(max_side, 128)
    assert next(read_frames(info, fps=1, max_side=max_side)).pixels.shape == (height, width, 3)


@pytest.mark.parametrize("size", [(17, 31), (1, 1), (2, 2), (3, 1), (2, 50), (641, 3)])
def test_odd_sizes_come_through_whole(tmp_path, size):
    clip = make_clip(tmp_path / "a.mkv", size=size, codec="ffv1", pix_fmt="yuv444p", seconds=0.2, audio=None)

    assert next(read_frames(probe(clip), fps=1)).pixels.shape == (size[1], size[0], 3)


def test_a_size_that_changes_midway_is_brought_to_the_first_one(tmp_path):
    import av

    parts = []
    for size in ((128, 96), (64, 64), (200, 50)):
        with av.open(str(tmp_path / "part.h264"), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for _ in range(10):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(arrow(size)(0, 0.0), "rgb24")))
            container.mux(stream.encode(None))
        parts.append((tmp_path / "part.h264").read_bytes())
    (tmp_path / "a.h264").write_bytes(b"".join(parts))
    frames = list(read_all_frames(probe(tmp_path / "a.h264")))

    assert len(frames) == 30
    assert {frame.pixels.shape for frame in frames} == {(96, 128, 3)}
    assert all(colour_at(frame.pixels, (24, 32)) == "r" for frame in frames)


def test_a_file_that_vanished_after_the_probe_is_an_error(tmp_path):
    info = counter_clip(tmp_path / "a.mp4")
    info.path.unlink()

    with pytest.raises(MediaError, match="does not exist"):
        next(read_frames(info, fps=1))


def test_a_reader_that_is_let_go_closes_its_file(tmp_path):
    info = counter_clip(tmp_path / "a.mp4")
    links = Path("/proc/self/fd")
    if not links.exists():
        pytest.skip("this system does not list open files")

    def is_open() -> bool:
        gc.collect()
        return any(link.exists() and link.resolve() == info.path.resolve() for link in links.iterdir())

    frames = read_frames(info, fps=5)
    next(frames)
    assert is_open()
    frames.close()
    assert not is_open()


@pytest.mark.parametrize(
    "options", [{"fps": 0}, {"fps": -1}, {"fps": 1, "start_s": -1}, {"fps": 1, "start_s": 2, "end_s": 2}]
)
def test_senseless_options_are_refused(tmp_path, options):
    info = counter_clip(tmp_path / "a.mp4", seconds=0.2)

    with pytest.raises(ValueError, match="must"):
        next(read_frames(info, **options))


@pytest.mark.slow
def test_an_8k_video_is_read(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", size=(7680, 4320), seconds=0.2, picture="arrow", audio=None)
    info = probe(clip)
    frame = next(read_frames(info, fps=2, max_side=4096))

    assert (info.width, info.height) == (7680, 4320)
    assert frame.pixels.shape == (2304, 4096, 3)


def test_a_picture_that_nobody_holds_is_gone_at_once(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", seconds=1, size=(64, 48), fps=10)
    gc.collect()
    gc.disable()  # a long video would fill the memory until somebody looks for circles
    try:
        assert sum(1 for _ in read_frames(probe(clip), fps=10)) == 10
        held = [one for one in gc.get_objects() if isinstance(one, VideoFrame)]
    finally:
        gc.enable()
    assert not held
