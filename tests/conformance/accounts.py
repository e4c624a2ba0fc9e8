"""Judges of what the accountant gets: hledger, ledger, beancount, and LibreOffice for the CSV."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from beancount import loader
from beancount.core import realization
from lxml import etree

from conformance import court
from conformance.corpus import YEAR
from conformance.court import Corpus, Report
from lib.core.root import Root

_RECEIVABLE = "Assets:Receivable:"
_DEPOSITS = "Liabilities:Deposits"


def hledger(corpus: Corpus) -> Report:
    """Reads the journal strictly; its balances are those of data/balance/."""
    command = ("hledger", "bal", "--flat", "--no-total", "--strict", _RECEIVABLE, _DEPOSITS, "-f")
    return _journal(corpus, *command)


def ledger(corpus: Corpus) -> Report:
    """Reads the journal pedantically; its balances are those of data/balance/."""
    command = ("ledger", "bal", "--flat", "--no-total", "--pedantic", _RECEIVABLE, _DEPOSITS, "-f")
    return _journal(corpus, *command)


def beancount(corpus: Corpus) -> Report:
    """Finds no error in the file; its balances are those of data/balance/."""
    report = Report("balances of clients")
    for root in corpus.roots:
        path = root.path / f"exports/ledger/{YEAR}.beancount"
        entries, errors, _ = loader.load_file(str(path))
        report.errors += [f"{path}: {error.message}" for error in errors]
        found = {}
        for account in realization.iter_children(realization.realize(entries)):
            amount = account.balance.get_currency_units("EUR").number
            if account.account.startswith((_RECEIVABLE, _DEPOSITS)) and amount:
                found[account.account] = amount
        # Beancount allows no underscore and wants a capital.
        wanted = {
            name[0].upper() + name[1:].replace("_", "-"): amount
            for name, amount in _wanted(root).items()
        }
        _compare(report, path, found, wanted)
    return report


def _journal(corpus: Corpus, *command: str) -> Report:
    report = Report("balances of clients")
    for root in corpus.roots:
        path = root.path / f"exports/ledger/{YEAR}.journal"
        done = court.run(*command, path)
        if done.returncode or done.stderr:
            report.errors.append(f"{path}: {court.said(done)}")
            continue
        rows = [line.split() for line in done.stdout.decode().splitlines()]
        found = {account: Decimal(amount) for amount, _, account in rows}
        _compare(report, path, found, _wanted(root))
    return report


def _wanted(root: Root) -> dict[str, Decimal]:
    return {**_outstanding(root), _DEPOSITS: -_on_deposits(root)}


def _on_deposits(root: Root) -> Decimal:
    """What of deposits no final invoice has taken off, without VAT, by the records."""
    left: dict[str, Decimal] = {}
    for path in sorted((root.data / "revenues").glob("*.jsonl")):
        for line in path.read_text().splitlines():
            record = json.loads(line)
            net, corrected = Decimal(record.get("net", 0)), record.get("corrects", "")
            if record.get("type") == "386":
                left[record["number"]] = net
            elif corrected in left:
                left[corrected] = max(left[corrected] - net, Decimal(0))
            for deposit in record.get("deposits", ()):
                taken = sum(Decimal(share["net"]) for share in deposit["breakdown"])
                left[deposit["number"]] += taken if corrected else -taken
    return sum(left.values(), Decimal(0))


def _outstanding(root: Root) -> dict[str, Decimal]:
    """What each client owes, less what is owed to it, by data/balance/."""
    sums: Counter[str] = Counter()
    for path in sorted((root.data / "balance").glob("*.json")):
        for invoice in json.loads(path.read_text())["invoices"]:
            sums[path.stem] += Decimal(invoice["outstanding"])
    return dict(sums)


def _compare(
    report: Report, path: Path, found: dict[str, Decimal], wanted: dict[str, Decimal]
) -> None:
    """Adds to the report each client whose two balances differ; 0.00 may be left out."""
    by_client = {account.removeprefix(_RECEIVABLE): amount for account, amount in found.items()}
    report.judged += len(wanted)
    for client in sorted(wanted.keys() | by_client.keys()):
        here, there = by_client.get(client, 0), wanted.get(client, 0)
        if here != there:
            report.errors.append(f"{path}: {client} is at {here}, the records say {there}")


# --- the spreadsheet -----------------------------------------------------------------

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
# Separator, quotes, UTF-8, first line, no forced formats, language, all cells as typed by hand.
_FILTERS = {"fr": "59,34,76,1,,1036,false,true", "rfc4180": "44,34,76,1,,1033,false,true"}
_AMOUNTS = ("net", "vat", "gross", "amount", "vat_rate")
_DATES = ("date", "due_date", "tax_point")


def libreoffice(corpus: Corpus) -> Report:
    """Opens each CSV in its dialect's language: amounts are numbers, dates dates, texts texts."""
    report = Report("cells")
    for root in corpus.roots:
        for dialect, options in _FILTERS.items():
            folder = root.path / "sheets" / dialect
            files = sorted(folder.glob("*.csv"))
            if not files:  # soffice would wait for a user
                continue
            with TemporaryDirectory() as out:
                done = court.run(
                    "soffice",
                    f"-env:UserInstallation=file://{out}/profile",
                    "--headless",
                    f"--infilter=CSV:{options}",
                    "--convert-to",
                    "fods",
                    "--outdir",
                    out,
                    *files,
                )
                for file in files:
                    opened = Path(out) / f"{file.stem}.fods"
                    if opened.exists():
                        _compare_cells(report, file, dialect, opened)
                    else:
                        report.errors.append(f"{file}: not opened: {court.said(done)}")
    return report


def _compare_cells(report: Report, file: Path, dialect: str, opened: Path) -> None:
    separator = {"fr": ";", "rfc4180": ","}[dialect]
    text = file.read_bytes().decode("utf-8-sig")
    header, *rows = csv.reader(text.splitlines(), delimiter=separator, strict=True)
    found = list(_rows(opened))
    if len(found) != len(rows) + 1:
        report.errors.append(f"{file}: {len(found)} rows were read, {len(rows) + 1} written")
    for line, (row, cells) in enumerate(zip(rows, found[1:], strict=False), 2):
        for i, (column, value) in enumerate(zip(header, row, strict=True)):
            kind, read = cells[i] if i < len(cells) else ("", "")
            if column in _AMOUNTS and value:
                right = kind == "float" and Decimal(read) == Decimal(value.replace(",", "."))
            elif column in _DATES and len(value) == len("2026-10-31"):  # of a total: a month
                right = (kind, read) == ("date", value)
            else:
                right = (kind, read) == ("string" if value else "", value)
            report.judged += 1
            if not right:
                report.errors.append(f"{file}: line {line}: {column} {value!r}: {kind} {read!r}")


def _rows(opened: Path) -> Iterator[list[tuple[str, str]]]:
    """The rows of a sheet, without empty ones at its end: type and value of each cell."""
    for row in etree.parse(opened).iter(f"{_TABLE}table-row"):
        cells: list[tuple[str, str]] = []
        for cell in row.iter(f"{_TABLE}table-cell"):
            kind = cell.get(f"{_OFFICE}value-type", "")
            text = "".join("".join(line.itertext()) for line in cell.iter(f"{_TEXT}p"))
            value = cell.get(f"{_OFFICE}value") or cell.get(f"{_OFFICE}date-value") or text
            # Empty cells at the end of a row stand for a thousand others.
            times = int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
            cells += [(kind, value)] * min(times, 100)
        if any(kind for kind, _ in cells):
            yield from [cells] * min(int(row.get(f"{_TABLE}number-rows-repeated", "1")), 1000)
