"""Compose the sample videos from openly licensed photographs, recordings and melodies of our own.

Not part of the library: run it as ``python -m sample_videos.compose --from DIR --out sample_videos`` from the root of
the repository. The clips and their truth come from the same scene description, so a box in ``truth.json`` is the
outline of what was drawn, not what somebody or some model saw in it.
"""
