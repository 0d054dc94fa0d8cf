"""Fixtures of the data tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def fjs_folder() -> Path:
    """The folder of public flexible job shops, where this machine has it."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("COUNTERPOINT_DATA", beside)) / "job_shop" / "fjs"
    if not folder.is_dir():
        pytest.skip("needs the public .fjs files: set COUNTERPOINT_DATA")
    return folder
