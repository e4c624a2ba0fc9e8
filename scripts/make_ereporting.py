#!/usr/bin/env python3
"""What no electronic invoice covers, for the tax office (flux 10): exports/ereporting/<id>.xml.

Sales abroad and to buyers who are no taxable persons, and what was received of them, for each
period of VAT that PERIOD (a month) is a part of and that is over. The first report of a period is
IN; where it changed after it was sent, RE takes its place, whole. SEND=yes hands them to
`make platform`, which deposits them.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--period", type=cli.month, required=True, help="2027-09")
    options.add_argument("--send", type=cli.yes, default=False, help="yes: `make platform` sends")
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from lib.accounting import exports
from lib.books import exchanges, histories, issuing, proofs, records, reports, revenues
from lib.books.exchanges import Deposit
from lib.books.histories import IssuedDocument
from lib.core import alerts
from lib.core.faults import Alert, Fault, Refused, WrongUsage
from lib.core.messages import Message, counted, say
from lib.core.root import Root
from lib.inputs import inputs, settings
from lib.inputs.issuer_file import Issuer, Platform
from lib.platform import ereporting, report_xml
from lib.platform.ereporting import PeriodReport
from lib.platform.report_xml import ReportHead
from lib.values import document, vat_periods
from lib.values.document import Document
from lib.values.vat_periods import ReportPeriod

_SCRIPT = "make_ereporting.py"


class ReportFile(NamedTuple):
    """A report: its id, and its bytes."""

    id: str
    xml: bytes


class DueReports(NamedTuple):
    """Of some periods, the reports that are to be sent now, and those that were."""

    new: list[ReportFile]
    sent: list[ReportFile]


def main(arguments: Namespace, root: Root) -> None:
    """A file for each report that is new or changed."""
    issuer = inputs.load_issuer(root)
    platform = _platform(issuer)
    periods = _periods(issuer, platform, arguments.period, arguments.today)
    config = settings.load(root)
    command = f"make_ereporting {arguments.period}"
    if not arguments.send:
        with issuing.reading(root, command, config.lock_wait):
            due = _due(root, issuer, platform, periods, arguments.today)
            _write(root, [*due.sent, *due.new])
        return
    with issuing.begin(root, command, config.lock_wait) as run:
        due = _due(root, issuer, platform, periods, arguments.today)
        facts = []
        for file in due.new:
            path = exchanges.report_path(root, file.id)
            sha256 = run.stage_proof(path, file.xml)
            name = path.name
            report = exchanges.REPORT
            fact = exchanges.deposit(
                issuer.code, report, "", file.id, name, sha256, arguments.today
            )
            facts.append(fact)
        if facts:
            path = exchanges.chain_path(root, issuer.code)
            run.append(records.end_of(path, exchanges.read(root, issuer.code)), facts)
            run.commit()
    _write(root, [*due.sent, *due.new])
    if due.new:
        print(say("{number} to be sent: `make platform` does", number=len(due.new)))


# --- what is asked for ---------------------------------------------------------------


def _platform(issuer: Issuer) -> Platform:
    """The platform that sends the reports.

    Raises:
      Refused: with everything that issuer.json lacks for that.
    """
    missing = []
    remedy = say("docs/reference.md says what to write")
    if not issuer.vat_periods:
        missing.append(Fault("vat_periods", say("is missing"), remedy=remedy))
    if not issuer.party.siren:
        missing.append(Fault("party.siren", say("is missing"), say("a report names it")))
    if issuer.platform is None:
        missing.append(Fault("platform", say("is missing"), remedy=remedy))
    else:
        for key in ("number", "name"):
            if not getattr(issuer.platform, key):
                rule = say("a report names the platform that sends it")
                missing.append(Fault(f"platform.{key}", say("is missing"), rule))
    if missing or issuer.platform is None:
        raise Refused(Alert("B-EREPORTING", "issuer.json", fault) for fault in missing)
    return issuer.platform


def _periods(issuer: Issuer, platform: Platform, month: str, today: date) -> list[ReportPeriod]:
    """The periods of a month that are over; of the others it says when they are.

    Raises:
      WrongUsage: if none is, or all were before anything was reported.
    """
    periods = vat_periods.of_month(issuer.vat_periods, month)
    since = platform.since
    if all(period.end < since for period in periods):
        found = say("{month} is before {since}", month=month, since=since.isoformat())
        fault = Fault("PERIOD", found, remedy=say("reports begin with platform.since"))
        raise WrongUsage([Alert("B-USAGE", "", fault)])
    if all(period.end >= today for period in periods):
        end = min(period.end for period in periods).isoformat()
        found = say("{month} is not over", month=month)
        fault = Fault("PERIOD", found, remedy=say("run this after {end}", end=end))
        raise WrongUsage([Alert("B-USAGE", "", fault)])
    for period in periods:
        if period.end >= today:
            print(say("{period}: not over yet", period=period.name))
    return [period for period in periods if since <= period.end < today]


# --- the reports ---------------------------------------------------------------------


def _due(
    root: Root, issuer: Issuer, platform: Platform, periods: Iterable[ReportPeriod], today: date
) -> DueReports:
    """What is to be sent now of each period, valid; says what is held, and what was sent.

    Raises:
      Refused: with every rule that a report breaks.
    """
    histories_ = histories.read(root)
    lines = exchanges.read(root, issuer.code)
    documents: dict[str, Document] = {}

    def document_of(bill: IssuedDocument) -> Document:
        if bill.number not in documents:
            path = revenues.proof_path(root, revenues.DIRECT, bill.client, bill.number, "json")
            data = proofs.read(root, path, bill.document_sha256, bill.client)
            documents[bill.number] = document.from_json(data)
        return documents[bill.number]

    due = DueReports([], [])
    broken: list[Alert] = []
    for period in periods:
        report = ereporting.report(period, histories_, document_of, platform.since)
        alerts.report(root.logs, _SCRIPT, report.held)
        before = reports.of_period(issuer, period, lines)
        sent = [_sent(root, deposit) for deposit in before if not deposit.is_refused]
        due.sent.extend(sent)
        file = _file(issuer, platform, report, before, sent, today)
        print(_outcome(report, file))
        if file is None:
            continue
        for verdict in report_xml.verdicts(file.xml):
            fault = Fault(verdict.rule, verdict.text)
            broken.append(Alert("B-EREPORTING-INVALID", f"{file.id}.xml", fault))
        due.new.append(file)
    if broken:
        raise Refused(broken)
    return due


def _sent(root: Root, deposit: Deposit) -> ReportFile:
    id_ = deposit.line.tracking_id
    path = exchanges.report_path(root, id_)
    return ReportFile(id_, proofs.read(root, path, deposit.line.sha256))


def _file(
    issuer: Issuer,
    platform: Platform,
    report: PeriodReport,
    before: Iterable[Deposit],
    sent: list[ReportFile],
    today: date,
) -> ReportFile | None:
    """The file of a report, if there is something to send: none where it was sent like this."""
    stem = reports.stem(issuer, report.period)
    if not sent and report.is_empty:
        return None
    kind = report_xml.AGAIN if sent else report_xml.FIRST
    number = 1 + sum(deposit.line.tracking_id.startswith(stem + kind) for deposit in before)
    id_ = f"{stem}{kind}" if number == 1 else f"{stem}{kind}-{number}"
    head = ReportHead(
        id_, kind, today, platform.number, platform.name, issuer.party.siren, issuer.party.name
    )
    xml = report_xml.write(head, report)
    if sent and report_xml.says(xml) == report_xml.says(sent[-1].xml):
        return None
    return ReportFile(id_, xml)


def _outcome(report: PeriodReport, file: ReportFile | None) -> Message:
    """What came of a period."""
    values = {"period": report.period.name, "due": report.period.due.isoformat()}
    if file is None and report.is_empty:
        return say("{period}: nothing to report", period=report.period.name)
    if file is None:
        return say("{period}: sent as it is", period=report.period.name)
    if report.period.kind == vat_periods.PAYMENTS:
        payments = counted(len(report.received), "1 payment", "{number} payments")
        return say("{period}: {payments}, until {due}", payments=payments, **values)
    abroad = counted(len(report.invoices), "1 invoice abroad", "{number} invoices abroad")
    sales = counted(len(report.sales), "1 sum of sales", "{number} sums of sales")
    return say("{period}: {abroad}, {sales}, until {due}", abroad=abroad, sales=sales, **values)


def _write(root: Root, files: Iterable[ReportFile]) -> None:
    if paths := {f"ereporting/{file.id}.xml": file.xml for file in files}:
        exports.write(root, paths)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
