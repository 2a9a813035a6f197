"""Pages for people.

- ``charts``: small charts as SVG text: no script, no external file, readable in print;
- ``comparison``: several systems on one page: their scores side by side, and each against the first;
- ``page``: one self-contained HTML page of an evaluation: tables, curves, bars, contact sheets, and what was left
  out;
- ``scores``: what an evaluation leaves behind for programs: ``scores.json`` and ``per_sample.parquet``;
- ``tables``: tables for papers and programs: CSV, LaTeX and Markdown of one grid of cells;
- ``thumbnails``: contact sheets: the best, the typical and the worst samples, with map and reference, as inline
  pictures;
- ``viewer``: the pages in which people look through results.
"""
