"""The mixed-integer methods for lot-sizing: one entry each."""

from counterpoint.opt.registry import Method

MIP: tuple[Method, ...] = ()
