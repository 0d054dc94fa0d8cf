"""Policies of each problem."""
