"""The FEC: sales and receipts as the 18 columns of article A47 A-1 of the LPF.

Tabs, dates as AAAAMMJJ, decimal comma, UTF-8, CRLF, no quoting. An entry's number counts
from 1 in the fiscal year, without gaps, in order of date. It is made for import into the
accountant's books; a complete legal FEC has everything else that happened too. Columns are
named by that article, journals and accounts in French whatever the language.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import asdict

from lib.accounting import bookkeeping
from lib.accounting.bookkeeping import FiscalYear, JournalEntry, Moment, Settled
from lib.books.histories import History
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


class Drawn(NamedTuple):
    """The lines of an entry about an invoice, with marks for what depends on the whole file."""

    invoice: str
    lines: bytes


class FecPart(NamedTuple):
    """Entries of some clients: how many of the year come before the period, how many lines those
    of the period have, these by moment, in order of client, and the invoices settled in it."""

    before: int
    lines: int
    entries: dict[Moment, list[Drawn]]
    settled: list[Settled]


def part(
    accounts: Accounts, year: FiscalYear, period: FiscalYear, clients: Iterable[Sequence[History]]
) -> FecPart:
    """The entries of some clients.

    Args:
      period: the whole fiscal year, or a part of it.
      clients: the histories of each, in order of client.
    """
    numbers: dict[str, str] = asdict(accounts)
    before = lines = 0
    entries: dict[Moment, list[Drawn]] = {}
    settled: list[Settled] = []
    for histories in clients:
        journal = bookkeeping.journal(histories)
        settled += bookkeeping.settled(journal, period.start, period.end)
        in_year = [entry for entry in journal if year.start <= entry.date <= year.end]
        before += sum(entry.date < period.start for entry in in_year)
        for entry in in_year:
            if period.start <= entry.date <= period.end:
                lines += len(entry.postings)
                text = "".join(_lines(entry, numbers)).encode()
                drawn = Drawn(entry.invoice.number, text)
                entries.setdefault(entry.moment, []).append(drawn)
    return FecPart(before, lines, entries, settled)


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
    for moment in sorted({moment for part in parts for moment in part.entries}):
        texts = []
        for drawn in (entry for part in parts for entry in part.entries.get(moment, ())):
            number += 1
            letter = letters.get(drawn.invoice)
            let = f"{letter.code}\t{_day(letter.date)}" if letter else "\t"
            lines = drawn.lines.replace(_NUMBER, str(number).encode())
            texts.append(lines.replace(_LETTER, let.encode()))
        yield b"".join(texts)


def _lines(entry: JournalEntry, numbers: dict[str, str]) -> Iterator[str]:
    day = _day(entry.date)
    head = f"{entry.journal}\t{_JOURNALS[entry.journal]}\t{_NUMBER.decode()}\t{day}\t"
    piece = f"{_clean(entry.piece.number)}\t{_day(entry.piece.date)}\t{_clean(entry.label)}\t"
    client = f"{entry.client}\t{_clean(entry.invoice.name)}\t"
    for account, amount in entry.postings:
        own = client if account in _OF_A_CLIENT else "\t\t"
        let = _LETTER.decode() if account == bookkeeping.CUSTOMERS else "\t"
        figure = text_of(abs(amount)).replace(".", ",")
        sides = f"{figure}\t0,00\t" if amount > 0 else f"0,00\t{figure}\t"
        named = f"{numbers[account]}\t{_ACCOUNTS[account]}\t"
        yield f"{head}{named}{own}{piece}{sides}{let}\t{day}\t\t\r\n"


def _day(text: str) -> str:
    return text.replace("-", "")


def _clean(text: str) -> str:
    """`text` without what would end a field or a line: nothing can be quoted."""
    return text.translate(_SEPARATORS)
