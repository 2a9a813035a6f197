from __future__ import annotations

import pytest
import torch

from tvsl_core.model.compact.text import TOKENS_PER_NAME, build_tokenizer


def test_embeddings_have_unit_length_and_do_not_depend_on_their_company(towers):
    names = ["dog", "a man playing the acoustic guitar on a stage", "", "Straße 東京 🎻", "x" * 500]
    together = towers.text.embed(names)

    torch.testing.assert_close(together.norm(dim=1), torch.ones(len(names)))
    for name, vector in zip(names, together, strict=True):
        torch.testing.assert_close(towers.text.embed([name])[0], vector, atol=1e-5, rtol=1e-4)


def test_case_and_accents_make_no_difference(towers):
    one, other = towers.text.embed(["Café Violín", "cafe violin"])

    torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("name", "near", "far"),
    [
        ("kitty", "cat", "truck"),
        ("automobile", "car", "flute"),
        ("fiddle", "violin", "lion"),
        ("infant", "baby", "drum"),
    ],
)
def test_a_synonym_is_nearer_than_another_thing(towers, name, near, far):
    vectors = towers.text.embed([name, near, far])

    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


def test_long_names_are_cut_not_refused(towers):
    assert len(towers.text.tokenizer.encode("word " * 1000).ids) == TOKENS_PER_NAME


def test_a_vocabulary_without_special_pieces_is_refused():
    with pytest.raises(ValueError, match=r"\[CLS\]"):
        build_tokenizer(["[PAD]", "[UNK]", "[SEP]", "a"])
