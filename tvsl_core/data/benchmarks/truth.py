"""What is known exactly about the sample videos, as far as one picture shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tvsl_core.data.benchmarks.files import read_json
from tvsl_core.vocabulary.people import is_speech

TRUTH = "truth.json"
"""Name of the file, in the folder of the sample videos."""


def read_truth(folder: Path) -> dict[str, Any]:
    """The clips of which single pictures and stretches of sound may be paired anew, by video.

    Those of people who speak are left out: who speaks, the mouths say, and a mouth that stands still beside another
    sound says the opposite.

    Raises: KeyError, TypeError, ValueError: The file is damaged.
    """
    clips = read_json(folder / TRUTH, dict)["clips"]
    return {
        video: clip for video, clip in clips.items() if not any(is_speech(thing["class"]) for thing in clip["objects"])
    }
