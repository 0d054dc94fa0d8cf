"""Published plants of parallel machines, and the file format they come in."""
