"""Instances, solutions and checkers of every family."""
