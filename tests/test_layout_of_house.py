"""The rules of the house that no type checker sees."""

import ast
import importlib.util
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import pytest

HOME = Path(__file__).parents[1]
SCRIPTS = sorted((HOME / "scripts").glob("*.py"))
MODULES = sorted((HOME / "scripts").rglob("*.py"))
TOOLS = sorted((HOME / "tools").glob("*.py"))


def load_tool(name: str) -> ModuleType:
    """A script of tools/ as a module."""
    spec = importlib.util.spec_from_file_location(name, HOME / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def name_of(path: Path) -> str:
    return path.relative_to(HOME).as_posix()


def imported(path: Path) -> set[str]:
    """The top of every module that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_no_script_imports_another(path):
    assert not imported(path) & {script.stem for script in SCRIPTS}


@pytest.mark.parametrize("path", [path for path in MODULES if path not in SCRIPTS], ids=name_of)
def test_no_shared_module_imports_a_script(path):
    assert not imported(path) & {script.stem for script in SCRIPTS}


def test_a_class_name_exists_once():
    names = [
        node.name
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    assert sorted(names) == sorted(set(names))


# Widths on a page are floats; so is the length of a bar; amounts never are.
DRAWING = {"invoice_pdf.py", "__init__.py"}


@pytest.mark.parametrize("path", [one for one in MODULES if one.name not in DRAWING], ids=name_of)
def test_no_amount_can_be_a_float(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "float", f"{name_of(path)}:{node.lineno}"
            made_of_float = node.func.id == "Decimal" and any(
                isinstance(arg, ast.Constant) and isinstance(arg.value, float) for arg in node.args
            )
            assert not made_of_float, f"{name_of(path)}:{node.lineno}"


def read_by(*command: str | Path) -> set[str]:
    """Every module that a Python imports, or tries to."""
    ran = [sys.executable, "-X", "importtime", *command]
    said = subprocess.run(ran, capture_output=True, text=True, check=True).stderr
    return {line.rpartition("|")[2].strip() for line in said.splitlines()}


# What a script reads of lib/ before its options, and modules of Python that are slow to import.
_DOOR = ("alerts", "cli", "faults", "messages", "root")
AT_THE_DOOR = {"lib", "lib.core", *(f"lib.core.{name}" for name in _DOOR)}
SLOW = {"dataclasses", "decimal", "email", "hashlib", "inspect", "socket", "ssl", "zipfile"}
PACKAGES = packages_distributions().keys()


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_help_is_answered_before_the_house_is_read(path):
    read = read_by(path, "--help") - read_by("-c", "pass")
    assert {name for name in read if name.partition(".")[0] == "lib"} <= AT_THE_DOOR
    assert not {name.partition(".")[0] for name in read} & (PACKAGES | SLOW)


# pandas takes a second to import: the audit and what packs for the accountant do when they come to
# a workbook.
CALCULATE = {"make_report.py", "make_workbook.py"}


@cache
def imported_at_once(path: Path) -> tuple[set[str], set[Path]]:
    """The packages and the files of ours that a file imports as it is read."""
    names = {
        f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.parse(path.read_bytes()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    modules = names | {name.rpartition(".")[0] for name in names}
    files = {HOME / "scripts" / f"{module.replace('.', '/')}.py" for module in modules}
    return {name.partition(".")[0] for name in names}, {file for file in files if file.is_file()}


def read_at_once(path: Path) -> set[str]:
    """The packages that a file, and what it imports of ours, import as they are read."""
    packages: set[str] = set()
    seen, waiting = set(), {path}
    while waiting:
        seen.add(file := waiting.pop())
        names, files = imported_at_once(file)
        packages |= names
        waiting |= files - seen
    return packages


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_only_commands_that_calculate_import_pandas(path):
    read = read_at_once(path)
    assert bool({"pandas", "xlsxwriter"} & read) == (path.name in CALCULATE)


def opens_text_without_encoding(call: ast.Call) -> bool:
    """A call that reads or writes a text in the encoding of the locale (ruff's PLW1514 sees only
    those whose receiver it knows to be a path)."""
    if any(keyword.arg == "encoding" for keyword in call.keywords):
        return False
    match call.func, call.args:
        case ast.Attribute(attr="read_text" | "write_text"), _:
            return True
        case ast.Attribute(value=ast.Name(id="os" | "tarfile" | "Image")), _:
            return False
        case (ast.Attribute(attr="open"), []) | (ast.Name(id="open"), [_]):
            return True
        case (ast.Attribute(attr="open"), [ast.Constant(value=str(mode))]) | (
            ast.Name(id="open"),
            [_, ast.Constant(value=str(mode))],
        ):
            return "b" not in mode
        case (ast.Attribute(attr="fdopen"), [_]) | (ast.Name(id="TextIOWrapper"), [_]):
            return True
    return False


@pytest.mark.parametrize("path", [*MODULES, *TOOLS], ids=name_of)
def test_every_text_is_read_and_written_as_utf_8_by_name(path):
    calls = (node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Call))
    assert not [call.lineno for call in calls if opens_text_without_encoding(call)]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


ROOMS = load_tool("write_architecture")


@pytest.mark.parametrize("room", [room for rooms in ROOMS.FLOORS for room in rooms])
def test_a_room_imports_from_the_floors_below_it_alone(room):
    floor = ROOMS.floor_of(room)
    outside = [one for one in ROOMS.imports(room) if one.of != room]
    assert not [one for one in outside if ROOMS.floor_of(one.of) >= floor]


def test_every_module_stands_in_a_room():
    lib = HOME / "scripts" / "lib"
    assert {path.name for path in lib.glob("*.py")} == {"__init__.py"}
    folders = {path.parent.name for path in lib.glob("*/__init__.py")}
    assert folders == {room for rooms in ROOMS.FLOORS for room in rooms}


def test_the_architecture_shows_the_rooms_as_they_are():
    assert ROOMS.PAGE.read_text(encoding="utf-8") == ROOMS.page()
