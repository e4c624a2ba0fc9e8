"""Payment records: money received for direct invoices, given back, and taken out again.

The only place where they are written and read: data/payments/<client>.jsonl, hash-chained
like all records. A line is one of four kinds:

- `payment`: money received for an invoice of the client;
- `refund`: money given back, after a credit note or for what was paid too much;
- `write_off`: what is closed without money, for a `cause`; no receipt;
- `reversal`: a line that never was, or a payment that came back; it repeats the invoice and
  the amount of the line that it `reverses`.

The `date` is the day on which a line counts, in recettes, VAT due and the books. Money that is
found after its month was closed counts on an open day; its `value_date` says when it moved.

Amounts stand in the records as they were typed, always above 0; the sign is the kind's.
People name a line `<client>/<seq>`: nord/3.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from lib.books import issuing, records
from lib.books.record_lines import BalancePayment, PaymentFacts
from lib.core.messages import say
from lib.core.root import Root
from lib.values import money

PAYMENT = "payment"
REFUND = "refund"
REVERSAL = "reversal"
WRITE_OFF = "write_off"

# Why something is written off: it is not paid; or, last, it was paid too much and is kept.
DIFFERENCE = "difference"
BANK_CHARGE = "bank_charge"
BAD_DEBT = "bad_debt"
SURPLUS = "surplus"
CAUSES = (BANK_CHARGE, DIFFERENCE, BAD_DEBT, SURPLUS)

Amount = TypeVar("Amount", Decimal, int)  # int: whole cents

# How money came or went.
METHODS = ("transfer", "card", "cheque", "cash", "direct_debit", "other")

# The columns of a file for `make payments-import`; value_date may be left out.
COLUMNS = ["client", "invoice", "amount", "date", "method", "reference", "note"]
ALL_COLUMNS = [*COLUMNS, "value_date"]

_Day = date  # entries have a field of that name

_NAME = re.compile(r"([a-z][a-z0-9_]{1,39})/([1-9][0-9]{0,8})")


class PaymentEntry(msgspec.Struct, frozen=True, gc=False):
    """One line as it counts.

    `amount` is its effect on what is outstanding, the other way round: above 0 for a payment,
    below 0 for a refund, and for a reversal the opposite of what it reverses, whose method,
    reference and cause it takes. `cause` is empty where money moved.
    `reverses` and `reversed_by` are the `seq` of the other line, 0 where there is none.
    `note` is the note of a payment or refund, the reason of a write-off or a reversal.
    """

    client: str
    seq: int
    kind: str
    invoice: str
    date: date
    amount: Decimal
    currency: str
    method: str
    reference: str
    note: str
    cause: str
    reverses: int
    reversed_by: int
    value_date: _Day | None = None

    @property
    def moved(self) -> _Day:
        """The day on which the money moved, which may have been closed when it was recorded."""
        return self.value_date or self.date

    @property
    def name(self) -> str:
        return name(self.client, self.seq)

    @property
    def standing(self) -> bool:
        """Whether it is not a reversal, and nothing reverses it."""
        return self.kind != REVERSAL and not self.reversed_by


def folder(root: Root) -> Path:
    """data/payments/."""
    return root.data / "payments"


def chain_path(root: Root, client: str) -> Path:
    """data/payments/<client>.jsonl."""
    return folder(root) / f"{client}.jsonl"


def read(root: Root) -> dict[str, records.Chain]:
    """Every client's chain, proved; a client without payments has none.

    Raises:
      Broken: with every disagreement found.
    """
    return records.read_family(root, folder(root))


def read_client(root: Root, client: str) -> records.Chain:
    """One client's chain, proved; empty where nothing was recorded yet.

    Raises:
      Broken: with every disagreement found.
    """
    return records.read(root, chain_path(root, client))


def entries(lines: Sequence[records.Record]) -> list[PaymentEntry]:
    """The lines of a client as they count, in the order in which they were recorded.

    Args:
      lines: all of the client's payment records, or all those of some invoices.
    """
    typed = msgspec.convert(lines, list[PaymentFacts])
    amounts = _effects(typed)
    by_seq = {line.seq: line for line in typed}
    reversed_by = {line.reverses: line.seq for line in typed if line.reverses}
    return [
        PaymentEntry(
            line.client,
            line.seq,
            line.kind,
            line.invoice,
            line.date,
            amount,
            line.currency,
            (by_seq[line.reverses] if line.reverses else line).method,
            (by_seq[line.reverses] if line.reverses else line).reference,
            line.reason or line.note,
            (by_seq[line.reverses] if line.reverses else line).cause,
            line.reverses,
            reversed_by.get(line.seq, 0),
            line.value_date,
        )
        for line, amount in zip(typed, amounts, strict=True)
    ]


def _effects(lines: Iterable[BalancePayment]) -> list[Decimal]:
    """What each line takes off what is outstanding."""
    effects: dict[int, Decimal] = {}
    for line in lines:
        # A reversal follows what it reverses, and is about the same invoice.
        reversed_ = effects[line.reverses] if line.reverses else None
        effects[line.seq] = effect(line.kind, line.cause, line.amount, reversed_)
    return list(effects.values())


def effect(kind: str, cause: str, amount: Amount, reversed_: Amount | None) -> Amount:
    """What a line takes off what is outstanding.

    Args:
      amount: as it stands in the record, above 0.
      reversed_: the effect of the line that it reverses, None if it is not a reversal.
    """
    if reversed_ is not None:
        return -reversed_
    return -amount if kind == REFUND or cause == SURPLUS else amount


class Sums(NamedTuple):
    """By invoice: payments less refunds, and what was written off, reversals out."""

    paid: dict[str, Decimal]
    written_off: dict[str, Decimal]


def sums(lines: Sequence[BalancePayment], until: date = date.max) -> Sums:
    """What was paid and written off of each invoice by the end of a day.

    Args:
      lines: all payment records of a client.
    """
    causes: dict[int, str] = {}
    moved: tuple[list[tuple[str, Decimal]], list[tuple[str, Decimal]]] = ([], [])
    for line, amount in zip(lines, _effects(lines), strict=True):
        causes[line.seq] = line.cause or causes.get(line.reverses, "")
        if line.date <= until:
            moved[bool(causes[line.seq])].append((line.invoice, amount))
    return Sums(*map(_summed, moved))


def _summed(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for invoice, amount in amounts:
        sums[invoice] = sums.get(invoice, money.ZERO) + amount
    return sums


def record(run: issuing.Run, chain: records.Chain, facts: list[records.Record]) -> list[str]:
    """Stages new lines in a run: the one way into these records.

    Args:
      facts: what `fact` and `reversal` made, allowed by books/payment_rules.

    Returns:
      the names that the lines get.
    """
    run.append(chain, facts)
    return [name(fact["client"], chain.seq + i) for i, fact in enumerate(facts, 1)]


def fact(kind: str, facts: dict[str, str], currency: str) -> records.Record:
    """The line of a payment or a refund.

    Args:
      facts: client, invoice, date, amount, method; reference, note and value_date where there
        are any.
    """
    return {"kind": kind, **facts, "currency": currency}


def write_off(client: str, facts: dict[str, str], cause: str, currency: str) -> records.Record:
    """The line of a write-off.

    Args:
      facts: invoice, date, amount and reason.
    """
    about = {key: facts[key] for key in ("invoice", "date", "amount", "reason")}
    return {"kind": WRITE_OFF, "client": client, **about, "cause": cause, "currency": currency}


def reversal(original: records.Record, day: date, reason: str) -> records.Record:
    """The line that takes another out again, its amount as that was typed."""
    repeated = {key: original[key] for key in ("client", "invoice", "amount", "currency")}
    facts = {"kind": REVERSAL, "reverses": original["seq"], **repeated}
    return {**facts, "date": day.isoformat(), "reason": reason}


def name(client: str, seq: int) -> str:
    """How people name a line: nord/3."""
    return f"{client}/{seq}"


def parse_name(text: str) -> tuple[str, int]:
    """The client and seq of a name.

    Raises:
      ValueError: if it is not one.
    """
    match = _NAME.fullmatch(text)
    if match is None:
        raise ValueError(say('"{name}" is not the name of a payment; write nord/3', name=text))
    return match[1], int(match[2])
