"""Revenue records: one line for each invoice and credit note issued.

The only place where they are written and read. Direct ones live in data/revenues/, those
issued in a batch client's name in data/revenues_batch/; their proofs stand beside each
other in data/invoices/ and data/invoices_batch/, by client and year of issue.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from lib.billing.plan_periods import Billed
from lib.books import issuing, numbering, proofs, records
from lib.books.issuing import StagedProof
from lib.books.numbering import Numbered, Sequence, Sequences
from lib.books.record_lines import BillingRevenue, RevenueMonth, SequenceStart
from lib.core import storage, tables
from lib.core.faults import Alert, Broken, collecting
from lib.core.messages import Message, say
from lib.core.root import Root
from lib.inputs.inputs import Inputs
from lib.values import money, numbers, periods, spans, vat
from lib.values.document import DEPOSIT, Document, Period, from_json
from lib.values.spans import Spans


class Ledger(NamedTuple):
    """Where the files of a family of documents stand under data/: of revenues, or of quotes."""

    records: str
    proofs: str
    counters: str


DIRECT = Ledger("revenues", "invoices", "counters")
BATCH = Ledger("revenues_batch", "invoices_batch", "counters_batch")


def chain_path(root: Root, ledger: Ledger, client: str) -> Path:
    """data/revenues/<client>.jsonl; of a code, where its sequences begin: data/revenues/F.jsonl."""
    return root.data / ledger.records / f"{client}.jsonl"


def proof_path(root: Root, ledger: Ledger, client: str, number: str, suffix: str) -> Path:
    """data/invoices/<client>/<year>/<number>.<suffix>; the year is the number's."""
    return root.path / _proof_file(ledger, client, number, suffix)


def _proof_file(ledger: Ledger, client: str, number: str, suffix: str) -> str:
    year = numbers.parse(number).year
    return f"data/{ledger.proofs}/{client}/{year}/{number}.{suffix}"


def owners(root: Root, ledger: Ledger) -> list[str]:
    """The clients that have, or had, records."""
    names = records.owners(root, root.data / ledger.records)
    return [name for name in names if name[:1].islower()]


def starts(root: Root, ledger: Ledger) -> dict[tuple[str, int], int]:
    """Where sequences go on from another tool's: its last number, by code and year.

    Raises:
      Broken: with every disagreement found.
    """
    codes = records.owners(root, root.data / ledger.records)
    found = {}
    faults: list[Alert] = []
    for code in codes:
        if not code[:1].islower():
            with collecting(faults):
                path = chain_path(root, ledger, code)
                for line in records.read_typed(root, path, SequenceStart):
                    found[line.code, line.year] = line.last
    if faults:
        raise Broken(faults)
    return found


def each_chain(
    root: Root, ledger: Ledger, facts: Any = dict
) -> Iterator[tuple[str, records.Chain]]:
    """Each client with its chain, proved; raises as `records.each_of`."""
    return records.each_of(root, root.data / ledger.records, owners(root, ledger), facts)


def read(root: Root, ledger: Ledger, facts: Any = dict) -> dict[str, records.Chain]:
    """All of them.

    Raises:
      Broken: with every disagreement found.
    """
    return dict(each_chain(root, ledger, facts))


def chain_of(
    root: Root, ledger: Ledger, chains: dict[str, records.Chain], client: str
) -> records.Chain:
    """A client's chain, empty where nothing was issued yet."""
    return chains.get(client, records.empty(chain_path(root, ledger, client)))


def proved(root: Root, ledger: Ledger, fact: records.Record, suffix: str) -> bytes:
    """The bytes of a document's PDF or JSON, which are those that its record knows.

    Raises:
      Broken: if they are not.
    """
    path = proof_path(root, ledger, fact["client"], fact["number"], suffix)
    sha256 = fact["pdf_sha256" if suffix == "pdf" else "document_sha256"]
    return proofs.read(root, path, sha256, fact["client"])


def proved_document(root: Root, ledger: Ledger, fact: records.Record) -> Document:
    """The document of a record.

    Raises:
      Broken: as `proved` does.
    """
    return from_json(proved(root, ledger, fact, "json"))


def sequences(root: Root, ledger: Ledger) -> Sequences:
    """The sequences of a ledger, where they begin and as far as they have come.

    Raises:
      Broken: as `starts` and `numbering.read` do.
    """
    numbered = numbering.numbered(root, (chain for _, chain in each_chain(root, ledger)))
    return numbering.read(root, ledger.counters, numbered, starts(root, ledger))


def refuse_other_format(root: Root, year: int, wanted: str) -> None:
    """As `numbering.refuse_other_format`, by the first number of a year: no other is looked for.

    Raises:
      Refused: if it has another format than issuer.json says.
    """
    for ledger in (DIRECT, BATCH):
        chains = (chain for _, chain in each_chain(root, ledger))
        for entry in numbering.numbered(root, chains):
            if entry.year == year:
                last = Sequence(entry.seq, date.fromisoformat(entry.issue_date), entry.format)
                numbering.refuse_other_format({(entry.code, year): last}, year, wanted)
                break


def codes(content: Inputs) -> dict[str, Ledger]:
    """The codes that numbers have here, and whose they are."""
    issuer = content.issuer.issuer
    direct = [issuer.code]
    if issuer.numbering != "issuer":
        direct = [file.client.code for file in content.clients.values()]
    batches = [file.client.code for file in content.batch_clients.values()]
    return dict.fromkeys(batches, BATCH) | dict.fromkeys(direct, DIRECT)


def keep(
    run: issuing.Run, ledger: Ledger, document: Document, staged: Iterable[StagedProof]
) -> records.Record:
    """Takes the proofs of a document, its JSON and its PDF; returns what the records keep of it."""
    json, pdf = staged
    for suffix, proof in (("json", json), ("pdf", pdf)):
        run.take(_proof_file(ledger, document.client, document.number, suffix), proof)
    return facts(document, json.sha256, pdf.sha256)


def facts(document: Document, document_sha256: str, pdf_sha256: str) -> records.Record:
    """What the records keep of a document: enough for balances and exports, without it."""
    kind = "credit_note" if document.is_credit_note else "invoice"
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
        "buyer_country": document.buyer.address.country,
        "net": money.plain(document.totals.net, 2),
        "vat": money.plain(document.totals.vat, 2),
        "gross": money.plain(document.totals.gross, 2),
        "breakdown": _breakdown(document),
        "document_sha256": document_sha256,
        "pdf_sha256": pdf_sha256,
    }
    if document.buyer.vat_number:
        result["buyer_vat_number"] = document.buyer.vat_number
    if exemptions := {
        subtotal.category: subtotal.exemption_code
        for subtotal in document.vat_breakdown
        if subtotal.exemption_code
    }:
        result["exemptions"] = exemptions
    if places := vat.places_of(document):
        result["places"] = places
    if document.delivery:
        result["delivery"] = document.delivery.isoformat()
    if services := services_of(document):
        result["services"] = services
    if document.due_date and not document.paid:
        result["due_date"] = document.due_date.isoformat()
    if document.paid:
        result["paid"] = document.paid
    if document.vat_on_debits:
        result["vat_on_debits"] = True
    if document.is_credit_note:
        result["corrects"] = document.corrected.number
        result["reason"] = document.reason
        result["lines"] = {
            line.id: money.plain(line.credited_quantity or line.quantity)
            for line in document.lines
            if not line.is_amount
        }
        amounts = {line.id: money.plain(line.net, 2) for line in document.lines if line.is_amount}
        if amounts:
            result["amounts"] = amounts
    if document.reference:
        result["reference"] = document.reference
    if document.type_code == DEPOSIT:
        result["type"] = document.type_code
    if document.order:
        result |= {"order": document.order, "step": document.step}
    if deposits := _deposits(document):
        result["deposits"] = deposits
    return result


def _deposits(document: Document) -> list[dict[str, Any]]:
    """What of each deposit a final invoice takes off, or its credit note takes back, by share."""
    found: dict[str, list[dict[str, str]]] = {}
    for line in document.lines:
        if line.preceding_type == DEPOSIT:
            share = _share(line.category, line.vat_category, line.vat_rate)
            net, vat = money.plain(-line.net, 2), money.plain(line.preceding_vat, 2)
            found.setdefault(line.preceding, []).append({**share, "net": net, "vat": vat})
    return [{"breakdown": shares, "number": number} for number, shares in found.items()]


def _share(nature: str, vat_category: str, vat_rate: Decimal) -> dict[str, str]:
    return {
        "nature": nature,
        "vat_category": vat_category,
        "vat_rate": money.plain(vat_rate, 2),
    }


def services_of(document: Document) -> list[dict[str, Any]]:
    """The days that lines charge or take back: by plan and item, with the numbers of the lines
    and what they come to without VAT, less discounts of the document.

    What is billed for a day, and what is not, is known by these alone.
    """
    services: dict[str, dict[str, Any]] = {}
    nets = _nets_of_services(document)
    for line in document.lines:
        if line.period is None:
            continue
        service: dict[str, Any] = {
            "end": line.period.end.isoformat(),
            "item": line.item,
            "plan": line.plan,
            "start": line.period.start.isoformat(),
        }
        if line.pauses:
            service["pauses"] = [
                [pause.start.isoformat(), pause.end.isoformat()] for pause in line.pauses
            ]
        entry = services.setdefault(repr(service), {**service, "lines": [], "net": money.ZERO})
        entry["lines"].append(line.id)
        entry["net"] += nets[line.id]
    return [{**entry, "net": money.plain(entry["net"], 2)} for entry in services.values()]


def _nets_of_services(document: Document) -> dict[str, Decimal]:
    """What lines with days come to: discounts (BG-20) are shared out over those of their kind."""
    served = [line for line in document.lines if line.period is not None]
    nets = {line.id: line.net for line in served}
    for allowance in document.allowances:
        kind = (allowance.vat_category, allowance.vat_rate, allowance.category)
        own = [
            line
            for line in served
            if line.net and (line.vat_category, line.vat_rate, line.category) == kind
        ]
        if own:
            parts = money.share_out(allowance.amount, [line.net for line in own])
            for line, part in zip(own, parts, strict=True):
                nets[line.id] -= part
    return nets


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
                    **_share(nature, subtotal.category, subtotal.rate),
                    "net": money.plain(net, 2),
                    "vat": money.plain(tax, 2),
                }
            )
    return entries


def _shares(vat: Decimal, nets: list[Decimal]) -> list[Decimal]:
    if not any(nets):
        return [money.ZERO for _ in nets]
    return money.share_out(vat, nets)


def lines_of(root: Root, ledger: Ledger, client: str) -> list[BillingRevenue]:
    """A client's records, proved.

    Raises:
      Broken: with the first disagreement.
    """
    return list(records.read_typed(root, chain_path(root, ledger, client), BillingRevenue))


def first_run(root: Root) -> date | None:
    """The first day of the first month that was ever run for a client; None: none was yet.

    The records are not proved: it only decides how far back notices look.
    """
    months = []
    for path in (root.data / DIRECT.records).glob("[a-z]*.jsonl"):
        with suppress(OSError, msgspec.MsgspecError), storage.open_file(path) as stream:
            lines = (msgspec.json.decode(line, type=RevenueMonth) for line in stream)
            months += [line.month for line in islice(of_months(lines), 1)]
    return periods.first_day(min(months)) if months else None


def numbers_of(
    root: Root, ledger: Ledger, client: str, lines: Iterable[BillingRevenue]
) -> list[Numbered]:
    """The numbers in a client's records."""
    name = root.name_of(chain_path(root, ledger, client))
    return [numbering.of_record(name, line.seq, line.number, line.issue_date) for line in lines]


_Ordered = TypeVar("_Ordered", BillingRevenue, RevenueMonth)


class IssuedInvoice(NamedTuple):
    """An invoice that the records know, with what was credited of it."""

    number: str
    month: str
    period: Period
    gross: Decimal
    credited: Decimal
    document_sha256: str

    @property
    def fully_credited(self) -> bool:
        return self.credited == self.gross and self.credited > 0


def of_months(lines: Iterable[_Ordered]) -> Iterator[_Ordered]:
    """The lines of months, without those of orders, which are invoiced on any day."""
    return (line for line in lines if not line.order)


def is_invoiced(lines: Iterable[BillingRevenue], month: str) -> bool:
    """Whether the usage of `month` is in an invoice that was not credited in full."""
    first, last = periods.first_day(month), periods.last_day(month)
    return any(
        invoice.month >= month and invoice.period.start <= last and first <= invoice.period.end
        for invoice in issued(of_months(lines))
        if not invoice.fully_credited
    )


def billed(lines: Iterable[BillingRevenue]) -> list[Billed]:
    """The days that a client's invoices bill, item by item, less those that a credit note took
    back by their dates.

    An invoice that is credited in full keeps its days, marked so.
    """
    lines = tuple(lines)
    invoices = {invoice.number: invoice for invoice in issued(lines)}
    by_invoice: dict[str, list[Billed]] = {}
    for line in lines:
        for service in line.services:
            days = service.days
            if not days:
                continue
            if not line.corrects:
                invoice = invoices[line.number]
                entry = Billed(
                    service.plan,
                    service.item,
                    days,
                    service.lines,
                    invoice.number,
                    invoice.month,
                    invoice.fully_credited,
                )
                by_invoice.setdefault(invoice.number, []).append(entry)
                continue
            by_invoice[line.corrects] = [
                _without(entry, days) if set(service.lines) <= set(entry.lines) else entry
                for entry in by_invoice.get(line.corrects, [])
            ]
    return [entry for some in by_invoice.values() for entry in some]


def _without(entry: Billed, days: Spans) -> Billed:
    """What is left where a credit note took back the last days, not a quantity of all of them."""
    rest = spans.minus(entry.days, days)
    return entry._replace(days=rest) if rest else entry


def credited(notes: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """What was credited of each invoice that has credit notes, by its number.

    Args:
      notes: for each credit note the number of its invoice, and its gross amount.
    """
    sums: dict[str, Decimal] = {}
    for number, gross in notes:
        sums[number] = sums.get(number, money.ZERO) + gross
    return sums


def issued(lines: Iterable[BillingRevenue]) -> list[IssuedInvoice]:
    """The invoices of a client's records, in order of issue."""
    lines = tuple(lines)
    sums = credited((line.corrects, line.gross) for line in lines if line.corrects)
    return [
        IssuedInvoice(
            line.number,
            line.month,
            line.period,
            line.gross,
            sums.get(line.number, money.ZERO),
            line.document_sha256,
        )
        for line in lines
        if not line.corrects
    ]


def show(facts: Iterable[records.Record]) -> None:
    """Prints what was issued: client, number, period, net, VAT, gross, due.

    A credit note says which invoice it takes back, and its amounts are below 0.
    """
    headings = [
        say("client"),
        say("number"),
        say("period"),
        say("net"),
        say("VAT"),
        say("gross"),
        say("due"),
    ]
    rows: list[list[Message | str]] = []
    amounts = []
    for fact in facts:
        sign = -1 if fact["kind"] == "credit_note" else 1
        signed = [sign * Decimal(fact[key]) or money.ZERO for key in ("net", "vat", "gross")]
        period = f"{fact['period']['start']} – {fact['period']['end']}"
        figures = [money.shown(amount, 2) for amount in signed]
        rows.append([fact["client"], fact["number"], period, *figures, fact.get("due_date", "")])
        if sign < 0:
            rows[-1][-1] = say("credit note of {invoice}", invoice=fact["corrects"])
        amounts.append(signed)
    sums = [money.total(amount[i] for amount in amounts) for i in range(3)]
    rows.append([say("total"), "", "", *[money.shown(value, 2) for value in sums], ""])
    tables.show("", headings, rows, right=4)
