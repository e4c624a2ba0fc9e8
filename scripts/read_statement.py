#!/usr/bin/env python3
"""Reads a bank statement (camt, OFX, CFONB 120, MT940) and proposes payments; records nothing.

Writes two files to exports/payments/: statement-<hash>.proposed.csv, for `make
payments-import`, with what names open invoices and pays exactly what is outstanding of them;
statement-<hash>.review.csv with all other incoming amounts, each with the reason, for a person
to write client and invoice on. docs/statements.md has the rules.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.core import cli
from lib.core.faults import Alert, Refused, printable


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--file", type=Path, required=True, help="statement.xml")
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from collections.abc import Iterable
from decimal import Decimal

from lib.bank import camt, cfonb, matching, ofx, payment_files, statements
from lib.bank.matching import Matched
from lib.bank.statements import File, Movement, StatementError
from lib.books import histories, issuing, recording
from lib.core import handed_file, lock, storage
from lib.core.messages import Message, say
from lib.core.root import Root
from lib.inputs import settings
from lib.values import money

LARGEST = 20_000_000  # bytes of a statement


def main(arguments: Namespace, root: Root) -> None:
    """The story of a statement."""
    data = handed_file.read(arguments.file, LARGEST)
    name = str(arguments.file)
    try:
        file = read(data)
        movements = statements.check(file)
    except StatementError as error:
        raise Refused(Alert("B-STATEMENT", name, fault) for fault in error.faults) from None
    config = settings.load(root)
    with lock.exclusive(root, "read_statement", config.lock_wait):
        issuing.finish_stopped_runs(root)
        books = recording.open_books(root, histories.clients_of(root))
        result = matching.match(movements, matching.known(books))
        stem = f"statement-{storage.sha256(data)[:12]}"
        folder = root.exports / "payments"
        proposed = folder / f"{stem}.proposed{config.csv_once}.csv"
        review = folder / f"{stem}.review{config.csv_once}.csv"
        storage.update_derived(proposed, payment_files.proposed(result.proposed, config))
        to_review = payment_files.review(result.review, books.invoices, config)
        storage.update_derived(review, to_review)
    heading = say("{number} movements in {file}", number=len(movements), file=name)
    for line in [heading, *file.notes, *incoming(movements, result)]:
        print(printable(str(line)))
    print(say("{number} proposed in {file}", number=len(result.proposed), file=str(proposed)))
    print(say("{number} to review in {file}", number=len(result.review), file=str(review)))
    print(
        say(
            "{recorded} recorded already, {outgoing} outgoing",
            recorded=len(result.recorded),
            outgoing=len(result.outgoing),
        )
    )
    if result.proposed:
        command = f"make payments-import ROOT={root.path} FILE={proposed}"
        print(say("record them: {command}", command=command))
    if result.review:
        command = f"make payments-import ROOT={root.path} FILE={review}"
        print(
            say(
                "write client and invoice on the lines that pay one, then {command}",
                command=command,
            )
        )


def read(data: bytes) -> File:
    """The file, by the reader of its format, which it says at its head."""
    if ofx.is_ofx(data):
        return ofx.read(data)
    if cfonb.is_cfonb(data):
        return cfonb.read(data)
    if camt.is_xml(data):
        return camt.read(data)
    from lib.bank import mt940  # loads a library that no other format needs

    if mt940.is_mt940(data):
        return mt940.read(data)
    formats = say("expected camt.053, camt.052, camt.054, OFX, CFONB 120, MT940")
    raise statements.refusal(say("is not a statement"), expected=formats)


def incoming(movements: Iterable[Movement], result: Matched) -> list[Message]:
    """For each currency what came in, and what became of it: the parts add up to the whole."""
    came_in = _sums((one.currency, one.amount) for one in movements if one.credit)
    groups = {
        "proposed": _sums((one.movement.currency, one.amount) for one in result.proposed),
        "review": _sums(
            (one.movement.currency, one.movement.amount)
            for one in result.review
            if one.movement.credit
        ),
        "recorded": _sums((one.currency, one.amount) for one in result.recorded),
    }
    parts = [(currency, amount) for sums in groups.values() for currency, amount in sums.items()]
    assert _sums(parts) == came_in
    return [
        say(
            "{total} {currency} came in, of which {proposed} proposed, {review} to review,"
            " {recorded} recorded already",
            total=money.plain(total, 2),
            currency=currency,
            **{
                name: money.plain(sums.get(currency, money.ZERO), 2)
                for name, sums in groups.items()
            },
        )
        for currency, total in sorted(came_in.items())
    ]


def _sums(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, money.ZERO) + amount
    return sums


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
