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

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from lib.accounting import accountant, bookkeeping, exports, fec
from lib.accounting.accountant import PackedBill, PeriodPart
from lib.accounting.bookkeeping import FiscalYear
from lib.books import closed_periods, proofs, revenues
from lib.core import storage
from lib.core.faults import Alert, Broken, collecting
from lib.core.messages import counted, say
from lib.core.root import Root
from lib.documents import packages
from lib.inputs import client_files, inputs
from lib.inputs.issuer_file import Issuer
from lib.inputs.settings import Settings

_WORTH_WORKERS = 2_000  # documents; of fewer, all is made before workers have started


def main(arguments: Namespace, root: Root) -> None:
    """Checks every PDF against the records, then writes one file."""
    period = arguments.period
    issuer = inputs.load_issuer(root)
    bills: list[PackedBill] = []
    with exports.held(root, f"pack_accountant {period}") as config, TemporaryFile() as kept:
        target = exports.path_of(root, f"accountant/accountant-{period}.zip", config.csv_once)
        closed = closed_periods.read(root)
        year = bookkeeping.fiscal_year(period, issuer.fiscal_year_end, closed)
        chart = fec.chart(issuer.accounts, client_files.accounts(root), closed)
        work = partial(accountant.part, year, chart, period, config)
        parts = _checked(root, exports.each_share(root, work, "", config), bills)
        files = accountant.with_readme(
            _files(root, parts, bills, issuer, year, period, config), issuer, period, config
        )
        changed = pack(root, target, _keep(kept, files), bills)
    name = root.name_of(target)
    print(name if changed else say("{file}: as it was", file=name))
    documents = counted(
        len(bills), "1 invoice or credit note", "{number} invoices and credit notes"
    )
    print(say("{period}: {documents}", period=period, documents=documents))


def _files(
    root: Root,
    parts: Iterable[PeriodPart],
    bills: Sequence[PackedBill],
    issuer: Issuer,
    year: FiscalYear,
    period: str,
    config: Settings,
) -> Iterator[tuple[str, storage.Content]]:
    yield from accountant.tables(parts, issuer, year, period, config)
    processes = config.workers if len(bills) > _WORTH_WORKERS else 1
    yield from accountant.calculated(root, issuer, period, processes)


def _checked(
    root: Root, parts: Iterable[PeriodPart], bills: list[PackedBill]
) -> Iterator[PeriodPart]:
    """The parts, and their bills in order of client and number, each with its PDF.

    Raises:
      Broken: after the last part, for every PDF that is not the one of the records.
    """
    for part in parts:
        bills += part.bills
        yield part._replace(bills=[])
    bills.sort()
    faults: list[Alert] = []
    for bill in bills:
        with collecting(faults):
            proofs.check(root, _pdf(root, bill), bill.pdf_sha256, bill.client)
    if faults:
        raise Broken(faults)


def _pdf(root: Root, bill: PackedBill) -> Path:
    return revenues.proof_path(root, revenues.DIRECT, bill.client, bill.number, "pdf")


class KeptFile(NamedTuple):
    """A file that waits to be packed: where it stands among others, and its SHA-256."""

    stream: IO[bytes]
    begin: int
    size: int
    sha256: str

    def pieces(self) -> Iterator[bytes]:
        """Its bytes."""
        self.stream.seek(self.begin)
        return storage.pieces_of(self.stream, self.size)


def _keep(stream: IO[bytes], files: Iterable[tuple[str, storage.Content]]) -> dict[str, KeptFile]:
    """Files by name, in one without a name: memory would hold too much of a long year."""
    kept = {}
    for name, content in files:
        begin, digest = stream.tell(), hashlib.sha256()
        for piece in storage.pieces(content):
            stream.write(piece)
            digest.update(piece)
        kept[name] = KeptFile(stream, begin, stream.tell() - begin, digest.hexdigest())
        del content  # before the next one is made
    return kept


def pack(root: Root, target: Path, files: dict[str, KeptFile], bills: list[PackedBill]) -> bool:
    """Writes the ZIP whole or not at all; where its bytes would not change, renews its time.

    Returns:
      whether the bytes changed.
    """
    sums = [(name, file.sha256) for name, file in files.items()]
    sums += [(_name(bill), bill.pdf_sha256) for bill in bills]
    listed = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums)).encode()
    contents: dict[str, packages.Content] = {"SHA256SUMS": partial(bytes, listed)}
    contents |= {name: file.pieces for name, file in files.items()}
    contents |= {_name(bill): partial(_read, root, bill) for bill in bills}
    inside = {f"{target.stem}/{name}": content for name, content in contents.items()}
    return packages.write(target, inside, mode=packages.WRITABLE)


def _read(root: Root, bill: PackedBill) -> bytes:
    return storage.read(_pdf(root, bill))


def _name(bill: PackedBill) -> str:
    return f"invoices/{bill.client}/{bill.number}.pdf"


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "accountant", is_apart=exports.is_for_once)
