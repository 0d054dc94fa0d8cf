"""Gymnasium and Stable-Baselines3 views of the batched environments."""
