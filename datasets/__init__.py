"""File formats, instance generators and the registry of public benchmark instances."""

if not __name__.startswith("counterpoint."):
    raise ImportError("import counterpoint.datasets")
