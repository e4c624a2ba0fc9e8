"""Money received, with the VAT in it: what each payment pays of its invoice.

Cumulative paid x VAT / gross for each rate, rounded half up, less what was already
allocated: so the last payment of an invoice leaves exactly the VAT that was invoiced.
Events count in order of date, so that a later one never changes what an earlier period says.

Credit notes: from its date on, a credit note takes its shares out of what there is to pay.
What had been paid of just these shares is held, share by share, until money goes back: the
refund carries their VAT. What was given back, or was never paid, is held by nobody; a refund
that is reversed is held again. Where an invoice of several rates was paid in part, the credit
note itself moves what was paid from what it cancels to what still stands (a receipt of 0.00).
What is paid beyond the invoice is an overpayment and has no VAT; it goes back first.

What is written off is not a receipt: receipts are those of the money alone, whatever was written
off. What a write-off takes of each share is what the invoice would have as paid with it, less
what it has without. Example: of 120.00 with 20.00 VAT, 60.00 are paid (VAT 10.00) and 60.00
written off (VAT 10.00, which was never received).

An open invoice of the tool before begins with what was paid of it there, allocated by the same
rule, which is not a receipt here: its VAT was declared.

Worked example: 100.00 at 20 % and 50.00 at 10 %, gross 175.00. Paid 60.00: VAT 60 x 20 /
175 = 6.86 and 60 x 5 / 175 = 1.71. Then 115.00: 20.00 - 6.86 = 13.14 and 5.00 - 1.71 = 3.29.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import msgspec

from lib.books import payments
from lib.books.histories import History, IssuedDocument, Movement, VatShare

OVERPAYMENT = "overpayment"

_Key = tuple[str, str, str]  # VAT category, VAT rate, nature
_Amounts = tuple[int, int]  # gross, VAT: cents


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What one event changes: `shares` of the invoice, and what is beyond it (cents, signed).

    `source` is the movement, or the credit note that moves what was paid of the invoice.
    """

    invoice: IssuedDocument
    source: Movement | IssuedDocument
    shares: tuple[VatShare, ...]
    overpaid: int


class WriteOff(Receipt, frozen=True, gc=False):
    """What a write-off takes of its invoice; or what a later event changes in that."""

    cause: str


class _Held(NamedTuple):
    """What was paid of shares that were credited since: `amount` is what of it did not go back."""

    credited: dict[_Key, _Amounts]
    amount: int

    @property
    def shares(self) -> dict[_Key, _Amounts]:
        return _allocate(self.amount, _gross(self.credited), self.credited)

    def plus(self, shares: dict[_Key, _Amounts]) -> "_Held":
        """With more shares that are held."""
        both = self.shares
        for key, (gross, vat) in shares.items():
            _add(both, key, gross, vat)
        return _Held(both, _gross(both))


def receipts(history: History) -> list[Receipt]:
    """The receipts of an invoice, in order of date; at equal dates credit notes come first."""
    return _receipts(history, ("",))


def vat_pending(history: History) -> dict[str, int]:
    """By nature, the VAT of an open invoice of the tool before that was not paid there."""
    pending: dict[str, int] = {}
    there = receipts(History(history.invoice, (), history.earlier))
    paid = [-share for receipt in there for share in receipt.shares]
    for share in (*history.invoice.shares, *paid):
        pending[share.nature] = pending.get(share.nature, 0) + share.vat
    return pending


def write_offs(history: History) -> list[WriteOff]:
    """What was written off of an invoice, cause by cause, in order of date."""
    found = {movement.cause for movement in history.movements} - {""}
    counted, before = [""], receipts(history) if found else []
    taken: list[WriteOff] = []
    for cause in payments.CAUSES:
        if cause in found:
            counted.append(cause)
            after = _receipts(history, counted)
            taken += [WriteOff(*parts, cause) for parts in _more(after, before)]
            before = after
    return taken


_Parts = tuple[IssuedDocument, Movement | IssuedDocument, tuple[VatShare, ...], int]


def _more(after: list[Receipt], before: list[Receipt]) -> Iterator[_Parts]:
    """What each event of `after` has more than in `before`, as the parts of a receipt."""
    earlier = {(receipt.source.rank, receipt.source.seq): receipt for receipt in before}
    for receipt in after:
        other = earlier.pop((receipt.source.rank, receipt.source.seq), None)
        shares, overpaid = (other.shares, other.overpaid) if other else ((), 0)
        more = _difference(_by_key(receipt.shares), _by_key(shares))
        if more or receipt.overpaid != overpaid:
            yield receipt.invoice, receipt.source, more, receipt.overpaid - overpaid
    for other in earlier.values():
        less = tuple(-share for share in other.shares)
        yield other.invoice, other.source, less, -other.overpaid


def _receipts(history: History, causes: Collection[str]) -> list[Receipt]:
    """The receipts, as if money had come for what was written off for some of these causes."""
    if _is_paid_at_once(history):
        shares = paid_at_once(history.invoice.shares)
        return [Receipt(history.invoice, history.movements[0], shares, 0)]
    standing = _by_key(history.invoice.shares)
    held = _Held({}, 0)
    given_back: dict[int, dict[_Key, _Amounts]] = {}  # what each movement took of what was held
    events: list[IssuedDocument | Movement] = [*history.credit_notes]
    events += [movement for movement in history.movements if movement.cause in causes]
    # The sort is stable: events of the same day keep the order above.
    events.sort(key=lambda event: event.date)
    events = [*history.earlier, *events]
    allocation: list[Receipt] = []
    allocated: dict[_Key, _Amounts] = {}
    overpaid = paid = 0
    for event in events:
        if isinstance(event, IssuedDocument):
            on_standing = max(0, min(paid, _gross(standing)))
            credited = _by_key(event.shares)
            for key, (gross, vat) in credited.items():
                _add(standing, key, -gross, -vat)
            # Of what is credited, all that was paid of it but what now pays for what stands.
            more = max(0, on_standing - _gross(standing))
            held = held.plus(_allocate(more, _gross(credited), credited))
        else:
            paid += event.amount
            if again := given_back.get(event.reverses):
                held = held.plus(again)
            if held.amount:
                rest = held._replace(amount=max(0, min(held.amount, paid - _gross(standing))))
                given_back[event.seq] = _minus(held.shares, rest.shares)
                held = rest
        whole = _gross(standing)
        on_standing = max(0, min(paid, whole))
        target = _allocate(on_standing, whole, standing)
        if held.amount:
            for key, (gross, vat) in held.shares.items():
                _add(target, key, gross, vat)
        beyond = paid - on_standing - held.amount
        shares = _difference(target, allocated)
        if (shares or beyond != overpaid) and event not in history.earlier:
            allocation.append(Receipt(history.invoice, event, shares, beyond - overpaid))
        allocated, overpaid = target, beyond
    return allocation


def paid_at_once(shares: tuple[VatShare, ...]) -> tuple[VatShare, ...]:
    """What one payment of the whole pays of an invoice with these shares."""
    return shares if len(shares) == 1 else _difference(_by_key(shares), {})


def _is_paid_at_once(history: History) -> bool:
    """Whether one payment, of the whole, is all that happened: the common case."""
    if len(history.movements) != 1 or history.credit_notes or history.earlier:
        return False
    (movement,) = history.movements
    return not movement.cause and movement.amount == history.invoice.gross > 0


def _allocate(amount: int, whole: int, shares: dict[_Key, _Amounts]) -> dict[_Key, _Amounts]:
    """`amount` out of `whole` over shares: each rate's VAT rounded, and no cent lost.

    Of a rate that has goods and services, the VAT up to each is rounded, and each gets the
    difference to the one before: they add up to the VAT of the rate.
    """
    if amount == whole:
        return dict(shares)
    allocated: dict[_Key, _Amounts] = {}
    rate: tuple[str, str] | None = None
    gross_before = vat_before = gross_so_far = vat_so_far = 0
    for key in sorted(shares):
        if key[:2] != rate:
            rate, vat_so_far, vat_before = key[:2], 0, 0
        gross, vat = shares[key]
        gross_so_far += gross
        vat_so_far += vat
        gross_now = _part_of(gross_so_far, amount, whole)
        vat_now = _part_of(vat_so_far, amount, whole)
        allocated[key] = (gross_now - gross_before, vat_now - vat_before)
        gross_before, vat_before = gross_now, vat_now
    return allocated


def _part_of(value: int, amount: int, whole: int) -> int:
    """`value` x `amount` / `whole`, rounded half up (away from zero)."""
    product = value * amount
    part = (2 * abs(product) + whole) // (2 * whole)
    return part if product >= 0 else -part


def _difference(
    target: dict[_Key, _Amounts], allocated: dict[_Key, _Amounts]
) -> tuple[VatShare, ...]:
    return tuple(
        VatShare(nature, category, rate, gross - vat, vat)
        for (category, rate, nature), (gross, vat) in _minus(target, allocated).items()
    )


def _minus(shares: dict[_Key, _Amounts], others: dict[_Key, _Amounts]) -> dict[_Key, _Amounts]:
    """What of each share is left without the others, in order, where that is not nothing."""
    rest = {}
    for key in sorted(shares.keys() | others.keys()):
        gross, vat = shares.get(key, (0, 0))
        gross_other, vat_other = others.get(key, (0, 0))
        if gross != gross_other or vat != vat_other:
            rest[key] = (gross - gross_other, vat - vat_other)
    return rest


def _by_key(shares: Iterable[VatShare]) -> dict[_Key, _Amounts]:
    sums: dict[_Key, _Amounts] = {}
    for share in shares:
        _add(sums, (share.vat_category, share.vat_rate, share.nature), share.gross, share.vat)
    return sums


def _add(shares: dict[_Key, _Amounts], key: _Key, gross: int, vat: int) -> None:
    so_far = shares.get(key, (0, 0))
    shares[key] = (so_far[0] + gross, so_far[1] + vat)


def _gross(shares: dict[_Key, _Amounts]) -> int:
    return sum([gross for gross, _ in shares.values()])
