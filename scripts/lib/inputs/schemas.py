"""JSON Schema as an interface: what does not fit is said in one line that says what would.

A schema's `title` names the value ("an amount") and its `x-kind`, or its format, how core/readings
proposes what was meant, so that every message reads:
`plans[0].items[1].price: "12,50" is not an amount; write "12.50"`.
Check digits are JSON Schema formats, done by python-stdnum.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lib.core import messages, readings
from lib.core.faults import SHOWN, Alert, Fault
from lib.values import characters, code_lists
from lib.values.speech import UNITS

if TYPE_CHECKING:
    from jsonschema import FormatChecker, ValidationError

_FOLDER = Path(__file__).resolve().parents[3] / "schemas"
_LONGEST = 1_000_000  # characters of a text whose schema sets no limit
_MOST = 100  # faults of one file that are told


class Misfit(NamedTuple):
    """A value that its schema does not accept.

    `expected` names what it is not, and where it is known why; `meant` are its readings, as values
    that fit; `kind` is that of core/readings; `remedy` is what to do where there is no reading.
    """

    found: str
    expected: str
    meant: tuple[Any, ...] = ()
    kind: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        remedy = self.remedy
        if self.meant:
            remedy = f"write {' or '.join(_json(value) for value in self.meant)}"
            is_text = self.found.startswith('"')
            if is_text != isinstance(self.meant[0], str):
                remedy += ", without quotes" if is_text else ", in quotes"
        return f"{self.found} is not {self.expected}; {remedy}"


def faults(value: Any, schema: str, file: str, client: str = "") -> list[Alert]:
    """Everything in `value` that schemas/<schema>.schema.json does not accept.

    Of a file with very many faults the first hundred are told, and that there are more.

    Args:
      file: the file that `value` stands in, as messages name it.
      client: whose log the alerts go to.
    """
    errors = _validator(schema).iter_errors(value)
    lines = (line for error in errors for line in _lines(error))
    found = list(dict.fromkeys(islice(lines, _MOST + 1)))
    if len(found) > _MOST:
        found[_MOST:] = [("", f"has more than {_MOST} faults; correct these first")]
    return [Alert("B-INPUT-VALUE", file, Fault(place, text), client) for place, text in found]


def _fits_pattern(pattern: re.Pattern[str], value: str) -> bool:
    """As ECMA 262 means it: in Python, $ would let a line break pass at the end."""
    return pattern.search(value) is not None and not (pattern.pattern and value.endswith("\n"))


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> "Iterator[ValidationError]":
    if isinstance(value, str) and not _fits_pattern(re.compile(pattern), value):
        from jsonschema import ValidationError

        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _each(keyword: Any) -> Any:
    """A keyword for each entry of a list or an object, left out where there are too many.

    That there are is said by maxItems or maxProperties: looking at each could take minutes.
    """

    def bounded(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        most = schema.get("maxProperties" if isinstance(instance, dict) else "maxItems")
        if most is None or not hasattr(instance, "__len__") or len(instance) <= most:
            yield from keyword(validator, value, instance, schema)

    return bounded


@cache
def _our_validator() -> Any:
    from jsonschema import Draft202012Validator, validators

    known = Draft202012Validator.VALIDATORS
    each = ("items", "uniqueItems", "additionalProperties", "propertyNames")
    bounded = {keyword: _each(known[keyword]) for keyword in each}
    return validators.extend(Draft202012Validator, {"pattern": _pattern, **bounded})


@cache
def content(schema: str) -> dict[str, Any]:
    """A schema file as it is written."""
    found: dict[str, Any] = json.loads(
        (_FOLDER / f"{schema}.schema.json").read_text(encoding="utf-8")
    )
    return found


def text_check(schema: str, path: tuple[str, ...]) -> Callable[[str], str]:
    """A fast check of one text: what `faults` would say of it, or an empty text.

    Args:
      path: where its schema stands in schemas/<schema>.schema.json.
    """
    misfit_of = check(schema, path)
    return lambda value: str(misfit_of(value) or "")


def check(schema: str, path: tuple[str, ...]) -> Callable[[str], Misfit | None]:
    """The same, that says in parts what is wrong."""
    found = _resolved(content(schema), path)
    pattern = re.compile(found.get("pattern", ""))
    longest, choices = found.get("maxLength", _LONGEST), found.get("enum")
    check_format = _FORMATS.get(found.get("format", ""), str)

    def misfit_of(value: str) -> Misfit | None:
        fits = len(value) <= longest and _fits_pattern(pattern, value)
        try:
            if fits and (choices is None or value in choices):
                check_format(value)
                return None
        except ValueError:
            pass
        # jsonschema is slow to import: where everything fits, nobody waits for it.
        validator = _our_validator()(found, format_checker=_formats())
        return _misfit(next(validator.iter_errors(value)), found)

    return misfit_of


def resolved(schema: str, path: tuple[str, ...]) -> dict[str, Any]:
    """What schemas/<schema>.schema.json says at a path, its references followed."""
    return _resolved(content(schema), path)


def _resolved(schema: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The schema at a path of another one, its references followed."""
    found: Any = schema
    for step in path:
        found = found[step]
    return resolved_of(found)


def resolved_of(found: dict[str, Any]) -> dict[str, Any]:
    """A schema with its references followed; its own keys go before theirs.

    References in schemas/ always name their file, also where it is their own.
    """
    own = {key: value for key, value in found.items() if key != "$ref"}
    if "$ref" not in found:
        return own
    file, _, pointer = found["$ref"].partition("#")
    target = content(file.removesuffix(".schema.json"))
    return {**_resolved(target, tuple(filter(None, pointer.split("/")))), **own}


@cache
def _validator(schema: str) -> Any:
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    suffix = ".schema.json"
    names = [path.name.removesuffix(suffix) for path in _FOLDER.glob(f"*{suffix}")]
    contents = {f"{name}{suffix}": dict(content(name)) for name in names}
    for one in contents.values():
        del one["$schema"]  # a file that names its dialect would be read without our keywords
    resources = [(name, DRAFT202012.create_resource(one)) for name, one in contents.items()]
    registry: Registry[Any] = Registry().with_resources(resources)
    root = contents[f"{schema}.schema.json"]
    return _our_validator()(root, registry=registry, format_checker=_formats())


# --- formats -------------------------------------------------------------------------


# A check raises ValueError: without a word, or with why a value does not fit and what to do.


def _stdnum(number: str, kind: str) -> Callable[[str], str]:
    """A check by stdnum that accepts the compact form only: nothing is corrected."""

    def check(value: str) -> str:
        from stdnum.exceptions import InvalidChecksum, ValidationError

        try:
            compact: str = import_module(f"stdnum.{number}").validate(value)
        except InvalidChecksum:
            raise ValueError("its check digits are wrong", readings.form(kind)) from None
        except ValidationError:
            raise ValueError from None
        if compact != value:
            raise ValueError
        return compact

    return check


def _vat_number(value: str) -> str:
    # Outside the EU no check digits are known to stdnum in one place; the form is checked.
    if value.startswith("GR"):
        raise ValueError  # Greek VAT numbers begin with EL
    if value[:2] in code_lists.eu_members() or value[:2] in ("EL", "XI"):
        return _stdnum("eu.vat", "vat_number")(value)
    if not re.fullmatch(r"[A-Z]{2}[A-Z0-9]{2,14}", value):
        raise ValueError
    return value


def _day(value: str) -> str:
    """A day that the calendar has; what has no day's form is left to the pattern."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            date.fromisoformat(value)
        except ValueError:
            raise ValueError("the calendar has no such day", "correct it") from None
    return value


def _timezone(value: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError from None
    return value


def composed(value: str) -> str | None:
    """`value` with each letter and its accent as one character (NFC), where that mends it."""
    whole = unicodedata.normalize("NFC", value)
    return None if whole == value or characters.missing(whole) else whole


def _printable(value: str) -> str:
    missing = characters.missing(value)
    if missing and (whole := composed(value)):
        raise ValueError(
            "its accents are characters of their own (decomposed, NFD)",
            f"write {excerpt(whole)} composed (NFC): type it again,"
            ' or convert the file with "uconv -x any-nfc"',
        )
    if missing:
        shown = ", ".join(f"U+{ord(char):04X}" for char in missing[:5])
        text = f"the fonts of the documents have no glyph for {shown}"
        raise ValueError(text, "write it without")
    return value


def _member(codes: Callable[[], frozenset[str] | dict[str, Any]]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in codes():
            raise ValueError
        return value

    return check


def _language(value: str) -> str:
    known = messages.languages()
    if value not in known:
        meant = readings.quoted(readings.choices(value, known)) or f"one of {', '.join(known)}"
        raise ValueError("it has no file in languages/", f"write {meant}")
    return value


_FORMATS: dict[str, Callable[[str], str]] = {
    "siren": _stdnum("fr.siren", "siren"),
    "siret": _stdnum("fr.siret", "siret"),
    "iban": _stdnum("iban", "iban"),
    "bic": _stdnum("bic", "bic"),
    "vat_number": _vat_number,
    "day": _day,
    "timezone": _timezone,
    "printable": _printable,
    "country": _member(code_lists.countries),
    "vatex": _member(code_lists.exemption_codes),
    "electronic_address_scheme": _member(code_lists.electronic_address_schemes),
    "language": _language,
    "unit": _member(lambda: UNITS),
}


@cache
def _formats() -> "FormatChecker":
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, check in _FORMATS.items():
        checker.checks(name, raises=ValueError)(_for_text(check))
    return checker


def _for_text(check: Callable[[str], str]) -> Callable[[object], bool]:
    def checked(value: object) -> bool:
        if isinstance(value, str):
            check(value)
        return True

    return checked


# --- messages ------------------------------------------------------------------------


def _lines(error: "ValidationError") -> Iterator[tuple[str, str]]:
    """One (place, text) for each thing that is wrong."""
    place = _place(list(error.absolute_path))
    schema = error.schema if isinstance(error.schema, dict) else {}
    match error.validator:
        case "additionalProperties" | "unevaluatedProperties":
            known = list(schema.get("properties", {}))
            for key in sorted(error.instance.keys() - set(known)):
                yield _join(place, key), f"is an unknown key; {_nearest(key, known)}"
        case "required" | "dependentRequired":
            for key in _missing_keys(error):
                yield _join(place, key), _wanted(_property(schema, key), "is missing; add")
        case "not":  # a key that has no place beside the others
            yield place, "has no place here; remove it"
        case "oneOf":
            choices = " or ".join(f'"{choice["required"][0]}"' for choice in error.validator_value)
            yield place, f"expected either {choices}, and only one of them"
        case "propertyNames":
            yield place, f"{excerpt(error.instance)} has a key that is no name"
        case _:
            yield place, _unfit(error, schema)


def _unfit(error: "ValidationError", schema: dict[str, Any]) -> str:
    found = excerpt(error.instance)
    if error.validator in ("minItems", "minProperties") and not error.instance:
        return _wanted(schema, "is empty; add")
    if error.validator == "uniqueItems":
        return f"{found} has the same entry twice; remove one"
    if error.validator in ("maxItems", "maxProperties"):
        return f"has {len(error.instance)} entries, at most {error.validator_value} are read"
    return str(_misfit(error, schema))


def _misfit(error: "ValidationError", schema: dict[str, Any]) -> Misfit:
    value = error.instance
    found, title = excerpt(value), schema.get("title", "a value that is known")
    kind = schema.get("x-kind") or schema.get("format", "")
    if error.validator == "format" and error.cause is not None and error.cause.args:
        why, remedy = error.cause.args
        return Misfit(found, f"{title}: {why}", (), kind, remedy)
    return Misfit(found, title, _meant(value, schema, kind), kind, _otherwise(value, schema, kind))


def _meant(value: Any, schema: dict[str, Any], kind: str) -> tuple[Any, ...]:
    """The readings of a value that its schema accepts: said as a remedy, never taken as one."""
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        return ()
    validator = _our_validator()(schema, format_checker=_formats())
    fits: Callable[[Any], bool] = validator.is_valid
    text = str(value)
    if "enum" in schema:
        known = schema["enum"]
        same = [one for one in known if not isinstance(one, str) and str(one) == text.strip()]
        return (*same, *readings.choices(text, [one for one in known if isinstance(one, str)]))
    match schema.get("type"):
        case "string":
            return tuple(readings.readings(kind, text, fits))
        case "integer":
            numbers = readings.readings(
                "count", text, lambda one: one.isdecimal() and fits(int(one))
            )
            return tuple(int(one) for one in numbers)
        case "boolean":
            return tuple(readings.truths(text))
    return ()


def _otherwise(value: Any, schema: dict[str, Any], kind: str) -> str:
    """What to do about a value of which nobody knows what it means."""
    if choices := schema.get("enum"):
        listed = ", ".join(_json(one) for one in choices)
        return f"write one of {listed}" if len(choices) > 1 else f"only {listed} is known"
    if isinstance(value, str) and len(value) > schema.get("maxLength", _LONGEST):
        return f"shorten it to {schema['maxLength']} characters"
    if schema.get("type") == "integer" and "maximum" in schema:
        return f"write a whole number from {schema.get('minimum', 0)} to {schema['maximum']}"
    if schema.get("type") == "boolean":
        return "write true or false, without quotes"
    if form := readings.form(kind):
        return form
    if "examples" not in schema or kind == "printable":
        return "correct it"
    example = _json(schema["examples"][0])
    if schema.get("type") in ("object", "array"):
        return f"write one such as {example}"
    return f"its form is {example}"


def _wanted(schema: dict[str, Any], verb: str) -> str:
    """ "is missing; add an amount such as "12.50""."""
    examples = [_json(value) for value in schema.get("examples", [])]
    title = schema.get("title", "a value")
    return f"{verb} {title}" + (f" such as {examples[0]}" if examples else "")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _property(schema: dict[str, Any], key: str) -> dict[str, Any]:
    """The schema of a missing key."""
    found = schema.get("properties", {}).get(key)
    return _resolved(schema, ("properties", key)) if isinstance(found, dict) else {}


def _missing_keys(error: "ValidationError") -> list[str]:
    if error.validator == "required":
        return [key for key in error.validator_value if key not in error.instance]
    groups = error.validator_value.items()
    wanted = [key for present, keys in groups if present in error.instance for key in keys]
    return [key for key in wanted if key not in error.instance]


def _nearest(key: str, known: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key[:SHOWN], known, n=1)
    if close:
        return f'did you mean "{close[0]}"?'
    return "expected " + ", ".join(known) if known else "expected none"


def _place(path: list[str | int]) -> str:
    place = ""
    for step in path:
        place = f"{place}[{step}]" if isinstance(step, int) else _join(place, step)
    return place


def _join(place: str, key: str) -> str:
    key = key if len(key) <= SHOWN else f"{key[: SHOWN - 3]}..."
    return f"{place}.{key}" if place else key


def excerpt(value: Any) -> str:
    """A wrong value as JSON has it, cut where it is long."""
    number = isinstance(value, Decimal)
    text = str(value) if number else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
