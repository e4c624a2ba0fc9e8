"""The memory of every command in a house of 5,000 clients and three years, and how some grow.

The history has all its documents (bench/proofs.py). Commands run in the order of a studio's month.
"""

import csv
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import house
import post
from bench import proofs, years
from bench.measure import SECOND, Bar, CannotMeasureError, Line, Took, line, make, say
from bench.outputs import BUILD
from lib.core.root import Root

_MONTHS, _LAST = 36, "2026-09"
_MOST, _MOST_ON_PAGES = 200, 500  # MB
_FIFTH = 5
_GROWTH = 5.25  # of processor time, for five times the clients
_FIRST, _SECOND, _THIRD = (years.name_of(i) for i in (1, 2, 3))
_ISSUER = {
    "reminders": {"polite": 8, "firm": 20, "formal": 40},
    "write_off_limit": "5.00",
    "bank_files": {
        "bank": {
            "encoding": "utf-8",
            "delimiter": ";",
            "decimal": ",",
            "date_format": "YYYY-MM-DD",
            "columns": {
                "date": "Date",
                "label": ["Libelle"],
                "amount": "Montant",
                "reference": "Reference",
            },
        }
    },
}


class Command(NamedTuple):
    """What is typed after `make`, and what it may take: MB a process, seconds (0: not judged).

    `more` gives the words that depend on what is in the root. `grows` says that its processor time
    is compared with that for a fifth of the clients; `few`, that it is run for these only, since it
    would take minutes for all.
    """

    words: str
    more: Callable[[Root], Sequence[str]] = lambda _: ()
    most: int = _MOST
    seconds: float = 0
    grows: bool = False
    few: bool = False

    @property
    def name(self) -> str:
        return self.words.split()[0]


def _last(root: Root, client: str) -> dict[str, Any]:
    return house.records(root, client)[-1]


def _number_of(client: str) -> Callable[[Root], Sequence[str]]:
    return lambda root: (f"INVOICE={_last(root, client)['number']}",)


def _paid(root: Root) -> Sequence[str]:
    last = _last(root, _FIRST)
    return (f"INVOICE={last['number']}", f"AMOUNT={last['gross']}")


def _payment(root: Root) -> Sequence[str]:
    return (f"PAYMENT={_FIRST}/{len(house.records(root, _FIRST, 'payments'))}",)


def _bank_file(root: Root) -> Sequence[str]:
    """A line for each client that pays its last invoice."""
    path = root.path / "bank.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(("Date", "Libelle", "Montant", "Reference"))
        for name in _clients(root):
            last = _last(root, name)
            amount = last["gross"].replace(".", ",")
            writer.writerow(("2026-12-18", f"VIR {last['number']}", amount, name))
    return (f"FILE={path}",)


def _payments_file(root: Root) -> Sequence[str]:
    """The same, as `make payments-import` takes them; two clients owe nothing any more."""
    path = root.path / "payments.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("client", "invoice", "amount", "date", "method", "reference", "note"))
        for name in _clients(root)[2:]:
            last = _last(root, name)
            writer.writerow(
                (name, last["number"], last["gross"], "2026-12-18", "transfer", "VIR", "")
            )
    return (f"FILE={path}",)


def _clients(root: Root) -> list[str]:
    return sorted(path.stem for path in (root.path / "clients").glob("*.json"))


def _to(root: Root) -> Sequence[str]:
    return (f"TO={root.path.with_name('backups')}",)


def _from(root: Root) -> Sequence[str]:
    """The backup, into an empty folder, which is a root of its own."""
    backups = list(root.path.with_name("backups").glob("*"))
    if len(backups) != 1:
        raise CannotMeasureError(f"there are {len(backups)} backups to restore")
    (backup,) = backups
    return (f"FROM={backup}", f"ROOT={root.path.with_name('restored')}")


_LATE = "TODAY=2026-12-20"
COMMANDS = (
    Command("check TODAY=2026-11-09"),
    Command(f"preview CLIENT={_FIRST} MONTH=2026-10 TODAY=2026-11-09"),
    Command(f"invoice CLIENT={_FIRST} MONTH=2026-10 TODAY=2026-11-09"),
    Command("month MONTH=2026-10 TODAY=2026-11-09", grows=True),
    Command("month MONTH=2026-10 TODAY=2026-11-09"),
    Command("status TODAY=2026-11-10", grows=True),
    Command("mail TODAY=2026-11-10", few=True),
    Command("logs"),
    Command(f"quote CLIENT={_THIRD} ORDER=site TODAY=2026-11-10"),
    Command("accept QUOTE=K0003-D2026-0001 DATE=2026-11-12 TODAY=2026-11-12"),
    Command("declare MONTH=2026-10 TODAY=2026-12-01"),
    Command("overdue DATE=2026-12-20 TODAY=2026-12-20"),
    Command(f"reminders DRY_RUN=1 {_LATE}"),
    Command(f"reminders {_LATE}", few=True),
    Command(f"statement BANK=bank {_LATE}", _bank_file),
    Command(f"payment CLIENT={_FIRST} DATE=2026-12-18 METHOD=transfer {_LATE}", _paid),
    Command(f"payments-import {_LATE}", _payments_file),
    Command(f"write-off AMOUNT=1.00 KIND=difference REASON=x {_LATE}", _number_of(_SECOND)),
    Command("reconcile"),
    Command(f"credit-note REASON=x {_LATE}", _number_of(_THIRD)),
    Command(f"receipt {_LATE}", _number_of(_FIRST)),
    Command(f"account CLIENT={_FIRST} {_LATE}"),
    Command(f"payment-reverse REASON=x {_LATE}", _payment),
    Command("packages"),
    Command(f"preview MONTH=2026-11 {_LATE}", few=True),
    Command("export YEAR=2025"),
    Command("payments-csv"),
    Command("fec YEAR=2025"),
    Command("ledger YEAR=2025", seconds=8),
    Command("workbook YEAR=2025", most=_MOST_ON_PAGES),
    Command(f"report YEAR=2025 {_LATE}", most=_MOST_ON_PAGES),
    Command(f"close YEAR=2023 {_LATE}"),
    Command(f"close YEAR=2024 {_LATE}"),
    Command(f"close YEAR=2025 {_LATE}"),
    Command(f"accountant YEAR=2025 {_LATE}"),
    Command("purge-logs KEEP_DAYS=30 TODAY=2027-02-20"),
    Command("verify", grows=True),
    Command("backup", _to, grows=True),
    Command("restore", _from, few=True),
)


def measure(clients: int) -> tuple[list[Line], list[str]]:
    """The lines of the table, and the commands that failed.

    Each command runs in a house of a fifth of the clients and then in that of all: what grows is
    compared within the same minutes, where as much stands, exports and closings too.
    """
    fifth = clients // _FIFTH
    folder = BUILD / "commands"
    shutil.rmtree(folder, ignore_errors=True)
    few, all_ = _root(folder / "few/root", fifth), _root(folder / "all/root", clients)
    lines, faults = [], []
    with post.office() as server:
        smtp = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port), "SMTP_SECURITY": "none"}
        for one in COMMANDS:
            environment = smtp if one.name == "mail" else {}
            houses = {fifth: few} if one.few else {fifth: few, clients: all_}
            took = _run(one, houses, environment, faults)
            measured = max(houses)
            if measured in took:
                fewer = took.get(fifth) if one.grows else None
                growth = took[measured].cpu / fewer.cpu if fewer else None
                lines.append(_line(one, took[measured], measured, growth))
            say(f"{one.name}, {measured:,} clients")
    shutil.rmtree(folder)
    return lines, faults


def _run(
    one: Command, houses: Mapping[int, Root], environment: dict[str, str], faults: list[str]
) -> dict[int, Took]:
    """A command in houses of so many clients; where it fails is added to the faults, and stops no
    other."""
    took = {}
    for clients, root in houses.items():
        try:
            words = (*one.words.split(), *one.more(root))
            took[clients] = make(root.path, *words, environment=environment, watch=True)
        except CannotMeasureError as problem:
            faults.append(f"{clients:,} clients: {problem}")
    return took


def _root(path: Path, clients: int) -> Root:
    root = house.build(path, seller=house.issuer(_ISSUER))
    years.lay_monthly(root, clients, _LAST, _MONTHS, proofs.writer)
    house.put_order(root, house.order("site", _THIRD))
    house.write(root, ".env", b"MAIL_SINCE=2026-11-09\n").chmod(0o600)
    return root


def _line(one: Command, took: Took, clients: int, growth: float | None) -> Line:
    """Its time, what its largest process held, and whatever else is asked of it.

    Args:
      growth: its processor time ÷ that for a fifth of the clients, where they are compared.
    """
    what = f"`make {one.words.partition(' TODAY')[0]}`"
    bars = [Bar("MB", max(took.parent, took.workers) // 1024, one.most)]
    if growth is not None:
        bars.append(Bar(f"CPU, {clients:,} ÷ {clients // _FIFTH:,} clients", growth, _GROWTH))
    if one.seconds:
        bars.append(Bar("seconds", took.clock / SECOND, one.seconds))
    return line(what, f"{clients:,} clients", [took], "s", *bars)
