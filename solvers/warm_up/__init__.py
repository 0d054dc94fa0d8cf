"""Compiled kernels made ready before a run's clock starts: one file per family."""
