"""Public vehicle routing instances."""
