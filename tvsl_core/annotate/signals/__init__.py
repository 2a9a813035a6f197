"""What the sound and the pictures of a whole file say, kept small enough for hours of video.

- ``clip``: the evidence of a clip that shows one frame for as long as it sounds: what evaluation reads;
- ``listen``: the sound at a fine hop: how strongly each position speaks for each class, how loud it is, how it changes;
- ``levels``: loudness and spectrum of a sound, position by position;
- ``people``: the people of its pictures: where each face is, and how far its mouth is open;
- ``snapshots``: every instant's picture, kept small on the disk until it is known whether somebody is to be looked for
  in it;
- ``pictures``: the evidence of every instant's picture; what maps are made of waits on the disk;
- ``reading``: a video whose pictures are being read, which needs no model;
- ``score``: from both to events, each with the probabilities that it is right and that its source is in view.
"""
