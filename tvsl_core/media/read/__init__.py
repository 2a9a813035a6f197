"""Pictures, sound and facts of any media file, hostile ones included.

- ``cuts``: where one shot ends and the next begins, found while the pictures are decoded;
- ``decode``: the pictures of one file as its decoder gives them, each with its place on the video's timeline;
- ``downmix``: decoded sound of any format and any number of channels becomes one channel;
- ``frame_times``: when each frame of a video is shown, from its packets alone;
- ``frames``: frames of a video by presentation time: sampled for analysis, or every one for rendering, in one
  streaming pass;
- ``instants``: the instants of a file that has sound and no picture;
- ``limits``: files that claim to be enormous are refused before their claims are believed;
- ``packets``: packets of an open file until it ends or breaks off; the one loop that all readers share;
- ``picture``: one decoded picture as a viewer sees it: turned, with square pixels, in RGB;
- ``planes``: one decoded picture as a viewer sees it, in the planes that videos are coded in;
- ``probe``: what a video file holds: sizes, rates, tracks and its timeline, from its header and its first packets;
- ``report``: what a reader of pictures met on its way, and what of it the user should hear;
- ``resample``: decoded sound of any format becomes mono samples at one rate, for sound without a timeline;
- ``safety``: opening files that nobody vouches for: local plain files only, known containers only, bounded sizes;
- ``sound``: the sound of a video as one mono stream on the video's timeline, decoded as it is asked for.
"""
