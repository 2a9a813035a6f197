"""What is loaded before anything is done: libraries that serve training alone do not slow annotation down."""

import subprocess
import sys

import pytest

LATE = ("torchvision", "torchaudio", "scipy", "jaxtyping", "beartype")  # not tqdm: torch itself loads it
ANNOTATION = (
    "import tvsl_core.annotate.video; from tvsl_core.model.load import load_model; load_model('compact', device='cpu')"
)


@pytest.mark.parametrize("code", [ANNOTATION, "import tvsl_core.data.scenes.mixtures, tvsl_core.training.run"])
def test_what_serves_one_step_is_loaded_by_that_step(code):
    script = f"import sys; {code}; print(*(name for name in {LATE} if name in sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert result.stdout.split() == []
