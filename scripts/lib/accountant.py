"""What the accountant gets of a period beside the PDFs: the tables, and the FEC.

One computation for the ZIP and for the audit of it.
"""

from collections.abc import Sequence

from lib import accounting_tables, bookkeeping, fec, periods
from lib.histories import History
from lib.inputs import Issuer
from lib.settings import Settings


def tables(
    histories: Sequence[History], issuer: Issuer, period: str, used: Settings
) -> dict[str, bytes]:
    """The files of the period that are not PDFs, by name.

    The FEC of a month has that month's entries under their numbers in the fiscal year. A
    seller without SIREN has none.
    """
    files = {f"payments-{period}.csv": accounting_tables.payments(histories, period)}
    for name, reported in accounting_tables.TABLES.items():
        report = reported.of(histories, period)
        files[f"{name}-{period}.csv"] = report.table
        files[f"{name}-{period}.totals.csv"] = report.totals
    made = {name: table.to_bytes(used) for name, table in files.items()}
    if issuer.party.siren:
        if len(period) == len("2024"):
            year = part = bookkeeping.fiscal_year(int(period), issuer.fiscal_year_end)
        else:
            first, last = periods.first_day(period), periods.last_day(period)
            year = bookkeeping.fiscal_year_of(last, issuer.fiscal_year_end)
            part = bookkeeping.FiscalYear(first.isoformat(), last.isoformat())
        data = fec.to_bytes(histories, issuer.accounts, year, part)
        made[fec.file_name(issuer.party.siren, part.end)] = data
    return made
