"""Files in, arrays out, and back; no torch.

- ``read``: probing, pictures and sound of any file;
- ``write``: encoding heatmap videos;
- ``draw``: heat, boxes, labels and strips on frames.
"""
