"""What the original runtime says of a photograph, for ``test_people_networks.py``. Run where both packages are:

    pip install mediapipe==0.10.14 ai-edge-litert==1.0.1 scikit-image
    python tests/model/people/make_golden.py

The photograph is NASA's portrait of Eileen Collins (public domain), which scikit-image ships as ``astronaut``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
KEPT = 12
"""The surest cells, whose boxes are kept."""
EVERY = 4
"""Every fourth pixel of the mask, in each direction."""


def run(path: Path, values):
    """The outputs of one network, in the order of its graph."""
    from ai_edge_litert.interpreter import Interpreter

    runtime = Interpreter(str(path))
    runtime.allocate_tensors()
    runtime.set_tensor(runtime.get_input_details()[0]["index"], values[None].astype(np.float32))
    runtime.invoke()
    return [runtime.get_tensor(output["index"])[0] for output in runtime.get_output_details()]


def main() -> None:
    """Write the photograph and the arrays beside this file."""
    import importlib.util

    from skimage import data, io

    picture = data.astronaut()[0:256, 96:352]
    spec = importlib.util.find_spec("mediapipe")
    modules = Path(spec.submodule_search_locations[0]) / "modules"
    square = picture[:192, 32:224]
    places, logits = run(modules / "face_detection/face_detection_full_range_sparse.tflite", square / 127.5 - 1)
    surface, presence = run(modules / "face_landmark/face_landmark.tflite", square / 255)
    (mask,) = run(modules / "selfie_segmentation/selfie_segmentation.tflite", picture / 255)
    surest = np.argsort(-logits[:, 0])[:KEPT]
    io.imsave(HERE / "astronaut.png", picture)
    np.savez_compressed(
        HERE / "golden.npz",
        cells=surest.astype(np.int16),
        logits=logits[surest, 0],
        places=places[surest],
        surface=surface.reshape(468, 3),
        presence=presence.reshape(()),
        mask=mask[::EVERY, ::EVERY, 0].astype(np.float16),
    )


if __name__ == "__main__":
    main()
