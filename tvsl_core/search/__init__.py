"""Searching annotated videos by embeddings.

- ``embeddings``: ``tvsl embed``: one row a window, with what is seen and heard in it as points of the joint space.
"""
