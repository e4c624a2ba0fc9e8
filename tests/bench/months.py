"""What a quiet day costs: a month with nothing to do, and one payment to reconcile."""

import shutil
from pathlib import Path

import house
from bench import years
from bench.measure import (
    MILLISECOND,
    Bar,
    CannotMeasureError,
    Line,
    Took,
    command_of_make,
    line,
    make,
    middle,
    run,
    say,
)
from bench.outputs import BUILD
from bench.venv import Peers
from lib.books import balances, records, revenues
from lib.core.root import Root

_DAY = "2026-11-09"
_PHASES = 6


def measure(peers: Peers, clients: int, months: int, rounds: int) -> tuple[list[Line], list[str]]:
    """The lines of the table, and what is wrong with what was done."""
    root = _root(clients, months)
    month = ("month", f"TODAY={_DAY}", f"MONTH={house.MONTH}")
    make(root.path, *month)
    quiet, paid, faults = [], [], []
    rewritten = 0
    for _ in range(rounds):
        quiet.append(make(root.path, *month))
        if quiet[-1].said.count("nothing left to do") != _PHASES:
            raise CannotMeasureError(f"the month is not a quiet one: {quiet[-1].said}")
    starts = _starts(peers, root, *month)
    for i in range(rounds):
        _pay(root, i + 1)
        before = _times(root)
        paid.append(make(root.path, "reconcile"))
        after = _times(root)
        rewritten = sum(before[path] != after[path] for path in after)
        if balances.is_stale(root, years.name_of(i + 1)):
            faults.append("reconcile left a balance stale")
    _pay(root, rounds + 1)
    more = _starts(peers, root, "reconcile")
    say(f"quiet month and one payment among {clients} clients: {rounds} rounds")
    shutil.rmtree(root.path)
    return [
        _line(f"quiet month, {clients:,} clients", quiet, 2000),
        *_counted("  Python starts", starts, 1),
        _line(f"reconcile 1 payment, {clients:,} clients", paid, 1000),
        *_counted("  Python starts", more, 1),
        *_counted("  balances rewritten", rewritten, 1),
    ], faults


def _root(clients: int, months: int) -> Root:
    folder = BUILD / "months"
    shutil.rmtree(folder, ignore_errors=True)
    root = house.build(folder)
    years.lay_monthly(root, clients, house.MONTH, months)
    # The history has no PDFs to send.
    house.write(root, ".env", f"MAIL_SINCE={_DAY}\n".encode()).chmod(0o600)
    return root


def _pay(root: Root, i: int) -> None:
    """Pays the last invoice of a client, which is open."""
    client = years.name_of(i)
    issued = records.read(root, revenues.chain_path(root, revenues.DIRECT, client)).records[-1]
    words = {
        "CLIENT": client,
        "INVOICE": issued["number"],
        "AMOUNT": issued["gross"],
        "DATE": _DAY,
        "METHOD": "transfer",
        "TODAY": _DAY,
    }
    make(root.path, "payment", *(f"{name}={value}" for name, value in words.items()))


def _times(root: Root) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in balances.folder(root).glob("*.json")}


def _starts(peers: Peers, root: Root, *words: str) -> int | None:
    """How many times a command starts Python, counted by strace; None where there is none."""
    if "strace" not in peers.there:
        return None
    log = BUILD / "starts.txt"
    watched = ("strace", "-f", "-qq", "-e", "trace=execve", "-e", "signal=none", "-o", log)
    run(*watched, *command_of_make(root.path, *words))
    begun = [text for text in log.read_text().splitlines() if text.endswith("= 0")]
    return sum("/python" in text.partition(",")[0] for text in begun)


def _line(what: str, rounds: list[Took], most: int) -> Line:
    value = middle(one.clock for one in rounds) / MILLISECOND
    return line(what, "ours", rounds, "ms", Bar("", value, most))


def _counted(what: str, count: int | None, most: int) -> list[Line]:
    if count is None:
        return []
    return [Line(what, "ours", (count,), (), "", (Bar("", count, most),))]
