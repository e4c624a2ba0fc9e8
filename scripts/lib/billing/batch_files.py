"""A batch file as a whole: its lines as invoices, its month, the references that are used."""

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import BinaryIO

from lib.billing import batch_cells, batch_dialects, batch_rows, batch_rules
from lib.billing.batch_rows import BatchInvoice, Reader
from lib.billing.plan_periods import Billed
from lib.core import readings
from lib.core.messages import say
from lib.inputs import batch_csv, cell_faults, plan_checks, plans
from lib.inputs.batch_client_files import BatchClient
from lib.inputs.batch_csv import Dialect, Row
from lib.inputs.cell_faults import CellFault
from lib.inputs.client_files import Client
from lib.inputs.plans import Flat, Item, Plan
from lib.values import periods, spans

_EARLIER, _LATER = 36, 24  # months before and after the file's month

Checked = BatchInvoice | list[CellFault]


def read(stream: BinaryIO, client: BatchClient) -> Iterator[Checked]:
    """Each line below the header: an invoice, or what is wrong with it."""
    head = stream.read(batch_dialects.HEAD)
    stream.seek(0)
    if fault := batch_dialects.foreign(head) or batch_dialects.header_below(head):
        yield [fault]
        return
    dialect, written = client.csv, batch_dialects.recognised(head, client.csv)
    if written:
        yield [batch_dialects.fault(written, client)]
        dialect = written.dialect
    for checked in _read(batch_csv.read(stream, dialect), client, dialect):
        if written and written.dates and isinstance(checked, list):
            yield [fault for fault in checked if not _is_of_dates(fault)]
        else:
            yield checked


def _is_of_dates(fault: CellFault) -> bool:
    """Whether a fault is what is said of all dates at once."""
    is_value = fault.column in ("period_start", "period_end") and isinstance(fault.found, str)
    return is_value and bool(batch_dialects.OTHER_DATE.fullmatch(str(fault.found)))


def _read(rows: Iterator[Row], client: BatchClient, dialect: Dialect) -> Iterator[Checked]:
    header = next(rows, None)
    if header is None:
        expected = say("a file begins with its header")
        yield [CellFault(0, "", say("empty file"), expected, say("export it again"))]
        return
    faults = list(header.faults) or batch_csv.header_faults(
        header.cells, batch_cells.columns(), batch_cells.required(), dialect.delimiter
    )
    if faults:
        yield faults
        return
    reader = Reader(dialect, client.seller, client.defaults, header.cells)
    yield from (read_row(row, reader) for row in rows)


def invoices(stream: BinaryIO, client: BatchClient) -> Iterator[BatchInvoice]:
    """The invoices of a file in which `read` found nothing wrong: their values are made again."""
    rows = batch_csv.read(stream, client.csv)
    reader = Reader(client.csv, client.seller, client.defaults, next(rows).cells)
    return (batch_rows.invoice(row.line, _filled(row, reader), reader) for row in rows)


def read_row(row: Row, reader: Reader) -> Checked:
    """The invoice of a line, or everything that is wrong with it."""
    if row.faults:
        return list(row.faults)
    if readings.is_total(row.cells):
        expected = say("a line holds an invoice, this one a total")
        remedy = say("remove the line: totals are computed")
        return [CellFault(row.line, "", next(filter(None, row.cells)), expected, remedy)]
    if len(row.cells) != len(reader.header):
        expected = say("a line has as many cells as the header: {cells}", cells=len(reader.header))
        remedy = say("check the delimiters of this line; a cell that holds one stands in quotes")
        return [
            CellFault(row.line, "", say("{number} cells", number=len(row.cells)), expected, remedy)
        ]
    cells = _filled(row, reader)
    faults = list(batch_cells.faults(row.line, cells, reader.header, reader.dialect))
    if faults:
        if not any(fault.column.startswith(("customer_", "delivery_")) for fault in faults):
            faults += batch_rules.customer_faults(row.line, cells)
        return faults
    invoice = batch_rows.invoice(row.line, cells, reader)
    return _rule_faults(cells, invoice, reader) or invoice


def _filled(row: Row, reader: Reader) -> dict[str, str]:
    """The cells of a line that hold something, by the names of their columns."""
    pairs = zip(reader.header, row.cells, strict=True)
    return {name: value for name, value in pairs if value != ""}


def _rule_faults(
    cells: Mapping[str, str], invoice: BatchInvoice, reader: Reader
) -> list[CellFault]:
    return list(batch_rules.faults(cells, invoice, reader.seller, reader.dialect))


def check(lines: Iterable[Checked], month: str, numbers: Mapping[str, str]) -> Iterator[Checked]:
    """Each line of a month's file, held against the lines before it and what was invoiced before.

    Args:
      numbers: key of a reference -> the number of its invoice.
    """
    line_of: dict[str, int] = {}
    for checked in lines:
        if isinstance(checked, list):
            yield checked
            continue
        faults = list(_period_faults(checked, month))
        key = batch_rows.reference_key(checked.reference)
        first = line_of.setdefault(key, checked.line)
        if key in numbers or first != checked.line:
            by = numbers.get(key) or say("line {line}", line=first)
            expected = say("a reference is used once, for ever; {by} has it already", by=by)
            remedy = say(
                "remove this line if it was invoiced before; else give it another reference"
            )
            faults.append(CellFault(checked.line, "reference", checked.reference, expected, remedy))
        yield faults or checked


def _period_faults(invoice: BatchInvoice, month: str) -> Iterator[CellFault]:
    """A service period lies around its file's month: a year that is far off is a slip."""
    earliest, latest = periods.add_months(month, -_EARLIER), periods.add_months(month, _LATER)
    period = invoice.period
    for column, day in (("period_start", period.start), ("period_end", period.end)):
        if not earliest <= periods.month_of(day) <= latest:
            expected = say(
                "the service of a file for {month} lies between {earliest} and {latest}",
                month=month,
                earliest=earliest,
                latest=latest,
            )
            yield CellFault(
                invoice.line, column, day.isoformat(), expected, say("correct the date")
            )


def pays(payer: Client, month: str) -> bool:
    """Whether a client is billed for the batches of a month: its plan counts them then."""
    dates = [plans.dates_of_item(plan, item) for plan, item in _batch_items(payer)]
    of_month = spans.of_months([month])
    return payer.status != "closed" and any(days and spans.within(of_month, days) for days in dates)


def _batch_items(payer: Client) -> list[tuple[Plan, Item]]:
    return [
        (plan, item)
        for plan, item in plans.each_item(payer.plans)
        if not isinstance(item, Flat) and item.metric == plan_checks.BATCH_METRIC
    ]


def month_faults(
    file: str, month: str, payer: Client, invoiced: Container[str], billed: Iterable[Billed]
) -> Iterator[CellFault]:
    """A month is handed in once, while its payer has a plan and is not invoiced for it yet.

    Args:
      invoiced: the months that were handed in before.
      billed: what the payer was invoiced for.
    """
    if month in invoiced:
        expected = say("{month} was invoiced already; a month is handed in once", month=month)
        remedy = say("put what is new into the file of the next month")
        yield CellFault(0, "", file, expected, remedy)
        return  # of another month its payer is another question
    if not pays(payer, month):
        found = say(
            "its payer {payer} is closed or has no plan in {month}, so nobody would be billed",
            payer=payer.id,
            month=month,
        )
        remedy = say("correct clients/{payer}.json, then hand the file in again", payer=payer.id)
        yield cell_faults.of_house(file, found, remedy)
    ids = {item.id for _, item in _batch_items(payer)}
    for entry in billed:
        if entry.item in ids and month in spans.months_of(entry.days) and not entry.credited:
            found = say(
                "its payer {payer} was invoiced for {month} already, by {number}",
                payer=payer.id,
                month=month,
                number=entry.number,
            )
            remedy = say(
                "credit {number} first, or name the file after the next month", number=entry.number
            )
            yield cell_faults.of_house(file, found, remedy)
