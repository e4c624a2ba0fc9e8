"""The FEC: sales and receipts as the 18 columns of article A47 A-1 of the LPF.

Tabs, dates as AAAAMMJJ, decimal comma, UTF-8, CRLF, no quoting. An entry's number counts
from 1 in the fiscal year, without gaps, in order of date. It is made for import into the
accountant's books; a complete legal FEC has everything else that happened too. Columns are
named by that article, journals and accounts in French whatever the language.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import asdict

from lib.accounting import bookkeeping
from lib.accounting.bookkeeping import (
    EntryDays,
    EntryText,
    FiscalYear,
    JournalEntry,
    Posting,
    Settled,
)
from lib.books import closed_periods
from lib.books.histories import History
from lib.books.record_lines import ClosedPeriod
from lib.inputs.issuer_file import Accounts
from lib.values.money import text_of

COLUMNS = (
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
)

_JOURNALS = {"VE": "Ventes", "BQ": "Banque", "CA": "Caisse", "OD": "Opérations diverses"}
_ACCOUNTS = {
    "customers": "Clients",
    "advances": "Clients - avances et trop-perçus",
    "deposits": "Clients - avances et acomptes reçus",
    "services": "Prestations de services",
    "goods": "Ventes de marchandises",
    "vat_collected": "TVA collectée",
    "vat_pending": "TVA à régulariser ou en attente",
    "bank": "Banque",
    "cash": "Caisse",
    "differences_lost": "Charges diverses de gestion courante",
    "differences_gained": "Produits divers de gestion courante",
    "bank_charges": "Services bancaires et assimilés",
    "bad_debts": "Pertes sur créances irrécouvrables",
}
_OF_A_CLIENT = (bookkeeping.CUSTOMERS, bookkeeping.ADVANCES, bookkeeping.DEPOSITS)
_SEPARATORS = str.maketrans(dict.fromkeys("\t|\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", " "))

# Marks in the lines of an entry, which no text has that was cleaned of separators.
_NUMBER, _LETTER = b"|", b"\x0b"


def file_name(siren: str, end: str) -> str:
    """732829320FEC20241231.txt for a period that ends on 2024-12-31."""
    return f"{siren}FEC{_day(end)}.txt"


class FecPart(NamedTuple):
    """Entries of some clients: how many of the year come before the period, how many lines those
    of the period have, these by day, with marks for what depends on the whole file, and the
    invoices settled in it."""

    before: int
    lines: int
    entries: EntryDays
    settled: list[Settled]


class Chart(NamedTuple):
    """The numbers of accounts: by key of issuer_file.Accounts, by rate and key where a rate has
    its own, and the auxiliary accounts of clients that have one of their own.

    `closed` are those of closed periods, each with its last day, in order.
    """

    numbers: Mapping[str, str]
    of_rates: Mapping[tuple[str, str], str]
    of_clients: Mapping[str, str]
    closed: Sequence[tuple[str, "Chart"]] = ()

    def on(self, day: str) -> "Chart":
        """The accounts that a day is posted by: those that it was closed with."""
        i = bisect_left(self.closed, day, key=itemgetter(0))
        return self.closed[i][1] if i < len(self.closed) else self

    def number(self, posting: Posting) -> str:
        own = self.of_rates.get((posting.rate, posting.account), "")
        return own or self.numbers[posting.account]


def chart(
    accounts: Accounts,
    of_clients: Mapping[str, str] = MappingProxyType({}),
    closed: Iterable[ClosedPeriod] = (),
) -> Chart:
    """The chart of a house.

    Args:
      of_clients: their auxiliary accounts, for those that have another than their identifier.
    """
    own = _chart(accounts, of_clients)
    of_closed: list[tuple[str, Chart]] = []
    for last, closed_with in closed_periods.accounts(closed):
        then = _chart(closed_with.issuer, closed_with.clients)
        if of_closed and of_closed[-1][1] == then:
            of_closed.pop()
        of_closed.append((last.isoformat(), then))
    return own._replace(closed=of_closed)


def _chart(accounts: Accounts, of_clients: Mapping[str, str]) -> Chart:
    numbers = asdict(accounts)
    of_rates = {
        (f"{Decimal(rate):.2f}", key): number
        for rate, own in numbers.pop("by_vat_rate").items()
        for key, number in asdict(own).items()
    }
    return Chart(numbers, of_rates, of_clients)


def part(
    accounts: Chart, year: FiscalYear, period: FiscalYear, clients: Iterable[Sequence[History]]
) -> FecPart:
    """The entries of some clients.

    Args:
      period: the whole fiscal year, or a part of it.
      clients: the histories of each, in order of client.
    """
    before = lines = 0
    days: defaultdict[str, list[EntryText]] = defaultdict(list)
    settled: list[Settled] = []
    for histories in clients:
        journal = bookkeeping.journal(histories)
        settled += bookkeeping.settled(journal, period.start, period.end)
        in_year = [entry for entry in journal if year.start <= entry.date <= year.end]
        for entry in in_year:
            then = accounts.on(entry.date)
            postings = _on_accounts(entry, then)
            if not postings:
                continue  # VAT that went from one rate to another, on the same accounts
            if entry.date < period.start:
                before += 1
            elif entry.date <= period.end:
                lines += len(postings)
                text = "".join(_lines(entry, postings, then)).encode()
                days[entry.date].append(bookkeeping.text_of(entry, text))
    return FecPart(before, lines, bookkeeping.packed(days), settled)


def joined(parts: Sequence[FecPart]) -> Iterator[bytes]:
    """The file of a period, in pieces.

    Entries have the numbers that they have in the whole year, so that the files of its parts
    follow on.

    Args:
      parts: in order of client.
    """
    letters = bookkeeping.letters(invoice for part in parts for invoice in part.settled)
    number = sum(part.before for part in parts)
    yield "\t".join(COLUMNS).encode() + b"\r\n"
    for texts in bookkeeping.by_day([part.entries for part in parts]):
        lines = []
        for text in texts:
            number += 1
            letter = letters.get(text.invoice)
            let = f"{letter.code}\t{_day(letter.date)}" if letter else "\t"
            numbered = text.forms[0].replace(_NUMBER, str(number).encode())
            lines.append(numbered.replace(_LETTER, let.encode()))
        yield b"".join(lines)


_Amounts = dict[tuple[str, str, int], int]


def _on_accounts(entry: JournalEntry, accounts: Chart) -> _Amounts:
    """What an entry comes to by account and its number; VAT of a sale stays apart by share."""
    amounts: _Amounts = {}
    for i, posting in enumerate(entry.postings):
        is_vat = posting.account in (bookkeeping.VAT_COLLECTED, bookkeeping.VAT_PENDING)
        apart = i if is_vat and entry.journal == bookkeeping.SALES else 0
        key = (posting.account, accounts.number(posting), apart)
        amounts[key] = amounts.get(key, 0) + posting.amount
    return {key: amount for key, amount in amounts.items() if amount}


def _lines(entry: JournalEntry, postings: _Amounts, accounts: Chart) -> Iterator[str]:
    day = _day(entry.date)
    head = f"{entry.journal}\t{_JOURNALS[entry.journal]}\t{_NUMBER.decode()}\t{day}\t"
    piece = f"{_clean(entry.piece.number)}\t{_day(entry.piece.date)}\t{_clean(entry.label)}\t"
    auxiliary = _clean(accounts.of_clients.get(entry.client, entry.client))
    client = f"{auxiliary}\t{_clean(entry.invoice.name)}\t"
    for (account, account_number, _), amount in postings.items():
        own = client if account in _OF_A_CLIENT else "\t\t"
        let = _LETTER.decode() if account == bookkeeping.CUSTOMERS else "\t"
        figure = text_of(abs(amount)).replace(".", ",")
        sides = f"{figure}\t0,00\t" if amount > 0 else f"0,00\t{figure}\t"
        named = f"{account_number}\t{_ACCOUNTS[account]}\t"
        yield f"{head}{named}{own}{piece}{sides}{let}\t{day}\t\t\r\n"


def _day(text: str) -> str:
    return text.replace("-", "")


def _clean(text: str) -> str:
    """`text` without what would end a field or a line: nothing can be quoted."""
    return text.translate(_SEPARATORS)
