"""``tvsl bench``: what a machine can do.

- ``all``: ``tvsl bench all``: every figure in one run, with the machine and the versions that they belong to;
- ``annotate``: ``tvsl bench annotate``: every stage of annotation by itself, and what the whole costs beside them;
- ``app``: ``tvsl bench``: how fast each part is, measured side by side;
- ``batch``: ``tvsl bench batch``: how many videos a machine annotates at the same time, and what holds it up;
- ``document``: figures of ``tvsl bench``: lines for people, or one JSON document with the machine and the versions;
- ``model``: ``tvsl bench model``: AudioCLIP's shipped path beside the plain network;
- ``train``: ``tvsl bench train``: steps of training from the feature cache beside steps through the towers.
"""
