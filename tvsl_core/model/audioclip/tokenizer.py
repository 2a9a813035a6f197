"""CLIP's byte-pair tokens (arXiv 2103.00020, section 2.4), with CLIP's own vocabulary file."""

from __future__ import annotations

import functools
import gzip
import hashlib
import html
from collections.abc import Sequence
from importlib import resources

import ftfy
import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from tvsl_core.errors import InputError, WeightsError

VOCABULARY = "bpe_simple_vocab_16e6.txt.gz"
VOCABULARY_SHA256 = "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"
MERGES = 48_894
"""Merges in use: 49,408 entries less two per byte and two markers. The file holds more."""
END_OF_WORD = "</w>"
CONTEXT = 77
"""Tokens of one text, both markers and padding included."""
START, END = 49_406, 49_407
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"
"""A contraction, a run of letters, one digit, or a run of anything else."""
LONGEST_TEXT = 10_000
"""Characters; a text this long cannot fit and would only cost time."""


def tokenize(texts: Sequence[str]) -> NDArray[np.int64]:
    """Texts to rows of 77 token ids: start marker, the text, end marker, zeros.

    Shapes: ``[klass context]``.

    Texts are repaired (``ftfy``), HTML entities resolved, white space collapsed and letters lowered, as CLIP does. An
    empty text is only its two markers.

    Raises: InputError: A text takes more than 75 tokens.
    """
    if isinstance(texts, str):
        raise ValueError(f"tokenize takes a list of texts, got the single text {texts!r}: wrap it in a list")
    rows = np.zeros((len(texts), CONTEXT), dtype=np.int64)
    for row, text in zip(rows, texts, strict=True):
        ids = encode(text)
        if len(ids) > CONTEXT - 2:
            raise InputError(
                f"The text {_shown(text)} takes {len(ids)} tokens, and at most {CONTEXT - 2} fit.",
                hint="Shorten it.",
                stage="embed",
            )
        row[: len(ids) + 2] = (START, *ids, END)
    return rows


def encode(text: str) -> list[int]:
    """Token ids of one text, without markers.

    Raises: ValueError: It is not a text.
    """
    if not isinstance(text, str):
        raise ValueError(f"a text must be a str, got {type(text).__name__}")
    if len(text) > LONGEST_TEXT:
        raise InputError(
            f"The text {_shown(text)} has {len(text)} characters, far more than fit.", hint="Shorten it.", stage="embed"
        )
    ids: list[int] = _byte_pairs().encode(clean(text), add_special_tokens=False).ids
    return ids


def clean(text: str) -> str:
    """What CLIP's tokenizer makes of a text before it looks for words."""
    text = text.encode("utf-8", errors="replace").decode("utf-8")  # lone surrogates of undecodable file names
    text = html.unescape(html.unescape(ftfy.fix_text(text)))
    return " ".join(text.split()).lower()


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def byte_symbols() -> tuple[str, ...]:
    """One visible character per byte, in the order of the vocabulary: bytes that print stand for themselves."""
    visible = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = len(set(range(256)) - set(visible))
    return tuple(chr(code) for code in [*visible, *range(256, 256 + hidden)])


@functools.cache
def _byte_pairs() -> Tokenizer:
    packed = resources.files("tvsl_core.model.audioclip").joinpath(VOCABULARY).read_bytes()
    if hashlib.sha256(packed).hexdigest() != VOCABULARY_SHA256:
        raise WeightsError(f"The vocabulary file {VOCABULARY} is damaged.", hint="Install tvsl again.")
    lines = gzip.decompress(packed).decode("utf-8").split("\n")
    merges = [(left, right) for left, right in (line.split() for line in lines[1 : MERGES + 1])]
    symbols = byte_symbols()
    entries = [*symbols, *(symbol + END_OF_WORD for symbol in symbols), *(left + right for left, right in merges)]
    vocabulary = {entry: index for index, entry in enumerate(entries)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, end_of_word_suffix=END_OF_WORD))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer
