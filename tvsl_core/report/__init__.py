"""Pages and files that people look at: scores as JSON and Parquet, and a self-contained HTML page."""
