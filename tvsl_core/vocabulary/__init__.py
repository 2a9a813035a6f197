"""Class names: what may be looked for, how it is spelled, and what speaks for it.

- ``classes``: the classes that are looked for: names, aliases, and which labels of the networks speak for each;
- ``entry``: one class as a file states it, before it is known what the other classes are;
- ``file``: files of classes become entries: TOML, CSV, or plain text with one name a line;
- ``labels``: the labels that evidence may name: what the compact model's two label lists call their entries;
- ``people``: which classes people make, so that it is a face that shows them and not what lies around;
- ``spelling``: when two spellings are the same name, and what may not be a name at all.
"""
