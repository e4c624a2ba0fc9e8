"""What a seller's customers paid already: prices with VAT in them, and invoices that are paid."""

import json
import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

import batches
import house
from lib.audit import proof_audit
from lib.billing import batch_invoicing, credit_notes
from lib.billing.batch_rows import BatchInvoice
from lib.billing.credit_notes import CreditedPart
from lib.books import revenues
from lib.core.root import Root
from lib.documents import facturx_xml, validators
from lib.values import money
from lib.values.document import Document
from test_batch_csv import client_of, fault, invoice

DAY = date(2026, 11, 8)
MIXED = {"seller.operation_category": "mixed", "csv.vat_included": True}
CENT = Decimal("0.01")
RATES = ["20", "10", "5,5", "2,1", "8,5", "1,75", "13", "0,9"]
RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"


def document_of(row: BatchInvoice, changes: dict[str, Any] | None = None) -> Document:
    return batch_invoicing.invoice(
        client_of(changes), row, "FIL-2026-0001", "2026-10", DAY, "Studio", {}, {}
    )


def priced(*groups: tuple[str, str, str, str], **cells: str) -> Document:
    """The document of quantities, prices with VAT, discounts with VAT and rates."""
    row = dict(cells)
    for i, (quantity, price, discount, rate) in enumerate(groups, 1):
        values = {"quantity": quantity, "unit_price": price, "vat_rate": rate}
        if discount:
            values |= {"discount": discount, "discount_reason": "Geste"}
        row |= batches.group(i, **values, category="goods")
    return document_of(invoice(MIXED, **row), MIXED)


# --- prices with VAT -----------------------------------------------------------------

QUANTITIES = st.one_of(
    st.integers(1, 12).map(Decimal),
    st.integers(1, 10_000).map(Decimal),
    st.decimals("0.0001", "10000", places=4),
)
PRICES = st.one_of(
    st.decimals("0.01", "200", places=2),
    st.decimals("0.0001", "5000", places=4),
    st.sampled_from([Decimal(text) for text in ("9.99", "0.01", "19.90", "0.03", "999.99")]),
)


def comma(value: Decimal) -> str:
    return format(value, "f").replace(".", ",")


@st.composite
def sold(draw: Any) -> list[tuple[str, str, str, str]]:
    """Lines of which the first is worth something."""
    groups = []
    for i in range(draw(st.integers(1, 5))):
        quantity, price = draw(QUANTITIES), draw(PRICES)
        whole = (quantity * price).quantize(CENT, ROUND_HALF_UP)
        if not i and whole < CENT:
            quantity, price = Decimal(1), Decimal("9.99")
            whole = price
        discount = ""
        if whole and draw(st.booleans()):
            cents = draw(st.integers(1, int(whole * 100)))
            discount = comma(Decimal(cents) / 100)
            discount = discount if "," in discount else f"{discount},00"
            discount = f"{discount}0" if len(discount.partition(",")[2]) == 1 else discount
        groups.append((comma(quantity), comma(price), discount, draw(st.sampled_from(RATES))))
    return groups


def paid_for(groups: list[tuple[str, str, str, str]]) -> dict[Decimal, Decimal]:
    """What the customer paid at each rate, by the file alone."""
    sums: dict[Decimal, Decimal] = {}
    for texts in groups:
        quantity, price, discount, rate = (
            Decimal((text or "0").replace(",", ".")) for text in texts
        )
        amount = (quantity * price).quantize(CENT, ROUND_HALF_UP) - discount
        sums[rate] = sums.get(rate, Decimal(0)) + amount
    return sums


def by_rule(net: Decimal, rate: Decimal) -> Decimal:
    """BR-CO-17."""
    return (net * rate / 100).quantize(CENT, ROUND_HALF_UP)


@given(sold())
@settings(max_examples=100, deadline=None)
def test_an_invoice_comes_to_what_was_paid_to_the_cent_and_its_vat_to_a_cent_at_most(groups):
    document = priced(*groups)
    sums = paid_for(groups)
    assert document.totals.gross == document.totals.due == sum(sums.values())
    assert document.totals.net == sum(line.net for line in document.lines)
    assert not list(proof_audit.arithmetic(document))
    for subtotal in document.vat_breakdown:
        gross = sums[subtotal.rate]
        assert subtotal.taxable + subtotal.vat == gross
        assert abs(subtotal.vat - by_rule(subtotal.taxable, subtotal.rate)) <= CENT
        # Where some net amount comes to it by the rule, it is that one.
        near = (gross * 100 / (100 + subtotal.rate)).quantize(CENT)
        candidates = [near + i * CENT for i in range(-3, 4)]
        exact = [net for net in candidates if net + by_rule(net, subtotal.rate) == gross]
        assert exact in ([], [subtotal.taxable])
    for line in document.lines:
        assert -line.unit_price.as_tuple().exponent <= 6
        assert line.discount >= 0
        assert line.gross is not None
        own = line.gross * 100 / (100 + line.vat_rate)
        assert abs(line.net - own) <= CENT


@given(sold(), st.data())
@settings(max_examples=25, deadline=None)
def test_credit_notes_of_parts_add_up_to_the_invoice(groups, data):
    document = priced(*groups)
    notes: list[Document] = []
    for i, line in enumerate(document.lines):
        part = data.draw(st.decimals(0, line.quantity, places=0, allow_nan=False))
        if i and 0 < part < line.quantity:
            credited = credit_notes.Credited(document, notes)
            wish = {line.id: credited.part(line, part)}
            notes.append(note(document, notes, wish))
    notes.append(note(document, notes, credit_notes.wished_parts(document, notes, None)))
    assert sum(one.totals.gross for one in notes) == document.totals.gross
    assert sum(one.totals.vat for one in notes) == document.totals.vat
    assert all(subtotal.vat >= 0 for one in notes for subtotal in one.vat_breakdown)
    assert not [text for one in notes for text in proof_audit.arithmetic(one)]


def note(document: Document, notes: list[Document], parts: dict[str, CreditedPart]) -> Document:
    return credit_notes.credit_note(document, notes, parts, "FIL-2026-0002", DAY, "Retour", {}, {})


HARD = (
    [("1", "9,99", "", "20")],
    [("3", "0,03", "", "20"), ("7", "9,99", "0,10", "5,5"), ("1", "0,01", "", "10")],
    [("10000", "0,0133", "", "20"), ("2,5", "19,90", "1,00", "2,1")],
)


@pytest.mark.parametrize("groups", HARD)
@pytest.mark.parametrize("paid", ["", "card"])
def test_the_standard_accepts_what_no_net_amount_comes_to(groups, paid):
    document = priced(*groups, **({"paid": paid} if paid else {}))
    assert document.totals.gross == sum(paid_for(groups).values())
    assert not validators.verdicts(document, facturx_xml.generate(document))


def test_without_vat_a_price_is_the_same_either_way():
    cells = {"vat_rate_1": "0", "vat_category_1": "AE", "category_1": "services"}
    (line,) = document_of(invoice(MIXED, **cells), MIXED).lines
    assert (line.unit_price, line.net, line.gross) == (Decimal(80), line.net, line.net)
    assert not line.description


def test_a_quantity_without_an_exact_price_is_refused():
    found = fault(batches.file_of(batches.row(quantity_1="10000,5", category_1="goods")), MIXED)
    assert found.column == "quantity_1"
    assert "at most 10000" in str(found.expected)
    net = invoice(quantity_1="10000,5").lines[0].net
    assert net == Decimal("800040.00")


def test_a_discount_above_the_price_with_vat_is_refused_as_ever():
    cells = {"discount_1": "500,01", "discount_reason_1": "Geste", "category_1": "services"}
    found = fault(batches.file_of(batches.row(unit_price_1="100", quantity_1="5", **cells)), MIXED)
    assert found.column == "discount_1"


# --- what is paid --------------------------------------------------------------------


def test_what_is_paid_has_no_days_to_pay():
    found = fault(batches.file_of(batches.row(paid="card", payment_days="30")))
    assert found.column == "payment_days"
    assert "empty this cell" in str(found.remedy)


@pytest.fixture(scope="module")
def paid(tmp_path_factory: Any) -> Root:
    """A shop's month: a paid invoice with VAT in its price, one that is not paid, and one that a
    private customer paid."""
    price = {"quantity_1": "1", "unit_price_1": "9,99", "language": "fr"}
    rows = [
        batches.row(1, paid="card", **price),
        batches.row(2, **price),
        batches.row(3, paid="card", customer_person="yes", customer_siren=None, **price),
    ]
    folder = tmp_path_factory.mktemp("paid")
    root = batches.build(folder, batches.file_of(*rows), {"csv.vat_included": True})
    assert batches.run(root).code == 0
    return root


def proof(root: Root, number: str, suffix: str) -> Path:
    return revenues.proof_path(root, revenues.BATCH, batches.CLIENT, number, suffix)


def texts(root: Root, number: str) -> str:
    reader = pypdf.PdfReader(proof(root, number, "pdf"))
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages))


def sums_in_xml(root: Root, number: str) -> dict[str, str | None]:
    pdf = pypdf.PdfReader(proof(root, number, "pdf"))
    (xml,) = pdf.attachments["factur-x.xml"]
    tree = etree.fromstring(xml)
    names = (
        "GrandTotalAmount",
        "TotalPrepaidAmount",
        "DuePayableAmount",
        "PayeePartyCreditorFinancialAccount",
    )
    found = {name: tree.find(f".//{RAM}{name}") for name in names}
    process = f".//{RAM}BusinessProcessSpecifiedDocumentContextParameter/{RAM}ID"
    due = f".//{RAM}DueDateDateTime/*"
    return {name: None if one is None else one.text for name, one in found.items()} | {
        "process": tree.findtext(process),
        "due": tree.findtext(due),
    }


def test_a_paid_invoice_asks_for_nothing_on_its_page_and_in_its_xml(paid):
    number, other, private = (record["number"] for record in batches.issued(paid))
    assert sums_in_xml(paid, number) == {
        "GrandTotalAmount": "9.99",
        "TotalPrepaidAmount": "9.99",
        "DuePayableAmount": "0.00",
        "PayeePartyCreditorFinancialAccount": None,
        "process": "S2",
        "due": house.TODAY.replace("-", ""),
    }
    page, asked, of_person = (texts(paid, each) for each in (number, other, private))
    for word in ("ACQUITTÉE", "carte bancaire", "9,99"):
        assert word in page and word in of_person
    assert not re.search(r"(?i)iban|échéance|\bRF\d\d", page + of_person)
    for word in ("pénalités", "indemnité", "escompte"):  # art. L441-9 C. com.: between businesses
        assert word in page.lower() and word not in of_person.lower(), word
    assert "IBAN" in asked and "chéance" in asked and "ACQUITTÉE" not in asked
    assert sums_in_xml(paid, other)["process"] == "S1"


def test_its_record_says_that_nothing_is_due_and_everything_is_verified(paid):
    first, second, _ = batches.issued(paid)
    assert (first["paid"], first.get("due_date"), first["gross"]) == ("card", None, "9.99")
    assert "paid" not in second and second["due_date"]
    document = json.loads(proof(paid, first["number"], "json").read_bytes())
    assert document["totals"]["due"] == "0.00"
    assert house.call("verify", paid).code == 0


def test_it_is_credited_as_any_other(paid, monkeypatch):
    number = batches.issued(paid)[0]["number"]
    monkeypatch.setenv("REASON", "Retour")
    ran = house.call(
        "issue_credit_note", paid, invoice=number, issue_date=house.TODAY, today=house.TODAY
    )
    assert ran.code == 0, ran
    note = batches.issued(paid)[-1]
    assert (note["corrects"], note["gross"], note.get("paid")) == (number, "9.99", None)
    assert sums_in_xml(paid, note["number"])["TotalPrepaidAmount"] is None
    assert house.call("verify", paid).code == 0


def test_what_a_percentage_holds_of_an_amount_is_the_rest_of_it():
    assert money.percentage_within(Decimal("9.99"), Decimal(20)) == Decimal("1.67")
    assert money.percentage_within(Decimal("12.00"), Decimal(20)) == Decimal("2.00")
