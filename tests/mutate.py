"""Damaged files by the thousand: a seed is a container, a way to damage it, and the places.

Run as a program (``python tests/mutate.py SOURCES FIRST COUNT``) it reads mutants and says on standard output what
became of each, so that a crash or a hang of the process belongs to the mutant that was begun last. A single one again:
``python tests/mutate.py SOURCES SEED 1``.
"""

from __future__ import annotations

import contextlib
import random
import struct
import sys
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

RECIPES = {
    "mp4": {"audio": "aac"},
    "fragments.mp4": {"audio": "aac", "options": {"movflags": "frag_keyframe+empty_moov"}},
    "mkv": {"audio": "flac"},
    "webm": {"codec": "libvpx-vp9", "audio": "libopus", "audio_rate": 48000},
    "avi": {"codec": "mpeg4", "audio": "pcm_s16le", "audio_rate": 8000},
    "ts": {"codec": "mpeg2video", "audio": "mp2"},
    "ogv": {"codec": "libvpx", "audio": "vorbis", "audio_layout": "stereo"},
    "flv": {"audio": "libmp3lame"},
}
"""Ending to what is inside: every container that people hand in, each with other codecs."""
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x00FFFFFF, 0x10000)


def make_sources(folder: Path) -> None:
    """One tiny whole file of each kind."""
    from tests.builders import make_clip

    for ending, recipe in RECIPES.items():
        plain = {"seconds": 0.5, "size": (16, 16), "fps": 10, "gop": 3, "sound": "tone", "audio_rate": 44100}
        make_clip(folder / f"whole.{ending}", **{**plain, **recipe})


def mutant(sources: Path, seed: int) -> tuple[str, bytes]:
    """(ending, content) of one damaged file; the same for a seed and the same sources."""
    choose = random.Random(seed)
    ending = list(RECIPES)[seed % len(RECIPES)]
    data = bytearray((sources / f"whole.{ending}").read_bytes())
    for _ in range(choose.choice((1, 1, 1, 2, 4))):
        _damage(data, choose, sources)
    return ending, bytes(data)


def _damage(data: bytearray, choose: random.Random, sources: Path) -> None:
    size = len(data)
    reach = choose.choice((size, min(size, 700), min(size, 200)))  # headers are where lies are believed
    at = choose.randrange(reach)
    if choose.random() < 0.3:  # so are the indexes at the end
        at = size - 1 - at
    kind = choose.randrange(8)
    length = choose.choice((1, 4, 16, 200, 1000))
    if kind == 0:
        for _ in range(choose.choice((1, 4, 16, 64))):
            data[choose.randrange(reach)] ^= 1 << choose.randrange(8)
    elif kind in (1, 2):
        value = choose.choice(INTERESTING)
        form = choose.choice((">I", "<I", ">H", "<H", "B", ">Q", "<Q"))
        room = struct.calcsize(form)
        packed = struct.pack(form, value & (256**room - 1))
        data[at : at + room] = packed
    elif kind == 3:
        del data[max(1, at) :]
    elif kind == 4:
        del data[at : at + length]
    elif kind == 5:
        data[at:at] = data[at : at + length] * choose.choice((1, 1, 20))
    elif kind == 6:
        data[at : at + length] = choose.randbytes(min(length, size - at))
    else:
        other = (sources / f"whole.{choose.choice(list(RECIPES))}").read_bytes()
        start = choose.randrange(len(other))
        data[at : at + length] = other[start : start + length]
    if not data:
        data.append(0)


def read(path: Path) -> str:
    """Everything that annotation reads of a file; what came of it, in a word."""
    from tvsl_core.errors import MediaError
    from tvsl_core.media.read.frames import read_all_frames, read_frames
    from tvsl_core.media.read.probe import probe
    from tvsl_core.media.read.sound import SoundStream

    try:
        info = probe(path)
        shown = sum(1 for _ in read_frames(info, fps=4, max_side=64, hold_s=0.5, end_s=20))
        with SoundStream(info, sample_rate=16000) as sound:
            for second in range(4):
                assert abs(sound.window(second, second + 2)).max() <= 1
        with SoundStream(info, sample_rate=8000, start_s=6) as sound:
            sound.window(6, 7)
        with contextlib.closing(read_all_frames(info, start_s=6, end_s=7)) as late:
            next(late, None)
    except MediaError:
        return "refused"
    return f"read{shown:3}"


def resident_mib() -> int:
    """Memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 >> 20


def say(*words: object) -> None:
    """One line, at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main(sources: Path, first: int, count: int) -> None:
    """Read mutants one after the other and say of each: ``begin SEED``, then ``end SEED MIB SECONDS HOW``."""
    for seed in range(first, first + count):
        ending, content = mutant(sources, seed)
        path = sources / f"mutant-{first}.{ending}"
        path.write_bytes(content)
        say("begin", seed)
        began = time.perf_counter()
        try:
            how = read(path)
        except Exception:
            how = "raised " + traceback.format_exc().replace("\n", " | ")
        say("end", seed, resident_mib(), f"{time.perf_counter() - began:.3f}", how)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
