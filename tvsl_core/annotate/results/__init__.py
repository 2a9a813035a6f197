"""What a video leaves behind: its places, table, strip and heatmap videos.

- ``event_table``: the events of one video as a Parquet table;
- ``job``: one video's place in the results: where everything goes, and whether it is already there;
- ``names``: where results go: names that stay inside their folder, fit every file system, and never meet;
- ``render``: stage 7 of annotation: what was found is drawn on every frame, with the video's own sound and at its own
  rate;
- ``rows``: rows of the sources table: each source at each instant, or at each frame, inside its event;
- ``strip``: the thumbnail strip of a video: the strongest moment of each source;
- ``table``: stage 6 of annotation: rows become Parquet tables that pandas, polars and DuckDB read unchanged;
- ``timeline``: what was found, kept for drawing: each source's strength, box and map along time, interpolated between
  instants;
- ``version``: which version of the columns of tables this program writes.
"""
