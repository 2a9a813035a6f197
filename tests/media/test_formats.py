"""What docs/formats.md says of containers, codings and reports of others: every row of its tables is tried here."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.builders import attach_cover, counter, make_clip, read_counter
from tvsl_core.media.read.frames import read_frames
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.sound import SoundStream

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
NTSC = Fraction(30000, 1001)
WEBM = {"codec": "libvpx-vp9", "audio": "libopus", "audio_rate": 48000}
UNEVEN = [round(n / 25 + 0.3 * (n // 10), 3) for n in range(40)]

FORMATS = {
    "MP4, H.264, AAC": ("mp4", {}),
    "MP4 at 29.97 frames a second": ("mp4", {"fps": NTSC}),
    "MP4 in fragments": ("mp4", {"options": {"movflags": "frag_keyframe+empty_moov"}}),
    "MP4, H.265, 10 bits": ("mp4", {"codec": "libx265", "pix_fmt": "yuv420p10le"}),
    "MOV, ProRes": ("mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "audio": "pcm_s16le"}),
    "MOV, turned by a quarter": ("mov", {"rotation": 90}),
    "MP4, pixels that are not square": ("mp4", {"sample_aspect": Fraction(4, 3)}),
    "MP4, 120 frames a second": ("mp4", {"fps": 120}),
    "MP4, 1 frame a second": ("mp4", {"fps": 1, "seconds": 4}),
    "MP4, uneven frames": ("mp4", {"frame_times": UNEVEN, "audio_seconds": 2.6}),
    "MP4, sound that begins late": ("mp4", {"audio_start_s": 0.7}),
    "MP4, sound that outlasts the picture": ("mp4", {"audio_seconds": 4}),
    "MP4, no sound": ("mp4", {"audio": None}),
    "MKV": ("mkv", {}),
    "MKV, picture that begins late": ("mkv", {"picture_start_s": 0.6, "audio": "pcm_s16le"}),
    "MKV, lossless FFV1": ("mkv", {"codec": "ffv1", "audio": "flac"}),
    "MKV, three sound tracks": ("mkv", {"audio_tracks": 3, "default_track": 1}),
    "MKV, 5.1 sound": ("mkv", {"audio": "ac3", "audio_layout": "5.1", "audio_rate": 48000}),
    "WebM, VP9, Opus": ("webm", WEBM),
    "WebM, live, its length unknown": ("webm", WEBM | {"options": {"live": "1"}}),
    "AVI, MPEG-4, MP3": ("avi", {"codec": "mpeg4", "audio": "libmp3lame"}),
    "AVI, Motion JPEG, PCM": ("avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p", "audio": "pcm_s16le"}),
    "MPEG transport stream": ("ts", {}),
    "MPEG program stream": ("mpg", {"codec": "mpeg2video", "audio": "mp2", "audio_rate": 48000}),
    "Flash video": ("flv", {}),
    "Windows Media (ASF)": ("asf", {"codec": "mpeg4", "audio": "libmp3lame"}),
    "NUT": ("nut", {"codec": "mpeg4", "audio": "libmp3lame"}),
}
"""Name in the page: ending and recipe."""

REPORTS = {
    "sample rate that changes midway": "https://github.com/SYSTRAN/faster-whisper/issues/1451",
    "16 channels": "https://github.com/PyAV-Org/PyAV/issues/148",
    "30 channels": "https://github.com/pytorch/audio/issues/3718",
    "picture size that changes midway": "https://github.com/Nevcairiel/LAVFilters/issues/606",
    "display matrix of a phone": "https://github.com/Zulko/moviepy/issues/2356",
    "apostrophe in a folder's name": "https://github.com/Rafostar/gnome-shell-extension-cast-to-tv/issues/53",
    "&, ! and accents in a name": "https://github.com/TheMetalCenter/m4b-mp3-chapters-from-cuesheets/issues/3",
    "ASCII terminal (LC_ALL=C)": "https://github.com/labgrid-project/labgrid/issues/486",
    "nothing written beside the input": "https://github.com/cmarrin/videomonkey/issues/73",
    "track title that is not UTF-8": "https://github.com/MaKTaiL/gemini-srt-translator/issues/67",
}
"""Name in the page: where others reported it; the tests below and in tests/cli/test_public_reports.py try each."""


def recipe_of(name):
    ending, recipe = FORMATS[name]
    return ending, {"picture": "counter", "size": (128, 96), "seconds": 2} | recipe


def table():
    """The rows of the page's first table, from the recipes."""
    for name, (ending, recipe) in FORMATS.items():
        uneven = "frame_times" in recipe
        rate = "uneven" if uneven else f"{float(Fraction(recipe.get('fps', 25))):.5g}"
        yield f"| {name} | `.{ending}` | {rate} |"
    for name, address in REPORTS.items():
        yield f"| {name} | {address} |"


def test_the_page_has_the_rows_that_are_tried_and_no_others():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]

    assert [row for row in rows if not row.startswith(("| file", "| report"))] == list(table())


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_comes_through_right(tmp_path, name):
    ending, recipe = recipe_of(name)
    info = probe(make_clip(tmp_path / f"a.{ending}", **recipe))
    frames = list(read_frames(info, fps=4, hold_s=0.25))

    if "frame_times" not in recipe:
        assert info.frame_rate == recipe.get("fps", 25)
    assert info.is_variable_rate == ("frame_times" in recipe)
    if not recipe.get("rotation"):
        assert [read_counter(frame.pixels) for frame in frames] == [frame.index for frame in frames]
    assert frames[-1].time >= Fraction(3, 2)
    if recipe.get("audio", "aac"):
        with SoundStream(info, sample_rate=16000) as sound:
            assert np.abs(sound.window(1.4, 1.6)).max() > 0.1  # the beep of the second second


def joined(folder, ending, *recipes):
    """Files of one kind behind each other, as broadcasters and `cat` make them."""
    parts = [make_clip(folder / f"{n}.{ending}", **recipe).read_bytes() for n, recipe in enumerate(recipes)]
    path = folder / f"joined.{ending}"
    path.write_bytes(b"".join(parts))
    return path


def test_a_sample_rate_that_changes_midway_is_followed(tmp_path):
    mp3 = {"codec": None, "audio": "libmp3lame", "sound": "tone", "seconds": 2}
    info = probe(joined(tmp_path, "mp3", mp3, mp3 | {"audio_rate": 22050}), needs_picture=False)
    with SoundStream(info, sample_rate=16000) as sound:
        parts = [sound.window(start, start + 0.5) for start in (0.5, 2.8)]

    for samples in parts:
        hertz = np.argmax(np.abs(np.fft.rfft(samples))) * 2
        assert hertz == pytest.approx(440, abs=4)


@pytest.mark.parametrize("channels", [16, 30])
def test_many_channels_are_mixed(tmp_path, channels):
    import wave

    samples = np.repeat((0.3 * np.sin(np.arange(16000) / 5) * 32767).astype("<i2")[:, None], channels, axis=1)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((channels, 2, 16000, 0, "NONE", "not compressed"))
        file.writeframes(samples.tobytes())
    with SoundStream(probe(tmp_path / "a.wav", needs_picture=False), sample_rate=16000) as sound:
        assert np.abs(sound.window(0, 1)).max() == pytest.approx(0.3, abs=0.01)


def test_a_picture_size_that_changes_midway_is_brought_to_the_first(tmp_path):
    small = {"picture": "counter", "seconds": 1, "size": (128, 96)}
    clip = joined(tmp_path, "ts", small, small | {"size": (256, 192)})
    frames = list(read_frames(probe(clip), fps=25))

    assert {frame.pixels.shape for frame in frames} == {(96, 128, 3)}
    assert len({read_counter(frame.pixels) for frame in frames}) == 25


def test_the_display_matrix_of_a_phone_turns_the_picture(tmp_path):
    info = probe(make_clip(tmp_path / "a.mov", picture="arrow", size=(160, 90), rotation=90))
    (frame, *_) = read_frames(info, fps=1)

    assert (info.width, info.height) == (90, 160)
    assert frame.pixels[20, 70].argmax() == 0  # red is on the upper right once it is turned


def test_a_track_title_that_is_not_utf_8_is_no_obstacle(tmp_path):
    path = tmp_path / "a.mkv"
    make_clip(path, languages=["eng"], options={})
    with av.open(str(path)) as source, av.open(str(tmp_path / "b.mkv"), "w") as target:
        copies = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        copies[1].metadata["title"] = "Cafe XXXX"
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream_index]
                target.mux(packet)
    content = (tmp_path / "b.mkv").read_bytes()
    assert b"Cafe XXXX" in content
    (tmp_path / "b.mkv").write_bytes(content.replace(b"Cafe XXXX", b"Caf\xe9 \xff\xfe\xd7X"))

    assert probe(tmp_path / "b.mkv").sound_track is not None


def test_cover_art_is_in_the_page_of_what_is_read(tmp_path):
    song = make_clip(tmp_path / "a.mp3", codec=None, audio="libmp3lame", sound="tone", seconds=1)

    assert probe(attach_cover(song, counter((128, 96))(3, 0.0))).has_picture
