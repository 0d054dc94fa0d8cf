"""The methods for orienteering: one entry each."""

from counterpoint.opt.registry import Method

PROBLEM = "orienteering"

METHODS: tuple[Method, ...] = ()
