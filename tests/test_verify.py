"""`make verify`: every tampering is found and named, nothing sound is accused."""

import contextlib
import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

import house
import post
from lib.audit import derived_audit, findings, record_audit
from lib.books import heads, records
from lib.core import storage
from lib.core.faults import Broken
from lib.core.root import Root
from lib.mail import mime

HEADER = (
    "reference;period_start;period_end;customer_name;customer_address_1;customer_postcode;"
    "customer_city;customer_country;customer_siren;description_1;quantity_1;unit_1;unit_price_1;"
    "vat_rate_1"
)
NORD, SUD, PLUME = "revenues/nord", "revenues/sud", "revenues_batch/plume"
PDF = "data/invoices/nord/2026/NORD-2026-0001.pdf"
JSON = "data/invoices/nord/2026/NORD-2026-0001.json"
BATCH_PDF = "data/invoices_batch/plume/2026/PLUM-2026-0001.pdf"
PACKAGE = "downloads/plume__2026-10.zip"
USAGE = "data/usage/nord/2026-10.batch_plume.json"
RECETTES = "exports/recettes/recettes-2026.csv"
LEDGER = "exports/ledger/2026.journal"


def batch_line(i: int) -> str:
    customer = f"Client {i};1 rue;44000;Nantes;FR;{house.siren(i + 50)}"
    return f"R{i};2026-10-01;2026-10-31;{customer};Séjour;3;DAY;0,335;20"


@pytest.fixture(scope="module")
def house_of_a_month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month of direct and batch invoices, credit notes of both, payments, derived files."""
    seller = house.issuer()
    of_issuer = ("code", "timezone", "numbering")
    seller_of_batch = {key: seller[key] for key in seller if key not in of_issuer}
    batch_client = {
        "id": "plume",
        "code": "PLUM",
        "status": "active",
        "seller": seller_of_batch,
        "csv": {"delimiter": ";", "decimal": ",", "encoding": "utf-8", "byte_order_mark": False},
        "defaults": {
            "language": "fr",
            "currency": "EUR",
            "payment_terms": {"days": 30},
            "vat": {"treatment": "standard"},
        },
        "delivery": {"zip": True, "email_customers": False},
        "billed_as": "nord",
    }
    batches = house.metered("batches", "batch_invoices", "0.50")
    root = house.build(
        tmp_path_factory.mktemp("house") / "root",
        house.client("nord", {"plans.0.items.1": batches}),
        house.client("sud", i=2),
    )
    house.write(root, "batch_clients/plume.json", batch_client)
    lines = "\n".join([HEADER, *map(batch_line, range(3)), ""])
    house.write(root, "data/inbox_batch/plume__2026-10.csv", lines.encode())
    did(house.call("import_batch", root, issue_date="2026-11-03", today=house.TODAY))
    did(house.month(root))
    with mock.patch.dict(os.environ, REASON="erreur"):
        for number in ("NORD-2026-0001", "PLUM-2026-0001"):
            day = {"issue_date": house.TODAY, "today": house.TODAY}
            did(house.call("issue_credit_note", root, invoice=number, **day))
    money = {"client": "sud", "invoice": "SUD-2026-0001", "method": "transfer"}
    for amount, day in (("10.00", "2026-11-10"), ("20.50", "2026-11-11")):
        did(house.call("record_payment", root, amount=amount, date=day, today=day, **money))
    with mock.patch.dict(os.environ, REASON="bounced"):
        did(house.call("reverse_payment", root, payment="sud/1", today="2026-12-01"))
    for script in ("reconcile", "pack_batches", "export_payments"):
        did(house.call(script, root))
    for script in (
        "export_revenues",
        "export_fec",
        "export_ledger",
        "make_workbook",
        "pack_accountant",
    ):
        did(house.call(script, root, year="2026"))
    return root.path


@pytest.fixture(scope="module")
def house_with_mails(house_of_a_month: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same house with money given back, whose mails a server took."""
    root = Root(tmp_path_factory.mktemp("mailed") / "root")
    shutil.copytree(house_of_a_month, root.path)
    money = {"client": "nord", "invoice": "NORD-2026-0001", "method": "transfer"}
    money |= {"amount": "30.00", "today": "2026-11-21"}
    did(house.call("record_payment", root, date="2026-11-20", overpayment="yes", **money))
    did(house.call("record_refund", root, date="2026-11-21", **money))
    with post.office() as server:
        smtp = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port), "SMTP_SECURITY": "none"}
        with mock.patch.dict(os.environ, smtp):
            did(house.call("send_invoices", root, today="2026-11-22"))
    return root.path


@pytest.fixture
def mailed(house_with_mails: Path, tmp_path: Path) -> Root:
    """A copy of it to tamper with."""
    shutil.copytree(house_with_mails, tmp_path / "mailed")
    return Root(tmp_path / "mailed")


@pytest.fixture
def root(house_of_a_month: Path, tmp_path: Path) -> Root:
    """A copy to tamper with."""
    shutil.copytree(house_of_a_month, tmp_path / "root", symlinks=True)
    return Root(tmp_path / "root")


def did(ran: house.Ran) -> None:
    assert ran.code == 0, ran.err


def verify(root: Root, witness: Path | None = None, today: str = "") -> house.Ran:
    return house.call("verify", root, witness=str(witness or ""), today=today)


def named(ran: house.Ran) -> set[tuple[str, str]]:
    """The files that are named, each with the code of what is wrong."""
    found = set()
    for line in ran.err.splitlines():
        match = re.fullmatch(r"([^:]+): .* \[([A-Z-]+)\]", line)
        assert match, line
        found.add((match[1], match[2]))
    return found


# --- nothing wrong -------------------------------------------------------------------


def test_a_sound_house_is_said_to_be_and_stays_as_it_is(root):
    before = house.tree(root)
    ran = verify(root)
    assert (ran.code, ran.err) == (0, "")
    assert "10 records and 7 documents are as they were issued, 7 PDFs rendered again" in ran.out
    assert house.tree(root) == before


def test_an_empty_house_is_sound(tmp_path):
    assert verify(house.build(tmp_path)).code == 0


def test_derived_files_may_be_gone(root):
    for folder in ("data/balance", "data/flags", "exports", "downloads"):
        shutil.rmtree(root.path / folder, ignore_errors=True)
    assert verify(root).code == 0


def test_derived_files_may_be_older_than_the_records(root):
    options = {"client": "sud", "invoice": "SUD-2026-0001", "method": "cash"}
    day = {"date": "2026-12-02", "today": "2026-12-02"}
    did(house.call("record_payment", root, amount="1.00", **options, **day))
    ran = verify(root)
    assert ran.code == 0
    stale = {name for name, code in named(ran) if code == "I-DERIVED-STALE"}
    assert {"data/balance/sud.json", RECETTES} <= stale
    assert "data/balance/nord.json" not in stale


def test_an_export_in_another_dialect_is_right(root):
    with mock.patch.dict(os.environ, CSV_DIALECT="fr", CSV_HEADERS="fr"):
        did(house.call("export_revenues", root, year="2026"))
    assert verify(root).code == 0


def test_documents_of_another_renderer_are_not_rendered_again_but_their_xml_is_read(root):
    reissue(root, b'"template": ', b'"template": "0", "was": ')
    ran = verify(root)
    assert (ran.code, ran.err) == (3, ran.err)
    assert (PDF, "B-PDF-WRONG") not in named(ran)
    shutil.copy2(root.path / BATCH_PDF, root.path / "other.pdf")
    other = (root.path / "other.pdf").read_bytes()
    rewrite_proof(root, PDF, other)
    record_hash(root, "pdf_sha256", other)
    assert "BT-1 is" in verify(root).err


# --- tampering -----------------------------------------------------------------------


def edit(root: Root, name: str, change: Callable[[bytes], bytes]) -> None:
    """Changes a file's bytes and keeps its mode and times."""
    path = root.path / name
    before = path.stat()
    path.chmod(0o644)
    path.write_bytes(change(path.read_bytes()))
    path.chmod(before.st_mode & 0o777)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def rewrite_proof(root: Root, name: str, data: bytes) -> None:
    edit(root, name, lambda _: data)


def one_byte(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def lines(root: Root, chain: str) -> list[dict[str, Any]]:
    folder, client = chain.split("/")
    return house.records(root, client, folder)


def lay_chain(root: Root, chain: str, facts: list[dict[str, Any]], with_head: bool = True) -> None:
    """Writes a record file again, every hash right, with its head."""
    path = root.data / f"{chain}.jsonl"
    plain = [
        {key: value for key, value in one.items() if key not in ("seq", "prev", "hash")}
        for one in facts
    ]
    extension = records.extend(records.Chain(path, (), 0, 0, records.GENESIS), plain)
    path.write_bytes(extension.lines)
    if with_head:
        head = records.head_path(root, path)
        head.write_bytes(records.head_bytes(extension.seq, extension.hash))


def record_hash(root: Root, key: str, data: bytes) -> None:
    """Makes the record of the first invoice know a proof by other bytes, all hashes right."""
    first, *rest = lines(root, NORD)
    lay_chain(root, NORD, [{**first, key: storage.sha256(data)}, *rest])


def reissue(root: Root, old: bytes, new: bytes) -> None:
    """Changes a document and its record, hashes and all."""
    edit(root, JSON, lambda data: data.replace(old, new, 1))
    record_hash(root, "document_sha256", (root.path / JSON).read_bytes())


def change_line(chain: str, change: Callable[[bytes], bytes], line: int = 0) -> Any:
    def tamper(root: Root) -> None:
        def of_file(data: bytes) -> bytes:
            found = data.splitlines(keepends=True)
            found[line] = change(found[line])
            return b"".join(found)

        edit(root, f"data/{chain}.jsonl", of_file)

    return tamper


def drop_line(chain: str, line: int, rehash: bool = False) -> Any:
    def tamper(root: Root) -> None:
        found = lines(root, chain)
        del found[line]
        if rehash:
            lay_chain(root, chain, found)
        else:
            written = b"".join(storage.canonical_json(one) + b"\n" for one in found)
            (root.data / f"{chain}.jsonl").write_bytes(written)

    return tamper


def dearer(line: bytes) -> bytes:
    """A record with another amount and a hash that fits it."""
    record = json.loads(line)
    del record["hash"]
    record["gross"] = "1.00"
    digest = storage.sha256(storage.canonical_json(record))
    return storage.canonical_json({**record, "hash": digest}) + b"\n"


def swap(root: Root) -> None:
    edit(root, f"data/{PLUME}.jsonl", lambda data: b"\n".join(swapped(data.split(b"\n"))))


def swapped(found: list[bytes]) -> list[bytes]:
    return [found[1], found[0], *found[2:]]


def remove(name: str) -> Any:
    return lambda root: (root.path / name).unlink()


def mode(name: str, wanted: int) -> Any:
    return lambda root: (root.path / name).chmod(wanted)


def change(name: str, how: Callable[[bytes], bytes] = one_byte) -> Any:
    return lambda root: edit(root, name, how)


def repack(name: str, entry: str, old: bytes, new: bytes) -> Any:
    """A table of a package with another figure, and the hash of that in its list."""

    def other(data: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            inside = {info: package.read(info) for info in package.infolist()}
        (table,) = (info for info in inside if info.filename.endswith(f"/{entry}"))
        (listed,) = (info for info in inside if info.filename.endswith("/SHA256SUMS"))
        assert old in inside[table]
        was, inside[table] = inside[table], inside[table].replace(old, new)
        digests = [storage.sha256(one).encode() for one in (was, inside[table])]
        inside[listed] = inside[listed].replace(*digests)
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as package:
            for info, content in inside.items():
                package.writestr(info, content)
        return stream.getvalue()

    return change(name, other)


def add(name: str, file_mode: int = 0o444) -> Any:
    def tamper(root: Root) -> None:
        house.write(root, name, b"added").chmod(file_mode)

    return tamper


def link(name: str) -> Any:
    def tamper(root: Root) -> None:
        path = root.path / name
        moved = path.rename(root.path / "moved")
        path.symlink_to(moved)

    return tamper


def change_document(old: bytes, new: bytes) -> Any:
    return lambda root: reissue(root, old, new)


def credit_twice(root: Root) -> None:
    """The same credit note once more, as a record that fits its chain."""
    first, note = lines(root, NORD)
    lay_chain(root, NORD, [first, note, {**note, "number": "NORD-2026-0003"}])


def archived(root: Root, folder: str, start: str) -> str:
    [path] = (
        one for one in (root.data / folder).iterdir() if one.read_bytes().startswith(start.encode())
    )
    return root.name_of(path)


def in_archive(folder: str, start: str, how: Callable[[str], Any]) -> Any:
    return lambda root: how(archived(root, folder, start))(root)


CLIENT_FILE = '{"id": "sud"'
HEAD = "data/heads/revenues/nord.json"
CHANGED_WITH_ITS_RECORD = {
    (PDF, "B-PDF-WRONG"),
    ("data/invoices/nord/2026/NORD-2026-0002.json", "B-DOCUMENT-WRONG"),
    ("data/balance/nord.json", "B-DERIVED-CHANGED"),
}
SEEN = {
    "a byte of a PDF": (change(PDF), {(PDF, "B-PROOF-CHANGED")}),
    "a byte of a document": (change(JSON), {(JSON, "B-PROOF-CHANGED")}),
    "a PDF cut short": (change(PDF, lambda data: data[:-1]), {(PDF, "B-PROOF-CHANGED")}),
    "a PDF removed": (remove(PDF), {(PDF, "B-PROOF-MISSING")}),
    "a document removed": (remove(JSON), {(JSON, "B-PROOF-MISSING")}),
    "a proof added": (
        add("data/invoices/nord/2026/NORD-2026-0009.pdf"),
        {("data/invoices/nord/2026/NORD-2026-0009.pdf", "B-PROOF-STRAY")},
    ),
    "a file of no kind among proofs": (
        add("data/invoices/nord/notes.txt"),
        {("data/invoices/nord/notes.txt", "B-PROOF-STRAY")},
    ),
    "an input added to the archive": (
        add(f"data/archive_inputs/{storage.sha256(b'added')}"),
        {(f"data/archive_inputs/{'?' * 64}", "B-PROOF-STRAY")},
    ),
    "a PDF that can be written": (mode(PDF, 0o644), {(PDF, "B-MODE")}),
    "a batch PDF that can be written": (mode(BATCH_PDF, 0o664), {(BATCH_PDF, "B-MODE")}),
    "records that all can write": (
        mode(f"data/{NORD}.jsonl", 0o666),
        {(f"data/{NORD}.jsonl", "B-MODE")},
    ),
    "a link in the place of a PDF": (
        link(PDF),
        {(PDF, "B-LINK"), (PDF, "B-PROOF-MISSING")},
    ),
    "a byte of a record": (
        change_line(NORD, lambda line: line.replace(b'"buyer":"C', b'"buyer":"c')),
        {(f"data/{NORD}.jsonl", "B-RECORD-BROKEN"), (JSON, "B-DOCUMENT-WRONG")},
    ),
    "a record with its hash made to fit": (
        change_line(NORD, dearer),
        {
            (f"data/{NORD}.jsonl", "B-RECORD-BROKEN"),
            (f"data/{NORD}.jsonl", "B-RECORD-WRONG"),
            (JSON, "B-DOCUMENT-WRONG"),
        },
    ),
    "a record removed from the middle": (
        drop_line(PLUME, 1),
        {
            (f"data/{PLUME}.jsonl", "B-RECORD-BROKEN"),
            (f"data/{PLUME}.jsonl", "B-NUMBER-GAP"),
            ("data/invoices_batch/plume/2026/PLUM-2026-0002.pdf", "B-PROOF-STRAY"),
            ("data/invoices_batch/plume/2026/PLUM-2026-0002.json", "B-PROOF-STRAY"),
            (USAGE, "B-USAGE-BATCH"),
        },
    ),
    "a record removed from the end": (
        drop_line(NORD, 1),
        {
            (HEAD, "B-RECORD-HEAD"),
            ("data/counters/NORD.json", "B-COUNTER"),
            ("data/invoices/nord/2026/NORD-2026-0002.pdf", "B-PROOF-STRAY"),
            ("data/invoices/nord/2026/NORD-2026-0002.json", "B-PROOF-STRAY"),
        },
    ),
    "a record removed from the end, its head made to fit": (
        drop_line(NORD, 1, rehash=True),
        {
            ("data/counters/NORD.json", "B-COUNTER"),
            ("data/invoices/nord/2026/NORD-2026-0002.pdf", "B-PROOF-STRAY"),
            ("data/invoices/nord/2026/NORD-2026-0002.json", "B-PROOF-STRAY"),
            ("data/balance/nord.json", "B-DERIVED-CHANGED"),
        },
    ),
    "a payment removed from the middle": (
        drop_line("payments/sud", 1),
        {("data/payments/sud.jsonl", "B-RECORD-BROKEN")},
    ),
    "a payment removed from the end": (
        drop_line("payments/sud", 2),
        {("data/heads/payments/sud.json", "B-RECORD-HEAD")},
    ),
    "a payment removed, its chain made to fit": (
        drop_line("payments/sud", 2, rehash=True),
        {("data/balance/sud.json", "B-DERIVED-CHANGED")},
    ),
    "all payments of a client removed": (
        remove("data/payments/sud.jsonl"),
        {
            ("data/heads/payments/sud.json", "B-RECORD-HEAD"),
            ("data/balance/sud.json", "B-DERIVED-CHANGED"),
        },
    ),
    "two records exchanged": (swap, {(f"data/{PLUME}.jsonl", "B-RECORD-BROKEN")}),
    "a credit note beyond its invoice": (
        credit_twice,
        {
            (f"data/{NORD}.jsonl", "B-RECORD-WRONG"),
            ("data/counters/NORD.json", "B-COUNTER"),
            ("data/invoices/nord/2026/NORD-2026-0003.json", "B-PROOF-MISSING"),
            ("data/invoices/nord/2026/NORD-2026-0003.pdf", "B-PROOF-MISSING"),
        },
    ),
    "a counter": (
        change("data/counters/NORD.json", lambda data: data.replace(b"2}", b"3}")),
        {("data/counters/NORD.json", "B-COUNTER")},
    ),
    "a counter removed": (
        remove("data/counters_batch/PLUM.json"),
        {("data/counters_batch/PLUM.json", "B-COUNTER")},
    ),
    "a head": (change(HEAD), {(HEAD, "B-RECORD-HEAD")}),
    "a head removed": (remove(HEAD), {(HEAD, "B-RECORD-HEAD")}),
    "an archived CSV": (
        in_archive("archive_batch", "reference", change),
        {(f"data/archive_batch/plume__2026-10.{'?' * 12}.csv", "B-ARCHIVE")},
    ),
    "an archived CSV removed": (
        in_archive("archive_batch", "reference", remove),
        {(f"data/archive_batch/plume__2026-10.{'?' * 12}.csv", "B-ARCHIVE")},
    ),
    "an archived input": (
        in_archive("archive_inputs", CLIENT_FILE, change),
        {(f"data/archive_inputs/{'?' * 64}", "B-ARCHIVE")},
    ),
    "an archived input removed": (
        in_archive("archive_inputs", CLIENT_FILE, remove),
        {(f"data/archive_inputs/{'?' * 64}", "B-ARCHIVE")},
    ),
    "a document with another price, and its record": (
        change_document(b'"unit_price": "49.00"', b'"unit_price": "48.00"'),
        {(JSON, "B-DOCUMENT-WRONG"), *CHANGED_WITH_ITS_RECORD},
    ),
    "a document with another buyer, and its record": (
        change_document(b'"name": "Client nord"', b'"name": "Client Nord"'),
        {(JSON, "B-DOCUMENT-WRONG"), *CHANGED_WITH_ITS_RECORD},
    ),
    "a document with another note, and its record": (
        change_document(b"escompte", b"Escompte"),
        CHANGED_WITH_ITS_RECORD,
    ),
    "a balance": (
        change("data/balance/sud.json", lambda data: data.replace(b"20.50", b"21.50")),
        {("data/balance/sud.json", "B-DERIVED-CHANGED")},
    ),
    "a package": (change(PACKAGE), {(PACKAGE, "B-DERIVED-CHANGED")}),
    "an export": (
        change(RECETTES, lambda data: data.replace(b"20.50", b"21.50")),
        {(RECETTES, "B-DERIVED-CHANGED")},
    ),
    "a workbook": (
        change("exports/workbook/workbook-2026.xlsx"),
        {("exports/workbook/workbook-2026.xlsx", "B-DERIVED-CHANGED")},
    ),
    "the accountant's ZIP": (
        change("exports/accountant/accountant-2026.zip"),
        {("exports/accountant/accountant-2026.zip", "B-DERIVED-CHANGED")},
    ),
    "a table in the accountant's ZIP, with its hash": (
        repack("exports/accountant/accountant-2026.zip", "recettes-2026.csv", b"20.50", b"21.50"),
        {("exports/accountant/accountant-2026.zip", "B-DERIVED-CHANGED")},
    ),
    "a ledger": (
        change(LEDGER, lambda data: data.replace(b"20.50", b"21.50")),
        {(LEDGER, "B-DERIVED-CHANGED")},
    ),
    "the usage that a payer is billed by": (
        change(USAGE, lambda data: data.replace(b'"3"', b'"2"')),
        {(USAGE, "B-USAGE-BATCH")},
    ),
}


@pytest.mark.parametrize("what", SEEN)
def test_tampering_is_found_and_named(root, what):
    tamper, expected = SEEN[what]
    tamper(root)
    ran = verify(root)
    found = {
        (re.sub("[0-9a-f]{12,}", lambda hash_: "?" * len(hash_[0]), name), code)
        for name, code in named(ran)
        if code.startswith("B-")
    }
    assert ran.code == 3
    assert found == expected


# --- mails, packages that left, money given back, dates ------------------------------

SENT, PAID = "outbox/sent", "payments/nord"


def kept(root: Root) -> str:
    (path,) = (root.data / "batch_sent").glob("plume__2026-10__*")
    return root.name_of(path)


def with_kept(how: Callable[[str], Any]) -> Any:
    return lambda root: how(kept(root))(root)


def relay(chain: str, change: Callable[[list[dict[str, Any]]], None]) -> Any:
    """A chain with other lines, all hashes right."""

    def tamper(root: Root) -> None:
        facts = lines(root, chain)
        change(facts)
        lay_chain(root, chain, facts)

    return tamper


def of_kind(kind: str, /, **changes: str) -> Any:
    """The first mail of a kind says something else."""

    def change(facts: list[dict[str, Any]]) -> None:
        next(fact for fact in facts if fact["kind"] == kind).update(changes)

    return relay(SENT, change)


def of_line(chain: str, line: int, **changes: str) -> Any:
    return relay(chain, lambda facts: facts[line].update(changes))


def one_more_refund(root: Root) -> None:
    facts = lines(root, PAID)
    lay_chain(root, PAID, [*facts, facts[1] | {"date": "2026-11-25", "amount": "0.01"}])


MAILS = f"data/{SENT}.jsonl"
KEPT = f"data/batch_sent/plume__2026-10__{'?' * 12}.zip"
ADDED = "data/batch_sent/plume__2026-09__0123456789ab.zip"
SEEN_OF_MAILS = {
    "a package that left": (with_kept(change), {(KEPT, "B-PROOF-CHANGED")}),
    "a package that left removed": (with_kept(remove), {(KEPT, "B-PROOF-MISSING")}),
    "a package that left and can be written": (
        with_kept(lambda name: mode(name, 0o644)),
        {(KEPT, "B-MODE")},
    ),
    "a package added to those that left": (
        add(ADDED),
        {(ADDED.replace("0123456789ab", "?" * 12), "B-PROOF-STRAY")},
    ),
    "another package, and its mail": (
        of_kind("package", package_sha256="0" * 64),
        {(f"data/batch_sent/plume__2026-10__{'?' * 12}.zip", "B-PROOF-MISSING")},
    ),
    "a mail of no invoice": (
        of_kind("invoice", number="NORD-2026-0009", mail="invoice__nord__NORD-2026-0009"),
        {(MAILS, "B-RECORD-ORPHAN")},
    ),
    "a mail of another client's invoice": (
        of_kind("invoice", client="sud"),
        {(MAILS, "B-RECORD-ORPHAN")},
    ),
    "an invoice that passes for a credit note": (
        of_kind("credit_note", number="NORD-2026-0001"),
        {(MAILS, "B-RECORD-ORPHAN")},
    ),
    "a mail that carried another PDF": (
        of_kind("invoice", pdf_sha256="0" * 64),
        {(MAILS, "B-RECORD-ORPHAN")},
    ),
    "a mail under the name of another": (
        of_kind("invoice", mail="invoice__sud__SUD-2026-0001"),
        {(MAILS, "B-RECORD-ORPHAN")},
    ),
    "a mail of a month without a batch": (
        of_kind("package", month="2026-09", mail=f"package__plume__2026-09__{'0' * 12}"),
        {(MAILS, "B-RECORD-ORPHAN"), (KEPT.replace("-10", "-09"), "B-PROOF-MISSING")},
    ),
    "a mail of no kind": (of_kind("invoice", kind="advert"), {(MAILS, "B-RECORD-BROKEN")}),
    "a mail of 2099": (of_kind("invoice", date="2099-01-01"), {(MAILS, "B-RECORD-WRONG")}),
    "a payment of 2099": (
        of_line("payments/sud", 1, date="2099-01-01"),
        {
            ("data/payments/sud.jsonl", "B-RECORD-WRONG"),
            ("data/balance/sud.json", "B-DERIVED-CHANGED"),
        },
    ),
    "a refund that was never owed": (
        one_more_refund,
        {(f"data/{PAID}.jsonl", "B-PAYMENT-STRAY")},
    ),
    "a refund larger than what is owed": (
        of_line(PAID, 1, amount="30.01"),
        {(f"data/{PAID}.jsonl", "B-PAYMENT-STRAY")},
    ),
    "a refund before the money came": (
        of_line(PAID, 1, date="2026-11-19"),
        {(f"data/{PAID}.jsonl", "B-PAYMENT-STRAY")},
    ),
}


def test_mails_refunds_and_packages_that_left_are_sound(mailed):
    ran = verify(mailed, today="2026-11-22")
    assert (ran.code, {code for _, code in named(ran)}) == (0, {"I-DERIVED-STALE"})
    assert {fact["kind"] for fact in lines(mailed, SENT)} == {"invoice", "credit_note", "package"}


@pytest.mark.parametrize("what", SEEN_OF_MAILS)
def test_what_is_wrong_with_mails_refunds_and_dates_is_named(mailed, what):
    tamper, expected = SEEN_OF_MAILS[what]
    tamper(mailed)
    ran = verify(mailed, today="2026-11-22")
    found = {
        (re.sub("[0-9a-f]{12,}", lambda hash_: "?" * len(hash_[0]), name), code)
        for name, code in named(ran)
        if code.startswith("B-") and not name.startswith("exports/")
    }
    assert ran.code == 3
    assert expected <= found
    assert {name for name, _ in found} == {name for name, _ in expected}


def replaced(old: bytes, new: bytes) -> Callable[[Path], None]:
    def tamper(mail: Path) -> None:
        data = mail.read_bytes()
        assert old in data
        mail.write_bytes(data.replace(old, new, 1))

    return tamper


def carrying(pdf: bytes) -> Callable[[Path], None]:
    def tamper(mail: Path) -> None:
        letter = mime.read(mail.read_bytes())
        attached = letter.attachments[0]._replace(data=pdf)
        mail.write_bytes(mime.to_bytes(letter._replace(attachments=(attached,)), mail.stem))

    return tamper


def saying(text: str) -> Callable[[Path], None]:
    def tamper(mail: Path) -> None:
        letter = mime.read(mail.read_bytes())
        mail.write_bytes(mime.to_bytes(letter._replace(text=text), mail.stem))

    return tamper


WAITING = {
    "another PDF": ("invoice__sud__SUD-2026-0001", carrying(b"%PDF")),
    "an attachment that is cut": ("invoice__sud__SUD-2026-0001", replaced(b"JVBERi0", b"JVBER")),
    "one more recipient": ("invoice__sud__SUD-2026-0001", replaced(b"\r\n\r\n", b"\r\nBcc: x@y.z")),
    "bytes that are not a mail": (
        "invoice__sud__SUD-2026-0001",
        lambda path: path.write_bytes(b"x"),
    ),
    "another summary": ("summary__*", saying("2026-11-22\nall is well\n")),
    "a summary without text": ("summary__*", saying("\n")),
}


@pytest.mark.parametrize("what", WAITING)
def test_a_waiting_mail_that_was_changed_is_named(root, what):
    pattern, tamper = WAITING[what]
    did(house.call("send_invoices", root, today="2026-11-22"))
    did(house.call("send_alerts", root, command="mail", today="2026-11-22"))
    folder = root.path / "data/outbox"
    assert not [code for _, code in named(verify(root)) if code == "B-MAIL-CHANGED"]
    [mail] = folder.glob(f"{pattern}.eml")
    tamper(mail)
    ran = verify(root)
    expected = (root.name_of(mail), "B-MAIL-CHANGED")
    assert (ran.code, [one for one in named(ran) if one[1].startswith("B-")]) == (3, [expected])


def test_a_file_directly_in_data_is_named(root):
    (root.data / "notes.txt").write_text("x")
    ran = verify(root)
    assert ran.code == 0
    assert ("data/notes.txt", "I-STRAY") in named(ran)


def test_a_payment_within_a_year_may_be_right(mailed):
    """The clock may be behind, or TODAY was given when it was recorded."""
    of_line(PAID, 1, date="2027-11-07")(mailed)
    assert not [
        one for one in named(verify(mailed, today="2020-01-01")) if one[1] == "B-RECORD-WRONG"
    ]


def test_a_package_whose_mail_was_not_yet_recorded_is_not_a_fault(mailed):
    facts = [fact for fact in lines(mailed, SENT) if fact.get("month") != "2026-10"]
    lay_chain(mailed, SENT, facts)
    assert (kept(mailed), "I-LEFTOVER") in named(verify(mailed))
    assert verify(mailed).code == 0


# --- folders and owners --------------------------------------------------------------

OPEN_FOLDERS = {
    ".": (0o777, "0775"),
    "clients": (0o777, "0775"),
    "exports": (0o777, "0775"),
    "data": (0o775, "0755"),
    "data/usage": (0o757, "0755"),
    "data/heads/revenues": (0o770, "0750"),
    "data/invoices/nord/2026": (0o2757, "2755"),
    "data/pending": (0o777, "0755"),
}
SHARED_FOLDERS = {"data/usage": 0o770, "clients": 0o775, "data/heads": 0o2770, "downloads": 0o775}


def test_a_folder_that_others_may_write_into_is_named(root):
    for name, (file_mode, _) in OPEN_FOLDERS.items():
        (root.path / name).chmod(file_mode)
    ran = verify(root)
    assert (ran.code, named(ran)) == (3, {(name, "B-MODE") for name in OPEN_FOLDERS})
    for name, (file_mode, right) in OPEN_FOLDERS.items():
        assert f"{name}: has mode {file_mode:04o}: others may write into it" in ran.err
        assert re.search(rf"^{re.escape(name)}: .* chmod {right} \[B-MODE\]$", ran.err, re.M)


def test_a_group_may_share_a_folder(root):
    for name, file_mode in SHARED_FOLDERS.items():
        (root.path / name).chmod(file_mode)
    assert verify(root).code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_belongs_to_another_user_is_named(root):
    given = [f"data/{NORD}.jsonl", PDF, "data/heads/revenues", "data/usage/nord", "exports/fec"]
    for name in given:
        os.chown(root.path / name, 12345, -1)
    ran = verify(root)
    folder = root.path / "data/heads/revenues"
    below = [root.name_of(path) for path in folder.iterdir()]
    assert ran.code == 3
    assert named(ran) == {
        *((name, "B-OWNER") for name in (*given[:3], *below)),
        *((root.name_of(path), "B-OWNER") for path in (root.path / "exports/fec").iterdir()),
        ("exports/fec", "B-OWNER"),
    }
    assert "belongs to the user 12345, the folder that it is in to " in ran.err


def test_an_input_that_is_not_ours_to_read_is_named_and_breaks_nothing(root, monkeypatch):
    hidden = house.write(root, "data/inbox_batch/fil__2026-11.csv", b"of another user")
    access = os.access
    readable = lambda path, *how, **more: Path(path) != hidden and access(path, *how, **more)  # noqa: E731
    monkeypatch.setattr(os, "access", readable)
    (root.data / "inbox_batch" / "x.csv").symlink_to("/etc/hostname")
    os.mkfifo(root.data / "inbox_batch" / "pipe")
    (root.usage / "nord" / "out.json").symlink_to("/etc/hostname")
    (root.usage / "nord" / "2026-11.link.json").symlink_to("../../../clients/nord.json")
    ran = verify(root)
    assert ran.code == 1
    names = {"data/inbox_batch/x.csv", "data/inbox_batch/pipe", "data/usage/nord/out.json"}
    names.add(root.name_of(hidden))
    assert named(ran) == {(name, "B-INPUT-UNREADABLE") for name in names}
    assert "10 records and 7 documents are as they were issued" in ran.out
    remove(PDF)(root)
    ran = verify(root)
    assert (ran.code, len(named(ran))) == (3, len(names) + 1)


@pytest.mark.parametrize("kind", [os.mkfifo, os.mkdir])
@pytest.mark.parametrize(
    "name", [f"data/{NORD}.jsonl", HEAD, "data/counters/NORD.json", PDF, JSON, PACKAGE, RECETTES]
)
def test_what_is_not_a_file_is_named_and_not_waited_for(root, name, kind):
    (root.path / name).unlink()
    kind(root.path / name)
    ran = verify(root)
    is_derived = name in (PACKAGE, RECETTES)
    assert ran.code == (0 if is_derived and kind is os.mkdir else 3)
    assert ran.code == 0 or name in ran.err


def test_files_come_in_order_of_their_names(root):
    for name in ("a/1", "a-b/1", "a.json", "a/1.json", "a0", "a/0/1"):
        house.write(root, f"data/usage/{name}", b"{}")
    files, _ = findings.walk(root)
    names = [root.name_of(path) for path in root.data.rglob("*") if path.is_file()]
    assert list(files.under("data")) == sorted(names)
    assert list(files.under("data/usage/a")) == [
        f"data/usage/a/{name}" for name in ("0/1", "1", "1.json")
    ]


def test_records_that_change_while_they_are_verified_are_named(root):
    name = f"data/{NORD}.jsonl"
    books, _ = record_audit.read(findings.walk(root)[0])
    book = books.get("revenues", "nord")
    assert list(book.records) == list(book.records) == lines(root, NORD)
    assert [book.hash_of(seq) for seq in (0, 1, 2, 3)] == [
        None,
        *(line["hash"] for line in lines(root, NORD)),
        None,
    ]
    edit(root, name, lambda data: data.replace(b"Client", b"client"))
    with pytest.raises(Broken, match="was changed while it was verified"):
        list(book.records)


def test_workers_make_the_exports_again_to_the_same_end(root, monkeypatch):
    for name in (RECETTES, LEDGER, "exports/accountant/accountant-2026.zip"):
        change(name)(root)
    alone = verify(root)
    monkeypatch.setattr(derived_audit, "_WORTH_WORKERS", 0)
    monkeypatch.setenv("WORKERS", "2")
    both = verify(root)
    assert len(named(alone)) == 3
    assert (both.code, both.err) == (alone.code, alone.err)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["\x7f", "\u2028", "\x1f\b\f\n\r\t", "é€😀", '"\\/', "9" * 20]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=4), st.data())
def test_a_line_that_is_read_at_once_is_what_careful_reading_makes_of_it(more, data):
    """Of a code, whose record may have other facts beside its own."""
    own = {"kind": "sequence", "code": "K", "year": 2026, "last": 7, "date": "2026-01-02"}
    record = {**more, **own, "reason": data.draw(st.text()), "seq": 1, "prev": "", "hash": ""}
    record = {key: record[key] for key in sorted(record)}
    exact = msgspec.json.encode(record)  # other bytes than canonical JSON for what that refuses
    line = data.draw(st.sampled_from([exact, json.dumps(record).encode("utf-8", "replace")]))
    with contextlib.suppress(TypeError, ValueError):
        line = data.draw(st.sampled_from([line, storage.canonical_json(record)]))
    at = data.draw(st.integers(0, len(line)))
    line = data.draw(
        st.sampled_from([line, line[:at] + b" " + line[at:], line[:at] + line[at + 1 :]])
    )
    name = "data/revenues/K.jsonl"
    if at_once := record_audit._as_written("revenues", name, line):
        assert at_once == record_audit._read_carefully("revenues", name, line)
    event(f"at once: {bool(at_once)}")


def test_records_as_they_are_written_are_read_at_once(root):
    for chain in (NORD, SUD, PLUME, "payments/sud"):
        family, name = chain.split("/")[0], f"data/{chain}.jsonl"
        for line in (root.path / name).read_bytes().splitlines():
            assert record_audit._as_written(family, name, line)


def test_everything_is_named_at_once(root):
    for tamper in (remove(PDF), change(BATCH_PDF), change(HEAD)):
        tamper(root)
    assert {PDF, BATCH_PDF, HEAD} == {name for name, _ in named(verify(root))}


def stopped(root: Root) -> Path:
    """A run that was stopped after its commit point, with one line to append."""
    folder = root.path / "data/pending/run"
    lines, proofs = b"a line\n", b""
    entry = {"file": "data/payments/sud.jsonl", "base": 0, "staged": "lines-1"}
    intent = {
        "command": "generate_invoice 2026-11",
        "proofs": storage.sha256(proofs),
        "appends": [{**entry, "sha256": storage.sha256(lines)}],
        "puts": [],
        "removals": [],
    }
    house.write(root, "data/pending/run/lines-1", lines)
    house.write(root, "data/pending/run/proofs.jsonl", proofs)
    house.write(root, "data/pending/run/intent.json", intent)
    return folder


def test_what_a_stopped_run_left_is_named_with_what_to_do(root):
    stopped(root)
    ran = verify(root)
    assert ran.code == 3
    assert named(ran) == {("data/pending/run/intent.json", "B-INTENT")}
    assert "generate_invoice 2026-11" in ran.err and "run it again" in ran.err


BROKEN_PENDING = {
    "an intent that is none": lambda run: (run / "intent.json").write_bytes(b"[1,2"),
    "a staged line gone": lambda run: (run / "lines-1").unlink(),
    "a staged line changed": lambda run: (run / "lines-1").write_bytes(b"a lime\n"),
    "the list of proofs gone": lambda run: (run / "proofs.jsonl").unlink(),
    "an intent done that is none": lambda run: (
        (run / "intent.json").rename(run / "done.json") and (run / "done.json").write_bytes(b"[1,2")
    ),
}


@pytest.mark.parametrize("what", BROKEN_PENDING)
def test_what_no_command_can_finish_is_named_by_the_audit_and_by_the_next_command(root, what):
    before = house.tree(root)
    BROKEN_PENDING[what](stopped(root))
    (name,) = {name for name, code in named(verify(root)) if code == "B-INTENT-BROKEN"}
    assert name.startswith("data/pending/run/")
    ran = house.call("reconcile", root)
    assert (ran.code, name in ran.err, "[B-INTENT-BROKEN]" in ran.err) == (3, True, True), ran
    after = house.tree(root)
    assert {path: after[path] for path in before} == before


def test_a_file_where_runs_prepare_is_named(root):
    house.write(root, "data/pending/run", b"")
    assert named(verify(root)) == {("data/pending/run", "B-INTENT-BROKEN")}


def test_what_a_killed_run_left_without_an_intent_harms_nothing(root):
    house.write(root, "data/pending/run/proof-0000001", b"half")
    house.write(root, "data/archive_batch/.plume__2026-11.csv.tmp", b"half")
    ran = verify(root)
    assert ran.code == 0
    assert {code for _, code in named(ran)} == {"I-LEFTOVER"}


def test_env_that_others_read_says_nothing_of_the_records(root):
    house.write(root, ".env", b"WORKERS=1\n").chmod(0o644)
    ran = verify(root)
    assert (ran.code, named(ran)) == (0, {(".env", "I-ENV-READABLE")})


def test_a_disk_that_keeps_no_modes_is_reported_once(root, monkeypatch):
    assert verify(root).code == 0  # which leaves a lock and a log
    monkeypatch.setattr(os, "fchmod", lambda *_: None)
    for path in root.path.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
    ran = verify(root)
    assert (ran.code, named(ran)) == (0, {("data", "I-MODE")}), ran.err
    (root.path / PDF).chmod(0o666)
    assert (PDF, "B-MODE") in named(verify(root))


# --- the witness ---------------------------------------------------------------------


@pytest.fixture
def mail(root: Root, tmp_path: Path) -> Path:
    """A mail to the operator that carries the heads, as a person saved it."""
    told = heads.witness(heads.read(root))
    quoted = "".join(f"> {line}\r\n" for line in ["Summary of October", "", *told.splitlines()])
    path = tmp_path / "heads.txt"
    path.write_bytes(quoted.encode())
    return path


def pay_less(root: Root) -> None:
    """Another past, consistent in itself: a payment had another amount."""
    facts = lines(root, "payments/sud")
    facts[1]["amount"] = "2.50"
    lay_chain(root, "payments/sud", facts)
    shutil.rmtree(root.data / "balance")
    shutil.rmtree(root.path / "exports")


def test_a_chain_that_was_rebuilt_is_seen_against_the_witness_alone(root, mail):
    pay_less(root)
    assert verify(root).code == 0
    ran = verify(root, mail)
    assert (ran.code, named(ran)) == (3, {("data/payments/sud.jsonl", "B-WITNESS")})
    assert "the chain was rebuilt" in ran.err


def test_a_chain_that_became_shorter_or_vanished_is_seen_against_the_witness(root, mail):
    drop_line("payments/sud", 2, rehash=True)(root)
    shutil.rmtree(root.data / "balance")
    shutil.rmtree(root.path / "exports")
    assert verify(root).code == 0
    assert named(verify(root, mail)) == {("data/payments/sud.jsonl", "B-WITNESS")}
    remove("data/payments/sud.jsonl")(root)
    remove("data/heads/payments/sud.json")(root)
    assert verify(root).code == 0
    assert named(verify(root, mail)) == {("data/payments/sud.jsonl", "B-WITNESS")}


def test_chains_may_have_grown_since_the_witness(root, mail):
    options = {"client": "sud", "invoice": "SUD-2026-0001", "method": "cash"}
    day = {"date": "2026-12-02", "today": "2026-12-02"}
    did(house.call("record_payment", root, amount="1.00", **options, **day))
    ran = verify(root, mail)
    assert ran.code == 0
    assert "4 heads of the witness found" in ran.out


def test_what_verify_says_is_a_witness_itself(root, tmp_path):
    saved = tmp_path / "saved.txt"
    saved.write_text(verify(root).out)
    pay_less(root)
    assert verify(root, saved).code == 3


def test_a_witness_without_heads_is_refused(root, tmp_path):
    (tmp_path / "empty.txt").write_bytes(b"\xff nothing here")
    assert verify(root, tmp_path / "empty.txt").code == 1
    assert verify(root, tmp_path / "missing.txt").code == 1


# --- whatever the files hold ---------------------------------------------------------

HOSTILE = st.sampled_from(
    [
        b"",
        b"\0",
        b"\n",
        b"null",
        b"[" * 100_000,
        b"{}",
        b'{"seq": 1, "hash": "\\ud800", "prev": NaN}',
        b'{"hash":"","seq":' + b"9" * 5000 + b"}",
        b"%PDF-1.7",
        b"PK\5\6" + bytes(18),
        b"\xff\xfe",
    ]
)
FACTS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=5),
    st.sampled_from(
        ["1E+999999999", "NaN", "-1", "0", "../../x", "\ud800", "é" * 5000, [], {}, [1]]
    ),
)
ALL = settings(
    max_examples=int(os.environ.get("EXAMPLES", "8")),
    phases=[Phase.generate],  # shrinking would take minutes and find the same file
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def copy_of(house_of_a_month: Path, folder: Path) -> Root:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(house_of_a_month, folder)
    return Root(folder)


def told_in_order(ran: house.Ran) -> None:
    """An audit that came to its end, and said nothing but alerts."""
    assert ran.code in (0, 3), ran.err
    assert "B-INTERNAL" not in ran.err
    named(ran)


@ALL
@given(data=st.data())
def test_any_bytes_in_any_file(house_with_mails, tmp_path, data):
    root = copy_of(house_with_mails, tmp_path / "root")
    places = ("data/", "exports/", "downloads/")
    passed_over = ("data/logs/", "data/flags/", "data/.lock")
    files = [name for name in house.tree(root) if name.startswith(places)]
    name = data.draw(st.sampled_from([one for one in files if not one.startswith(passed_over)]))
    before = (root.path / name).read_bytes()
    at = data.draw(st.integers(0, len(before)))
    rest = data.draw(st.integers(0, len(before) - at))
    put = data.draw(st.one_of(st.binary(max_size=20), HOSTILE))
    after = data.draw(st.sampled_from([put, before[:at] + put + before[at + rest :]]))
    edit(root, name, lambda _: after)
    ran = verify(root)
    told_in_order(ran)
    if after != before:
        assert name in ran.err  # a record file cut between two lines is named by its head


@ALL
@given(data=st.data())
def test_any_fact_in_any_record_of_a_rebuilt_chain(house_with_mails, tmp_path, data):
    root = copy_of(house_with_mails, tmp_path / "root")
    chain = data.draw(st.sampled_from([NORD, PLUME, "payments/sud", PAID, SENT]))
    facts = lines(root, chain)
    record = data.draw(st.sampled_from(facts))
    key = data.draw(st.sampled_from(sorted(record)))
    value = data.draw(FACTS)
    record[key] = value
    if data.draw(st.booleans()):
        del record[key]
    lay_hostile_chain(root, chain, facts)
    told_in_order(verify(root))


def lay_hostile_chain(root: Root, chain: str, facts: list[dict[str, Any]]) -> None:
    """As `lay_chain`, with seq and prev as they are and whatever JSON can say."""
    path, written = root.data / f"{chain}.jsonl", b""
    for fact in facts:
        fact.pop("hash", None)
        text = json.dumps(fact, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        digest = storage.sha256(text.encode("utf-8", "surrogatepass"))
        fact["hash"] = digest
        text = json.dumps(fact, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        written += text.encode("utf-8", "surrogatepass") + b"\n"
    path.write_bytes(written)


@ALL
@given(data=st.data())
def test_any_value_in_a_document_that_its_record_knows(house_of_a_month, tmp_path, data):
    root = copy_of(house_of_a_month, tmp_path / "root")
    value = json.loads((root.path / JSON).read_bytes())
    inner: Any = value
    while True:
        keys = sorted(inner) if isinstance(inner, dict) else range(len(inner))
        key = data.draw(st.sampled_from(list(keys)))
        if not inner[key] or not isinstance(inner[key], dict | list) or data.draw(st.booleans()):
            break
        inner = inner[key]
    inner[key] = data.draw(FACTS)
    rewrite_proof(root, JSON, json.dumps(value).encode())
    record_hash(root, "document_sha256", (root.path / JSON).read_bytes())
    told_in_order(verify(root))
