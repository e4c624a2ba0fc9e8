"""Statement files of banks: the samples, and what reading one of them came to."""

import csv
import io
from pathlib import Path
from typing import NamedTuple

import books
import house
from lib.core import storage
from lib.core.root import Root

SAMPLES = Path(__file__).parent / "statements"


# The CSV of a bank, in a form of its own: what issuer.json says of it, and a file.
FORM = {
    "encoding": "windows-1252",
    "delimiter": ";",
    "decimal": ",",
    "thousands": " ",
    "date_format": "DD/MM/YYYY",
    "skip_head": 2,
    "skip_foot": 1,
    "columns": {
        "date": "Date",
        "value_date": "Valeur",
        "label": ["Libellé", "Détail"],
        "amount": "Montant",
        "reference": "Référence",
        "balance": "Solde",
        "party": "Tiers",
    },
}
HEAD = (
    "Compte;30006 00001 12345678901\n\nDate;Valeur;Libellé;Détail;Tiers;Montant;Référence;Solde\n"
)
FOOT = "Total;;;;;-296,40;;\n"
ROWS = [
    "03/12/2026;03/12/2026;VIR SEPA;RF61NORD20260001;CLIENT NORD;76,80;A1;1 076,80",
    "03/12/2026;03/12/2026;PRLV LOYER;;BAILLEUR;-450,00;A2;626,80",
    '04/12/2026;05/12/2026;"VIR SEPA ""SUD""";"SUD-2026-0001\nmerci";CLIENT SUD;76,80;A3;703,60',
    "05/12/2026;05/12/2026;VIR SEPA;acompte;CLIENT EST;12,34;;715,94",
]
CSV = HEAD + "".join(f"{row}\n" for row in ROWS) + FOOT


def build(folder: Path) -> Root:
    """Four clients, each with two invoices of 76.80."""
    root = house.build(folder)
    for client in ("nord", "sud", "est", "ouest"):
        books.bill(root, client, 1, "76.80", day="2026-11-08")
        books.bill(root, client, 2, "76.80", day="2026-12-08", due="2027-01-07")
    return root


class Read(NamedTuple):
    """What a statement came to; rows by heading."""

    out: str
    file: Path
    proposed: list[dict[str, str]]
    review: list[dict[str, str]]


def read(root: Root, file: Path, **options: str) -> Read:
    ran = house.call("read_statement", root, file=str(file), **options)
    assert (ran.code, ran.err) == (0, "")
    stem = f"statement-{storage.sha256(file.read_bytes())[:12]}"
    paths = [
        root.path / "exports/payments" / f"{stem}.{kind}.csv" for kind in ("proposed", "review")
    ]
    rows = [list(csv.DictReader(io.StringIO(path.read_text(), newline=""))) for path in paths]
    return Read(ran.out, paths[0], *rows)


def sample(tmp_path: Path, name: str, *replaced: tuple[str, str]) -> Path:
    """A sample with some of its text replaced, each exactly once."""
    text = (SAMPLES / name).read_bytes()
    for old, new in replaced:
        assert text.count(old.encode()) >= 1, old
        text = text.replace(old.encode(), new.encode(), 1)
    file = tmp_path / name
    file.write_bytes(text)
    return file


def reasons(found: Read) -> list[tuple[str, str, str]]:
    return [
        (row["place"].removeprefix("statement "), row["reason"], row["candidate"])
        for row in found.review
    ]
