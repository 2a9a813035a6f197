from __future__ import annotations

import subprocess
import sys

from tvsl_core.model.compact.labels import audioset_labels, imagenet_labels, parse_audioset, parse_imagenet
from tvsl_core.model.compact.load import read_weights
from tvsl_core.model.facts import WEIGHTS_FILE


def test_every_output_of_the_networks_has_one_label_and_no_key_occurs_twice():
    for labels, count in ((audioset_labels(), 521), (imagenet_labels(), 1000)):
        assert len(labels) == count
        assert len({label.key.casefold() for label in labels}) == count


def test_the_lists_in_the_package_are_those_in_the_weights():
    _, sounds, looks, _ = read_weights(WEIGHTS_FILE)

    assert sounds == audioset_labels()
    assert looks == imagenet_labels()


def test_commas_inside_parentheses_do_not_separate_names():
    assert parse_audioset("Roaring cats (lions, tigers)").names == ("roaring cats (lions, tigers)",)
    assert parse_audioset("Dishes, pots, and pans").names == ("dishes", "pots", "pans")
    assert parse_audioset("Bee, wasp, etc.").names == ("bee", "wasp")


def test_the_main_name_is_the_key_and_keeps_its_case():
    label = parse_imagenet("French horn, horn")

    assert (label.key, label.names) == ("French horn", ("french horn", "horn"))


def test_labels_and_evidence_are_there_without_torch():
    code = (
        "import sys; from tvsl_core.model.compact.labels import audioset_labels; audioset_labels();"
        "from tvsl_core.model.compact import LabelWeights; LabelWeights(); sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
