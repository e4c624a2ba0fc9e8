"""Plain-text accounting of a fiscal year, as hledger and ledger read it, and beancount.

Each file stands alone: earlier years are its opening balances. A client has one account,
on which what was paid too much counts too, so that it ends with the client's balance.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from lib.accounting import bookkeeping
from lib.accounting.bookkeeping import EntryDays, EntryText, FiscalYear, JournalEntry
from lib.books.histories import History
from lib.values.money import text_of

OPENING = "Equity:Opening-Balances"
RECEIVABLE = "Assets:Receivable:"
ACCOUNTS = {
    "deposits": "Liabilities:Deposits",
    "services": "Income:Services",
    "goods": "Income:Goods",
    "vat_collected": "Liabilities:VAT:Collected",
    "vat_pending": "Liabilities:VAT:Pending",
    "bank": "Assets:Bank",
    "cash": "Assets:Cash",
    "differences_lost": "Expenses:Payment-Differences",
    "differences_gained": "Income:Payment-Differences",
    "bank_charges": "Expenses:Bank-Charges",
    "bad_debts": "Expenses:Bad-Debts",
}

Amounts = dict[str, int]  # account -> cents, above 0 debit


class YearLedger(NamedTuple):
    """A year of some clients: balances on its first day and on its last, the accounts that are
    used in it, how many transactions it has, and their texts by day, as each of FILES has them."""

    opening: Amounts
    closing: Amounts
    accounts: set[str]
    transactions: int
    texts: EntryDays


def ledger_of(year: FiscalYear, clients: Iterable[Sequence[History]]) -> YearLedger:
    """The year of some clients.

    Args:
      clients: the histories of each, in order of client.
    """
    opening: Amounts = {}
    closing: Amounts = {}
    accounts: set[str] = set()
    count = 0
    days: defaultdict[str, list[EntryText]] = defaultdict(list)
    for histories in clients:
        for entry in bookkeeping.journal(histories):
            if entry.date > year.end:
                break
            postings = _postings(entry)
            if not postings:
                continue  # VAT that went from one rate to another
            _add(closing, postings)
            if entry.date < year.start:
                _add(opening, postings)
                continue
            accounts.update(postings)
            count += 1
            forms = (_transaction(entry, postings, syntax) for syntax in FILES.values())
            days[entry.date].append(bookkeeping.text_of(entry, *forms))
    return YearLedger(opening, closing, accounts, count, bookkeeping.packed(days))


def _add(sums: Amounts, amounts: Amounts) -> None:
    for account, amount in amounts.items():
        sums[account] = sums.get(account, 0) + amount


def file(suffix: str, year: FiscalYear, parts: Sequence[YearLedger]) -> Iterator[bytes]:
    """One of FILES, in pieces.

    Args:
      parts: in order of client.
    """
    syntax, place = FILES[suffix], list(FILES).index(suffix)
    accounts, opening, closing = _balances(parts)
    yield _lines(_head(syntax, year, accounts, opening))
    for texts in bookkeeping.by_day([part.texts for part in parts]):
        yield b"".join([text.forms[place] for text in texts])
    yield _lines(_end(syntax, year, closing))


def _balances(parts: Sequence[YearLedger]) -> tuple[list[str], Amounts, Amounts]:
    """The accounts that a year has, what they begin with, and what they end with."""
    opening = {
        account: amount
        for account, amount in sorted(_sum(part.opening for part in parts).items())
        if amount and _is_carried(account)
    }
    closing = _sum(part.closing for part in parts)
    named = {account for part in parts for account in part.accounts}
    accounts = sorted(named | opening.keys() | ({OPENING} if opening else set()))
    if equity := -sum(opening.values()):
        opening[OPENING] = equity
    carried = [account for account in accounts if account in closing and _is_carried(account)]
    return accounts, opening, {account: closing[account] for account in carried}


def _sum(parts: Iterable[Amounts]) -> Amounts:
    sums: Amounts = {}
    for part in parts:
        _add(sums, part)
    return sums


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _postings(entry: JournalEntry) -> Amounts:
    postings: Amounts = {}
    for posting in entry.postings:
        account = ACCOUNTS.get(posting.account) or RECEIVABLE + entry.client
        postings[account] = postings.get(account, 0) + posting.amount
    return {account: amount for account, amount in postings.items() if amount}


def _is_carried(account: str) -> bool:
    """Income and expenses begin at 0 each year."""
    return not account.startswith(("Income:", "Expenses:"))


def _plain(text: str) -> str:
    """`text` on one line, without what begins a comment or ends a payee."""
    return " ".join(text.replace(";", ",").replace("|", "/").split())


def _link(entry: JournalEntry) -> str:
    """The number of the piece, in the characters of a link: another tool may have had others."""
    return re.sub("[^A-Za-z0-9_/.-]", "_", entry.piece.number)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# --- what the programs read ----------------------------------------------------------


class Syntax(NamedTuple):
    """How one of the two programs has the same entries written.

    `head`: what stands below the title. `declared`, `opening` and `balance` (of the day after
    the last, which beancount checks itself) have places for a day and an account. `heading`
    begins a transaction, `indent` stands before its postings, `named` is an account's name.
    """

    head: tuple[str, ...]
    declared: str
    opening: str
    balance: str
    indent: str
    heading: Callable[[JournalEntry], str]
    named: Callable[[str], str]


def _head(
    syntax: Syntax, year: FiscalYear, accounts: Iterable[str], opening: Amounts
) -> Iterator[str]:
    yield f"; Sales and receipts, {year.start} to {year.end}"
    yield from syntax.head
    for account in accounts:
        yield syntax.declared.format(day=year.start, account=syntax.named(account))
    if opening:
        yield ""
        yield syntax.opening.format(day=year.start)
        yield from _amounts(syntax, opening)


def _transaction(entry: JournalEntry, postings: Amounts, syntax: Syntax) -> bytes:
    return _lines(["", syntax.heading(entry), *_amounts(syntax, postings)])


def _end(syntax: Syntax, year: FiscalYear, closing: Amounts) -> Iterator[str]:
    if syntax.balance:
        day_after = date.fromisoformat(year.end) + timedelta(days=1)
        yield ""
        for account, amount in closing.items():
            balance = syntax.balance.format(day=day_after, account=syntax.named(account))
            yield f"{balance}  {text_of(amount)} EUR"


def _amounts(syntax: Syntax, amounts: Amounts) -> Iterator[str]:
    for account, amount in amounts.items():
        yield f"{syntax.indent}{syntax.named(account)}  {text_of(amount)} EUR"


def _journal_heading(entry: JournalEntry) -> str:
    payee, label = _plain(entry.invoice.name), _plain(entry.label)
    return f"{entry.date} * ({_link(entry)}) {payee} | {label}"


def _beancount_heading(entry: JournalEntry) -> str:
    payee, label = _quoted(_plain(entry.invoice.name)), _quoted(_plain(entry.label))
    return f"{entry.date} * {payee} {label} ^{_link(entry)}"


def _beancount_account(account: str) -> str:
    """A client's account as beancount can name it: studio_nord is Studio-nord."""
    if not account.startswith(RECEIVABLE):
        return account
    client = account.removeprefix(RECEIVABLE)
    return RECEIVABLE + client[0].upper() + client[1:].replace("_", "-")


# By the suffix of their names.
FILES = {
    "journal": Syntax(
        head=("", "commodity EUR", "    format 1000.00 EUR", ""),
        declared="account {account}",
        opening="{day} * Opening balances",
        balance="",
        indent="    ",
        heading=_journal_heading,
        named=str,
    ),
    "beancount": Syntax(
        head=('option "operating_currency" "EUR"', ""),
        declared="{day} open {account} EUR",
        opening='{day} * "Opening balances"',
        balance="{day} balance {account}",
        indent="  ",
        heading=_beancount_heading,
        named=_beancount_account,
    ),
}
