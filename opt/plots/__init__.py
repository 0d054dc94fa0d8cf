"""Figures: one a file, Axes in, Axes out."""
