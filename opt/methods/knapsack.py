"""The methods for knapsack: one entry each."""

from counterpoint.opt.registry import Method

PROBLEM = "knapsack"

METHODS: tuple[Method, ...] = ()
