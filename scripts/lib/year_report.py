"""What a year came to: the figures of the report, from the same tables as the exports.

Amounts are whole cents. Revenues and money received are those of the calendar year; what is
outstanding, late or settled is as it stood at the end of a day.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple, TypeVar

from lib import accounting_tables, balances, numbering, receipts
from lib.accounting_tables import Report
from lib.balances import InvoiceBalance
from lib.heads import Head
from lib.histories import History
from lib.money import cents
from lib.records import Record

_T = TypeVar("_T")


class Month(NamedTuple):
    """Invoiced less credit notes, by date of issue; received less refunds, and the VAT that fell
    due, by their own."""

    month: str  # "2026-10"
    net: int
    vat: int
    gross: int
    received: int
    vat_due: int


class Client(NamedTuple):
    """The same of a client, with what it owes; `days` to pay, None where nothing was settled."""

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
    clients: list[Client]
    rates: list[Rate]
    ages: list[Age]
    overpaid: int
    delay: Delay
    ranges: list[Range]
    batch_ranges: list[Range]
    heads: list[Head]


class _Settled(NamedTuple):
    """An invoice of a client, paid in full: days from its issue and past its due date."""

    client: str
    from_issue: int
    past_due: int | None


def make(
    year: str,
    day: date,
    histories: Sequence[History],
    open_invoices: Sequence[InvoiceBalance],
    issued: Iterable[Record],
    issued_in_batches: Iterable[Record],
    heads: list[Head],
) -> YearReport:
    """The figures of a year.

    Args:
      year: "2026".
      day: what is outstanding, late or settled is as it stood then.
      open_invoices: the balance of every invoice, at the end of `day`.
      issued, issued_in_batches: the revenue records, of all years.
    """
    revenues = accounting_tables.revenues(histories, year)
    recettes = accounting_tables.recettes(histories, year)
    vat_due = accounting_tables.vat_due(histories, year)
    invoiced, received = _rows(revenues.table.cells), _rows(recettes.table.cells)
    settled = [one for history in histories if (one := _settled(history, year, day))]
    return YearReport(
        year=year,
        date=day,
        currency=histories[0].invoice.currency if histories else "EUR",
        months=_months(year, invoiced, received, _rows(vat_due.table.cells)),
        clients=_clients(histories, invoiced, received, open_invoices, settled),
        rates=_rates(revenues, recettes, vat_due),
        ages=_ages(open_invoices, day),
        overpaid=sum(-cents(min(one.outstanding, Decimal(0))) for one in open_invoices),
        delay=Delay(
            len(settled),
            _mean([one.from_issue for one in settled]),
            _mean([one.past_due for one in settled if one.past_due is not None]),
        ),
        ranges=ranges(issued, year),
        batch_ranges=ranges(issued_in_batches, year),
        heads=heads,
    )


def _rows(cells: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]


def _months(
    year: str,
    invoiced: list[dict[str, Any]],
    received: list[dict[str, Any]],
    vat_due: list[dict[str, Any]],
) -> list[Month]:
    bills, money, dues = (
        _by(rows, lambda row: str(row["date"][:7])) for rows in (invoiced, received, vat_due)
    )
    made = []
    for month in (f"{year}-{number:02d}" for number in range(1, 13)):
        net, vat, gross = (sum(row[key] for row in bills[month]) for key in ("net", "vat", "gross"))
        paid, due = (
            sum(row["gross"] for row in money[month]),
            sum(row["vat"] for row in dues[month]),
        )
        made.append(Month(month, net, vat, gross, paid, due))
    return made


def _clients(
    histories: Sequence[History],
    invoiced: list[dict[str, Any]],
    received: list[dict[str, Any]],
    open_invoices: Sequence[InvoiceBalance],
    settled: list[_Settled],
) -> list[Client]:
    """Those that were invoiced, paid, or owe something; who was invoiced most comes first."""
    names = {history.invoice.client: history.invoice.name for history in histories}
    bills, money = (_by(rows, lambda row: row["client"]) for rows in (invoiced, received))
    owed = _by(open_invoices, lambda one: one.client)
    paid = _by(settled, lambda one: one.client)
    made = [
        Client(
            id=client,
            name=name,
            documents=len({row["number"] for row in bills[client]}),
            invoiced=sum(row["gross"] for row in bills[client]),
            received=sum(row["gross"] for row in money[client]),
            outstanding=sum(cents(one.outstanding) for one in owed[client]),
            days=_mean([one.from_issue for one in paid[client]]),
        )
        for client, name in names.items()
    ]
    active = [one for one in made if bills[one.id] or money[one.id] or one.outstanding]
    return sorted(active, key=lambda one: (-one.invoiced, one.id))


def _by(values: Iterable[_T], key: Callable[[_T], str]) -> defaultdict[str, list[_T]]:
    made: defaultdict[str, list[_T]] = defaultdict(list)
    for value in values:
        made[key(value)].append(value)
    return made


def _rates(*reports: Report) -> list[Rate]:
    """Net and VAT invoiced, net and VAT received, and the VAT due, of each kind."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for place, report in zip((0, 2, 4), reports, strict=True):
        for (nature, category, rate, *_), (net, vat) in report.sums.items():
            figures = sums.setdefault((nature, category, rate), [0, 0, 0, 0, 0])
            for i, amount in enumerate((net, vat) if place < 4 else (vat,), place):
                figures[i] += amount
    order = sorted(
        sums, key=lambda key: (key[0] == receipts.OVERPAYMENT, key[0], key[1], _high(key))
    )
    return [Rate(*key, *sums[key]) for key in order]


def _high(key: tuple[str, str, str]) -> Decimal:
    return -Decimal(key[2] or "0")


def _ages(open_invoices: Iterable[InvoiceBalance], day: date) -> list[Age]:
    ages = [Age(0, 0)] * len(balances.AGES)
    for one in open_invoices:
        if one.outstanding > 0:
            place = balances.age(one, day)
            count, amount = ages[place]
            ages[place] = Age(count + 1, amount + cents(one.outstanding))
    return ages


def _settled(history: History, year: str, day: date) -> _Settled | None:
    """An invoice that was paid in full on a day of the year, and still was so on `day`."""
    invoice = history.invoice
    events: list[tuple[str, int]] = [(note.date, note.gross) for note in history.credit_notes]
    events += [(movement.date, movement.amount) for movement in history.movements]
    due = invoice.gross
    settled = ""
    for when, amount in sorted(events, key=lambda event: event[0]):
        if when > day.isoformat():
            break
        due -= amount
        settled = "" if due > 0 else settled or when
    paid = sum(move.amount for move in history.movements if move.date <= day.isoformat())
    if paid <= 0 or not settled.startswith(year):
        return None
    on = date.fromisoformat(settled)
    past_due = (on - date.fromisoformat(invoice.due_date)).days if invoice.due_date else None
    return _Settled(invoice.client, (on - date.fromisoformat(invoice.date)).days, past_due)


def _mean(days: Sequence[int]) -> Decimal | None:
    """To a tenth of a day, half up."""
    if not days:
        return None
    return (Decimal(sum(days)) / len(days)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def ranges(issued: Iterable[Record], year: str) -> list[Range]:
    """The sequences of a year, in order of their code."""
    sequences: dict[str, list[tuple[int, Record]]] = {}
    for record in issued:
        code, of_year, seq = numbering.parse(record["number"])
        if str(of_year) == year:
            sequences.setdefault(code, []).append((seq, record))
    made = []
    for code in sorted(sequences):
        used = [record for _, record in sorted(sequences[code], key=lambda pair: pair[0])]
        invoices = sum(record["kind"] == "invoice" for record in used)
        made.append(
            Range(
                used[0]["number"],
                used[-1]["number"],
                used[0]["issue_date"],
                used[-1]["issue_date"],
                invoices,
                len(used) - invoices,
            )
        )
    return made
