"""Benchmarks of the field: their annotations, their media, and those composed from the samples.

- ``audioset``: AudioSet-Instrument: boxes on frames of AudioSet clips, several instances of a class in one frame;
- ``boxes``: boxes of annotation files: their two forms, their damage, and their pixels;
- ``catalog``: the benchmarks by name: what each is, which files it needs, and where a user gets them;
- ``clips``: the media of a sample as arrays: its frame, tiles side by side, and the sound around it, tiles added;
- ``composed``: benchmarks that need no data: composed by recipe and seed from the sample videos;
- ``custom``: A benchmark of one's own: a CSV table or a COCO file of boxes;
- ``files``: read the small text files that annotations come in, and say clearly what is wrong with them;
- ``instruments``: VGG-Instruments: masks on frames of instrument players; the masks are supplied by the user;
- ``layout``: where the media of a benchmark lie, and which are missing;
- ``masks``: read mask files, pickles among them, without running what they may carry;
- ``music``: MUSIC-Solo and MUSIC-Duet: boxes on frames of musicians, in two published lists each;
- ``public``: benchmarks of the field in the form in which their authors publish them;
- ``sample``: what a benchmark says: samples, their sounding sources, and the media that they need;
- ``select``: choose samples of a benchmark: a spread subset, heard or unheard classes, samples that were trained on;
- ``truth``: what is known exactly about the sample videos, as far as one picture shows it;
- ``vggsound``: VGG-SS and VGGSound-Duet: boxes on frames of VGGSound test clips.
"""
