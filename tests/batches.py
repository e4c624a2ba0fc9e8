"""A house that invoices in batches: a seller, its files, and what becomes of them."""

import csv
import io
from pathlib import Path
from typing import Any

import house
from lib.billing import batch_cells
from lib.core.root import Root

CLIENT = "fil"
PAYER = "nord"
Row = dict[str, str]


def client(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """batch_clients/fil.json: services at 20 %, `;`, decimal commas, UTF-8."""
    number = house.siren(500)
    value = {
        "id": CLIENT,
        "code": "FIL",
        "status": "active",
        "seller": {
            "party": {
                "name": "Atelier Fil & Plume",
                "siren": number,
                "vat_number": house.vat_number(number),
                "address": {
                    "lines": ["12 rue des Lilas"],
                    "postcode": "44000",
                    "city": "Nantes",
                    "country": "FR",
                },
                "email": ["compta@fil.example"],
            },
            "bank": {"iban": "FR7630006000011234567890189"},
            "vat_regime": "standard",
            "late_penalty_rate": "12.00",
            "operation_category": "services",
        },
        "csv": {
            "delimiter": ";",
            "decimal": ",",
            "encoding": "utf-8",
            "byte_order_mark": False,
        },
        "defaults": {
            "language": "en",
            "currency": "EUR",
            "payment_terms": {"days": 30},
            "vat": {"treatment": "standard"},
        },
        "delivery": {"zip": True, "email_customers": False},
        "billed_as": PAYER,
    }
    return house.changed(value, changes or {})


FRANCHISE = {
    "seller.vat_regime": "franchise",
    "seller.party.vat_number": None,
    "defaults.vat": {"treatment": "franchise"},
}


def row(i: int = 1, **changes: str | None) -> Row:
    """The line of a French business that buys two hours; None takes a cell away."""
    value = {
        "reference": f"CMD-{i}",
        "period_start": "2026-10-01",
        "period_end": "2026-10-31",
        "customer_name": f"Boulangerie Évrard {i}",
        "customer_address_1": "3 rue du Moulin",
        "customer_postcode": "35000",
        "customer_city": "Rennes",
        "customer_country": "FR",
        "customer_siren": house.siren(600 + i),
        "description_1": "Conseil",
        "quantity_1": "2",
        "unit_1": "HUR",
        "unit_price_1": "80,00",
        "vat_rate_1": "20",
    }
    changed = value | changes
    return {name: text for name, text in changed.items() if text is not None}


def group(i: int, **changes: str) -> Row:
    """One more line of an invoice."""
    value = {
        "description": "Déplacement",
        "quantity": "1",
        "unit": "C62",
        "unit_price": "15,50",
        "vat_rate": "20",
    }
    return {f"{name}_{i}": text for name, text in (value | changes).items()}


def file_of(*rows: Row, delimiter: str = ";", encoding: str = "utf-8") -> bytes:
    """The bytes of a file with the columns that its rows use."""
    used = [name for name in batch_cells.columns() if any(name in one for one in rows)]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, used, restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode(encoding)


def payer(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """The direct client who pays 0.50 for each of two batch invoices, then 0.20."""
    item = house.metered("batches", "batch_invoices", unit="C62", charge="graduated")
    del item["unit_price"]
    item["tiers"] = [{"up_to": "2", "unit_price": "0.50"}, {"unit_price": "0.20"}]
    return house.client(PAYER, {"plans.0.items": [item], **(changes or {})})


def build(folder: Path, data: bytes | None = None, changes: dict[str, Any] | None = None) -> Root:
    """A root with a payer, a batch client, and perhaps a file in the inbox."""
    root = house.build(folder, payer())
    house.write(root, f"batch_clients/{CLIENT}.json", client(changes))
    root.inbox_batch.mkdir(parents=True)
    if data is not None:
        hand_in(root, data)
    return root


def hand_in(root: Root, data: bytes, month: str = house.MONTH, owner: str = CLIENT) -> Path:
    """Puts a file into the inbox."""
    return house.write(root, f"data/inbox_batch/{owner}__{month}.csv", data)


def run(root: Root, day: str = house.TODAY, **options: str) -> house.Ran:
    """`make batch`, in this process."""
    return house.call("import_batch", root, issue_date=day, today=day, **options)


def issued(root: Root) -> list[dict[str, Any]]:
    """The records of the batch client."""
    return house.records(root, CLIENT, "revenues_batch")


class Refusal(dict[str, str]):
    """A line of the report: line, column, value, rule, remedy."""


def rejected(root: Root, name: str = "", delimiter: str = ";") -> list[Refusal]:
    """Runs, and asserts all that a rejection promises; returns the lines of its report."""
    name = name or f"{CLIENT}__{house.MONTH}.csv"
    path = root.inbox_batch / name
    data = path.read_bytes()
    before = house.tree(root)
    ran = run(root)
    assert ran.code == 1, ran
    assert "[B-CSV-REJECTED]" in ran.err, ran
    folder = root.inbox_batch / "rejected"
    archived = [one for one in root.archive_batch.iterdir() if one.read_bytes() == data]
    assert [oct(one.stat().st_mode & 0o777) for one in archived] == ["0o444"]
    assert not path.exists()
    assert (folder / name).read_bytes() == data
    new = {f"data/inbox_batch/rejected/{name}{end}" for end in ("", ".errors.csv", ".errors.txt")}
    after = house.tree(root)
    made = set(after) - set(before) - new - {root.name_of(one) for one in archived}
    assert not made, "nothing else came into being"
    assert all(after[one] == before[one] for one in set(before) & set(after) - new)
    report = (folder / f"{name}.errors.csv").read_bytes().decode("utf-8-sig")
    lines = [Refusal(one) for one in csv.DictReader(io.StringIO(report), delimiter=delimiter)]
    for line in lines:
        assert line["rule"], line
        assert line["remedy"], line
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in line.values()), line
    text = (folder / f"{name}.errors.txt").read_text()
    assert len(text.splitlines()) == len(lines) + 1
    return lines
