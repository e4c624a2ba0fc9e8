"""What the accountant gets of a period beside the PDFs: the tables, and the FEC.

One computation for the ZIP and for the audit of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from lib.accounting import bookkeeping, csv_tables, fec
from lib.accounting.bookkeeping import FiscalYear
from lib.accounting.csv_tables import PAYMENTS, TABLES
from lib.books.histories import History, IssuedDocument
from lib.inputs.issuer_file import Issuer
from lib.inputs.settings import Settings
from lib.values import periods


class PeriodPart(NamedTuple):
    """What some clients have of it: the tables in their order, payments last, the FEC, and what
    was issued."""

    tables: list[csv_tables.TablePart]
    fec: fec.FecPart
    bills: list[IssuedDocument]


def part(
    issuer: Issuer, period: str, config: Settings, clients: Iterable[Sequence[History]]
) -> PeriodPart:
    """What some clients have.

    Args:
      clients: the histories of each, in order of client.
    """
    year, days = _days(issuer, period)
    dates = periods.beginnings(period)
    ways = [*(table.of for table in TABLES.values()), csv_tables.payments]
    rows: list[list[csv_tables.Rows]] = [[] for _ in ways]
    bills: list[IssuedDocument] = []

    def in_tables() -> Iterator[Sequence[History]]:
        for histories in clients:
            for way, some in zip(ways, rows, strict=True):
                some.append(csv_tables.written(way(histories, dates), config))
            bills.extend(
                bill
                for history in histories
                for bill in history.issued
                if bill.date.startswith(dates)
            )
            yield histories

    entries = fec.part(issuer.accounts, year, days, in_tables())
    return PeriodPart(list(map(csv_tables.part, rows)), entries, bills)


def files(
    parts: Sequence[PeriodPart], issuer: Issuer, period: str, config: Settings
) -> dict[str, bytes]:
    """The files of the period that are not PDFs, by name.

    The FEC of a month has that month's entries under their numbers in the fiscal year. A
    seller without SIREN has none.

    Args:
      parts: in order of client.
    """
    contents: dict[str, bytes] = {}
    for i, (name, table) in enumerate(TABLES.items()):
        rows = [part.tables[i] for part in parts]
        data, report = csv_tables.joined(table.columns, rows, config)
        contents[f"{name}-{period}.csv"] = data
        contents[f"{name}-{period}.totals.csv"] = report.totals.to_bytes(config)
    payments = [part.tables[-1] for part in parts]
    contents[f"payments-{period}.csv"], _ = csv_tables.joined(PAYMENTS, payments, config)
    if issuer.party.siren:
        end = _days(issuer, period)[1].end
        contents[fec.file_name(issuer.party.siren, end)] = b"".join(
            fec.joined([part.fec for part in parts])
        )
    return contents


def _days(issuer: Issuer, period: str) -> tuple[FiscalYear, FiscalYear]:
    """The fiscal year that a period lies in, and the days of it that the FEC has."""
    if len(period) == len("2024"):
        year = bookkeeping.fiscal_year(int(period), issuer.fiscal_year_end)
        return year, year
    first, last = periods.first_day_of(period), periods.last_day_of(period)
    year = bookkeeping.fiscal_year_of(last, issuer.fiscal_year_end)
    return year, FiscalYear(first.isoformat(), last.isoformat())
