"""Long histories: balances and exports of every record, beside the plain-text accountants."""

import csv
import re
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import house
from bench import venv, years
from bench.measure import Bar, Line, Took, line, make, middle, run, say
from bench.outputs import BUILD
from bench.venv import Peers
from lib.books import balances
from lib.core.root import Root

YEAR = 2025
_EACH = 1_000  # records a client


def measure(peers: Peers, records: int, rounds: int) -> tuple[list[Line], list[str]]:
    """The lines of the table, and where a peer comes to other sums than ours.

    The whole history is measured in `rounds`, a tenth and a hundredth of it once; the slowest
    peers read the tenth.
    """
    lines: list[Line] = []
    faults: list[str] = []
    for count in (records // 100, records // 10, records):
        root, issues, clients = _root(count)
        journal = root.path / "all.journal"
        _write(journal, years.journal(clients, issues))
        whole = count == records
        more, wrong = _side_by_side(peers, root, journal, count, rounds if whole else 1, whole)
        lines += more
        faults += wrong
        if count == records // 10:
            file = root.path / "all.beancount"
            _write(file, years.beancount(clients, issues))
            lines += _slower(peers, count, journal, file)
        shutil.rmtree(root.path)
    return lines, faults


def _root(count: int) -> tuple[Root, list[years.Issue], int]:
    """A root with `count` records of one year, and a few more."""
    folder = BUILD / "million"
    shutil.rmtree(folder, ignore_errors=True)
    root = house.build(folder)
    clients = max(count // _EACH, 2)
    issues = years.within(YEAR, -(-count // clients // 2) + 1)
    years.lay(root, clients, issues)
    return root, issues, clients


def _write(path: Path, lines: Iterator[str]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(lines)


def _side_by_side(
    peers: Peers, root: Root, journal: Path, count: int, rounds: int, whole: bool
) -> tuple[list[Line], list[str]]:
    """Every balance and a year's exports made again, and the same history read by ledger."""
    reconciled, exported, theirs = [], [], []
    for i in range(rounds):
        # Not deleted: ext4 searches long for the place of a new file among those just deleted.
        for made in (balances.folder(root), root.path / "exports"):
            if made.exists():
                made.rename(root.path / f"{made.name} before round {i}")
        reconciled.append(make(root.path, "reconcile"))
        exported.append(make(root.path, "export", f"YEAR={YEAR}"))
        if "ledger" in peers.there:
            theirs.append(run("ledger", "-f", journal, "bal"))
        say(f"{count:,} records: round {i + 1} of {rounds}")
    both = [
        Took(one.clock + other.clock, one.cpu + other.cpu)
        for one, other in zip(reconciled, exported, strict=True)
    ]
    what = f"{count:,} records"
    lines = [line(what, "ours: reconcile + export", both)]
    if whole:
        lines.append(line("", "  reconcile", reconciled))
        lines.append(line("", "  export", exported))
    if not theirs:
        return lines, []
    # What the kernel takes to hand out ledger's 2.7 GB differs from one hour to the next.
    ratio = middle(one.cpu for one in both) / middle(one.user for one in theirs)
    bars = (Bar("our CPU, both cores ÷ ledger's user time", ratio, 0.7),) if whole else ()
    return [*lines, line(what, "ledger bal", theirs, "s", *bars)], _faults(root, theirs[-1].said)


def _slower(peers: Peers, count: int, journal: Path, file: Path) -> list[Line]:
    """The peers that would take minutes for the whole."""
    lines = []
    if "hledger" in peers.there:
        took = run("hledger", "-f", journal, "bal")
        lines.append(line(f"{count:,} records", "hledger bal", [took]))
    if "beancount" in peers.there:
        took = run(venv.VENV / "bin/bean-check", "--no-cache", file)
        lines.append(line(f"{count:,} records", "bean-check", [took]))
    return lines


def _faults(root: Root, said: str) -> list[str]:
    """Money received and owed has to be the same in our files and in ledger's sums."""
    totals = root.path / f"exports/recettes/recettes-{YEAR}.totals.csv"
    with totals.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    received = sum(Decimal(row["gross"]) for row in rows if row["nature"] == "services")
    owed = sum(
        Decimal(outstanding)
        for path in balances.folder(root).glob("*.json")
        for outstanding in re.findall(r'"outstanding": "([0-9.]+)"', _totals(path))
    )
    return [
        f"{account}: ours is {ours}, ledger says {_of(account, said)}"
        for account, ours in (("Bank", received), ("Receivable", owed))
        if _of(account, said) != ours
    ]


def _totals(path: Path) -> str:
    """The totals of a balance, which stand before its invoices."""
    return path.read_text(encoding="utf-8").partition('"invoices"')[0]


def _of(account: str, said: str) -> Decimal | None:
    """The sum of an account, as `ledger bal` prints it."""
    found = re.search(rf"^ *([0-9.]+) EUR +{account}$", said, re.MULTILINE)
    return Decimal(found[1]) if found else None
