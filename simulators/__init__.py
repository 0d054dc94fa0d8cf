"""Simulators of sequential problems; none yet, see CHANGELOG.md."""

if not __name__.startswith("counterpoint."):
    raise ImportError("import counterpoint.simulators")
