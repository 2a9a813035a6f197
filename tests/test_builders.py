"""The clips that other tests trust are what their recipe says, by FFmpeg's own account."""

from fractions import Fraction

import av
import numpy as np
import pytest

from tests.builders import (
    arrow,
    beep,
    counter,
    cut_off,
    damage,
    flash_at,
    make_clip,
    make_sound_file,
    read_counter,
    spoil_packets,
)


@pytest.mark.parametrize("number", [0, 1, 2, 255, 4097, 65535])
@pytest.mark.parametrize("size", [(128, 96), (64, 48), (321, 51)])
def test_a_counter_is_read_back(number, size):
    assert read_counter(counter(size)(number, 0.0)) == number


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mjpeg"])
def test_a_counter_survives_coding(tmp_path, codec):
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    clip = make_clip(tmp_path / "a.mkv", codec=codec, pix_fmt=pix_fmt, picture="counter", audio=None, seconds=4)

    with av.open(str(clip)) as container:
        numbers = [read_counter(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    assert numbers == list(range(100))


def test_a_recipe_without_options_makes_a_plain_clip(tmp_path):
    with av.open(str(make_clip(tmp_path / "a.mp4"))) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]

        assert (video.width, video.height, video.frames, video.average_rate) == (128, 96, 50, 25)
        assert (video.codec_context.name, audio.codec_context.name, audio.rate) == ("h264", "aac", 44100)


def test_rotation_pixel_aspect_and_tracks_are_written(tmp_path):
    recipe = {"rotation": 90, "sample_aspect": Fraction(2), "audio_tracks": 3, "default_track": 1}
    with av.open(str(make_clip(tmp_path / "a.mp4", languages=["eng", "deu", "fra"], **recipe))) as container:
        assert next(container.decode(video=0)).rotation == -90
        assert container.streams.video[0].sample_aspect_ratio == 2
        defaults = [bool(stream.disposition & av.stream.Disposition.default) for stream in container.streams.audio]
        assert defaults == [False, True, False]
        assert [stream.language for stream in container.streams.audio] == ["eng", "deu", "fra"]


def test_frame_times_are_written_as_asked(tmp_path):
    times = [0, 0.04, 0.5, 1.25, 1.3]
    with av.open(str(make_clip(tmp_path / "a.mp4", frame_times=times, audio=None))) as container:
        assert [frame.time for frame in container.decode(video=0)] == pytest.approx(times, abs=1e-4)


def test_flash_and_beep_are_one_event():
    seconds = np.arange(0, 5, 1 / 8000)

    audible = np.convolve(np.abs(beep(seconds)) > 0.01, np.ones(9), "same") > 0  # over the zero crossings
    assert np.mean(audible != flash_at(seconds)) < 0.01


def test_a_gap_leaves_packets_out(tmp_path):
    with av.open(str(make_clip(tmp_path / "a.mkv", audio="pcm_s16le", audio_gap=(0.5, 1.0)))) as container:
        times = [float(packet.pts * packet.time_base) for packet in container.demux(audio=0) if packet.size]
    assert not [time for time in times if 0.5 <= time < 0.97]
    assert [time for time in times if time < 0.5]
    assert [time for time in times if time > 1.0]


def test_a_sound_file_has_no_picture(tmp_path):
    with av.open(str(make_sound_file(tmp_path / "a.wav"))) as container:
        assert not container.streams.video
        assert len(container.streams.audio) == 1


def test_damage_keeps_the_length_and_a_cut_does_not(tmp_path):
    clip = make_clip(tmp_path / "a.mkv", picture=arrow((128, 96)))
    whole = clip.read_bytes()

    assert len(damage(clip, at=0.5).read_bytes()) == len(whole)
    assert clip.read_bytes() != whole
    assert len(cut_off(clip, share=0.5).read_bytes()) == len(whole) // 2


def test_spoiled_packets_are_the_ones_named(tmp_path):
    clip = make_clip(tmp_path / "a.mkv", codec="ffv1", pix_fmt="bgr0", picture="counter", audio=None, seconds=1)
    spoil_packets(clip, [3, 7])
    with av.open(str(clip)) as container:
        spoiled = [n for n, packet in enumerate(container.demux(video=0)) if packet.size and not any(bytes(packet))]

    assert spoiled == [3, 7]
