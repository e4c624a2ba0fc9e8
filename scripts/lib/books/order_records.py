"""The invoices of orders by what the records know: each with what stands of it"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from decimal import Decimal
from typing import NamedTuple

from lib.billing.orders import StepInvoice, Taxed
from lib.books import balances, quotations, records, revenues
from lib.books.record_lines import OrderDeposit, OrderRevenue
from lib.core.root import Root
from lib.inputs import order_files
from lib.inputs.order_files import Order, Share
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
        shares = taxed(line)
        noted: dict[tuple[str, Share], tuple[str, ...]] = {}
        for note in own:
            for key, share in taxed(note).items():
                left = shares[key]
                shares[key] = Taxed(left.net - share.net, left.vat - share.vat)
                if any(share):
                    noted[key] = (*noted.get(key, ()), note.number)
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
                noted,
                bool(own) and credited == line.gross,
            ),
        )


class OrderProgress(NamedTuple):
    """An order by its file and the records: what it comes to and what is left to invoice, both
    without VAT (None where there is no such file), and what is invoiced and paid with VAT.

    Nothing is left of an order that was declined, or whose final invoice stands."""

    client: str
    order: str
    net: Decimal | None
    left: Decimal | None
    invoiced: Decimal
    paid: Decimal

    @property
    def is_open(self) -> bool:
        """Whether something of it is to be invoiced or paid."""
        return bool(self.left) or self.invoiced != self.paid


def progress(root: Root) -> list[OrderProgress]:
    """Every order that there is a file or an invoice of, by client and order.

    Raises:
      Broken: with the first disagreement of the records.
    """
    files = {(client, order): file for client, order, file in order_files.glances(root)}
    clients = {client for client, _ in files} | set(revenues.owners(root, revenues.DIRECT))
    found = []
    for client in sorted(clients):
        invoices = of_client(root, client)
        names = sorted({*invoices, *(order for owner, order in files if owner == client)})
        lines = balances.of_client(balances.read_lines(root, client)) if invoices else []
        bills = {bill.number: bill for bill in lines}
        quoted = quotations.read(root, client)
        for name in names:
            own = invoices.get(name, [])
            file = files.get((client, name))
            net = _net(file)
            left = None if net is None else net - money.total(invoice.net for invoice in own)
            if file and (_is_final(file, own) or quotations.is_declined(quoted, name)):
                left = money.ZERO
            own_bills = [bills[invoice.number] for invoice in own]
            found.append(
                OrderProgress(
                    client,
                    name,
                    net,
                    left,
                    money.total(bill.gross - bill.credited for bill in own_bills),
                    money.total(bill.paid + bill.written_off for bill in own_bills),
                )
            )
    return found


def _is_final(file: Order, invoices: Iterable[StepInvoice]) -> bool:
    """Whether the final invoice of an order stands."""
    last = file.steps[-1].id if file.steps else ""
    return any(invoice.step == last and not invoice.is_credited for invoice in invoices)


def _net(file: Order | None) -> Decimal | None:
    """What an order comes to that nobody checked; None where it comes to nothing that is right."""
    with suppress(ValueError, ArithmeticError):
        return money.total(order_files.nets(file).values()) if file else None
    return None


def taxed(line: OrderRevenue | OrderDeposit) -> dict[tuple[str, Share], Taxed]:
    """What an invoice charges, or takes off of a deposit, by VAT category and share."""
    return {
        (share.vat_category, Share(share.vat_rate, share.nature)): Taxed(share.net, share.vat)
        for share in line.breakdown
    }
