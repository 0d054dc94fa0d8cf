"""Stochastic dual dynamic programming over stage models. See `train`."""
