"""Formats of routing problems: TSPLIB95 and those built on its keywords and sections."""
