"""Copies of nested dicts and lists of tensors."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def cloned(tree: Any) -> Any:
    """Return the tree with every tensor copied, so that what goes on does not change it."""
    if isinstance(tree, Tensor):
        return tree.detach().clone()
    if isinstance(tree, Mapping):
        return {key: cloned(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [cloned(value) for value in tree]
    return tree
