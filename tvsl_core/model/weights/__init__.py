"""Published weights: what there is, fetching, checking, loading safely.

- ``download``: fetching one large file over an unreliable network, so that what arrives is what was published or
  nothing;
- ``hashing``: how a file is known again: by its sha256;
- ``registry``: the weights that tvsl can fetch, and how to know that they are the right ones;
- ``safe_load``: reading tensors from files that nobody has vouched for;
- ``store``: published weights on this machine: what is there, fetching, checking, converting, removing;
- ``strict``: tensors that must fit a network exactly: every name, every shape, every number finite.
"""
