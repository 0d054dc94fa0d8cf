"""Formats and public instances of pigment sequencing (CSPLib problem 058)."""
