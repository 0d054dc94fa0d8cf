"""Solvers as policies: solve what is known now, act on it, solve again."""
