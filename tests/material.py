"""A small folder of material to learn from: squares of a colour, and a tone each."""

import wave
from pathlib import Path

import cv2
import numpy as np

CLASSES = ("bell", "dog", "flute")


def make_material(root: Path, sources=("src0", "src1", "src2", "src3")) -> Path:
    """Three classes, with a picture and a sound of each from every source."""
    time = np.arange(2 * 16_000) / 16_000
    for klass, name in enumerate(CLASSES):
        images, sounds = root / "images" / name, root / "sounds" / name
        images.mkdir(parents=True, exist_ok=True)
        sounds.mkdir(parents=True, exist_ok=True)
        for number, source in enumerate(sources):
            picture = np.zeros((60, 60, 4), np.uint8)
            picture[10:50, 10:50, klass] = 250
            picture[10:50, 10:50, 3] = 255
            picture[20:30:3, 10:50, :3] = number * 60
            cv2.imwrite(str(images / f"{source}__a.png"), picture)
            tone = 0.3 * np.sin(2 * np.pi * (200 + 400 * klass + 5 * number) * time)
            with wave.open(str(sounds / f"{source}__a.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(16_000)
                file.writeframes((tone * 32767).astype(np.int16).tobytes())
    return root
