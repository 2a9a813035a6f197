"""``tvsl bench``: what a machine can do.

- ``annotate``: ``tvsl bench annotate``: every stage of annotation by itself, and what the whole costs beside them;
- ``app``: ``tvsl bench``: how fast each part is, measured side by side;
- ``model``: ``tvsl bench model``: AudioCLIP's shipped path beside the plain network;
- ``train``: ``tvsl bench train``: steps of training from the feature cache beside steps through the towers.
"""
