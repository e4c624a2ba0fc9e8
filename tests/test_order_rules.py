"""Orders against a computation by hand: whole cents, no code of the program's own sums.

Random orders are invoiced step by step, credited at random, shrunk; what the rules and the
records then say is compared with sums of whole cents.
"""

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import house
from lib.billing import credit_notes, orders, quoting
from lib.billing.credit_notes import TooMuch
from lib.billing.orders import StepRefused
from lib.billing.quoting import Version
from lib.books import order_records, revenues
from lib.books.record_lines import CreditNoteRecord, InvoiceRecord, OrderRevenue
from lib.inputs.client_files import Client
from lib.inputs.issuer_file import Issuer
from lib.inputs.order_files import FINAL, Order, OrderDiscount, Step
from lib.inputs.plans import OneOffLine
from lib.values.document import Document

DAY = date(2026, 11, 10)
CLIENT = msgspec.convert(house.client(), Client, strict=False)
ISSUER = msgspec.convert(house.issuer({"operation_category": "mixed"}), Issuer, strict=False)
RATES = ("20", "10", "5.5")
Key = tuple[str, str]  # rate and nature


def cents(amount: Any) -> int:
    return int(Decimal(amount) * 100)


def rounded(numerator: int, denominator: int) -> int:
    """Half up, of whole numbers that are not negative."""
    return (2 * numerator + denominator) // (2 * denominator)


@st.composite
def projects(draw: st.DrawFn) -> Order:
    lines = tuple(
        OneOffLine(
            description={"fr": f"Ligne {i}"},
            quantity=Decimal(draw(st.integers(1, 30))),
            unit="DAY",
            unit_price=Decimal(draw(st.integers(1, 90_000))).scaleb(-2),
            vat_rate=Decimal(draw(st.sampled_from(RATES))),
            category=draw(st.sampled_from(["goods", "services"])),
        )
        for i in range(draw(st.integers(1, 4)))
    )
    percents = draw(st.lists(st.integers(0, 20), max_size=1))
    steps = tuple(
        Step(
            id=f"step{i}",
            kind=draw(st.sampled_from(["deposit", "milestone"])),
            percent=Decimal(draw(st.integers(1, 4500))).scaleb(-2),
        )
        for i in range(draw(st.integers(0, 3)))
    )
    return Order(
        id="site",
        client="nord",
        title={"fr": "Site"},
        lines=lines,
        discounts=tuple(
            OrderDiscount(description={"fr": "Remise"}, percent=Decimal(one)) for one in percents
        ),
        steps=(*steps, Step(id="final", kind=FINAL)),
    )


class Ledger:
    """What was issued of an order: documents, their records, and the sums of whole cents."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.documents: list[Document] = []
        self.records: list[OrderRevenue] = []

    def add(self, document: Document) -> None:
        facts = revenues.facts(document, "0" * 64, "0" * 64)
        msgspec.convert(facts, InvoiceRecord | CreditNoteRecord)
        seq = len(self.records) + 1
        line = {**facts, "seq": seq, "prev": "", "hash": ""}
        self.records.append(msgspec.convert(line, OrderRevenue, strict=False))
        self.documents.append(document)

    @property
    def invoices(self) -> list[orders.StepInvoice]:
        return [invoice for _, invoice in order_records.step_invoices(self.records)]

    def issue(self, step: Step) -> Document:
        charges = orders.step_charges(self.order, step, self.invoices, CLIENT)
        number = f"NORD-2026-{len(self.documents) + 1:04d}"
        document = orders.invoice(
            CLIENT, self.order, step, charges, number, DAY, DAY, ISSUER, {"a": "b"}, {}
        )
        self.add(document)
        return document

    def credit(self, invoice: Document, gross: int) -> bool:
        """Takes an amount with VAT back, or all that is left; False where no lines come to it."""
        notes = self.notes_of(invoice)
        amount = Decimal(gross).scaleb(-2)
        try:
            parts = (
                credit_notes.amount_parts(invoice, notes, amount)
                if gross
                else credit_notes.wished_parts(invoice, notes, None)
            )
        except TooMuch:
            return False
        number = f"NORD-2026-{len(self.documents) + 1:04d}"
        self.add(
            credit_notes.credit_note(invoice, notes, parts, number, DAY, "moins", {"a": "b"}, {})
        )
        return True

    def notes_of(self, invoice: Document) -> list[Document]:
        return [
            one
            for one in self.documents
            if one.is_credit_note and one.corrected.number == invoice.number
        ]

    def nets(self) -> Counter[Key]:
        """What stands without VAT, by rate and nature, of the records' own shares."""
        sums: Counter[Key] = Counter()
        for record in self.records:
            sign = -1 if record.corrects else 1
            for share in record.breakdown:
                sums[str(share.vat_rate.normalize()), share.nature] += sign * cents(share.net)
        return sums


def hand(order: Order) -> Counter[Key]:
    """What an order comes to, by rate and nature, in whole cents."""
    sums: Counter[Key] = Counter()
    for line in order.lines:
        key = (str(line.vat_rate.normalize()), line.category)
        sums[key] += int(line.quantity) * cents(line.unit_price)
    for discount in order.discounts:
        for key, net in list(sums.items()):
            sums[key] -= rounded(net * int(discount.percent or 0), 100)
    return sums


@settings(max_examples=120, deadline=None)
@given(projects(), st.data())
def test_a_project_adds_up_to_its_order(order: Order, data: st.DataObject):
    ledger, whole = Ledger(order), hand(order)
    total = sum(whole.values())
    for step in order.steps[:-1]:
        wanted = rounded(total * int((step.percent or Decimal(0)) * 100), 10_000)
        left = total - sum(ledger.nets().values())
        if wanted > left:
            with pytest.raises(StepRefused):
                ledger.issue(step)
            continue
        if not wanted:
            continue
        document = ledger.issue(step)
        assert cents(document.totals.net) == wanted
        assert document.type_code == ("386" if step.kind == "deposit" else "380")
        for one in document.vat_breakdown:
            # VAT once on the sum of a rate (BR-CO-17)
            assert cents(one.vat) == rounded(cents(one.taxable) * int(one.rate * 10), 1000)
        if data.draw(st.booleans()):
            gross = cents(document.totals.gross)
            ledger.credit(document, data.draw(st.sampled_from([0, gross // 3, gross // 2, 1])))
    standing = ledger.nets()
    assert all(0 <= standing[key] <= whole[key] for key in whole | standing)
    final = ledger.issue(order.steps[-1])
    assert +ledger.nets() == +whole
    assert cents(final.totals.net) == total - sum(standing.values())
    # Taken off is exactly what stands of deposits, net and VAT, so that 4191 clears.
    deposits = {one.number for one in ledger.documents if one.type_code == "386"}
    taken = {
        (entry.number, one.vat_rate, one.nature): (one.net, one.vat)
        for entry in ledger.records[-1].deposits
        for one in entry.breakdown
    }
    sums: dict[Any, list[Decimal]] = {}
    for record in ledger.records:
        about = record.corrects or record.number
        if about in deposits:
            sign = -1 if record.corrects else 1
            for one in record.breakdown:
                known = sums.setdefault((about, one.vat_rate, one.nature), [Decimal(0), Decimal(0)])
                known[0] += sign * one.net
                known[1] += sign * one.vat
    assert taken == {key: tuple(value) for key, value in sums.items() if any(value)}
    # Credited in full, all of it is left again, and it is issued again to the same cent.
    assert ledger.credit(final, 0)
    assert ledger.nets() == +standing or +ledger.nets() == +standing
    again = ledger.issue(order.steps[-1])
    assert (again.totals, again.vat_breakdown) == (final.totals, final.vat_breakdown)
    assert +ledger.nets() == +whole


@settings(max_examples=60, deadline=None)
@given(projects(), st.integers(1, 99), st.data())
def test_an_order_that_becomes_smaller_is_refused_until_its_deposits_are(
    order: Order, percent: int, data: st.DataObject
):
    """The refusal names what to credit; credited so, the final invoice is never below 0."""
    ledger = Ledger(order)
    for step in order.steps[:-1]:
        try:
            ledger.issue(step)
        except (StepRefused, ArithmeticError):
            continue
    kept = data.draw(st.integers(1, len(order.lines)))
    ledger.order = msgspec.structs.replace(
        order,
        lines=order.lines[:kept],
        discounts=(OrderDiscount(description={"fr": "Remise"}, percent=Decimal(percent)),),
    )
    for _ in range(20):
        try:
            final = ledger.issue(order.steps[-1])
            break
        except StepRefused as refused:
            beyond = refused.beyond
            assert beyond is not None
            invoice = next(one for one in ledger.documents if one.number == beyond.number)
            notes = ledger.notes_of(invoice)
            lines = orders.lines_beyond(invoice, notes, beyond)
            assert sum(cents(one["amount"]) for one in lines) == cents(beyond.net)
            wishes = {
                one["line"]: credit_notes.Wish(amount=Decimal(one["amount"])) for one in lines
            }
            parts = credit_notes.wished_parts(invoice, notes, wishes)
            number = f"NORD-2026-{len(ledger.documents) + 1:04d}"
            ledger.add(
                credit_notes.credit_note(invoice, notes, parts, number, DAY, "x", {"a": "b"}, {})
            )
    assert all(one.taxable >= 0 and one.vat >= 0 for one in final.vat_breakdown)
    assert +ledger.nets() == +hand(ledger.order)


@given(projects())
@settings(max_examples=60, deadline=None)
def test_each_step_of_a_quote_is_the_invoice_that_it_becomes(order):
    ledger = Ledger(order)
    try:
        totals = [ledger.issue(step).totals for step in order.steps]
    except StepRefused:
        assume(False)
    version = Version("NORD-D2026-0001", 1, None)
    quote = quoting.quote(order, version, CLIENT, ISSUER, DAY, {"a": "b"}, {})
    quoted = [(step.net, step.vat, step.gross) for step in quote.steps]
    assert quoted == [(total.net, total.vat, total.gross) for total in totals]
    assert quote.totals.net == sum(net for net, _, _ in quoted)
