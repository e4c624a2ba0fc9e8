#!/usr/bin/env python3
"""Reads a bank statement (camt, OFX, CFONB 120, MT940, CSV) and proposes payments; records nothing.

Writes two files to exports/payments/: statement-<hash>.proposed.csv, for `make
payments-import`, with what names open invoices and pays exactly what is outstanding of them;
statement-<hash>.review.csv with all other incoming amounts, each with the reason, for a person
to write client and invoice on. docs/statements.md has the rules.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.core import cli
from lib.core.faults import Alert, Fault, Refused, WrongUsage, printable


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--file", type=Path, required=True, help="statement.xml")
    options.add_argument(
        "--bank", default="", help="whose CSV it is, as bank_files in issuer.json says"
    )
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from collections.abc import Iterable
from decimal import Decimal

from lib.bank import bank_csv, camt, cfonb, matching, ofx, payment_files, statements
from lib.bank.matching import Matched
from lib.bank.statements import BankMovement, File, StatementError
from lib.books import histories, issuing, recording
from lib.core import foreign_files, handed_file, lock, storage
from lib.core.messages import Message, say
from lib.core.root import Root
from lib.inputs import inputs, settings
from lib.inputs.bank_files import BankFile
from lib.inputs.issuer_file import Issuer
from lib.values import money

LARGEST = 20_000_000  # bytes of a statement


def main(arguments: Namespace, root: Root) -> None:
    """The story of a statement."""
    data = handed_file.read(arguments.file, LARGEST)
    name = str(arguments.file)
    issuer = inputs.load_issuer(root)
    bank = bank_of(arguments.bank, issuer)
    try:
        file = read(data, arguments.bank, issuer)
        movements = statements.check(file)
    except StatementError as error:
        raise Refused(Alert("B-STATEMENT", name, fault) for fault in error.faults) from None
    config = settings.load(root)
    with lock.exclusive(root, "read_statement", config.lock_wait):
        issuing.finish_stopped_runs(root)
        clients = histories.clients_of(root)
        each = (recording.open_books(root, [client]) for client in clients)
        known = matching.known(each, movements)
        result = matching.match(movements, known)
        stem = f"statement-{storage.sha256(data)[:12]}"
        folder = root.exports / "payments"
        proposed = folder / f"{stem}.proposed{config.csv_once}.csv"
        review = folder / f"{stem}.review{config.csv_once}.csv"
        storage.update_derived(proposed, payment_files.proposed(result.proposed, config))
        to_review = payment_files.review(result.review, known.books, config)
        storage.update_derived(review, to_review)
    heading = say("{number} movements in {file}", number=len(movements), file=name)
    strangers = of_other_accounts(file, bank, issuer)
    for line in [
        heading,
        *file.notes,
        *statements.gaps(file),
        *strangers,
        *incoming(movements, result),
    ]:
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


def bank_of(name: str, issuer: Issuer) -> BankFile | None:
    """What issuer.json says of the bank that was typed; None if none was."""
    if name and name not in issuer.bank_files:
        known = tuple(issuer.bank_files) or (say("none"),)
        found = say(
            '"{name}" is not in bank_files of issuer.json, which has {known}',
            name=name,
            known=known,
        )
        raise WrongUsage([Alert("B-USAGE", "", Fault("BANK", found))])
    return issuer.bank_files.get(name)


def read(data: bytes, name: str, issuer: Issuer) -> File:
    """The file, by the reader of its format, which it says at its head; CSV by its bank's form."""
    if ofx.is_ofx(data):
        return ofx.read(data)
    if cfonb.is_cfonb(data):
        return cfonb.read(data)
    if camt.is_xml(data):
        return camt.read(data)
    from lib.bank import mt940  # loads a library that no other format needs

    if mt940.is_mt940(data):
        return mt940.read(data)
    forms = [key for key, form in issuer.bank_files.items() if form.columns]
    if name in forms:
        form = issuer.bank_files[name]
        return bank_csv.read(data, form, form.iban or name)
    remedy = say(
        "for a CSV, say its form in bank_files of issuer.json (docs/statements.md) and type"
        " BANK=its name"
    )
    if forms and not name:
        banks = tuple(f"BANK={key}" for key in forms)
        remedy = say("for a CSV, say whose it is: {banks}", banks=banks)
    if kind := foreign_files.kind(data):
        found = say("is {kind}, not a statement", kind=kind)
        raise statements.refusal(found, remedy=say("download it as camt.053, OFX or CFONB 120"))
    found = say("does not say what it is, as XML, OFX, CFONB 120 and MT940 do")
    raise statements.refusal(found, remedy=remedy)


def of_other_accounts(file: File, bank: BankFile | None, issuer: Issuer) -> list[Message]:
    """Which accounts of a file are not known as ours, where any of ours is known."""
    ours = [form.iban for form in issuer.bank_files.values() if form.iban]
    ours += [issuer.bank.iban] if issuer.bank else []
    if bank and bank.iban:
        ours = [bank.iban]
    accounts = dict.fromkeys(
        movement.account for entry in file.entries for movement in entry.movements
    )
    return [
        say(
            "account {account} is neither bank.iban nor an iban of bank_files in issuer.json",
            account=account,
        )
        for account in accounts
        if any(char.isdigit() for char in account)
        and ours
        and not any(statements.is_account(account, iban) for iban in ours)
    ]


def incoming(movements: Iterable[BankMovement], result: Matched) -> list[Message]:
    """For each currency what came in, and what became of it: the parts add up to the whole."""
    came_in = _sums((item.currency, item.amount) for item in movements if item.credit)
    groups = {
        "proposed": _sums((item.movement.currency, item.amount) for item in result.proposed),
        "review": _sums(
            (item.movement.currency, item.movement.amount)
            for item in result.review
            if item.movement.credit
        ),
        "recorded": _sums((item.currency, item.amount) for item in result.recorded),
    }
    parts = [(currency, amount) for sums in groups.values() for currency, amount in sums.items()]
    assert _sums(parts) == came_in
    return [
        say(
            "{total} {currency} came in, of which {proposed} proposed, {review} to review,"
            " {recorded} recorded already",
            total=money.shown(total, 2),
            currency=currency,
            **{
                name: money.shown(sums.get(currency, money.ZERO), 2)
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
