"""Comparisons of methods: tables, statistics, profiles."""
