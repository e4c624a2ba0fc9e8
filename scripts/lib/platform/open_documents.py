"""Open documents: those of which something is left to do at the platform; others are settled.

What is settled is not kept in memory, and a client of whom all is settled is not read again until
a file of its records changes. data/flags/platform_<CODE>_settled.json knows these, by the
fingerprint of their files; if it is deleted, all is read again.
"""

from collections.abc import Set
from contextlib import suppress
from datetime import date
from pathlib import Path

import msgspec

from lib.books import closed_periods, exchanges, payments, revenues
from lib.books.exchanges import CASH_IN
from lib.books.lifecycle import REJECTED
from lib.books.record_lines import DepositRevenue, ExchangeLine
from lib.books.revenues import Ledger
from lib.core import flags, storage
from lib.core.faults import Broken
from lib.core.root import Root
from lib.inputs.issuer_file import Platform
from lib.platform import cashing_in, exchange, invoices
from lib.platform.exchange import ExchangeBooks


class SettledClients(msgspec.Struct):
    """The clients of an account of whom all is settled, with the fingerprint of their records.

    `basis` is what settles them besides: the account, the closings, the program. `recent` are the
    last statuses of settled documents, as `ExchangeBooks` has them.
    """

    basis: str
    clients: dict[str, str] = {}
    recent: dict[str, str] = {}


def settled(root: Root, code: str, account: Platform) -> SettledClients:
    """What the last run found settled."""
    basis = _hash(account, flags.program(), _look(closed_periods.path(root)))
    with suppress(OSError, msgspec.MsgspecError):
        known = msgspec.json.decode(storage.read(_path(root, code)), type=SettledClients)
        if known.basis == basis:
            return known
    return SettledClients(basis)


def remember(root: Root, code: str, now: SettledClients) -> None:
    """Keeps it for the next run."""
    storage.update_derived(_path(root, code), msgspec.json.encode(now))


def fingerprint(root: Root, ledger: Ledger, client: str) -> str:
    """Of all records that say whether documents of a client are settled."""
    paths = (
        revenues.chain_path(root, ledger, client),
        payments.chain_path(root, client),
        exchanges.chain_path(root, client),
    )
    return _hash(*map(_look, paths))


def numbers(
    books: ExchangeBooks,
    ledger: Ledger,
    client: str,
    lines: list[DepositRevenue],
    account: Platform,
    unread: Set[str],
    day: date,
) -> set[str]:
    """The open documents of a client, and those that they follow.

    Args:
      lines: the records of its documents.
      unread: the flows of messages that could not be read.
    """
    known = books.lines[client]
    about = exchanges.by_number(known)
    under_way = {number for number, own in about.items() if _is_under_way(own, unread)}
    refused = exchange.refused([line for number in under_way for line in about[number]])
    deposits = {deposit.line.tracking_id: deposit for deposit in exchanges.deposits(known)}
    try:
        queue = invoices.queue(books.root, ledger, lines, account, deposits, refused)
        under_way |= {document.number for some in queue for document in some}
        if ledger is revenues.DIRECT:
            due = cashing_in.of_client(books.root, client, known, account.cash_in, day)
            under_way |= {cash_in.number for cash_in in due}
    except Broken:  # which is said once it is needed
        under_way |= {line.number for line in lines}
    followed = {
        number
        for line in lines
        if line.number in under_way
        for number in (line.corrects, *(deposit.number for deposit in line.deposits))
    }
    return under_way | followed - {""}


def _is_under_way(lines: list[ExchangeLine], unread: Set[str]) -> bool:
    """Whether something is missing in what is on record of a document, or was refused."""
    deposits = exchanges.deposits(lines)
    answered = {deposit.line.tracking_id for deposit in deposits if deposit.answers}
    return (
        len(answered) < len(deposits)
        or any(deposit.pending_flow or deposit.is_refused for deposit in deposits)
        or any(
            line.code == REJECTED
            or line.flow_id in unread
            or (line.kind == CASH_IN and line.tracking_id not in answered)
            for line in lines
        )
    )


def _path(root: Root, code: str) -> Path:
    return root.flags / f"platform_{code}_settled.json"


def _look(path: Path) -> tuple[str, int, int, int] | None:
    with suppress(FileNotFoundError):
        return flags.look(path.name, path.stat())
    return None


def _hash(*values: object) -> str:
    return storage.sha256(repr(values).encode())
