"""The policies for hydrothermal systems: one entry each."""

from counterpoint.opt.registry import Method

PROBLEM = "hydrothermal"

METHODS: tuple[Method, ...] = ()
