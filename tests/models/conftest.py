"""One thread for all of torch: on tensors this small more of them only wait for each other."""

from collections.abc import Iterator

import pytest

from counterpoint.models.threads import torch_threads


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Keep to one thread."""
    with torch_threads():
        yield
