"""The cells of a batch CSV: which columns there are, and what is wrong with a value in one.

schemas/batch_row.schema.json says what each column holds; docs/format_csv.md is written from it.
"""

import re
import unicodedata
from collections.abc import Callable, Container, Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from lib.core import readings
from lib.core.messages import FRENCH, Message, Worded, say, words
from lib.inputs import schemas
from lib.inputs.batch_csv import Dialect
from lib.inputs.cell_faults import CellFault, shown
from lib.values import characters, money
from lib.values.speech import UNITS

GROUPS = 20
DECIMALS = ("quantity", "unit_price", "discount", "vat_rate")
_POWER = re.compile(r"[0-9]([.,][0-9]+)?E\+?[0-9]+")  # 7,32829E+13: a number cut by a spreadsheet
_FRACTION = re.compile("0[.,]0[0-9]{2}")  # 0,055: what a spreadsheet writes of 5,5 %
_COMMA_FOR_POINT = str.maketrans(".,", ",.")
_REQUIRED_IN_GROUP = ("description", "quantity", "unit", "unit_price", "vat_rate")
_SIGNS = {",": say("comma"), ".": say("point")}


@cache
def _schema() -> dict[str, Any]:
    return schemas.content("batch_row")


@cache
def columns() -> tuple[str, ...]:
    """All columns in their order: those of the invoice, then twenty groups."""
    single = tuple(_schema()["properties"])
    group = tuple(_schema()["$defs"]["group"]["properties"])
    numbered = (f"{name}_{i}" for i in range(1, GROUPS + 1) for name in group)
    return (*single, *numbered)


@cache
def required() -> tuple[str, ...]:
    """The columns that every file has."""
    return (*_schema()["required"], *(f"{name}_1" for name in _REQUIRED_IN_GROUP))


@cache
def group_columns() -> tuple[str, ...]:
    return tuple(_schema()["$defs"]["group"]["properties"])


@cache
def columns_of_group(i: int) -> tuple[tuple[str, str], ...]:
    """Each column of a group, without its number and with it: description, description_1."""
    return tuple((name, f"{name}_{i}") for name in group_columns())


@cache
def _groups() -> Mapping[str, int]:
    """The group of each column that is one's."""
    return {column: i for i in range(1, GROUPS + 1) for _, column in columns_of_group(i)}


def faults(
    line: int, cells: Mapping[str, str], header: Container[str], dialect: Dialect
) -> Iterator[CellFault]:
    """What is wrong with the cells of a line, each for itself: values, and required ones."""
    checks = _checks()
    for name, value in cells.items():
        plain = _plain_name(name)
        number = plain in DECIMALS
        checked = value
        if number and dialect.decimal == ",":
            checked = value.translate(_COMMA_FOR_POINT)
        misfit = checks[plain](checked)
        if misfit is None:
            continue
        expected = say("expected {form}", form=misfit.expected)
        if number:
            expected = say(
                "expected {form}, digits with a decimal {sign} and nothing else",
                form=misfit.expected,
                sign=_SIGNS[dialect.decimal],
            )
        yield CellFault(line, name, value, expected, _remedy(plain, value, misfit, dialect))
    yield from _missing(line, cells, header)


def _remedy(name: str, value: str, misfit: schemas.Misfit, dialect: Dialect) -> Message:
    number = name in DECIMALS
    if whole := schemas.composed(value):
        return say(
            'write "{value}", its accents composed with their letters (NFC): type the cell again,'
            " or export from another program",
            value=shown(whole),
        )
    if not number and (missing := characters.missing(value)):
        names = (unicodedata.name(char, f"U+{ord(char):04X}").lower() for char in missing[:3])
        return say(
            "type the cell again without what cannot be printed: {characters}",
            characters=tuple(names),
        )
    if _POWER.fullmatch(value):
        return say("set the column to the format Text, and type the number again")
    if name == "discount" and "%" in value:
        return say("write the amount that it comes to, not the percentage")
    if number and value.startswith("-"):
        return say("write it above 0; what is given back is a credit note: ask us for one")
    if misfit.meant:
        comma = number and dialect.decimal == ","
        meant = [text.replace(".", ",") if comma else text for text in misfit.meant]
        return readings.to_write(meant)
    if name == "vat_rate" and _FRACTION.fullmatch(value):
        percent = money.plain(Decimal(value.replace(",", ".")) * 100)
        return readings.to_write([percent.replace(".", dialect.decimal)])
    if number and not readings.is_written(misfit.kind, value.replace(dialect.decimal, ".")):
        return readings.form(misfit.kind, _SIGNS[dialect.decimal]) or misfit.remedy
    if name == "unit":
        return say("write one of {units}", units=_units())
    if name == "customer_person":
        return say('write "yes" for a private person; for anyone else empty the cell')
    if value[:1] in tuple("=+-@"):
        return say("begin it with another character: a spreadsheet would take it for a formula")
    return misfit.remedy


def _units() -> tuple[Message, ...]:
    """The codes of units, each with what documents call it."""
    french = words(FRENCH)["units"]
    return tuple(
        say("{code} ({name})", code=code, name=Worded(name, french[code]))
        for code, name in UNITS.items()
    )


@cache
def _plain_name(column: str) -> str:
    """quantity_3 -> quantity; customer_address_1 stays."""
    if column in _schema()["properties"]:
        return column
    return column.rpartition("_")[0]


@cache
def _path(name: str) -> tuple[str, ...]:
    if name in _schema()["properties"]:
        return ("properties", name)
    return ("$defs", "group", "properties", name)


@cache
def _checks() -> dict[str, Callable[[str], schemas.Misfit | None]]:
    """For each column a check that answers what is wrong, or None."""
    names = (*_schema()["properties"], *group_columns())
    return {name: schemas.check("batch_row", _path(name)) for name in names}


def _missing(line: int, cells: Mapping[str, str], header: Container[str]) -> Iterator[CellFault]:
    for name in _schema()["required"]:
        if name not in cells:
            yield CellFault(line, name, "", say("this cell is required"), say("fill it in"))
    groups = sorted({_groups()[name] for name in cells if name in _groups()})
    for i in groups or [1]:
        for name in (f"{name}_{i}" for name in _REQUIRED_IN_GROUP):
            if name not in cells:
                expected = say("description, quantity, unit, price and VAT rate go together")
                remedy = say("fill it in, or empty the group {group}", group=i)
                if name not in header:
                    remedy = say("add this column, or empty the group {group}", group=i)
                yield CellFault(line, name, "", expected, remedy)
    if groups and groups != list(range(1, len(groups) + 1)):
        free = next(i for i in range(1, GROUPS + 1) if i not in groups)
        expected = say("the groups of a line are used from 1 on, without gaps")
        remedy = say(
            "move the group {last} to the columns of the group {free}", last=groups[-1], free=free
        )
        yield CellFault(line, f"description_{groups[-1]}", "", expected, remedy)
