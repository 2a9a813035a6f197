"""Encoding heatmap videos with ffmpeg.

- ``binary``: which ffmpeg program writes our videos: the machine's own when it can, else the one that came with tvsl;
- ``command``: the ffmpeg command that turns raw frames and a file's sound into a video that every browser plays;
- ``encode``: frames and the original sound become a video file that plays in a browser;
- ``pace``: frames with their own times are laid on the even grid of a video with a constant rate.
"""
