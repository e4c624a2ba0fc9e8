"""The rules between the cells of a batch's line: dates, customer, VAT, totals.

Each cell is sound by itself; what is wrong is reported by column, in the words of a spreadsheet.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from lib.billing.batch_rows import (
    LARGEST_QUANTITY,
    BatchInvoice,
    BatchLine,
    is_franchised,
    treatment_of,
)
from lib.core.messages import Code, Message, say
from lib.inputs import parties
from lib.inputs.batch_csv import Dialect
from lib.inputs.cell_faults import CellFault
from lib.values import money, territories, vat
from lib.values.document import Party
from lib.values.payment_code import LARGEST_TOTAL
from lib.values.seller_terms import SellerTerms


class ColumnFault(NamedTuple):
    """A fault of a cell of a line that is known: its column, what is expected, the remedy."""

    column: str
    expected: Message
    remedy: Message
    found: str | None = None  # None: what the cell holds


def faults(
    cells: Mapping[str, str], invoice: BatchInvoice, seller: SellerTerms, dialect: Dialect
) -> Iterator[CellFault]:
    """Every rule that a line breaks."""
    column_faults = (
        *_date_faults(cells),
        *_payment_faults(cells),
        *_customer_faults(cells),
        *_line_faults(invoice, seller, dialect.decimal),
        *_exemptions_faults(invoice.lines),
        *(_quantity_faults(invoice.lines) if dialect.vat_included else ()),
        *_total_faults(invoice.lines),
    )
    yield from _placed(invoice.line, cells, column_faults)


def customer_faults(line: int, cells: Mapping[str, str]) -> Iterator[CellFault]:
    """The rules of the customer alone, for a line with faulty cells elsewhere."""
    yield from _placed(line, cells, _customer_faults(cells))


def _placed(
    line: int, cells: Mapping[str, str], faults: Iterable[ColumnFault]
) -> Iterator[CellFault]:
    for column, expected, remedy, found in faults:
        value = cells.get(column, "") if found is None else found
        yield CellFault(line, column, value, expected, remedy)


def _date_faults(cells: Mapping[str, str]) -> Iterator[ColumnFault]:
    start = cells["period_start"]
    if cells["period_end"] < start:
        expected = say("a period does not end before it starts ({start})", start=start)
        yield ColumnFault("period_end", expected, say("exchange or correct the dates"))


def _payment_faults(cells: Mapping[str, str]) -> Iterator[ColumnFault]:
    if "paid" in cells and "payment_days" in cells:
        expected = say("an invoice that is paid has no days to pay")
        yield ColumnFault("payment_days", expected, say("empty this cell, or paid"))


# --- the customer --------------------------------------------------------------------

_COLUMN_OF = {
    "party.siren": "customer_siren",
    "party.siret": "customer_siret",
    "party.service_code": "customer_service_code",
    "party.vat_number": "customer_vat_number",
    "party.address.postcode": "customer_postcode",
    "party.address.country": "customer_country",
    "party.electronic_address.id": "customer_electronic_id",
}
_OF_BUSINESS = ("customer_siren", "customer_siret", "customer_vat_number")
_COPY_AGAIN = say("copy both numbers again from the customer's papers")
_REMEDIES = {
    "customer_siren": say("empty this cell, or correct customer_country"),
    "customer_siret": _COPY_AGAIN,
    "customer_service_code": say("empty this cell; buyer_reference takes a reference of anyone"),
    "customer_vat_number": _COPY_AGAIN,
    "customer_electronic_id": say("write the SIREN first, or use another scheme"),
}


def _customer_faults(cells: Mapping[str, str]) -> Iterator[ColumnFault]:
    """What is wrong between the cells of a customer and of its delivery address."""
    party = _party_values(cells)
    for fault in parties.faults(party):
        column = _COLUMN_OF[fault.place]
        if "customer_person" in cells and column in _OF_BUSINESS:
            remedy = say("empty this cell, or customer_person")
            yield ColumnFault(column, say("a private person has none"), remedy)
        elif "customer_taxable" in cells and column == "customer_vat_number":
            remedy = say("empty this cell, or customer_taxable")
            yield ColumnFault(column, say("only a taxable person has one"), remedy)
        elif column == "customer_postcode":
            written = parties.french_postcode(cells.get(column, ""))
            yield ColumnFault(column, say("a French postcode has five digits"), written)
        elif column == "customer_service_code" and "customer_siret" in cells:
            yield _service_fault(cells)
        else:
            yield ColumnFault(column, fault.found, _REMEDIES[column])
    if ("customer_electronic_scheme" in cells) != ("customer_electronic_id" in cells):
        expected = say("the scheme and the id of an electronic address go together")
        remedy = say("fill in both, or neither")
        yield ColumnFault("customer_electronic_id", expected, remedy, found="")
    if any(name.startswith("delivery_") for name in cells):
        expected = say("a delivery address has at least address_1, city and country")
        remedy = say("fill it in, or empty all delivery columns")
        for name in ("delivery_address_1", "delivery_city", "delivery_country"):
            if name not in cells:
                yield ColumnFault(name, expected, remedy)
    if parties.needs_siren(party):
        remedy = say(
            'fill it in, or write "yes" in customer_person for a private person,'
            ' "no" in customer_taxable for a body that is not a taxable person'
        )
        yield ColumnFault("customer_siren", say("a French business has a SIREN"), remedy)


def _service_fault(cells: Mapping[str, str]) -> ColumnFault:
    """A service code beside the SIRET, where the SIREN is that of a public body; else neither."""
    siren, siret = cells.get("customer_siren", ""), cells["customer_siret"]
    column = "customer_service_code"
    if not vat.is_public_siren(siren):
        found = say("is of public bodies alone, whose SIREN begins with 1 or 2")
        return ColumnFault(column, found, _REMEDIES[column])
    expected = say("an invoice carries the SIRET or the service code (BT-46, EN 16931), never both")
    remedy = say(
        'empty customer_siret and name both in customer_electronic_id, "{address}", with "0225" in'
        " customer_electronic_scheme; or keep it and write the code in buyer_reference (BT-10)",
        address=f"{siren}_{siret}_{cells[column]}",
    )
    return ColumnFault(column, expected, remedy)


def _party_values(cells: Mapping[str, str]) -> dict[str, Any]:
    """The customer as the checks of a party want it: plain JSON data."""
    party: dict[str, Any] = {
        "name": cells["customer_name"],
        "address": {
            "country": cells["customer_country"],
            "postcode": cells.get("customer_postcode", ""),
        },
    }
    for key in ("siren", "siret", "service_code", "vat_number"):
        if f"customer_{key}" in cells:
            party[key] = cells[f"customer_{key}"]
    if "customer_person" in cells:
        party["person"] = True
    if "customer_taxable" in cells:
        party["taxable"] = False
    if "customer_electronic_id" in cells:
        party["electronic_address"] = {
            "scheme": cells.get("customer_electronic_scheme", ""),
            "id": cells["customer_electronic_id"],
        }
    return party


# --- each line of the invoice --------------------------------------------------------


def _line_faults(invoice: BatchInvoice, seller: SellerTerms, decimal: str) -> Iterator[ColumnFault]:
    for i, line in enumerate(invoice.lines, 1):
        for fault in (
            *_category_faults(line, seller),
            *_discount_faults(line),
            *_rate_faults(line, seller, decimal),
            *_exemption_faults(line, seller),
            *_treatment_faults(line, invoice.buyer, seller),
        ):
            of_customer = fault.column.startswith("customer_")
            yield fault if of_customer else fault._replace(column=f"{fault.column}_{i}")


def _category_faults(line: BatchLine, seller: SellerTerms) -> Iterator[ColumnFault]:
    sold = seller.operation_category
    if not line.category:
        expected = say("this seller sells goods and services: each line says which it is")
        yield ColumnFault("category", expected, say('write "goods" or "services"'))
    elif sold not in ("mixed", line.category):
        expected = say("this seller sells {sold} only", sold=Code(sold))
        yield ColumnFault("category", expected, say("empty the cell"))


def _discount_faults(line: BatchLine) -> Iterator[ColumnFault]:
    if line.net < 0:
        expected = say("a discount is an amount of at most quantity x unit price, rounded")
        remedy = say("correct the discount, the quantity or the price")
        yield ColumnFault("discount", expected, remedy)
    if bool(line.discount) != bool(line.discount_reason):
        expected = say("a discount and its reason go together (BT-139)")
        yield ColumnFault("discount_reason", expected, say("fill in both, or neither"))


def _rate_faults(line: BatchLine, seller: SellerTerms, decimal: str) -> Iterator[ColumnFault]:
    category, rate = line.vat_category, line.vat_rate
    rates = territories.french_rates()
    if category == "S" and not rate:
        expected = say("a line with VAT (category S) has a rate above 0")
        remedy = say(
            "write the rate, or in vat_category why there is none: {categories}",
            categories=("E", "AE", "K", "G", "O"),
        )
        yield ColumnFault("vat_rate", expected, remedy)
    elif category == "S" and rate not in rates and _is_french(seller):
        listed = vat.listed(rates, " - ").replace(".", decimal)
        remedy = say("write one of {rates}", rates=listed)
        if rate * 100 in rates:  # a spreadsheet writes 0.2 for a cell that shows 20 %
            right = money.plain(rate * 100).replace(".", decimal)
            remedy = say('write "{rate}"', rate=right)
        yield ColumnFault("vat_rate", say("this is not a rate of VAT in France"), remedy)
    elif category != "S" and rate:
        expected = say("a line without VAT (category {category}) has the rate 0", category=category)
        yield ColumnFault("vat_rate", expected, say("write 0, or S in vat_category"))


def _is_french(seller: SellerTerms) -> bool:
    return territories.of_address(seller.party.address).state == "FR"


def _exemption_faults(line: BatchLine, seller: SellerTerms) -> Iterator[ColumnFault]:
    code, reason = line.exemption
    if line.vat_category != "E":
        if code or reason:
            column = "exemption_code" if code else "exemption_reason"
            expected = say("only an exempt line (E) has a code and a reason")
            yield ColumnFault(column, expected, say("empty both cells"))
        return
    if is_franchised(line, seller):
        return
    if not code or not reason:
        column = "exemption_reason" if code else "exemption_code"
        expected = say("an exempt line (E) has a code and a reason")
        yield ColumnFault(column, expected, say("fill in both cells"))
    if text := vat.exemption_fault(code, seller.party):
        remedy = say("write the code of the law that exempts this")
        yield ColumnFault("exemption_code", text, remedy)


def _treatment_faults(line: BatchLine, buyer: Party, seller: SellerTerms) -> Iterator[ColumnFault]:
    """What the law of VAT has against the category of a line (vat.treatment_faults)."""
    category, sold = line.vat_category, line.category
    if not sold:
        return
    treatment = treatment_of(line, buyer, seller)
    if category != vat.category_of(treatment, sold):
        law = vat.law_of(sold, seller.party, seller.vat_regime, buyer)
        expected = say("AE abroad is for services; {why}", why=law.why)
        if category == "K":
            expected = say("K is for goods; {why}", why=law.why)
        yield ColumnFault("vat_category", expected, _write(law.right, sold))
        return
    kinds, regime = frozenset({sold}), seller.vat_regime
    for fault in vat.treatment_faults(treatment, kinds, seller.party, regime, buyer):
        if fault.right:
            expected = say("{category} is refused: {rule}", category=category, rule=fault.rule)
            yield ColumnFault("vat_category", expected, _write(fault.right, sold))
        elif fault.place == "seller.vat_number":
            expected = say(
                "category {category} is for sellers who have a VAT number; this one has none",
                category=category,
            )
            remedy = say("ask for it to be added to the seller's file")
            yield ColumnFault("vat_category", expected, remedy)
        else:
            remedy = say("fill it in or correct it, or change vat_category")
            yield ColumnFault("customer_vat_number", fault.rule, remedy)


def _write(treatment: str, sold: str) -> Message:
    """How a line says a treatment."""
    category = vat.category_of(treatment, sold)
    match treatment:
        case "standard":
            return say('write "{category}" and the rate in vat_rate', category=category)
        case "exempt":
            return say(
                'write "{category}" with a code and a reason, and 0 in vat_rate', category=category
            )
        case "franchise":
            return say(
                'write "{category}" without a code or reason, and 0 in vat_rate', category=category
            )
    return say('write "{category}" and 0 in vat_rate', category=category)


# --- the invoice as a whole ----------------------------------------------------------


_TWO_INVOICES = say("make two invoices of it")


def _exemptions_faults(lines: tuple[BatchLine, ...]) -> Iterator[ColumnFault]:
    exempt = [(i, line.exemption) for i, line in enumerate(lines, 1) if line.vat_category == "E"]
    if other := [i for i, exemption in exempt if exemption != exempt[0][1]]:
        expected = say("an invoice has one reason of exemption: all its E lines have the same")
        yield ColumnFault(f"exemption_code_{other[0]}", expected, _TWO_INVOICES)
    categories = [line.vat_category for line in lines]
    other = [i for i, category in enumerate(categories, 1) if category != categories[0]]
    if vat.NOT_SUBJECT in categories and other:
        expected = say("what is outside the scope of VAT (O) stands alone on an invoice (BR-O-11)")
        yield ColumnFault(f"vat_category_{other[0]}", expected, _TWO_INVOICES)


def _total_faults(lines: tuple[BatchLine, ...]) -> Iterator[ColumnFault]:
    # A zero is far more often a slip than a gift, and a number once used is used for ever.
    if not any(line.net + line.discount for line in lines):
        expected = say("an invoice comes to more than 0.00 before its discounts")
        remedy = say("write the price; a gift has its price and a discount with its reason")
        yield ColumnFault("unit_price_1", expected, remedy)
    if (gross := _gross(lines)) > LARGEST_TOTAL:
        expected = say(
            "an invoice comes to at most {largest} with VAT, this one to {gross}",
            largest=money.shown(LARGEST_TOTAL),
            gross=money.shown(gross),
        )
        remedy = say("correct quantities and prices, or make two invoices of it")
        yield ColumnFault("unit_price_1", expected, remedy)


def _quantity_faults(lines: tuple[BatchLine, ...]) -> Iterator[ColumnFault]:
    """With VAT in it, a price of six decimals comes to a net amount up to some quantity."""
    for i, line in enumerate(lines, 1):
        if line.quantity > LARGEST_QUANTITY:
            expected = say(
                "where prices are with VAT, a quantity is at most {most}",
                most=str(LARGEST_QUANTITY),
            )
            remedy = say("count in a larger unit: CEN for hundreds, MIL for thousands")
            yield ColumnFault(f"quantity_{i}", expected, remedy)


def _gross(lines: tuple[BatchLine, ...]) -> Decimal:
    """BT-112 of these lines."""
    gross = vat.gross_of(lines)
    nets: dict[tuple[str, Decimal], Decimal] = {}
    for line in lines:
        key = (line.vat_category, line.vat_rate)
        nets[key] = nets.get(key, money.ZERO) + line.net
    return money.total(
        net + vat.tax_of(net, rate, gross.get((category, rate)))
        for (category, rate), net in nets.items()
    )
