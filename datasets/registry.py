"""Public benchmark instances and what is known about them."""

from typing import Any

from counterpoint.opt.result import Reference


def best_known(instance: Any) -> Reference | None:
    """Return the best known bounds of a public instance, recognised by its content; None if unknown."""
    return None
