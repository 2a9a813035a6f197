"""Which object it is, where several of one class are in the picture.

- ``equals``: from the pictures of a video to those objects of an event's class that sound, where there are several;
- ``follow``: what a source shows is followed from frame to frame, between the instants at which it was found;
- ``footage``: stretches of a video, read again and closely;
- ``instances``: the region of a class comes apart into objects, each followed through its shot;
- ``moments``: where the source of an event is along it;
- ``motion``: how fast each of some places in the picture moves, picture by picture;
- ``mouths``: how far each of some mouths is open, picture by picture;
- ``shots``: the shots of a video: what is seen in one says nothing about the next;
- ``speakers``: which of the people in view are heard in an event;
- ``synchrony``: who of several equals sounds: whoever moves with the sound;
- ``turns``: who has the turn: whose mouth goes with the voice.
"""
