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

from lib.books import histories, issuing, payment_rules, payments, records
from lib.books.payment_rules import Allowed, Books
from lib.core import alerts, handed_file, storage
from lib.core.faults import Alert, Fault, Refused, printable
from lib.core.root import Root
from lib.inputs import settings
from lib.values import money

LARGEST = 10_000_000  # bytes of a file
_BOM = b"\xef\xbb\xbf"
_MOST = 100  # lines of a file that are told to be wrong

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
            print(printable(f"{file} was imported by finishing the run that had stopped"))
            return
        named = {row["client"] for row in rows.values()}
        books = payment_rules.open_books(root, sorted(named & set(histories.clients_of(root))))
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
        found = f"byte 0x{data[error.start]:02X} is not UTF-8; save the file as CSV UTF-8"
        raise cli.refuse("B-CSV-ENCODING", file, f"line {line}", found) from None
    rows: Rows = {}
    faults: Faults = []
    line = 0
    try:
        for line, cells in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), 1):
            if len(faults) >= _MOST:
                faults.append(_more(file, line))
                break
            if line == 1 and cells != columns:
                found = f"the first line is not {','.join(columns)}, with commas"
                raise cli.refuse("B-CSV-HEADER", file, "line 1", found)
            if line > 1 and len(cells) != len(columns):
                found = f"has {len(cells)} columns, expected {len(columns)}"
                faults.append((line, Alert("B-CSV-LINE", file, Fault(f"line {line}", found))))
            elif line > 1:
                given = dict(zip(columns, cells, strict=True))
                given = {key: value for key, value in given.items() if value}
                wrong = payment_rules.form_faults(given, "payment")
                for place, found in wrong:
                    alert = Alert("B-CSV-LINE", file, Fault(f"line {line}, {place}", found))
                    faults.append((line, alert))
                if not wrong:
                    rows[line] = given
    except csv.Error as error:
        line += 1
        faults.append(
            (line, Alert("B-CSV-LINE", file, Fault(f"line {line}", f"is not CSV: {error}")))
        )
    if not rows and not faults:
        raise cli.refuse("B-CSV-EMPTY", file, "", "has no payment: nothing to record")
    return rows, faults


def _more(file: str, line: int) -> tuple[int, Alert]:
    """Reading stops where enough is wrong: nobody reads a hundred lines of errors."""
    text = f"reading stopped after {_MOST} errors; correct these first"
    return line, Alert("B-CSV-LINE", file, Fault(f"line {line}", text))


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
    for line, given in rows.items():
        if len(faults) >= _MOST:
            faults.append(_more(file, line))
            break
        found = payment_rules.faults(root, books, payments.PAYMENT, given, today, allowed)
        for place, text in found:
            where = f"line {line}, {place}" if place else f"line {line}"
            faults.append((line, Alert("B-PAYMENT", file, Fault(where, text))))
        if not found:
            currency = books.invoices[given["invoice"]].currency
            new = payments.fact(payments.PAYMENT, given, currency)
            facts.setdefault(given["client"], []).append(new)
            payment_rules.take_in(books, payments.PAYMENT, given, f"line {line}")
    if faults:
        faults.sort(key=lambda fault: fault[0])
        raise Refused(alert for _, alert in faults)
    return facts


def report(root: Root, names: list[str], facts: list[records.Record]) -> None:
    """One line a payment, and a summary."""
    for name, fact in zip(names, facts, strict=True):
        about = f"{fact['amount']} {fact['currency']} for {fact['invoice']} on {fact['date']}"
        text = f"{name}: payment of {about}, {fact['method']}"
        alerts.write_log(
            root.logs, fact["client"], "INFO", "import_payments.py", "I-RECORDED", text
        )
        print(text)
    total = money.total(Decimal(fact["amount"]) for fact in facts)
    print(f"{alerts.counted(len(facts), 'payment')} recorded, {money.plain(total, 2)} in all")


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
