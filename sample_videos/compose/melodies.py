"""The music of the samples: traditional tunes and our own, written down as notes and played by a soundfont."""

from __future__ import annotations

import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .sources import SAMPLE_RATE, read_sound

Note = tuple[float, float, int, int]
"""Start and length in beats, MIDI pitch, velocity."""

NYLON_GUITAR, ELECTRIC_GUITAR, CELLO, TRUMPET = 24, 26, 42, 56
"""General MIDI programs, counted from 0."""
DRUM_CHANNEL = 9
TICKS_PER_BEAT = 480


def line(pitches: str, beat: float, *, velocity: int = 96, start: float = 0.0) -> list[Note]:
    """Write a melody: ``"C4 E4:2 - G4"`` is a beat of C, two of E, a beat of rest, and a beat of G."""
    notes: list[Note] = []
    for token in pitches.split():
        name, _, length = token.partition(":")
        beats = beat * float(length or 1)
        if name != "-":
            notes.append((start, beats, pitch(name), velocity))
        start += beats
    return notes


def pitch(name: str) -> int:
    """Number a note such as ``F#3``; C4 is 60."""
    step = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[name[0]]
    return 12 * (int(name[-1]) + 1) + step + name.count("#") - name[1:].count("b")


def greensleeves() -> list[Note]:
    """Greensleeves (England, 16th century), melody and broken chords in the register of a guitar; in quavers at 6/8."""
    tune = "A3 C4:2 D4 E4:1.5 F#4:.5 E4 D4:2 B3 G3:1.5 A3:.5 B3 C4:2 A3 A3:1.5 G#3:.5 A3 B3:2 G#3 E3:2"
    chords = ("A2 E3 A3 C4 A3 E3", "G2 D3 G3 B3 G3 D3", "A2 E3 A3 C4 A3 E3", "E2 B2 E3 G#3 E3 B2")
    bass = [note for bar, chord in enumerate(chords) for note in line(chord, 1, velocity=70, start=1 + 6 * bar)]
    return line(tune, 1, velocity=112) + bass


def prelude() -> list[Note]:
    """The first bars of the prelude of J. S. Bach's first cello suite (about 1720); in beats of a crotchet."""
    bars = (("G2", "D3", "B3", "A3"), ("G2", "E3", "C4", "B3"), ("G2", "F#3", "C4", "B3"), ("G2", "G3", "B3", "A3"))
    notes: list[Note] = []
    for index, (low, middle, top, under) in enumerate(bars):
        figure = f"{low} {middle} {top} {under} {top} {middle} {top} {middle}"
        notes += line(f"{figure} {figure}", 0.25, velocity=100, start=4.0 * index)
    return notes


def saints() -> list[Note]:
    """When the saints go marching in (traditional); in beats of a crotchet."""
    tune = "G4 B4 C5 D5:4 - G4 B4 C5 D5:4 - G4 B4 C5 D5:2 B4:2 G4:2 B4:2 A4:4"
    return line(tune, 1, velocity=108)


def blues_line() -> list[Note]:
    """A bar of blues of our own, a bar of rest for the drums, and two bars with them; in beats of a crotchet."""
    return line("E3 G3 A3 Bb3 A3 G3 E3:2 -:8 E3 G3 A3 Bb3 B3:2 A3 G3 E3 D3 E3:2 B2 D3 E3:2", 0.5, velocity=110)


def rock_beat(bars: int) -> list[Note]:
    """A plain rock beat of our own: bass drum, snare and hi-hat; in beats of a crotchet."""
    notes: list[Note] = [(0.0, 1.0, 49, 112)]
    for bar in range(bars):
        kicks = ((0, 36), (1, 38), (1.5, 36), (2, 36), (3, 38), (3.5, 36 if bar % 2 else 45))
        notes += [(4 * bar + eighth / 2, 0.25, 42, 92 if eighth % 2 == 0 else 72) for eighth in range(8)]
        notes += [(4 * bar + beat, 0.25, key, 120) for beat, key in kicks]
    return notes


def play(
    notes: Sequence[Note], soundfont: Path, *, program: int = 0, tempo: float = 120.0, drums: bool = False
) -> NDArray[np.float32]:
    """Play notes with FluidSynth; mono float32 ``[sample]`` at 44.1 kHz, silence at both ends cut off.

    Args:
        notes: In any order.
        soundfont: The General MIDI soundfont that plays.
        program: General MIDI instrument; ignored for drums.
        tempo: Beats per minute.
        drums: Play the percussion channel.
    """
    with tempfile.TemporaryDirectory() as folder:
        midi, wave = Path(folder, "tune.mid"), Path(folder, "tune.wav")
        midi.write_bytes(standard_midi(notes, program=program, tempo=tempo, channel=DRUM_CHANNEL if drums else 0))
        command = ["fluidsynth", "-ni", "-q", "-g", "0.8", "-r", str(SAMPLE_RATE), "-F", str(wave)]
        subprocess.run([*command, str(soundfont), str(midi)], check=True, capture_output=True)
        sound = read_sound(wave)
    loud = np.flatnonzero(np.abs(sound) > 1e-3)
    return sound[loud[0] : loud[-1] + 1]


def standard_midi(notes: Sequence[Note], *, program: int, tempo: float, channel: int) -> bytes:
    """Write notes as a standard MIDI file with one track."""
    events = [(0, bytes([0xC0 | channel, program]))]
    for start, length, key, velocity in notes:
        events.append((round(start * TICKS_PER_BEAT), bytes([0x90 | channel, key, velocity])))
        events.append((round((start + length) * TICKS_PER_BEAT) - 1, bytes([0x80 | channel, key, 0])))
    track = b"\x00\xff\x51\x03" + round(60e6 / tempo).to_bytes(3, "big")
    now = 0
    for tick, event in sorted(events):
        track += _variable_length(tick - now) + event
        now = tick
    track += _variable_length(TICKS_PER_BEAT) + b"\xff\x2f\x00"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS_PER_BEAT)
    return header + b"MTrk" + struct.pack(">I", len(track)) + track


def _variable_length(value: int) -> bytes:
    """Seven bits a byte, the highest bit set on all but the last."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(0x80 | value & 0x7F)
    return bytes(reversed(groups))
