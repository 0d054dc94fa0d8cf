"""Models for OR-Tools CP-SAT."""
