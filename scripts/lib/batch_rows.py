"""A line of a batch CSV as an invoice: every cell checked, then every rule between cells.

schemas/batch_row.schema.json says what each column holds; docs/format_csv.md is written
from it. What is wrong is told by column, in the words of a spreadsheet.
"""

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from lib import inputs, schemas, vat
from lib.batch_csv import Dialect, Fault, Row
from lib.document import Address, ElectronicAddress, Party, Period

GROUPS = 20
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
    seller: inputs.SellerTerms
    defaults: inputs.BatchDefaults
    header: tuple[str, ...]


def read_row(row: Row, reader: Reader) -> BatchInvoice | list[Fault]:
    """The invoice of a line, or everything that is wrong with it."""
    if row.faults:
        return list(row.faults)
    if len(row.cells) != len(reader.header):
        rule = f"a line has as many cells as the header: {len(reader.header)}"
        remedy = "check the delimiters of this line; a cell that holds one stands in quotes"
        return [Fault(row.line, "", f"{len(row.cells)} cells", rule, remedy)]
    pairs = zip(reader.header, row.cells, strict=True)
    cells = {name: value for name, value in pairs if value != ""}
    faults = list(_cell_faults(row.line, cells, reader.dialect))
    faults += _missing(row.line, cells)
    if faults:
        return faults
    groups = _groups(cells, reader.dialect)
    lines = [_line(group, cells, reader) for group in groups.values()]
    faults = list(_rule_faults(row.line, cells, groups, lines, reader))
    return faults or _invoice(row.line, cells, lines)


# --- cells ---------------------------------------------------------------------------


def _cell_faults(line: int, cells: Mapping[str, str], dialect: Dialect) -> Iterator[Fault]:
    for name, value in cells.items():
        check = _checks()[_plain_name(name)]
        if _plain_name(name) in _DECIMALS and dialect.decimal == ",":
            said = _comma_fault(value) or check(value.replace(",", "."))
            if said:
                wanted = said.rpartition("; write ")[2].replace(".", ",")
                rule = said.rpartition("; write ")[0].partition(" is not ")[2]
                rule = rule or "a number with a decimal comma"
                yield Fault(line, name, value, f"expected {rule}", f"write {wanted}")
        elif said := check(value):
            rule, _, remedy = said.partition(" is not ")[2].partition("; write ")
            yield Fault(line, name, value, f"expected {rule}", f"write {remedy}" if remedy else "")


def _comma_fault(value: str) -> str:
    if "." in value:
        return f'"{value}" is not a number with a decimal comma; write "12,50"'
    return ""


def _plain_name(column: str) -> str:
    """quantity_3 -> quantity; customer_address_1 stays."""
    if column in _schema()["properties"]:
        return column
    return column.rpartition("_")[0]


@cache
def _checks() -> dict[str, Callable[[str], str]]:
    """For each column a check that answers what is wrong, or an empty text."""
    single = {name: ("properties", name) for name in _schema()["properties"]}
    group = {
        name: ("$defs", "group", "properties", name)
        for name in _schema()["$defs"]["group"]["properties"]
    }
    return {
        name: schemas.text_check("batch_row", path) for name, path in {**single, **group}.items()
    }


def _missing(line: int, cells: Mapping[str, str]) -> Iterator[Fault]:
    for name in _schema()["required"]:
        if name not in cells:
            yield Fault(line, name, "", "this cell is required", "fill it in")
    used = [i for i in range(1, GROUPS + 1) if any(f"{name}_{i}" in cells for name in _group())]
    for i in used or [1]:
        for name in _REQUIRED_IN_GROUP:
            if f"{name}_{i}" not in cells:
                rule = "description, quantity, unit, price and VAT rate go together"
                yield Fault(line, f"{name}_{i}", "", rule, "fill it in, or empty the whole group")
    if used and used != list(range(1, len(used) + 1)):
        rule = "the groups of a line are used from 1 on, without gaps"
        yield Fault(line, f"description_{used[-1]}", "", rule, "move the groups together")


@cache
def _group() -> tuple[str, ...]:
    return tuple(_schema()["$defs"]["group"]["properties"])


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
) -> Iterator[Fault]:
    if cells["period_end"] < cells["period_start"]:
        rule = f"a period does not end before it starts ({cells['period_start']})"
        yield Fault(row, "period_end", cells["period_end"], rule, "exchange or mend the dates")
    yield from _customer_faults(row, cells)
    for (i, group), line in zip(groups.items(), lines, strict=True):
        for name, rule, remedy in _line_faults(group, line, cells, reader):
            yield Fault(row, f"{name}_{i}", group.get(name, ""), rule, remedy)
    if len({line.exemption for line in lines if line.vat_category == "E"}) > 1:
        rule = "an invoice has one reason of exemption: all its E lines have the same"
        yield Fault(row, "exemption_code_1", "", rule, "divide the invoice into two")


_COLUMN_OF = {
    "party.siren": "customer_siren",
    "party.siret": "customer_siret",
    "party.vat_number": "customer_vat_number",
    "party.address.postcode": "customer_postcode",
    "party.address.country": "customer_country",
    "party.electronic_address.id": "customer_electronic_id",
}


def _customer_faults(row: int, cells: Mapping[str, str]) -> Iterator[Fault]:
    for place, text in inputs.party_faults(_party_values(cells)):
        column = _COLUMN_OF[place]
        rule, _, remedy = text.rpartition("; ")
        yield Fault(row, column, cells.get(column, ""), rule or remedy, remedy if rule else "")
    if ("customer_electronic_scheme" in cells) != ("customer_electronic_id" in cells):
        rule = "the scheme and the id of an electronic address go together"
        yield Fault(row, "customer_electronic_id", "", rule, "fill in both, or neither")
    delivery = [name for name in cells if name.startswith("delivery_")]
    for name in ("delivery_address_1", "delivery_city", "delivery_country"):
        if delivery and name not in cells:
            rule = "a delivery address has at least address_1, city and country"
            yield Fault(row, name, "", rule, "fill it in, or empty all delivery columns")
    french_business = cells["customer_country"] == "FR" and "customer_person" not in cells
    if french_business and "customer_siren" not in cells:
        rule = "a French business has a SIREN"
        yield Fault(row, "customer_siren", "", rule, 'fill it in, or "yes" in customer_person')


def _line_faults(
    group: Mapping[str, str], line: BatchLine, cells: Mapping[str, str], reader: Reader
) -> Iterator[tuple[str, str, str]]:
    """(column, rule, remedy) for each rule that a line of an invoice breaks."""
    if not line.category:
        yield "category", "this seller sells both: say what this line is", "goods or services"
    elif reader.seller.operation_category not in ("mixed", line.category):
        sold = reader.seller.operation_category
        yield "category", f"this seller sells {sold} only", "empty the cell"
    if line.discount > line.quantity * line.unit_price:
        yield "discount", "a discount is at most quantity x unit price", "mend one of them"
    if bool(line.discount) != bool(line.discount_reason):
        rule = "a discount and its reason go together (BT-139)"
        yield "discount_reason", rule, "fill in both, or neither"
    yield from _vat_faults(group, line, cells, reader)


def _vat_faults(
    group: Mapping[str, str], line: BatchLine, cells: Mapping[str, str], reader: Reader
) -> Iterator[tuple[str, str, str]]:
    category, seller = line.vat_category, reader.seller
    treatment = "standard" if category == "S" else f"category {category}"
    country = seller.party.address.country
    if said := vat.rate_fault(treatment, line.vat_rate, country):
        yield "vat_rate", f"{said.partition(';')[0]}", said.partition(";")[2].strip()
    if category == "S" and seller.vat_regime == "franchise":
        yield "vat_category", "this seller charges no VAT (franchise)", "write E and the rate 0"
    if category == "E" and seller.vat_regime != "franchise" and not all(line.exemption):
        rule = "an exempt line (E) has a code and a reason"
        yield "exemption_code", rule, "fill in exemption_code and exemption_reason"
    if category != "E" and any(line.exemption):
        yield "exemption_code", "only an exempt line (E) has a code and a reason", "empty both"
    treatment = _treatment_of(line, cells, country)
    found = vat.party_faults(treatment, seller.vat_regime, country, _party_values(cells))
    if category in ("AE", "K", "G"):
        for _, text in found:
            yield "vat_category", text.rpartition("; ")[0] or text, text.rpartition("; ")[2]
    if category == "K" and line.category == "services":
        yield "vat_category", "K is for goods; services to the EU are AE", "write AE"


def _treatment_of(line: BatchLine, cells: Mapping[str, str], seller_country: str) -> str:
    """The treatment that a VAT category stands for, by where the customer is."""
    if line.vat_category == "AE":
        at_home = cells["customer_country"] == seller_country
        return "reverse_charge" if at_home else "intra_eu"
    return {"S": "standard", "K": "intra_eu", "G": "export"}.get(line.vat_category, "exempt")


def treatment_of(line: BatchLine, buyer: Party, seller: inputs.SellerTerms) -> str:
    """The treatment whose mention explains a line without VAT."""
    if line.vat_category == "E" and not any(line.exemption):
        return "franchise"
    country = {"customer_country": buyer.address.country}
    return _treatment_of(line, country, seller.party.address.country)


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
    if "customer_electronic_id" in cells:
        party["electronic_address"] = {
            "scheme": cells.get("customer_electronic_scheme", ""),
            "id": cells["customer_electronic_id"],
        }
    return party


def _invoice(row: int, cells: Mapping[str, str], lines: list[BatchLine]) -> BatchInvoice:
    electronic_address = None
    if "customer_electronic_id" in cells:
        scheme = cells["customer_electronic_scheme"]
        electronic_address = ElectronicAddress(scheme=scheme, id=cells["customer_electronic_id"])
    email = cells.get("customer_email")
    buyer = Party(
        name=cells["customer_name"],
        person="customer_person" in cells,
        siren=cells.get("customer_siren", ""),
        siret=cells.get("customer_siret", ""),
        vat_number=cells.get("customer_vat_number", ""),
        address=_address(cells, "customer"),
        email=(email,) if email else (),
        electronic_address=electronic_address,
        delivery_address=_address(cells, "delivery") if "delivery_city" in cells else None,
    )
    days = cells.get("payment_days")
    return BatchInvoice(
        line=row,
        reference=cells["reference"],
        period=Period(
            start=date.fromisoformat(cells["period_start"]),
            end=date.fromisoformat(cells["period_end"]),
        ),
        buyer=buyer,
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
    """A value as a report repeats it: short, and never a formula of a spreadsheet."""
    text = value if len(value) <= 60 else f"{value[:57]}..."
    return json.dumps(text, ensure_ascii=False) if text[:1] in ("=", "+", "-", "@") else text
