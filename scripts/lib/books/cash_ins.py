"""Cash-ins: what of an invoice was received or given back, as the platform has to hear of it (212).

Due for what has VAT that falls due as it is paid: services without the option for debits, and
deposits. Of an invoice of goods and services this is the part of the services: whether the whole
should be reported is open in the norm. What has no VAT (a rate of 0) has none that falls due.

One cash-in is about one payment, refund or reversal, by rate and with VAT, as books/allocation
has it. A credit note moves what was paid from one rate to another, and is reported where it does.
What the seller's bank kept of a payment was paid (books/tax_points); what else is written off is
not money, and what is paid too much pays nothing of the invoice. Where a line that
came late, with an earlier date, changes what was reported before, the difference goes with it: the
sums of an invoice's cash-ins are always what is allocated of it.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from lib.books import exchanges, lifecycle, payments, records, tax_points
from lib.books.allocation import Receipt
from lib.books.histories import History, IssuedDocument, Movement
from lib.books.record_lines import CashInShare, ExchangeLine
from lib.values import money

ALL = "all"  # of `platform.cash_in`: of every deposited invoice, whenever its VAT falls due
_TAXED = "S"


# Why an amount is below 0 (MDT-126), for the customer and the tax office.
_REFUND = "Remboursement"
_REVERSAL = "Encaissement annulé"
_CREDIT_NOTE = "Avoir {number}"
_SPREAD = "Encaissements répartis à nouveau entre les taux"

_Rates = Counter[str]  # cents with VAT by rate
_Entry = tuple[tuple[str, ...], str, str, _Rates]  # names, day, comment, amounts


class CashIn(NamedTuple):
    """What is reported of an invoice.

    Attributes:
      tracking_id: the number of the invoice, and how many it is of it: NORD-2027-0001-212-1.
      payments: the payment lines that it is about (nord/3), or the credit note.
      deposited: the moment at which the invoice was deposited (its status 200).
      received: the day on which the money came or went.
      comment: why an amount is below 0.
      date: the day on which it was decided to report it.
    """

    client: str
    number: str
    tracking_id: str
    payments: tuple[str, ...]
    shares: tuple[CashInShare, ...]
    deposited: str
    received: date
    comment: str
    date: date


def due(history: History, lines: Iterable[ExchangeLine], rule: str, day: date) -> list[CashIn]:
    """What is to be reported of an invoice now, in order; nothing before it was deposited (200).
    While it is refused or rejected no money is reported, but what was and has gone back is.

    Args:
      lines: all that stands in the file of its client.
      rule: `platform.cash_in`, "due" or "all".
    """
    invoice, lines = history.invoice, list(lines)
    if not history.movements or invoice.kind != "invoice":
        return []
    state = lifecycle.state(lines, invoice.number)
    if not state.deposited:
        return []
    reported = [
        line for line in lines if line.kind == exchanges.CASH_IN and line.number == invoice.number
    ]
    known = {name for line in reported for name in line.payments}
    sources: dict[str, Movement | IssuedDocument] = {}
    cashed: dict[str, _Rates] = {}
    for receipt in tax_points.cashed(history):
        name = _name(receipt.source)
        sources[name] = receipt.source
        cashed.setdefault(name, Counter()).update(_rates(receipt, rule))
    new: list[_Entry] = [
        ((name,), source.date, _comment(source), cashed[name])
        for name, source in sorted(sources.items(), key=lambda entry: entry[1].date)
        if name not in known
    ]
    rest: _Rates = Counter()
    for name in known & cashed.keys():
        rest.update(cashed[name])
    for line in reported:
        rest.subtract({share.vat_rate: money.cents_of(share.amount) for share in line.shares})
    if any(rest.values()):
        if new:
            new[0][-1].update(rest)
        else:
            new = [((), day.isoformat(), _SPREAD, rest)]
    if state.decision:
        new = _gone_back(new)
    new = [entry for entry in new if any(entry[-1].values())]
    return [
        CashIn(
            invoice.client,
            invoice.number,
            f"{invoice.number}-{lifecycle.CASHED_IN}-{count}",
            names,
            tuple(
                CashInShare(rate, money.text_of(amount))
                for rate, amount in sorted(rates.items())
                if amount
            ),
            state.deposited,
            date.fromisoformat(received),
            comment if min(rates.values()) < 0 else "",
            day,
        )
        for count, (names, received, comment, rates) in enumerate(new, len(reported) + 1)
    ]


def _gone_back(new: list[_Entry]) -> list[_Entry]:
    """What all entries together take back of what was reported before, as one; none if nothing."""
    back: _Rates = Counter()
    for *_, rates in new:
        back.update(rates)
    if not new or max(back.values(), default=0) > 0 or min(back.values(), default=0) == 0:
        return []
    names = tuple(name for entry in new for name in entry[0])
    return [(names, *new[-1][1:3], back)]


def _rates(receipt: Receipt, rule: str) -> _Rates:
    """What of a receipt is reported."""
    rates: _Rates = Counter()
    for share in receipt.shares:
        taxed = share.vat_category == _TAXED
        if rule == ALL or (
            taxed and tax_points.is_pending(receipt.invoice, share, receipt.source.date)
        ):
            rates[share.vat_rate] += share.gross
    return rates


def _name(source: Movement | IssuedDocument) -> str:
    if isinstance(source, IssuedDocument):
        return source.number
    return payments.name(source.client, source.seq)


def _comment(source: Movement | IssuedDocument) -> str:
    if isinstance(source, IssuedDocument):
        return _CREDIT_NOTE.format(number=source.number)
    return {payments.REFUND: _REFUND, payments.REVERSAL: _REVERSAL}.get(source.kind, _SPREAD)


def record(cash_in: CashIn, sha256: str) -> records.Record:
    """The line of the decision to report it.

    Args:
      sha256: of the message.
    """
    return {
        "kind": exchanges.CASH_IN,
        "client": cash_in.client,
        "number": cash_in.number,
        "tracking_id": cash_in.tracking_id,
        "payments": list(cash_in.payments),
        "shares": [
            {"vat_rate": share.vat_rate, "amount": share.amount} for share in cash_in.shares
        ],
        "at": cash_in.deposited,
        "received": cash_in.received.isoformat(),
        "comment": cash_in.comment,
        "date": cash_in.date.isoformat(),
        "sha256": sha256,
    }


def of_line(line: ExchangeLine) -> CashIn:
    """What was reported, by its line: the same message is written from it again."""
    return CashIn(
        line.client,
        line.number,
        line.tracking_id,
        tuple(line.payments),
        tuple(line.shares),
        line.at,
        date.fromisoformat(line.received),
        line.comment,
        date.fromisoformat(line.date),
    )
