"""JSON Schema as an interface: what does not fit is said in one line that says what would.

A schema's `title` names the value ("an amount") and its `x-kind`, or its format, how core/readings
proposes what was meant, so that every message reads:
`plans[0].items[1].price: "12,50" is not an amount; write "12.50"`.
Check digits are JSON Schema formats, done by python-stdnum.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lib.core import messages, readings
from lib.core.faults import SHOWN, Alert, Fault, Refused
from lib.core.messages import Message, either, say, worded
from lib.inputs import fitting
from lib.values import characters, code_lists
from lib.values.speech import UNITS

if TYPE_CHECKING:
    from jsonschema import FormatChecker, ValidationError

_FOLDER = Path(__file__).resolve().parents[3] / "schemas"
_LINES = 100  # of a text of several lines
_LONGEST = 1_000_000  # characters of a text whose schema sets no limit
_MOST = 100  # faults of one file that are reported


class Misfit(NamedTuple):
    """A value that its schema does not accept.

    `expected` names what it is not, and where it is known why; `meant` are its readings, as values
    that fit; `kind` is that of core/readings; `remedy` is what to do where there is no reading.
    """

    found: str
    expected: Message
    meant: tuple[Any, ...] = ()
    kind: str = ""
    remedy: Message = say("correct it")

    def fault(self, place: str) -> Fault:
        """It in words, at its place."""
        found = say("{value} is not {expected}", value=self.found, expected=self.expected)
        return Fault(place, found, remedy=self._write() if self.meant else self.remedy)

    def _write(self) -> Message:
        values = either(map(_json, self.meant))
        is_text = self.found.startswith('"')
        if isinstance(self.meant[0], list) or is_text == isinstance(self.meant[0], str):
            return say("write {values}", values=values)
        if is_text:
            return say("write {values}, without quotes", values=values)
        return say("write {values}, in quotes", values=values)


def faults(value: Any, schema: str, file: str, client: str = "") -> list[Alert]:
    """Everything in `value` that schemas/<schema>.schema.json does not accept.

    Of a file with very many faults the first hundred are reported, and that there are more.

    Args:
      file: the file that `value` stands in, as messages name it.
      client: whose log the alerts go to.
    """
    if _fits(schema)(value):
        return []
    errors = _validator(schema).iter_errors(value)
    each = (fault for error in errors for fault in _faults(error))
    first = list(dict.fromkeys(islice(each, _MOST + 1)))
    if len(first) > _MOST:
        text = say("has more than {most} faults", most=_MOST)
        first[_MOST:] = [Fault("", text, remedy=say("correct these first"))]
    return [Alert("B-INPUT-VALUE", file, fault, client) for fault in first]


@cache
def _fits(schema: str) -> fitting.Check:
    return fitting.check_of(content(schema), fitting.Library(_referred, _FORMATS))


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> "Iterator[ValidationError]":
    if isinstance(value, str) and not fitting.fits_pattern(re.compile(pattern), value):
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
    content: dict[str, Any] = json.loads(
        (_FOLDER / f"{schema}.schema.json").read_text(encoding="utf-8")
    )
    return content


def check_typed(option: str, text: str, name: str) -> None:
    """Refuses what was typed for an option, unless it is a value of common.schema.json.

    Raises:
      Refused: if it is not.
    """
    if misfit := check("common", ("$defs", name))(text):
        raise Refused([Alert("B-INPUT-VALUE", "", misfit.fault(option))])


def check(schema: str, path: tuple[str, ...]) -> Callable[[str], Misfit | None]:
    """A fast check of one text: what is wrong with it, or None.

    Args:
      path: where its schema stands in schemas/<schema>.schema.json.
    """
    part = _resolved(content(schema), path)
    pattern = re.compile(part["pattern"]) if "pattern" in part else None
    longest, choices = part.get("maxLength", _LONGEST), part.get("enum")
    check_format = _FORMATS.get(part.get("format", ""), str)

    def misfit_of(value: str) -> Misfit | None:
        fits = len(value) <= longest and (pattern is None or fitting.fits_pattern(pattern, value))
        try:
            if fits and (choices is None or value in choices):
                check_format(value)
                return None
        except ValueError:
            pass
        # jsonschema is slow to import: where everything fits, nobody waits for it.
        validator = _our_validator()(part, format_checker=_formats())
        return _misfit(next(validator.iter_errors(value)), part)

    return misfit_of


def resolved(schema: str, path: tuple[str, ...]) -> dict[str, Any]:
    """What schemas/<schema>.schema.json says at a path, its references followed."""
    return _resolved(content(schema), path)


def _resolved(schema: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The schema at a path of another one, its references followed."""
    return resolved_of(_at(schema, path))


def _at(part: Any, path: Iterable[str]) -> Any:
    for step in path:
        part = part[step]
    return part


def resolved_of(part: dict[str, Any]) -> dict[str, Any]:
    """A schema with its references followed; its own keys go before theirs.

    References in schemas/ always name their file, also where it is their own.
    """
    own = {key: value for key, value in part.items() if key != "$ref"}
    if "$ref" not in part:
        return own
    return {**resolved_of(_referred(part["$ref"])), **own}


def _referred(ref: str) -> Any:
    """What a reference leads to."""
    file, _, pointer = ref.partition("#")
    return _at(content(file.removesuffix(".schema.json")), pointer.split("/")[1:])


@cache
def _validator(schema: str) -> Any:
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    suffix = ".schema.json"
    names = [path.name.removesuffix(suffix) for path in _FOLDER.glob(f"*{suffix}")]
    contents = {f"{name}{suffix}": dict(content(name)) for name in names}
    for text in contents.values():
        del text["$schema"]  # a file that names its dialect would be read without our keywords
    resources = [(name, DRAFT202012.create_resource(text)) for name, text in contents.items()]
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
            raise ValueError(_wrong_digits(kind, value), readings.form(kind)) from None
        except ValidationError:
            raise ValueError from None
        if compact != value:
            raise ValueError
        return compact

    return check


def _wrong_digits(kind: str, value: str) -> Message:
    """That check digits are wrong: of the number as it has to be written, where that differs."""
    plain = next(iter(readings.readings(kind, value, lambda text: text.isalnum())), value)
    if plain == value:
        return say("its check digits are wrong")
    return say("in one piece it is {number}, and its check digits are wrong", number=plain)


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
            raise ValueError(say("the calendar has no such day"), say("correct it")) from None
    return value


def _timezone(value: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError from None
    return value


def composed(value: str) -> str | None:
    """`value` with each letter and its accent as one character (NFC), where that fixes it."""
    whole = unicodedata.normalize("NFC", value)
    return None if whole == value or characters.missing(whole) else whole


def _printable(value: str) -> str:
    missing = characters.missing(value)
    if missing and (whole := composed(value)):
        raise ValueError(
            say("its accents are characters of their own (decomposed, NFD)"),
            say(
                "write {text} composed (NFC): type it again,"
                ' or convert the file with "uconv -x any-nfc"',
                text=excerpt(whole),
            ),
        )
    if missing:
        codes = tuple(f"U+{ord(char):04X}" for char in missing[:5])
        text = say("the fonts of the documents have no glyph for {characters}", characters=codes)
        raise ValueError(text, say("write it without"))
    return value


def _printable_lines(value: str) -> str:
    _printable(value.replace("\n", ""))
    if value.count("\n") >= _LINES:
        text = say("it has {count} lines", count=value.count("\n") + 1)
        raise ValueError(text, say("write at most {most} lines", most=_LINES))
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
        meant = readings.choices(value, known)
        remedy = readings.to_write(meant) if meant else _one_of(known)
        raise ValueError(say("it has no file in languages/"), remedy)
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
    "printable_lines": _printable_lines,
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


def _faults(error: "ValidationError") -> Iterator[Fault]:
    """One for each thing that is wrong."""
    place = _place(list(error.absolute_path))
    schema = error.schema if isinstance(error.schema, dict) else {}
    match error.validator:
        case "additionalProperties" | "unevaluatedProperties":
            known = list(schema.get("properties", {}))
            for key in sorted(error.instance.keys() - set(known)):
                text = say("is an unknown key")
                yield Fault(_join(place, key), text, remedy=_nearest(key, known))
        case "required" | "dependentRequired":
            for key in _missing_keys(error):
                remedy = _to_add(_property(schema, key))
                yield Fault(_join(place, key), say("is missing"), remedy=remedy)
        case "not":  # a key that has no place beside the others
            yield Fault(place, say("has no place here"), remedy=say("remove it"))
        case "oneOf":
            keys = either(f'"{choice["required"][0]}"' for choice in error.validator_value)
            yield Fault(place, say("expected either {keys}, and only one of them", keys=keys))
        case "propertyNames":
            text = say("{value} has a key that is not a name", value=excerpt(error.instance))
            yield Fault(place, text)
        case _:
            yield _unfit(place, error, schema)


def _unfit(place: str, error: "ValidationError", schema: dict[str, Any]) -> Fault:
    if error.validator in ("minItems", "minProperties") and not error.instance:
        return Fault(place, say("is empty"), remedy=_to_add(schema))
    if error.validator == "uniqueItems":
        text = say("{value} has the same entry twice", value=excerpt(error.instance))
        return Fault(place, text, remedy=say("remove one"))
    if error.validator in ("maxItems", "maxProperties"):
        size, most = len(error.instance), error.validator_value
        return Fault(
            place, say("has {size} entries, at most {most} are read", size=size, most=most)
        )
    return _misfit(error, schema).fault(place)


def _misfit(error: "ValidationError", schema: dict[str, Any]) -> Misfit:
    value = error.instance
    shown, title = excerpt(value), _title(schema, say("a value that is known"))
    kind = schema.get("x-kind") or schema.get("format", "")
    if error.validator == "format" and error.cause is not None and error.cause.args:
        why, remedy = error.cause.args
        return Misfit(shown, say("{title}: {why}", title=title, why=why), (), kind, remedy)
    return Misfit(shown, title, _meant(value, schema, kind), kind, _otherwise(value, schema, kind))


def _title(schema: dict[str, Any], otherwise: Message) -> Message:
    """What a value is; a schema says it in English and in French."""
    if "title" not in schema:
        return otherwise
    return worded(schema["title"], schema["x-fr-title"])


def _meant(value: Any, schema: dict[str, Any], kind: str) -> tuple[Any, ...]:
    """The readings of a value that its schema accepts: said as a remedy, never taken as one."""
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        return ()
    validator = _our_validator()(schema, format_checker=_formats())
    fits: Callable[[Any], bool] = validator.is_valid
    text = str(value)
    if "enum" in schema:
        known = schema["enum"]
        words = [choice for choice in known if isinstance(choice, str)]
        numbers = [
            choice for choice in known if choice not in words and str(choice) == text.strip()
        ]
        return (*numbers, *readings.choices(text, words))
    match schema.get("type"):
        case "string":
            return tuple(readings.readings(kind, text, fits))
        case "integer":
            numbers = readings.readings(
                "count", text, lambda choice: choice.isdecimal() and fits(int(choice))
            )
            return tuple(int(choice) for choice in numbers)
        case "boolean":
            return tuple(readings.truths(text))
        case "array" if isinstance(value, str):
            item = resolved_of(schema.get("items", {}))
            of_items = _our_validator()(item, format_checker=_formats())
            return ([value],) if item.get("type") == "string" and of_items.is_valid(value) else ()
    return ()


def _otherwise(value: Any, schema: dict[str, Any], kind: str) -> Message:
    """What to do about a value of which nobody knows what it means."""
    if choices := schema.get("enum"):
        return _one_of([_json(choice) for choice in choices])
    if isinstance(value, str) and len(value) > schema.get("maxLength", _LONGEST):
        return say("shorten it to {most} characters", most=schema["maxLength"])
    if schema.get("type") == "integer" and "maximum" in schema:
        least, most = schema.get("minimum", 0), schema["maximum"]
        return say("write a whole number from {least} to {most}", least=least, most=most)
    if schema.get("type") == "boolean":
        return say("write true or false, without quotes")
    if readings.is_written(kind, str(value)):
        return say("write one within these limits")
    if form := readings.form(kind):
        return form
    if "examples" not in schema or kind == "printable":
        return say("correct it")
    example = _json(schema["examples"][0])
    if schema.get("type") in ("object", "array"):
        return say("write one such as {example}", example=example)
    return say("its form is {example}", example=example)


def _one_of(choices: Sequence[str]) -> Message:
    if len(choices) == 1:
        return say("only {choice} is known", choice=choices[0])
    return say("write one of {choices}", choices=tuple(choices))


def _to_add(schema: dict[str, Any]) -> Message:
    """ "add an amount such as "12.50""."""
    title = _title(schema, say("a value"))
    if not schema.get("examples"):
        return say("add {title}", title=title)
    return say("add {title} such as {example}", title=title, example=_json(schema["examples"][0]))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _property(schema: dict[str, Any], key: str) -> dict[str, Any]:
    """The schema of a missing key."""
    entry = schema.get("properties", {}).get(key)
    return _resolved(schema, ("properties", key)) if isinstance(entry, dict) else {}


def _missing_keys(error: "ValidationError") -> list[str]:
    if error.validator == "required":
        return [key for key in error.validator_value if key not in error.instance]
    groups = error.validator_value.items()
    wanted = [key for present, keys in groups if present in error.instance for key in keys]
    return [key for key in wanted if key not in error.instance]


def _nearest(key: str, known: list[str]) -> Message:
    from difflib import get_close_matches

    close = get_close_matches(key[:SHOWN], known, n=1)
    if close:
        return say('did you mean "{key}"?', key=close[0])
    return say("expected {keys}", keys=tuple(known)) if known else say("expected none")


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
