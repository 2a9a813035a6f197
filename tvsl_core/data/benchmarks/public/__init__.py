"""Benchmarks of the field in the form in which their authors publish them.

- ``avsbench``: AVSBench S4 and MS3: masks on the five seconds of a clip;
- ``flickr``: Flickr-SoundNet: boxes of several annotators, without classes; and the lists with silent pairs;
- ``interactive``: IS3 and VPO: one image, the sound of one of its objects at a time;
- ``vggsounder``: VGGSounder: which classes are audible and which are visible, label by label.
"""
