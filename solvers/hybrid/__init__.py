"""Combinations of methods under one budget."""
