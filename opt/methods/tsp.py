"""The methods for tsp: one entry each."""

from counterpoint.opt.registry import Method

PROBLEM = "tsp"

METHODS: tuple[Method, ...] = ()
