"""Exact policies of small Markov decision problems."""
