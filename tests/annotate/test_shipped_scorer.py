from pathlib import Path

import numpy as np
import torch

import tvsl_core.model.compact
from tvsl_core.annotate.events import EVENT_FEATURES
from tvsl_core.annotate.evidence import CONTEXT, FEATURES, NO_RIVAL, FineEvidence, features
from tvsl_core.model.scorer import ScorerLayout, load_scorer

SHIPPED = Path(tvsl_core.model.compact.__file__).with_name("scorer.safetensors")
POSITIONS, KLASSES = 3 * CONTEXT, 5


def probabilities(*, heard: slice, look: float, level_db: float = -20.0) -> np.ndarray:
    """Of the first of five classes, which is heard over a stretch of positions; nothing else is."""
    scorer, _ = load_scorer(SHIPPED, layout=ScorerLayout(position_features=FEATURES, event_features=EVENT_FEATURES))
    sound = np.full((POSITIONS, KLASSES), -9.0, np.float32)
    sound[heard, 0] = 5
    level = np.full(POSITIONS, -90.0, np.float32)
    level[heard] = level_db
    looks = np.full((POSITIONS, KLASSES), NO_RIVAL, np.float32)
    looks[:, 0] = look
    change = np.zeros(POSITIONS, np.float32)
    evidence = FineEvidence(
        sound=sound, untrained=sound, level_db=level, rise=change, fall=change, look=looks, look_broad=looks - 1,
        trained=np.ones(KLASSES, bool),
    )  # fmt: skip
    return scorer.sounding(torch.from_numpy(features(evidence, np.arange(1), np.eye(KLASSES, dtype=bool)))).numpy()[
        :, 0
    ]


def test_what_is_heard_clearly_sounds_then_and_not_before_or_after():
    heard = probabilities(heard=slice(60, 100), look=3.0)

    assert heard[70:90].min() > 0.9
    assert heard[:45].max() < 0.1
    assert heard[115:].max() < 0.1


def test_what_is_seen_and_not_heard_does_not_sound():
    assert probabilities(heard=slice(0, 0), look=8.0).max() < 0.1
