"""A line of a batch CSV as an invoice: its cells, whose form is checked, as typed values."""

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from lib.billing import batch_cells
from lib.inputs.batch_client_files import BatchDefaults
from lib.inputs.batch_csv import Dialect
from lib.values import money, vat
from lib.values.document import Address, ElectronicAddress, Party, Period
from lib.values.seller_terms import SellerTerms

_DECIMALS_OF_PRICE = 6  # of BT-146, by BR-FR-DEC-03
LARGEST_QUANTITY = Decimal(10_000)  # whose price without VAT can be met with these


class BatchLine(NamedTuple):
    """A group of columns: one line of the invoice, its amounts without VAT.

    Where the file has prices with VAT, `price_with_vat` is the one in the file, and `gross` what
    the line comes to with it.
    """

    description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    discount: Decimal
    discount_reason: str
    vat_rate: Decimal
    vat_category: str
    exemption: vat.Exemption
    category: str
    price_with_vat: Decimal | None = None
    gross: Decimal | None = None

    @property
    def net(self) -> Decimal:
        """BT-131."""
        return money.line_net(self.quantity, self.unit_price, self.discount)


class BatchInvoice(NamedTuple):
    """A line of the file, checked."""

    line: int
    reference: str
    period: Period
    buyer: Party
    purchase_order: str
    buyer_reference: str
    note: str
    language: str
    payment_days: int | None
    paid: str
    lines: tuple[BatchLine, ...]


class Reader(NamedTuple):
    """What the lines of one client's files are read with."""

    dialect: Dialect
    seller: SellerTerms
    defaults: BatchDefaults
    header: tuple[str, ...]


def reference_key(reference: str) -> str:
    """Two references are one where they differ by case or by Unicode form only."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", reference).casefold())


def invoice(row: int, cells: Mapping[str, str], reader: Reader) -> BatchInvoice:
    """The invoice of a line, from its cells that hold something."""
    days = cells.get("payment_days")
    lines = tuple(_line(group, reader) for group in _groups(cells, reader.dialect))
    if reader.dialect.vat_included:
        lines = without_vat(lines)
    return BatchInvoice(
        line=row,
        reference=cells["reference"],
        period=Period(
            start=date.fromisoformat(cells["period_start"]),
            end=date.fromisoformat(cells["period_end"]),
        ),
        buyer=_buyer(cells),
        purchase_order=cells.get("purchase_order", ""),
        buyer_reference=cells.get("buyer_reference", ""),
        note=cells.get("note", ""),
        language=cells.get("language", ""),
        payment_days=int(days) if days else None,
        paid=cells.get("paid", ""),
        lines=lines,
    )


def _groups(cells: Mapping[str, str], dialect: Dialect) -> Iterator[dict[str, str]]:
    for i in range(1, batch_cells.GROUPS + 1):
        columns = batch_cells.columns_of_group(i)
        group = {name: cells[column] for name, column in columns if column in cells}
        if not group:
            break
        for name in batch_cells.DECIMALS:
            if name in group:
                group[name] = group[name].replace(dialect.decimal, ".")
        yield group


def _line(group: Mapping[str, str], reader: Reader) -> BatchLine:
    treatment = reader.defaults.vat.treatment
    sold = reader.seller.operation_category
    category = group.get("category") or (sold if sold != "mixed" else "")
    vat_category = group.get("vat_category") or vat.category_of(treatment, category)
    exemption = vat.Exemption(group.get("exemption_code", ""), group.get("exemption_reason", ""))
    if vat_category == "E" and not any(exemption) and treatment == "exempt":
        own = reader.defaults.vat
        exemption = vat.Exemption(own.exemption_code, own.exemption_reason)
    return BatchLine(
        description=group["description"],
        quantity=Decimal(group["quantity"]),
        unit=group["unit"],
        unit_price=Decimal(group["unit_price"]),
        discount=Decimal(group.get("discount", "0.00")),
        discount_reason=group.get("discount_reason", ""),
        vat_rate=Decimal(group["vat_rate"]),
        vat_category=vat_category,
        exemption=exemption,
        category=category,
    )


def without_vat(lines: tuple[BatchLine, ...]) -> tuple[BatchLine, ...]:
    """Lines whose prices have VAT in them, as lines without it.

    The VAT of a category and rate is what its sum with VAT contains, and the net amounts are the
    rest, shared out over its lines: together they come to what the customer paid, to the cent.
    A unit price has as many decimals, six at most, as its line needs to come to its net amount.
    Lines that cannot be, with a discount above their price or too large a quantity, stay.
    """
    if any(line.net < 0 or line.quantity > LARGEST_QUANTITY for line in lines):
        return lines
    lines = tuple(line._replace(price_with_vat=line.unit_price, gross=line.net) for line in lines)
    net_of: dict[int, Decimal] = {}
    for (category, rate), gross in vat.gross_of(lines).items():
        places = [
            i
            for i, line in enumerate(lines)
            if (line.vat_category, line.vat_rate) == (category, rate)
        ]
        weights = [lines[i].net for i in places]
        net = gross - vat.tax_of(money.ZERO, rate, gross)
        nets = money.share_out(net, weights) if gross else weights
        net_of |= zip(places, nets, strict=True)
    return tuple(_at_net(line, net_of[i]) for i, line in enumerate(lines))


def _at_net(line: BatchLine, net: Decimal) -> BatchLine:
    """A line at the price and the discount, without VAT, that come to a net amount."""
    discount = line.discount - money.percentage_within(line.discount, line.vat_rate)
    for decimals in range(2, _DECIMALS_OF_PRICE + 1):
        price = money.quotient(net + discount, line.quantity, decimals)
        priced = line._replace(unit_price=price, discount=discount)
        if priced.net == net:
            return priced
    raise AssertionError("a cent is more than the quantity times the last decimal of the price")


def _buyer(cells: Mapping[str, str]) -> Party:
    electronic_address = None
    if "customer_electronic_id" in cells:
        scheme = cells.get("customer_electronic_scheme", "")
        electronic_address = ElectronicAddress(scheme=scheme, id=cells["customer_electronic_id"])
    email = cells.get("customer_email")
    delivered = "delivery_city" in cells and "delivery_country" in cells
    return Party(
        name=cells["customer_name"],
        person="customer_person" in cells,
        taxable="customer_taxable" not in cells,
        siren=cells.get("customer_siren", ""),
        siret=cells.get("customer_siret", ""),
        service_code=cells.get("customer_service_code", ""),
        vat_number=cells.get("customer_vat_number", ""),
        address=_address(cells, "customer"),
        email=(email,) if email else (),
        electronic_address=electronic_address,
        delivery_address=_address(cells, "delivery") if delivered else None,
    )


def _address(cells: Mapping[str, str], prefix: str) -> Address:
    lines = [cells.get(f"{prefix}_address_{i}", "") for i in (1, 2, 3)]
    return Address(
        name=cells.get("delivery_name", "") if prefix == "delivery" else "",
        lines=tuple(line for line in lines if line),
        postcode=cells.get(f"{prefix}_postcode", ""),
        city=cells[f"{prefix}_city"],
        country=cells[f"{prefix}_country"],
    )


def treatment_of(line: BatchLine, buyer: Party, seller: SellerTerms) -> str:
    """The treatment whose mention explains a line without VAT."""
    if is_franchised(line, seller):
        return "franchise"
    return vat.treatment_of(line.vat_category, seller.party, buyer)


def is_franchised(line: BatchLine, seller: SellerTerms) -> bool:
    """Whether a line has no VAT because its French seller charges none to anybody."""
    without_reason = line.vat_category == "E" and not any(line.exemption)
    return without_reason and "franchise" in vat.own_treatments(seller.party, seller.vat_regime)
