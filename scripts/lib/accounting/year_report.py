"""What a year came to: the figures of the report, grouped by pandas from the tables of the exports.

Amounts are whole cents. Revenues and money received are those of the calendar year; what is
outstanding, late or settled is as it stood at the end of a day.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import reduce
from itertools import groupby
from typing import Any, NamedTuple

import pandas as pd

from lib.accounting import csv_tables, frames, turnover
from lib.accounting.csv_tables import Table
from lib.accounting.frames import AGES
from lib.books import allocation, balances, recurring
from lib.books.heads import Head
from lib.books.histories import History
from lib.books.record_lines import RecurringRevenue
from lib.core.messages import Message
from lib.documents.csv_files import AMOUNT, COUNT, DATE, Column
from lib.inputs.issuer_file import Issuer
from lib.values import numbers, periods

LARGEST = (1, 3, 5)  # clients whose share of the year is shown

_Numbered = tuple[int, str, str]  # place in its sequence, number, date of issue
_Sequences = dict[str, tuple[_Numbered, _Numbered, int, int]]  # first, last, invoices, credit notes

_KIND = ("nature", "vat_category", "vat_rate", "exemption")
_KINDS = tuple(Column(name) for name in _KIND)
_TAXED = (*_KINDS, Column("net", AMOUNT), Column("vat", AMOUNT), Column("gross", AMOUNT))

# What is kept of each client: of the exports' tables the columns that are added up, and its own.
_COLUMNS: Mapping[str, Sequence[Column]] = {
    "revenues": (Column("client"), Column("date", DATE), *_TAXED, Column("documents", COUNT)),
    "recettes": (Column("client"), Column("date", DATE), *_TAXED),
    "vat_due": (Column("date", DATE), *_TAXED),
    "turnover": (Column("nature"), Column("net", AMOUNT)),
    "open_items": (
        Column("client"),
        Column("outstanding", AMOUNT),
        *(Column(age, AMOUNT) for age in AGES),
        Column(frames.OVERPAID, AMOUNT),
    ),
    "settled": (
        Column("client"),
        Column("date", DATE),
        Column("paid", AMOUNT),
        Column("days", COUNT),
        Column("dated", AMOUNT),
        Column("past_due", COUNT),
    ),
}
_RECURRING = (Column("client"), Column("month"), Column("net", AMOUNT))


class Month(NamedTuple):
    """Invoiced less credit notes, by date of issue; received less refunds, and the VAT that fell
    due, by their own."""

    month: str  # "2026-10"
    net: int
    vat: int
    gross: int
    received: int
    vat_due: int


class ComparedMonth(NamedTuple):
    """A month beside that of the year before: invoiced without VAT, and received."""

    month: str
    net_before: int
    net: int
    received_before: int
    received: int


class RecurringMonth(NamedTuple):
    """What plans came to in a month without VAT, and how it differs from the month before: by
    clients that had nothing then, by those that have nothing now, and by all others."""

    month: str
    net: int
    new: int
    lost: int
    changed: int


class ClientYear(NamedTuple):
    """A client's documents and amounts; `days` to pay, None where nothing was settled."""

    id: str
    name: str
    documents: int
    invoiced: int
    received: int
    outstanding: int
    days: Decimal | None


class Concentration(NamedTuple):
    """What the largest clients were invoiced without VAT, and its share of the year in per cent."""

    clients: int
    net: int
    percent: Decimal


class Rate(NamedTuple):
    """What was invoiced, received and due at one VAT category, rate and reason of exemption, for
    goods or services.

    What was paid beyond invoices has the nature "overpayment" and no category.
    """

    nature: str
    category: str
    rate: str
    exemption: str
    net: int
    vat: int
    received_net: int
    received_vat: int
    vat_due: int


class Age(NamedTuple):
    """What is outstanding at one age: see balances.AGES."""

    invoices: int
    amount: int


class ClientAges(NamedTuple):
    """What a client owes at each age, and in all."""

    id: str
    name: str
    ages: tuple[int, ...]
    outstanding: int


class Delay(NamedTuple):
    """How long the invoices settled in a period took: mean days from issue and past the due date
    (below 0: before it), each invoice by what was paid of it; None where there are none."""

    invoices: int
    paid: int
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
    """The figures of one year, as they stood on `date`.

    `with_vat`: whether VAT is on any invoice. `turnover` is by category of activity what was
    received, for who declares it; `limits` are those of a seller without VAT.
    """

    year: str
    date: date
    currency: str
    with_vat: bool
    months: list[Month]
    compared: list[ComparedMonth]
    recurring: list[RecurringMonth]
    turnover: list[tuple[Message, int]]
    limits: list[turnover.VatLimit]
    clients: list[ClientYear]
    concentration: list[Concentration]
    rates: list[Rate]
    ages: list[Age]
    ages_of_clients: list[ClientAges]
    overpaid: int
    written_off: int  # in the year: lost, less what was kept
    delay: Delay
    quarters: dict[str, Delay]  # "2026-Q4", those in which an invoice was settled
    ranges: list[Range]
    batch_ranges: list[Range]
    heads: list[Head]


Issued = tuple[str, str, str]  # of a record: number, date of issue, kind


def make(
    year: str,
    day: date,
    issuer: Issuer,
    histories: Iterable[History],
    of_plans: Iterable[RecurringRevenue] = (),
    issued_in_batches: Iterable[Issued] = (),
    heads: Sequence[Head] = (),
) -> YearReport:
    """The figures of a year. What it is made of is taken as it comes, and not kept.

    Args:
      year: "2026".
      day: what is outstanding, late or settled is as it stood then; plans are those billed by then.
      histories: those of every invoice, in order of client.
      of_plans: the records that bill plans, of all years.
      issued_in_batches: of the revenue records of all years.
    """
    names: dict[str, str] = {}
    sequences: _Sequences = {}
    first = currency = ""
    written_off = 0

    def tables() -> Iterator[Mapping[str, Table]]:
        nonlocal currency, first, written_off
        for client, group in groupby(histories, lambda history: history.invoice.client):
            own = list(group)
            names[client] = own[-1].invoice.name
            currency = currency or own[0].invoice.currency
            _count(sequences, _issued(own), year)
            dates = [bill.date for history in own for bill in history.issued]
            first = min(filter(None, [first, *dates]), default="")
            written_off += sum(
                movement.amount
                for history in own
                for movement in history.movements
                if movement.cause and movement.date.startswith(year)
            )
            yield _tables(own, year, day)

    tabled = frames.framed(frames.shares(tables(), _COLUMNS), _COLUMNS)
    bills, money = tabled["revenues"], tabled["recettes"]
    of_year, received = (rows[rows["date"].dt.year == int(year)] for rows in (bills, money))
    open_items, settled = tabled["open_items"], tabled["settled"]
    clients = _clients(names, of_year, received, open_items, settled)
    return YearReport(
        year=year,
        date=day,
        currency=currency or "EUR",
        with_vat=issuer.vat_regime != turnover.FRANCHISE or bool((of_year["vat"] != 0).any()),
        months=_months(year, of_year, received, tabled["vat_due"]),
        compared=_compared(year, day, first[:7], bills, money),
        recurring=_recurring(year, day, of_plans),
        turnover=_turnover(issuer, tabled["turnover"]),
        limits=_limits(issuer, year, of_year),
        clients=clients,
        concentration=_concentration(of_year),
        rates=_rates(of_year, received, tabled["vat_due"]),
        ages=[Age(int((open_items[age] > 0).sum()), int(open_items[age].sum())) for age in AGES],
        ages_of_clients=_ages_of_clients(names, open_items),
        overpaid=int(open_items[frames.OVERPAID].sum()),
        written_off=written_off,
        delay=_delay(settled),
        quarters=_quarters(settled),
        ranges=_ranges(sequences),
        batch_ranges=ranges(issued_in_batches, year),
        heads=list(heads),
    )


# --- the tables of a client ----------------------------------------------------------


def _tables(histories: Sequence[History], year: str, day: date) -> dict[str, Table]:
    """What is added up of a client; revenues and money of the year before too."""
    years = (_before(year), year)
    bills = csv_tables.revenues(histories, years).table
    numbered = bills.cells["number"]
    # The shares of a bill stand one below the other: the first of them counts it.
    counted = [int(i == 0 or number != numbered[i - 1]) for i, number in enumerate(numbered)]
    shares = [
        share
        for history in histories
        for receipt, share in turnover.received(history)
        if receipt.source.date.startswith(year)
    ]
    return {
        "revenues": bills._replace(cells={**bills.cells, "documents": counted}),
        "recettes": csv_tables.recettes(histories, years).table,
        "vat_due": csv_tables.vat_due(histories, year).table,
        "turnover": Table(
            _COLUMNS["turnover"],
            {
                "nature": [share.nature for share in shares],
                "net": [share.net for share in shares],
            },
        ),
        "open_items": frames.open_items(histories, day),
        "settled": _settled_table(histories, year, day),
    }


def _settled_table(histories: Iterable[History], year: str, day: date) -> Table:
    """The invoices that were paid in full on a day of the year, and still were so on `day`."""
    cells: dict[str, list[Any]] = {column.name: [] for column in _COLUMNS["settled"]}
    for history in histories:
        invoice, until = history.invoice, day.isoformat()
        days = {event.date for event in history.credit_notes}
        days |= {event.date for event in history.movements}
        settled = ""
        for when in sorted(when for when in days if when <= until):
            is_open = balances.outstanding_of(history, when) > 0
            settled = "" if is_open else settled or when
        moved = (move for move in history.movements if move.date <= until and not move.cause)
        paid = min(sum(move.amount for move in moved), invoice.gross)
        if paid > 0 and settled.startswith(year):
            on, due = date.fromisoformat(settled), invoice.due_date
            cells["client"].append(invoice.client)
            cells["date"].append(settled)
            cells["paid"].append(paid)
            cells["days"].append((on - date.fromisoformat(invoice.date)).days)
            cells["dated"].append(paid if due else 0)
            cells["past_due"].append((on - date.fromisoformat(due)).days if due else 0)
    return Table(_COLUMNS["settled"], cells)


def _issued(histories: Iterable[History]) -> Iterator[Issued]:
    for history in histories:
        for bill in history.issued:
            yield bill.number, bill.date, bill.kind


def _before(year: str) -> str:
    return str(int(year) - 1)


# --- by month ------------------------------------------------------------------------


def _by_month(rows: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The sums of each month, "2026-10", that has any."""
    return rows.groupby(rows["date"].dt.strftime("%Y-%m"))[list(columns)].sum()


def _months(
    year: str, bills: pd.DataFrame, received: pd.DataFrame, due: pd.DataFrame
) -> list[Month]:
    sums = _beside(
        pd.Index(periods.months_of(year)),
        _by_month(bills, "net", "vat", "gross"),
        _by_month(received, "gross"),
        _by_month(due, "vat"),
    )
    return [Month(*row) for row in sums.itertuples(name=None)]


def _compared(
    year: str, day: date, first: str, bills: pd.DataFrame, money: pd.DataFrame
) -> list[ComparedMonth]:
    """The months that both years have: the house issued by then, and they were over on `day`."""
    months = [
        month
        for month in periods.months_of(year)
        if first and first <= periods.add_months(month, -12) and periods.last_day(month) <= day
    ]
    before = [periods.add_months(month, -12) for month in months]
    nets, gross = _by_month(bills, "net")["net"], _by_month(money, "gross")["gross"]
    figures = [
        sums.reindex(own, fill_value=0).tolist()
        for sums in (nets, gross)
        for own in (before, months)
    ]
    return [ComparedMonth(*row) for row in zip(months, *figures, strict=True)]


def _recurring(year: str, day: date, of_plans: Iterable[RecurringRevenue]) -> list[RecurringMonth]:
    """The months of the year from the first that plans were billed for to the last that was run."""
    last = ""
    known = set(periods.months(f"{_before(year)}-12", f"{year}-12"))

    def tables() -> Iterator[Mapping[str, Table]]:
        nonlocal last
        for line in of_plans:
            if line.issue_date <= day.isoformat():
                last = last if line.corrects else max(last, line.month)
                shares = [share for share in recurring.shares(line) if share[0] in known]
                cells: csv_tables.Cells = {
                    "client": [line.client] * len(shares),
                    "month": [month for month, _ in shares],
                    "net": [net for _, net in shares],
                }
                yield {"recurring": Table(_RECURRING, cells)}

    columns = {"recurring": _RECURRING}
    rows = frames.framed(frames.shares(tables(), columns), columns)["recurring"]
    if rows.empty:
        return []
    months = sorted(known)
    sums = (
        rows.groupby(["client", "month"])["net"]
        .sum()
        .unstack(fill_value=0)
        .reindex(columns=months, fill_value=0)
    )
    more = sums - sums.shift(1, axis=1, fill_value=0)
    has = sums > 0
    had = has.shift(1, axis=1, fill_value=False)
    figures = pd.DataFrame(
        {
            "net": sums.sum(),
            "new": more.where(has & ~had, 0).sum(),
            "lost": more.where(had & ~has, 0).sum(),
            "changed": more.where(has == had, 0).sum(),
        }
    )
    first = min(month for month in months if has[month].any()) if has.any().any() else "9999"
    shown = figures.loc[max(first, f"{year}-01") : last]
    return [RecurringMonth(*row) for row in shown.itertuples(name=None)]


# --- clients -------------------------------------------------------------------------


def _clients(
    names: Mapping[str, str],
    bills: pd.DataFrame,
    received: pd.DataFrame,
    open_items: pd.DataFrame,
    settled: pd.DataFrame,
) -> list[ClientYear]:
    """Those that were invoiced, paid, or owe something; the largest first."""
    owing = open_items[open_items["outstanding"] > 0]
    groups = [
        bills.groupby("client")[["documents", "gross"]].sum(),
        received.groupby("client")[["gross"]].sum(),
        owing.groupby("client")[["outstanding"]].sum(),
    ]
    sums = _beside(_union(groups), *groups)
    days = {client: _delay(rows).from_issue for client, rows in settled.groupby("client")}
    clients = [
        ClientYear(client, names[client], documents, invoiced, paid, owed, days.get(client))
        for client, documents, invoiced, paid, owed in sums.itertuples(name=None)
    ]
    return sorted(clients, key=lambda client: (-client.invoiced, client.id))


def _concentration(bills: pd.DataFrame) -> list[Concentration]:
    """What the largest clients were invoiced, of what all were that were invoiced more than was
    credited of them."""
    nets = bills.groupby("client")["net"].sum()
    nets = nets[nets > 0].sort_values(ascending=False)
    whole = int(nets.sum())
    return [
        Concentration(count, net, _tenth(100 * net, whole))
        for count in LARGEST
        if count <= len(nets)
        for net in (int(nets.head(count).sum()),)
    ]


def _ages_of_clients(names: Mapping[str, str], open_items: pd.DataFrame) -> list[ClientAges]:
    """What each client owes, the largest first."""
    sums = open_items.groupby("client")[list(AGES)].sum()
    owed = [
        ClientAges(client, names[client], tuple(ages), sum(ages))
        for client, *ages in sums.itertuples(name=None)
        if any(ages)
    ]
    return sorted(owed, key=lambda client: (-client.outstanding, client.id))


# --- days to payment -----------------------------------------------------------------


def _delay(settled: pd.DataFrame) -> Delay:
    paid, dated = int(settled["paid"].sum()), int(settled["dated"].sum())
    from_issue = int((settled["paid"] * settled["days"]).sum())
    past_due = int((settled["dated"] * settled["past_due"]).sum())
    return Delay(
        len(settled),
        paid,
        _tenth(from_issue, paid) if paid else None,
        _tenth(past_due, dated) if dated else None,
    )


def _quarters(settled: pd.DataFrame) -> dict[str, Delay]:
    quarters = settled["date"].dt.strftime("%Y-Q") + settled["date"].dt.quarter.astype("str")
    return {str(quarter): _delay(rows) for quarter, rows in settled.groupby(quarters)}


def _tenth(part: int, whole: int) -> Decimal:
    """A quotient to a tenth, half up."""
    return (Decimal(part) / whole).quantize(Decimal("0.1"), ROUND_HALF_UP)


# --- VAT and turnover ----------------------------------------------------------------


def _rates(bills: pd.DataFrame, received: pd.DataFrame, due: pd.DataFrame) -> list[Rate]:
    kinds = list(_KIND)
    groups = [
        bills.groupby(kinds)[["net", "vat"]].sum(),
        received.groupby(kinds)[["net", "vat"]].sum(),
        due.groupby(kinds)[["vat"]].sum(),
    ]
    sums = _beside(_union(groups), *groups)
    rates = [Rate(*kind, *figures) for kind, *figures in sums.itertuples(name=None)]
    return sorted(
        rates,
        key=lambda rate: (
            rate.nature == allocation.OVERPAYMENT,
            rate.nature,
            rate.category,
            rate.exemption,
            -Decimal(rate.rate or "0"),
        ),
    )


def _turnover(issuer: Issuer, received: pd.DataFrame) -> list[tuple[Message, int]]:
    """What was received by category of activity."""
    if not turnover.is_declared(issuer):
        return []
    categories = received["nature"].map(
        lambda nature: turnover.category_of(issuer.activity, nature)
    )
    sums = received.groupby(categories)["net"].sum()
    return [
        (label, int(sums[category]))
        for category, label in turnover.CATEGORIES.items()
        if category in sums.index
    ]


def _limits(issuer: Issuer, year: str, bills: pd.DataFrame) -> list[turnover.VatLimit]:
    if issuer.vat_regime != turnover.FRANCHISE:
        return []
    sums = bills.groupby("nature")["net"].sum()
    invoiced = {nature: int(sums.get(nature, 0)) for nature in ("services", "goods")}
    return turnover.limits(issuer, year, invoiced)


def _union(groups: Sequence[pd.DataFrame]) -> pd.Index:
    """The rows that any of some tables has."""
    first, *others = (group.index for group in groups)
    return reduce(pd.Index.union, others, first)


def _beside(rows: pd.Index, *groups: pd.DataFrame) -> pd.DataFrame:
    """Tables side by side; 0 where one lacks a row, so that cents stay whole numbers."""
    return pd.concat([group.reindex(rows, fill_value=0) for group in groups], axis=1)


# --- numbers -------------------------------------------------------------------------


def ranges(issued: Iterable[Issued], year: str) -> list[Range]:
    """The sequences of a year, in order of their code."""
    sequences: _Sequences = {}
    _count(sequences, issued, year)
    return _ranges(sequences)


def _count(sequences: _Sequences, issued: Iterable[Issued], year: str) -> None:
    for number, day, kind in issued:
        code, of_year, seq, *_ = numbers.parse(number)
        if str(of_year) == year:
            numbered = (seq, number, day)
            first, last, invoices, notes = sequences.get(code, (numbered, numbered, 0, 0))
            is_invoice = kind == "invoice"
            sums = (invoices + is_invoice, notes + (not is_invoice))
            sequences[code] = (min(first, numbered), max(last, numbered), *sums)


def _ranges(sequences: _Sequences) -> list[Range]:
    return [
        Range(first[1], last[1], first[2], last[2], invoices, notes)
        for _, (first, last, invoices, notes) in sorted(sequences.items())
    ]
