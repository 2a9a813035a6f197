"""Encoded videos, looked at by a decoder that shares no code with the encoder."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tvsl_core.errors import OutputError
from tvsl_core.media.write.encode import VideoEncoder, exact_rate
from tvsl_core.media.write.options import EncodeOptions
from tvsl_core.media.write.sound import SoundSource
from tvsl_core.system.files import PARTIAL_PATTERN, write_bytes
from tvsl_core.types import SoundTrack

RATE = 48_000
NTSC = Fraction(30000, 1001)
IN_SYNC_S = 0.040


def picture(index=0, *, size=(64, 48), white=False):
    """One frame with a gradient; ``white`` is the flash."""
    width, height = size
    ramp = np.linspace(0, 120, width, dtype=np.uint8)[None, :, None]
    frame = np.broadcast_to(ramp, (height, width, 3)).copy()
    frame[..., 2] = index % 120
    return np.full_like(frame, 255) if white else frame


def encode(path, *, frames=20, size=(64, 48), frame_rate=Fraction(25), flash=None, **more):
    with VideoEncoder(path, width=size[0], height=size[1], frame_rate=frame_rate, **more) as encoder:
        for index in range(frames):
            encoder.write(picture(index, size=size, white=index == flash))
    return path


def sound_file(
    path, *, seconds=4.0, beep_at=1.0, starts_at=0.0, codec="aac", channels=1, rate=RATE, gap=None, tracks=1
):
    """A file with sound only: silence with one 0.2 s beep. Times are on the file's own timeline.

    ``gap`` = (from, to): no packets in between. With several tracks only the last one beeps.
    """
    with av.open(str(path), "w") as container:
        streams = [container.add_stream(codec, rate=rate) for _ in range(tracks)]
        for stream in streams:
            stream.layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
            stream.time_base = Fraction(1, rate)
        time_s = np.arange(round(seconds * rate)) / rate
        beep = (0.8 * np.sin(2 * np.pi * 1000 * time_s) * ((time_s >= beep_at) & (time_s < beep_at + 0.2))).astype("f4")
        for begin in range(0, len(beep) - 1023, 1024):
            if begin / rate + 1024 / rate <= starts_at or (gap and gap[0] <= begin / rate < gap[1]):
                continue
            for number, stream in enumerate(streams):
                samples = beep[begin : begin + 1024] * (number == tracks - 1)
                kind = stream.format.name
                if kind.startswith("s"):
                    depth = int(kind[1:3])
                    samples = (samples * (2.0 ** (depth - 1) - 1)).astype(f"i{depth // 8}")
                block = np.repeat(samples[None], channels, 0)
                block = block if stream.format.is_planar else block.T.reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format=kind, layout=stream.layout.name)
                frame.sample_rate, frame.pts, frame.time_base = rate, begin, Fraction(1, rate)
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


def track(*, index=0, codec="aac", rate=RATE, channels=1, start=Fraction(0)):
    return SoundTrack(index=index, codec=codec, sample_rate=rate, channels=channels, start=start, is_default=index == 0)


def times_of_frames(path):
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def flash_time(path):
    with av.open(str(path)) as container:
        return next(float(f.time) for f in container.decode(video=0) if f.to_ndarray(format="gray").mean() > 200)


def loudness(path):
    """(time, loudest sample) of each millisecond, placed by the time stamps of the decoded sound."""
    times, peaks = [], []
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].rate
        for frame in container.decode(audio=0):
            samples = np.abs(frame.to_ndarray().astype("f8")).reshape(-1, frame.samples).max(0)
            times.extend(frame.time + np.arange(frame.samples) / rate)
            peaks.extend(samples)
    return np.array(times), np.array(peaks)


def beep_time(path):
    times, peaks = loudness(path)
    return float(times[peaks > 0.3][0])


def boxes_of(path):
    """Names of the top-level boxes of an MP4 file, in order (ISO/IEC 14496-12, section 4.2)."""
    data, at, names = path.read_bytes(), 0, []
    while at < len(data):
        names.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4], "big")
    return names


def leftovers(folder):
    return list(folder.glob(PARTIAL_PATTERN))


@pytest.mark.parametrize("frame_rate", [Fraction(25), NTSC, Fraction(24000, 1001), Fraction(15), Fraction(120)])
def test_every_frame_keeps_its_exact_time(tmp_path, frame_rate):
    path = encode(tmp_path / "a.mp4", frames=40, frame_rate=frame_rate)

    assert times_of_frames(path) == [n / frame_rate for n in range(40)]
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == frame_rate


@pytest.mark.parametrize("size", [(64, 48), (1, 1), (17, 31), (2, 1), (63, 48)])
def test_odd_sizes_grow_to_even_and_keep_every_pixel(tmp_path, size):
    path = encode(tmp_path / "a.mp4", frames=3, size=size, options=EncodeOptions(quality=1))

    with av.open(str(path)) as container:
        shown = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    assert len(shown) == 3
    assert shown[0].shape == (size[1] + size[1] % 2, size[0] + size[0] % 2, 3)
    gray, expected = shown[0][: size[1], : size[0]].mean(2), picture(size=size).mean(2)
    assert np.abs(gray - expected).max() < 12


def test_a_browser_can_play_it_while_it_loads(tmp_path):
    sound = SoundSource(path=sound_file(tmp_path / "s.mp4"), track=track())
    path = encode(tmp_path / "a.mp4", sound=sound)

    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.codec_context.profile, video.pix_fmt) == ("h264", "High", "yuv420p")
        assert audio.codec_context.name == "aac"
    names = boxes_of(path)
    assert names.index("moov") < names.index("mdat")


@pytest.mark.parametrize("size", [(64, 48), (1280, 720), (720, 1280)])
def test_colours_stay_what_they_are(tmp_path, size):
    colours = [(200, 30, 40), (20, 180, 60), (30, 60, 220), (250, 250, 250), (5, 5, 5), (240, 200, 20)]
    path = tmp_path / "a.mp4"
    with VideoEncoder(path, width=size[0], height=size[1], frame_rate=Fraction(25)) as encoder:
        for colour in colours:
            frame = np.full((size[1], size[0], 3), colour, np.uint8)
            encoder.write(frame)

    with av.open(str(path)) as container:
        for frame, colour in zip(container.decode(video=0), colours, strict=True):
            shown = frame.to_ndarray(format="rgb24").reshape(-1, 3).mean(0)
            assert np.abs(shown - colour).max() < 6
            # 1 is BT.709, 6 is SMPTE 170M (ITU-T H.273, tables 2 to 4)
            assert frame.colorspace == (6 if size == (64, 48) else 1)


def test_a_smooth_ramp_is_not_darkened_or_cut(tmp_path):
    frame = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 16, 0).repeat(3, 2)
    with VideoEncoder(
        tmp_path / "a.mp4", width=256, height=16, frame_rate=Fraction(25), options=EncodeOptions(quality=5)
    ) as encoder:
        encoder.write(frame)

    with av.open(str(tmp_path / "a.mp4")) as container:
        shown = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(shown.astype(int) - frame).max() <= 6


def test_repeat_shows_a_frame_longer(tmp_path):
    with VideoEncoder(tmp_path / "a.mp4", width=8, height=8, frame_rate=Fraction(10)) as encoder:
        encoder.write(picture(size=(8, 8)), repeat=3)
        encoder.write(picture(size=(8, 8)), repeat=0)
        encoder.write(picture(size=(8, 8)))

    assert len(times_of_frames(tmp_path / "a.mp4")) == 4


def test_a_view_with_gaps_in_memory_is_written_as_it_looks(tmp_path):
    wide = np.zeros((16, 32, 3), np.uint8)
    wide[:, ::2] = 200
    with VideoEncoder(tmp_path / "a.mp4", width=16, height=16, frame_rate=Fraction(25)) as encoder:
        encoder.write(wide[:, ::2])

    with av.open(str(tmp_path / "a.mp4")) as container:
        assert next(container.decode(video=0)).to_ndarray(format="gray").min() > 190


SOUNDS = {
    "aac in mp4, copied": ({}, {}),
    "aac late by 0.7 s": ({"starts_at": 0.7}, {"start": Fraction(7, 10)}),
    "aac with a gap of 50 ms": ({"gap": (0.6, 0.65), "container": "mkv"}, {"start": Fraction(3, 100)}),
    "mp3": ({"codec": "mp3", "container": "mkv"}, {"codec": "mp3"}),
    "opus": ({"codec": "libopus", "container": "webm"}, {"codec": "opus"}),
    "pcm 8 kHz": ({"codec": "pcm_s16le", "container": "avi", "rate": 8000}, {"codec": "pcm_s16le", "rate": 8000}),
    "pcm 96 kHz": ({"codec": "pcm_s16le", "container": "mkv", "rate": 96000}, {"codec": "pcm_s16le", "rate": 96000}),
    "5.1": ({"channels": 6}, {"channels": 6}),
    "second track": ({"tracks": 2}, {"index": 1}),
}


@pytest.mark.parametrize(("made", "told"), SOUNDS.values(), ids=SOUNDS)
@pytest.mark.parametrize("cut", [(Fraction(0), None), (Fraction(1, 2), Fraction(3))], ids=["whole", "cut"])
def test_picture_and_sound_stay_together(tmp_path, made, told, cut):
    made = dict(made)
    source = sound_file(tmp_path / f"s.{made.pop('container', 'mp4')}", **made)
    start, end = cut
    flash = round((1 - start) * 25)
    sound = SoundSource(path=source, track=track(**told), start=start, end=end)
    path = encode(tmp_path / "a.mp4", frames=60, flash=flash, sound=sound)

    assert abs(beep_time(path) - flash_time(path)) < IN_SYNC_S


def test_a_late_sound_is_led_in_by_silence(tmp_path):
    """Some players ignore the edit that would delay a track."""
    source = sound_file(tmp_path / "s.mp4", starts_at=0.7)
    path = encode(tmp_path / "a.mp4", sound=SoundSource(path=source, track=track(start=Fraction(7, 10))))

    assert loudness(path)[0][0] < 0.03


@pytest.mark.parametrize("codec", ["mp3", "aac"])
def test_sound_keeps_its_place_when_the_files_timeline_starts_late(tmp_path, codec):
    source = sound_file(tmp_path / "s.mkv", starts_at=0.5, codec=codec)
    sound = SoundSource(path=source, track=track(codec=codec), origin=Fraction(1, 2))
    path = encode(tmp_path / "a.mp4", frames=50, flash=13, sound=sound)

    assert abs(beep_time(path) - 0.5) < IN_SYNC_S


@pytest.mark.parametrize("origin", [0, 10])
def test_a_stretch_far_into_a_long_sound_is_found(tmp_path, origin):
    source = sound_file(tmp_path / "s.mkv", seconds=40, beep_at=31, starts_at=origin)
    start = Fraction(30 - origin)
    sound = SoundSource(path=source, track=track(), origin=Fraction(origin), start=start, end=start + 2)
    path = encode(tmp_path / "a.mp4", frames=50, flash=25, sound=sound)

    assert abs(beep_time(path) - 1.0) < IN_SYNC_S
    assert abs(loudness(path)[0][-1] - 2.0) < 0.05


def test_sound_that_may_be_copied_is_not_encoded_again(tmp_path):
    source = sound_file(tmp_path / "s.mp4")
    path = encode(tmp_path / "a.mp4", sound=SoundSource(path=source, track=track()))

    def packets(file):
        with av.open(str(file)) as container:
            return [bytes(p) for p in container.demux(audio=0) if p.size]

    assert packets(path) == packets(source)


@pytest.mark.parametrize(
    "name", ["-leading dash.mp4", "a:b.mp4", "100%d.mp4", "Geräusch 音 'q' [x].mp4", "n" * 251 + ".mp4"]
)
def test_any_name_works_for_both_ends(tmp_path, name):
    source = sound_file(tmp_path / name)
    (tmp_path / "out").mkdir()
    path = encode(tmp_path / "out" / name, sound=SoundSource(path=source, track=track(start=Fraction(1, 2))))

    assert path == tmp_path / "out" / name
    assert len(times_of_frames(path)) == 20
    assert abs(beep_time(path) - 1.0) < IN_SYNC_S


def test_a_relative_name_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    encode(Path("-a.mp4"))

    assert len(times_of_frames(tmp_path / "-a.mp4")) == 20


def test_an_error_inside_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError), VideoEncoder(tmp_path / "a.mp4", width=8, height=8, frame_rate=NTSC) as encoder:
        encoder.write(picture(size=(8, 8)))
        raise RuntimeError

    assert list(tmp_path.iterdir()) == []


def test_an_old_video_survives_a_failed_new_one(tmp_path):
    old = encode(tmp_path / "a.mp4")
    before = old.read_bytes()
    with pytest.raises(RuntimeError), VideoEncoder(old, width=8, height=8, frame_rate=NTSC) as encoder:
        encoder.write(picture(size=(8, 8)))
        raise RuntimeError

    assert old.read_bytes() == before


def test_nothing_appears_under_the_name_before_it_is_whole(tmp_path):
    path = tmp_path / "a.mp4"
    with VideoEncoder(path, width=8, height=8, frame_rate=NTSC) as encoder:
        encoder.write(picture(size=(8, 8)))

        assert not path.exists()
    assert path.exists()
    assert leftovers(tmp_path) == []
    assert encoder.close() == path


@pytest.mark.skipif(sys.platform == "win32", reason="needs the signals of a Unix system")
def test_a_process_that_is_killed_leaves_nothing_under_the_name(tmp_path):
    old = encode(tmp_path / "a.mp4")
    before = old.read_bytes()
    script = """
        import sys, time
        from fractions import Fraction
        from pathlib import Path
        import numpy as np
        from tvsl_core.media.write.encode import VideoEncoder
        encoder = VideoEncoder(Path(sys.argv[1]), width=640, height=360, frame_rate=Fraction(25))
        noise = np.random.default_rng(0)
        for _ in range(60):
            encoder.write(noise.integers(0, 256, (360, 640, 3), dtype=np.uint8))
        print("written", flush=True)
        time.sleep(60)
    """
    process = run_apart(script, old)
    assert process.stdout.readline().split() == ["written"]
    process.kill()
    process.wait()

    assert old.read_bytes() == before
    assert [left.stat().st_size > 0 for left in leftovers(tmp_path)] == [True]


def noisy_frames(encoder, count):
    noise = np.random.default_rng(0)
    for _ in range(count):
        encoder.write(noise.integers(0, 256, (240, 320, 3), dtype=np.uint8))


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 300 KiB, where we may make one."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("this machine has no mount command")
    if done.returncode != 0:
        pytest.skip("making a small disk needs the right to mount one")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_said_and_leaves_nothing(small_disk):
    with (
        pytest.raises(OutputError, match="the disk is full"),
        VideoEncoder(
            small_disk / "a.mp4", width=320, height=240, frame_rate=NTSC, options=EncodeOptions(quality=5)
        ) as encoder,
    ):
        noisy_frames(encoder, 60)

    assert list(small_disk.iterdir()) == []


def test_a_small_file_on_a_full_disk_leaves_nothing(small_disk):
    with pytest.raises(OutputError, match="the disk is full"):
        write_bytes(small_disk / "a.png", bytes(400_000))

    assert list(small_disk.iterdir()) == []


def run_apart(script, *arguments):
    """A process of its own, for what would disturb the test's process."""
    code = textwrap.dedent(script)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], env=environment, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs the limits of a Unix system")
def test_a_limit_of_file_size_is_said_and_leaves_nothing(tmp_path):
    script = """
        import resource, sys
        from fractions import Fraction
        from pathlib import Path
        import numpy as np
        from tvsl_core.errors import OutputError
        from tvsl_core.media.write.encode import VideoEncoder
        from tvsl_core.media.write.options import EncodeOptions
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        noise = np.random.default_rng(0)
        try:
            faithful = EncodeOptions(quality=5)
            with VideoEncoder(
                Path(sys.argv[1]), width=320, height=240, frame_rate=Fraction(25), options=faithful
            ) as encoder:
                for _ in range(60):
                    encoder.write(noise.integers(0, 256, (240, 320, 3), dtype=np.uint8))
        except OutputError as error:
            print(error)
    """
    said = run_apart(script, tmp_path / "a.mp4").communicate(timeout=60)[0]

    assert "largest size allowed" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs the signals of a Unix system")
def test_ctrl_c_ends_the_encoder_and_leaves_nothing(tmp_path):
    script = """
        import sys, time
        from fractions import Fraction
        from pathlib import Path
        import numpy as np
        from tvsl_core.media.write.encode import VideoEncoder
        try:
            with VideoEncoder(Path(sys.argv[1]), width=8, height=8, frame_rate=Fraction(25)) as encoder:
                encoder.write(np.zeros((8, 8, 3), np.uint8))
                print("written", flush=True)
                time.sleep(60)
        except KeyboardInterrupt:
            print("interrupted")
    """
    process = run_apart(script, tmp_path / "a.mp4")
    assert process.stdout.readline().split() == ["written"]
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0]

    assert said.split() == ["interrupted"]
    assert list(tmp_path.iterdir()) == []


def test_two_encoders_at_once_do_not_wait_for_each_other(tmp_path):
    began = time.monotonic()
    with VideoEncoder(tmp_path / "a.mp4", width=8, height=8, frame_rate=NTSC) as first:
        second = VideoEncoder(tmp_path / "b.mp4", width=8, height=8, frame_rate=NTSC)
        for encoder in (first, second):
            encoder.write(picture(size=(8, 8)))
        first.close()
        second.close()

    assert time.monotonic() - began < 20
    assert len(times_of_frames(tmp_path / "a.mp4")) == len(times_of_frames(tmp_path / "b.mp4")) == 1


def test_an_output_that_cannot_be_written_is_said_before_any_work(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder.mp4").mkdir()
    for path, words in {
        tmp_path / "missing" / "a.mp4": "folder does not exist",
        tmp_path / "file" / "a.mp4": "not a folder",
        tmp_path / "folder.mp4": "it is a folder",
    }.items():
        with pytest.raises(OutputError, match=words):
            VideoEncoder(path, width=8, height=8, frame_rate=NTSC)


@pytest.mark.parametrize(
    "content", [b"nothing of a video" * 100, b"#EXTM3U\n#EXTINF:4,\nreal.mp4\n"], ids=["noise", "names another file"]
)
def test_sound_that_cannot_be_read_is_an_output_error(tmp_path, content):
    source, real = tmp_path / "s.mp4", sound_file(tmp_path / "real.mp4")
    source.write_bytes(content)
    sound = SoundSource(path=source, track=track())

    with pytest.raises(OutputError, match="sound of the original cannot be read"):
        VideoEncoder(tmp_path / "a.mp4", width=64, height=48, frame_rate=NTSC, sound=sound)
    assert set(tmp_path.iterdir()) == {source, real}


def test_a_track_that_is_not_there_is_an_output_error(tmp_path):
    sound = SoundSource(path=sound_file(tmp_path / "s.mp4"), track=track(index=1))

    with pytest.raises(OutputError, match="sound of the original cannot be read"):
        VideoEncoder(tmp_path / "a.mp4", width=64, height=48, frame_rate=NTSC, sound=sound)


def test_a_video_without_frames_is_refused(tmp_path):
    with (
        pytest.raises(OutputError, match="no frame"),
        VideoEncoder(tmp_path / "a.mp4", width=8, height=8, frame_rate=NTSC),
    ):
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_size_is_a_mistake_of_the_caller(tmp_path):
    with VideoEncoder(tmp_path / "a.mp4", width=8, height=8, frame_rate=NTSC) as encoder:
        encoder.write(picture(size=(8, 8)))
        with pytest.raises(ValueError, match=r"expected uint8 \(8, 8, 3\)"):
            encoder.write(picture(size=(8, 9)))
    with pytest.raises(ValueError, match="closed"):
        encoder.write(picture(size=(8, 8)))


def test_a_frame_rate_too_fine_for_ffmpeg_is_rounded_and_others_are_not():
    assert exact_rate(NTSC) == NTSC
    assert abs(exact_rate(Fraction(2**40 + 1, 2**35)) - 32) < Fraction(1, 1000)
