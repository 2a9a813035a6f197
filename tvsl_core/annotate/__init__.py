"""One video: a stage a file, each a function from a type to a type.

- ``bench``: how fast each stage of annotation is by itself, and what the whole costs beside them, measured in one
  run;
- ``boxes``: stage 4 of annotation: a localization map becomes boxes in source-frame pixels;
- ``choose``: which events are told: what is more likely right than not, and one name for one object;
- ``embed``: stage 1 of annotation: pictures and sound become vectors in the joint space;
- ``events``: probabilities along the sound become events: when a class begins and stops to sound;
- ``evidence``: what speaks for a class at a moment: the features that the scorer of events judges;
- ``find``: from the evidence of a whole file to its sources: events, whose they are, and where at each instant;
- ``instant``: from one instant to its placed sources: the one path that annotating, evaluating and benching take;
- ``localize``: stage 3 of annotation: each class that sounds gets a map over the frame;
- ``options``: what a user may ask of an annotation, checked once;
- ``prefetch``: work one step ahead: a generator runs in a thread of its own, behind a bounded queue;
- ``progress``: what a running annotation tells whoever watches it;
- ``rules``: the numbers of every stage's rule, a dataclass a stage;
- ``track``: stage 5 of annotation: events that have one source get one number, and its box moves smoothly;
- ``video``: one video from file to results: the stages of annotation, called in order.

``objects`` tells objects of one class apart, and says which of them sounds; ``signals`` reads the evidence of a whole
file: its sound at a fine hop, its pictures, and what the scorer says of both.
"""
