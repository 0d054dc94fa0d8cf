"""Batch studies: supervised processes, a store that survives, resume."""
