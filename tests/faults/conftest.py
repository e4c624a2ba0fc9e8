"""The library that faults come from, compiled once."""

from pathlib import Path

import pytest
import simulate


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """faults.c, to be preloaded."""
    return simulate.build_library(tmp_path_factory.mktemp("library"))
