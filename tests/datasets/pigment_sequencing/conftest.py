"""Fixtures of the pigment-sequencing data tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def psp_folder() -> Path:
    """The folder of the files of CSPLib 058 as published, where this machine has it."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "data"
    folder = Path(os.environ.get("COUNTERPOINT_DATA", beside)) / "lot_sizing" / "psp"
    if not folder.is_dir():
        pytest.skip("needs the files of CSPLib 058: set COUNTERPOINT_DATA")
    return folder
