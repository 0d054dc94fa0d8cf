"""Batched torch twins of the simulators: thousands of scenarios a step."""
