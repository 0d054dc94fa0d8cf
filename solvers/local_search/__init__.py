"""Local search and constructive improvement heuristics."""
