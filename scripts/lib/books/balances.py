"""Balances: what each direct invoice comes to after credit notes, payments and refunds.

    outstanding = gross - credited - paid - written off          paid = payments - refunds

What is written off was not paid: it is above 0 where it is lost, below 0 where money that was
paid too much is kept.

A balance is computed from records alone and knows no date of today. data/balance/<client>.json
keeps a client's, with the heads (`seq` and `hash` of the last line) of the two record files
that it was made from: it is stale exactly when they differ from those in data/heads/.

The status of an invoice, the first line that fits:

    overpaid         outstanding below 0: paid twice, or credited after it was paid; until refunded
    credited         nothing outstanding, credited in full, and no money stays with us
    written_off      nothing outstanding, a part of it written off as lost
    paid             nothing outstanding, by payments, by payments and a credit note, or from
                     the start (an invoice of 0.00)
    partially_paid   something outstanding, something paid
    unpaid           something outstanding, nothing paid, or less than was given back
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import msgspec

from lib.books import histories, openings, payments, plain_histories, records, revenues
from lib.books.histories import History
from lib.books.payments import Amount
from lib.books.plain_histories import PlainLines
from lib.books.record_lines import (
    BalancePayment,
    BalanceRevenue,
    OpeningLine,
    PlainBalancePayment,
    PlainBalanceRevenue,
)
from lib.books.records import Link
from lib.core import storage
from lib.core.faults import Alert, Broken, collecting
from lib.core.root import Root
from lib.values import money
from lib.values.money import in_euros, text_of

OVERPAID = "overpaid"
CREDITED = "credited"
WRITTEN_OFF = "written_off"
PAID = "paid"
PARTIALLY_PAID = "partially_paid"
UNPAID = "unpaid"

# How long an invoice is late, in days.
AGES = ("current", "1-30", "31-60", "61-90", "over 90")


def outstanding(gross: Amount, credited: Amount, settled: Amount) -> Amount:
    """What is still to be paid of an invoice; below 0: to be given back.

    Args:
      settled: what was paid and written off.
    """
    return gross - credited - settled


def outstanding_of(history: History, until: str = "9999") -> int:
    """What is outstanding of an invoice by its history at the end of a day, in cents."""
    credited = sum(note.gross for note in history.credit_notes if note.date <= until)
    moved = (*history.earlier, *history.movements)
    settled = sum(movement.amount for movement in moved if movement.date <= until)
    return outstanding(history.invoice.gross, credited, settled)


class InvoiceBalance(msgspec.Struct, frozen=True, gc=False):
    """One invoice. Amounts in `currency`; `due_date` is None where the invoice has none."""

    client: str
    buyer: str
    number: str
    issue_date: date
    due_date: date | None
    currency: str
    gross: Decimal
    credited: Decimal
    paid: Decimal
    written_off: Decimal = money.ZERO

    @property
    def outstanding(self) -> Decimal:
        """What is still to be paid; below 0: to be given back."""
        return outstanding(self.gross, self.credited, self.paid + self.written_off)

    @property
    def status(self) -> str:
        return _status(self.outstanding, self.credited, self.paid, self.written_off)


def _status(rest: Decimal, credited: Decimal, paid: Decimal, written_off: Decimal) -> str:
    if rest < money.ZERO:
        return OVERPAID
    if rest > money.ZERO:
        return PARTIALLY_PAID if paid > money.ZERO else UNPAID
    if written_off > money.ZERO:
        return WRITTEN_OFF
    return CREDITED if credited > money.ZERO and not paid else PAID


class BalanceTotals(NamedTuple):
    """gross - credited - paid - written_off = outstanding - overpaid; neither of the last two
    hides the other."""

    gross: Decimal
    credited: Decimal
    paid: Decimal
    written_off: Decimal
    outstanding: Decimal
    overpaid: Decimal


class Lines(NamedTuple):
    """The records of a client that its balance is made from."""

    issued: Sequence[BalanceRevenue]
    paid: Sequence[BalancePayment]
    opened: Sequence[OpeningLine] = ()


def of_client(lines: Lines, until: date = date.max) -> list[InvoiceBalance]:
    """The balance of each invoice of a client, in order of issue; `until` as of `read_all`."""
    issued = [record for record in lines.issued if record.issue_date <= until]
    paid, written_off = payments.sums(lines.paid, until)
    credited = revenues.credited(
        (record.corrects, record.gross) for record in issued if record.corrects
    )
    before = [
        _of_opening(
            line,
            paid.get(line.number, money.ZERO),
            written_off.get(line.number, money.ZERO),
            until,
        )
        for line in openings.standing(lines.opened)
        if date.fromisoformat(line.issue_date) <= until
    ]
    return before + [
        InvoiceBalance(
            record.client,
            record.buyer,
            record.number,
            record.issue_date,
            record.due_date,
            record.currency,
            record.gross,
            credited.get(record.number, money.ZERO),
            paid.get(record.number, money.ZERO),
            written_off.get(record.number, money.ZERO),
        )
        for record in issued
        if not record.corrects
    ]


def _of_opening(
    line: OpeningLine, paid: Decimal, written_off: Decimal, until: date
) -> InvoiceBalance:
    """The balance of an open invoice of the tool before: `paid` and `written_off` here."""
    days = [(date.fromisoformat(each.date), Decimal(each.amount)) for each in line.paid]
    earlier = money.total(amount for day, amount in days if day <= until)
    return InvoiceBalance(
        line.client,
        line.buyer,
        line.number,
        date.fromisoformat(line.issue_date),
        date.fromisoformat(line.due_date) if line.due_date else None,
        line.currency,
        Decimal(line.gross),
        money.ZERO,
        money.total((earlier, paid)),
        written_off,
    )


def read_all(root: Root, until: date = date.max) -> Iterator[InvoiceBalance]:
    """The balance of every invoice, by client, from the records, which are proved.

    The records of one client are held at a time.

    Args:
      until: what was issued, paid or given back later does not count yet.

    Raises:
      Broken: after the last of them, with every disagreement found.
    """
    faults: list[Alert] = []
    for client in histories.clients_of(root):
        with collecting(faults):
            yield from of_client(read_lines(root, client), until)
    if faults:
        raise Broken(faults)


def _totals(invoices: Sequence[InvoiceBalance], rest: Sequence[Decimal]) -> BalanceTotals:
    return BalanceTotals(
        money.total([invoice.gross for invoice in invoices]),
        money.total([invoice.credited for invoice in invoices]),
        money.total([invoice.paid for invoice in invoices]),
        money.total([invoice.written_off for invoice in invoices]),
        money.total([amount for amount in rest if amount > money.ZERO]),
        money.total([-amount for amount in rest if amount < money.ZERO]),
    )


def days_late(invoice: InvoiceBalance, day: date) -> int:
    """Days since the due date, 0 or less where it has not passed."""
    return (day - invoice.due_date).days if invoice.due_date else 0


def age(invoice: InvoiceBalance, day: date) -> int:
    """The place of an invoice in AGES."""
    return age_of(days_late(invoice, day))


def age_of(late: int) -> int:
    """The place in AGES of so many days late: 30 is still 1-30, 91 is over 90."""
    return min((max(late, 0) + 29) // 30, len(AGES) - 1)


# --- the files -----------------------------------------------------------------------


def folder(root: Root) -> Path:
    """data/balance/."""
    return root.data / "balance"


def path_of(root: Root, client: str) -> Path:
    """data/balance/<client>.json."""
    return folder(root) / f"{client}.json"


def read_lines(root: Root, client: str) -> Lines:
    """The records of a client, proved.

    Raises:
      Broken: with every disagreement found.
    """
    issued: list[BalanceRevenue] = []
    paid: list[BalancePayment] = []
    faults: list[Alert] = []
    with collecting(faults):
        path = revenues.chain_path(root, revenues.DIRECT, client)
        issued += records.read_typed(root, path, BalanceRevenue)
    with collecting(faults):
        paid += records.read_typed(root, payments.chain_path(root, client), BalancePayment)
    opened: list[OpeningLine] = []
    with collecting(faults):
        opened = openings.read(root, client)
    if faults:
        raise Broken(faults)
    return Lines(issued, paid, opened)


def lines_of(
    issued: Iterable[records.Record],
    paid: Iterable[records.Record],
    opened: Iterable[records.Record],
) -> Lines:
    """The lines of a balance, of records that were read."""
    return Lines(
        msgspec.convert(issued, list[BalanceRevenue]),
        msgspec.convert(paid, list[BalancePayment]),
        msgspec.convert(opened, list[OpeningLine]),
    )


_DAYS = 10_000  # that are looked at once: those of 27 years
_ESCAPED = re.compile(r'[\x00-\x1f"\\]')  # in JSON

_ENTRY = """\
    {
      "number": %s,
      "issue_date": "%s",
      "due_date": %s,
      "gross": "%s",
      "credited": "%s",
      "paid": "%s",
      "written_off": "%s",
      "outstanding": "%s",
      "status": "%s"
    }"""


class ClientBalance(NamedTuple):
    """What data/balance/<client>.json says, and the last records that it is made from: issued,
    paid and opened. `entries` has an _ENTRY for each invoice."""

    last: Sequence[Link]
    client: str
    currency: str
    totals: BalanceTotals
    entries: Sequence[str]

    def to_bytes(self) -> bytes:
        """The bytes of the file: as storage.pretty_json would write it, which takes longer."""
        heads = [records.head_bytes(last.seq, last.hash) for last in self.last]
        about = {"client": self.client, "currency": self.currency}
        rest = storage.pretty_json({**about, "totals": self.totals._asdict(), "invoices": []})
        entries = ",\n".join(self.entries).encode()
        if entries:
            rest = b"%b[\n%b\n  ]\n}\n" % (rest.removesuffix(b"[]\n}\n"), entries)
        return _made_from(*heads) + rest.removeprefix(b"{\n")


def of_lines(lines: Lines) -> ClientBalance:
    """A client's balance.

    Args:
      lines: what it is made from; at least one of them is an invoice or an opening.
    """
    invoices = of_client(lines)
    rest = [invoice.outstanding for invoice in invoices]
    entries = [
        _ENTRY
        % (
            msgspec.json.encode(invoice.number).decode(),
            invoice.issue_date,
            msgspec.json.encode(invoice.due_date).decode(),
            invoice.gross,
            invoice.credited,
            invoice.paid,
            invoice.written_off,
            amount,
            _status(amount, invoice.credited, invoice.paid, invoice.written_off),
        )
        for invoice, amount in zip(invoices, rest, strict=True)
    ]
    sums = _totals(invoices, rest)
    # Of openings that were reversed nothing is left that has a currency; EUR is the only one.
    whose = lines.issued[-1] if lines.issued else lines.opened[0]
    last = [records.last(some) for some in lines]
    return ClientBalance(last, whose.client, whose.currency, sums, entries)


def of_plain(root: Root, client: str) -> ClientBalance | None:
    """The balance of a client by its records, which are proved; None where they are not plain, as
    books/plain_histories has it, or something is odd."""
    lines = plain_histories.lines_of(root, client, PlainBalanceRevenue, PlainBalancePayment)
    if lines is None or not _has_plain_texts(lines):
        return None
    invoices, gross, moved, settled = lines
    texts = [invoice.gross for invoice in invoices]
    paid, rest = ["0.00"] * len(invoices), texts.copy()
    status = [UNPAID if amount else PAID for amount in gross]
    for i in settled:
        paid[i], rest[i], status[i] = texts[i], "0.00", PAID
    columns: list[Iterable[str]] = [
        [f'"{invoice.number}"' for invoice in invoices],
        [invoice.issue_date for invoice in invoices],
        [f'"{invoice.due_date}"' if invoice.due_date else "null" for invoice in invoices],
        texts,
        repeat("0.00"),
        paid,
        repeat("0.00"),
        rest,
        status,
    ]
    before, *between = _ENTRY.split("%s")
    parts = [part for pair in zip(columns, map(repeat, between), strict=True) for part in pair]
    entries = list(map("".join, zip(repeat(before), *parts, strict=False)))
    whole, received = sum(gross), sum([gross[i] for i in settled])
    sums = BalanceTotals(*map(in_euros, (whole, 0, received, 0, whole - received, 0)))
    last = [records.last(some) for some in (invoices, moved, ())]
    return ClientBalance(last, invoices[-1].client, invoices[-1].currency, sums, entries)


def _has_plain_texts(lines: PlainLines[PlainBalanceRevenue, PlainBalancePayment]) -> bool:
    """Whether texts of records are those of a balance: days, amounts, numbers without escapes."""
    days = {invoice.issue_date for invoice in lines.invoices}
    days.update([invoice.due_date for invoice in lines.invoices if invoice.due_date])
    days.update([line.date for line in lines.payments])
    numbers = "".join([invoice.number for invoice in lines.invoices])
    return (
        all(map(_is_day, days))
        and list(map(text_of, lines.gross)) == [invoice.gross for invoice in lines.invoices]
        and min(lines.gross) >= 0
        and not _ESCAPED.search(numbers)
    )


@lru_cache(_DAYS)
def _is_day(text: str) -> bool:
    """Whether a text is a day as records have it: 2026-11-30."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _made_from(*heads: bytes) -> bytes:
    """How a balance begins: with the heads that it was made from, to be compared unparsed."""
    lines = [
        f'    "{name}": {storage.canonical_json(json.loads(head)).decode()}'
        for name, head in zip(("revenues", "payments", "openings"), heads, strict=True)
    ]
    return ('{\n  "made_from": {\n' + ",\n".join(lines) + "\n  },\n").encode()


def is_stale(root: Root, client: str) -> bool:
    """Whether a client's balance is missing or was made from other heads than today's."""
    none = records.head_bytes(0, records.GENESIS)
    heads = []
    for path in (
        revenues.chain_path(root, revenues.DIRECT, client),
        payments.chain_path(root, client),
        openings.chain_path(root, client),
    ):
        try:
            heads.append(storage.read(records.head_path(root, path)))
        except Broken:
            return True  # not a file: reading the records reports it
        except FileNotFoundError:
            if path.exists():
                return True  # reading it reports that its head is missing
            heads.append(none)
    try:
        expected = _made_from(*heads)
    except ValueError:
        return True  # a malformed head: reading the records reports it
    try:
        with storage.open_file(path_of(root, client)) as stream:
            return stream.read(len(expected)) != expected
    except (FileNotFoundError, Broken):  # writing it reports that it is not a file
        return True
