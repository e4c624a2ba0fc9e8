#!/usr/bin/env python3
"""Brings data/balance/ up to date with the records: the clients whose records changed.

What changed is told by the heads alone: a balance keeps those that it was made from. Only
the records of stale clients are read, and proved; balances whose records vanished go.
"""

from argparse import ArgumentParser, Namespace

from lib import (
    alerts,
    balances,
    cli,
    issuing,
    lock,
    money,
    payments,
    records,
    revenues,
    settings,
    storage,
)
from lib.alerts import Alert, Broken
from lib.root import Root


def main(arguments: Namespace, root: Root) -> None:
    """Writes derived files only, under the lock of whoever writes."""
    with lock.exclusive(root, "reconcile", settings.load(root).lock_wait):
        issuing.finish_stopped_runs(root)
        clients = balances.clients_of(root)
        stale = [client for client in clients if balances.is_stale(root, client)]
        faults: list[Alert] = []
        for client in stale:
            try:
                print(_renew(root, client))
            except Broken as broken:
                faults += broken.alerts
        removed = _remove_orphans(root, set(clients))
    if faults:
        raise Broken(faults)
    unchanged = len(clients) - len(stale)
    gone = f", {removed} removed" if removed else ""
    print(f"{len(stale)} balances made, {unchanged} unchanged{gone}")


def _renew(root: Root, client: str) -> str:
    """Makes one client's balance anew; returns what to say of it."""
    issued = records.read(root, revenues.chain_path(root, revenues.DIRECT, client))
    paid = payments.read_client(root, client)
    known = {record["number"] for record in issued.records if record["kind"] == "invoice"}
    strays = [entry for entry in payments.entries(paid) if entry.invoice not in known]
    if strays:
        name = root.name_of(paid.path)
        text = "names {}, which no record in data/revenues/ knows"
        raise Broken(
            Alert("B-PAYMENT-STRAY", name, f"line {entry.seq}", text.format(entry.invoice))
            for entry in strays
        )
    storage.update_derived(
        balances.path_of(root, client), balances.file_bytes(client, issued, paid)
    )
    sums = balances.totals(balances.of_client(issued.records, payments.entries(paid)))
    figures = [f"{name} {money.plain(value, 2)}" for name, value in sums._asdict().items()]
    return f"{client}: {', '.join(figures)}"


def _remove_orphans(root: Root, clients: set[str]) -> int:
    """Removes the balances whose client has no record (any more); returns how many."""
    orphans = [path for path in balances.folder(root).glob("*.json") if path.stem not in clients]
    for path in orphans:
        path.unlink()
        text = f"{root.name_of(path)} is removed: its client has no records"
        alerts.report(root.logs, "reconcile.py", [Alert("I-BALANCE-REMOVED", "", "", text)])
    return len(orphans)


def parser() -> ArgumentParser:
    """The options of this script."""
    return cli.parser(__doc__ or "")


if __name__ == "__main__":
    cli.run(parser(), main)
