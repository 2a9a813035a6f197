"""Which object it is, where several of one class are in the picture.

- ``equals``: from the pictures of a video to those objects of an event's class that sound, where there are several;
- ``follow``: what a source shows is followed from frame to frame, between the instants at which it was found;
- ``found``: an event that is told, and where its source is along it;
- ``instances``: the region of a class comes apart into objects, each followed through its shot;
- ``motion``: how fast each of some places in the picture moves, picture by picture;
- ``shots``: the shots of a video: what is seen in one says nothing about the next;
- ``synchrony``: who of several equals sounds: whoever moves with the sound.
"""
