"""The tables for the accountant: money received, revenues and payments of a period.

Each is a pure function of the histories of the invoices. A period is the beginning of the
dates in it: "2024" or "2024-03". Aggregation is over whole cents.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from lib import csv_files, receipts
from lib.csv_files import AMOUNT, CODE, FIGURE, TEXT, Column
from lib.histories import Bill, History, Movement, text_of
from lib.settings import Settings

Kind = tuple[str, str, str]  # nature, VAT category, VAT rate

RECETTES = (
    Column("date", "Date d'encaissement"),
    Column("invoice", "Facture"),
    Column("client", "Client"),
    Column("name", "Nom du client", TEXT),
    Column("kind", "Type", CODE),
    Column("nature", "Nature", CODE),
    Column("net", "Montant HT", AMOUNT),
    Column("vat", "TVA", AMOUNT),
    Column("gross", "Montant TTC", AMOUNT),
    Column("currency", "Devise"),
    Column("method", "Moyen de paiement", CODE),
    Column("reference", "Référence", TEXT),
)

REVENUES = (
    Column("date", "Date d'émission"),
    Column("number", "Numéro"),
    Column("kind", "Type", CODE),
    Column("corrects", "Facture rectifiée"),
    Column("client", "Client"),
    Column("name", "Nom du client", TEXT),
    Column("nature", "Nature", CODE),
    Column("vat_category", "Catégorie de TVA"),
    Column("vat_rate", "Taux de TVA", FIGURE),
    Column("net", "Montant HT", AMOUNT),
    Column("vat", "TVA", AMOUNT),
    Column("gross", "Montant TTC", AMOUNT),
    Column("currency", "Devise"),
    Column("due_date", "Échéance"),
)

PAYMENTS = (
    Column("id", "Identifiant"),
    Column("date", "Date"),
    Column("kind", "Type", CODE),
    Column("invoice", "Facture"),
    Column("client", "Client"),
    Column("name", "Nom du client", TEXT),
    Column("amount", "Montant", AMOUNT),
    Column("currency", "Devise"),
    Column("method", "Moyen de paiement", CODE),
    Column("reference", "Référence", TEXT),
    Column("note", "Note", TEXT),
    Column("reverses", "Contrepasse"),
)

TOTALS = (
    Column("nature", "Nature", CODE),
    Column("vat_category", "Catégorie de TVA"),
    Column("vat_rate", "Taux de TVA", FIGURE),
    Column("net", "Montant HT", AMOUNT),
    Column("vat", "TVA", AMOUNT),
    Column("gross", "Montant TTC", AMOUNT),
)


class Table(NamedTuple):
    """Columns and the cells beneath them, by the name of the column."""

    columns: Sequence[Column]
    cells: Mapping[str, Sequence[Any]]

    def to_bytes(self, settings: Settings) -> bytes:
        """The table as a CSV file."""
        return csv_files.to_bytes(self.columns, self.cells, settings)


class Report(NamedTuple):
    """A table, and net and VAT in cents of each kind of what is in it."""

    table: Table
    sums: Mapping[Kind, tuple[int, int]]

    @property
    def totals(self) -> Table:
        """The sums by nature, VAT category and rate, in that order, with a last row for all."""
        rows = [(*kind, *self.sums[kind]) for kind in sorted(self.sums)]
        net, vat = (sum(amounts[i] for amounts in self.sums.values()) for i in (0, 1))
        rows.append(("total", "", "", net, vat))
        return _table(TOTALS, [(*row, row[3] + row[4]) for row in rows])

    @property
    def gross(self) -> str:
        """The sum of all, "1234.50"."""
        return text_of(sum(net + vat for net, vat in self.sums.values()))


def recettes(histories: Iterable[History], period: str) -> Report:
    """The livre des recettes: money received and given back, in order of date.

    A row for each nature (goods, services) of a movement, and one for what is beyond its
    invoice. A credit note has rows only where it moves what was paid between natures or
    rates; they add up to 0.00.
    """
    rows = []
    sums: dict[Kind, tuple[int, int]] = {}
    for history in histories:
        for receipt in receipts.receipts(history):
            if not receipt.source.date.startswith(period):
                continue
            natures: dict[str, tuple[int, int]] = {}
            for share in receipt.shares:
                _add(natures, share.nature, share.net, share.vat)
                _add(sums, share.kind, share.net, share.vat)
            if receipt.overpaid:
                natures[receipts.OVERPAYMENT] = (receipt.overpaid, 0)
                _add(sums, (receipts.OVERPAYMENT, "", ""), receipt.overpaid, 0)
            for nature in sorted(natures):
                net, vat = natures[nature]
                if net or vat:
                    rows.append(_recette(history.invoice.name, receipt.source, nature, net, vat))
    return Report(_table(RECETTES, _in_order(rows)), sums)


def _recette(
    name: str, source: Bill | Movement, nature: str, net: int, vat: int
) -> tuple[Any, ...]:
    """A row, after what it is ordered by: credit notes before the money of the same day."""
    day, client, kind = source.date, source.client, source.kind
    if isinstance(source, Movement):
        paid, number, how = True, source.invoice, (source.method, source.reference)
    else:
        paid, number, how = False, source.number, ("", "")
    order = (day, client, paid, source.seq, nature)
    figures = (net, vat, net + vat, source.currency)
    return (order, day, number, client, name, kind, nature, *figures, *how)


def revenues(histories: Iterable[History], period: str) -> Report:
    """What was invoiced: a row for each nature, VAT category and rate; credit notes negative."""
    rows = []
    sums: dict[Kind, tuple[int, int]] = {}
    for history in histories:
        for bill in (history.invoice, *history.credit_notes):
            if not bill.date.startswith(period):
                continue
            sign = 1 if bill.kind == "invoice" else -1
            what = (bill.date, bill.number, bill.kind, bill.corrects, bill.client, bill.name)
            for i, share in enumerate(bill.shares):
                kind, net, vat = share.kind, sign * share.net, sign * share.vat
                _add(sums, kind, net, vat)
                order = (bill.date, bill.client, bill.seq, i)
                figures = (net, vat, net + vat)
                rows.append((order, *what, *kind, *figures, bill.currency, bill.due_date))
    return Report(_table(REVENUES, _in_order(rows)), sums)


def payments(histories: Iterable[History], period: str = "") -> Table:
    """Payments, refunds (negative) and reversals (opposite to what they reverse), by date."""
    rows = [
        (
            (movement.date, movement.client, movement.seq),
            f"{movement.client}/{movement.seq}",
            movement.date,
            movement.kind,
            movement.invoice,
            movement.client,
            history.invoice.name,
            movement.amount,
            movement.currency,
            movement.method,
            movement.reference,
            movement.note,
            f"{movement.client}/{movement.reverses}" if movement.reverses else "",
        )
        for history in histories
        for movement in history.movements
        if movement.date.startswith(period)
    ]
    return _table(PAYMENTS, _in_order(rows))


def _add(sums: dict[Any, tuple[int, int]], key: Any, net: int, vat: int) -> None:
    before = sums.get(key, (0, 0))
    sums[key] = (before[0] + net, before[1] + vat)


def _in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows in the order of their first item, which is no cell."""
    rows.sort(key=itemgetter(0))
    return [row[1:] for row in rows]


def _table(columns: Sequence[Column], rows: list[tuple[Any, ...]]) -> Table:
    cells = zip(*rows, strict=True) if rows else [()] * len(columns)
    names = (column.name for column in columns)
    return Table(columns, dict(zip(names, cells, strict=True)))


# --- a table in parts ----------------------------------------------------------------


class Part(NamedTuple):
    """A report on some of the clients: the text of its CSV lines of each day, its sums."""

    days: Mapping[str, str]
    sums: Mapping[Kind, tuple[int, int]]


def part(report: Report, settings: Settings) -> Part:
    """A report as a part of a larger one."""
    table = report.table
    lines = csv_files.lines(table.columns, table.cells, settings)
    dates = table.cells["date"]
    days: dict[str, str] = {}
    end = 0
    while end < len(dates):
        start, day = end, dates[end]
        end = bisect_right(dates, day, start)
        days[day] = "".join(lines[start:end])
    return Part(days, report.sums)


def joined(
    columns: Sequence[Column], parts: Sequence[Part], settings: Settings
) -> tuple[bytes, Report]:
    """The CSV file of a report that was made in parts, and the report, without its rows.

    Args:
      parts: in order of client. Rows are ordered by date and then by client, so that the lines
        of a day follow each other as the parts do.
    """
    days = sorted({day for one in parts for day in one.days})
    lines = (one.days[day] for day in days for one in parts if day in one.days)
    sums: dict[Kind, tuple[int, int]] = {}
    for one in parts:
        for kind, amounts in one.sums.items():
            _add(sums, kind, *amounts)
    return csv_files.whole(columns, lines, settings), Report(_table(columns, []), sums)
