"""Plain-text accounting of a fiscal year, as hledger and ledger read it, and beancount.

Each file stands alone: earlier years are its opening balances. A client has one account,
on which what was paid too much counts too, so that it ends with the client's balance.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from lib.accounting import bookkeeping
from lib.accounting.bookkeeping import Entry, FiscalYear, Moment
from lib.books.histories import History
from lib.values.money import text_of

OPENING = "Equity:Opening-Balances"
RECEIVABLE = "Assets:Receivable:"
ACCOUNTS = {
    "services": "Income:Services",
    "goods": "Income:Goods",
    "vat_collected": "Liabilities:VAT:Collected",
    "vat_pending": "Liabilities:VAT:Pending",
    "bank": "Assets:Bank",
    "cash": "Assets:Cash",
}

Amounts = dict[str, int]  # account -> cents, above 0 debit


class Texts(NamedTuple):
    """Transactions as hledger and ledger read them, and as beancount does."""

    journal: bytes
    beancount: bytes


class Ledger(NamedTuple):
    """A year of some clients: balances on its first day and on its last, the accounts that are
    used in it, how many transactions it has, and their texts by moment, in order of client."""

    opening: Amounts
    closing: Amounts
    used: set[str]
    transactions: int
    texts: dict[Moment, Texts]


def ledger_of(year: FiscalYear, clients: Iterable[Sequence[History]]) -> Ledger:
    """The year of some clients.

    Args:
      clients: the histories of each, in order of client.
    """
    opening: Amounts = {}
    closing: Amounts = {}
    used: set[str] = set()
    count = 0
    texts: dict[Moment, list[Texts]] = {}
    for histories in clients:
        for entry in bookkeeping.journal(histories):
            if entry.date > year.end:
                break
            postings = _postings(entry)
            _add(closing, postings)
            if entry.date < year.start:
                _add(opening, postings)
                continue
            used.update(postings)
            count += 1
            made = Texts(_journal(entry, postings).encode(), _beancount(entry, postings).encode())
            texts.setdefault(entry.moment, []).append(made)
    whole = {
        moment: Texts(*map(b"".join, zip(*some, strict=True))) for moment, some in texts.items()
    }
    return Ledger(opening, closing, used, count, whole)


def _add(sums: Amounts, amounts: Amounts) -> None:
    for account, amount in amounts.items():
        sums[account] = sums.get(account, 0) + amount


def journal(year: FiscalYear, parts: Sequence[Ledger]) -> Iterator[bytes]:
    """The file that hledger and ledger read, in pieces.

    Args:
      parts: in order of client.
    """
    accounts, opening, _ = _balances(parts)
    yield _lines(_head_of_journal(year, accounts, opening))
    for texts in _in_order(parts):
        yield texts.journal


def beancount(year: FiscalYear, parts: Sequence[Ledger]) -> Iterator[bytes]:
    """The file that beancount reads, with the same content."""
    accounts, opening, closing = _balances(parts)
    yield _lines(_head_of_beancount(year, accounts, opening))
    for texts in _in_order(parts):
        yield texts.beancount
    yield _lines(_end_of_beancount(year, closing))


FILES = {"journal": journal, "beancount": beancount}  # by the suffix of their names


def _balances(parts: Sequence[Ledger]) -> tuple[list[str], Amounts, Amounts]:
    """The accounts that a year has, what they begin with, and what they end with."""
    opening = {
        account: amount
        for account, amount in sorted(_sum(part.opening for part in parts).items())
        if amount and _is_carried(account)
    }
    closing = _sum(part.closing for part in parts)
    used = {account for part in parts for account in part.used}
    accounts = sorted(used | opening.keys() | ({OPENING} if opening else set()))
    if equity := -sum(opening.values()):
        opening[OPENING] = equity
    kept = [account for account in accounts if account in closing and _is_carried(account)]
    return accounts, opening, {account: closing[account] for account in kept}


def _in_order(parts: Sequence[Ledger]) -> Iterator[Texts]:
    for moment in sorted({moment for part in parts for moment in part.texts}):
        for part in parts:
            if moment in part.texts:
                yield part.texts[moment]


def _sum(parts: Iterable[Amounts]) -> Amounts:
    sums: Amounts = {}
    for part in parts:
        _add(sums, part)
    return sums


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _postings(entry: Entry) -> Amounts:
    postings: Amounts = {}
    for key, amount in entry.postings:
        account = ACCOUNTS.get(key) or RECEIVABLE + entry.client
        postings[account] = postings.get(account, 0) + amount
    return {account: amount for account, amount in postings.items() if amount}


def _is_carried(account: str) -> bool:
    """Income begins anew each year."""
    return not account.startswith("Income:")


def _plain(text: str) -> str:
    """`text` on one line, without what begins a comment or ends a payee."""
    return " ".join(text.replace(";", ",").replace("|", "/").split())


def _head_of_journal(year: FiscalYear, accounts: Iterable[str], opening: Amounts) -> Iterator[str]:
    yield f"; Sales and receipts, {year.start} to {year.end}"
    yield ""
    yield "commodity EUR"
    yield "    format 1000.00 EUR"
    yield ""
    for account in accounts:
        yield f"account {account}"
    if opening:
        yield ""
        yield f"{year.start} * Opening balances"
        for account, amount in opening.items():
            yield f"    {account}  {text_of(amount)} EUR"


def _journal(entry: Entry, postings: Amounts) -> str:
    """A transaction as hledger and ledger read it."""
    payee, label = _plain(entry.invoice.name), _plain(entry.label)
    lines = [f"\n{entry.date} * ({entry.piece.number}) {payee} | {label}\n"]
    lines += [f"    {account}  {text_of(amount)} EUR\n" for account, amount in postings.items()]
    return "".join(lines)


def _head_of_beancount(
    year: FiscalYear, accounts: Iterable[str], opening: Amounts
) -> Iterator[str]:
    yield f"; Sales and receipts, {year.start} to {year.end}"
    yield 'option "operating_currency" "EUR"'
    yield ""
    for account in accounts:
        yield f"{year.start} open {_in_beancount(account)} EUR"
    if opening:
        yield ""
        yield f'{year.start} * "Opening balances"'
        for account, amount in opening.items():
            yield f"  {_in_beancount(account)}  {text_of(amount)} EUR"


def _beancount(entry: Entry, postings: Amounts) -> str:
    """A transaction as beancount reads it."""
    payee, label = _quoted(_plain(entry.invoice.name)), _quoted(_plain(entry.label))
    lines = [f"\n{entry.date} * {payee} {label} ^{entry.piece.number}\n"]
    lines += [
        f"  {_in_beancount(account)}  {text_of(amount)} EUR\n"
        for account, amount in postings.items()
    ]
    return "".join(lines)


def _end_of_beancount(year: FiscalYear, closing: Amounts) -> Iterator[str]:
    """The balances of the last day, which beancount checks itself."""
    day_after = date.fromisoformat(year.end) + timedelta(days=1)
    yield ""
    for account, amount in closing.items():
        yield f"{day_after} balance {_in_beancount(account)}  {text_of(amount)} EUR"


def _in_beancount(account: str) -> str:
    """A client's account as beancount can name it: studio_nord is Studio-nord."""
    if not account.startswith(RECEIVABLE):
        return account
    client = account.removeprefix(RECEIVABLE)
    return RECEIVABLE + client[0].upper() + client[1:].replace("_", "-")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
