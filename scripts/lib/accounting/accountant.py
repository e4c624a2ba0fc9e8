"""What the accountant gets of a period beside the PDFs: the tables, the FEC, the workbook, of a
year the report, and what each file and each code means.

One computation for the ZIP and for the audit of it.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from lib.accounting import (
    csv_tables,
    declarations,
    exports,
    fec,
    frames,
    report_pdf,
    workbook,
    year_report,
)
from lib.accounting.bookkeeping import FiscalYear
from lib.accounting.csv_tables import PAYMENTS, TABLES, TOTALS
from lib.books.histories import History, IssuedDocument
from lib.books.record_lines import RecurringRevenue
from lib.core import messages, storage
from lib.inputs.issuer_file import Issuer
from lib.inputs.settings import Settings
from lib.values import periods, territories
from lib.values.speech import Speech

_END = "\r\n"


class PeriodPart(NamedTuple):
    """What some clients have of it: the tables in their order, payments last, those of the
    workbook, the FEC, what was issued, and what is declared."""

    tables: list[csv_tables.TablePart]
    cells: frames.Gathered
    fec: fec.FecPart
    bills: list[IssuedDocument]
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
    ways = {**{name: table.of for name, table in TABLES.items()}, "payments": csv_tables.payments}
    rows: list[list[csv_tables.Rows]] = [[] for _ in ways]
    tables: list[dict[str, csv_tables.Table]] = []
    bills: list[IssuedDocument] = []
    declared: list[declarations.BoxPart] = []

    def in_tables() -> Iterator[Sequence[History]]:
        for histories in clients:
            reports = {name: way(histories, dates) for name, way in ways.items()}
            for report, some in zip(reports.values(), rows, strict=True):
                some.append(csv_tables.written(report, config))
            of_client = {name: report.table for name, report in reports.items()}
            tables.append(of_client | frames.on_last_day(histories, period))
            bills.extend(
                bill
                for history in histories
                for bill in history.issued
                if bill.date.startswith(dates)
            )
            declared.append(declarations.part(period, [histories]))
            yield histories

    entries = fec.part(chart, year, days, in_tables())
    whole = declarations.joined(declared)
    lines = list(map(csv_tables.part, rows))
    return PeriodPart(lines, frames.gather(tables), entries, bills, whole)


def files(
    parts: Sequence[PeriodPart],
    clients: Iterable[Sequence[History]],
    of_plans: Iterable[RecurringRevenue],
    issuer: Issuer,
    year: FiscalYear,
    period: str,
    config: Settings,
) -> dict[str, bytes]:
    """The files of the period that are not PDFs, by name.

    The FEC of a month has that month's entries under their numbers in the fiscal year. A
    seller without SIREN has none. The report of a year is as of its last day, and of these books
    alone, so that it changes no more than they do. A workbook that no sheet can hold is left out.

    Args:
      parts: in order of client.
      clients: the histories of each, for the report of a year.
      of_plans: the records that bill plans, for it too.
    """
    seller, language = issuer.party.name, exports.language("", issuer)
    contents: dict[str, bytes] = {}
    for i, (name, table) in enumerate(TABLES.items()):
        rows = [part.tables[i] for part in parts]
        data, report = csv_tables.joined(table.columns, rows, config)
        contents[f"{name}-{period}.csv"] = data
        contents[f"{name}-{period}.totals.csv"] = report.totals.to_bytes(config)
    payments = [part.tables[-1] for part in parts]
    contents[f"payments-{period}.csv"], _ = csv_tables.joined(PAYMENTS, payments, config)
    if issuer.party.siren:
        end = _days(year, period).end
        contents[fec.file_name(issuer.party.siren, end)] = b"".join(
            fec.joined([part.fec for part in parts])
        )
    if territories.of_address(issuer.party.address).state == declarations.STATE:
        whole = declarations.joined([part.declared for part in parts])
        boxes = declarations.declaration(issuer, period, whole)
        for suffix, content in declarations.tables(boxes, config).items():
            contents[f"declaration-{period}.{suffix}"] = b"".join(storage.pieces(content))
        contents |= declarations.des_files(issuer, period, boxes)
    with suppress(workbook.TooLong):
        cells = [part.cells for part in parts]
        contents[f"workbook-{period}.xlsx"] = workbook.render(cells, period, seller, language)
    if len(period) == len("2024"):
        histories = itertools.chain.from_iterable(clients)
        day = periods.last_day_of(period)
        figures = year_report.make(period, day, issuer, histories, of_plans)
        contents[f"report-{period}.pdf"] = report_pdf.render(figures, issuer, Speech(language))
    name = messages.words(language)["words"]["readme_name"]
    contents[name] = _readme(sorted(contents), seller, period, language, config)
    return contents


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
