"""``tvsl train --set``: one line of the section [train] on the command line."""

from __future__ import annotations

import pytest

from tvsl_cli.train.request import KEYS, fine_keys, override


def overridden(*texts, **settings):
    values = dict.fromkeys(KEYS | fine_keys()) | settings
    for text in texts:
        override(values, text, KEYS | fine_keys())
    return values


def test_a_key_of_a_table_leaves_the_others_as_they_are():
    found = overridden("losses.correspond=0.5", "losses.hear = 2", losses={"see": 3.0, "hear": 1.0})

    assert found["losses"] == {"see": 3.0, "hear": 2, "correspond": 0.5}


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("weight_decay=0.1", "weight-decay", 0.1),
        ("epochs=3", "epochs", 3),
        ("sound-pool=max", "sound-pool", "max"),
        ("mixtures.sources=[0.5, 0.5]", "mixtures", {"sources": (0.5, 0.5)}),
    ],
)
def test_values_are_as_in_the_file(text, key, value):
    assert overridden(text)[key] == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("losses.corespond=1", "losses has no key 'corespond'; did you mean 'correspond'"),
        ("epoch=3", "knows no key 'epoch'; did you mean 'epochs'"),
        ("epochs=many", "epochs must be a whole number"),
        ("epochs", "needs KEY=VALUE"),
    ],
)
def test_what_cannot_be_set_is_one_sentence(text, message):
    with pytest.raises(ValueError, match=message):
        overridden(text)
