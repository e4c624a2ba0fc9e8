#!/usr/bin/env python3
"""Records many payments at once from a CSV file: all of them or none.

UTF-8, commas, quotes doubled inside quotes (RFC 4180); the first line is
client,invoice,amount,date,method,reference,note. docs/statements.md describes it.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    made.add_argument("--file", type=Path, required=True, help="payments.csv")
    made.add_argument("--again", type=cli.yes, default=False, help="yes: the same once more")
    made.add_argument("--overpayment", type=cli.yes, default=False, help="yes: more than is due")
    cli.add_today(made)
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import csv
import io
from datetime import date
from decimal import Decimal

from lib.books import histories, issuing, payment_rules, payments, recording, records
from lib.books.payment_rules import Allowed, Books
from lib.core import handed_file, storage
from lib.core.faults import Alert, Fault, Refused, printable
from lib.core.messages import counted, say
from lib.core.root import Root
from lib.inputs import settings
from lib.values import money

LARGEST = 10_000_000  # bytes of a file
_BOM = b"\xef\xbb\xbf"
_MOST = 100  # faults of a file that are reported

Rows = dict[int, dict[str, str]]  # by the number that a spreadsheet shows
Faults = list[tuple[int, Alert]]  # with that number


def main(arguments: Namespace, root: Root) -> None:
    """The story of an import."""
    data = handed_file.read(arguments.file, LARGEST)
    file = str(arguments.file)
    rows, misshapen = read_rows(file, data)
    command = f"import_payments {storage.sha256(data)}"
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        if run.just_finished:
            finished = say("{file} was imported by finishing the run that had stopped", file=file)
            print(printable(str(finished)))
            return
        named = {row["client"] for row in rows.values()}
        books = recording.open_books(root, sorted(named & set(histories.clients_of(root))))
        allowed = Allowed(arguments.again, arguments.overpayment)
        facts = decide(root, file, books, rows, misshapen, arguments.today, allowed)
        names = [
            name
            for client, new in facts.items()
            for name in payments.record(run, books.chains[client], new)
        ]
        run.commit()
    report(root, names, [fact for new in facts.values() for fact in new])


def read_rows(file: str, data: bytes) -> tuple[Rows, Faults]:
    """The lines of the file that are of the right form, and what is wrong with the others.

    Raises:
      Refused: for a file that is not read by lines at all, or has none.
    """
    columns = payments.COLUMNS
    try:
        text = data.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        byte = say("byte 0x{byte} is not UTF-8", byte=f"{data[error.start]:02X}")
        odd = Fault(f"line {line}", byte, remedy=say("save the file as CSV UTF-8"))
        raise Refused([Alert("B-CSV-ENCODING", file, odd)]) from None
    rows: Rows = {}
    faults: Faults = []
    line = 0
    try:
        for line, cells in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), 1):
            if len(faults) >= _MOST:
                faults.append(_more(file, line))
                break
            if line == 1 and cells != columns:
                found = say("the first line is not {line}, with commas", line=",".join(columns))
                raise Refused([Alert("B-CSV-HEADER", file, Fault("line 1", found))])
            if line > 1 and len(cells) != len(columns):
                found = say(
                    "has {cells} columns, expected {columns}",
                    cells=len(cells),
                    columns=len(columns),
                )
                faults.append((line, Alert("B-CSV-LINE", file, Fault(f"line {line}", found))))
            elif line > 1:
                facts = {key: value for key, value in zip(columns, cells, strict=True) if value}
                wrong = payment_rules.form_faults(facts, "payment")
                faults += [(line, _alert("B-CSV-LINE", file, line, fault)) for fault in wrong]
                if not wrong:
                    rows[line] = facts
    except csv.Error as error:
        line += 1
        broken = Fault(f"line {line}", say("is not CSV: {why}", why=str(error)))
        faults.append((line, Alert("B-CSV-LINE", file, broken)))
    if not rows and not faults:
        empty = Fault("", say("has no payment: nothing to record"))
        raise Refused([Alert("B-CSV-EMPTY", file, empty)])
    return rows, faults


def _alert(code: str, file: str, line: int, fault: Fault) -> Alert:
    place = f"line {line}, {fault.place}" if fault.place else f"line {line}"
    return Alert(code, file, fault._replace(place=place))


def _more(file: str, line: int) -> tuple[int, Alert]:
    """Reading stops where enough is wrong: nobody reads a hundred lines of errors."""
    found = say("reading stopped after {errors} errors", errors=_MOST)
    stopped = Fault(f"line {line}", found, remedy=say("correct these first"))
    return line, Alert("B-CSV-LINE", file, stopped)


def decide(
    root: Root,
    file: str,
    books: Books,
    rows: Rows,
    misshapen: Faults,
    today: date,
    allowed: Allowed,
) -> dict[str, list[records.Record]]:
    """The lines to record for each client, each row seen after those above it.

    A row that is refused counts for nothing below it: payments only use up what is
    outstanding, so that no row is refused for want of another.

    Raises:
      Refused: with everything that is wrong with any row, in their order.
    """
    facts: dict[str, list[records.Record]] = {}
    faults = [*misshapen]
    for line, row in rows.items():
        if len(faults) >= _MOST:
            faults.append(_more(file, line))
            break
        wrong = recording.faults(root, books, payments.PAYMENT, row, today, allowed)
        faults += [(line, _alert("B-PAYMENT", file, line, fault)) for fault in wrong]
        if not wrong:
            currency = books.invoices[row["invoice"]].currency
            new = payments.fact(payments.PAYMENT, row, currency)
            facts.setdefault(row["client"], []).append(new)
            payment_rules.take_in(books, payments.PAYMENT, row, say("line {line}", line=line))
    if faults:
        faults.sort(key=lambda fault: fault[0])
        raise Refused(alert for _, alert in faults)
    return facts


def report(root: Root, names: list[str], facts: list[records.Record]) -> None:
    """One line a payment, and a summary."""
    for name, fact in zip(names, facts, strict=True):
        values = {key: fact[key] for key in ("amount", "currency", "invoice", "date", "method")}
        recorded = say(
            "{name}: payment of {amount} {currency} for {invoice} on {date}, {method}",
            name=name,
            **values,
        )
        recording.report(root, fact["client"], "import_payments.py", recorded)
    total = money.plain(money.total(Decimal(fact["amount"]) for fact in facts), 2)
    print(
        say(
            "{payments} recorded, {total} in all",
            payments=counted(len(facts), "1 payment", "{number} payments"),
            total=total,
        )
    )


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
