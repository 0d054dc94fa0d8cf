"""Formats of knapsacks."""
