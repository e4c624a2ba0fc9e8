"""The FEC: sales and receipts as the 18 columns of article A47 A-1 of the LPF.

Tabs, dates as AAAAMMJJ, decimal comma, UTF-8, CRLF, no quoting. An entry's number counts
from 1 in the fiscal year, without gaps, in order of date. It is made for import into the
accountant's books; a complete legal FEC has everything else that happened too.
"""

from collections.abc import Iterable, Iterator

from msgspec.structs import asdict

from lib import bookkeeping
from lib.bookkeeping import Entry, FiscalYear, Letter
from lib.histories import History
from lib.inputs import Accounts
from lib.money import text_of

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
    "services": "Prestations de services",
    "goods": "Ventes de marchandises",
    "vat_collected": "TVA collectée",
    "vat_pending": "TVA à régulariser ou en attente",
    "bank": "Banque",
    "cash": "Caisse",
}
_OF_A_CLIENT = (bookkeeping.CUSTOMERS, bookkeeping.ADVANCES)
_SEPARATORS = str.maketrans(dict.fromkeys("\t|\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", " "))


def file_name(siren: str, end: str) -> str:
    """732829320FEC20241231.txt for a period that ends on 2024-12-31."""
    return f"{siren}FEC{_day(end)}.txt"


def to_bytes(
    histories: Iterable[History], accounts: Accounts, year: FiscalYear, period: FiscalYear
) -> bytes:
    """The file of `period`: the whole fiscal year, or a part of it.

    Entries have the numbers that they have in the whole year, so that parts follow on.
    """
    journal = bookkeeping.journal(histories)
    letters = bookkeeping.letters(journal, period.start, period.end)
    numbers: dict[str, str] = asdict(accounts)
    lines = ["\t".join(COLUMNS)]
    in_year = (entry for entry in journal if year.start <= entry.date <= year.end)
    for number, entry in enumerate(in_year, 1):
        if period.start <= entry.date <= period.end:
            lines += _lines(number, entry, numbers, letters.get(entry.invoice.number))
    return "".join(f"{line}\r\n" for line in lines).encode()


def _lines(
    number: int, entry: Entry, numbers: dict[str, str], letter: Letter | None
) -> Iterator[str]:
    day = _day(entry.date)
    head = f"{entry.journal}\t{_JOURNALS[entry.journal]}\t{number}\t{day}\t"
    piece = f"{entry.piece.number}\t{_day(entry.piece.date)}\t{_clean(entry.label)}\t"
    client = f"{entry.client}\t{_clean(entry.invoice.name)}\t"
    for account, amount in entry.postings:
        own = client if account in _OF_A_CLIENT else "\t\t"
        let = "\t\t"
        if letter and account == bookkeeping.CUSTOMERS:
            let = f"{letter.code}\t{_day(letter.date)}\t"
        figure = text_of(abs(amount)).replace(".", ",")
        sides = f"{figure}\t0,00\t" if amount > 0 else f"0,00\t{figure}\t"
        yield f"{head}{numbers[account]}\t{_ACCOUNTS[account]}\t{own}{piece}{sides}{let}{day}\t\t"


def _day(text: str) -> str:
    return text.replace("-", "")


def _clean(text: str) -> str:
    """`text` without what would end a field or a line: nothing can be quoted."""
    return text.translate(_SEPARATORS)
