"""The registry of codes, and the pages that are made from it."""

import ast
import re
from collections.abc import Iterator
from itertools import chain

import pytest

from lib.core import cli, faults
from test_layout_of_house import MODULES, load_tool

ALERTS = load_tool("write_alerts")
REGISTRY = ALERTS.registry()
CODE = re.compile(r"[BI]-[A-Z]+(?:-[A-Z]+)*")
TREES = {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


def constants(node: ast.AST) -> Iterator[str]:
    """The codes that stand as texts below a node."""
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and CODE.fullmatch(str(one.value)):
            yield str(one.value)


def raised() -> Iterator[tuple[str, str, str]]:
    """(module, the exception or `refuse`, code), where an alert is made in the call itself."""
    for module, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", "") or getattr(node.func, "id", "")
                if name in ("refuse", "Refused", "WrongUsage", "Broken", "Unavailable"):
                    yield from ((module, name, code) for code in constants(node))


@pytest.mark.parametrize("language", ALERTS.PAGES)
def test_the_page_is_what_the_registry_says(language):
    assert ALERTS.PAGES[language].read_text(encoding="utf-8") == ALERTS.page(language)


def test_the_registry_has_every_code_of_the_program_and_no_other():
    assert list(REGISTRY) == sorted(set(chain.from_iterable(map(constants, TREES.values()))))


@pytest.mark.parametrize("code", REGISTRY)
def test_a_code_is_explained_in_both_languages(code):
    entry = REGISTRY[code]
    parts = {"meaning"} if entry.get("kind") == "event" else {"meaning", "remedy"}
    assert set(entry["en"]) == set(entry["fr"]) == parts
    assert entry.keys() - {"en", "fr"} == {"exit" if code.startswith("B-") else "kind"}
    assert entry.get("exit", 1) in (1, 2, 3, 4)
    assert entry.get("kind", "notice") in ("notice", "event")


@pytest.mark.parametrize(("module", "name", "code"), sorted(set(raised())))
def test_a_code_is_raised_with_its_exit_status(module, name, code):
    stop = (
        cli.refuse(code, "", "", "")
        if name == "refuse"
        else getattr(faults, name)([faults.Alert(code, "", faults.Fault("", ""))])
    )
    assert stop.exit_code == REGISTRY[code]["exit"]
