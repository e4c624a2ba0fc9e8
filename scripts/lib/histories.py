"""The history of each invoice: what was invoiced, what was credited of it, what was paid.

The one place where exports read the records. Amounts are whole cents, signed as they count,
and dates are the texts of the records, so that what is done for each record stays light.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

import msgspec

from lib import payments, records, revenues
from lib.alerts import Alert, Broken
from lib.root import Root


class Share(NamedTuple):
    """What one nature (goods or services) has at one VAT category and rate: cents."""

    nature: str
    vat_category: str
    vat_rate: str
    net: int
    vat: int

    @property
    def gross(self) -> int:
        return self.net + self.vat


class Bill(NamedTuple):
    """An invoice or a credit note as issued; cents, positive in both (BT-3 = 380 or 381)."""

    kind: str  # invoice or credit_note
    client: str
    seq: int
    number: str
    date: str
    due_date: str
    corrects: str
    name: str  # of the buyer
    currency: str
    gross: int
    shares: tuple[Share, ...]
    vat_on_debits: bool
    document_sha256: str
    pdf_sha256: str


class Movement(NamedTuple):
    """Money that came (above 0) or went (below 0), in cents."""

    kind: str  # payment, refund or reversal
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


class History(NamedTuple):
    """An invoice, its credit notes and its movements, each in the order of the records."""

    invoice: Bill
    credit_notes: tuple[Bill, ...]
    movements: tuple[Movement, ...]


def cents(amount: Decimal) -> int:
    """12.50 is 1250.

    Raises:
      ValueError: if it has a fraction of a cent.
    """
    value = amount.scaleb(2)
    if value != int(value):
        raise ValueError(f"{amount} has a fraction of a cent")
    return int(value)


def _cents_of(text: str) -> int:
    """An amount as revenue records have it, with two decimals: "12.50" is 1250."""
    whole, _, fraction = text.partition(".")
    if len(fraction) != 2:
        raise ValueError(f"{text!r} has not two decimals")
    return int(whole + fraction)


def in_euros(amount: int) -> Decimal:
    """1250 is 12.50."""
    return Decimal(amount).scaleb(-2)


def text_of(amount: int) -> str:
    """1250 is "12.50", -5 is "-0.05"."""
    whole, rest = divmod(abs(amount), 100)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:02d}"


def clients_of(root: Root) -> list[str]:
    """Every client that has direct invoices or payments, by what stands on the disk."""
    folders = (root.data / revenues.DIRECT.records, payments.folder(root))
    return sorted({name for folder in folders for name in records.owners(root, folder)})


def read(root: Root, clients: Iterable[str] | None = None, period: str = "") -> list[History]:
    """Every invoice that the records know, in order of client and of issue.

    The caller holds the lock, so that both families of records are of one moment.

    Args:
      clients: those to read, in order of name; None for all.
      period: only invoices to which something happened in it ("2024", "2024-03").

    Raises:
      Broken: if the records are, or name an invoice that there is none of.
    """
    histories: list[History] = []
    faults: list[Alert] = []
    for client in clients_of(root) if clients is None else clients:
        try:
            histories += _read_client(root, client, period)
        except Broken as broken:
            faults += broken.alerts
    if faults:
        raise Broken(faults)
    return histories


def _read_client(root: Root, client: str, period: str) -> list[History]:
    issued = records.prove(root, revenues.chain_path(root, revenues.DIRECT, client))
    paid = records.prove(root, payments.chain_path(root, client))
    bills, moves = (records.decoded(root, lines, _Topic) for lines in (issued, paid))
    invoices = {bill.number for bill in bills if bill.kind == "invoice"}
    faults = [*_orphans(root, issued, bills, invoices), *_orphans(root, paid, moves, invoices)]
    if faults:
        raise Broken(faults)
    meant = {one.about for one in (*bills, *moves) if one.day.startswith(period)}
    return of_client(
        [_bill(record) for record in _of(root, issued, bills, meant)],
        [_movement(entry) for entry in payments.entries(_of(root, paid, moves, meant))],
    )


class _Topic(msgspec.Struct, gc=False):
    """The invoice that a record of either family is about, and when."""

    kind: str
    number: str = ""
    corrects: str = ""
    invoice: str = ""
    issue_date: str = ""
    date: str = ""

    @property
    def about(self) -> str:
        return self.invoice or self.corrects or self.number

    @property
    def day(self) -> str:
        return self.date or self.issue_date


def _of(
    root: Root, proved: records.Lines, topics: list[_Topic], meant: set[str]
) -> list[records.Record]:
    """The records about some invoices."""
    kept = [line for line, one in zip(proved.lines, topics, strict=True) if one.about in meant]
    return records.decoded(root, proved._replace(lines=kept), dict)


def _orphans(
    root: Root, proved: records.Lines, topics: list[_Topic], invoices: set[str]
) -> Iterator[Alert]:
    """Lines about an invoice that the client's records do not have."""
    for seq, one in enumerate(topics, 1):
        if one.about not in invoices:
            text = f"is about {one.about}, which is no invoice of this client; run `make verify`"
            client = proved.path.stem
            yield Alert("B-RECORD-ORPHAN", root.name_of(proved.path), f"line {seq}", text, client)


def of_client(bills: Iterable[Bill], movements: Iterable[Movement]) -> list[History]:
    """The histories of one client's invoices."""
    invoices: list[Bill] = []
    credited: dict[str, list[Bill]] = {}
    paid: dict[str, list[Movement]] = {}
    for bill in bills:
        if bill.kind == "invoice":
            invoices.append(bill)
        else:
            credited.setdefault(bill.corrects, []).append(bill)
    for movement in movements:
        paid.setdefault(movement.invoice, []).append(movement)
    return [
        History(bill, tuple(credited.get(bill.number, ())), tuple(paid.get(bill.number, ())))
        for bill in invoices
    ]


def _bill(record: records.Record) -> Bill:
    shares = tuple(
        Share(
            entry["nature"],
            entry["vat_category"],
            entry["vat_rate"],
            _cents_of(entry["net"]),
            _cents_of(entry["vat"]),
        )
        for entry in record["breakdown"]
    )
    return Bill(
        kind=record["kind"],
        client=record["client"],
        seq=record["seq"],
        number=record["number"],
        date=record["issue_date"],
        due_date=record.get("due_date", ""),
        corrects=record.get("corrects", ""),
        name=record["buyer"],
        currency=record["currency"],
        gross=_cents_of(record["gross"]),
        shares=shares,
        vat_on_debits=record.get("vat_on_debits", False),
        document_sha256=record["document_sha256"],
        pdf_sha256=record["pdf_sha256"],
    )


def _movement(entry: payments.Entry) -> Movement:
    return Movement(
        kind=entry.kind,
        client=entry.client,
        seq=entry.seq,
        invoice=entry.invoice,
        date=entry.date.isoformat(),
        amount=cents(entry.amount),
        currency=entry.currency,
        method=entry.method,
        reference=entry.reference,
        note=entry.note,
        reverses=entry.reverses,
    )
