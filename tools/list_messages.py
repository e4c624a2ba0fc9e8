"""Lists the English texts that a language has no words for, by the file that says them.

    .venv/bin/python tools/list_messages.py [--language fr] [part of a path ...]

Texts are found in the code (say, counted, the help of options, what a script says of itself), in
the tables of law whose words are English, and after ## in the Makefile.
"""

import argparse
import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HOME = Path(__file__).resolve().parents[1]
SCRIPTS = HOME / "scripts"
LANGUAGES = SCRIPTS / "lib/core/languages"
# Tables with English words: the file, and the keys that hold them.
TABLES = {
    "values/territories.json": ("name",),
    "inputs/decisions.json": ("about", "law"),
    "accounting/vat_returns.json": ("label",),
}


_SHOWN = ("help", "description")  # what argparse shows of its arguments


class Text(NamedTuple):
    """An English text, and the file that says it; `form`: "one" or "many" where it is counted."""

    english: str
    file: str
    form: str = ""


def every() -> list[Text]:
    """Each text that is shown to a person in the operator's language."""
    texts = [text for path in sorted(SCRIPTS.rglob("*.py")) for text in of_code(path)]
    texts = [text for text in texts if re.sub(r"\{\w+\}", "", text.english)]
    for table, keys in TABLES.items():
        content = json.loads((SCRIPTS / "lib" / table).read_text(encoding="utf-8"))
        texts += [Text(value, table) for value in _values(content, keys)]
    for path in sorted((SCRIPTS / "lib/inputs/new_root").rglob("*.json")):
        for value in _strings(json.loads(path.read_text(encoding="utf-8"))):
            if re.fullmatch("<.* .*>", value):
                texts.append(Text(value[1:-1], "inputs/new_root"))
    for path in (HOME / "Makefile", HOME / "tools/developers.mk"):
        texts += [Text(line, path.name) for line in of_makefile(path.read_text(encoding="utf-8"))]
    return texts


def by_text() -> dict[str, list[Text]]:
    """English text -> where it is said."""
    places: dict[str, list[Text]] = defaultdict(list)
    for text in every():
        places[text.english].append(text)
    return places


def of_code(path: Path) -> Iterator[Text]:
    """The texts of one module."""
    file = str(path.relative_to(SCRIPTS).as_posix()).removeprefix("lib/")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        match _called(call):
            case "say":
                yield from (Text(english, file) for english in _literals(call.args[:1]))
            case "counted" if len(call.args) == 3 and _of_messages(call):
                for form, argument in zip(("one", "many"), call.args[1:], strict=True):
                    yield from (Text(english, file, form) for english in _literals([argument]))
            case "add_argument" | "ArgumentParser":
                helps = [word.value for word in call.keywords if word.arg in _SHOWN]
                texts = _literals(helps)
                yield from (Text(english, file) for english in texts if not is_example(english))
            case "parser" if ast.unparse(call.func) == "cli.parser":
                yield Text(ast.get_docstring(tree, clean=False) or "", file)


def is_example(text: str) -> bool:
    """Whether the help of an option only shows a value, or the values that it may have."""
    return re.fullmatch(r"[^\s,]+(, [^\s,]+)*", text) is not None


def of_makefile(text: str) -> Iterator[str]:
    """What `make help` says, headings and targets, and what Make says itself (TEXT_...)."""
    for line in text.splitlines():
        if found := re.match(r"##@ (.+)|[a-z][a-z-]*:.*?## (.+)|TEXT_\w+ := (.+)", line):
            yield found[found.lastindex or 0]


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _of_messages(call: ast.Call) -> bool:
    """Whether `counted` is that of core/messages: Speech has one for documents."""
    return isinstance(call.func, ast.Name) or ast.unparse(call.func) == "messages.counted"


def _literals(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.IfExp):
            yield from _literals([node.body, node.orelse])


def _values(content: object, keys: tuple[str, ...]) -> Iterator[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            if key in keys and isinstance(value, str):
                yield value
            else:
                yield from _values(value, keys)
    elif isinstance(content, list):
        for value in content:
            yield from _values(value, keys)


def _strings(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict | list):
        for value in content.values() if isinstance(content, dict) else content:
            yield from _strings(value)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--language", default="fr")
    options.add_argument("parts", nargs="*", help="parts of the paths that are wanted")
    arguments = options.parse_args()
    file = LANGUAGES / f"{arguments.language}.json"
    words = json.loads(file.read_text(encoding="utf-8"))["messages"]
    missing: dict[str, list[str]] = defaultdict(list)
    for english, places in by_text().items():
        wanted = any(part in place.file for place in places for part in arguments.parts)
        if english not in words and (wanted or not arguments.parts):
            missing[places[0].file].append(english)
    for name, texts in missing.items():
        print(f"{name}:")
        for english in texts:
            print(f"  {json.dumps(english, ensure_ascii=False)}")
    print(f"{sum(map(len, missing.values()))} texts without {arguments.language}")


if __name__ == "__main__":
    main()
