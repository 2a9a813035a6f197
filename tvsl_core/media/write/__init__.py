"""Encoding videos in this process; an ffmpeg program only cuts clips.

- ``binary``: which ffmpeg program cuts clips: the machine's own when it can, else the one that came with tvsl;
- ``compressor``: the compressor that was asked for, with its own words for preset and quality;
- ``encode``: frames and the original sound become a video file that plays in a browser;
- ``options``: how videos are compressed, as options;
- ``pace``: frames with their own times are laid on the even grid of a video with a constant rate;
- ``sound``: the sound of a new video: a stretch of one track of the original.
"""
