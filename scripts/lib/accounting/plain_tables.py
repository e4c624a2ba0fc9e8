"""The tables of accounting/csv_tables for a client with plain histories: the same lines.

They are made column by column. What all rows have alike is written once, and so is each share,
whose columns stand side by side in every table.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, groupby
from typing import NamedTuple

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

_Cells = Mapping[str, Sequence[str] | str]  # by the name of the column; a text: all of them

_GOODS = "goods"
_INVOICE = "invoice"
_OF_SHARE = ("nature", "vat_category", "vat_rate", "exemption", "net", "vat", "gross")
_SHARE = Column("nature", csv_files.WRITTEN)  # with all others of a share


class _Events(NamedTuple):
    """What has a row each, in columns: its day, its share, the invoice that has this, and the
    payment that pays it (None: the invoice itself has the row)."""

    days: list[str]
    shares: list[VatShare]
    invoices: list[PlainRevenue]
    payments: list[PlainPayment | None]

    def at(self, places: Iterable[int]) -> "_Events":
        """Those at some places, in their order."""
        places = list(places)
        return _Events(
            [self.days[i] for i in places],
            [self.shares[i] for i in places],
            [self.invoices[i] for i in places],
            [self.payments[i] for i in places],
        )


class _Shares(NamedTuple):
    """All shares of a client: each as it is written, by its id, and what kinds there are."""

    written: Mapping[int, str]
    kinds: set[Kind]


def tables_of(own: PlainHistories, period: Dates, settings: Settings) -> list[Rows]:
    """The rows of each table, in the order of csv_tables.TABLES."""
    bills, receipts = _bills(own), _receipts(own)
    dues = _dues(own, bills, receipts)
    shares = _shares({id(share): share for share in (*bills.shares, *receipts.shares)}, settings)
    return [
        _recettes(own, _in_period(receipts, period), shares, settings),
        _revenues(own, _in_period(bills, period), shares, settings),
        _vat_due(own, _in_period(dues, period), shares, settings),
    ]


# --- what has rows -------------------------------------------------------------------


def _bills(own: PlainHistories) -> _Events:
    """What each invoice charges, on its date."""
    each = zip(own.lines.invoices, own.charged, strict=True)
    invoices = [invoice for invoice, shares in each for _ in shares]
    days = [invoice.issue_date for invoice in invoices]
    return _Events(days, [*chain(*own.charged)], invoices, [None] * len(days))


def _receipts(own: PlainHistories) -> _Events:
    """What each payment pays, on its date."""
    paid = [
        shares if len(shares) == 1 else csv_tables.in_order(paid_at_once(shares))
        for shares in [own.charged[i] for i in own.lines.paid]
    ]
    each = list(zip(own.lines.payments, own.lines.paid, paid, strict=True))
    moved = [payment for payment, _, shares in each for _ in shares]
    invoices = [own.lines.invoices[i] for _, i, shares in each for _ in shares]
    return _Events([payment.date for payment in moved], [*chain(*paid)], invoices, [*moved])


def _dues(own: PlainHistories, bills: _Events, receipts: _Events) -> _Events:
    """What falls due: by the invoice itself, or by what pays it."""
    due = bills._replace(days=_tax_points(own, bills))
    if all(due.days):
        return due
    billed = due.at(i for i, day in enumerate(due.days) if day)
    as_paid = receipts.at(
        i
        for i, share in enumerate(receipts.shares)
        if share.nature != _GOODS and not receipts.invoices[i].vat_on_debits
    )
    return _Events(
        billed.days + as_paid.days,
        billed.shares + as_paid.shares,
        billed.invoices + as_paid.invoices,
        billed.payments + as_paid.payments,
    )


def _tax_points(own: PlainHistories, bills: _Events) -> list[str]:
    """When each bill falls due, as books/tax_points has it; empty: as it is paid."""
    days = [invoice.issue_date if invoice.vat_on_debits else "" for invoice in bills.invoices]
    for i, share in enumerate(bills.shares):
        if share.nature == _GOODS:
            days[i] = own.delivery(bills.invoices[i])
    return days


def _in_period(events: _Events, period: Dates) -> _Events:
    """Those of a period in order of date, those of a day as they were."""
    days = events.days
    ends = days[:1] + days[-1:]  # which speak for those between, in order and of one period
    is_whole = isinstance(period, str) and all(day.startswith(period) for day in ends)
    if is_whole and days == sorted(days):
        return events
    places = [i for i, day in enumerate(days) if day.startswith(period)]
    return events.at(sorted(places, key=days.__getitem__))


# --- the tables ----------------------------------------------------------------------


def _recettes(own: PlainHistories, events: _Events, shares: _Shares, settings: Settings) -> Rows:
    moved = [payment for payment in events.payments if payment]
    cells = {
        "invoice": [payment.invoice for payment in moved],
        "kind": payments.PAYMENT,
        "method": _same([payment.method for payment in moved]),
        "reference": _same([payment.reference for payment in moved]),
        "value_date": _same([payment.value_date for payment in moved]),
    }
    return _rows(RECETTES, cells, own, events, shares, settings)


def _revenues(own: PlainHistories, events: _Events, shares: _Shares, settings: Settings) -> Rows:
    cells = {
        "number": [invoice.number for invoice in events.invoices],
        "kind": _INVOICE,
        "corrects": "",
        "due_date": _same([invoice.due_date for invoice in events.invoices]),
        "tax_point": _tax_points(own, events),
        "order": _same([invoice.order for invoice in events.invoices]),
    }
    return _rows(REVENUES, cells, own, events, shares, settings)


def _vat_due(own: PlainHistories, events: _Events, shares: _Shares, settings: Settings) -> Rows:
    kinds = [payments.PAYMENT if payment else _INVOICE for payment in events.payments]
    numbers = [invoice.number for invoice in events.invoices]
    cells = {"number": numbers, "kind": _same(kinds)}
    return _rows(VAT_DUE, cells, own, events, shares, settings)


def _rows(
    columns: Sequence[Column],
    own_cells: _Cells,
    own: PlainHistories,
    events: _Events,
    shares: _Shares,
    settings: Settings,
) -> Rows:
    """A table: `own_cells` are those that the others have not, or have of something else."""
    cells: _Cells = {
        "date": events.days,
        "client": own.client,
        "name": _same([invoice.buyer for invoice in events.invoices]),
        "country": _same([invoice.buyer_country for invoice in events.invoices]),
        "vat_number": _same([invoice.buyer_vat_number for invoice in events.invoices]),
        _SHARE.name: [shares.written[id(share)] for share in events.shares],
        "currency": own.currency,
        "stage": "",
        **own_cells,
    }
    folded = [
        _SHARE if column.name == _SHARE.name else column
        for column in columns
        if column.name not in _OF_SHARE[1:]
    ]
    lines = csv_files.lines(folded, cells, settings)
    return Rows(events.days, lines, _sums(events.shares, shares.kinds, cells.get("tax_point")))


def _same(texts: list[str]) -> Sequence[str] | str:
    """The texts of a column, or the one that all of them are."""
    return texts[0] if texts and texts.count(texts[0]) == len(texts) else texts


def _shares(shares: Mapping[int, VatShare], settings: Settings) -> _Shares:
    cells: Mapping[str, Sequence[str | int] | str] = {
        "nature": [share.nature for share in shares.values()],
        "vat_category": [share.vat_category for share in shares.values()],
        "vat_rate": [share.vat_rate for share in shares.values()],
        "exemption": "",
        "net": [share.net for share in shares.values()],
        "vat": [share.vat for share in shares.values()],
        "gross": [share.gross for share in shares.values()],
    }
    columns = [column for column in REVENUES if column.name in _OF_SHARE]
    written = zip(shares, csv_files.runs(columns, cells, settings), strict=True)
    return _Shares(dict(written), set(map(_kind, shares.values())))


def _sums(
    shares: Sequence[VatShare], kinds: set[Kind], tax_points: Sequence[str] | None
) -> Mapping[Kind, tuple[int, int]]:
    """As of csv_tables.Report."""
    months = [""] * len(shares) if tax_points is None else [day[:7] for day in tax_points]
    sums: list[tuple[Kind, int, int]] = []
    end = 0
    for month, run in groupby(months):
        start, end = end, end + len(list(run))
        more = () if tax_points is None else (month,)
        for kind in kinds:
            own = shares[start:end]
            if len(kinds) > 1:
                own = [share for share in own if _kind(share) == kind]
            if own:
                net, vat = sum([share.net for share in own]), sum([share.vat for share in own])
                sums.append(((*kind, *more), net, vat))
    return csv_tables.added_up(sums)


def _kind(share: VatShare) -> Kind:
    """Its code of exemption is empty: plain histories have none."""
    return share.nature, share.vat_category, share.vat_rate, ""
