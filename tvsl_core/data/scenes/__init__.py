"""Scenes composed of pictures and sounds, whose truth is known exactly.

- ``cast``: first step of a mixture: who takes part;
- ``cutouts``: objects cut from photographs: exact masks from alpha channels and from white surroundings;
- ``equals``: moving scenes of two objects of one class, each with a sound of its own: who of two equals is heard?
- ``kinds``: the kinds of scenes that a model is judged and calibrated on, mixed from held-out material;
- ``layout``: second step of a mixture: where everything stands in the frame;
- ``mixtures``: mixtures of a pool's files: scenes without end, each from (seed, epoch, index) alone;
- ``options``: what mixtures may be like: every choice and every augmentation, one option each;
- ``picture``: third step of a mixture: paint its picture, and write down which pixel is whose;
- ``plan``: A mixture on paper: everything that is drawn for one scene, from (seed, epoch, index) alone;
- ``pool``: files to make training scenes from: pictures and sounds by class, and what belongs to no class;
- ``scene``: what training looks at and listens to: one picture with the sound around it, and everything that is known
  of both;
- ``sound``: fourth step of a mixture: add up its sounds;
- ``store``: pictures and sounds by file, decoded once and kept in a memory of bounded size;
- ``talking``: moving scenes of people who speak: whose mouth goes with the voice?
- ``timed``: long scenes whose times are exact: what sounds when, with pauses, repeats and unknown sounds.
"""
