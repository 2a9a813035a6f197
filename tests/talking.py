"""People who speak in moving pictures: NASA's portrait of an astronaut, twice, whose mouths go with voices of noise."""

from pathlib import Path

import cv2
import numpy as np

from tvsl_core.annotate.objects.footage import SOUND_RATE
from tvsl_core.data.scenes.talking import PortraitFace, TalkingScenes
from tvsl_core.model.people.load import load_people
from tvsl_core.tuning.talking import find_portrait

PORTRAIT = Path(__file__).parent / "model" / "people" / "astronaut.png"


def portrait() -> PortraitFace:
    """The astronaut, ``[256 256 3]``."""
    face = find_portrait(cv2.cvtColor(cv2.imread(str(PORTRAIT)), cv2.COLOR_BGR2RGB), load_people())
    assert face is not None
    return face


def utterance(seed: int, *, seconds: float = 9.0) -> np.ndarray:
    """Syllables of noise, three or four a second, each as loud as it comes; ``[sample]`` at ``SOUND_RATE``."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    loud, place = np.zeros(len(times)), 0.1
    while place < seconds - 0.1:
        loud += rng.uniform(0.1, 1) * np.exp(-0.5 * ((times - place) / 0.06) ** 2)
        place += rng.uniform(0.2, 0.5)
    return (0.3 * loud * rng.standard_normal(len(times))).astype(np.float32)


def scenes(seed: int = 0) -> TalkingScenes:
    """Scenes of two astronauts and three voices or more."""
    face = portrait()
    return TalkingScenes([face, face], [utterance(seed) for seed in range(5)], seed=seed, sample_rate=SOUND_RATE)
