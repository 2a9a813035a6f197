"""What can go wrong, as one tree.

    TvslError                    anything that tvsl itself reports
    ├── InputError               what the user handed in cannot be used
    │   ├── MediaError           a video, image or sound file
    │   └── ManifestError        a list, table, vocabulary or configuration file
    ├── WeightsError             model weights are missing, damaged or of another model
    ├── OutputError              the result cannot be written
    └── TrainingError            a training run cannot go on

A message is one sentence that says what is wrong, with which value, and what to do about it.
``ValueError`` is for a wrong argument from code; it is not part of this tree.
"""


class TvslError(Exception):
    """Anything that tvsl reports to its user.

    Args:
        message: What is wrong, with which value.
        hint: What to do about it; shown after the message. Empty when the message already says it.
        stage: Where it happened (``probe``, ``decode``, ``embed``, ``write`` ...); empty when that says nothing.
    """

    def __init__(self, message: str, *, hint: str = "", stage: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.stage = stage

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class InputError(TvslError):
    """What the user handed in cannot be used."""


class MediaError(InputError):
    """A video, image or sound file cannot be used."""


class ManifestError(InputError):
    """A list, table, vocabulary or configuration file cannot be used."""


class WeightsError(TvslError):
    """Model weights are missing, damaged or of another model."""


class OutputError(TvslError):
    """A result cannot be written."""


class TrainingError(TvslError):
    """A training run cannot go on; what it reached is kept."""
