"""Files of others: benchmarks -> scenes -> material -> training_sets, each uses only those before it.

- ``benchmarks``: annotated clips of the field, and clips composed from the samples;
- ``predictions``: what systems say about them;
- ``scenes``: pictures and sounds composed with exact truth;
- ``material``: folders of pictures and sounds that scenes are made of;
- ``training_sets``: what a model learns from.
"""
