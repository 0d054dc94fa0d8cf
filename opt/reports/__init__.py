"""HTML reports and Jupyter snippets."""
