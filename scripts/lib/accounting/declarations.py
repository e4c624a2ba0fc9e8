"""Declarations: what of a period goes into which box of which form, and what each box is made of.

    3310-CA3-SD   the sales side of the VAT return, from what fell due (books/tax_points)
    3517-S-SD     the same by year, for the simplified regime
    DES           services to businesses in the EU, by month and VAT number of the customer
    URSSAF        turnover received, for a seller without VAT or with `activity` in issuer.json

A box has no negative number: what is below 0 goes, without its sign, where the form wants it
(vat_returns.json): its base into the box of regularisations, its VAT into that of VAT to deduct.

Amounts are whole cents, and whole euros where the form wants them (0.50 is rounded up).

Worked example: 10.00 invoiced at 20 % and 30.00 credited fell due in October. Box 08 has nothing,
B5 20.00 and 21 4.00.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from operator import attrgetter
from pathlib import Path
from sys import intern
from typing import NamedTuple

import msgspec

from lib.accounting import bookkeeping, csv_tables, turnover, vat_returns
from lib.accounting.turnover import CATEGORIES, FRANCHISE
from lib.books import tax_points
from lib.books.histories import History, IssuedDocument, Movement, VatShare
from lib.core import storage
from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import Message, render, say
from lib.documents import csv_files, validators
from lib.documents.csv_files import AMOUNT, CODE, FIGURE, TEXT, Column
from lib.inputs.issuer_file import Issuer
from lib.inputs.settings import Settings
from lib.values import code_lists, periods
from lib.values.money import text_of
from lib.values.vat import FRANCHISE_CODE

CA3, CA12, DES, URSSAF, LIMITS = "3310-CA3-SD", "3517-S-SD", "DES", "URSSAF", "CGI 293 B"
STATE = "FR"  # whose forms these are
SIMPLIFIED = "simplified"
EU_SERVICES = tax_points.EU_SERVICES
_AT_ONCE = 5_000  # lines of a table that are made at once

FIGURES = (
    Column("form"),
    Column("box"),
    Column("label", TEXT),
    Column("net", FIGURE),
    Column("vat", FIGURE),
    Column("net_euros", FIGURE),
    Column("vat_euros", FIGURE),
)
DOCUMENTS = (
    Column("form"),
    Column("box"),
    Column("date", heading="falls_due_on"),
    Column("number", heading="piece"),
    Column("kind", CODE),
    Column("client"),
    Column("name", TEXT),
    Column("country"),
    Column("vat_number"),
    Column("nature", CODE),
    Column("vat_category"),
    Column("vat_rate", FIGURE),
    Column("exemption"),
    Column("net", AMOUNT),
    Column("vat", AMOUNT),
)


class Operation(msgspec.Struct, frozen=True, gc=False):
    """What counts in a period: a share of an invoice, the day, and what makes it count then.

    Of a client with many it holds each text once, so that a year of them can be kept.
    """

    date: str
    client: str
    rank: int
    seq: int
    number: str
    kind: str
    invoice: str  # its number
    name: str
    country: str
    vat_number: str
    nature: str
    vat_category: str
    vat_rate: str
    exemption: str
    place: str  # the part of France whose rates its VAT has
    net: int
    vat: int


class BoxEntry(NamedTuple):
    """What an operation adds to a box, in cents; None where it has no such figure."""

    operation: Operation
    net: int | None
    vat: int | None


class BoxFigure(NamedTuple):
    """A box: what stands in it, in cents, and the entries that add up to it."""

    form: str
    box: str
    label: Message
    net: int | None
    vat: int | None
    entries: Sequence[BoxEntry] = ()


class BoxPart(NamedTuple):
    """What some clients have of a period: what fell due, what was received, what was invoiced
    since the year began by nature, and VAT by their entries in the books."""

    due: list[Operation]
    received: list[Operation]
    invoiced: dict[str, int]
    booked: int


# --- what counts ---------------------------------------------------------------------


def part(period: str, clients: Iterable[Sequence[History]]) -> BoxPart:
    """What some clients have, of the histories to which something happened in the year.

    Args:
      period: a month, a quarter or a year.
    """
    months = periods.months_of(period)
    year = period[:4]
    due: list[Operation] = []
    received: list[Operation] = []
    invoiced = {"goods": 0, "services": 0}
    booked = 0
    for history in (history for own in clients for history in own):
        due += _due(history, months)
        received += _received(history, months)
        for bill in history.issued:
            if bill.date.startswith(year) and bill.date[:7] <= months[-1]:
                for share in bill.shares:
                    sign = 1 if bill is history.invoice else -1
                    invoiced[share.nature] += sign * share.net
        booked -= sum(
            posting.amount
            for entry in bookkeeping.entries(history)
            if entry.date.startswith(months)
            for posting in entry.postings
            if posting.account == bookkeeping.VAT_COLLECTED
        )
    return BoxPart(due, received, invoiced, booked)


def _due(history: History, months: tuple[str, ...]) -> Iterator[Operation]:
    for due in tax_points.dues(history):
        if due.date.startswith(months):
            yield _operation(due.date, due.source, history.invoice, due.share)


def _received(history: History, months: tuple[str, ...]) -> Iterator[Operation]:
    for receipt, share in turnover.received(history):
        if receipt.source.date.startswith(months):
            yield _operation(receipt.source.date, receipt.source, history.invoice, share)


def _operation(
    day: str, source: IssuedDocument | Movement, invoice: IssuedDocument, share: VatShare
) -> Operation:
    (number,) = csv_tables.numbers([source])
    return Operation(
        intern(day),
        intern(source.client),
        source.rank,
        source.seq,
        intern(number),
        intern(source.kind),
        intern(invoice.number),
        intern(invoice.name),
        intern(invoice.country),
        intern(invoice.vat_number),
        intern(share.nature),
        intern(share.vat_category),
        intern(share.vat_rate),
        intern(invoice.exemptions.get(share.vat_category, "")),
        intern(invoice.places.get(share.nature, "")),
        share.net,
        share.vat,
    )


def joined(parts: Sequence[BoxPart]) -> BoxPart:
    """The parts as one, in order of date and client."""
    order = attrgetter("date", "client", "rank", "seq")
    return BoxPart(
        sorted((operation for part in parts for operation in part.due), key=order),
        sorted((operation for part in parts for operation in part.received), key=order),
        {nature: sum(part.invoiced[nature] for part in parts) for nature in ("goods", "services")},
        sum(part.booked for part in parts),
    )


# --- the boxes -----------------------------------------------------------------------


def declaration(issuer: Issuer, period: str, whole: BoxPart) -> list[BoxFigure]:
    """The figures of every form that an issuer fills in for a period, in their order.

    Raises:
      Refused: for a VAT number that the DES does not take.
    """
    figures: list[BoxFigure] = []
    # What was invoiced under another regime than today's is declared as it was invoiced.
    own = [operation for operation in whole.due if operation.exemption != FRANCHISE_CODE]
    if issuer.vat_regime != FRANCHISE or any(operation.vat for operation in own):
        form = CA12 if issuer.vat_periods == SIMPLIFIED else CA3
        figures += vat_return(form, own)
    for month in periods.months_of(period):
        figures += services_abroad(month, whole.due)
    if turnover.is_declared(issuer):
        figures += turnover_received(issuer.activity, whole.received)
    if issuer.vat_regime == FRANCHISE:
        figures += limits(issuer, period[:4], whole.invoiced)
    return figures


def vat_return(form: str, operations: Iterable[Operation]) -> list[BoxFigure]:
    """The sales side of a VAT return."""
    boxes = vat_returns.boxes(form)
    rows: dict[str, list[Operation]] = {}
    for operation in operations:
        holder = _holder(form, operation.vat_category, operation.vat_rate, operation.place)
        rows.setdefault(holder, []).append(operation)
    entries: dict[str, list[BoxEntry]] = {}
    for holder, own in rows.items():
        nets_back = sum(operation.net for operation in own) < 0
        vat_back = sum(operation.vat for operation in own) < 0
        is_taxed = boxes[holder]["box"] == holder
        for operation in own:
            net, vat = operation.net, operation.vat
            if not is_taxed:
                _add(entries, "untaxed_back" if nets_back else holder, operation, net, None)
                continue
            _add(entries, "taxed_back" if nets_back else "taxed", operation, net, None)
            _add(entries, holder, operation, None if nets_back else net, None if vat_back else vat)
            _add(entries, "vat_back", operation, None, vat if vat_back else None)
    return [
        _figure(
            form,
            box["box"],
            Message(box["label"]),
            entries[holder],
            -1 if box["holds"].endswith("_back") else 1,
        )
        for holder, box in boxes.items()
        if holder in entries
    ]


def _add(
    entries: dict[str, list[BoxEntry]],
    holder: str,
    operation: Operation,
    net: int | None,
    vat: int | None,
) -> None:
    if net or vat:
        entries.setdefault(holder, []).append(BoxEntry(operation, net, vat))


def _figure(
    form: str, box: str, label: Message, entries: Iterable[BoxEntry], sign: int = 1
) -> BoxFigure:
    """The sum of entries, which `sign` turns round."""
    own = [
        BoxEntry(
            entry.operation,
            None if entry.net is None else sign * entry.net,
            None if entry.vat is None else sign * entry.vat,
        )
        for entry in entries
    ]
    nets = [entry.net for entry in own if entry.net is not None]
    vats = [entry.vat for entry in own if entry.vat is not None]
    return BoxFigure(
        form, box, label, sum(nets) if nets else None, sum(vats) if vats else None, own
    )


_UNTAXED = {"G": "export", "K": "intra_eu_goods"}


@cache
def _holder(form: str, category: str, rate: str, place: str) -> str:
    """What holds an operation: the box of its rate, or the kind of what bears no VAT.

    A rate that a place does not have is that of another: it is held by its own box all the same.
    """
    if category != "S":
        return _UNTAXED.get(category, "other")
    boxes = vat_returns.boxes(form).values()
    of_rate = [box for box in boxes if box.get("rate") == rate]
    of_place = [box for box in of_rate if place in box["places"]]
    particular = [box for box in boxes if box["holds"] == "particular"]
    own = [box for box in particular if rate in box.get("rates", {}).get(place, ())]
    return str((of_place or own or of_rate or particular)[0]["box"])


def vat_of(figures: Iterable[BoxFigure]) -> int:
    """The VAT that a return comes to: what is due at each rate, less what is taken back."""
    backs = {vat_returns.boxes(form)["vat_back"]["box"] for form in (CA3, CA12)}
    return sum(
        (-1 if figure.box in backs else 1) * (figure.vat or 0)
        for figure in figures
        if figure.form in (CA3, CA12)
    )


# --- services abroad -----------------------------------------------------------------


def services_abroad(month: str, operations: Iterable[Operation]) -> list[BoxFigure]:
    """The lines of the DES of a month: services that customers in the EU pay VAT on.

    Raises:
      Refused: for a VAT number of no member state: since 2021, one of the United Kingdom.
    """
    rows: dict[str, list[BoxEntry]] = {}
    for operation in operations:
        if operation.date.startswith(month) and operation.exemption == EU_SERVICES:
            number = operation.vat_number
            entry = BoxEntry(operation, operation.net, None)
            rows.setdefault(number, []).append(entry)
    members = code_lists.eu_members() - {"XI"}
    strange = [number for number in rows if number[:2].replace("EL", "GR") not in members]
    if strange:
        raise Refused([_strange(number, rows[number][0].operation) for number in sorted(strange)])
    figures = [
        _figure(
            f"{DES} {month}",
            number,
            say(
                "{name}: services taxed in the customer's state",
                name=own[-1].operation.name,
            ),
            own,
        )
        for number, own in sorted(rows.items())
    ]
    return [figure for figure in figures if figure.net]


def _strange(number: str, operation: Operation) -> Alert:
    found = say(
        '"{number}" of the buyer is not a VAT number of a member state of the EU', number=number
    )
    remedy = say("the DES does not take it: ask your accountant how to declare it")
    return Alert(
        "B-DES-NUMBER", operation.invoice, Fault("", found, remedy=remedy), operation.client
    )


def des_file(vat_number: str, month: str, figures: Iterable[BoxFigure]) -> bytes | None:
    """The DES of a month as XML, which passes its XSD; None where it has no line.

    A line whose whole euros are 0 has nothing to declare, and the XSD refuses it.
    """
    from lxml import etree

    lines = [(figure.box, euros(figure.net or 0)) for figure in figures]
    lines = [(number, value) for number, value in lines if value]
    if not lines:
        return None
    whole = etree.Element("fichier_des")
    head = etree.SubElement(whole, "declaration_des")
    year, number = month.split("-")
    heading = {
        "num_des": year + number,
        "num_tvaFr": vat_number,
        "mois_des": number,
        "an_des": year,
    }
    for name, text in heading.items():
        etree.SubElement(head, name).text = text
    for i, (partner, value) in enumerate(lines, 1):
        line = etree.SubElement(head, "ligne_des")
        cells = {"numlin_des": str(i), "valeur": str(value), "partner_des": partner}
        for name, text in cells.items():
            etree.SubElement(line, name).text = text
    etree.indent(whole)
    xml: bytes = etree.tostring(whole, xml_declaration=True, encoding="UTF-8") + b"\n"
    if broken := validators.xsd_verdicts(xml, Path(__file__).with_name("des.xsd")):
        raise RuntimeError(f"the DES of {month} is not of its XSD: {broken}")
    return xml


# --- turnover received ---------------------------------------------------------------


def turnover_received(activity: str, operations: Iterable[Operation]) -> list[BoxFigure]:
    """What was received, without VAT, by category of activity; what is below 0 is taken off of
    the next declaration."""
    rows: dict[str, list[BoxEntry]] = {}
    for operation in operations:
        category = turnover.category_of(activity, operation.nature)
        rows.setdefault(category, []).append(BoxEntry(operation, operation.net, None))
    figures = []
    for category, label in CATEGORIES.items():
        figure = _figure(URSSAF, category, label, rows.get(category, ()))
        if (figure.net or 0) < 0:
            text = say("{category}: below 0, to take off of the next declaration", category=label)
            figure = _figure(URSSAF, f"{category} -", text, figure.entries, -1)
        figures += [figure] if figure.net else []
    return figures


def limits(issuer: Issuer, year: str, invoiced: Mapping[str, int]) -> list[BoxFigure]:
    """How near the year's turnover, as invoiced, is to the limits of the VAT exemption."""
    figures = []
    for limit in turnover.limits(issuer, year, invoiced):
        label = say("Invoiced since 1 January; issuer.json has no limit of the year")
        if limit.limit:
            label = say(
                "Invoiced since 1 January, limit {limit}: {percent} %",
                limit=str(limit.limit),
                percent=str(limit.percent),
            )
        figures.append(BoxFigure(LIMITS, limit.nature, label, limit.invoiced, None))
    return figures


# --- files ---------------------------------------------------------------------------


def euros(amount: int) -> int:
    """Whole euros of cents, 0.50 rounded away from 0."""
    return (abs(amount) + 50) // 100 * (1 if amount >= 0 else -1)


def tables(figures: Sequence[BoxFigure], config: Settings) -> dict[str, storage.Content]:
    """By their suffixes, the boxes as CSV and what each is made of."""
    cells = {
        "form": [figure.form for figure in figures],
        "box": [figure.box for figure in figures],
        "label": [render(figure.label, config.csv_headers) for figure in figures],
        **_amount_cells(figures, "", text_of),
        **_amount_cells(figures, "_euros", lambda amount: str(euros(amount))),
    }
    return {
        "csv": csv_files.to_bytes(FIGURES, cells, config),
        "documents.csv": partial(_documents, figures, config),
    }


def _documents(figures: Iterable[BoxFigure], config: Settings) -> Iterator[bytes]:
    """What boxes are made of as CSV, in pieces."""
    yield csv_files.headings(DOCUMENTS, config)
    for figure in figures:
        for i in range(0, len(figure.entries), _AT_ONCE):
            entries = figure.entries[i : i + _AT_ONCE]
            operations = [entry.operation for entry in entries]
            cells = {
                **{
                    column.name: [getattr(operation, column.name) for operation in operations]
                    for column in DOCUMENTS[2:-2]
                },
                "form": [figure.form] * len(entries),
                "box": [figure.box] * len(entries),
                "net": [entry.net or 0 for entry in entries],
                "vat": [entry.vat or 0 for entry in entries],
            }
            yield csv_files.encoded(csv_files.lines(DOCUMENTS, cells, config))


def _amount_cells(
    figures: Sequence[BoxFigure], suffix: str, text: Callable[[int], str]
) -> dict[str, list[str]]:
    return {
        f"{name}{suffix}": [
            "" if amount is None else text(amount)
            for amount in (getattr(figure, name) for figure in figures)
        ]
        for name in ("net", "vat")
    }


def des_files(issuer: Issuer, period: str, figures: Sequence[BoxFigure]) -> dict[str, bytes]:
    """The DES of each month of a period that has lines: des-2026-10.xml."""
    found = {}
    for month in periods.months_of(period):
        own = [figure for figure in figures if figure.form == f"{DES} {month}"]
        if data := des_file(issuer.party.vat_number, month, own):
            found[f"des-{month}.xml"] = data
    return found
