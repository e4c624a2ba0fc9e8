"""opening.csv: the open invoices of the tool before, as a bookkeeper writes them down.

A row for each VAT rate and nature of an invoice; what is said of the invoice as a whole stands
in its first row, and may be repeated below. Commas with decimal points (RFC 4180), or semicolons
with decimal commas and days as 31/10/2026, as a French spreadsheet saves it: the headings say
which. docs/moving-in.md describes the columns.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from lib.core import dates, handed_file, readings
from lib.core.faults import Alert, Fault, Refused, at_line
from lib.core.messages import Code, Message, say
from lib.inputs import schemas
from lib.values import money

COLUMNS = (
    "client",
    "number",
    "issue_date",
    "due_date",
    "currency",
    "gross",
    "nature",
    "vat_category",
    "vat_rate",
    "net",
    "vat",
    "paid",
    "reference",
    "pdf",
)
_OF_SHARE = ("nature", "vat_category", "vat_rate", "net", "vat")
_MOST = 100  # faults of a file that are reported
_ROUNDED = Decimal("1.00")  # VAT that was summed up line by line is off by less


class OpeningShare(NamedTuple):
    """What an invoice has at one VAT category and rate, of goods or of services."""

    nature: str
    vat_category: str
    vat_rate: Decimal
    net: Decimal
    vat: Decimal


class PaidBefore(NamedTuple):
    """What was paid of it before."""

    date: date
    amount: Decimal


class Opening(NamedTuple):
    """An open invoice, and the row that it begins in."""

    row: int
    client: str
    number: str
    issue_date: date
    due_date: date | None
    currency: str
    gross: Decimal
    shares: tuple[OpeningShare, ...]
    paid: tuple[PaidBefore, ...]
    reference: str
    pdf: str


Rows = list[tuple[int, dict[str, str]]]  # with the number that a spreadsheet shows


def read(file: str, text: str, today: date) -> list[Opening]:
    """The openings of a file with this text.

    Raises:
      Refused: with everything that is wrong with any row, in their order.
    """
    rows = _rows(file, text)
    faults = [(row, fault) for row, cells in rows for fault in _form_faults(cells)]
    openings: list[Opening] = []
    if not faults:
        for group in _groups(rows):
            wrong = list(_contradictions(group))
            if not wrong:
                opening = _opening(group)
                wrong = [(opening.row, fault) for fault in _faults(opening, today)]
                openings.append(opening)
            faults += wrong
    if faults:
        refuse(file, faults)
    return openings


def refuse(file: str, faults: Iterable[tuple[int, Fault]]) -> None:
    """Refuses a file for what is wrong with its rows.

    Raises:
      Refused: with the first hundred of them.
    """
    alerts = [
        Alert("B-OPENING", file, fault._replace(place=at_line(row, fault.place)))
        for row, fault in sorted(faults, key=lambda fault: fault[0])
    ]
    if len(alerts) > _MOST:
        found = say("{number} more are wrong", number=len(alerts) - _MOST)
        more = Alert("B-OPENING", file, Fault("", found, remedy=say("correct these first")))
        alerts = [*alerts[:_MOST], more]
    raise Refused(alerts)


def _rows(file: str, text: str) -> Rows:
    def misread(code: str, place: str, found: Message, remedy: Message | None = None) -> Refused:
        return Refused([Alert(code, file, Fault(place, found, remedy=remedy))])

    first = text.partition("\n")[0].removesuffix("\r").replace('"', "")
    delimiter = next((sign for sign in ",;" if first == sign.join(COLUMNS)), "")
    if not delimiter:
        wrong = handed_file.header_fault(text, COLUMNS)
        raise misread("B-CSV-HEADER", wrong.place, wrong.found, wrong.remedy)
    rows: Rows = []
    number = 1
    try:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
        next(lines)
        for number, cells in enumerate(lines, 2):
            if not any(cells):
                continue  # spreadsheets leave such lines below the last
            if readings.is_total(cells):
                found = say("holds a total, not an invoice")
                raise misread("B-CSV-LINE", at_line(number), found, say("remove the line"))
            if len(cells) != len(COLUMNS):
                found = say(
                    "has {cells} columns, expected {columns}",
                    cells=len(cells),
                    columns=len(COLUMNS),
                )
                remedy = say(
                    "check the delimiters of this line; a cell that holds one stands in quotes"
                )
                raise misread("B-CSV-LINE", at_line(number), found, remedy)
            row = dict(zip(COLUMNS, cells, strict=True))
            rows.append((number, _of_spreadsheet(row) if delimiter == ";" else row))
    except csv.Error as error:
        found = say("is not CSV: {why}", why=handed_file.not_csv(error))
        raise misread("B-CSV-LINE", at_line(number + 1), found) from None
    if not rows:
        raise misread("B-CSV-EMPTY", "", say("has no invoice: nothing to record"))
    return rows


def _of_spreadsheet(row: Mapping[str, str]) -> dict[str, str]:
    """A row as a French spreadsheet saves it: 1200,5 is 1200.50, and 03/10/2026 is 2026-10-03."""
    cells = dict(row)
    for name in ("gross", "net", "vat"):
        cells[name] = handed_file.plain_amount(cells[name])
    cells["vat_rate"] = cells["vat_rate"].replace(",", ".")
    for name in ("issue_date", "due_date", "paid"):
        cells[name] = handed_file.iso_days(cells[name])
    payments = (payment.strip().partition(" ") for payment in cells["paid"].split("+"))
    cells["paid"] = " + ".join(
        f"{day}{space}{handed_file.plain_amount(amount)}" for day, space, amount in payments
    )
    return cells


@cache
def _check(column: str) -> Callable[[str], schemas.Misfit | None]:
    return schemas.check("opening", ("properties", column))


def _form_faults(cells: Mapping[str, str]) -> Iterator[Fault]:
    """What is wrong with the form of each cell of a row."""
    required = schemas.content("opening")["required"]
    for column, text in cells.items():
        if not text:
            if column in required:
                yield Fault(column, say("is empty"))
        elif misfit := _check(column)(text):
            yield misfit.fault(column)
    if not cells["vat_category"] and re.fullmatch(r"0(\.0+)?", cells["vat_rate"]):
        remedy = say("write E, AE, K, G or O, as the invoice says")
        yield Fault("vat_category", say("is empty, where the rate is 0"), remedy=remedy)
    for day in re.findall(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", cells["paid"]):
        if misfit := schemas.check("common", ("$defs", "date"))(day):
            yield misfit.fault("paid")


def _groups(rows: Rows) -> Iterator[Rows]:
    """The rows of each invoice, which follow each other."""
    group: Rows = []
    for row, cells in rows:
        same = group and all(cells[key] == group[0][1][key] for key in ("client", "number"))
        if group and not same:
            yield group
            group = []
        group.append((row, cells))
    yield group


def _contradictions(group: Rows) -> Iterator[tuple[int, Fault]]:
    """Where rows of an invoice say different things of it, or the same share twice."""
    (first, whole), *rest = group
    for column in ("issue_date", "gross"):
        if not whole[column]:
            yield first, Fault(column, say("is empty"))
    seen = {_key(whole)}
    for row, cells in rest:
        for column in set(COLUMNS) - set(_OF_SHARE):
            if cells[column] not in ("", whole[column]):
                found = say(
                    '"{value}" is not what line {line} says, "{other}"',
                    value=cells[column],
                    line=first,
                    other=whole[column],
                )
                yield row, Fault(column, found)
        if _key(cells) in seen:
            found = say(
                "this rate of {nature} stands in a line above", nature=Code(cells["nature"])
            )
            yield row, Fault("vat_rate", found, remedy=say("add the two up"))
        seen.add(_key(cells))


def _key(cells: Mapping[str, str]) -> tuple[str, str, Decimal]:
    return cells["nature"], cells["vat_category"] or "S", Decimal(cells["vat_rate"])


def _opening(group: Rows) -> Opening:
    row, cells = group[0]
    return Opening(
        row,
        cells["client"],
        cells["number"],
        date.fromisoformat(cells["issue_date"]),
        date.fromisoformat(cells["due_date"]) if cells["due_date"] else None,
        cells["currency"] or "EUR",
        Decimal(cells["gross"]),
        tuple(
            OpeningShare(*_key(each), Decimal(each["net"]), Decimal(each["vat"]))
            for _, each in group
        ),
        tuple(
            PaidBefore(date.fromisoformat(day), Decimal(amount))
            for day, amount in (part.split() for part in cells["paid"].split("+") if part.strip())
        ),
        cells["reference"],
        cells["pdf"],
    )


def _faults(opening: Opening, today: date) -> Iterator[Fault]:
    """What the parts of an opening say against each other."""
    yield from dates.future_faults("issue_date", opening.issue_date, today)
    if opening.due_date and opening.due_date < opening.issue_date:
        found = say(
            "{due} is before the day of issue, {day}",
            due=str(opening.due_date),
            day=str(opening.issue_date),
        )
        yield Fault("due_date", found)
    summed = money.total(share.net + share.vat for share in opening.shares)
    if summed != opening.gross:
        found = say(
            "{gross} is not what net and VAT come to, {sum}",
            gross=money.shown(opening.gross),
            sum=money.shown(summed),
        )
        yield Fault("gross", found)
    for share in opening.shares:
        expected = money.percentage_of(share.net, share.vat_rate)
        taxed = share.vat_category == "S"
        if abs(expected - share.vat) >= _ROUNDED or (share.vat_rate > 0) is not taxed:
            found = say(
                "{vat} is not the VAT of {net} at {rate} % ({category})",
                vat=money.shown(share.vat),
                net=money.shown(share.net),
                rate=money.shown(share.vat_rate, 0),
                category=share.vat_category,
            )
            yield Fault("vat", found, money.shown(expected))
    for paid in opening.paid:
        yield from dates.future_faults("paid", paid.date, today)
    before = money.total(paid.amount for paid in opening.paid)
    if before >= opening.gross:
        found = say(
            "{paid} of {gross} are paid: nothing is open",
            paid=money.shown(before),
            gross=money.shown(opening.gross),
        )
        yield Fault("paid", found, remedy=say("leave it out: it was settled before"))
