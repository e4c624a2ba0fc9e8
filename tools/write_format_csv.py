"""Writes docs/format_csv.md, docs/format_csv.fr.md, and a template and an example beside each.

    .venv/bin/python tools/write_format_csv.py

The columns, their limits, examples and what is refused come from
schemas/batch_row.schema.json, the units and VAT rates from the code that checks them, the
words around them from format_csv.en.md and format_csv.fr.md beside this file.
"""

import codecs
import csv
import io
import sys
from collections.abc import Iterable
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HOME / "scripts"), str(HOME / "tools")]

import schema_words  # noqa: E402

from lib.billing import batch_cells  # noqa: E402
from lib.core import messages  # noqa: E402
from lib.inputs import batch_csv, schemas  # noqa: E402
from lib.inputs.batch_csv import Dialect  # noqa: E402
from lib.values import territories  # noqa: E402

EXAMPLES = (
    {
        "reference": "CMD-2026-0042",
        "period_start": "2026-10-01",
        "period_end": "2026-10-31",
        "customer_name": "Boulangerie Martin",
        "customer_address_1": "3 rue du Moulin",
        "customer_postcode": "35000",
        "customer_city": "Rennes",
        "customer_country": "FR",
        "customer_siren": "732829320",
        "customer_vat_number": "FR44732829320",
        "customer_email": "compta@boulangerie-martin.example",
        "purchase_order": "PO-2026-118",
        "description_1": "Abonnement mensuel",
        "quantity_1": "1",
        "unit_1": "MON",
        "unit_price_1": "49.00",
        "vat_rate_1": "20",
        "category_1": "services",
        "description_2": 'Livre "Le pain, toute une histoire"',
        "quantity_2": "3",
        "unit_2": "H87",
        "unit_price_2": "18.50",
        "discount_2": "5.00",
        "discount_reason_2": "Fidélité",
        "vat_rate_2": "5.5",
        "category_2": "goods",
    },
    {
        "reference": "CMD-2026-0043",
        "period_start": "2026-08-01",
        "period_end": "2026-10-31",
        "customer_name": "Chloé Lefèvre",
        "customer_person": "yes",
        "customer_address_1": "8 quai Lamennais",
        "customer_postcode": "35000",
        "customer_city": "Rennes",
        "customer_country": "FR",
        "note": "Merci de votre confiance.",
        "payment_days": "15",
        "description_1": "Cours de violon, trimestre",
        "quantity_1": "12.5",
        "unit_1": "HUR",
        "unit_price_1": "38.00",
        "vat_rate_1": "20",
        "category_1": "services",
    },
    {
        "reference": "CMD-2026-0044",
        "period_start": "2026-10-12",
        "period_end": "2026-10-12",
        "customer_name": "Kontor Nordlicht GmbH",
        "customer_address_1": "Deichstraße 7",
        "customer_postcode": "20459",
        "customer_city": "Hamburg",
        "customer_country": "DE",
        "customer_vat_number": "DE136695976",
        "customer_email": "rechnung@nordlicht.example",
        "language": "en",
        "description_1": "Workshop",
        "quantity_1": "1",
        "unit_1": "DAY",
        "unit_price_1": "950.00",
        "vat_rate_1": "0",
        "vat_category_1": "AE",
        "category_1": "services",
    },
)


ENGLISH = Dialect(delimiter=",", decimal=".", encoding="utf-8", byte_order_mark=False)
# As a spreadsheet set to French opens it in columns, and saves it as "CSV UTF-8".
FRENCH = Dialect(delimiter=";", decimal=",", encoding="utf-8", byte_order_mark=True)


def template(dialect: Dialect) -> bytes:
    """The header alone, with every column."""
    return _written([batch_cells.columns()], dialect)


def example(dialect: Dialect) -> bytes:
    """A filled file with the columns that it uses."""
    columns = [name for name in batch_cells.columns() if any(name in row for row in EXAMPLES)]
    rows = [[_cell(name, row.get(name, ""), dialect) for name in columns] for row in EXAMPLES]
    return _written([columns, *rows], dialect)


def _cell(name: str, value: str, dialect: Dialect) -> str:
    number = name.rpartition("_")[0] in batch_cells.DECIMALS
    return value.replace(".", dialect.decimal) if number else value


def _written(rows: Iterable[Iterable[str]], dialect: Dialect) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, delimiter=dialect.delimiter).writerows(rows)
    mark = codecs.BOM_UTF8 if dialect.byte_order_mark else b""
    return mark + stream.getvalue().encode(dialect.encoding)


def document(language: str) -> str:
    """The specification, in English or in French."""
    french = language == "fr"
    text = Path(__file__).with_name(f"format_csv.{language}.md").read_text(encoding="utf-8")
    return text.format(
        delimiters=", ".join(map(schema_words.code, _choices("delimiter"))),
        encodings=", ".join(map(schema_words.code, _choices("encoding"))),
        longest=f"{batch_csv.LONGEST_LINE:,}".replace(",", " "),
        groups=batch_cells.GROUPS,
        single=_table(("properties",), "", french),
        group=_table(("$defs", "group", "properties"), "_N", french),
        rates=_rates(french),
        units=_units(french),
    )


def _choices(key: str) -> list[str]:
    found: list[str] = schemas.resolved("batch_client", ("properties", "csv", "properties", key))[
        "enum"
    ]
    return found


def _table(path: tuple[str, ...], suffix: str, french: bool) -> str:
    heads = (
        ("colonne", "contenu et limites", "obligatoire", "exemple", "refusé", "ce que c'est")
        if french
        else ("column", "content and limits", "required", "example", "refused", "what it is")
    )
    place = schemas.content("batch_row")
    for step in path:
        place = place[step]
    required = batch_cells.required()
    rows = []
    for name in place:
        found = schemas.resolved("batch_row", (*path, name))
        rows.append(
            (
                f"`{name}{suffix}`",
                schema_words.content(found, french),
                ("oui" if french else "yes") if name + suffix.replace("N", "1") in required else "",
                schema_words.code(found["examples"][0]),
                ", ".join(schema_words.code(one) for one in found["x-rejected"]),
                schema_words.meaning(found, french),
            )
        )
    return schema_words.table([heads, *rows])


def _rates(french: bool) -> str:
    rates = ", ".join(f"`{rate}`" for rate in sorted(territories.french_rates(), reverse=True))
    if french:
        return f"Taux qu'un vendeur français peut facturer : {rates}."
    return f"Rates that a French seller may charge: {rates}."


def _units(french: bool) -> str:
    units = messages.words("fr" if french else "en")["units"]
    names = (f"`{code}` {name}" for code, name in units.items())
    return ", ".join(names) + "."


def files() -> dict[str, bytes]:
    """Each file of docs/ by its name."""
    return {
        "format_csv.md": document("en").encode(),
        "format_csv.fr.md": document("fr").encode(),
        "template_batch.csv": template(ENGLISH),
        "template_batch.fr.csv": template(FRENCH),
        "example_batch.csv": example(ENGLISH),
        "example_batch.fr.csv": example(FRENCH),
    }


def main() -> None:
    """Writes them."""
    for name, data in files().items():
        (HOME / "docs" / name).write_bytes(data)


if __name__ == "__main__":
    main()
