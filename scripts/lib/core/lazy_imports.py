"""Lazy imports: what a library imports and this program never uses is imported when it is used.

factur-x reads PDFs and asks servers, fpdf2 signs files and varies fonts; to import all that takes
three times as long as what writes an invoice.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


@contextmanager
def postponed(*modules: str) -> Iterator[None]:
    """Of what is imported meanwhile, these modules are imported when something of them is used.

    Args:
      modules: by their whole names, as they stand in what is imported.
    """
    placeholders = {name: _Module(name) for name in modules if name not in sys.modules}
    sys.modules.update(placeholders)
    try:
        yield
    finally:
        for name in placeholders:
            del sys.modules[name]


class _Module(ModuleType):
    """Stands for a module while it is imported from."""

    def __getattr__(self, name: str) -> "_Use":
        if name.startswith("__"):
            raise AttributeError(name)
        return _Use(self.__name__, name)


class _Use:
    """Stands for a class, a function or a module: whatever is asked of it imports it."""

    def __init__(self, module: str, name: str) -> None:
        self._place = module, name

    def _itself(self) -> Any:
        module, name = self._place
        try:
            return getattr(import_module(module), name)
        except AttributeError:
            return import_module(f"{module}.{name}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._itself(), name)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._itself()(*arguments, **named)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self._itself())
