"""Bookkeeping: the entries of sales and receipts, by double entry.

One computation feeds the FEC and the plain-text ledgers. Every entry balances.

  VE  an invoice      411 to 706/707 and VAT; a credit note the other way round
      a deposit       411 to 4191 and VAT; the final invoice takes it from there to 706/707
  BQ  money           512 to 411; what is beyond the invoice to 4191 (CA and 530 for cash)
  OD  a write-off     658, 627 or 654 to 411; a surplus that is kept 4191 to 758
  OD  VAT             44574 to 44571, on the day on which it falls due

VAT that falls due on another day than that of its bill waits in 44574 (see tax_points): until
services are paid, or goods delivered. Goods delivered before they were invoiced have it in
44571 from their delivery on, and 44574 owes it until the invoice.

VAT that falls due as it is paid never does for what is written off: the write-off takes it out
of 44574. What a bank kept was paid by the customer, so its VAT falls due, and 627 has it all.
Where VAT was due before, 654 has it all, until a credit note takes it back.

Labels are French whatever the language: they are entries in the books of a French company.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from operator import attrgetter
from typing import NamedTuple

import msgspec

from lib.books import closed_periods, payments
from lib.books.allocation import WriteOff, receipts, write_offs
from lib.books.histories import History, IssuedDocument, Movement, VatShare
from lib.books.record_lines import ClosedPeriod
from lib.books.tax_points import dues_as_paid, is_pending, tax_point
from lib.values import numbers, periods

# The keys of issuer_file.Accounts.
CUSTOMERS = "customers"
ADVANCES = "advances"
DEPOSITS = "deposits"
VAT_COLLECTED = "vat_collected"
VAT_PENDING = "vat_pending"
BANK = "bank"
CASH = "cash"

_CLOSED_BY = {
    payments.DIFFERENCE: "differences_lost",
    payments.SURPLUS: "differences_gained",
    payments.BANK_CHARGE: "bank_charges",
    payments.BAD_DEBT: "bad_debts",
}

SALES, BANKING, CASHING, OTHER = "VE", "BQ", "CA", "OD"

_FASTEST = 1  # of zlib


class JournalPlace(NamedTuple):
    """Where an entry stands: by date, sales before receipts, sales in order of their numbers."""

    date: str
    rank: int
    code: str
    number: int
    client: str
    seq: int
    is_vat: bool


class Posting(NamedTuple):
    """A line of an entry: `amount` in cents, above 0 debit, below 0 credit.

    Sales and VAT have their rate: they may have an account for each.
    """

    account: str
    amount: int
    rate: str = ""


class JournalEntry(NamedTuple):
    """One entry. `invoice` is the bill that it is about, `piece` the one that proves it."""

    journal: str
    date: str
    client: str
    invoice: IssuedDocument
    piece: IssuedDocument
    label: str
    postings: tuple[Posting, ...]
    order: JournalPlace


class FiscalYear(NamedTuple):
    """First and last day, as texts."""

    start: str
    end: str

    @property
    def months(self) -> tuple[str, ...]:
        """Those that have a day of it."""
        return tuple(periods.months(self.start[:7], self.end[:7]))


def fiscal_year(period: str, closing: str, closed: Sequence[ClosedPeriod] = ()) -> FiscalYear:
    """The fiscal year that ends in a year, "2024", or that a month or a quarter lies in.

    It begins on the day after the one before, whenever that ended: no entry is in two.

    Args:
      closing: month and day, "12-31"; 02-28 is the last day of February.
      closed: what is closed keeps the fiscal year that it was closed with.
    """
    closing = _year_end(closed, period, closing)
    year = int(period[:4])
    if len(period) > len("2024") and periods.last_day_of(period) > _last_day(closed, year, closing):
        year += 1
    start = _last_day(closed, year - 1, closing) + timedelta(days=1)
    return FiscalYear(start.isoformat(), _last_day(closed, year, closing).isoformat())


def _last_day(closed: Sequence[ClosedPeriod], year: int, closing: str) -> date:
    return _closing_day(year, _year_end(closed, str(year), closing))


def _year_end(closed: Sequence[ClosedPeriod], period: str, otherwise: str) -> str:
    """The month and day on which the fiscal year of a period ends: what is closed keeps the one
    that it was closed with.

    Args:
      period: "2024", the fiscal year that ends in it, or a quarter or month.
      otherwise: of issuer.json.
    """
    known = closed_periods.accounts(closed)
    ends = dict.fromkeys([*(accounts.fiscal_year_end for _, accounts in known), otherwise])
    for end in ends:
        last = periods.last_day_of(period)
        if len(period) == len("2024"):
            last = _closing_day(int(period), end)
        if end == next((then.fiscal_year_end for day, then in known if day >= last), ""):
            return end
    return otherwise


def _closing_day(year: int, closing: str) -> date:
    if closing == "02-28":
        return date(year, 3, 1) - timedelta(days=1)
    return date.fromisoformat(f"{year}-{closing}")


def journal(histories: Iterable[History]) -> list[JournalEntry]:
    """Every entry of some invoices, in order of date, sales before receipts."""
    in_order = [entry for history in histories for entry in entries(history)]
    in_order.sort(key=lambda entry: entry.order)
    return in_order


def entries(history: History) -> list[JournalEntry]:
    """The entries of one invoice."""
    invoice = history.invoice
    journal_entries = []
    for bill in history.issued:
        journal_entries.append(_sale(invoice, bill))
        for day, vat in _due_on_other_days(invoice, bill).items():
            label = f"TVA exigible à la livraison {bill.number}"
            journal_entries.append(_vat_due(invoice, bill, bill, day, vat, label))
    for receipt in receipts(history):
        source = receipt.source
        if isinstance(source, Movement):
            journal_entries.append(_money(invoice, source, receipt.overpaid))
    journal_entries += map(_write_off, write_offs(history))
    journal_entries += _due_as_paid(history)
    return [entry for entry in journal_entries if entry.postings]


_ByRate = dict[str, int]


def _due_on_other_days(invoice: IssuedDocument, bill: IssuedDocument) -> dict[str, _ByRate]:
    """The VAT of a bill that falls due before or after it, by its tax point and rate."""
    sign = 1 if bill is invoice else -1
    amounts: dict[str, _ByRate] = {}
    for share in bill.shares:
        day = tax_point(invoice, bill, share)
        if day not in ("", bill.date):
            _add(amounts.setdefault(day, {}), share.vat_rate, sign * share.vat)
    return amounts


def _add(amounts: _ByRate, rate: str, amount: int) -> None:
    amounts[rate] = amounts.get(rate, 0) + amount


def _due_as_paid(history: History) -> Iterator[JournalEntry]:
    """The VAT of each receipt, and the rest of a deposit that falls due as goods are delivered."""
    invoice = history.invoice
    sums: dict[tuple[str, int, int], _ByRate] = {}
    sources = {}
    for due in dues_as_paid(history):
        key = (due.date, due.source.rank, due.source.seq)
        sources[key] = due.source
        _add(sums.setdefault(key, {}), due.share.vat_rate, due.share.vat)
    for key, vat in sums.items():
        source = sources[key]
        label = f"TVA sur encaissements {invoice.number}"
        if source is invoice:
            label = f"TVA exigible à la livraison {invoice.number}"
        elif isinstance(source, Movement) and source.cause:
            label = f"TVA sur frais bancaires {invoice.number}"
        piece = invoice if isinstance(source, Movement) else source
        yield _vat_due(invoice, piece, source, key[0], vat, label)


def _sale(invoice: IssuedDocument, bill: IssuedDocument) -> JournalEntry:
    sign = 1 if bill is invoice else -1
    postings = [Posting(CUSTOMERS, sign * bill.gross)]
    postings += [Posting(nature, -sign * net, rate) for (nature, rate), net in _sold(bill).items()]
    postings.append(Posting(DEPOSITS, -sign * sum(share.net for share in bill.advanced)))
    postings += [
        Posting(_vat_account(invoice, bill, share), -sign * share.vat, share.vat_rate)
        for share in bill.shares
    ]
    label = f"{'Facture d’acompte' if bill.is_deposit else 'Facture'} {bill.number}"
    if bill is not invoice:
        label = f"Avoir {bill.number} sur {invoice.number}"
    order = _order(bill.date, bill)
    return _entry(SALES, bill.date, invoice, bill, label, postings, order)


def _order(day: str, source: IssuedDocument | Movement, *, is_vat: bool = False) -> JournalPlace:
    code, number = "", 0
    if isinstance(source, IssuedDocument):
        with suppress(ValueError):  # a number of the tool before
            parsed = numbers.parse(source.number)
            code, number = parsed.code, parsed.seq
    return JournalPlace(day, source.rank, code, number, source.client, source.seq, is_vat)


def _sold(bill: IssuedDocument) -> dict[tuple[str, str], int]:
    """The net of each nature and rate, without what goes on the advances."""
    nets: dict[tuple[str, str], int] = {}
    for share in (*bill.shares, *(-share for share in bill.advanced)):
        key = share.nature, share.vat_rate
        nets[key] = nets.get(key, 0) + share.net
    return nets


def _vat_account(invoice: IssuedDocument, bill: IssuedDocument, share: VatShare) -> str:
    return VAT_COLLECTED if tax_point(invoice, bill, share) == bill.date else VAT_PENDING


_MONEY = {"payment": "Règlement", "refund": "Remboursement", "reversal": "Contrepassation"}


def _money(invoice: IssuedDocument, movement: Movement, overpaid: int) -> JournalEntry:
    cash = movement.method == "cash"
    postings = [
        Posting(CASH if cash else BANK, movement.amount),
        Posting(CUSTOMERS, overpaid - movement.amount),
        Posting(ADVANCES, -overpaid),
    ]
    references = dict.fromkeys((invoice.number, movement.reference))
    label = " ".join(filter(None, (_MONEY[movement.kind], *references)))
    order = _order(movement.date, movement)
    code = CASHING if cash else BANKING
    return _entry(code, movement.date, invoice, invoice, label, postings, order)


_WRITTEN_OFF = {
    payments.DIFFERENCE: "Écart de règlement",
    payments.SURPLUS: "Écart de règlement en notre faveur",
    payments.BANK_CHARGE: "Frais bancaires retenus",
    payments.BAD_DEBT: "Créance irrécouvrable",
}


def _write_off(taken: WriteOff) -> JournalEntry:
    invoice, source = taken.invoice, taken.source
    gross = sum(share.gross for share in taken.shares)
    is_paid = taken.cause == payments.BANK_CHARGE
    shares = [share for share in taken.shares if is_pending(invoice, share, source.date)]
    never_due: _ByRate = {}
    for share in () if is_paid else shares:
        _add(never_due, share.vat_rate, share.vat)
    postings = [
        Posting(_CLOSED_BY[taken.cause], gross + taken.overpaid - sum(never_due.values())),
        *(Posting(VAT_PENDING, vat, rate) for rate, vat in never_due.items()),
        Posting(CUSTOMERS, -gross),
        Posting(ADVANCES, -taken.overpaid),
    ]
    label = f"{_WRITTEN_OFF[taken.cause]} {invoice.number}"
    if source.kind == payments.REVERSAL:
        label = f"{_MONEY[source.kind]} {label[0].lower()}{label[1:]}"
    piece = invoice if isinstance(source, Movement) else source
    order = _order(source.date, source)
    return _entry(OTHER, source.date, invoice, piece, label, postings, order)


def _vat_due(
    invoice: IssuedDocument,
    piece: IssuedDocument,
    source: IssuedDocument | Movement,
    day: str,
    vat: _ByRate,
    label: str,
) -> JournalEntry:
    postings = [Posting(VAT_PENDING, amount, rate) for rate, amount in vat.items()]
    postings += [Posting(VAT_COLLECTED, -amount, rate) for rate, amount in vat.items()]
    order = _order(day, source, is_vat=True)
    return _entry(OTHER, day, invoice, piece, label, postings, order)


def _entry(
    code: str,
    day: str,
    invoice: IssuedDocument,
    piece: IssuedDocument,
    label: str,
    postings: list[Posting],
    order: JournalPlace,
) -> JournalEntry:
    not_zero = tuple(posting for posting in postings if posting.amount)
    return JournalEntry(code, day, invoice.client, invoice, piece, label, not_zero, order)


# --- entries as texts, by day --------------------------------------------------------


class EntryText(msgspec.Struct, array_like=True, gc=False):
    """An entry as a file has it, in each of its forms; entries of one `place` in a day, which is
    a JournalPlace's rank, code and number, stand in order of client."""

    place: tuple[int, str, int]
    invoice: str
    forms: tuple[bytes, ...]


EntryDays = Mapping[str, bytes]  # by day, the texts of some clients' entries, packed

_UNPACKED = msgspec.msgpack.Decoder(list[EntryText])


def text_of(entry: JournalEntry, *forms: bytes) -> EntryText:
    """An entry in its forms."""
    return EntryText(entry.order[1:4], entry.invoice.number, forms)


def packed(days: Mapping[str, Sequence[EntryText]]) -> EntryDays:
    """The texts of each day, so that years of them are held in a tenth of their size."""
    return {
        day: zlib.compress(msgspec.msgpack.encode(texts), _FASTEST) for day, texts in days.items()
    }


def by_day(parts: Sequence[EntryDays]) -> Iterator[list[EntryText]]:
    """The texts of each day, in the order of the journal.

    Args:
      parts: in order of client.
    """
    for day in sorted({day for part in parts for day in part}):
        own = [zlib.decompress(part[day]) for part in parts if day in part]
        texts = [text for some in own for text in _UNPACKED.decode(some)]
        texts.sort(key=attrgetter("place"))
        yield texts


# --- lettering -----------------------------------------------------------------------


Settled = tuple[str, str]  # the day on which an invoice was settled, and its number


class Lettering(NamedTuple):
    """The code that joins the lines of a settled invoice, and the day it was settled."""

    code: str
    date: str


def settled(journal_entries: Iterable[JournalEntry], start: str, end: str) -> list[Settled]:
    """The invoices whose lines on the customers' account are all in a period and add up to
    nothing at its end.

    Args:
      journal_entries: all of these invoices, as `journal` gives them.
    """
    balances: dict[str, int] = {}
    last: dict[str, str] = {}
    earlier = set()
    for entry in journal_entries:
        if entry.date > end:
            break
        for posting in entry.postings:
            if posting.account == CUSTOMERS:
                number = entry.invoice.number
                balances[number] = balances.get(number, 0) + posting.amount
                last[number] = entry.date
                if entry.date < start:
                    earlier.add(number)
    return [
        (last[number], number)
        for number, balance in balances.items()
        if balance == 0 and number not in earlier
    ]


def letters(settled_ones: Iterable[Settled]) -> dict[str, Lettering]:
    """Invoice -> letter, for the settled ones of a period.

    A letter whose lines did not balance within their file would be refused at its import:
    an invoice paid in another year than its own is left to be lettered there.
    """
    in_order = enumerate(sorted(settled_ones))
    return {number: Lettering(_code(i), day) for i, (day, number) in in_order}


def _code(i: int) -> str:
    """AAA, AAB, ... ZZZ, AAAA, ...: 0 is AAA."""
    width = 3
    while i >= 26**width:
        i -= 26**width
        width += 1
    digits = []
    for _ in range(width):
        i, digit = divmod(i, 26)
        digits.append(chr(ord("A") + digit))
    return "".join(reversed(digits))
