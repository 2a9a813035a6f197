"""What systems say about samples and scenes.

- ``boxes``: predictions that are boxes: the tables of ``tvsl annotate``, and COCO files of other systems;
- ``judged``: A scene whose truth is known, beside what a model says of it;
- ``prediction``: what a system says about a sample: its maps, or its boxes drawn as maps, with the class and
  certainty of each;
- ``read``: read and write what systems say about samples.
"""
