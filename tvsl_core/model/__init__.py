"""Tensors in, tensors out: towers, the T-VSL model over them, and their weights."""
