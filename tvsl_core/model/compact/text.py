"""all-MiniLM-L6-v2: a name becomes a unit vector in which related meanings lie close together.

A BERT encoder of 6 layers, width 384 and 12 heads (Devlin et al., arXiv 1810.04805; Wang et al., "MiniLM",
arXiv 2002.10957; Reimers and Gurevych, "Sentence-BERT", arXiv 1908.10084), mean pooling over the tokens, unit length.
Words become WordPiece tokens of BERT's uncased English vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

WIDTH, HEADS, DEPTH, HIDDEN = 384, 12, 6, 1536
VOCABULARY, MAX_TOKENS, SEGMENTS = 30_522, 512, 2
TOKENS_PER_NAME = 64
"""Longer names are cut; class names have fewer than 20 tokens."""
EPSILON = 1e-12


def build_tokenizer(vocabulary: Sequence[str]) -> Tokenizer:
    """The WordPiece tokenizer of a vocabulary, one piece a line in the order of its ids.

    Names are lower-cased, accents dropped, and framed by ``[CLS]`` and ``[SEP]``.

    Raises: ValueError: The vocabulary lacks one of the special pieces.
    """
    ids = {piece: index for index, piece in enumerate(vocabulary)}
    missing = [piece for piece in ("[PAD]", "[UNK]", "[CLS]", "[SEP]") if piece not in ids]
    if missing:
        raise ValueError(f"the vocabulary lacks the special piece {missing[0]}")
    tokenizer = Tokenizer(WordPiece(vocab=ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])]
    )
    tokenizer.enable_truncation(TOKENS_PER_NAME)
    tokenizer.enable_padding(pad_id=ids["[PAD]"], pad_token="[PAD]")
    return tokenizer


class BlankLinear(nn.Linear):
    """A linear layer whose parameters come from a file."""

    def reset_parameters(self) -> None:
        """Leave the memory as it is: drawing random numbers takes longer than reading the right ones."""


class BlankEmbedding(nn.Embedding):
    """A table of vectors that comes from a file."""

    def reset_parameters(self) -> None:
        """Leave the memory as it is."""


class Layer(nn.Module):
    """Self-attention and a two-layer perceptron, each added to its input and then normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.query = BlankLinear(WIDTH, WIDTH)
        self.key = BlankLinear(WIDTH, WIDTH)
        self.value = BlankLinear(WIDTH, WIDTH)
        self.output = BlankLinear(WIDTH, WIDTH)
        self.attention_norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.widen = BlankLinear(WIDTH, HIDDEN)
        self.narrow = BlankLinear(HIDDEN, WIDTH)
        self.output_norm = nn.LayerNorm(WIDTH, eps=EPSILON)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``[name token 384]``; ``mask`` is ``[name 1 1 token]``, True where there is a token."""
        query, key, value = (
            part(x).unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = self.attention_norm(x + self.output(mixed.transpose(1, 2).flatten(-2)))
        normed: Tensor = self.output_norm(x + self.narrow(F.gelu(self.widen(x))))
        return normed


class TextTower(nn.Module):
    """Names in, unit vectors out; 22.6 million parameters, of which 11.7 million are the word pieces'."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        super().__init__()
        self._vocabulary = tuple(vocabulary)
        self.pieces = BlankEmbedding(VOCABULARY, WIDTH)
        self.places = BlankEmbedding(MAX_TOKENS, WIDTH)
        self.segments = BlankEmbedding(SEGMENTS, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(DEPTH))

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """Cuts names into word pieces; made when first needed."""
        return build_tokenizer(self._vocabulary)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Token ids int64 ``[name token]`` and their mask (True where there is one) to unit vectors ``[name 384]``."""
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.norm(self.pieces(tokens) + self.places(places) + self.segments.weight[0])
        for layer in self.layers:
            x = layer(x, mask[:, None, None, :])
        weight = mask[..., None].to(x.dtype)
        mean = (x * weight).sum(dim=1) / weight.sum(dim=1)
        return F.normalize(mean, dim=-1)

    @torch.inference_mode()
    def embed(self, names: Sequence[str], *, batch: int = 64) -> Tensor:
        """Unit vectors ``[name 384]`` of any names; similar lengths go through together."""
        device = self.norm.weight.device
        encodings = self.tokenizer.encode_batch([name.strip() for name in names])
        lengths = [sum(encoding.attention_mask) for encoding in encodings]
        order = sorted(range(len(names)), key=lambda index: lengths[index])
        vectors = torch.zeros(len(names), WIDTH, dtype=self.norm.weight.dtype, device=device)
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            longest = max(lengths[index] for index in chosen)
            tokens = torch.tensor([encodings[index].ids[:longest] for index in chosen], device=device)
            mask = torch.tensor([encodings[index].attention_mask[:longest] for index in chosen], device=device)
            vectors[torch.tensor(chosen, device=device)] = self(tokens, mask.bool())
        return vectors
