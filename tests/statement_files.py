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
