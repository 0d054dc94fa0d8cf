"""Proven bounds that need no search."""
