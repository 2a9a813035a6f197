from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tvsl_core.model.compact import LabelWeights
from tvsl_core.model.compact.evidence import (
    LEAST_LIKENESS,
    SAME_WORDS,
    contains_words,
    label_places,
    names_head,
    normalize_name,
    sharpen,
    weigh_labels,
    words,
)
from tvsl_core.model.compact.labels import audioset_labels, imagenet_labels


def labelled(vector, labels):
    return {labels[index].key: float(vector[index]) for index in np.flatnonzero(np.asarray(vector))}


def looks(towers, name):
    return labelled(towers.embed_text([name])[0, :1000], imagenet_labels())


def sounds(towers, name):
    return labelled(towers.embed_text([name])[0, 1000:], audioset_labels())


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=30), st.booleans())
def test_weights_lie_between_0_and_1_and_the_unlike_get_exactly_0(values, exclusive):
    likeness = np.array(values, np.float32)
    weights = sharpen(likeness, exclusive=exclusive)

    assert weights.min() >= 0 and weights.max() <= 1
    assert not weights[likeness < LEAST_LIKENESS - 0.01].any()


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=30))
def test_the_likest_label_weighs_most(values):
    likeness = np.array(values, np.float32)
    weights = sharpen(likeness, exclusive=True)

    assert weights[likeness.argmax()] == weights.max()
    assert (weights.max() > 0) == (likeness.max() >= np.float32(LEAST_LIKENESS))


def test_an_equal_name_shuts_out_what_only_contains_it_where_labels_exclude_each_other():
    likeness = np.array([1.0, SAME_WORDS, 0.1], np.float32)

    assert sharpen(likeness, exclusive=True).tolist() == [1, 0, 0]
    assert sharpen(likeness, exclusive=False).tolist() == [1, 1, 0]


def test_a_kind_ends_in_its_name_and_a_sound_only_mentions_it():
    assert names_head(words("guitars"), words("acoustic guitar"))
    assert not names_head(words("guitar"), words("guitar pick"))
    assert contains_words(words("car"), words("Car passing by"))
    assert not contains_words(words("cat"), words("polecat"))
    assert not contains_words(words("washing machine"), words("Sewing machine"))
    assert not contains_words((), words("cat"))


@pytest.mark.parametrize(
    ("name", "look", "sound"),
    [
        ("saxophone", "sax", "Saxophone"),
        ("violin", "violin", "Violin, fiddle"),
        ("lion", "lion", "Roaring cats (lions, tigers)"),
        ("fire truck", "fire engine", "Fire engine, fire truck (siren)"),
        ("Chainsaws", "chain saw", "Chainsaw"),
        ("rooster", "cock", "Chicken, rooster"),
    ],
)
def test_a_name_finds_its_labels_without_help(towers, name, look, sound):
    assert looks(towers, name) == {look: 1.0}
    assert sounds(towers, name)[sound] == 1.0


def test_a_kind_of_thing_finds_all_of_its_kind(towers):
    assert len(looks(towers, "dog")) >= 116
    assert len(looks(towers, "bird")) >= 55
    assert set(looks(towers, "cat")) == {"tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat"}


def test_a_synonym_that_no_label_has_is_found_by_meaning(towers):
    assert "tabby" in looks(towers, "kitty")
    assert set(sounds(towers, "kitty")) == {"Cat"}


def test_labels_of_one_evidence_are_no_labels_of_another(towers):
    told = towers.class_evidence(["zzyzx"], {"zzyzx": LabelWeights(looks={"gong": 1.0})})

    assert told.text.sum() == 1
    assert not towers.class_evidence(["zzyzx"], {}).text.any()
    assert not towers.embed_text(["zzyzx"]).any()


@pytest.mark.parametrize("name", ["qwzx", "erhu", "justice", ""])
def test_a_name_like_nothing_has_no_evidence_rather_than_a_guess(towers, name):
    assert not towers.embed_text([name]).any()


def test_curated_evidence_is_taken_as_it_is_whatever_the_spelling(towers):
    labels = {"Test_Thing": LabelWeights(sounds={"theremin": 0.5}, looks={"SAX": 0.25})}
    one, two = towers.class_evidence(["test  thing", "TEST THING"], labels).text

    assert torch.equal(one, two)
    assert (one[:1000].sum(), one[1000:].sum()) == (0.25, 0.5)
    assert one[[label.key for label in towers.looks.labels].index("sax")] == 0.25


def test_an_unknown_label_is_refused_and_the_nearest_named():
    with pytest.raises(ValueError, match=r"'Vioolin'.*'violin'"):
        weigh_labels({"Vioolin": 1.0}, label_places(imagenet_labels()))


@pytest.mark.parametrize("weight", [0.0, -1.0, 1.5])
def test_a_weight_lies_between_0_and_1(weight):
    with pytest.raises(ValueError, match=str(weight)):
        LabelWeights(looks={"sax": weight})


@given(st.text(max_size=20))
def test_a_normal_name_is_normal_already(name):
    assert normalize_name(normalize_name(name)) == normalize_name(name)
