import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.builders import arrow, attach_cover, cut_off, ffmpeg_input, make_clip, make_sound_file
from tvsl_core.errors import MediaError
from tvsl_core.media.read.probe import camera_rate, probe, varies
from tvsl_core.media.read.safety import open_media

NTSC = Fraction(30000, 1001)


def refusal(path: Path, **options) -> MediaError:
    with pytest.raises(MediaError) as caught:
        probe(path, **options)
    error = caught.value
    assert error.stage == "probe"
    assert error.message.endswith((".", ")"))
    assert "\n" not in str(error)
    assert error.hint
    return error


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "avi"])
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001)])
def test_the_frame_rate_is_exact_in_every_container(tmp_path, ending, rate):
    info = probe(make_clip(tmp_path / f"a.{ending}", fps=rate, audio="pcm_s16le" if ending != "mp4" else "aac"))

    assert info.frame_rate == rate
    assert not info.is_variable_rate


@pytest.mark.parametrize(
    "rate", [Fraction(10), Fraction(30), NTSC, Fraction(60), Fraction(24000, 1001), Fraction(37, 3)]
)
@pytest.mark.parametrize(
    ("ending", "options"),
    [
        ("mp4", {"movflags": "frag_keyframe+empty_moov"}),
        ("mp4", {"movflags": "frag_every_frame+empty_moov+default_base_moof"}),
        ("mov", {"movflags": "frag_keyframe"}),
        ("mkv", {"live": "1"}),
        ("ts", {}),
        ("flv", {}),
    ],
)
def test_a_constant_rate_is_exact_whatever_the_average_says(tmp_path, rate, ending, options):
    clip = make_clip(tmp_path / f"a.{ending}", fps=rate, seconds=8, size=(64, 48), options=options, audio_seconds=8.5)

    info = probe(clip)
    assert not info.is_variable_rate
    if ending in ("mkv", "flv") and rate.denominator == 3:  # milliseconds cannot tell it from its neighbours
        assert float(info.frame_rate) == pytest.approx(float(rate), rel=1e-3)
    else:
        assert info.frame_rate == rate


def test_a_frame_that_was_dropped_does_not_change_the_rate_of_the_others(tmp_path):
    times = [n / 30 for n in range(400) if n != 300]

    assert probe(make_clip(tmp_path / "a.mp4", frame_times=times, size=(64, 48), audio=None)).frame_rate == 30


@pytest.mark.parametrize("frames", [1, 2, 4, 5, 6, 7])
@pytest.mark.parametrize("ending", ["mp4", "avi", "mkv"])
def test_a_handful_of_frames_has_the_rate_of_its_header(tmp_path, ending, frames):
    clip = make_clip(tmp_path / f"a.{ending}", seconds=frames / 25, codec="mpeg4", audio=None)

    assert probe(clip).frame_rate == 25


def test_an_uneven_rate_is_the_average(tmp_path):
    times = np.cumsum(np.where(np.arange(40) % 5 == 0, 0.2, 0.04)).tolist()
    info = probe(make_clip(tmp_path / "a.mp4", frame_times=times, audio=None))

    assert float(info.frame_rate) == pytest.approx(40 / (times[-1] - times[0] + 0.04), rel=0.02)


def test_size_duration_and_tracks_are_told(tmp_path):
    info = probe(make_clip(tmp_path / "a.mp4", size=(160, 90), seconds=3, audio_layout="stereo", audio_rate=48000))

    assert (info.width, info.height, info.rotation, info.video_codec) == (160, 90, 0, "h264")
    assert info.duration == 3
    assert info.origin == 0
    assert info.sound_track == info.sound_tracks[0]
    assert (info.sound_track.codec, info.sound_track.sample_rate, info.sound_track.channels) == ("aac", 48000, 2)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_phone_video_has_the_size_that_is_shown(tmp_path, degrees):
    info = probe(make_clip(tmp_path / "a.mp4", size=(160, 90), rotation=degrees))

    assert info.rotation == degrees
    assert (info.width, info.height) == ((160, 90) if degrees == 180 else (90, 160))


def test_pixels_that_are_not_square_widen_the_frame(tmp_path):
    info = probe(make_clip(tmp_path / "a.mp4", size=(72, 58), sample_aspect=Fraction(16, 11)))

    assert (info.width, info.height) == (round(72 * 16 / 11), 58)


def test_turning_comes_after_the_pixel_aspect(tmp_path):
    info = probe(make_clip(tmp_path / "a.mp4", size=(64, 32), sample_aspect=Fraction(2), rotation=90))

    assert (info.width, info.height) == (32, 128)


def test_uneven_frame_times_are_noticed(tmp_path):
    times = np.cumsum(np.where(np.arange(40) % 5 == 0, 0.2, 0.04)).tolist()
    info = probe(make_clip(tmp_path / "a.mp4", frame_times=times, audio=None))

    assert info.is_variable_rate


def test_a_rate_that_was_rounded_is_the_rate_of_the_camera():
    assert camera_rate(Fraction("29.97")) == Fraction(30000, 1001)
    assert camera_rate(Fraction("29.9995")) == 30
    for rate in (
        Fraction(25),
        Fraction(30),
        Fraction(30000, 1001),
        Fraction("29.5"),
        Fraction("12.345"),
        Fraction(1, 10),
    ):
        assert camera_rate(rate) == rate


def test_millisecond_rounding_is_no_variable_rate():
    stamps = [round(n * 1001 / 30) for n in range(200)]

    assert not varies(stamps, Fraction(1, 1000))
    assert varies([*stamps[:100], *(stamp + 20 for stamp in stamps[100:])], Fraction(1, 1000))


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_late_sound_track_starts_late(tmp_path, ending):
    info = probe(make_clip(tmp_path / f"a.{ending}", audio_start_s=0.7))

    assert info.origin == 0
    assert float(info.sound_track.start) == pytest.approx(0.7, abs=0.04)


@pytest.mark.parametrize(("picture", "sound"), [(0.4, 0.6), (0.6, 0.4)])
def test_the_origin_is_the_earliest_of_picture_and_sound(tmp_path, picture, sound):
    clip = make_clip(tmp_path / "a.mkv", picture_start_s=picture, audio_start_s=sound, audio="pcm_s16le")
    info = probe(clip)

    assert float(info.origin) == pytest.approx(min(picture, sound), abs=0.002)
    assert float(info.sound_track.start) == pytest.approx(max(0, sound - picture), abs=0.002)
    assert info.duration_s == pytest.approx(2 - min(picture, sound), abs=0.05)


def test_a_video_without_sound_is_fine(tmp_path):
    info = probe(make_clip(tmp_path / "a.mp4", audio=None))

    assert info.sound_track is None
    assert info.sound_tracks == ()


def test_the_default_flagged_track_is_listened_to(tmp_path):
    info = probe(make_clip(tmp_path / "a.mkv", audio_tracks=3, default_track=2, languages=["eng", "deu", "fra"]))

    assert [track.is_default for track in info.sound_tracks] == [False, False, True]
    assert info.sound_track.index == 2
    assert info.sound_track.language in {"fra", "fre"}


def test_the_track_asked_for_is_listened_to(tmp_path):
    info = probe(make_clip(tmp_path / "a.mkv", audio_tracks=3, default_track=2), audio_track=1)

    assert info.sound_track.index == 1


def test_a_track_that_does_not_exist_lists_those_that_do(tmp_path):
    clip = make_clip(tmp_path / "a.mkv", audio_tracks=2, languages=["eng", "deu"])

    message = refusal(clip, audio_track=2).message
    assert "no sound track 2" in message
    assert "0 (aac eng), 1 (aac" in message


def test_a_track_of_a_silent_video_cannot_be_asked_for(tmp_path):
    assert "it has no sound" in refusal(make_clip(tmp_path / "a.mp4", audio=None), audio_track=0).message


@pytest.mark.parametrize("size", [(17, 31), (1, 1), (2, 2), (3, 1)])
def test_odd_sizes_are_kept(tmp_path, size):
    clip = make_clip(tmp_path / "a.mkv", size=size, codec="ffv1", pix_fmt="bgr0", seconds=0.2, audio=None)

    info = probe(clip)
    assert (info.width, info.height) == size


@pytest.mark.parametrize(
    "name", ["-dash.mp4", "with space.mp4", "Füße 音.mp4", "a:b.mp4", "50%03d.mp4", "http:x.mp4", "it's.mp4", "[1].mp4"]
)
def test_any_file_name_is_just_a_name(tmp_path, monkeypatch, name):
    make_clip(tmp_path / name, seconds=0.2, audio=None)
    monkeypatch.chdir(tmp_path)

    assert probe(Path(name)).width == 128
    assert probe(tmp_path / name).width == 128


def test_a_missing_path_is_named(tmp_path):
    assert "does not exist" in refusal(tmp_path / "nothing.mp4").message


def test_a_dangling_link_is_told_apart_from_a_missing_path(tmp_path):
    (tmp_path / "link.mp4").symlink_to(tmp_path / "nothing.mp4")

    assert "link to a file that does not exist" in refusal(tmp_path / "link.mp4").message


def test_a_folder_is_no_video(tmp_path):
    assert "is a folder" in refusal(tmp_path).message


def test_zero_bytes_are_no_video(tmp_path):
    (tmp_path / "a.mp4").touch()

    assert "0 bytes" in refusal(tmp_path / "a.mp4").message


@pytest.mark.parametrize(
    "content", [b"x", b"\x00" * 5000, np.random.default_rng(1).bytes(50_000), b"hello, world\n" * 99]
)
def test_garbage_is_no_video(tmp_path, content):
    (tmp_path / "a.mp4").write_bytes(content)

    assert "is not a video" in refusal(tmp_path / "a.mp4").message


def test_an_mp4_that_lost_its_index_says_so(tmp_path):
    clip = cut_off(make_clip(tmp_path / "a.mp4"), share=0.7)

    assert "moov" in refusal(clip).message


def test_a_sound_file_is_called_a_sound_file(tmp_path):
    assert "sound file" in refusal(make_sound_file(tmp_path / "a.wav")).message


@pytest.mark.parametrize(("ending", "codec"), [("mp3", "libmp3lame"), ("m4a", "aac"), ("flac", "flac")])
def test_cover_art_is_the_picture_of_a_sound_file(tmp_path, ending, codec):
    song = attach_cover(make_sound_file(tmp_path / f"a.{ending}", audio=codec), arrow((64, 48))(0, 0.0))
    info = probe(song)

    assert (info.width, info.height) == (64, 48)
    assert info.frame_rate == 25
    assert info.duration_s == pytest.approx(1, abs=0.1)


def test_cover_art_of_a_video_is_not_its_picture(tmp_path):
    clip = attach_cover(make_clip(tmp_path / "a.mp4", size=(160, 90)), arrow((64, 48))(0, 0.0))

    assert probe(clip).width == 160


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "a.mp4")

    assert "not a regular file" in refusal(tmp_path / "a.mp4").message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_says_so(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", seconds=0.2, audio=None)
    clip.chmod(0)

    assert "may not be read" in refusal(clip).message


def test_a_path_with_a_null_byte_is_an_error_of_ours(tmp_path):
    with pytest.raises(MediaError):
        probe(tmp_path / "a\0b.mp4")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{clip}\n#EXT-X-ENDLIST\n"),
        ("a.mp4", "ffconcat version 1.0\nfile '{clip}'\n"),
        ("a.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"),
        ("a.mpd", '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">{clip}</MPD>\n'),
    ],
)
def test_a_playlist_is_not_followed(tmp_path, name, content):
    clip = make_clip(tmp_path / "real.ts", seconds=0.5)
    (tmp_path / name).write_text(content.format(clip=clip))

    assert "does not follow" in refusal(tmp_path / name).message


def test_a_still_image_is_called_an_image(tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), arrow((64, 64))(0, 0.0))

    assert "still image" in refusal(tmp_path / "a.png").message


@pytest.mark.parametrize(("width", "height", "says"), [(20_000, 100, "20000 x 100"), (60_000, 60_000, "picture size")])
def test_a_header_that_claims_an_absurd_size_is_refused(tmp_path, width, height, says):
    clip = make_clip(tmp_path / "a.avi", codec="rawvideo", pix_fmt="bgr24", size=(32, 32), seconds=0.2, audio=None)
    content = clip.read_bytes()
    at = content.index(b"strf") + 12  # BITMAPINFOHEADER: size, then width and height
    clip.write_bytes(content[:at] + width.to_bytes(4, "little") + height.to_bytes(4, "little") + content[at + 8 :])

    assert says in refusal(clip).message


def test_an_ffmpeg_process_reads_a_dashed_name_as_a_file(tmp_path, monkeypatch):
    import subprocess

    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    make_clip(tmp_path / "-y.mp4", seconds=0.2, audio=None)
    monkeypatch.chdir(tmp_path)
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        *ffmpeg_input(Path("-y.mp4")),
        "-f",
        "null",
        "-",
    ]

    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_an_ffmpeg_process_does_not_follow_a_playlist(tmp_path):
    import subprocess

    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    clip = make_clip(tmp_path / "real.mp4", seconds=0.2, audio=None)
    (tmp_path / "list.txt").write_text(f"ffconcat version 1.0\nfile '{clip.name}'\n")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *ffmpeg_input(tmp_path / "list.txt")]

    assert subprocess.run([*command, "-f", "null", "-"], check=False, capture_output=True).returncode != 0


def test_a_file_can_be_opened_only_from_this_machine():
    with pytest.raises(MediaError):
        open_media(Path("http://127.0.0.1:9/a.mp4"))
