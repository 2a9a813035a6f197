"""Notes through a soundfont, by the program fluidsynth."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.material.recipe.phrases import PHRASE_S, Note
from tvsl_core.errors import InputError, MediaError

GAP_S = 1.5
"""Between phrases that are rendered together, so that a note dies away before the next phrase."""
DRUM_CHANNEL = 9
TICKS_PER_S = 960
TIMEOUT_S = 600


def render(
    phrases: Sequence[tuple[int | None, Sequence[Note]]], soundfont: Path, folder: Path, *, sample_rate: int
) -> list[NDArray[np.float32]]:
    """Play phrases one after the other and cut the sound apart again.

    Args:
        phrases: General MIDI program (None: percussion) and notes of each.
        soundfont: A ``.sf2`` or ``.sf3`` file.
        folder: For two temporary files.
        sample_rate: In Hz.

    Returns: One mono waveform of ``PHRASE_S`` seconds for each phrase.

    Raises:
        InputError: fluidsynth or the package mido is not installed.
        MediaError: fluidsynth failed.
    """
    program = shutil.which("fluidsynth")
    if program is None:
        raise InputError("the program fluidsynth is not installed.", hint="Install it with your package manager.")
    midi, wave = folder / "phrases.mid", folder / "phrases.wav"
    write_midi(midi, phrases)
    settings = ["-ni", "-q", "-g", "0.6", "-o", "synth.dynamic-sample-loading=1", "-r", str(sample_rate)]
    command = [program, *settings, "-T", "wav", "-O", "s16", "-F", str(wave)]
    done = subprocess.run([*command, str(soundfont), str(midi)], capture_output=True, timeout=TIMEOUT_S, check=False)
    if done.returncode != 0 or not wave.is_file():
        raise MediaError(f"fluidsynth could not play with {soundfont} ({done.stderr.decode(errors='replace')[-200:]}).")
    from tvsl_core.data.material.recipe.recordings import read_sound

    sound = read_sound(wave, sample_rate)
    starts = [round(index * (PHRASE_S + GAP_S) * sample_rate) for index in range(len(phrases))]
    length = round(PHRASE_S * sample_rate)
    padded = np.pad(sound, (0, max(0, starts[-1] + length - len(sound))))
    return [padded[start : start + length] for start in starts]


def write_midi(path: Path, phrases: Sequence[tuple[int | None, Sequence[Note]]]) -> None:
    """Write phrases, ``PHRASE_S + GAP_S`` apart, as one MIDI file.

    Raises: InputError: The package mido is not installed.
    """
    try:
        import mido
    except ImportError as error:
        raise InputError("the package mido is not installed.", hint="Run: pip install 'tvsl[material]'.") from error
    events: list[tuple[float, int, object]] = []
    for index, (program, notes) in enumerate(phrases):
        begin = index * (PHRASE_S + GAP_S)
        channel = DRUM_CHANNEL if program is None else 0
        if program is not None:
            events.append((begin, 0, mido.Message("program_change", channel=channel, program=program)))
        for note in notes:
            if note.start_s >= PHRASE_S:
                continue  # its end would come before its beginning, and it would never stop
            on, off = begin + note.start_s, begin + min(note.start_s + max(note.length_s, 0.01), PHRASE_S)
            pitch = {"channel": channel, "note": note.pitch}
            events.append((on, 2, mido.Message("note_on", velocity=note.velocity, **pitch)))
            events.append((off, 1, mido.Message("note_off", velocity=0, **pitch)))
    track, last = mido.MidiTrack(), 0
    track.append(mido.MetaMessage("set_tempo", tempo=500_000))
    for time, _, message in sorted(events, key=lambda event: event[:2]):
        tick = round(time * TICKS_PER_S)
        track.append(message.copy(time=tick - last))  # type: ignore[attr-defined]
        last = tick
    track.append(mido.MetaMessage("end_of_track", time=TICKS_PER_S))
    file = mido.MidiFile(ticks_per_beat=TICKS_PER_S // 2)
    file.tracks.append(track)
    file.save(str(path))
