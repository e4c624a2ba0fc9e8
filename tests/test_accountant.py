"""The ZIP for the accountant: what is in it, always the same bytes, and only sound proofs."""

import csv
import hashlib
import io
import subprocess
import zipfile

import pytest

import house
import past
from lib.core.root import Root


@pytest.fixture(scope="module")
def issued(tmp_path_factory):
    """A root with one invoice of November, paid in December."""
    root = house.build(tmp_path_factory.mktemp("issued") / "root")
    assert house.month(root).code == 0
    past.lay(root, past.money("nord", "NORD-2026-0001", "2026-12-01", 7_680))
    return root


@pytest.fixture
def root(issued, tmp_path):
    subprocess.run(["cp", "-a", str(issued.path), str(tmp_path / "root")], check=True)
    return Root(tmp_path / "root")


def names(root: Root, period: str) -> list[str]:
    with zipfile.ZipFile(path_of(root, period)) as archive:
        return archive.namelist()


def path_of(root: Root, period: str):
    return root.path / f"exports/accountant/accountant-{period}.zip"


def test_a_year_has_tables_fec_pdfs_and_their_hashes(root, tmp_path):
    assert house.call("pack_accountant", root, year="2026").code == 0
    house.call("export_revenues", root, year="2026")
    house.call("export_fec", root, year="2026")
    fec = f"{house.siren(0)}FEC20261231.txt"
    with zipfile.ZipFile(path_of(root, "2026")) as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "accountant-2026"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    tables = {
        f"{name}-2026{suffix}"
        for name in ("recettes", "revenues", "vat_due")
        for suffix in (".csv", ".totals.csv")
    }
    pdf = "invoices/nord/NORD-2026-0001.pdf"
    people = {"workbook-2026.xlsx", "report-2026.pdf", "LISEZMOI.txt"}
    declared = {"declaration-2026.csv", "declaration-2026.documents.csv"}
    assert found == {*tables, "payments-2026.csv", fec, pdf, *people, *declared, "SHA256SUMS"}
    house.call("make_workbook", root, year="2026")
    made = root.path / "exports/workbook/workbook-2026.xlsx"
    assert (folder / "workbook-2026.xlsx").read_bytes() == made.read_bytes()
    for name in tables:
        exported = root.path / "exports/recettes" / name
        assert (folder / name).read_bytes() == exported.read_bytes()
    assert (folder / fec).read_bytes() == (root.path / "exports/fec" / fec).read_bytes()
    proof = house.proof(root, "nord", "NORD-2026-0001", "pdf")
    assert (folder / pdf).read_bytes() == proof.read_bytes()
    listed = dict(
        reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines()
    )
    assert listed == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in found - {"SHA256SUMS"}
    }


def test_a_month_has_what_was_issued_and_received_in_it(root):
    for month in ("2026-11", "2026-12"):
        assert house.call("pack_accountant", root, month=month).code == 0
    pdf = "invoices/nord/NORD-2026-0001.pdf"
    assert f"accountant-2026-11/{pdf}" in names(root, "2026-11")
    assert "accountant-2026-11/workbook-2026-11.xlsx" in names(root, "2026-11")
    assert not [name for name in names(root, "2026-12") if name.endswith(".pdf")]
    with zipfile.ZipFile(path_of(root, "2026-12")) as archive:
        text = archive.read("accountant-2026-12/recettes-2026-12.csv").decode()
        (row,) = csv.DictReader(io.StringIO(text))
        assert row["gross"] == "76.80"
        fec = archive.read(f"accountant-2026-12/{house.siren(0)}FEC20261231.txt").decode()
    # The invoice is entry 1 of the year; December goes on from there.
    assert {line.split("\t")[2] for line in fec.splitlines()[1:]} == {"2", "3"}


def readme(root: Root, period: str, name: str = "LISEZMOI.txt") -> str:
    with zipfile.ZipFile(path_of(root, period)) as archive:
        return archive.read(f"accountant-{period}/{name}").decode()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_each_file_column_and_code_is_explained_in_french(root, language):
    house.write(root, ".env", f"CSV_HEADERS={language}\n".encode()).chmod(0o600)
    assert house.call("pack_accountant", root, year="2026").code == 0
    text = readme(root, "2026")
    with zipfile.ZipFile(path_of(root, "2026")) as archive:
        files = [name.partition("/")[2] for name in archive.namelist()]
        tables = {
            name: archive.read(f"accountant-2026/{name}").decode("utf-8-sig")
            for name in files
            if name.endswith(".csv")
        }
    lines = [line.strip().split("  ", 1) for line in text.splitlines() if "  " in line]
    explained = {name: said.strip() for name, said in lines}
    assert all(explained.values())
    listed = {"invoices/" if name.endswith(".pdf") and "/" in name else name for name in files}
    assert listed - {"LISEZMOI.txt"} <= explained.keys()
    for table in tables.values():
        assert set(table.splitlines()[0].split(",")) <= explained.keys()
    codes = {"fr": {"règlement", "prestations de services"}, "en": {"payment", "services"}}
    assert codes[language] <= explained.keys()
    assert explained["AE"] == "autoliquidation par le client"
    assert explained["VATEX-FR-AE"] == "autoliquidation en France"


def test_a_column_is_explained_under_the_table_that_has_it(root):
    assert house.call("pack_accountant", root, year="2026").code == 0
    chapter = readme(root, "2026").split("COLONNES")[1].split("CODES")[0]
    said: dict[str, dict[str, str]] = {}
    for line in filter(None, chapter.split("\r\n")):
        if not line.startswith("  "):
            own = said[line] = {}
            continue
        name, text = line.strip().split("  ", 1)
        own[name] = text.strip()
    with zipfile.ZipFile(path_of(root, "2026")) as archive:
        for name in archive.namelist():
            table = name.partition("/")[2]
            if table.endswith(".csv"):
                own = said["*.totals.csv" if table.endswith(".totals.csv") else table]
                assert set(archive.read(name).decode().splitlines()[0].split(",")) <= own.keys()
    assert said["recettes-2026.csv"]["date"] != said["revenues-2026.csv"]["date"]


def test_what_is_owed_later_changes_nothing_of_a_year(root):
    house.call("pack_accountant", root, year="2026")
    before = path_of(root, "2026").read_bytes()
    past.lay(root, past.money("nord", "NORD-2026-0001", "2027-01-02", 1_000))
    house.call("pack_accountant", root, year="2026")
    assert path_of(root, "2026").read_bytes() == before


def test_the_same_records_give_the_same_bytes(root):
    house.call("pack_accountant", root, year="2026")
    first = path_of(root, "2026").read_bytes()
    path_of(root, "2026").unlink()
    proof = house.proof(root, "nord", "NORD-2026-0001", "pdf")
    proof.chmod(0o600)
    proof.touch()
    house.call("pack_accountant", root, year="2026")
    assert path_of(root, "2026").read_bytes() == first
    before = path_of(root, "2026").stat()
    ran = house.call("pack_accountant", root, year="2026")
    assert "as it was" in ran.out
    assert path_of(root, "2026").stat().st_ino == before.st_ino
    assert [path.name for path in path_of(root, "2026").parent.iterdir()] == ["accountant-2026.zip"]


def test_names_are_sorted_and_every_file_has_the_same_time_and_mode(root):
    house.call("pack_accountant", root, year="2026")
    with zipfile.ZipFile(path_of(root, "2026")) as archive:
        entries = archive.infolist()
    for entry in entries:
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert (entry.external_attr, entry.create_system) == (0o644 << 16, 3)
    listed = [entry.filename for entry in entries]
    assert listed == sorted(listed)


@pytest.mark.parametrize("harm", ["changed", "gone"])
def test_a_proof_that_is_not_what_the_records_say_stops_it(root, harm):
    proof = house.proof(root, "nord", "NORD-2026-0001", "pdf")
    proof.chmod(0o644)
    if harm == "changed":
        proof.write_bytes(proof.read_bytes() + b"\n")
    else:
        proof.unlink()
    ran = house.call("pack_accountant", root, year="2026")
    assert ran.code == 3
    assert ran.err.startswith(f"{root.name_of(proof)}: ")
    assert not path_of(root, "2026").exists()


def test_a_seller_without_siren_gets_a_zip_without_fec(root):
    foreign = house.issuer(
        {
            "party.siren": None,
            "party.siret": None,
            "party.vat_number": "DE136695976",
            "party.address": {"lines": ["Weg 1"], "city": "Kiel", "country": "DE"},
        }
    )
    house.write(root, "issuer.json", foreign)
    ran = house.call("pack_accountant", root, year="2026")
    assert ran.code == 0, ran.err
    assert not [name for name in names(root, "2026") if "FEC" in name]
    assert "goods that leave the European Union" in readme(root, "2026", "README.txt")
    ran = house.call("export_fec", root, year="2026")
    assert (ran.code, "party.siren: is missing" in ran.err) == (1, True)


def test_make_makes_it_once(root):
    assert house.make(root, "accountant", "YEAR=2026").code == 0
    assert "nothing changed" in house.make(root, "accountant", "YEAR=2026").out
