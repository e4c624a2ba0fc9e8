#!/usr/bin/env python3
"""Brings data/balance/ up to date with the records: the clients whose records changed.

What changed is known by the heads alone: a balance keeps those that it was made from. Only
the records of stale clients are read, and proved; balances whose records vanished go.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    cli.add_flag(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()
    cli.leave_if_done(ARGUMENTS, "balances")

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from lib.books import balances, histories, issuing, openings, payments, records
from lib.books.balances import Lines
from lib.core import alerts, lock, storage, workers
from lib.core.faults import Alert, Broken, Fault, at_line, collecting
from lib.core.messages import Message, counted, say
from lib.core.root import Root
from lib.inputs import settings
from lib.values import money

_SHARE = 20  # clients whose balances are written together
_WORTH_WORKERS = 5  # shares; fewer are done before a worker has started


def main(arguments: Namespace, root: Root) -> None:
    """Writes derived files only, under the lock of whoever writes."""
    config = settings.load(root)
    with lock.exclusive(root, "reconcile", config.lock_wait):
        issuing.finish_stopped_runs(root)
        clients = histories.clients_of(root)
        stale = (client for client in clients if balances.is_stale(root, client))
        number = 0
        faults: list[Alert] = []
        for _, share in workers.map_in_order(
            renew, root, _shares(stale), config.workers, _WORTH_WORKERS
        ):
            number += len(share.said)
            for line in share.said:
                print(line)
            faults += share.faults
        removed = _remove_orphans(root, set(clients))
    if faults:
        raise Broken(faults)
    balances_made = counted(number, "1 balance", "{number} balances")
    unchanged = len(clients) - number
    text = say(
        "{balances} made, {unchanged} unchanged", balances=balances_made, unchanged=unchanged
    )
    print(say("{done}, {removed} removed", done=text, removed=removed) if removed else text)


def _shares(clients: Iterable[str]) -> Iterator[list[str]]:
    clients = iter(clients)
    while share := list(islice(clients, _SHARE)):
        yield share


class Done(NamedTuple):
    """What to say of some clients' balances, and what is broken in their records."""

    said: list[Message]
    faults: list[Alert]


def renew(root: Root, clients: list[str]) -> Done:
    """Makes the balances of some clients again."""
    done = Done([], [])
    files: dict[Path, bytes] = {}
    for client in clients:
        with records.without_collector(), collecting(done.faults):
            balance = balances.of_plain(root, client)
            if balance is None:
                lines = balances.read_lines(root, client)
                _check(root, client, lines)
                if not lines.issued and not lines.opened:
                    continue
                balance = balances.of_lines(lines)
            files[balances.path_of(root, client)] = balance.to_bytes()
            amounts = {
                name: money.shown(value, 2) for name, value in balance.totals._asdict().items()
            }
            done.said.append(
                say(
                    "{client}: gross {gross}, credited {credited}, paid {paid}, written off"
                    " {written_off}, outstanding {outstanding}, overpaid {overpaid}",
                    client=client,
                    **amounts,
                )
            )
    with collecting(done.faults):
        storage.update_all_derived(files)
        return done
    return Done([], done.faults)


def _check(root: Root, client: str, lines: Lines) -> None:
    known = {record.number for record in lines.issued if record.kind == "invoice"}
    known |= openings.numbers(lines.opened)
    name = root.name_of(payments.chain_path(root, client))
    strays = [
        Alert("B-PAYMENT-STRAY", name, Fault(at_line(line.seq), _unknown(line.invoice)))
        for line in lines.paid
        if line.invoice not in known
    ]
    if strays:
        raise Broken(strays)


def _unknown(number: str) -> Message:
    return say(
        "names {number}, which no record in data/revenues/ or data/openings/ knows", number=number
    )


def _remove_orphans(root: Root, clients: set[str]) -> int:
    """Removes the balances whose client has no record (any more); returns how many."""
    orphans = [path for path in balances.folder(root).glob("*.json") if path.stem not in clients]
    for path in orphans:
        path.unlink()
        name = root.name_of(path)
        removed = Fault("", say("{file} is removed: its client has no records", file=name))
        alerts.report(root.logs, "reconcile.py", [Alert("I-BALANCE-REMOVED", "", removed)])
    return len(orphans)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "balances")
