"""Whether a value fits its JSON Schema, answered at once by checks that are put together before it.

jsonschema finds all that is wrong and where, and takes milliseconds for a file, most of them to
follow references. Nearly every file fits: inputs/schemas asks jsonschema about the others only.
All keywords that schemas/ use are known here; another one is a KeyError.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

Check = Callable[[Any], bool]

_TYPES: dict[str, Check] = {
    "string": lambda value: isinstance(value, str),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}
_SAY_NOTHING = {"$schema", "$id", "$defs", "title", "description", "examples", "default"}
_SAY_NOTHING |= {"writeOnly", "then", "else"}  # these two belong to `if`


class Library(NamedTuple):
    """What schemas name: the schema that a $ref leads to, and the check of a format, which raises
    ValueError for a text that it refuses."""

    referred: Callable[[str], Any]
    formats: Mapping[str, Callable[[str], object]]


def check_of(schema: Any, library: Library) -> Check:
    """The check of a schema: whether a value fits it."""
    if isinstance(schema, bool):
        return lambda value: schema
    checks = [
        _KEYWORDS[keyword](argument, schema, library)
        for keyword, argument in schema.items()
        if keyword not in _SAY_NOTHING and not keyword.startswith("x-")
    ]
    return checks[0] if len(checks) == 1 else _all_of(checks)


def fits_pattern(pattern: re.Pattern[str], value: str) -> bool:
    """As ECMA 262 means it: in Python, $ would let a line break pass at the end."""
    return pattern.search(value) is not None and not value.endswith("\n")


def _all_of(checks: Iterable[Check]) -> Check:
    checks = tuple(checks)

    def fits(value: Any) -> bool:
        for check in checks:  # noqa: SIM110 (a generator takes twice as long)
            if not check(value):
                return False
        return True

    return fits


def _where(kind: type | tuple[type, ...], check: Check) -> Check:
    """A check of values of a kind; others pass."""
    return lambda value: not isinstance(value, kind) or check(value)


def _format(name: str, _: Any, library: Library) -> Check:
    judge = library.formats[name]

    def fits(value: Any) -> bool:
        if isinstance(value, str):
            try:
                judge(value)
            except ValueError:
                return False
        return True

    return fits


def _pattern(text: str, *_: Any) -> Check:
    pattern = re.compile(text)
    return _where(str, lambda value: fits_pattern(pattern, value))


def _number(is_sound: Check) -> Check:
    return lambda value: (
        not isinstance(value, int | Decimal) or isinstance(value, bool) or is_sound(value)
    )


def _properties(schemas: Mapping[str, Any], schema: Any, library: Library) -> Check:
    checks = {name: check_of(part, library) for name, part in schemas.items()}

    def fits(value: Any) -> bool:
        if isinstance(value, dict):
            for name, child in value.items():
                check = checks.get(name)
                if check is not None and not check(child):
                    return False
        return True

    return fits


def _additional(part: Any, schema: Any, library: Library) -> Check:
    known, check = schema.get("properties", {}).keys(), check_of(part, library)
    return _where(
        dict, lambda value: all(check(child) for name, child in value.items() if name not in known)
    )


def _if(part: Any, schema: Any, library: Library) -> Check:
    applies, then, otherwise = (
        check_of(each, library)
        for each in (part, schema.get("then", True), schema.get("else", True))
    )
    return lambda value: then(value) if applies(value) else otherwise(value)


def _dependent_required(groups: Mapping[str, list[str]], *_: Any) -> Check:
    return _where(
        dict,
        lambda value: all(
            value.keys() >= set(keys) for key, keys in groups.items() if key in value
        ),
    )


def _dependent_schemas(parts: Mapping[str, Any], _: Any, library: Library) -> Check:
    checks = {key: check_of(part, library) for key, part in parts.items()}
    return _where(
        dict, lambda value: all(check(value) for key, check in checks.items() if key in value)
    )


def _of_each(kind: type) -> Callable[..., Check]:
    """A check of each entry of a list, or of each key of an object."""

    def keyword(part: Any, _: Any, library: Library) -> Check:
        check = check_of(part, library)
        return _where(kind, lambda value: all(map(check, value)))

    return keyword


def _size(kind: type, is_sound: Callable[[int, int], bool]) -> Callable[..., Check]:
    return lambda limit, *_: _where(kind, lambda value: is_sound(len(value), limit))


def _one_of(parts: Iterable[Any], _: Any, library: Library) -> Check:
    checks = [check_of(part, library) for part in parts]
    return lambda value: sum(check(value) for check in checks) == 1


def _has_none_twice(values: list[Any]) -> bool:
    """Of texts; of anything else jsonschema says it."""
    return all(isinstance(value, str) for value in values) and len(set(values)) == len(values)


def _not(part: Any, _: Any, library: Library) -> Check:
    check = check_of(part, library)
    return lambda value: not check(value)


_KEYWORDS: dict[str, Callable[..., Check]] = {
    "$ref": lambda ref, _, library: check_of(library.referred(ref), library),
    "type": lambda name, *_: _TYPES[name],
    "enum": lambda choices, *_: tuple(choices).__contains__,
    "const": lambda constant, *_: lambda value: value == constant,
    "pattern": _pattern,
    "format": _format,
    "minLength": _size(str, int.__ge__),
    "maxLength": _size(str, int.__le__),
    "minimum": lambda least, *_: _number(lambda value: value >= least),
    "maximum": lambda most, *_: _number(lambda value: value <= most),
    "properties": _properties,
    "required": lambda names, *_: _where(dict, lambda value: value.keys() >= set(names)),
    "additionalProperties": _additional,
    "propertyNames": _of_each(dict),
    "minProperties": _size(dict, int.__ge__),
    "maxProperties": _size(dict, int.__le__),
    "dependentRequired": _dependent_required,
    "dependentSchemas": _dependent_schemas,
    "items": _of_each(list),
    "minItems": _size(list, int.__ge__),
    "maxItems": _size(list, int.__le__),
    "uniqueItems": lambda *_: _where(list, _has_none_twice),
    "if": _if,
    "not": _not,
    "oneOf": _one_of,
    "allOf": lambda parts, _, library: _all_of(check_of(part, library) for part in parts),
}
