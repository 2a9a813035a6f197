"""What composes the sample videos: a box is what was drawn, an interval is what was played."""

import struct
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sample_videos.compose.cutouts import cut_out, grow_over
from sample_videos.compose.gallery import draw_wall, hang
from sample_videos.compose.melodies import line, pitch, standard_midi
from sample_videos.compose.scene import Cutout, Marked, Pose, Scene, View, glide
from sample_videos.compose.sound import loudness, mix, sounding, timeline
from sample_videos.compose.sources import SAMPLE_RATE, Sources, read_member


def block(name="thing", **changes):
    """A red square of 40 pixels that stands in the middle of the world."""
    picture = np.zeros((40, 40, 4), np.uint8)
    picture[...] = (255, 0, 0, 255)
    return Cutout(**({"name": name, "picture": picture, "x": 200, "y": 120, "height": 40, "shadow": 0.0} | changes))


def scene(*cutouts, start=(200, 100, 1.0), end=None, marked=()):
    """A grey world of 400 by 200 pixels, looked at for one second."""
    return Scene(
        backdrop=np.full((200, 400, 3), 90, np.uint8),
        camera=glide(*(View(x=x, y=y, zoom=zoom) for x, y, zoom in (start, end or start)), 1.0),
        marked=marked,
        cutouts=cutouts,
    )


def red(frame):
    """Box around what is red."""
    rows, columns = np.nonzero((frame[..., 0] > 172) & (frame[..., 1] < 45))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize("time", [0.0, 0.31, 0.5, 1.0])
def test_a_box_is_where_the_object_was_drawn(time):
    moving = block(depth=1.4, pose=lambda time: Pose(x=20 * time, turn=15 * time))
    frame, boxes = scene(moving, start=(190, 100, 1.0), end=(215, 96, 1.3)).draw(time, 200, 120)

    assert np.abs(np.subtract(red(frame), boxes["thing"])).max() <= 1


def test_what_is_nearer_moves_further_across_the_frame():
    world = scene(block("far", x=160), block("near", x=240, depth=1.6), end=(210, 100, 1.0))
    (_, before), (_, after) = (world.draw(time, 200, 120) for time in (0.0, 1.0))

    assert [after[name][0] - before[name][0] for name in ("far", "near")] == [-10, -16]


def test_a_box_leaves_out_what_a_nearer_object_hides():
    _, boxes = scene(block("behind"), block("in front", x=220)).draw(0, 200, 120)

    assert boxes == {"behind": (80, 40, 100, 80), "in front": (100, 40, 140, 80)}


def test_an_object_out_of_sight_has_no_box():
    _, boxes = scene(block(x=30), marked=[Marked(name="marked", box=(0, 0, 20, 20))]).draw(0, 200, 120)

    assert boxes == {"thing": None, "marked": None}


def test_a_marked_box_moves_with_the_photograph():
    world = scene(end=(220, 110, 1.0), marked=[Marked(name="marked", box=(180, 80, 240, 120))])

    assert world.draw(1, 200, 120)[1] == {"marked": (60, 30, 120, 70)}


def test_a_camera_that_looks_past_the_edge_is_refused():
    with pytest.raises(ValueError, match="past the edge"):
        scene(start=(50, 100, 1.0)).draw(0, 200, 120)


def test_a_cut_out_is_as_large_as_its_mask_and_brings_no_background():
    photo, mask = np.full((80, 80, 3), (0, 200, 0), np.uint8), np.zeros((80, 80), np.uint8)
    photo[20:60, 20:60], mask[20:60, 20:60] = (220, 30, 30), 1
    picture = cut_out(photo, mask)
    seen = picture[..., 3] > 60

    assert np.abs(np.array(picture.shape[:2]) - 40).max() <= 4
    assert picture[seen][:, 1].max() < 80


def test_grown_grass_has_the_colour_and_the_texture_of_the_grass_beside():
    random = np.random.default_rng(0)
    photo = random.normal(120, 20, (256, 400, 3)).clip(0, 255).astype(np.uint8)
    mask = np.zeros((256, 400), np.uint8)
    mask[80:180, 150:260] = 1
    photo[mask > 0] = 255
    grown = grow_over(photo, mask)[mask > 0]

    assert grown.mean() == pytest.approx(120, abs=3)
    assert grown.std() == pytest.approx(20, abs=4)


def test_sounding_finds_when_a_track_was_put_to_sound():
    tone = np.sin(np.arange(SAMPLE_RATE) * 0.06).astype(np.float32)
    track = timeline(loudness(tone, -20), [0.5, 2.0], 4)

    assert np.array(sounding(track)) == pytest.approx(np.array([[0.5, 1.5], [2.0, 3.0]]), abs=0.03)
    assert sounding(np.zeros(SAMPLE_RATE, np.float32)) == []


def test_a_mix_never_clips():
    loud = np.sin(np.arange(SAMPLE_RATE) * 0.06).astype(np.float32)

    assert np.abs(mix([loud, loud])).max() <= 0.86


def test_notes_have_their_pitch_and_rests_their_length():
    assert [pitch(name) for name in ("C4", "A4", "F#3", "Bb3")] == [60, 69, 54, 58]
    assert line("C4 -:2 E4:0.5", 0.5) == [(0.0, 0.5, 60, 96), (1.5, 0.25, 64, 96)]


def test_midi_says_how_long_its_track_is():
    written = standard_midi(line("C4 E4:300 G4", 1), program=24, tempo=90, channel=0)
    (length,) = struct.unpack(">I", written[18:22])

    assert written[:4] == b"MThd"
    assert len(written) == 22 + length


def test_a_backdrop_that_moves_by_itself_is_asked_for_at_its_time():
    world = Scene(
        backdrop=lambda time: np.full((200, 400, 3), round(100 * time), np.uint8),
        camera=glide(View(x=200, y=100, zoom=1.0), View(x=200, y=100, zoom=1.0), 1.0),
    )

    assert [int(world.draw(time, 200, 120)[0].mean()) for time in (0.0, 0.5, 1.0)] == [0, 50, 100]


def test_a_picture_hangs_whole_inside_its_frame():
    wall, picture = draw_wall(300, 200, [150]), np.full((100, 80, 3), 200, np.uint8)
    bare = wall.copy()
    hang(wall, picture, 110, 50)

    assert (wall[50:150, 110:190] == 200).all()
    assert (wall[49, 110:190] != bare[49, 110:190]).any(axis=-1).all()
    assert np.array_equal(wall[:, 290:], bare[:, 290:])


@pytest.mark.parametrize("on_a_picture", [False, True])
def test_the_pieces_of_a_puzzle_lie_where_its_board_says(tmp_path, monkeypatch, on_a_picture):
    def webp(shape, colour):
        return cv2.imencode(".webp", np.full(shape, colour, np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()

    ground = (
        '"pixmapfile" : "image/bg.webp"' if on_a_picture else '"pixmapfile" : "image/bg.svg", "width": 60, "height": 40'
    )
    rules = f"""QtObject {{ property var levels : [ {{ {ground} }},
        {{ "pixmapfile" : "image/left.webp", "x" : "0.25", "y" : "0.5" }},
        {{ "pixmapfile" : "image/right.webp", "dropAreaSize" : "10", "x" : "0.75", "y" : "0.5" }} ] }}"""
    files = {
        "board/board3_0.qml": rules.encode(),
        "image/bg.webp": webp((40, 60, 3), (9, 9, 9)),
        "image/left.webp": webp((20, 30, 4), (0, 0, 250, 255)),
        "image/right.webp": webp((20, 30, 4), (250, 0, 0, 255)),
    }
    (tmp_path / "usr/share").mkdir(parents=True)
    monkeypatch.setattr(Sources, "_gcompris", lambda self, name: files[name.removeprefix("game/resource/")])
    painting = Sources(root=tmp_path).painting("game", 3)
    middle = painting[10:30] if on_a_picture else painting

    assert painting.shape == ((40, 60, 3) if on_a_picture else (20, 60, 3))
    assert (middle[:, :30] == (250, 0, 0)).all() and (middle[:, 30:] == (0, 0, 250)).all()


def resource_file(content, *, compressed):
    """A Qt resource file with one file, ``folder/file``."""
    names = b"".join(
        struct.pack(">HI", len(name), 0) + name.encode("utf-16-be") for name in ("folder", "file")
    )  # a name: length, hash, letters
    body = struct.pack(">I", len(content)) + zlib.compress(content) if compressed else content
    data = struct.pack(">I", len(body)) + body
    tree = struct.pack(">IHII", 0, 2, 1, 1) + struct.pack(">IHII", 0, 2, 1, 2)
    tree += struct.pack(">IHHHI", 18, int(compressed), 0, 0, 0)
    header = struct.pack(">4s4I", b"qres", 1, 20, 20 + len(tree), 20 + len(tree) + len(data))
    return header + tree + data + names


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_comes_out_of_a_resource_file_unchanged(compressed):
    resource = resource_file(b"meow" * 50, compressed=compressed)

    assert read_member(resource, "folder/file") == b"meow" * 50
    with pytest.raises(KeyError, match="no dog"):
        read_member(resource, "folder/dog")
