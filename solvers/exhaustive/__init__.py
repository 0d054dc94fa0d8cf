"""Enumeration: slow twins that tests compare with."""
