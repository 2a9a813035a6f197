"""What frozen towers see and hear of scenes.

- ``draw``: scenes rendered, in this process or in others beside it; no towers yet;
- ``live``: scenes through the frozen towers as they are asked for: what the feature cache stores, and is compared
  with;
- ``cache``: what frozen towers see and hear of every scene, on disk, so that it is computed once;
- ``cache_build``: building one side of a feature cache: every scene once through its tower, interrupted or not.
"""
