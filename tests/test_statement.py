"""Bank statements: what they propose, what goes to a person, what is refused.

The samples follow the usage of the Deutsche Kreditwirtschaft and CFONB (camt.053.001.02), of
SIX (camt.053.001.08), and of banks' OFX exports; each entry says what it is about.
"""

import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

import pytest

import books
import house
from lib import storage
from lib.root import Root

SAMPLES = Path(__file__).parent / "statements"


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """Four clients, each with two invoices of 76.80."""
    made = house.build(tmp_path / "root")
    for client in ("nord", "sud", "est", "ouest"):
        books.bill(made, client, 1, "76.80", day="2026-11-08")
        books.bill(made, client, 2, "76.80", day="2026-12-08", due="2027-01-07")
    return made


class Read(NamedTuple):
    """What a statement came to; rows by heading."""

    out: str
    file: Path
    proposed: list[dict[str, str]]
    review: list[dict[str, str]]


def read(root: Root, file: Path) -> Read:
    ran = house.call("read_statement", root, file=str(file))
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


# --- camt.053 ------------------------------------------------------------------------


def test_a_sepa_statement_entry_by_entry(root: Root) -> None:
    found = read(root, SAMPLES / "camt053_02_sepa.xml")
    rows = [[*row.values()] for row in found.proposed]
    assert rows == [
        [
            "nord",
            "NORD-2026-0001",
            "76.80",
            "2026-12-03",
            "transfer",
            "RF61NORD20260001",
            "bank reference 2026120300000001",
        ],
        [
            "sud",
            "SUD-2026-0001",
            "76.80",
            "2026-12-03",
            "transfer",
            "SUD-2026-0001",
            "bank reference 2026120300000002",
        ],
        [
            "ouest",
            "OUEST-2026-0001",
            "76.80",
            "2026-12-04",
            "transfer",
            "RF94OUEST20260001",
            "bank reference T6-1",
        ],
    ]
    assert reasons(found) == [
        ("1, entry 4", "is not booked (PDNG)", "EST-2026-0001"),
        ("1, entry 5", "the bank reverses an earlier movement", ""),
        ("1, entry 6, detail 2", "no reference of ours in a field of its own", ""),
        (
            "1, entry 7",
            "a second transfer for NORD-2026-0001; statement 1, entry 1 is proposed already",
            "NORD-2026-0001",
        ),
        ("1, entry 8", "no reference of ours in a field of its own", "NORD-2026-0002"),
        ("1, entry 9", "OUEST-2026-0002 has another amount outstanding", "OUEST-2026-0002"),
        ("1, entry 10", "is in USD, the invoice in EUR", "OUEST-2026-0002"),
        ("1, entry 11", "charges of 1.50 EUR are in it", "OUEST-2026-0002"),
        (
            "1, entry 12",
            "names several invoices: EST-2026-0001, EST-2026-0002",
            "EST-2026-0001 EST-2026-0002",
        ),
        (
            "1, entry 13",
            "goes out and names an invoice: a refund, or a payment that came back?",
            "SUD-2026-0001",
        ),
    ]
    by_place = {row["place"]: row for row in found.review}
    assert by_place["statement 1, entry 9"]["outstanding"] == "76.80"
    assert by_place["statement 1, entry 5"]["amount"] == "-12.00"
    assert by_place["statement 1, entry 7"]["party"] == '\'=HYPERLINK("http://evil.example")'
    assert "0 recorded already, 1 outgoing" in found.out


def test_a_swiss_statement_of_two_accounts(root: Root) -> None:
    found = read(root, SAMPLES / "camt053_08_six.xml")
    assert [(row["invoice"], row["date"], row["method"]) for row in found.proposed] == [
        ("NORD-2026-0001", "2026-12-03", "transfer"),
        ("SUD-2026-0001", "2026-12-05", "direct_debit"),
    ]
    assert reasons(found) == [
        ("1, entry 2", "a batch of 2 transfers that the statement does not itemise", ""),
        ("1, entry 3", "its 2 transfers do not add up to its amount", ""),
        ("1, entry 4", "a transfer that came back (AC04)", "EST-2026-0001"),
    ]


def test_a_batch_that_adds_up_is_taken_apart(root: Root, tmp_path: Path) -> None:
    found = read(root, sample(tmp_path, "camt053_08_six.xml", ("153.61", "153.60")))
    assert {row["invoice"] for row in found.proposed} >= {"EST-2026-0001", "OUEST-2026-0001"}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            "<RvslInd>false</RvslInd>",
            "<RvslInd>true</RvslInd>",
            "the bank reverses an earlier movement",
        ),
        (
            "<RvslInd>false</RvslInd>",
            "<RvslInd>1</RvslInd>",
            "the bank reverses an earlier movement",
        ),
        ("<Cd>BOOK</Cd>", "<Cd>INFO</Cd>", "is not booked (INFO)"),
        ("<Cd>BOOK</Cd>", "", "is not booked (no status)"),
        (
            "2026-12-03T00:30:00+01:00",
            "2026-11-07T23:59:00+01:00",
            "was booked before NORD-2026-0001",
        ),
        ("<DtTm>2026-12-03T00:30:00+01:00</DtTm>", "", "has no date of booking"),
        ("RF61NORD20260001", "RF62NORD20260001", "no reference of ours"),
        ("<EndToEndId>NOTPROVIDED", "<EndToEndId>NORD-2026-0002", "names several invoices"),
        ("<NbOfTxs>1<", "<NbOfTxs>2<", "a batch of 2 transfers"),
        ('<Amt Ccy="EUR">76.80', '<Amt Ccy="EUR">76.79', "its detail says 76.80 EUR"),
    ],
)
def test_whatever_speaks_against_a_match_sends_it_to_a_person(
    root: Root, tmp_path: Path, old: str, new: str, reason: str
) -> None:
    found = read(root, sample(tmp_path, "camt053_08_six.xml", (old, new)))
    assert "NORD-2026-0001" not in {row["invoice"] for row in found.proposed}
    assert found.review[0]["place"] == "statement 1, entry 1"
    assert found.review[0]["reason"].startswith(reason)


@pytest.mark.parametrize("version", ["02", "03", "09", "13"])
def test_every_version_of_the_message_is_read(root: Root, tmp_path: Path, version: str) -> None:
    file = sample(tmp_path, "camt053_08_six.xml", ("camt.053.001.08", f"camt.053.001.{version}"))
    assert len(read(root, file).proposed) == 2


# --- OFX -----------------------------------------------------------------------------


def test_ofx_without_end_tags_in_windows_1252(root: Root) -> None:
    found = read(root, SAMPLES / "ofx_102.ofx")
    rows = [
        (row["invoice"], row["date"], row["amount"], row["reference"]) for row in found.proposed
    ]
    assert rows == [
        ("NORD-2026-0001", "2026-12-03", "76.80", "RF61NORD20260001"),
        ("OUEST-2026-0001", "2026-12-05", "76.80", "OUEST-2026-0001"),
    ]
    assert reasons(found) == [
        ("1, entry 3", "no reference of ours in a field of its own", "SUD-2026-0001"),
        ("1, entry 4", "no reference of ours in a field of its own", ""),
    ]
    assert "1 outgoing" in found.out


def test_ofx_as_xml(root: Root) -> None:
    found = read(root, SAMPLES / "ofx_211.ofx")
    assert [(row["invoice"], row["method"]) for row in found.proposed] == [
        ("NORD-2026-0001", "cheque")
    ]
    assert reasons(found) == [
        ("1, entry 2", "corrects an earlier movement, A0", "SUD-2026-0001"),
        ("1, entry 3", "is in CHF, the invoice in EUR", "EST-2026-0001"),
    ]


# --- from the statement to the records -----------------------------------------------


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_what_is_proposed_is_imported_as_it_is_and_not_proposed_again(
    root: Root, name: str
) -> None:
    before = house.tree(root, "exports/")
    first = read(root, SAMPLES / name)
    assert house.tree(root, "exports/") == before
    assert first.proposed
    ran = books.import_file(root, first.file)
    assert (ran.code, ran.err) == (0, "")
    second = read(root, SAMPLES / name)
    assert second.proposed == []
    assert f"{len(first.proposed)} recorded already" in second.out
    # The duplicate in the file stays for a person; only the words change.
    assert [row["place"] for row in second.review] == [row["place"] for row in first.review]
    assert books.import_file(root, second.file).code == 1


def test_a_payment_reversed_since_is_not_proposed_again(root: Root) -> None:
    file = SAMPLES / "ofx_211.ofx"
    books.import_file(root, read(root, file).file)
    books.reverse(root, "nord/1")
    found = read(root, file)
    assert found.proposed == []
    assert found.review[0]["reason"] == "was recorded, and reversed by nord/2"


def test_an_invoice_paid_by_hand_is_not_proposed_again(root: Root) -> None:
    books.pay(root, "NORD-2026-0001", "76.80")
    found = read(root, SAMPLES / "ofx_211.ofx")
    assert found.review[0]["reason"] == "nothing is outstanding of NORD-2026-0001"


def test_a_part_already_paid_leaves_the_rest_to_match(root: Root, tmp_path: Path) -> None:
    books.pay(root, "NORD-2026-0001", "26.80")
    file = sample(tmp_path, "ofx_211.ofx", ("76.80", "50.00"))
    assert [row["amount"] for row in read(root, file).proposed] == ["50.00"]


def test_the_same_statement_gives_the_same_bytes(root: Root) -> None:
    found = read(root, SAMPLES / "camt053_02_sepa.xml")
    first = found.file.read_bytes()
    found.file.unlink()
    assert read(root, SAMPLES / "camt053_02_sepa.xml").file.read_bytes() == first


# --- refused -------------------------------------------------------------------------

ENTITIES = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
LAUGHS = f'<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY e0 "ha">{ENTITIES}]>'
CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"
BODY = (
    f'<Document xmlns="{CAMT}"><BkToCstmrStmt><Stmt><Id>%s</Id></Stmt></BkToCstmrStmt></Document>'
)
HOSTILE = {
    "laughs": (LAUGHS + BODY % "&e9;").encode(),
    "laughs in an attribute": (LAUGHS + f'<Document xmlns="{CAMT}" a="&e9;"/>').encode(),
    "outside file": (
        '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + BODY % "&x;"
    ).encode(),
    "laughs in UTF-16": (LAUGHS.replace("?>", ' encoding="UTF-16"?>', 1) + BODY % "&e9;").encode(
        "utf-16"
    ),
    "garbage": bytes((i * 7919 + i // 251) % 256 for i in range(1_000_000)),
    "zeros": bytes(1_000_000),
    "deep": f'<Document xmlns="{CAMT}">'.encode() + b"<a>" * 300_000,
    "empty": b"",
    "text": b"date;libelle;montant\n03/12/2026;VIR;76,80\n",
    "camt.054": (SAMPLES / "camt053_02_sepa.xml").read_bytes().replace(b"camt.053", b"camt.054"),
    "version 14": (SAMPLES / "camt053_02_sepa.xml")
    .read_bytes()
    .replace(b"053.001.02", b"053.001.14"),
    "no namespace": b"<Document><BkToCstmrStmt/></Document>",
    "no statement": BODY.replace("Stmt>", "Rpt>").encode(),
    "amount": (SAMPLES / "camt053_02_sepa.xml").read_bytes().replace(b">76.8<", b">7.68e1<"),
    "negative": (SAMPLES / "camt053_02_sepa.xml").read_bytes().replace(b">76.8<", b">-76.8<"),
    "direction": (SAMPLES / "camt053_02_sepa.xml")
    .read_bytes()
    .replace(b"CRDT</CdtDbtInd>\n        <Sts>", b"CR</CdtDbtInd>\n        <Sts>"),
    "date": (SAMPLES / "camt053_02_sepa.xml").read_bytes().replace(b"2026-12-09", b"09.12.2026"),
    "cut": (SAMPLES / "camt053_02_sepa.xml").read_bytes()[:5000],
    "OFX header": b"OFXHEADER:100\nDATA:OFXSGML\n<OFX>",
    "OFX garbage": (SAMPLES / "ofx_102.ofx").read_bytes()[:200] + bytes(range(256)) * 4000,
    "OFX amount": (SAMPLES / "ofx_211.ofx").read_bytes().replace(b"76.80", b"1,07,6.80"),
    "OFX date": (SAMPLES / "ofx_211.ofx").read_bytes().replace(b"20261203", b"2026-12-"),
    "OFX without statement": b'<?xml version="1.0"?><?OFX OFXHEADER="200" VERSION="211"?><OFX/>',
    "OFX statement in a statement": (SAMPLES / "ofx_102.ofx")
    .read_bytes()
    .replace(b"<STMTRS>", b"<STMTRS><STMTRS>"),
    "OFX after a long header": b"OFXHEADER:" + b" " * 100_000 + b"<OFX>",
    "many comments": b"<?xml version='1.0'?>" + b"<!---->" * 560 + b"<OFY>",
    "OFX with a document type": (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "x">]><?OFX OFXHEADER="200"?><OFX>&e;</OFX>'
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_a_statement_is_refused_in_a_line_for_each_fault(root: Root, tmp_path: Path, name: str) -> None:
    file = tmp_path / "statement"
    file.write_bytes(HOSTILE[name])
    before = house.tree(root)
    ran = house.call("read_statement", root, file=str(file))
    assert (ran.code, ran.out) == (1, ""), ran
    assert re.fullmatch(r"([^\n]{20,300}\[B-STATEMENT]\n)+", ran.err)
    assert "root:" not in ran.err
    assert house.tree(root) == before


def test_make_reads_imports_and_reconciles(root: Root) -> None:
    ran = house.make(root, "statement", f"FILE={SAMPLES / 'camt053_02_sepa.xml'}")
    assert ran.code == 0, ran.err
    [words] = re.findall("record them: make (.*)", ran.out)
    ran = house.make(root, *words.split(), f"TODAY={books.TODAY}")
    assert "3 payments recorded, 230.40 in all\n" in ran.out
    assert "sud: gross 153.60, credited 0.00, paid 76.80" in house.make(root, "reconcile").out
    late = house.make(root, "overdue", "DATE=2026-12-20", f"TODAY={books.TODAY}").out
    assert "384.00 outstanding on 2026-12-20, of which 76.80 late (1 invoice)" in late
