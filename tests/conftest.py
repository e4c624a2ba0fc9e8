"""What all tests share: the same examples every time, however slow the machine."""

import gc
import os
from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import settings

from lib.core import messages
from lib.inputs.settings import defaults

# What stands where the tests were started is nobody's setting in them.
for name in tuple(os.environ):
    if name in defaults() or name.startswith(("MAKE", "MFLAGS", "GNUMAKE", "TYPED")):
        del os.environ[name]
os.environ["LC_ALL"] = "C.UTF-8"

settings.register_profile("house", deadline=None, derandomize=True)
settings.register_profile("deep", deadline=None, max_examples=5000)  # make remedies
settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first: one that starts last keeps a single processor busy at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(autouse=True, scope="session")
def _unflushed() -> Iterator[None]:
    """Nothing waits for the disk: what a power cut leaves is asked of commands in tests/faults."""
    with mock.patch.object(os, "fsync", lambda _: None):
        yield


@pytest.fixture(autouse=True, scope="session")
def _unwalked() -> None:
    """Thousands of tests are not walked over whenever a command has its garbage collected."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """A test that spoke another language leaves none behind."""
    yield
    messages.speak(messages.ENGLISH)
