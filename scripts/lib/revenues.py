"""Revenue records: one line for each invoice and credit note issued.

The only place where they are written and read. Direct ones live in data/revenues/, those
issued in a batch client's name in data/revenues_batch/; their proofs stand beside each
other in data/invoices/ and data/invoices_batch/, by client and year of issue.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from lib import money, periods, records
from lib.document import Document, Period
from lib.root import Root


class Ledger(NamedTuple):
    """One of the two worlds of revenue: where its files stand under data/."""

    records: str
    proofs: str
    counters: str


DIRECT = Ledger("revenues", "invoices", "counters")
BATCH = Ledger("revenues_batch", "invoices_batch", "counters_batch")


def chain_path(root: Root, ledger: Ledger, client: str) -> Path:
    """data/revenues/<client>.jsonl."""
    return root.data / ledger.records / f"{client}.jsonl"


def proof_path(root: Root, ledger: Ledger, client: str, number: str, suffix: str) -> Path:
    """data/invoices/<client>/<year>/<number>.<suffix>; the year is the number's."""
    year = number.split("-")[1]
    return root.data / ledger.proofs / client / year / f"{number}.{suffix}"


def read(root: Root, ledger: Ledger) -> dict[str, records.Chain]:
    """Every client's chain, proved.

    Raises:
      Broken: with every disagreement found.
    """
    return records.read_family(root, root.data / ledger.records)


def chain_of(
    root: Root, ledger: Ledger, chains: dict[str, records.Chain], client: str
) -> records.Chain:
    """A client's chain, empty where nothing was issued yet."""
    empty = records.Chain(chain_path(root, ledger, client), (), 0, 0, records.GENESIS)
    return chains.get(client, empty)


def facts(document: Document, document_sha256: str, pdf_sha256: str) -> records.Record:
    """What the records keep of a document: enough for balances and exports, without it."""
    kind = "credit_note" if document.preceding else "invoice"
    result: dict[str, Any] = {
        "kind": kind,
        "client": document.client,
        "number": document.number,
        "month": document.month,
        "issue_date": document.issue_date.isoformat(),
        "period": {
            "start": document.period.start.isoformat(),
            "end": document.period.end.isoformat(),
        },
        "currency": document.currency,
        "buyer": document.buyer.name,
        "net": money.plain(document.totals.net, 2),
        "vat": money.plain(document.totals.vat, 2),
        "gross": money.plain(document.totals.gross, 2),
        "breakdown": _breakdown(document),
        "document_sha256": document_sha256,
        "pdf_sha256": pdf_sha256,
    }
    if document.due_date:
        result["due_date"] = document.due_date.isoformat()
    if document.vat_on_debits:
        result["vat_on_debits"] = True
    if document.preceding:
        result["corrects"] = document.preceding.number
        result["reason"] = document.reason
        result["lines"] = {
            line.id: money.plain(line.credited_quantity or line.quantity) for line in document.lines
        }
    if document.reference:
        result["reference"] = document.reference
    return result


def _breakdown(document: Document) -> list[dict[str, str]]:
    """The VAT breakdown, each subtotal apart for goods and services, VAT shared out exactly."""
    nets: dict[tuple[str, Decimal], dict[str, Decimal]] = {}
    for line in document.lines:
        sold = nets.setdefault((line.vat_category, line.vat_rate), {})
        sold[line.category] = sold.get(line.category, money.ZERO) + line.net
    for allowance in document.allowances:
        nets[allowance.vat_category, allowance.vat_rate][allowance.category] -= allowance.amount
    entries = []
    for subtotal in document.vat_breakdown:
        sold = dict(sorted(nets[subtotal.category, subtotal.rate].items()))
        shares = _shares(subtotal.vat, list(sold.values()))
        for (nature, net), tax in zip(sold.items(), shares, strict=True):
            entries.append(
                {
                    "nature": nature,
                    "vat_category": subtotal.category,
                    "vat_rate": money.plain(subtotal.rate, 2),
                    "net": money.plain(net, 2),
                    "vat": money.plain(tax, 2),
                }
            )
    return entries


def _shares(vat: Decimal, nets: list[Decimal]) -> list[Decimal]:
    if not any(nets):
        return [money.ZERO for _ in nets]
    return money.share_out(vat, nets)


class Issued(NamedTuple):
    """An invoice that the records know, with what was credited of it."""

    number: str
    month: str
    period: Period
    gross: Decimal
    credited: Decimal

    @property
    def fully_credited(self) -> bool:
        return self.credited == self.gross and self.credited > 0


def is_invoiced(chain: records.Chain, month: str) -> bool:
    """Whether an invoice that was not credited in full covers a day of `month`."""
    first, last = periods.first_day(month), periods.last_day(month)
    return any(
        invoice.period.start <= last and first <= invoice.period.end
        for invoice in issued(chain.records)
        if not invoice.fully_credited
    )


def credited(lines: Iterable[records.Record]) -> dict[str, Decimal]:
    """What was credited of each invoice that has credit notes, by its number."""
    sums: dict[str, Decimal] = {}
    for record in lines:
        if record["kind"] == "credit_note":
            number = record["corrects"]
            sums[number] = sums.get(number, money.ZERO) + Decimal(record["gross"])
    return sums


def issued(lines: Iterable[records.Record]) -> list[Issued]:
    """The invoices of a chain, in order of issue."""
    lines = tuple(lines)
    sums = credited(lines)
    return [
        Issued(
            record["number"],
            record["month"],
            Period(
                start=date.fromisoformat(record["period"]["start"]),
                end=date.fromisoformat(record["period"]["end"]),
            ),
            Decimal(record["gross"]),
            sums.get(record["number"], money.ZERO),
        )
        for record in lines
        if record["kind"] == "invoice"
    ]
