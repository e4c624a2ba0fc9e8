"""ZIP packages: what the records say, the same bytes everywhere, built again where they are not."""

import csv
import io
import os
import shutil
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import batches
import house
from lib.books import revenues
from lib.core import storage
from lib.core.root import Root
from lib.documents import packages

NAME = f"{batches.CLIENT}__{house.MONTH}.zip"
FILE = batches.file_of(batches.row(1), batches.row(2, customer_name="Évrard & Œuvre"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: Any) -> Root:
    """A root with two invoices and their package."""
    root = batches.build(tmp_path_factory.mktemp("sound"), FILE)
    assert batches.run(root).code == 0
    assert house.call("pack_batches", root).out == f"{NAME}: 2 documents\n1 package written\n"
    return root


@pytest.fixture
def root(sound: Root, tmp_path: Path) -> Root:
    """A copy of it, to spoil."""
    shutil.copytree(sound.path, tmp_path / "root")
    return Root(tmp_path / "root")


def manifest(root: Root) -> list[dict[str, str]]:
    with zipfile.ZipFile(root.downloads / NAME) as package:
        return list(csv.DictReader(io.StringIO(package.read("manifest.csv").decode())))


def test_the_package_holds_each_pdf_as_its_record_knows_it(sound):
    facts = batches.issued(sound)
    with zipfile.ZipFile(sound.downloads / NAME) as package:
        assert package.testzip() is None
        assert package.namelist() == [*(f"{one['number']}.pdf" for one in facts), "manifest.csv"]
        for one in facts:
            assert storage.sha256(package.read(f"{one['number']}.pdf")) == one["pdf_sha256"]


def test_the_manifest_is_that_of_the_records_and_its_sums_are_right(sound):
    lines = manifest(sound)
    columns = ["reference", "number", "customer", "net", "vat", "gross", "due", "sha256"]
    assert list(lines[0]) == columns
    assert [one["reference"] for one in lines] == ["CMD-1", "CMD-2"]
    assert [one["customer"] for one in lines] == ["Boulangerie Évrard 1", "Évrard & Œuvre"]
    assert {one["due"] for one in lines} == {"2026-12-08"}
    facts = batches.issued(sound)
    for key in ("net", "vat", "gross"):
        told = sum(Decimal(one[key]) for one in lines)
        assert told == sum(Decimal(one[key]) for one in facts)
    for one in lines:
        assert Decimal(one["net"]) + Decimal(one["vat"]) == Decimal(one["gross"])
    assert [one["sha256"] for one in lines] == [one["pdf_sha256"] for one in facts]


def test_two_roots_make_the_same_bytes_on_whatever_machine(sound, tmp_path):
    other = batches.build(tmp_path / "elsewhere", FILE)
    other.env.write_text("CSV_DIALECT=fr\nCSV_HEADERS=fr\n")
    assert batches.run(other).code == 0
    assert house.call("pack_batches", other).code == 0
    assert (other.downloads / NAME).read_bytes() == (sound.downloads / NAME).read_bytes()


def test_nothing_is_packed_twice(root):
    path = root.downloads / NAME
    os.utime(path, (0, 0))
    inode = path.stat().st_ino
    assert house.call("pack_batches", root).out == "packages: nothing left to do\n"
    assert path.stat().st_ino == inode
    assert path.stat().st_mtime > 0


@pytest.mark.parametrize("spoiled", [None, b"", b"PK\x03\x04", b"no package"])
def test_a_package_that_is_lost_or_broken_is_made_again(root, sound, spoiled):
    path = root.downloads / NAME
    if spoiled is None:
        shutil.rmtree(root.downloads)
    else:
        path.write_bytes(spoiled)
    assert house.call("pack_batches", root).code == 0
    assert path.read_bytes() == (sound.downloads / NAME).read_bytes()


@pytest.mark.parametrize(
    ("change", "said"), [("changed", "was changed since it was written"), ("lost", "is missing")]
)
def test_a_pdf_that_is_not_the_issued_one_is_never_packed(root, change, said):
    path = revenues.proof_path(root, revenues.BATCH, batches.CLIENT, "FIL-2026-0002", "pdf")
    path.unlink()
    if change == "changed":
        path.write_bytes(b"%PDF-1.7 another")
    shutil.rmtree(root.downloads)
    ran = house.call("pack_batches", root)
    assert (ran.code, f"FIL-2026-0002.pdf: {said}; run `make verify`" in ran.err) == (3, True)
    assert not (root.downloads / NAME).exists()


def test_every_broken_chain_is_reported_before_anything_is_packed(root):
    shutil.rmtree(root.downloads)
    for name in (batches.CLIENT, "other"):
        house.write(root, f"data/revenues_batch/{name}.jsonl", b"no record\n")
    ran = house.call("pack_batches", root)
    assert ran.code == 3
    assert ran.err.count("[B-RECORD-BROKEN]") == 2
    assert not root.downloads.exists()


def test_the_order_and_time_of_packing_leave_no_trace(tmp_path):
    contents = {"b.pdf": lambda: b"b", "a.pdf": lambda: b"a", "É.pdf": lambda: b"c"}
    packages.write(tmp_path / "1.zip", contents, "x")
    packages.write(tmp_path / "2.zip", dict(reversed(contents.items())), "x")
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    assert packages.comment_of(tmp_path / "1.zip") == "x"
    with zipfile.ZipFile(tmp_path / "1.zip") as package:
        assert {one.date_time for one in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
