"""The invoices of orders by what the records know: each with what stands of it"""

from collections.abc import Iterable, Iterator

from lib.billing.orders import StepInvoice, Taxed
from lib.books import records, revenues
from lib.books.record_lines import OrderRevenue
from lib.core.root import Root
from lib.inputs.order_files import Share
from lib.values import money
from lib.values.document import INVOICE, Preceding


def of_client(root: Root, client: str) -> dict[str, list[StepInvoice]]:
    """The invoices of each of a client's orders, in order of issue.

    Raises:
      Broken: with the first disagreement of the client's records.
    """
    path = revenues.chain_path(root, revenues.DIRECT, client)
    by_order: dict[str, list[StepInvoice]] = {}
    for order, invoice in step_invoices(records.read_typed(root, path, OrderRevenue)):
        by_order.setdefault(order, []).append(invoice)
    return by_order


def step_invoices(lines: Iterable[OrderRevenue]) -> Iterator[tuple[str, StepInvoice]]:
    """Each invoice of an order with the order's id, less the credit notes of it."""
    of_orders = [line for line in lines if line.order]
    notes: dict[str, list[OrderRevenue]] = {}
    for line in of_orders:
        notes.setdefault(line.corrects, []).append(line)
    for line in notes.get("", []):
        own = notes.get(line.number, [])
        shares = _taxed(line)
        for note in own:
            for key, taxed in _taxed(note).items():
                left = shares[key]
                shares[key] = Taxed(left.net - taxed.net, left.vat - taxed.vat)
        credited = money.total(note.gross for note in own)
        yield (
            line.order,
            StepInvoice(
                line.number,
                line.issue_date,
                line.step,
                line.type or INVOICE,
                shares,
                tuple(Preceding(number=note.number, issue_date=note.issue_date) for note in own),
                bool(own) and credited == line.gross,
            ),
        )


def _taxed(line: OrderRevenue) -> dict[tuple[str, Share], Taxed]:
    return {
        (share.vat_category, Share(share.vat_rate, share.nature)): Taxed(share.net, share.vat)
        for share in line.breakdown
    }
