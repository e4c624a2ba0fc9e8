"""The tables for the accountant: money received, revenues, VAT due and payments of a period.

Each is a pure function of the histories of the invoices. A period is how the dates in it
begin: "2024", "2024-03", or the months of a quarter. Aggregation is over whole cents.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import add, attrgetter
from typing import Any, NamedTuple

from lib.books import allocation, tax_points
from lib.books.allocation import Receipt
from lib.books.histories import Dates, History, IssuedDocument, Movement, VatShare
from lib.documents import csv_files
from lib.documents.csv_files import AMOUNT, CODE, DATE, FIGURE, TEXT, Column
from lib.inputs.settings import Settings
from lib.values.money import text_of

Kind = tuple[str, ...]  # nature, VAT category, VAT rate, VATEX code, and the month of the tax point
Cells = Mapping[str, Sequence[Any]]  # by the name of the column, from top to bottom

RECETTES = (
    Column("date", DATE, "received_on"),
    Column("invoice"),
    Column("client"),
    Column("name", TEXT),
    Column("country"),
    Column("vat_number"),
    Column("kind", CODE),
    Column("nature", CODE),
    Column("vat_category"),
    Column("vat_rate", FIGURE),
    Column("exemption"),
    Column("net", AMOUNT),
    Column("vat", AMOUNT),
    Column("gross", AMOUNT),
    Column("currency"),
    Column("method", CODE),
    Column("reference", TEXT),
    Column("stage", CODE),
    Column("value_date", DATE),
)

REVENUES = (
    Column("date", DATE, "issued_on"),
    Column("number"),
    Column("kind", CODE),
    Column("corrects"),
    Column("client"),
    Column("name", TEXT),
    Column("country"),
    Column("vat_number"),
    Column("nature", CODE),
    Column("vat_category"),
    Column("vat_rate", FIGURE),
    Column("exemption"),
    Column("net", AMOUNT),
    Column("vat", AMOUNT),
    Column("gross", AMOUNT),
    Column("currency"),
    Column("due_date", DATE),
    Column("tax_point", DATE),
    Column("stage", CODE),
    Column("order"),
)

VAT_DUE = (
    Column("date", DATE, "falls_due_on"),
    Column("number", heading="piece"),
    Column("kind", CODE),
    Column("client"),
    Column("name", TEXT),
    Column("country"),
    Column("vat_number"),
    Column("nature", CODE),
    Column("vat_category"),
    Column("vat_rate", FIGURE),
    Column("exemption"),
    Column("net", AMOUNT),
    Column("vat", AMOUNT),
    Column("gross", AMOUNT),
    Column("currency"),
    Column("stage", CODE),
)

PAYMENTS = (
    Column("id"),
    Column("date", DATE),
    Column("kind", CODE),
    Column("invoice"),
    Column("client"),
    Column("name", TEXT),
    Column("amount", AMOUNT),
    Column("currency"),
    Column("method", CODE),
    Column("reference", TEXT),
    Column("note", TEXT),
    Column("cause", CODE),
    Column("reverses"),
    Column("value_date", DATE),
)

TOTALS = (
    Column("nature", CODE),
    Column("vat_category"),
    Column("vat_rate", FIGURE),
    Column("exemption"),
    Column("tax_point", heading="tax_point_month"),
    Column("net", AMOUNT),
    Column("vat", AMOUNT),
    Column("gross", AMOUNT),
)
_OTHER_TOTALS = tuple(column for column in TOTALS if column.name != "tax_point")


class Table(NamedTuple):
    """Columns and the cells beneath them, by the name of the column."""

    columns: Sequence[Column]
    cells: Cells

    def to_bytes(self, settings: Settings) -> bytes:
        """The table as a CSV file."""
        return csv_files.to_bytes(self.columns, self.cells, settings)


class Report(NamedTuple):
    """A table, and net and VAT in cents of each kind of what is in it."""

    table: Table
    sums: Mapping[Kind, tuple[int, int]]

    @property
    def totals(self) -> Table:
        """The sums by nature, VAT category, rate and exemption, where the table has tax points by
        their month too, in that order, with a last row for all."""
        with_tax_points = any(column.name == "tax_point" for column in self.table.columns)
        columns = TOTALS if with_tax_points else _OTHER_TOTALS
        kinds = sorted(self.sums)
        nets, vats = ([self.sums[kind][i] for kind in kinds] for i in range(2))
        cells: dict[str, Sequence[Any]] = {
            column.name: [*(kind[i] for kind in kinds), "" if i else "total"]
            for i, column in enumerate(columns[:-3])
        }
        return _table(columns, {**cells, "net": [*nets, sum(nets)], "vat": [*vats, sum(vats)]})

    @property
    def gross(self) -> str:
        """The sum of all, "1234.50"."""
        return text_of(sum(net + vat for net, vat in self.sums.values()))


def recettes(histories: Iterable[History], period: Dates) -> Report:
    """The livre des recettes: money received and given back, in order of date.

    A row for each nature (goods, services), VAT category and rate of a movement, and one for what
    is beyond its invoice. A credit note has rows only where it moves what was paid between them;
    they add up to 0.00.
    """
    receipts = [
        receipt
        for history in histories
        for receipt in allocation.receipts(history)
        if receipt.source.date.startswith(period)
    ]
    # Credit notes before the money of the same day.
    receipts.sort(key=attrgetter("source.date", "source.client", "source.rank", "source.seq"))
    rows = [(receipt, share) for receipt in receipts for share in shares_of(receipt)]
    sources = [receipt.source for receipt, _ in rows]
    cells: Cells = {
        "date": [source.date for source in sources],
        "invoice": numbers(sources),
        "client": [source.client for source in sources],
        **buyer_cells([receipt.invoice for receipt, _ in rows]),
        "kind": [source.kind for source in sources],
        **share_cells([(receipt.invoice, share) for receipt, share in rows]),
        "currency": [source.currency for source in sources],
        "method": [source.method if isinstance(source, Movement) else "" for source in sources],
        "reference": [
            source.reference if isinstance(source, Movement) else "" for source in sources
        ],
        "stage": [stage(receipt.invoice) for receipt, _ in rows],
        "value_date": [
            source.value_date if isinstance(source, Movement) else "" for source in sources
        ],
    }
    return Report(_table(RECETTES, cells), _sums_by_kind(cells))


def shares_of(receipt: Receipt) -> Sequence[VatShare]:
    """The shares of a receipt and what is beyond its invoice, in order of nature."""
    if len(receipt.shares) == 1 and not receipt.overpaid:  # the common case
        return receipt.shares
    beyond = VatShare(allocation.OVERPAYMENT, "", "", receipt.overpaid, 0)
    return in_order(share for share in (*receipt.shares, beyond) if share.net or share.vat)


def in_order(shares: Iterable[VatShare]) -> list[VatShare]:
    """In order of nature, VAT category and rate."""
    return sorted(shares, key=attrgetter("nature", "vat_category", "vat_rate"))


def revenues(histories: Iterable[History], period: Dates) -> Report:
    """What was invoiced: a row for each nature, VAT category and rate; credit notes negative.

    A tax point is the day on which the VAT of a row falls due, empty where it does as it is paid.
    """
    bills = [
        (bill, history.invoice)
        for history in histories
        for bill in history.issued
        if bill.date.startswith(period)
    ]
    bills.sort(key=lambda pair: (pair[0].date, pair[0].client, pair[0].seq))
    rows = [
        (bill, share if bill.kind == "invoice" else -share)
        for bill, _ in bills
        for share in bill.shares
    ]
    cells: Cells = {
        "date": [bill.date for bill, _ in rows],
        "number": [bill.number for bill, _ in rows],
        "kind": [bill.kind for bill, _ in rows],
        "corrects": [bill.corrects for bill, _ in rows],
        "client": [bill.client for bill, _ in rows],
        **buyer_cells([bill for bill, _ in rows]),
        **share_cells(rows),
        "currency": [bill.currency for bill, _ in rows],
        "due_date": [bill.due_date for bill, _ in rows],
        "tax_point": [
            tax_points.tax_point(invoice, bill, share)
            for bill, invoice in bills
            for share in bill.shares
        ],
        "stage": [stage(invoice) for bill, invoice in bills for _ in bill.shares],
        "order": [bill.order for bill, _ in rows],
    }
    months = [day[:7] for day in cells["tax_point"]]
    return Report(_table(REVENUES, cells), _sums_by_kind(cells, months))


def vat_due(histories: Iterable[History], period: Dates) -> Report:
    """What falls due in a period, whenever it was invoiced: goods delivered, services under the
    option for debits invoiced, other services paid; by tax point.
    """
    rows = [
        (due, history.invoice)
        for history in histories
        for due in tax_points.dues(history)
        if due.date.startswith(period)
    ]
    order = attrgetter("date", "source.client", "source.rank", "source.seq")
    rows.sort(key=lambda row: order(row[0]))
    dues = [due for due, _ in rows]
    cells: Cells = {
        "date": [due.date for due in dues],
        "number": numbers([due.source for due in dues]),
        "kind": [due.source.kind for due in dues],
        "client": [due.source.client for due in dues],
        **buyer_cells([invoice for _, invoice in rows]),
        **share_cells([(invoice, due.share) for due, invoice in rows]),
        "currency": [due.source.currency for due in dues],
        "stage": [stage(invoice) for _, invoice in rows],
    }
    return Report(_table(VAT_DUE, cells), _sums_by_kind(cells))


def buyer_cells(bills: Sequence[IssuedDocument]) -> Cells:
    return {
        "name": [bill.name for bill in bills],
        "country": [bill.country for bill in bills],
        "vat_number": [bill.vat_number for bill in bills],
    }


def share_cells(rows: Sequence[tuple[IssuedDocument, VatShare]]) -> Cells:
    """What shares are, each of the bill before it, which knows why some bear no VAT."""
    return {
        "nature": [share.nature for _, share in rows],
        "vat_category": [share.vat_category for _, share in rows],
        "vat_rate": [share.vat_rate for _, share in rows],
        "exemption": [bill.exemptions.get(share.vat_category, "") for bill, share in rows],
        "net": [share.net for _, share in rows],
        "vat": [share.vat for _, share in rows],
    }


def stage(invoice: IssuedDocument) -> str:
    """What an invoice is of an order: a deposit, or the final invoice that takes deposits off."""
    if invoice.is_deposit:
        return "deposit"
    return "final" if invoice.advanced else ""


def numbers(sources: Iterable[IssuedDocument | Movement]) -> list[str]:
    """For each source its own number, or that of the invoice that money is for."""
    return [source.invoice if isinstance(source, Movement) else source.number for source in sources]


def _sums_by_kind(cells: Cells, *more: Sequence[str]) -> dict[Kind, tuple[int, int]]:
    """The sums of a table by nature, VAT category, rate and exemption, and by `more`."""
    names = ("nature", "vat_category", "vat_rate", "exemption")
    kinds = zip(*(cells[name] for name in names), *more, strict=True)
    return added_up(zip(kinds, cells["net"], cells["vat"], strict=True))


def added_up(amounts: Iterable[tuple[Kind, int, int]]) -> dict[Kind, tuple[int, int]]:
    """Net and VAT of each kind."""
    nets: defaultdict[Kind, int] = defaultdict(int)
    vats: defaultdict[Kind, int] = defaultdict(int)
    for kind, net, vat in amounts:
        nets[kind] += net
        vats[kind] += vat
    return {kind: (net, vats[kind]) for kind, net in nets.items()}


def payments(histories: Iterable[History], period: Dates = "") -> Report:
    """Payments, refunds (negative), write-offs (negative where money is kept) and reversals
    (opposite to what they reverse), by date."""
    moved = [
        (movement, history.invoice.name)
        for history in histories
        for movement in history.movements
        if movement.date.startswith(period)
    ]
    moved.sort(key=lambda pair: (pair[0].date, pair[0].client, pair[0].seq))
    movements = [movement for movement, _ in moved]
    cells: Cells = {
        "id": [f"{movement.client}/{movement.seq}" for movement in movements],
        "date": [movement.date for movement in movements],
        "kind": [movement.kind for movement in movements],
        "invoice": [movement.invoice for movement in movements],
        "client": [movement.client for movement in movements],
        "name": [name for _, name in moved],
        "amount": [movement.amount for movement in movements],
        "currency": [movement.currency for movement in movements],
        "method": [movement.method for movement in movements],
        "reference": [movement.reference for movement in movements],
        "note": [movement.note for movement in movements],
        "cause": [movement.cause for movement in movements],
        "reverses": [
            f"{movement.client}/{movement.reverses}" if movement.reverses else ""
            for movement in movements
        ],
        "value_date": [movement.value_date for movement in movements],
    }
    return Report(_table(PAYMENTS, cells), {})


def _table(columns: Sequence[Column], cells: Cells) -> Table:
    """The columns with their cells; gross is what net and VAT add up to."""
    if "net" in cells:
        cells = {**cells, "gross": list(map(add, cells["net"], cells["vat"]))}
    return Table(columns, {column.name: cells[column.name] for column in columns})


class Reported(NamedTuple):
    """A table of a period: its columns, and what makes it of histories."""

    columns: Sequence[Column]
    of: Callable[[Iterable[History], Dates], Report]


# By the beginning of the names of their files.
TABLES = {
    "recettes": Reported(RECETTES, recettes),
    "revenues": Reported(REVENUES, revenues),
    "vat_due": Reported(VAT_DUE, vat_due),
}


# --- a table in parts ----------------------------------------------------------------


class Rows(NamedTuple):
    """A report on a client: the date and the CSV line of each row, and its sums."""

    dates: Sequence[str]
    lines: Sequence[str]
    sums: Mapping[Kind, tuple[int, int]]


class TablePart(NamedTuple):
    """A report on some of the clients: its rows, their CSV lines by day, in UTF-8, its sums."""

    rows: int
    days: Mapping[str, bytes]
    sums: Mapping[Kind, tuple[int, int]]


def written(report: Report, settings: Settings) -> Rows:
    """A report on a client, to be put together with those on others."""
    table = report.table
    lines = csv_files.lines(table.columns, table.cells, settings)
    return Rows(table.cells["date"], lines, report.sums)


def part(clients: Iterable[Rows]) -> TablePart:
    """Reports on some clients as one.

    Args:
      clients: in order of client. Rows are ordered by date and then by client, so that the
        lines of a day follow each other as the clients do.
    """
    days: defaultdict[str, list[str]] = defaultdict(list)
    sums = []
    rows = 0
    for rows_of_client in clients:
        rows += len(rows_of_client.lines)
        for day, line in zip(rows_of_client.dates, rows_of_client.lines, strict=True):
            days[day].append(line)
        sums.append(rows_of_client.sums)
    return TablePart(
        rows, {day: csv_files.encoded(lines) for day, lines in days.items()}, _sum_of(sums)
    )


def joined(
    columns: Sequence[Column],
    parts: Sequence[TablePart],
    settings: Settings,
    unpacked: Callable[[bytes], bytes] = bytes,
) -> tuple[Callable[[], Iterator[bytes]], Report]:
    """The CSV file of a report that was made in parts, in pieces, and the report, without its rows.

    Args:
      parts: in order of client.
      unpacked: gives the lines of a day, where parts have them compressed.
    """
    none = Table(columns, {column.name: () for column in columns})
    sums = _sum_of([part.sums for part in parts])
    first = csv_files.headings(columns, settings)
    return partial(_in_pieces, first, parts, unpacked), Report(none, sums)


def _in_pieces(
    first: bytes, parts: Sequence[TablePart], unpacked: Callable[[bytes], bytes]
) -> Iterator[bytes]:
    yield first
    for day in sorted({day for part in parts for day in part.days}):
        yield b"".join([unpacked(part.days[day]) for part in parts if day in part.days])


def _sum_of(sums: Iterable[Mapping[Kind, tuple[int, int]]]) -> dict[Kind, tuple[int, int]]:
    return added_up((kind, *amounts) for of_kinds in sums for kind, amounts in of_kinds.items())
