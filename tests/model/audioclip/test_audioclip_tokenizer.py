"""Ids were made once with the tokenizer of open_clip_torch 3.3.0, an independent implementation."""

import pytest

from tvsl_core.model.audioclip.tokenizer import CONTEXT, END, START, byte_symbols, clean, encode, tokenize

KNOWN = [
    ("cat", [2368]),
    ("It's 45 rpm! DON'T", [585, 568, 275, 276, 23715, 256, 847, 713]),
    ("café  NAÏVE\t spacing", [15304, 1097, 35689, 563, 588, 9442]),
    ("rock &amp;amp; roll &lt;live&gt;", [2172, 261, 3341, 283, 1064, 285]),
    ("l\u2019humanitÃ©", [331, 262, 3175, 529, 4166]),
    ("🎻🔥", [1165, 119, 3016]),
    ("日本語", [39121, 44353, 34002, 508]),
    ("a_b-c--d...", [320, 318, 321, 268, 322, 2432, 323, 678]),
    ("supercalifragilisticexpialidocious", [1642, 2857, 13093, 2076, 5868, 26850, 835, 639, 38466]),
    ("", []),
]


@pytest.mark.parametrize(("text", "ids"), KNOWN)
def test_ids_are_those_of_the_independent_tokenizer(text, ids):
    assert encode(text) == ids


def test_rows_are_start_text_end_and_zeros():
    (row,) = tokenize(["cat"]).tolist()

    assert row == [START, 2368, END] + [0] * (CONTEXT - 3)


def test_case_white_space_and_entities_do_not_matter():
    assert encode("  A  Dog\n&amp; a CAT ") == encode("a dog & a cat")


def test_every_byte_has_its_own_symbol():
    assert len(set(byte_symbols())) == 256


def test_undecodable_file_names_become_tokens():
    assert clean("caf\udce9") == "caf?"
    assert encode("\udce9")
