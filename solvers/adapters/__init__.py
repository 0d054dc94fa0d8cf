"""Solvers of other packages behind the protocol of this one."""
