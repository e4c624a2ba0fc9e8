"""Strict JSON: UTF-8 without a byte-order mark, no key twice in an object, numbers exact.

A number with a point or an exponent becomes a Decimal. What is refused is refused with its
line and column.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from lib.core import foreign_files, json_slips
from lib.core.faults import SHOWN, Alert, Fault, Refused, at_line
from lib.core.messages import say

_DEEPEST = 50  # levels of a JSON file; ours have eight
_LONGEST_INT = 18  # characters of a number without decimals
_LONGEST_DECIMAL = 40  # characters of one with a point or an exponent
_BOM = b"\xef\xbb\xbf"


def parse(name: str, data: bytes) -> Any:
    """The value of a JSON file; a number with a point or an exponent becomes a Decimal.

    Args:
      name: the file, as messages name it.

    Raises:
      Refused: with line and column, for bytes that are not UTF-8, a byte-order mark, wrong
        syntax or nesting without end, and for a key that appears twice in an object.
    """
    if data.startswith(_BOM):
        remedy = say('save it as "UTF-8", not "UTF-8 with BOM"')
        mark = Fault("", say("begins with a byte-order mark"), remedy=remedy)
        raise Refused([Alert("B-JSON-ENCODING", name, mark)])
    if kind := foreign_files.kind(data):
        remedy = say("save it as plain text in UTF-8, under the name that it has")
        foreign = Fault("", say("is {kind}, not JSON", kind=kind), remedy=remedy)
        raise Refused([Alert("B-JSON-ENCODING", name, foreign)])
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        found = say("byte 0x{byte} is not UTF-8", byte=f"{data[error.start]:02X}")
        place = _place(data[: error.start].decode("utf-8"))
        odd = Fault(place, found, remedy=say("save the file as UTF-8"))
        raise Refused([Alert("B-JSON-ENCODING", name, odd)]) from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object_without_duplicates,
            parse_float=_bounded_decimal,
            parse_int=_bounded_int,
            parse_constant=_no_constant,
        )
        if _is_too_deep(value):
            raise RecursionError
        return value
    except json.JSONDecodeError as error:
        slip = json_slips.find(text, error)
        wrong = Fault(_place(text[: slip.at]), slip.found, remedy=slip.remedy)
    except (ValueError, RecursionError):
        wrong = _unwanted(text)
    raise Refused([Alert("B-JSON-SYNTAX", name, wrong)])


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a key stands twice")
    return result


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        objects = [node.values() for node in level if isinstance(node, dict)]
        arrays = [node for node in level if isinstance(node, list)]
        level = [child for children in (*objects, *arrays) for child in children]
        if not level:
            return False
    return any(isinstance(node, dict | list) for node in level)


def _bounded_int(text: str) -> int:
    if len(text) > _LONGEST_INT:
        raise ValueError("a number is too long")
    return int(text)


def _bounded_decimal(text: str) -> Decimal:
    try:
        if len(text) <= _LONGEST_DECIMAL:
            return Decimal(text)
    except InvalidOperation:  # an exponent beyond what Decimal knows
        pass
    raise ValueError("a number is too long")


def _is_number(text: str) -> bool:
    try:
        (_bounded_decimal if re.search("[.eE]", text) else _bounded_int)(text)
    except ValueError:
        return False
    return True


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number of JSON")


# A key with its colon, another text, a bracket, a number, or a word.
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|[][{}]|[^][{}\s,:"]+', re.DOTALL)


def _unwanted(text: str) -> Fault:
    """The first thing that JSON may have and our files may not.

    Args:
      text: JSON at least as far as that.
    """
    open_ones: list[set[str]] = []  # for each object or array that is open, its keys so far
    for match in _TOKEN.finditer(text):
        token, key = match[0], match[1] if match[2] else None
        found = remedy = None
        if token in ("[", "{"):
            open_ones.append(set())
            if len(open_ones) > _DEEPEST:
                found = say("is nested too deep: at most {levels} levels", levels=_DEEPEST)
        elif token in ("]", "}"):
            open_ones.pop()
        elif key is not None:
            name = json.loads(key)
            if name in open_ones[-1]:
                shown = key if len(key) <= SHOWN else f'{key[:SHOWN]}..."'
                found = say("the key {key} appears twice in one object", key=shown)
                remedy = say("remove one")
            open_ones[-1].add(name)
        elif token in ("NaN", "Infinity", "-Infinity"):
            found = say("{token} is not a number that JSON has", token=token)
            remedy = say("write the number itself")
        elif token[0] in "-0123456789" and not _is_number(token):
            found = say("the number {digits}... is too long", digits=token[:_LONGEST_INT])
        if found:
            return Fault(_place(text[: match.start()]), found, remedy=remedy)
    raise AssertionError("the text was refused for one of these")


def _place(before: str) -> str:
    column = say("column {number}", number=len(before) - before.rfind("\n"))
    return at_line(before.count("\n") + 1, str(column))
