"""What the accountant gets of a period beside the PDFs: the tables, the FEC, the workbook, of a
year the report, and what each file and each code means.

One computation for the ZIP and for the audit of it.
"""

import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from lib.accounting import csv_tables, declarations, exports, fec
from lib.accounting.bookkeeping import FiscalYear
from lib.accounting.csv_tables import PAYMENTS, TABLES, TOTALS
from lib.books import histories, recurring
from lib.books.histories import History
from lib.core import messages, storage, workers
from lib.core.faults import Alert, Broken
from lib.core.root import Root
from lib.inputs.issuer_file import Issuer
from lib.inputs.settings import Settings
from lib.values import periods, territories
from lib.values.speech import Speech

_END = "\r\n"


class PackedBill(NamedTuple):
    """An invoice or a credit note whose PDF is packed."""

    client: str
    number: str
    pdf_sha256: str


class PeriodPart(NamedTuple):
    """What some clients have of it: the tables in their order, payments last, the FEC, what was
    issued, and what is declared."""

    tables: list[csv_tables.TablePart]
    fec: fec.FecPart
    bills: list[PackedBill]
    declared: declarations.BoxPart


def part(
    year: FiscalYear,
    chart: fec.Chart,
    period: str,
    config: Settings,
    clients: Iterable[Sequence[History]],
) -> PeriodPart:
    """What some clients have.

    Args:
      year: the fiscal year that the period is, or lies in.
      clients: the histories of each, in order of client.
    """
    days = _days(year, period)
    dates = periods.beginnings(period)
    ways = [*(table.of for table in TABLES.values()), csv_tables.payments]
    rows: list[list[csv_tables.Rows]] = [[] for _ in ways]
    bills: list[PackedBill] = []
    declared: list[declarations.BoxPart] = []

    def in_tables() -> Iterator[Sequence[History]]:
        for own in clients:
            for way, some in zip(ways, rows, strict=True):
                some.append(csv_tables.written(way(own, dates), config))
            bills.extend(
                PackedBill(bill.client, bill.number, bill.pdf_sha256)
                for history in own
                for bill in history.issued
                if bill.date.startswith(dates)
            )
            declared.append(declarations.part(period, [own]))
            yield own

    entries = fec.part(chart, year, days, in_tables())
    whole = declarations.joined(declared)
    return PeriodPart([_packed(csv_tables.part(some)) for some in rows], entries, bills, whole)


def _packed(part: csv_tables.TablePart) -> csv_tables.TablePart:
    """With its lines compressed, to wait in memory for its turn."""
    return part._replace(days={day: zlib.compress(data, 1) for day, data in part.days.items()})


def tables(
    parts: Iterable[PeriodPart], issuer: Issuer, year: FiscalYear, period: str, config: Settings
) -> Iterator[tuple[str, storage.Content]]:
    """The tables of the period, with their names.

    The FEC of a month has that month's entries under their numbers in the fiscal year. A
    seller without SIREN has none.

    Args:
      parts: in order of client.
    """
    parts = list(parts)
    for i, (name, table) in enumerate(TABLES.items()):
        rows = [part.tables[i] for part in parts]
        data, report = csv_tables.joined(table.columns, rows, config, zlib.decompress)
        yield f"{name}-{period}.csv", data
        yield f"{name}-{period}.totals.csv", report.totals.to_bytes(config)
    payments = [part.tables[-1] for part in parts]
    data, _ = csv_tables.joined(PAYMENTS, payments, config, zlib.decompress)
    yield f"payments-{period}.csv", data
    if issuer.party.siren:
        entries = [part.fec for part in parts]
        name = fec.file_name(issuer.party.siren, _days(year, period).end)
        yield name, partial(fec.joined, entries)
    if territories.of_address(issuer.party.address).state == declarations.STATE:
        whole = declarations.joined([part.declared for part in parts])
        boxes = declarations.declaration(issuer, period, whole)
        for suffix, content in declarations.tables(boxes, config).items():
            yield f"declaration-{period}.{suffix}", content
        yield from declarations.des_files(issuer, period, boxes).items()


def calculated(
    root: Root, issuer: Issuer, period: str, processes: int
) -> Iterator[tuple[str, storage.Content]]:
    """The workbook, and the report of a year, with their names, each made by a process that has
    its memory for itself.

    The report is as of the last day, and of these books alone, so that it changes no more than
    they do. A workbook that no sheet can hold is left out.

    Raises:
      Broken: after the last of them.
    """
    ways = {f"workbook-{period}.xlsx": workbook_of}
    if len(period) == len("2024"):
        ways[f"report-{period}.pdf"] = _report
    job = (root, issuer, period, exports.language("", issuer))
    done = workers.map_in_order(_calculated, job, ways.values(), processes, 1)
    faults: list[Alert] = []
    for name, (_, data) in zip(ways, done, strict=True):
        if isinstance(data, Broken):
            faults += data.alerts
        elif data is not None:
            yield name, data
    if faults:
        raise Broken(faults)


_Job = tuple[Root, Issuer, str, str]


def _calculated(job: _Job, way: Callable[..., bytes | None]) -> bytes | Broken | None:
    try:
        return way(*job)
    except Broken as broken:
        return broken


def workbook_of(root: Root, issuer: Issuer, period: str, language: str) -> bytes | None:
    """The workbook of a period in a language; None where no sheet can hold it."""
    from lib.accounting import frames, workbook  # import pandas

    clients = histories.by_client(root, histories.clients_of(root), "")
    gathered = frames.shares(frames.tables(own, period) for own in clients)
    with suppress(workbook.TooLong):
        return workbook.render(gathered, period, issuer.party.name, language)
    return None


def _report(root: Root, issuer: Issuer, period: str, language: str) -> bytes:
    from lib.accounting import report_pdf, year_report  # import pandas

    clients = histories.by_client(root, histories.clients_of(root), "")
    of_year = itertools.chain.from_iterable(clients)
    day = periods.last_day_of(period)
    figures = year_report.make(period, day, issuer, of_year, recurring.read(root))
    return report_pdf.render(figures, issuer, Speech(language))


def with_readme(
    files: Iterable[tuple[str, storage.Content]], issuer: Issuer, period: str, config: Settings
) -> Iterator[tuple[str, storage.Content]]:
    """The files, each taken before the next is made, and the one that says what they are."""
    names = []
    for file in files:
        names.append(file[0])
        yield file
        del file  # what it was made of is let go before the next one is made
    yield readme(names, issuer, period, config)


def readme(
    names: Iterable[str], issuer: Issuer, period: str, config: Settings
) -> tuple[str, bytes]:
    """The file that says what those of these names are, with its name."""
    language = exports.language("", issuer)
    name = messages.words(language)["words"]["readme_name"]
    return name, _readme(sorted(names), issuer.party.name, period, language, config)


def _readme(
    names: Sequence[str], seller: str, period: str, language: str, config: Settings
) -> bytes:
    """What each file is and what each column and code of the CSV files means."""
    words, written = messages.words(language), messages.words(config.csv_headers)
    files = [(name, words["file_help"][_kind(name)]) for name in names]
    files += [("invoices/", words["file_help"]["invoices"])]
    files += [("SHA256SUMS", words["file_help"]["sums"])]
    tables = {
        **{f"{name}-{period}.csv": table.columns for name, table in TABLES.items()},
        "*.totals.csv": TOTALS,
        f"payments-{period}.csv": PAYMENTS,
        f"declaration-{period}.csv": declarations.FIGURES,
        f"declaration-{period}.documents.csv": declarations.DOCUMENTS,
    }
    columns = []
    for table, own in tables.items():
        headings = [column.heading or column.name for column in own]
        columns += [(table, "")]
        columns += [(f"  {written['columns'][key]}", words["column_help"][key]) for key in headings]
    chapters = {
        "readme_files": files,
        "readme_columns": columns,
        "readme_codes": [
            (written["codes"].get(code, code), text) for code, text in words["code_help"].items()
        ],
    }
    lines = [f"{seller}, {period}", "", words["words"]["readme_intro"]]
    for key, entries in chapters.items():
        lines += ["", words["words"][key], ""]
        width = max(len(name) for name, _ in entries) + 2
        lines += [f"{name:{width}}{text}".rstrip() for name, text in entries]
    return _END.join([*lines, ""]).encode()


def _kind(name: str) -> str:
    """What a file is, as "file_help" of the languages has it."""
    if name.endswith(".totals.csv"):
        return "totals"
    if name.endswith(".documents.csv"):
        return "documents"
    return "fec" if name.endswith(".txt") else name.partition("-")[0]


def _days(year: FiscalYear, period: str) -> FiscalYear:
    """The days of a fiscal year that the FEC of a period has."""
    if len(period) == len("2024"):
        return year
    first, last = periods.first_day_of(period), periods.last_day_of(period)
    return FiscalYear(first.isoformat(), last.isoformat())
