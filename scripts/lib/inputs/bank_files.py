"""`bank_files` in issuer.json: the form of a bank's CSV, whole or by a preset.

bank_presets.json has the forms that banks were seen to use, each with where and when it was seen.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from lib.core.faults import Fault
from lib.core.messages import say

_NEEDED = ("encoding", "delimiter", "decimal", "date_format", "columns")


class BankColumns(Struct, frozen=True, kw_only=True):
    """The columns that are read, by name or by number; empty: there is none.

    Amounts stand in `amount`, with their sign or one in `sign`, or in `debit` and `credit`.
    """

    date: str
    label: list[str]
    amount: str = ""
    debit: str = ""
    credit: str = ""
    sign: str = ""
    value_date: str = ""
    reference: str = ""
    balance: str = ""
    currency: str = ""
    account: str = ""
    party: str = ""
    status: str = ""

    def names(self) -> list[str]:
        """All of them, each once."""
        fields = [getattr(self, name) for name in self.__struct_fields__ if name != "label"]
        return list(dict.fromkeys(name for name in [*fields, *self.label] if name))


class BankSigns(Struct, frozen=True, kw_only=True):
    """What a sign column says of money that came in, and of money that went out."""

    credit: str
    debit: str


class BankFile(Struct, frozen=True, kw_only=True):
    """The CSV of an account; `columns` is None where it was given an IBAN alone."""

    iban: str = ""
    currency: str = "EUR"
    encoding: str = ""
    delimiter: str = ""
    decimal: str = ""
    thousands: str = ""
    date_format: str = ""
    skip_head: int = 0
    skip_foot: int = 0
    header: bool = True
    debit_is_negative: bool = False
    signs: BankSigns | None = None
    booked: list[str] = []
    columns: BankColumns | None = None


def presets() -> dict[str, dict[str, Any]]:
    """What is known of each preset: bank, form, source, and the day it was looked up."""
    path = Path(__file__).with_name("bank_presets.json")
    entries: dict[str, dict[str, Any]] = json.loads(path.read_bytes())
    return entries


def whole(value: Mapping[str, Any]) -> dict[str, Any]:
    """What issuer.json says of a bank's file, over what its preset says."""
    said = {key: part for key, part in value.items() if key != "preset"}
    return {**(presets()[value["preset"]]["form"] if "preset" in value else {}), **said}


def with_presets(issuer: Mapping[str, Any]) -> dict[str, Any]:
    """issuer.json with the whole form of each bank's file."""
    files = issuer.get("bank_files", {})
    return {**issuer, "bank_files": {name: whole(files[name]) for name in files}}


def form(value: Mapping[str, Any]) -> BankFile:
    """The form of a bank's file, of what issuer.json says of it."""
    return msgspec.convert(whole(value), BankFile)


def faults(files: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    """What their schema cannot say of forms: what is missing, and what does not go together."""
    for name, value in files.items():
        place = f"bank_files.{name}"
        said = form(value)
        missing = [key for key in _NEEDED if not getattr(said, key)]
        if missing and set(value) != {"iban"}:
            found = say("has no {keys}", keys=tuple(missing))
            remedy = say("say them all, or name a preset; docs/statements.md has both")
            yield Fault(place, found, remedy=remedy)
        elif said.columns:
            yield from _column_faults(f"{place}.columns", said, said.columns)
            if said.thousands == said.decimal:
                yield Fault(f"{place}.thousands", say("is the decimal sign too"))
            if said.delimiter == said.decimal and not said.header:
                yield Fault(f"{place}.delimiter", say("is the decimal sign too"))


def _column_faults(place: str, said: BankFile, columns: BankColumns) -> Iterator[Fault]:
    pair = bool(columns.debit), bool(columns.credit)
    if pair not in ((True, True), (False, False)) or pair[0] == bool(columns.amount):
        found = say("names neither one column of amounts nor two")
        yield Fault(place, found, remedy=say("name amount, or debit and credit"))
    if bool(columns.sign) != bool(said.signs) or (columns.sign and not columns.amount):
        found = say("a sign column, its words (signs) and an amount column go together")
        yield Fault(f"{place}.sign", found)
    if bool(columns.status) != bool(said.booked):
        found = say("a status column and its words for what is booked go together")
        yield Fault(f"{place}.status", found, remedy=say("name both, or neither"))
    if not said.header:
        for name in columns.names():
            if not (name.isascii() and name.isdigit() and 0 < int(name) <= 200):
                found = say('"{name}" is not the number of a column', name=name)
                remedy = say('a file without a header names them by number: "1" for the first')
                yield Fault(place, found, remedy=remedy)
