"""Training runs: configuration, loop, logs, checkpoints."""
