"""Learned methods (networks, policies, training); none yet, see CHANGELOG.md."""

if not __name__.startswith("counterpoint."):
    raise ImportError("import counterpoint.models")
