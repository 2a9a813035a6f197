"""The material that the default model learns from, gathered from published packages by a recipe.

- ``recipe``: ``recipe.toml``, which class takes what from where;
- ``phrases``: random music, as notes;
- ``soundfont``: notes through fluidsynth; ``recordings``: notes and calls cut into phrases;
- ``pictures``: photographs, cut-outs and backgrounds;
- ``build``: all of it into one MATERIAL folder, in which every file's name begins with its source.
"""
