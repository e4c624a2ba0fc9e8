#!/usr/bin/env python3
"""A year on paper: exports/reports/report-2026.pdf.

Revenue by month, invoiced and received, beside the year before and by client; what plans come
to each month; VAT by rate, or turnover and its limits without VAT; what is outstanding, by age; how
long clients take to pay; the numbers used; the heads of the record chains. What is owed is as
it stood on --date. Its sums are those of the exports.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--year", type=cli.year, required=True, help="2026")
    options.add_argument(
        "--language", default="", help="fr or en (default: by the issuer's country)"
    )
    options.add_argument("--date", type=cli.day_or_none, default=None, help="(default: today)")
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from collections.abc import Iterator

from lib.accounting import exports, report_pdf, year_report
from lib.books import heads, histories, records, recurring, revenues
from lib.core.faults import Alert, Broken, collecting
from lib.core.messages import figure, say
from lib.core.root import Root
from lib.inputs import inputs
from lib.values.money import text_of
from lib.values.speech import Speech


def main(arguments: Namespace, root: Root) -> None:
    """One PDF."""
    year = arguments.year
    day = arguments.date or arguments.today
    issuer = inputs.load_issuer(root)
    language = exports.language(arguments.language, issuer)
    with exports.held(root, f"make_report {year}"):
        clients = histories.by_client(root, histories.clients_of(root), "")
        report = year_report.make(
            year,
            day,
            issuer,
            (history for own in clients for history in own),
            recurring.read(root),
            _issued_in_batches(root),
            heads.read(root),
        )
        pdf = report_pdf.render(report, issuer, Speech(language))
        exports.write(root, {f"reports/report-{year}.pdf": pdf})
    received = text_of(sum(month.received for month in report.months))
    invoiced = text_of(sum(month.gross for month in report.months))
    outstanding = text_of(sum(age.amount for age in report.ages))
    print(
        say(
            "{year}: received {received}, invoiced {invoiced}; outstanding {outstanding} on {day}",
            year=year,
            received=figure(received),
            invoiced=figure(invoiced),
            outstanding=figure(outstanding),
            day=str(day),
        )
    )


class _Issue(records.Link, gc=False):
    """What the ranges of numbers need of a revenue record."""

    issue_date: str
    kind: str
    number: str


def _issued_in_batches(root: Root) -> Iterator[year_report.Issued]:
    """What was issued; raises Broken after the last of it."""
    faults: list[Alert] = []
    for client in revenues.owners(root, revenues.BATCH):
        with collecting(faults):
            path = revenues.chain_path(root, revenues.BATCH, client)
            for issue in records.read_typed(root, path, _Issue):
                yield issue.number, issue.issue_date, issue.kind
    if faults:
        raise Broken(faults)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
