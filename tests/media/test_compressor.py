"""Which compressor is taken, and what is said when it is not there."""

from fractions import Fraction
from pathlib import Path
from typing import get_args

import av
import numpy as np
import pytest
from av.video.frame import PictureType

from tvsl_core.errors import OutputError
from tvsl_core.media.write.compressor import compressor
from tvsl_core.media.write.encode import VideoEncoder
from tvsl_core.media.write.options import EncodeOptions, Preset

HARDWARE = ("nvenc", "vaapi", "videotoolbox")


def at_hand(name):
    try:
        compressor(EncodeOptions(encoder=name), pixels=1)
    except OutputError:
        return False
    return True


def write(path: Path, options: EncodeOptions):
    noise = np.random.default_rng(0)
    with VideoEncoder(path, width=320, height=240, frame_rate=Fraction(25), options=options) as encoder:
        for _ in range(12):
            small = noise.integers(0, 256, (15, 20, 3), dtype=np.uint8)
            encoder.write(small.repeat(16, 0).repeat(16, 1))
    return path


@pytest.mark.parametrize("preset", get_args(Preset))
def test_every_preset_gives_what_browsers_play(tmp_path, preset):
    path = write(tmp_path / "a.mp4", EncodeOptions(preset=preset))

    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.profile == "High"
        assert sum(1 for _ in container.decode(video=0)) == 12


def pieces(packet):
    """Pieces that the picture of a packet is cut into: NAL units of coded slices (ITU-T H.264, table 7-1)."""
    data, at, count = bytes(packet), 0, 0
    while at < len(data):
        count += data[at + 4] & 31 in (1, 5)
        at += 4 + int.from_bytes(data[at : at + 4], "big")
    return count


def test_cores_share_frames_and_not_pieces_of_a_frame(tmp_path, monkeypatch):
    monkeypatch.setattr("tvsl_core.media.write.encode.cores", lambda: 3)
    path = write(tmp_path / "a.mp4", EncodeOptions())

    with av.open(str(path)) as container:
        assert [pieces(packet) for packet in container.demux(video=0) if packet.size] == [1] * 12


def test_the_default_puts_at_most_one_frame_between_its_neighbours(tmp_path):
    with av.open(str(write(tmp_path / "a.mp4", EncodeOptions()))) as container:
        kinds = "".join(PictureType(frame.pict_type).name for frame in container.decode(video=0))

    assert "B" in kinds
    assert "BB" not in kinds


def test_more_quality_takes_more_bytes(tmp_path):
    sizes = [
        write(tmp_path / f"{quality}.mp4", EncodeOptions(quality=quality)).stat().st_size for quality in (35, 21, 5)
    ]

    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 3


@pytest.mark.parametrize("name", HARDWARE)
def test_an_encoder_that_is_not_there_is_said_in_a_sentence_and_the_advice_works(tmp_path, name):
    if at_hand(name):
        assert write(tmp_path / "a.mp4", EncodeOptions(encoder=name)).stat().st_size
        return
    with pytest.raises(OutputError, match=f"The encoder {name} does not work on this machine") as caught:
        write(tmp_path / "a.mp4", EncodeOptions(encoder=name))
    assert "it needs a" in str(caught.value)
    assert "--encoder x264" in caught.value.hint
    assert list(tmp_path.iterdir()) == []
    assert write(tmp_path / "a.mp4", EncodeOptions(encoder="auto")).stat().st_size


def test_auto_is_what_is_there():
    expected = any(at_hand(name) for name in HARDWARE)

    assert (compressor(EncodeOptions(encoder="auto"), pixels=1).name != "libx264") == expected


def test_large_pictures_are_compressed_with_less_memory():
    assert compressor(EncodeOptions(), pixels=7680 * 4320).options["refs"] == "1"
    assert "refs" not in compressor(EncodeOptions(), pixels=1920 * 1080).options


@pytest.mark.parametrize("quality", [0, 52])
def test_a_quality_beyond_the_scale_is_refused(quality):
    with pytest.raises(ValueError, match="quality must lie in"):
        EncodeOptions(quality=quality)
