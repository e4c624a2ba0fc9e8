"""Reports to the tax office (flux 10): which of a period were handed over, and which are due."""

from collections.abc import Iterable
from datetime import date, timedelta

from lib.books import exchanges
from lib.books.exchanges import Deposit
from lib.books.record_lines import ExchangeLine
from lib.inputs.issuer_file import Issuer
from lib.values import vat_periods
from lib.values.vat_periods import ReportPeriod

_TOLD = timedelta(days=31)  # after its last day a period that was not reported is told no more


def stem(issuer: Issuer, period: ReportPeriod) -> str:
    """How the ids of its reports begin: 732829320-transactions-20270901-20270910-."""
    return f"{issuer.party.siren}-{period.name}-"


def of_period(issuer: Issuer, period: ReportPeriod, lines: Iterable[ExchangeLine]) -> list[Deposit]:
    """The reports of a period, in order; also those that the platform did not take."""
    beginning = stem(issuer, period)
    return [
        deposit
        for deposit in exchanges.deposits(lines)
        if deposit.line.tracking_id.startswith(beginning)
    ]


def due(issuer: Issuer, lines: Iterable[ExchangeLine], today: date) -> list[ReportPeriod]:
    """The periods that are over and of which no report was handed over, the most urgent first.

    Whether there is anything to report in them, `make ereporting` says.
    """
    if not issuer.vat_periods or issuer.platform is None:
        return []
    lines = list(lines)
    periods = [
        period
        for period in vat_periods.ended(issuer.vat_periods, issuer.platform.since, today)
        if today <= period.due + _TOLD
        and all(report.is_refused for report in of_period(issuer, period, lines))
    ]
    return sorted(periods, key=lambda period: (period.due, period.start))
