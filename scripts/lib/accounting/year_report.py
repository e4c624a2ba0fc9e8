"""What a year came to: the figures of the report, from the same tables as the exports.

Amounts are whole cents. Revenues and money received are those of the calendar year; what is
outstanding, late or settled is as it stood at the end of a day.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from lib.accounting import csv_tables
from lib.accounting.csv_tables import Report
from lib.books import allocation, balances
from lib.books.heads import Head
from lib.books.histories import History
from lib.values import numbers

_TABLES = [csv_tables.TABLES[name] for name in ("revenues", "recettes", "vat_due")]

_Kind = tuple[str, str, str]  # nature, VAT category, VAT rate
_Numbered = tuple[int, str, str]  # place in its sequence, number, date of issue
_Sequence = tuple[_Numbered, _Numbered, int, int]  # first, last, invoices, credit notes


class Month(NamedTuple):
    """Invoiced less credit notes, by date of issue; received less refunds, and the VAT that fell
    due, by their own."""

    month: str  # "2026-10"
    net: int
    vat: int
    gross: int
    received: int
    vat_due: int


class ClientYear(NamedTuple):
    """A client's documents and amounts; `days` to pay, None where nothing was settled."""

    id: str
    name: str
    documents: int
    invoiced: int
    received: int
    outstanding: int
    days: Decimal | None


class Rate(NamedTuple):
    """What was invoiced, received and due at one VAT category and rate, for goods or services.

    What was paid beyond invoices has the nature "overpayment" and no category.
    """

    nature: str
    category: str
    rate: str
    net: int
    vat: int
    received_net: int
    received_vat: int
    vat_due: int


class Age(NamedTuple):
    """What is outstanding at one age: see balances.AGES."""

    invoices: int
    amount: int


class Delay(NamedTuple):
    """How long the invoices settled in the year took: mean days from issue and past the due
    date (below 0: before it); None where there are none."""

    invoices: int
    from_issue: Decimal | None
    past_due: Decimal | None


class Range(NamedTuple):
    """The numbers that one sequence used in the year, from `first` to `last`."""

    first: str
    last: str
    first_date: str
    last_date: str
    invoices: int
    credit_notes: int


class YearReport(NamedTuple):
    """The figures of one year, as they stood on `date`."""

    year: str
    date: date
    currency: str
    months: list[Month]
    clients: list[ClientYear]
    rates: list[Rate]
    ages: list[Age]
    overpaid: int
    written_off: int  # in the year: lost, less what was kept
    delay: Delay
    ranges: list[Range]
    batch_ranges: list[Range]
    heads: list[Head]


Issued = tuple[str, str, str]  # of a record: number, date of issue, kind


class _Settled(NamedTuple):
    """An invoice paid in full: days from its issue and past its due date."""

    from_issue: int
    past_due: int | None


def make(
    year: str,
    day: date,
    histories: Iterable[History],
    issued_in_batches: Iterable[Issued],
    heads: list[Head],
) -> YearReport:
    """The figures of a year. What it is made of is taken as it comes, and not kept.

    Args:
      year: "2026".
      day: what is outstanding, late or settled is as it stood then.
      histories: those of every invoice, in order of client.
      issued_in_batches: of the revenue records of all years.
    """
    ages = [Age(0, 0)] * len(balances.AGES)
    overpaid = 0
    issued: list[Issued] = []
    months = {f"{year}-{number:02d}": [0, 0, 0, 0, 0] for number in range(1, 13)}
    rates: dict[_Kind, list[int]] = {}
    clients: list[ClientYear] = []
    settled: list[_Settled] = []
    currency = ""
    written_off = 0
    for _, group in itertools.groupby(histories, lambda history: history.invoice.client):
        own = list(group)
        currency = currency or own[0].invoice.currency
        settled_now = [delay for history in own if (delay := _settled(history, year, day))]
        reports = [table.of(own, year) for table in _TABLES]
        _add_months(months, *reports)
        _add_rates(rates, *reports)
        rest = _outstanding(own, day)
        clients += _client(own, reports, sum(amount for _, amount in rest), settled_now)
        for late, amount in rest:
            if amount > 0:
                count, before = ages[place := balances.age_of(late)]
                ages[place] = Age(count + 1, before + amount)
            overpaid -= min(amount, 0)
        issued += _issued(own, year)
        settled += settled_now
        moved = [movement for history in own for movement in history.movements]
        written_off += sum(
            movement.amount
            for movement in moved
            if movement.cause and movement.date.startswith(year)
        )
    return YearReport(
        year=year,
        date=day,
        currency=currency or "EUR",
        months=[Month(month, *figures) for month, figures in months.items()],
        clients=sorted(clients, key=lambda client: (-client.invoiced, client.id)),
        rates=_rates(rates),
        ages=ages,
        overpaid=overpaid,
        written_off=written_off,
        delay=Delay(
            len(settled),
            _mean([invoice.from_issue for invoice in settled]),
            _mean([invoice.past_due for invoice in settled if invoice.past_due is not None]),
        ),
        ranges=ranges(issued, year),
        batch_ranges=ranges(issued_in_batches, year),
        heads=heads,
    )


def _add_months(
    months: Mapping[str, list[int]], revenues: Report, recettes: Report, vat_due: Report
) -> None:
    """Adds a client's net, VAT, gross, money received and VAT due to those of each month."""
    for place, report, keys in (
        (0, revenues, ("net", "vat", "gross")),
        (3, recettes, ("gross",)),
        (4, vat_due, ("vat",)),
    ):
        cells = report.table.cells
        for i, key in enumerate(keys, place):
            for day, amount in zip(cells["date"], cells[key], strict=True):
                months[day[:7]][i] += amount


def _add_rates(sums: dict[_Kind, list[int]], *reports: Report) -> None:
    """Adds a client's net and VAT invoiced, net and VAT received, and VAT due of each kind."""
    for place, report in zip((0, 2, 4), reports, strict=True):
        for (nature, category, rate, *_), (net, vat) in report.sums.items():
            figures = sums.setdefault((nature, category, rate), [0, 0, 0, 0, 0])
            for i, amount in enumerate((net, vat) if place < 4 else (vat,), place):
                figures[i] += amount


def _client(
    histories: Sequence[History],
    reports: Sequence[Report],
    outstanding: int,
    settled: list[_Settled],
) -> list[ClientYear]:
    """A client, where it was invoiced, paid, or owes something."""
    invoiced, received = (report.table.cells for report in reports[:2])
    last = histories[-1].invoice
    if not (invoiced["date"] or received["date"] or outstanding):
        return []
    return [
        ClientYear(
            id=last.client,
            name=last.name,
            documents=len(set(invoiced["number"])),
            invoiced=sum(invoiced["gross"]),
            received=sum(received["gross"]),
            outstanding=outstanding,
            days=_mean([invoice.from_issue for invoice in settled]),
        )
    ]


def _rates(sums: Mapping[_Kind, list[int]]) -> list[Rate]:
    order = sorted(
        sums, key=lambda key: (key[0] == allocation.OVERPAYMENT, key[0], key[1], _high(key))
    )
    return [Rate(*key, *sums[key]) for key in order]


def _high(key: tuple[str, str, str]) -> Decimal:
    return -Decimal(key[2] or "0")


def _outstanding(histories: Iterable[History], day: date) -> list[tuple[int, int]]:
    """How many days late each invoice is that was issued by a day, and what is outstanding."""
    until = day.isoformat()
    issued = [history for history in histories if history.invoice.date <= until]
    dues = [history.invoice.due_date for history in issued]
    late = [(day - date.fromisoformat(due)).days if due else 0 for due in dues]
    rest = [balances.outstanding_of(history, until) for history in issued]
    return list(zip(late, rest, strict=True))


def _issued(histories: Iterable[History], year: str) -> Iterator[Issued]:
    for history in histories:
        for bill in history.issued:
            if bill.date.startswith(year):
                yield bill.number, bill.date, bill.kind


def _settled(history: History, year: str, day: date) -> _Settled | None:
    """An invoice that was paid in full on a day of the year, and still was so on `day`."""
    invoice, until = history.invoice, day.isoformat()
    days = {event.date for event in history.credit_notes}
    days |= {event.date for event in history.movements}
    settled = ""
    for when in sorted(when for when in days if when <= until):
        is_open = balances.outstanding_of(history, when) > 0
        settled = "" if is_open else settled or when
    moved = (move for move in history.movements if move.date <= until and not move.cause)
    paid = sum(move.amount for move in moved)
    if paid <= 0 or not settled.startswith(year):
        return None
    on = date.fromisoformat(settled)
    past_due = (on - date.fromisoformat(invoice.due_date)).days if invoice.due_date else None
    return _Settled((on - date.fromisoformat(invoice.date)).days, past_due)


def _mean(days: Sequence[int]) -> Decimal | None:
    """To a tenth of a day, half up."""
    if not days:
        return None
    return (Decimal(sum(days)) / len(days)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def ranges(issued: Iterable[Issued], year: str) -> list[Range]:
    """The sequences of a year, in order of their code."""
    sequences: dict[str, _Sequence] = {}
    for number, day, kind in issued:
        code, of_year, seq, *_ = numbers.parse(number)
        if str(of_year) == year:
            numbered = (seq, number, day)
            first, last, invoices, notes = sequences.get(code, (numbered, numbered, 0, 0))
            is_invoice = kind == "invoice"
            sums = (invoices + is_invoice, notes + (not is_invoice))
            sequences[code] = (min(first, numbered), max(last, numbered), *sums)
    return [
        Range(first[1], last[1], first[2], last[2], invoices, notes)
        for _, (first, last, invoices, notes) in sorted(sequences.items())
    ]
