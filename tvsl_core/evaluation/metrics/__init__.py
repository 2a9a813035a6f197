"""One measure a file: ``validate``, one function a measure, ``evaluate``.

- ``bootstrap``: means with intervals, when samples of one video are not independent;
- ``certainty``: whether a score means what it says: of what is reported at 0.8, four of five should be right;
- ``checks``: two checks that the field lacks: does a system listen at all?;
- ``detection``: which classes sound: names against names, without places;
- ``equals``: who of two equals sounds: one, the other or both are heard;
- ``events``: when a class sounds: reported events against true ones;
- ``interaction``: one picture with the sound of one of its objects at a time: a system must find all of them;
- ``localization``: one map against what annotators marked for one source;
- ``maps``: maps become regions: resampling to the grid on which pixels are counted, and the threshold;
- ``matching``: which map answers for which source, when a frame has several of both;
- ``mixture``: several maps against several sources of one frame;
- ``negatives``: places among frames that hold no source: a system must also know when nothing sounds in the picture;
- ``recordings``: when a model says that things sound, and how sure it is, over recordings whose times are known;
- ``scenes``: what a model reports on scenes whose truth is known to the pixel: who sounds, who is silent, and where;
- ``segmentation``: masks: how well the outline of what sounds is met;
- ``success``: how many sources are found well enough.
"""
