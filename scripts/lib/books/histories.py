"""The history of each invoice: what was invoiced, what was credited of it, what was paid.

The one place where exports read the records. Amounts are whole cents, signed as they count,
and dates are the texts of the records, so that what is done for each record stays light.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import ClassVar, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from lib.books import closed_periods, openings, payments, records, revenues
from lib.books.closed_periods import FilesWhenClosed, Since
from lib.books.record_lines import (
    HistoryPayment,
    HistoryRevenue,
    HistoryShare,
    OpeningLine,
)
from lib.core.faults import Alert, Broken, Fault, at_line, collecting
from lib.core.messages import say
from lib.core.root import Root
from lib.values.document import DEPOSIT
from lib.values.money import cents_of

Dates = str | tuple[str, ...]  # how the dates of a period begin: "2024", or some months

_Key = tuple[str, str, str]  # nature, VAT category, VAT rate

_Line = TypeVar("_Line")
_Made = TypeVar("_Made")


class VatShare(msgspec.Struct, frozen=True, gc=False):
    """What one nature (goods or services) has at one VAT category and rate: cents."""

    nature: str
    vat_category: str
    vat_rate: str
    net: int
    vat: int

    @property
    def gross(self) -> int:
        return self.net + self.vat

    def __neg__(self) -> "VatShare":
        return VatShare(self.nature, self.vat_category, self.vat_rate, -self.net, -self.vat)


class IssuedDocument(msgspec.Struct, frozen=True, gc=False):
    """An invoice or a credit note as issued; cents, positive in both (BT-3 = 380, 381 or 386).

    `advanced` is what it puts on the advances of customers, net by share: all of a deposit, and
    below 0 what a final invoice takes off of deposits. A credit note takes that back, as it does
    `shares`; of a deposit that a final invoice has taken off already, it takes nothing from there.
    """

    rank: ClassVar[int] = 0  # before the money of the same day
    kind: str  # invoice or credit_note
    client: str
    seq: int
    number: str
    date: str
    # BT-72, the last day of the period where a record says no other; where that was closed
    # already, the first day that was open: what falls due with it falls due then.
    delivery: str
    due_date: str
    corrects: str
    name: str  # of the buyer
    currency: str
    gross: int
    shares: tuple[VatShare, ...]
    vat_on_debits: bool
    document_sha256: str
    pdf_sha256: str
    order: str = ""
    is_deposit: bool = False
    advanced: tuple[VatShare, ...] = ()
    country: str = ""  # of the buyer
    vat_number: str = ""  # of the buyer
    exemptions: Mapping[str, str] = {}  # VAT category -> VATEX code (BT-121)
    places: Mapping[str, str] = {}  # nature -> the part of France whose rates its VAT has
    delivered: str = ""  # of a deposit, when its first final invoice was delivered


class Movement(msgspec.Struct, frozen=True, gc=False):
    """Money that came (above 0) or went (below 0), or what was written off, in cents."""

    rank: ClassVar[int] = 1
    kind: str  # payment, refund, write_off or reversal
    client: str
    seq: int
    invoice: str
    date: str
    amount: int
    currency: str
    method: str
    reference: str
    note: str
    reverses: int
    value_date: str  # when money moved that was recorded after its month was closed
    cause: str  # why it is written off, or was until this reversal; empty where money moved


class History(msgspec.Struct, frozen=True, gc=False):
    """An invoice, its credit notes and its movements, each in the order of the records.

    An open invoice of the tool before (its kind is "opening") has what was paid of it `earlier`.
    """

    invoice: IssuedDocument
    credit_notes: Sequence[IssuedDocument]
    movements: Sequence[Movement]
    earlier: Sequence[Movement] = ()

    @property
    def issued(self) -> Sequence[IssuedDocument]:
        """What was issued here of it: revenue, whose books and VAT are ours."""
        if self.invoice.kind == openings.OPENING:
            return self.credit_notes
        return (self.invoice, *self.credit_notes)


def clients_of(root: Root) -> list[str]:
    """Every client that has direct invoices, openings or payments, by what stands on the disk."""
    folders = (payments.folder(root), openings.folder(root))
    others = {name for folder in folders for name in records.owners(root, folder)}
    return sorted(others.union(revenues.owners(root, revenues.DIRECT)))


def read(root: Root) -> list[History]:
    """Every invoice that the records know, in order of client and of issue.

    The caller holds the lock, so that both families of records are of one moment.

    Raises:
      Broken: if the records are broken or refer to an invoice that does not exist.
    """
    return [history for own in by_client(root, clients_of(root), "") for history in own]


def by_client(root: Root, clients: Iterable[str], period: Dates) -> Iterator[list[History]]:
    """The histories of some clients, one client at a time, so that none has to be kept.

    Args:
      clients: in order of name.
      period: only invoices to which something happened in it: how its dates begin.

    Raises:
      Broken: after the last of them.
    """
    faults: list[Alert] = []
    closed = closed_periods.files_when_closed(root)
    for client in clients:
        with collecting(faults):
            yield read_client(root, client, period, closed)
    if faults:
        raise Broken(faults)


def read_client(root: Root, client: str, period: Dates, closed: FilesWhenClosed) -> list[History]:
    """The histories of a client; arguments and what is raised as of `by_client`."""
    path_of_issued = revenues.chain_path(root, revenues.DIRECT, client)
    path_of_paid = payments.chain_path(root, client)
    issued = records.read_typed(root, path_of_issued, HistoryRevenue)
    moved = records.read_typed(root, path_of_paid, HistoryPayment)
    faults: list[Alert] = []
    with collecting(faults):
        name = root.name_of(path_of_issued)
        bills = partial(_bills, closed=closed.since(name))
        invoices, credited = _counted(name, issued, bills)
    with collecting(faults):
        paid = _counted(root.name_of(path_of_paid), moved, _movements)
    opened: list[OpeningLine] = []
    with collecting(faults):
        opened = openings.read(root, client)
    if faults:
        raise Broken(faults)
    numbers = {invoice.number for invoice in invoices} | openings.numbers(opened)
    orphans = [
        _orphan(root.name_of(path), seq, number, client)
        for path, by_invoice in ((path_of_issued, credited), (path_of_paid, paid))
        for seq, number in sorted(
            (line.seq, number)
            for number, about in by_invoice.items()
            if number not in numbers
            for line in about
        )
    ]
    if orphans:
        raise Broken(orphans)
    before = [of_opening(line, paid.get(line.number, ())) for line in openings.standing(opened)]
    return [*_in_period(before, period), *_joined(invoices, credited, paid, period)]


def _counted(name: str, lines: Iterator[_Line], count: Callable[[Iterable[_Line]], _Made]) -> _Made:
    """`count(lines)`.

    Raises:
      Broken: where they are not what was written, or cannot be counted.
    """
    try:
        return count(lines)
    except (LookupError, ValueError):
        # Lines that come later may prove that the odd one was changed: then that is the fault.
        deque(lines, maxlen=0)
        found = say("has an amount or a reversal that cannot be")
        odd = Fault("", found, remedy=say("run `make verify`"))
        raise Broken([Alert("B-RECORD-BROKEN", name, odd)]) from None


def _orphan(name: str, seq: int, number: str, client: str) -> Alert:
    """A line about an invoice that the client's records do not have."""
    found = say("is about {number}, which is not an invoice of this client", number=number)
    fault = Fault(at_line(seq), found, remedy=say("run `make verify`"))
    return Alert("B-RECORD-ORPHAN", name, fault, client)


def of_client(issued: Iterable[HistoryRevenue], lines: Iterable[HistoryPayment]) -> list[History]:
    """The histories of one client's invoices, out of all records about them."""
    return _joined(*_bills(issued), _movements(lines), "")


def _joined(
    invoices: list[IssuedDocument],
    credited: Mapping[str, list[IssuedDocument]],
    paid: Mapping[str, list[Movement]],
    period: Dates,
) -> list[History]:
    """Those of the invoices to which something happened in a period."""
    histories = [
        History(invoice, credited.get(invoice.number, ()), paid.get(invoice.number, ()))
        for invoice in invoices
    ]
    return _in_period(histories, period)


def _in_period(histories: list[History], period: Dates) -> list[History]:
    return [
        history
        for history in histories
        if history.invoice.date.startswith(period) or _went_on_in(period, history)
    ]


def of_opening(line: OpeningLine, paid: Sequence[Movement] = ()) -> History:
    """The history of an open invoice of the tool before.

    Args:
      paid: what was paid of it here.
    """
    invoice = IssuedDocument(
        line.kind,
        line.client,
        line.seq,
        line.number,
        line.issue_date,
        line.issue_date,
        line.due_date,
        "",
        line.buyer,
        line.currency,
        cents_of(line.gross),
        shares_of(line.breakdown),
        line.vat_on_debits,
        "",
        line.pdf_sha256,
    )
    earlier = [
        Movement(
            kind="earlier",
            client=line.client,
            seq=0,
            invoice=line.number,
            date=before.date,
            amount=cents_of(before.amount),
            currency=line.currency,
            method="",
            reference="",
            note="",
            value_date="",
            cause="",
            reverses=0,
        )
        for before in line.paid
    ]
    return History(invoice, (), paid, earlier)


def _went_on_in(period: Dates, history: History) -> bool:
    """Whether an invoice was delivered or credited, or money moved for it, in a period."""
    dates = [history.invoice.delivery, history.invoice.delivered]
    dates += [note.date for note in history.credit_notes]
    dates += [movement.date for movement in history.movements]
    return any(day.startswith(period) for day in dates)


def _bills(
    lines: Iterable[HistoryRevenue], closed: Since = ()
) -> tuple[list[IssuedDocument], dict[str, list[IssuedDocument]]]:
    """Invoices, and credit notes by the invoice that they correct."""
    invoices: list[IssuedDocument] = []
    credited: defaultdict[str, list[IssuedDocument]] = defaultdict(list)
    advances = _Advances({}, {})
    for record in lines:
        open_from = closed_periods.open_from(closed, record.seq) if closed else ""
        bill = _bill(record, advances, max(record.delivery or record.period.end, open_from))
        if bill.kind == "invoice":
            invoices.append(bill)
        else:
            credited[bill.corrects or bill.number].append(bill)
    if advances.delivered:
        invoices = [
            replace(invoice, delivered=advances.delivered.get(invoice.number, ""))
            for invoice in invoices
        ]
    return invoices, credited


class _Advances(NamedTuple):
    """What stands on the advances, net, of each deposit by share; when they were delivered."""

    standing: dict[str, dict[_Key, int]]
    delivered: dict[str, str]

    def move(
        self, record: HistoryRevenue, shares: tuple[VatShare, ...], delivery: str
    ) -> tuple[VatShare, ...]:
        """What a document puts on the advances, or takes off them."""
        if record.type == DEPOSIT:
            self.standing[record.number] = {_key(share): share.net for share in shares}
            return shares
        if own := self.standing.get(record.corrects):
            nets = {_key(share): min(share.net, own[_key(share)]) for share in shares}
            for key, net in nets.items():
                own[key] -= net
            return _of_nets(nets)
        nets = {}
        sign = 1 if record.corrects else -1
        for deposit in record.deposits:
            own = self.standing[deposit.number]
            for share in shares_of(deposit.breakdown):
                own[_key(share)] += sign * share.net
                nets[_key(share)] = nets.get(_key(share), 0) - share.net
            if not record.corrects:
                self.delivered.setdefault(deposit.number, delivery)
        return _of_nets(nets)


def _key(share: VatShare) -> _Key:
    return share.nature, share.vat_category, share.vat_rate


def _of_nets(nets: Mapping[_Key, int]) -> tuple[VatShare, ...]:
    return tuple(VatShare(*key, net, 0) for key, net in nets.items() if net)


def shares_of(breakdown: Iterable[HistoryShare]) -> tuple[VatShare, ...]:
    """The shares of a breakdown.

    Raises:
      ValueError: if one has an amount that cannot be.
    """
    shares = [
        VatShare(
            share.nature,
            share.vat_category,
            share.vat_rate,
            cents_of(share.net),
            cents_of(share.vat),
        )
        for share in breakdown
    ]
    return tuple(shares)


def _bill(record: HistoryRevenue, advances: _Advances, delivery: str) -> IssuedDocument:
    shares = shares_of(record.breakdown)
    of_order = record.type or record.deposits or record.corrects in advances.standing
    return IssuedDocument(
        record.kind,
        record.client,
        record.seq,
        record.number,
        record.issue_date,
        delivery,
        record.due_date,
        record.corrects,
        record.buyer,
        record.currency,
        cents_of(record.gross),
        shares,
        record.vat_on_debits,
        record.document_sha256,
        record.pdf_sha256,
        record.order,
        record.type == DEPOSIT,
        advances.move(record, shares, delivery) if of_order else (),
        record.buyer_country,
        record.buyer_vat_number,
        record.exemptions,
        record.places,
    )


def _movements(lines: Iterable[HistoryPayment]) -> dict[str, list[Movement]]:
    """Payment records as they count, as books/payments has them, by invoice."""
    by_seq: dict[int, Movement] = {}
    of_invoices: defaultdict[str, list[Movement]] = defaultdict(list)
    for line in lines:
        # A reversal follows what it reverses, and is about the same invoice.
        original = by_seq[line.reverses] if line.reverses else None
        movement = Movement(
            line.kind,
            line.client,
            line.seq,
            line.invoice,
            line.date,
            payments.effect(
                line.kind,
                line.cause,
                cents_of(line.amount),
                original.amount if original else None,
            ),
            line.currency,
            original.method if original else line.method,
            original.reference if original else line.reference,
            line.reason or line.note,
            line.reverses,
            line.value_date,
            original.cause if original else line.cause,
        )
        by_seq[line.seq] = movement
        of_invoices[line.invoice].append(movement)
    return of_invoices
