import pytest

from tests.model.audioclip.tiny_audioclip import TINY
from tvsl_core.model.bench import bench_audioclip


@pytest.mark.slow
def test_every_path_is_measured_beside_the_plain_network():
    found = bench_audioclip(batch=2, repeats=1, sizes=TINY)

    assert [(speed.modality, speed.path) for speed in found] == [
        (modality, path) for modality in ("image", "audio") for path in ("eager fp32", "shipped fp32", "shipped bf16")
    ]
    assert all(speed.per_second > 0 for speed in found)
    assert [speed.ratio for speed in found[::3]] == [1, 1]
    assert all(speed.cosine > 0.999 for speed in found)


def test_nothing_to_measure_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        bench_audioclip(batch=0)
