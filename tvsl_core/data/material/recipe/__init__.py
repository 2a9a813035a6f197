"""How the material of the default model is gathered from packages.

- ``build``: all material of the default model into one folder, by the recipe;
- ``phrases``: random music: a few seconds of notes as a player of an instrument might play them;
- ``pictures``: photographs, cut-outs and backgrounds of the recipe, copied into the MATERIAL folder under their
  source's name;
- ``recipe``: which class takes its sounds and pictures from where: ``recipe.toml`` as checked values;
- ``recordings``: recorded notes and calls, cut and strung into phrases of one length;
- ``soundfont``: notes through a soundfont, by the program fluidsynth.
"""
