"""The methods for cvrp: one entry each."""

from counterpoint.opt.registry import Method

PROBLEM = "cvrp"

METHODS: tuple[Method, ...] = ()
