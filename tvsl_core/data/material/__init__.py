"""Folders of pictures and sounds that scenes are composed of; ``recipe`` gathers the default model's.

- ``folder``: A folder of one's own material: cutouts or photographs by class, sounds by class, backgrounds, other
  sounds;
- ``index``: what was found in the files of a material folder, remembered there, so that only new or changed ones are
  decoded;
- ``samples``: the sample videos as a material folder.
"""
