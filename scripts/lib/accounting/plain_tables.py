"""The tables of accounting/csv_tables for a client with plain histories: the same lines.

They are made column by column. What all rows have alike is written once, and so is each share,
whose columns stand side by side in every table.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from operator import itemgetter

from lib.accounting import csv_tables
from lib.accounting.csv_tables import RECETTES, REVENUES, VAT_DUE, Kind, Rows
from lib.books import payments
from lib.books.allocation import paid_at_once
from lib.books.histories import Dates, VatShare
from lib.books.plain_histories import PlainHistories
from lib.books.record_lines import PlainPayment, PlainRevenue
from lib.documents import csv_files
from lib.documents.csv_files import Column
from lib.inputs.settings import Settings

# The day of a row, the share that it has, the invoice of that, and the payment that makes it.
_Row = tuple[str, VatShare, PlainRevenue, PlainPayment | None]
_Cells = dict[str, Sequence[str] | str]  # by the name of the column; a text: all of them
_Texts = Mapping[int, str]  # what stands in the columns of a share, by its id

_INVOICE = "invoice"
_OF_SHARE = ("nature", "vat_category", "vat_rate", "exemption", "net", "vat", "gross")
_SHARE = Column("nature", csv_files.WRITTEN)  # with all others of a share


def tables_of(own: PlainHistories, period: Dates, settings: Settings) -> list[Rows]:
    """The rows of each table, in the order of csv_tables.TABLES."""
    bills: list[_Row] = [
        (invoice.issue_date, share, invoice, None)
        for invoice, shares in zip(own.lines.invoices, own.charged, strict=True)
        for share in shares
    ]
    received = [
        (payment, own.lines.invoices[i], paid_at_once(own.charged[i]))
        for payment, i in zip(own.lines.payments, own.lines.paid, strict=True)
    ]
    receipts: list[_Row] = [
        (payment.date, share, invoice, payment)
        for payment, invoice, shares in received
        for share in (shares if len(shares) == 1 else csv_tables.in_order(shares))
    ]
    dues: list[_Row] = [
        (_tax_point(own, share, invoice), share, invoice, None) for _, share, invoice, _ in bills
    ]
    dues += [
        (payment.date, share, invoice, payment)
        for payment, invoice, shares in received
        if not invoice.vat_on_debits
        for share in shares
        if share.nature != "goods"
    ]
    texts = _texts([row[1] for row in (*bills, *receipts, *dues)], settings)
    return [
        _recettes(_in_period(receipts, period), own, texts, settings),
        _revenues(_in_period(bills, period), own, texts, settings),
        _vat_due(_in_period(dues, period), own, texts, settings),
    ]


def _tax_point(own: PlainHistories, share: VatShare, invoice: PlainRevenue) -> str:
    """As of books/tax_points; empty: as it is paid."""
    if share.nature == "goods":
        return own.delivery(invoice)
    return invoice.issue_date if invoice.vat_on_debits else ""


def _in_period(rows: Iterable[_Row], period: Dates) -> list[_Row]:
    """The rows of a period in order of date, those of a day as they were."""
    rows = [row for row in rows if row[0] and row[0].startswith(period)]
    dates = [row[0] for row in rows]
    return rows if dates == sorted(dates) else sorted(rows, key=itemgetter(0))


def _recettes(rows: list[_Row], own: PlainHistories, texts: _Texts, settings: Settings) -> Rows:
    moved = [payment for *_, payment in rows if payment]
    cells = {
        **_cells(rows, own, texts),
        "invoice": [payment.invoice for payment in moved],
        "kind": payments.PAYMENT,
        "method": _same([payment.method for payment in moved]),
        "reference": _same([payment.reference for payment in moved]),
        "value_date": _same([payment.value_date for payment in moved]),
    }
    return _rows(RECETTES, cells, rows, settings)


def _revenues(rows: list[_Row], own: PlainHistories, texts: _Texts, settings: Settings) -> Rows:
    invoices = [invoice for _, _, invoice, _ in rows]
    tax_points = [_tax_point(own, share, invoice) for _, share, invoice, _ in rows]
    cells = {
        **_cells(rows, own, texts),
        "number": [invoice.number for invoice in invoices],
        "kind": _INVOICE,
        "corrects": "",
        "due_date": [invoice.due_date for invoice in invoices],
        "tax_point": tax_points,
        "order": _same([invoice.order for invoice in invoices]),
    }
    return _rows(REVENUES, cells, rows, settings)


def _vat_due(rows: list[_Row], own: PlainHistories, texts: _Texts, settings: Settings) -> Rows:
    cells = {
        **_cells(rows, own, texts),
        "number": [invoice.number for _, _, invoice, _ in rows],
        "kind": _same([payments.PAYMENT if payment else _INVOICE for *_, payment in rows]),
    }
    return _rows(VAT_DUE, cells, rows, settings)


def _cells(rows: list[_Row], own: PlainHistories, texts: _Texts) -> _Cells:
    """The cells that all tables have."""
    invoices = [invoice for _, _, invoice, _ in rows]
    return {
        "date": [day for day, *_ in rows],
        "client": own.client,
        "name": _same([invoice.buyer for invoice in invoices]),
        "country": _same([invoice.buyer_country for invoice in invoices]),
        "vat_number": _same([invoice.buyer_vat_number for invoice in invoices]),
        _SHARE.name: [texts[id(share)] for _, share, _, _ in rows],
        "currency": own.currency,
        "stage": "",
    }


def _same(texts: list[str]) -> Sequence[str] | str:
    """The texts of a column, or the one that all of them are."""
    return texts[0] if texts and texts.count(texts[0]) == len(texts) else texts


def _texts(shares: Iterable[VatShare], settings: Settings) -> _Texts:
    """What stands in the columns of each share, by its id."""
    own = {id(share): share for share in shares}
    cells = {
        "nature": [share.nature for share in own.values()],
        "vat_category": [share.vat_category for share in own.values()],
        "vat_rate": [share.vat_rate for share in own.values()],
        "exemption": "",
        "net": [share.net for share in own.values()],
        "vat": [share.vat for share in own.values()],
        "gross": [share.gross for share in own.values()],
    }
    columns = [column for column in REVENUES if column.name in _OF_SHARE]
    return dict(zip(own, csv_files.runs(columns, cells, settings), strict=True))


def _rows(columns: Sequence[Column], cells: _Cells, rows: list[_Row], settings: Settings) -> Rows:
    folded = [
        _SHARE if column.name == _SHARE.name else column
        for column in columns
        if column.name not in _OF_SHARE[1:]
    ]
    lines = csv_files.lines(folded, cells, settings)
    tax_points = cells.get("tax_point")
    return Rows(cells["date"], lines, _sums(rows, tax_points))


def _sums(rows: list[_Row], tax_points: Sequence[str] | None) -> Mapping[Kind, tuple[int, int]]:
    """As of csv_tables.Report: of each share as often as it comes, in each month."""
    shares = {id(share): share for _, share, *_ in rows}
    months = repeat(None) if tax_points is None else [day[:7] for day in tax_points]
    times = Counter(zip([id(share) for _, share, *_ in rows], months, strict=False))
    return csv_tables.added_up(
        (_kind(shares[name], month), shares[name].net * number, shares[name].vat * number)
        for (name, month), number in times.items()
    )


def _kind(share: VatShare, month: str | None) -> Kind:
    kind = (share.nature, share.vat_category, share.vat_rate, "")
    return kind if month is None else (*kind, month)
