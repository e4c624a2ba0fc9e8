"""The account of a client: what was invoiced, credited, paid and written off, in order of date.

Of histories alone, in whole cents: a debit is above 0, a credit below. What the account closes
with is what is outstanding of its invoices, each as it stood on the day.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from lib.books import balances, openings, payments
from lib.books.histories import History, IssuedDocument, Movement


class AccountEntry(NamedTuple):
    """A document or a movement of money: what it is, about which document, and the balance then.

    `kind` is that of a document (invoice, deposit_invoice, final_invoice, credit_note, opening), or
    of a movement (payment, refund, write_off), with _reversed where it takes one of them out.
    """

    date: str
    kind: str
    number: str
    amount: int
    balance: int
    method: str = ""
    cause: str = ""


class OpenItem(NamedTuple):
    """A document of which something is outstanding; below 0 it was paid too much."""

    number: str
    kind: str
    date: str
    due_date: str
    gross: int
    outstanding: int
    days_late: int

    @property
    def age(self) -> int:
        """Its place in balances.AGES."""
        return balances.age_of(self.days_late)


class ClientAccount(NamedTuple):
    """A client's account from a day to another: opening + the entries = what is open = closing.

    `is_current` says whether what is open then is still so, by all that was recorded since.
    """

    start: date
    end: date
    opening: int
    entries: Sequence[AccountEntry]
    items: Sequence[OpenItem]
    is_current: bool

    @property
    def closing(self) -> int:
        return self.entries[-1].balance if self.entries else self.opening

    @property
    def late(self) -> int:
        """What is past its due date."""
        return sum(item.outstanding for item in self.items if item.age)

    @property
    def ages(self) -> list[int]:
        """What is to be paid by age, as balances.AGES names them, and last what was overpaid."""
        sums = [0] * (len(balances.AGES) + 1)
        for item in self.items:
            sums[item.age if item.outstanding > 0 else -1] += item.outstanding
        return sums


def of_client(histories: Iterable[History], start: date, end: date) -> ClientAccount:
    """The account of a client from `start` to `end`, both included.

    Args:
      histories: of all of its invoices.
    """
    histories = list(histories)
    first, last = start.isoformat(), end.isoformat()
    moved = sorted(
        (entry for history in histories for entry in _entries(history) if entry[0] <= last),
        key=lambda entry: entry[:3],
    )
    balance = opening = sum(entry.amount for day, _, _, entry in moved if day < first)
    entries = []
    for day, _, _, entry in moved:
        if day >= first:
            balance += entry.amount
            entries.append(entry._replace(balance=balance))
    open_items = [
        (history, amount)
        for history in histories
        if history.invoice.date <= last and (amount := balances.outstanding_of(history, last))
    ]
    items = [_item(history.invoice, amount, end) for history, amount in open_items]
    is_current = all(balances.outstanding_of(history) == amount for history, amount in open_items)
    return ClientAccount(
        start, end, opening, entries, sorted(items, key=lambda item: item.date), is_current
    )


def _item(invoice: IssuedDocument, outstanding: int, day: date) -> OpenItem:
    late = (day - date.fromisoformat(invoice.due_date)).days if invoice.due_date else 0
    return OpenItem(
        invoice.number,
        document_kind(invoice),
        invoice.date,
        invoice.due_date,
        invoice.gross,
        outstanding,
        max(late, 0),
    )


def document_kind(document: IssuedDocument) -> str:
    """What a document is, as the words of languages name it."""
    if document.is_deposit:
        return "deposit_invoice"
    if document.kind == "invoice" and any(share.net < 0 for share in document.advanced):
        return "final_invoice"
    return document.kind


# A day, what comes first of a day, the order of the records, and what is then in the account.
_Placed = tuple[str, int, int, AccountEntry]


def _entries(history: History) -> Iterator[_Placed]:
    invoice = history.invoice
    yield _of_document(invoice, invoice.gross)
    for note in history.credit_notes:
        yield _of_document(note, -note.gross)
    by_seq = {movement.seq: movement for movement in history.movements}
    for movement in (*history.earlier, *history.movements):
        kind = by_seq[movement.reverses].kind if movement.reverses else movement.kind
        yield _of_movement(movement, kind)


def _of_document(document: IssuedDocument, amount: int) -> _Placed:
    # An opening's line in the records says nothing of when the tool before issued it.
    rank = document.rank - (document.kind == openings.OPENING)
    entry = AccountEntry(document.date, document_kind(document), document.number, amount, 0)
    return document.date, rank, document.seq, entry


def _of_movement(movement: Movement, kind: str) -> _Placed:
    kind = payments.PAYMENT if kind == "earlier" else kind
    entry = AccountEntry(
        movement.date,
        f"{kind}_reversed" if movement.reverses else kind,
        movement.invoice,
        -movement.amount,
        0,
        movement.method,
        movement.cause,
    )
    return movement.date, movement.rank, movement.seq, entry
