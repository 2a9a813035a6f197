"""Searching annotated videos by words.

- ``embeddings``: ``tvsl embed``: one row a window, with what is seen and heard in it as points of the joint space;
- ``query``: what a person typed: the words for the thing, and the words for where it is;
- ``relevance``: how well the name of a class answers a query;
- ``find``: the moments that answer a query, from events and from embeddings;
- ``page``: moments as a page of thumbnails.
"""
