"""What all tests share: the same examples every time, however slow the machine."""

import os

import pytest
from hypothesis import settings

from lib.inputs.settings import defaults

# What stands where the tests were started is nobody's setting in them.
for name in tuple(os.environ):
    if name in defaults() or name.startswith(("MAKE", "MFLAGS", "GNUMAKE", "TYPED")):
        del os.environ[name]

settings.register_profile("house", deadline=None, derandomize=True)
settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first: one that starts last keeps a single processor busy at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
