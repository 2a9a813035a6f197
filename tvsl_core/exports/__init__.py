"""Results in the formats of other programs: one format a file, or one family of alike formats.

- ``results``: what a results folder says, one video at a time: the one reader that all exports share;
- ``export``: every format by name, and the one function that writes them;
- ``speakers``: which speaker of a video somebody is;
- ``tables``: comma-separated values;
- ``subtitles``: WebVTT and SubRip;
- ``elan``: ELAN documents;
- ``lines``: Audacity labels, MOTChallenge and RTTM;
- ``coco``: COCO;
- ``cvat``: CVAT for video;
- ``label_studio``: Label Studio;
- ``timelines``: OpenTimelineIO and edit lists;
- ``clips``: every event as a file of its own, with an index; ``cut``: one stretch of a video as a file.
"""
