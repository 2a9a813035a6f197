"""What the networks of several towers are built from.

- ``convolution``: a convolution and what follows it, in one pass over the memory where the processor's library can.
- ``compiled``: a network of such convolutions, compiled as a whole where OpenVINO is installed.
"""
