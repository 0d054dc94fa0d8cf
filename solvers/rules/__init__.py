"""Dispatching rules."""
