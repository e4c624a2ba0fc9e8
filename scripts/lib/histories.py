"""The history of each invoice: what was invoiced, what was credited of it, what was paid.

The one place where exports read the records. Amounts are whole cents, signed as they count,
and dates are the texts of the records, so that what is done for each record stays light.
"""

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

import msgspec

from lib import payments, records, revenues
from lib.alerts import Alert, Broken
from lib.root import Root

_MANY = 100_000  # amounts kept as read and as written: most come again every month


class Share(msgspec.Struct, frozen=True, gc=False):
    """What one nature (goods or services) has at one VAT category and rate: cents."""

    nature: str
    vat_category: str
    vat_rate: str
    net: int
    vat: int

    @property
    def gross(self) -> int:
        return self.net + self.vat

    @property
    def kind(self) -> tuple[str, str, str]:
        """What is added up apart from the rest."""
        return (self.nature, self.vat_category, self.vat_rate)


class Bill(msgspec.Struct, frozen=True, gc=False):
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


class Movement(msgspec.Struct, frozen=True, gc=False):
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


class History(msgspec.Struct, frozen=True, gc=False):
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


@lru_cache(_MANY)
def _cents_of(text: str) -> int:
    """The same of an amount as records have it: "12.50" is 1250, and so is "12.5"."""
    whole, _, fraction = text.partition(".")
    if len(fraction) > 2:
        raise ValueError(f"{text!r} has a fraction of a cent")
    return int(whole + fraction.ljust(2, "0"))


def in_euros(amount: int) -> Decimal:
    """1250 is 12.50."""
    return Decimal(amount).scaleb(-2)


@lru_cache(_MANY)
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
    path_of_issued = revenues.chain_path(root, revenues.DIRECT, client)
    path_of_paid = payments.chain_path(root, client)
    issued = records.read_as(root, path_of_issued, IssuedLine)
    paid = records.read_as(root, path_of_paid, PaidLine)
    invoices = {record.number for record in issued if record.kind == "invoice"}
    strays = ({record.about for record in issued} | {line.invoice for line in paid}) - invoices
    if strays:
        about_issued = [(path_of_issued, record.seq, record.about) for record in issued]
        about_paid = [(path_of_paid, line.seq, line.invoice) for line in paid]
        raise Broken(
            [
                _orphan(root.name_of(path), seq, number, client)
                for path, seq, number in about_issued + about_paid
                if number in strays
            ]
        )
    meant = {record.about for record in issued if record.issue_date.startswith(period)}
    meant |= {line.invoice for line in paid if line.date.startswith(period)}
    if len(meant) < len(invoices):
        issued = [record for record in issued if record.about in meant]
        paid = [line for line in paid if line.invoice in meant]
    return of_client(issued, paid)


def _orphan(name: str, seq: int, number: str, client: str) -> Alert:
    """A line about an invoice that the client's records do not have."""
    text = f"is about {number}, which is no invoice of this client; run `make verify`"
    return Alert("B-RECORD-ORPHAN", name, f"line {seq}", text, client)


class _Part(msgspec.Struct, gc=False):
    """An entry of a revenue record's breakdown."""

    nature: str
    vat_category: str
    vat_rate: str
    net: str
    vat: str


class IssuedLine(records.Link, gc=False):
    """What histories need of a revenue record."""

    kind: str
    client: str
    number: str
    issue_date: str
    buyer: str
    currency: str
    gross: str
    breakdown: list[_Part]
    document_sha256: str
    pdf_sha256: str
    due_date: str = ""
    corrects: str = ""
    vat_on_debits: bool = False

    @property
    def about(self) -> str:
        """The invoice that it is, or corrects."""
        return self.corrects or self.number


class PaidLine(records.Link, gc=False):
    """What histories need of a payment record."""

    kind: str
    client: str
    invoice: str
    date: str
    amount: str
    currency: str
    method: str = ""
    reference: str = ""
    note: str = ""
    reason: str = ""
    reverses: int = 0


def of_client(issued: Iterable[IssuedLine], lines: Iterable[PaidLine]) -> list[History]:
    """The histories of one client's invoices, out of all records about them."""
    invoices: list[Bill] = []
    credited: dict[str, list[Bill]] = {}
    paid: dict[str, list[Movement]] = {}
    for bill in map(_bill, issued):
        if bill.kind == "invoice":
            invoices.append(bill)
        else:
            credited.setdefault(bill.corrects, []).append(bill)
    for movement in _movements(lines):
        paid.setdefault(movement.invoice, []).append(movement)
    return [
        History(bill, tuple(credited.get(bill.number, ())), tuple(paid.get(bill.number, ())))
        for bill in invoices
    ]


def _bill(record: IssuedLine) -> Bill:
    shares = [
        Share(one.nature, one.vat_category, one.vat_rate, _cents_of(one.net), _cents_of(one.vat))
        for one in record.breakdown
    ]
    return Bill(
        record.kind,
        record.client,
        record.seq,
        record.number,
        record.issue_date,
        record.due_date,
        record.corrects,
        record.buyer,
        record.currency,
        _cents_of(record.gross),
        tuple(shares),
        record.vat_on_debits,
        record.document_sha256,
        record.pdf_sha256,
    )


def _movements(lines: Iterable[PaidLine]) -> list[Movement]:
    """Payment records as they count, as lib/payments has them."""
    made: dict[int, Movement] = {}
    for line in lines:
        # A reversal follows what it reverses, and is about the same invoice.
        original = made[line.reverses] if line.reverses else None
        made[line.seq] = Movement(
            line.kind,
            line.client,
            line.seq,
            line.invoice,
            line.date,
            payments.effect(
                line.kind, _cents_of(line.amount), original.amount if original else None
            ),
            line.currency,
            original.method if original else line.method,
            original.reference if original else line.reference,
            line.reason if original else line.note,
            line.reverses,
        )
    return list(made.values())
