"""A line of a batch CSV as an invoice: every cell checked, then every rule between cells.

schemas/batch_row.schema.json says what each column holds; docs/format_csv.md is written
from it. What is wrong is told by column, in the words of a spreadsheet.
"""

import unicodedata
from collections.abc import Callable, Container, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from lib.core import readings
from lib.core.faults import SHOWN
from lib.inputs import batch_client_files, parties, schemas
from lib.inputs.batch_csv import CellFault, Dialect, Row
from lib.values import characters, money, territories, vat
from lib.values.document import Address, ElectronicAddress, Party, Period
from lib.values.payment_code import LARGEST_TOTAL
from lib.values.seller_terms import SellerTerms
from lib.values.speech import UNITS

GROUPS = 20
_COMMA_FOR_POINT = str.maketrans(".,", ",.")
_DECIMALS = ("quantity", "unit_price", "discount", "vat_rate")
_REQUIRED_IN_GROUP = ("description", "quantity", "unit", "unit_price", "vat_rate")


class BatchLine(NamedTuple):
    """A group of columns: one line of the invoice."""

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
    lines: tuple[BatchLine, ...]


@cache
def _schema() -> dict[str, Any]:
    return schemas.content("batch_row")


@cache
def columns() -> tuple[str, ...]:
    """All columns in their order: those of the invoice, then twenty groups."""
    single = tuple(_schema()["properties"])
    group = tuple(_schema()["$defs"]["group"]["properties"])
    numbered = (f"{name}_{i}" for i in range(1, GROUPS + 1) for name in group)
    return (*single, *numbered)


@cache
def required() -> tuple[str, ...]:
    """The columns that every file has."""
    return (*_schema()["required"], *(f"{name}_1" for name in _REQUIRED_IN_GROUP))


def reference_key(reference: str) -> str:
    """Two references are one where they differ by case or by Unicode form only."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", reference).casefold())


class Reader(NamedTuple):
    """What the lines of one client's files are read with."""

    dialect: Dialect
    seller: SellerTerms
    defaults: batch_client_files.BatchDefaults
    header: tuple[str, ...]


def read_row(row: Row, reader: Reader) -> BatchInvoice | list[CellFault]:
    """The invoice of a line, or everything that is wrong with it."""
    if row.faults:
        return list(row.faults)
    if len(row.cells) != len(reader.header):
        rule = f"a line has as many cells as the header: {len(reader.header)}"
        remedy = "check the delimiters of this line; a cell that holds one stands in quotes"
        return [CellFault(row.line, "", f"{len(row.cells)} cells", rule, remedy)]
    pairs = zip(reader.header, row.cells, strict=True)
    cells = {name: value for name, value in pairs if value != ""}
    faults = list(_cell_faults(row.line, cells, reader.dialect))
    faults += _missing(row.line, cells, reader.header)
    if faults:
        if not any(fault.column.startswith(("customer_", "delivery_")) for fault in faults):
            faults += _customer_faults(row.line, cells)
        return faults
    groups = _groups(cells, reader.dialect)
    lines = [_line(group, cells, reader) for group in groups.values()]
    faults = list(_rule_faults(row.line, cells, groups, lines, reader))
    return faults or _invoice(row.line, cells, lines)


# --- cells ---------------------------------------------------------------------------


def _cell_faults(line: int, cells: Mapping[str, str], dialect: Dialect) -> Iterator[CellFault]:
    for name, value in cells.items():
        plain = _plain_name(name)
        number = plain in _DECIMALS
        checked = value
        if number and dialect.decimal == ",":
            checked = value.translate(_COMMA_FOR_POINT)
        misfit = _checks()[plain](checked)
        if misfit is None:
            continue
        rule = f"expected {misfit.expected}"
        if number:
            sign = {",": "comma", ".": "point"}[dialect.decimal]
            rule = f"{rule}, digits with a decimal {sign} and nothing else"
        yield CellFault(line, name, value, rule, _remedy(plain, value, misfit, dialect))


def _remedy(name: str, value: str, misfit: schemas.Misfit, dialect: Dialect) -> str:
    if whole := schemas.composed(value):
        remedy = f'write "{shown(whole)}", its accents composed with their letters (NFC)'
        return f"{remedy}: type the cell again, or export from another program"
    if missing := characters.missing(value):
        names = (unicodedata.name(char, f"U+{ord(char):04X}").lower() for char in missing[:3])
        if name not in _DECIMALS:
            return f"type the cell again without what cannot be printed: {', '.join(names)}"
    if misfit.meant:
        quoted = readings.quoted(misfit.meant)
        comma = name in _DECIMALS and dialect.decimal == ","
        return f"write {quoted.replace('.', ',') if comma else quoted}"
    if name in _DECIMALS:
        sign = {",": "comma", ".": "point"}[dialect.decimal]
        return readings.form(misfit.kind, sign)
    if name == "unit":
        return f"write one of {', '.join(UNITS)}"
    if name == "customer_person":
        return 'write "yes" for a private person; for anyone else empty the cell'
    if value[:1] in tuple("=+-@"):
        return "begin it with another character: a spreadsheet would take it for a formula"
    return misfit.remedy


def _plain_name(column: str) -> str:
    """quantity_3 -> quantity; customer_address_1 stays."""
    if column in _schema()["properties"]:
        return column
    return column.rpartition("_")[0]


@cache
def _path(name: str) -> tuple[str, ...]:
    if name in _schema()["properties"]:
        return ("properties", name)
    return ("$defs", "group", "properties", name)


@cache
def _checks() -> dict[str, Callable[[str], schemas.Misfit | None]]:
    """For each column a check that answers what is wrong, or None."""
    names = (*_schema()["properties"], *_group())
    return {name: schemas.check("batch_row", _path(name)) for name in names}


def _missing(line: int, cells: Mapping[str, str], header: Container[str]) -> Iterator[CellFault]:
    for name in _schema()["required"]:
        if name not in cells:
            yield CellFault(line, name, "", "this cell is required", "fill it in")
    used = sorted({int(name.rpartition("_")[2]) for name in cells if name in _grouped()})
    for i in used or [1]:
        for name in _REQUIRED_IN_GROUP:
            if f"{name}_{i}" not in cells:
                rule = "description, quantity, unit, price and VAT rate go together"
                verb = "fill it in" if f"{name}_{i}" in header else "add this column"
                yield CellFault(line, f"{name}_{i}", "", rule, f"{verb}, or empty the group {i}")
    if used and used != list(range(1, len(used) + 1)):
        free = next(i for i in range(1, GROUPS + 1) if i not in used)
        rule = "the groups of a line are used from 1 on, without gaps"
        remedy = f"move the group {used[-1]} to the columns of the group {free}"
        yield CellFault(line, f"description_{used[-1]}", "", rule, remedy)


@cache
def _group() -> tuple[str, ...]:
    return tuple(_schema()["$defs"]["group"]["properties"])


@cache
def _grouped() -> frozenset[str]:
    """Every column of every group: description_1, ..."""
    return frozenset(f"{name}_{i}" for name in _group() for i in range(1, GROUPS + 1))


# --- rules ---------------------------------------------------------------------------


def _groups(cells: Mapping[str, str], dialect: Dialect) -> dict[int, dict[str, str]]:
    groups: dict[int, dict[str, str]] = {}
    for i in range(1, GROUPS + 1):
        group = {name: cells[f"{name}_{i}"] for name in _group() if f"{name}_{i}" in cells}
        if not group:
            break
        for name in _DECIMALS:
            if name in group:
                group[name] = group[name].replace(dialect.decimal, ".")
        groups[i] = group
    return groups


def _line(group: Mapping[str, str], cells: Mapping[str, str], reader: Reader) -> BatchLine:
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


def _rule_faults(
    row: int,
    cells: Mapping[str, str],
    groups: Mapping[int, Mapping[str, str]],
    lines: list[BatchLine],
    reader: Reader,
) -> Iterator[CellFault]:
    if cells["period_end"] < cells["period_start"]:
        rule = f"a period does not end before it starts ({cells['period_start']})"
        yield CellFault(row, "period_end", cells["period_end"], rule, "exchange or mend the dates")
    yield from _customer_faults(row, cells)
    buyer = _buyer(cells)
    for i, line in zip(groups, lines, strict=True):
        for name, rule, remedy in _line_faults(line, buyer, reader):
            column = name if name.startswith("customer_") else f"{name}_{i}"
            yield CellFault(row, column, cells.get(column, ""), rule, remedy)
    exempt = [
        (i, line.exemption)
        for i, line in zip(groups, lines, strict=True)
        if line.vat_category == "E"
    ]
    other = [i for i, exemption in exempt if exemption != exempt[0][1]]
    if other:
        rule = "an invoice has one reason of exemption: all its E lines have the same"
        column = f"exemption_code_{other[0]}"
        yield CellFault(row, column, cells.get(column, ""), rule, "make two invoices of it")
    categories = {line.vat_category for line in lines}
    if vat.NOT_SUBJECT in categories and len(categories) > 1:
        rule = "what is outside the scope of VAT (O) stands alone on an invoice (BR-O-11)"
        column = next(
            f"vat_category_{i}"
            for i, line in zip(groups, lines, strict=True)
            if line.vat_category != lines[0].vat_category
        )
        yield CellFault(row, column, cells.get(column, ""), rule, "make two invoices of it")
    # A zero is far more often a slip than a gift, and a number once used is used for ever.
    if not any(line.net + line.discount for line in lines):
        rule = "an invoice comes to more than 0.00 before its discounts"
        remedy = "write the price; a gift has its price and a discount with its reason"
        yield CellFault(row, "unit_price_1", cells["unit_price_1"], rule, remedy)
    if (gross := _gross(lines)) > LARGEST_TOTAL:
        rule = f"an invoice comes to at most {LARGEST_TOTAL} with VAT, this one to {gross}"
        remedy = "mend quantities and prices, or make two invoices of it"
        yield CellFault(row, "unit_price_1", cells["unit_price_1"], rule, remedy)


def _gross(lines: list[BatchLine]) -> Decimal:
    """BT-112 of these lines."""
    nets: dict[tuple[str, Decimal], Decimal] = {}
    for line in lines:
        key = (line.vat_category, line.vat_rate)
        nets[key] = nets.get(key, money.ZERO) + line.net
    return money.total(net + money.percentage_of(net, rate) for (_, rate), net in nets.items())


_COLUMN_OF = {
    "party.siren": "customer_siren",
    "party.siret": "customer_siret",
    "party.vat_number": "customer_vat_number",
    "party.address.postcode": "customer_postcode",
    "party.address.country": "customer_country",
    "party.electronic_address.id": "customer_electronic_id",
}
_OF_BUSINESS = ("customer_siren", "customer_siret", "customer_vat_number")
_REMEDIES = {
    "customer_siren": "empty this cell, or correct customer_country",
    "customer_siret": "copy both numbers again from the customer's papers",
    "customer_vat_number": "copy both numbers again from the customer's papers",
    "customer_electronic_id": "write the SIREN first, or use another scheme",
}


def _customer_faults(row: int, cells: Mapping[str, str]) -> Iterator[CellFault]:
    for place, text in parties.faults(_party_values(cells)):
        column = _COLUMN_OF[place]
        if "customer_person" in cells and column in _OF_BUSINESS:
            rule, remedy = "a private person has none", "empty this cell, or customer_person"
        elif "customer_taxable" in cells and column == "customer_vat_number":
            rule, remedy = "only a taxable person has one", "empty this cell, or customer_taxable"
        else:
            rule, remedy = text.partition("; ")[0], _REMEDIES.get(column, "")
            if column == "customer_postcode":
                rule = "a French postcode has five digits"
                remedy = parties.french_postcode(cells.get(column, ""))
        yield CellFault(row, column, cells.get(column, ""), rule, remedy)
    if ("customer_electronic_scheme" in cells) != ("customer_electronic_id" in cells):
        rule = "the scheme and the id of an electronic address go together"
        yield CellFault(row, "customer_electronic_id", "", rule, "fill in both, or neither")
    delivery = [name for name in cells if name.startswith("delivery_")]
    for name in ("delivery_address_1", "delivery_city", "delivery_country"):
        if delivery and name not in cells:
            rule = "a delivery address has at least address_1, city and country"
            yield CellFault(row, name, "", rule, "fill it in, or empty all delivery columns")
    if parties.needs_siren(_party_values(cells)):
        rule = "a French business has a SIREN"
        remedy = (
            'fill it in, or write "yes" in customer_person for a private person,'
            ' "no" in customer_taxable for a body that is not a taxable person'
        )
        yield CellFault(row, "customer_siren", "", rule, remedy)


def _line_faults(line: BatchLine, buyer: Party, reader: Reader) -> Iterator[tuple[str, str, str]]:
    """(column, rule, remedy) for each rule that a line of an invoice breaks."""
    if not line.category:
        rule = "this seller sells goods and services: each line says which it is"
        yield "category", rule, 'write "goods" or "services"'
    elif reader.seller.operation_category not in ("mixed", line.category):
        sold = reader.seller.operation_category
        yield "category", f"this seller sells {sold} only", "empty the cell"
    if line.net < 0:
        rule = "a discount is an amount of at most quantity x unit price, rounded"
        yield "discount", rule, "correct the discount, the quantity or the price"
    if bool(line.discount) != bool(line.discount_reason):
        rule = "a discount and its reason go together (BT-139)"
        yield "discount_reason", rule, "fill in both, or neither"
    yield from _rate_faults(line, reader.seller)
    yield from _exemption_faults(line, reader.seller)
    if line.category:
        yield from _treatment_faults(line, buyer, reader.seller)


def _rate_faults(line: BatchLine, seller: SellerTerms) -> Iterator[tuple[str, str, str]]:
    category, rate = line.vat_category, line.vat_rate
    rates = territories.french_rates()
    if category == "S" and not rate:
        rule = "a line with VAT (category S) has a rate above 0"
        why = "E, AE, K, G, O"
        yield "vat_rate", rule, f"write the rate, or in vat_category why there is none: {why}"
    elif category == "S" and rate not in rates and _is_french(seller):
        remedy = f"write one of {vat.listed(rates, ' - ')}"
        yield "vat_rate", "this is not a rate of VAT in France", remedy
    elif category != "S" and rate:
        rule = f"a line without VAT (category {category}) has the rate 0"
        yield "vat_rate", rule, "write 0, or S in vat_category"


def _is_french(seller: SellerTerms) -> bool:
    return territories.of_address(seller.party.address).state == "FR"


def _exemption_faults(line: BatchLine, seller: SellerTerms) -> Iterator[tuple[str, str, str]]:
    code, reason = line.exemption
    if line.vat_category != "E":
        column = "exemption_code" if code else "exemption_reason"
        if code or reason:
            yield column, "only an exempt line (E) has a code and a reason", "empty both cells"
        return
    if _is_franchised(line, seller):
        return
    if not code or not reason:
        column = "exemption_reason" if code else "exemption_code"
        yield column, "an exempt line (E) has a code and a reason", "fill in both cells"
    if text := vat.exemption_fault(code, seller.party):
        yield "exemption_code", str(text), "write the code of the law that exempts this"


def _treatment_faults(
    line: BatchLine, buyer: Party, seller: SellerTerms
) -> Iterator[tuple[str, str, str]]:
    """What the law of VAT has against the category of a line (vat.treatment_faults)."""
    category, sold = line.vat_category, line.category
    treatment = treatment_of(line, buyer, seller)
    if category != vat.category_of(treatment, sold):
        law = vat.law_of(sold, seller.party, seller.vat_regime, buyer)
        rule = "K is for goods" if category == "K" else "AE abroad is for services"
        yield "vat_category", f"{rule}; {law.why}", _written(law.right, sold)
        return
    faults = vat.treatment_faults(treatment, {sold}, seller.party, seller.vat_regime, buyer)
    for fault in faults:
        if fault.right:
            rule = f"{category} is refused: {fault.rule}"
            yield "vat_category", rule, _written(fault.right, sold)
        elif fault.place == "seller.vat_number":
            rule = f"category {category} is for sellers who have a VAT number; this one has none"
            yield "vat_category", rule, "ask for it to be added to the seller's file"
        else:
            rule = str(fault.rule)
            yield "customer_vat_number", rule, "fill it in or correct it, or change vat_category"


def _is_franchised(line: BatchLine, seller: SellerTerms) -> bool:
    """Whether a line has no VAT because its French seller charges none to anybody."""
    without_reason = line.vat_category == "E" and not any(line.exemption)
    return without_reason and "franchise" in vat.own_treatments(seller.party, seller.vat_regime)


def _written(treatment: str, sold: str) -> str:
    """How a line says a treatment."""
    category = vat.category_of(treatment, sold)
    more = {
        "standard": " and the rate in vat_rate",
        "exempt": " with a code and a reason, and 0 in vat_rate",
        "franchise": " without a code or reason, and 0 in vat_rate",
    }
    return f'write "{category}"{more.get(treatment, " and 0 in vat_rate")}'


def treatment_of(line: BatchLine, buyer: Party, seller: SellerTerms) -> str:
    """The treatment whose mention explains a line without VAT."""
    if _is_franchised(line, seller):
        return "franchise"
    return vat.treatment_of(line.vat_category, seller.party, buyer)


# --- the invoice ---------------------------------------------------------------------


def _party_values(cells: Mapping[str, str]) -> dict[str, Any]:
    """The customer as the checks of a party want it: plain JSON data."""
    party: dict[str, Any] = {
        "name": cells["customer_name"],
        "address": {
            "country": cells["customer_country"],
            "postcode": cells.get("customer_postcode", ""),
        },
    }
    for key in ("siren", "siret", "vat_number"):
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
        vat_number=cells.get("customer_vat_number", ""),
        address=_address(cells, "customer"),
        email=(email,) if email else (),
        electronic_address=electronic_address,
        delivery_address=_address(cells, "delivery") if delivered else None,
    )


def _invoice(row: int, cells: Mapping[str, str], lines: list[BatchLine]) -> BatchInvoice:
    days = cells.get("payment_days")
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
        lines=tuple(lines),
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


def shown(value: str) -> str:
    """A value as a report repeats it: short, its ends in sight, never a spreadsheet's formula."""
    text = value if len(value) <= SHOWN else f"{value[: SHOWN - 3]}..."
    plain = text[:1] not in ("=", "+", "-", "@") and text == text.strip()
    return text if plain else f'"{text}"'
