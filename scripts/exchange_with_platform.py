#!/usr/bin/env python3
"""Deposits at the approved platform what has not been deposited, and reads what it says.

Domestic B2B invoices and credit notes, from the day that `platform` names in issuer.json, and in
the file of a batch client for its own; then what was received of them (212). Each attempt is on
record before it is made; what got no answer is looked for before it goes again. A platform that is
down costs nothing: all waits for the next run, and this one ends with 4. INVOICE deposits once more
what the platform refused.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--invoice", default="", help="a refused document, to deposit once more")
    options.add_argument(
        "--dry-run", type=cli.switch, default=False, help="1: only show what would be deposited"
    )
    options.add_argument("--quiet", default="", help="1: say nothing where nothing is new")
    cli.add_today(options)
    cli.add_flag(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()
    cli.leave_if_done(ARGUMENTS, "platform")

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from functools import cache, partial
from typing import Any, NamedTuple

from msgspec import Struct

from lib.books import issuing, records, revenues
from lib.books.cash_ins import CashIn
from lib.books.record_lines import DepositRevenue
from lib.books.revenues import Ledger
from lib.core import alerts
from lib.core.faults import Alert, Broken, Fault, Refused, Unavailable
from lib.core.messages import counted, say
from lib.core.root import Root
from lib.inputs import input_files, inputs, settings
from lib.inputs.inputs import Sellers
from lib.inputs.issuer_file import Platform
from lib.inputs.settings import PlatformAccess, Settings
from lib.platform import (
    cashing_in,
    exchange,
    invoices,
    open_documents,
    receiving,
    report_deposits,
    standing_notices,
)
from lib.platform.exchange import Exchange, ExchangeBooks
from lib.platform.invoices import Queue
from lib.platform.open_documents import SettledClients


class Account(NamedTuple):
    """An account at a platform: of the issuer, or of a batch client.

    `file` names it in messages, `code` its own file of records, `suffix` its settings in .env;
    `clients` are those whose documents it deposits.
    """

    file: str
    code: str
    suffix: str
    platform: Platform
    access: PlatformAccess
    ledger: Ledger
    clients: tuple[str, ...]


class Holder(Struct):
    """A file that may name an account."""

    platform: Any = None


class AccountDesk(NamedTuple):
    """What one account has to exchange: its books, and the records of its documents."""

    account: Account
    books: ExchangeBooks
    lines: list[DepositRevenue]
    settled: SettledClients
    wait: int

    def queue(self, again: str = "") -> Queue:
        """What can be deposited now."""
        account, books = self.account, self.books
        known = books.deposits()
        queue = invoices.queue(
            books.root,
            account.ledger,
            self.lines,
            account.platform,
            known,
            books.refused(),
            again,
        )
        reports = report_deposits.waiting(books.root, account.code, known.values())
        return queue._replace(ready=[*queue.ready, *reports])


def main(arguments: Namespace, root: Root) -> None:
    """Account after account, each with what it deposits and what it hears.

    Raises:
      Broken: with every document that is not what was issued.
      Unavailable: with every platform that could not be used.
      Refused: with every document that a platform will not have.
    """
    config = settings.load(root)
    is_quiet = arguments.quiet not in ("", "0", "no")
    if not has_account(root):
        if not is_quiet:
            print(say("no platform: neither issuer.json nor a batch client has an account"))
        return
    if arguments.dry_run:
        for desk in desks_of(root, config, arguments.today, arguments.invoice):
            show(desk, arguments.invoice, arguments.today)
        return
    broken: list[Alert] = []
    failures: list[Alert] = []
    refusals: list[Alert] = []
    with exchange.locked(root, config.lock_wait):
        for desk in desks_of(root, config, arguments.today, arguments.invoice):
            if arguments.today < desk.account.platform.since:
                since = desk.account.platform.since.isoformat()
                if not is_quiet:
                    print(say("{file}: from {date} on", file=desk.account.file, date=since))
                continue
            try:
                run = exchanged(desk, arguments.today, arguments.invoice, is_quiet)
            except Broken as stop:
                broken += stop.alerts
                continue
            except Refused as stop:
                refusals += stop.alerts
                continue
            failures += run.failures
            refusals += run.refusals
    everything = dict.fromkeys([*broken, *failures, *refusals])
    if broken:
        raise Broken(everything)
    if failures:
        raise Unavailable(everything)
    if refusals:
        raise Refused(everything)


# --- accounts ------------------------------------------------------------------------


def accounts(root: Root, sellers: Sellers, config: Settings) -> Iterator[Account]:
    """The accounts that there are; a batch client without one deposits nothing."""
    issuer = sellers.issuer
    if issuer.issuer.platform:
        yield Account(
            issuer.source.name,
            issuer.issuer.code,
            "",
            issuer.issuer.platform,
            config.platforms[""],
            revenues.DIRECT,
            tuple(revenues.owners(root, revenues.DIRECT)),
        )
    for file in sellers.batch_clients.values():
        client = file.client
        if client.platform:
            yield Account(
                file.source.name,
                client.code,
                f"_{client.code}",
                client.platform,
                config.platforms.get(client.code, settings.NO_ACCESS),
                revenues.BATCH,
                (client.id,),
            )


def desks_of(root: Root, config: Settings, day: date, again: str) -> list[AccountDesk]:
    """Each account with its records.

    Raises:
      Refused: if `again` is not a document that a platform refused.
    """
    with issuing.reading(root, "exchange_with_platform", config.lock_wait):
        sellers = inputs.load_sellers(root)
        desks = [opened(root, account, config, day) for account in accounts(root, sellers, config)]
    refuse_wrong(again, desks)
    return desks


def opened(root: Root, account: Account, config: Settings, day: date) -> AccountDesk:
    """An account with the records of its open documents.

    Raises:
      Broken: if records are not what was written.
    """
    books = ExchangeBooks(root, config.lock_wait)
    unread = {line.flow_id for line in books.read(account.code) if not line.number} - {""}
    before = open_documents.settled(root, account.code, account.platform)
    settled, recent = SettledClients(before.basis), before.recent
    open_lines: list[DepositRevenue] = []
    for client in account.clients:
        seen = open_documents.fingerprint(root, account.ledger, client)
        if before.clients.get(client) == seen:
            settled.clients[client] = seen
            continue
        lines = list(revenues_of(root, account.ledger, client))
        books.read(client)
        numbers = open_documents.numbers(
            books, account.ledger, client, lines, account.platform, unread, day
        )
        gone = {line.flow_id: line.updated for line in books.keep(client, numbers) if line.updated}
        recent |= receiving.recent(gone, day)
        if numbers:
            open_lines += (line for line in lines if line.number in numbers)
        else:
            settled.clients[client] = seen
    settled.recent = books.recent = receiving.recent(recent, day)
    return AccountDesk(account, books, open_lines, settled, config.lock_wait)


def revenues_of(root: Root, ledger: Ledger, client: str) -> Iterator[DepositRevenue]:
    """The records of a client's documents; raises Broken as `records.read_typed`."""
    return records.read_typed(root, revenues.chain_path(root, ledger, client), DepositRevenue)


def clients_of(desk: AccountDesk) -> dict[str, str]:
    """The client of each document of an account, settled ones too."""
    root, account = desk.books.root, desk.account
    with issuing.reading(root, "exchange_with_platform", desk.wait):
        return {
            line.number: client
            for client in account.clients
            for line in revenues_of(root, account.ledger, client)
        }


def check(account: Account) -> None:
    """Whether .env and the file of an account have what opens the platform.

    Raises:
      Refused: if something is missing.
    """
    access, needed = account.access, []
    if not access.token and not access.client_id:
        remedy = say("write it with PLATFORM_CLIENT_SECRET, or PLATFORM_TOKEN, each with its code")
        if not account.suffix:
            remedy = say("write it with PLATFORM_CLIENT_SECRET, or PLATFORM_TOKEN")
        fault = Fault(f"PLATFORM_CLIENT_ID{account.suffix}", say("is missing"), remedy=remedy)
        needed.append(Alert("B-SETTING", ".env", fault))
    elif not access.token and not account.platform.token_url:
        found = say("is missing, which PLATFORM_CLIENT_ID needs")
        needed.append(Alert("B-INPUT-VALUE", account.file, Fault("platform.token_url", found)))
    if needed:
        raise Refused(needed)


# --- the exchange --------------------------------------------------------------------


def exchanged(desk: AccountDesk, today: date, invoice: str, is_quiet: bool) -> Exchange:
    """What came of one account's exchange.

    Args:
      is_quiet: whether what the run before said is not said again.

    Raises:
      Refused: if there is nothing to open the platform with.
      Broken: if a document is not what was issued.
    """
    from lib.platform.flow_client import FlowClient

    account = desk.account
    check(account)
    open_documents.remember(desk.books.root, account.code, desk.settled)
    with closing(FlowClient(account.platform, account.access, time.sleep)) as client:
        run = Exchange(client, desk.books, today)
        run.settle()
        heard = hear(run, desk) if not run.has_ended else 0
        again, previous = invoice, set[str]()
        while not run.has_ended:
            ready = desk.queue(again).ready
            again = ""
            # A credit note follows its invoice in the same run; what failed is not tried twice.
            if not {item.tracking_id for item in ready} - previous:
                break
            new = [item for item in ready if item.tracking_id not in previous]
            run.deposit(run.reachable(new))
            previous |= {item.tracking_id for item in ready}
        if not run.has_ended:
            run.refusals += cashing_in.record(desk.books, received(desk, today))
            run.deposit(cashing_in.ready(desk.books, desk.lines, invoice))
    left = desk.queue()
    standing = [*map(invoices.nameless_alert, left.nameless), *run.unreachable]
    is_whole = not (run.has_ended or run.failures)
    news = standing_notices.news(desk.books.root, account.code, standing, is_whole)
    alerts.report(desk.books.root.logs, exchange.SCRIPT, news if is_quiet else standing)
    alerts.note(standing)
    if is_quiet and not (news or run.deposited or heard):
        return run
    print(
        say(
            "{file}: {deposited} deposited, {received} received, {waiting} waiting",
            file=account.file,
            deposited=run.deposited,
            received=counted(heard, "1 status", "{number} statuses"),
            waiting=len(left.ready) + len(left.waiting),
        )
    )
    return run


def received(desk: AccountDesk, today: date) -> list[tuple[CashIn, bytes]]:
    """What was received and is to be reported, each with its message. What batches are paid is
    the business of their sellers.

    Raises:
      Broken: if records or documents are not what was written.
    """
    account, books = desk.account, desk.books
    if account.ledger is not revenues.DIRECT:
        return []
    with issuing.reading(books.root, "exchange_with_platform", desk.wait):
        return list(cashing_in.due(books, desk.lines, account.platform.cash_in, today))


def hear(run: Exchange, desk: AccountDesk) -> int:
    """Records what the platform says of deposits and invoices; returns how many statuses."""
    account, books = desk.account, desk.books
    before = books.appended
    walk = receiving.walked(run, account.platform.since)
    clients = cache(partial(clients_of, desk))
    notices = receiving.receive(run, walk.flows, clients, account.code)
    for client, numbers in books.reopened.items():
        with issuing.reading(books.root, "exchange_with_platform", desk.wait):
            lines = revenues_of(books.root, account.ledger, client)
            desk.lines.extend(line for line in lines if line.number in numbers)
    statuses = books.appended - before
    if not run.has_ended:
        run.acknowledge(walk.flows)
    alerts.report(books.root.logs, exchange.SCRIPT, notices)
    return statuses


# --- what is typed, what is shown ----------------------------------------------------


def refuse_wrong(number: str, desks: list[AccountDesk]) -> None:
    """INVOICE is a document that a platform refused, or a 212 that it refused.

    Raises:
      Refused: if it is not.
    """
    refused: dict[str, bool] = {}
    for desk in desks:
        ids = desk.books.refused()
        for tracking_id, deposit in desk.books.deposits().items():
            if deposit.line.number:
                refused[exchange.typed_name(deposit.line)] = tracking_id in ids
    if number and not refused.get(number):
        found = say('"{number}" is not a document that the platform refused', number=number)
        names = tuple(sorted(name for name, is_refused in refused.items() if is_refused))
        expected = say("these are: {names}", names=names or say("none"))
        raise Refused([Alert("B-PLATFORM-AGAIN", "", Fault("INVOICE", found, expected))])


def show(desk: AccountDesk, again: str, today: date) -> None:
    """What would be deposited, and reported."""
    queue, known = desk.queue(again), desk.books.deposits()
    for item in queue.ready:
        name = item.number or item.tracking_id
        text = say("{number}: would be deposited ({rule})", number=name, rule=item.rule)
        if item.number and item.tracking_id in known:
            text = say("{number}: would be looked for, its answer is missing", number=name)
        print(text)
    for document in queue.waiting:
        print(
            say(
                "{number}: waits until {others} is deposited",
                number=document.number,
                others=document.others,
            )
        )
    for line in queue.nameless:
        print(say("{number}: cannot be deposited, it names no SIREN", number=line.number))
    for cash_in, _ in received(desk, today):
        name = cash_in.tracking_id
        amounts = tuple(f"{share.amount} ({share.vat_rate} %)" for share in cash_in.shares)
        print(say("{name}: would be reported: {amounts}", name=name, amounts=amounts))
    count = counted(len(queue.ready), "1 document", "{number} documents")
    print(say("{file}: {documents} to deposit", file=desk.account.file, documents=count))


def has_account(root: Root) -> bool:
    """Whether there is a platform to ask. What it says, no flag knows: it is asked every time."""
    paths = (root.issuer, *root.batch_clients.glob("*.json"))
    holders = (input_files.glance(root, path, Holder) for path in paths)
    return any(holder.platform for holder in holders if holder)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "platform", is_apart=has_account)
