"""Classical methods: constraint programming, integer programming, rules and local search."""

if not __name__.startswith("counterpoint."):
    raise ImportError("import counterpoint.solvers")
