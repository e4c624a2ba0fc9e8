"""Plain histories: of a client whose invoices are each unpaid, or paid in full by one payment.

Most clients have no others: no credit note, no deposit, no part of a payment. Their records are
read by shapes that nothing else fits, and need no allocation. A client that has anything else, or
whose records are broken, is read by books/histories, as all could be: the outcome is the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

import msgspec

from lib.books import closed_periods, histories, openings, payments, records, revenues
from lib.books.closed_periods import FilesWhenClosed, Since
from lib.books.histories import Dates, History, VatShare
from lib.books.record_lines import (
    HistoryShare,
    PlainBalancePayment,
    PlainBalanceRevenue,
    PlainPayment,
    PlainRevenue,
)
from lib.core.faults import Alert, Broken, collecting
from lib.core.root import Root
from lib.values.money import cents_of

_MANY = 10_000  # breakdowns kept as read: most come again every month

_decode = msgspec.json.Decoder(tuple[HistoryShare, ...]).decode

_Invoice = TypeVar("_Invoice", PlainRevenue, PlainBalanceRevenue)
_Payment = TypeVar("_Payment", PlainPayment, PlainBalancePayment)


class PlainLines(NamedTuple, Generic[_Invoice, _Payment]):
    """The records of a client with plain histories: `gross` has the cents of each invoice, `paid`
    the place of the invoice that each payment pays."""

    invoices: Sequence[_Invoice]
    gross: Sequence[int]
    payments: Sequence[_Payment]
    paid: Sequence[int]


class PlainHistories(NamedTuple):
    """Those lines; what each invoice charges; what closings mean to it."""

    client: str
    currency: str
    lines: PlainLines[PlainRevenue, PlainPayment]
    charged: Sequence[tuple[VatShare, ...]]
    closed: Since

    def delivery(self, invoice: PlainRevenue) -> str:
        """As of `IssuedDocument`."""
        open_from = closed_periods.open_from(self.closed, invoice.seq)
        return max(invoice.delivery or invoice.period.end, open_from)


def by_client(
    root: Root, clients: Iterable[str], period: Dates
) -> Iterator[PlainHistories | list[History]]:
    """What `histories.by_client` gives; for a client with plain histories these, of any time."""
    faults: list[Alert] = []
    closed = closed_periods.files_when_closed(root)
    for client in clients:
        with collecting(faults):
            plain = read(root, client, closed)
            yield plain or histories.read_client(root, client, period, closed)
    if faults:
        raise Broken(faults)


def read(root: Root, client: str, closed: FilesWhenClosed) -> PlainHistories | None:
    """The histories of a client; None where they are not plain, or something is odd."""
    lines = lines_of(root, client, PlainRevenue, PlainPayment)
    if lines is None:
        return None
    try:
        charged = [_shares(bytes(invoice.breakdown)) for invoice in lines.invoices]
    except ValueError:
        return None
    currency = lines.invoices[0].currency
    for each in (lines.invoices, lines.payments):
        if {line.client for line in each} - {client} or {line.currency for line in each} - {
            currency
        }:
            return None
    path = revenues.chain_path(root, revenues.DIRECT, client)
    since = closed.since(root.name_of(path))
    return PlainHistories(client, currency, lines, charged, since)


def lines_of(
    root: Root, client: str, invoice: type[_Invoice], payment: type[_Payment]
) -> PlainLines[_Invoice, _Payment] | None:
    """The records of a client, proved; None where they are not plain, or something is odd."""
    path = revenues.chain_path(root, revenues.DIRECT, client)
    try:
        if openings.read(root, client):
            return None
        invoices = records.read_whole(root, path, invoice)
        moved = records.read_whole(root, payments.chain_path(root, client), payment)
        gross = [cents_of(line.gross) for line in invoices]
        amounts = [cents_of(line.amount) for line in moved]
        places = {line.number: i for i, line in enumerate(invoices)}
        paid = [places[line.invoice] for line in moved]
    except (Broken, LookupError, ValueError):
        return None
    is_plain = (
        invoices
        and len(places) == len(invoices)
        and len(set(paid)) == len(paid)
        and amounts == [gross[i] for i in paid]
        and min(amounts, default=1) > 0
    )
    return PlainLines(invoices, gross, moved, paid) if is_plain else None


@lru_cache(_MANY)
def _shares(breakdown: bytes) -> tuple[VatShare, ...]:
    return histories.shares_of(_decode(breakdown))
