"""Algorithms of OR-Tools other than CP-SAT."""
