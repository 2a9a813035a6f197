"""A model's answers on clips and scenes with known truth, and the scorer that is fitted to them.

- ``answers``: a model's predictions for a whole benchmark: several processes, a file a clip, going on where it stopped;
- ``equals``: A model on moving scenes of equals: which of two objects of one class it names;
- ``fit``: the scorer of events, fitted on long scenes from held-out material and never on a test split;
- ``moving``: a moving scene in memory goes through annotation as a file would;
- ``predict``: one frame and its sound, judged as in annotation: what evaluation asks a model;
- ``scenes``: A model on scenes whose truth is known: what it reports, as evaluation wants it;
- ``talking``: a model on moving scenes of people who speak: whom it names, turn by turn.
"""
