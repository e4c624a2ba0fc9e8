"""Plain-text accounting of a fiscal year, as hledger and ledger read it, and beancount.

Each file stands alone: earlier years are its opening balances. A client has one account,
on which what was paid too much counts too, so that it ends with the client's balance.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from lib.bookkeeping import Entry, FiscalYear
from lib.money import text_of

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


class Transaction(NamedTuple):
    """An entry under the names of a ledger's accounts."""

    date: str
    number: str
    payee: str
    label: str
    postings: Amounts


class Ledger(NamedTuple):
    """A year: balances on its first day and on its last, and what came between."""

    year: FiscalYear
    opening: Amounts
    transactions: list[Transaction]
    closing: Amounts

    @property
    def accounts(self) -> list[str]:
        """Every account that the year has, in order."""
        used = {account for one in self.transactions for account in one.postings}
        return sorted(used | self.opening.keys() | ({OPENING} if self.opening else set()))


def files(ledger: Ledger) -> dict[str, bytes]:
    """The two files of a year, by their suffix; they have the same content."""
    return {
        "journal": "\n".join(journal(ledger)).encode(),
        "beancount": "\n".join(beancount(ledger)).encode(),
    }


def ledger_of(entries: Iterable[Entry], year: FiscalYear) -> Ledger:
    """The year out of all entries, which come in order of date."""
    opening: Amounts = {}
    closing: Amounts = {}
    transactions = []
    for entry in entries:
        if entry.date > year.end:
            break
        postings = _postings(entry)
        for account, amount in postings.items():
            closing[account] = closing.get(account, 0) + amount
        if entry.date >= year.start:
            label, payee = _plain(entry.label), _plain(entry.invoice.name)
            number = entry.piece.number
            transactions.append(Transaction(entry.date, number, payee, label, postings))
        else:
            for account, amount in postings.items():
                opening[account] = opening.get(account, 0) + amount
    kept = {account: opening[account] for account in sorted(opening) if _is_carried(account)}
    return Ledger(
        year,
        {account: amount for account, amount in kept.items() if amount},
        transactions,
        {account: closing[account] for account in sorted(closing) if _is_carried(account)},
    )


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


def journal(ledger: Ledger) -> Iterator[str]:
    """The lines that hledger and ledger read."""
    yield f"; Sales and receipts, {ledger.year.start} to {ledger.year.end}"
    yield ""
    yield "commodity EUR"
    yield "    format 1000.00 EUR"
    yield ""
    for account in ledger.accounts:
        yield f"account {account}"
    if ledger.opening:
        yield ""
        yield f"{ledger.year.start} * Opening balances"
        for account, amount in _with_equity(ledger.opening).items():
            yield f"    {account}  {text_of(amount)} EUR"
    for one in ledger.transactions:
        yield ""
        yield f"{one.date} * ({one.number}) {one.payee} | {one.label}"
        for account, amount in one.postings.items():
            yield f"    {account}  {text_of(amount)} EUR"
    yield ""


def beancount(ledger: Ledger) -> Iterator[str]:
    """The lines that beancount reads; it checks the balances of the last day itself."""
    yield f"; Sales and receipts, {ledger.year.start} to {ledger.year.end}"
    yield 'option "operating_currency" "EUR"'
    yield ""
    for account in ledger.accounts:
        yield f"{ledger.year.start} open {_in_beancount(account)} EUR"
    if ledger.opening:
        yield ""
        yield f'{ledger.year.start} * "Opening balances"'
        for account, amount in _with_equity(ledger.opening).items():
            yield f"  {_in_beancount(account)}  {text_of(amount)} EUR"
    for one in ledger.transactions:
        yield ""
        yield f"{one.date} * {_quoted(one.payee)} {_quoted(one.label)} ^{one.number}"
        for account, amount in one.postings.items():
            yield f"  {_in_beancount(account)}  {text_of(amount)} EUR"
    day_after = date.fromisoformat(ledger.year.end) + timedelta(days=1)
    yield ""
    opened = set(ledger.accounts)
    for account, amount in ledger.closing.items():
        if account in opened:
            yield f"{day_after} balance {_in_beancount(account)}  {text_of(amount)} EUR"
    yield ""


def _with_equity(opening: Amounts) -> Amounts:
    equity = -sum(opening.values())
    return {**opening, OPENING: equity} if equity else opening


def _in_beancount(account: str) -> str:
    """A client's account as beancount can name it: studio_nord is Studio-nord."""
    if not account.startswith(RECEIVABLE):
        return account
    client = account.removeprefix(RECEIVABLE)
    return RECEIVABLE + client[0].upper() + client[1:].replace("_", "-")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
