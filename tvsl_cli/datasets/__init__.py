"""``tvsl datasets``: lists, training sets and material.

- ``app``: ``tvsl datasets``: what there is to score and to train on, what it needs, and whether it is there;
- ``material``: ``tvsl datasets material``: gather what the embedded default model learns from;
- ``training``: the training half of ``tvsl datasets``: what can be learned from, whether it is there, and cutting it
  from videos.
"""
