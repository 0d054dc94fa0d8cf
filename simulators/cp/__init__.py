"""Scheduling problems as constraint-programming variables, and their propagation: what the CP-guided agent sees."""
