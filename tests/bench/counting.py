"""Counting what a function takes in processes that others start: each call adds to a file."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILE = "COUNTED"  # the variable of the environment that has its path
_BYTES = 8  # of a number in it


def count(module: object, name: str, clock: Callable[[], int], sign: int = 1) -> None:
    """Has a function of a module tell, from now on, the nanoseconds that it takes."""
    work = getattr(module, name)
    file = os.open(os.environ[FILE], os.O_WRONLY | os.O_APPEND)

    def counted(*arguments: Any) -> Any:
        begun = clock()
        try:
            return work(*arguments)
        finally:
            took = sign * (clock() - begun)
            os.write(file, took.to_bytes(_BYTES, "big", signed=True))

    setattr(module, name, counted)


def read(file: Path) -> int:
    """The nanoseconds of all calls."""
    data = file.read_bytes()
    numbers = (data[i : i + _BYTES] for i in range(0, len(data), _BYTES))
    return sum(int.from_bytes(number, "big", signed=True) for number in numbers)
