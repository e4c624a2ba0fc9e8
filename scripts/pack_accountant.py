#!/usr/bin/env python3
"""One ZIP for the accountant: exports/accountant/accountant-2024.zip, or -2024-03.zip.

In it: the workbook, of a year the report, money received, revenues and VAT due with their
totals, the payments, the FEC, the PDF of every invoice and credit note issued in the period, what
each file and code means (LISEZMOI.txt), and the SHA-256 of each of these files (`sha256sum -c
SHA256SUMS` checks them). Nothing is compressed and every file has the same
time and mode, so that the same records give the same bytes on every machine.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    cli.add_period(options, quarter_too=True)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()
    cli.leave_if_done(ARGUMENTS, "accountant")

from functools import partial
from pathlib import Path

from lib.accounting import accountant, bookkeeping, exports, fec
from lib.books import closed_periods, histories, proofs, recurring, revenues
from lib.books.histories import IssuedDocument
from lib.core import storage
from lib.core.faults import Alert, Broken, collecting
from lib.core.messages import counted, say
from lib.core.root import Root
from lib.documents import packages
from lib.inputs import client_files, inputs


def main(arguments: Namespace, root: Root) -> None:
    """Checks every PDF against the records, then writes one file."""
    period = arguments.period
    issuer = inputs.load_issuer(root)
    with exports.held(root, f"pack_accountant {period}") as config:
        closed = closed_periods.read(root)
        year = bookkeeping.fiscal_year(period, issuer.fiscal_year_end, closed)
        chart = fec.chart(issuer.accounts, client_files.accounts(root), closed)
        work = partial(accountant.part, year, chart, period, config)
        parts = exports.of_shares(root, work, "", config)
        bills = [bill for part in parts for bill in part.bills]
        bills.sort(key=lambda bill: (bill.client, bill.number))
        _check(root, bills)
        target = exports.path_of(root, f"accountant/accountant-{period}.zip", config.csv_once)
        clients = histories.by_client(root, histories.clients_of(root), "")
        of_plans = recurring.read(root)
        tables = accountant.files(parts, clients, of_plans, issuer, year, period, config)
        changed = pack(root, target, tables, bills)
    name = root.name_of(target)
    print(name if changed else say("{file}: as it was", file=name))
    documents = counted(
        len(bills), "1 invoice or credit note", "{number} invoices and credit notes"
    )
    print(say("{period}: {documents}", period=period, documents=documents))


def _pdf(root: Root, bill: IssuedDocument) -> Path:
    return revenues.proof_path(root, revenues.DIRECT, bill.client, bill.number, "pdf")


def _check(root: Root, bills: list[IssuedDocument]) -> None:
    faults: list[Alert] = []
    for bill in bills:
        with collecting(faults):
            proofs.check(root, _pdf(root, bill), bill.pdf_sha256, bill.client)
    if faults:
        raise Broken(faults)


def pack(root: Root, target: Path, files: dict[str, bytes], bills: list[IssuedDocument]) -> bool:
    """Writes the ZIP whole or not at all; where its bytes would not change, renews its time.

    Returns:
      whether the bytes changed.
    """
    sums = {name: storage.sha256(data) for name, data in files.items()}
    sums |= {_name(bill): bill.pdf_sha256 for bill in bills}
    listed = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))
    texts = {**files, "SHA256SUMS": listed.encode()}
    contents: dict[str, packages.Content]
    contents = {name: partial(bytes, data) for name, data in texts.items()}
    contents |= {_name(bill): partial(storage.read, _pdf(root, bill)) for bill in bills}
    inside = {f"{target.stem}/{name}": content for name, content in contents.items()}
    return packages.write(target, inside, mode=packages.WRITABLE)


def _name(bill: IssuedDocument) -> str:
    return f"invoices/{bill.client}/{bill.number}.pdf"


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "accountant", is_apart=exports.is_for_once)
