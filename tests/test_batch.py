"""Batches from the inbox to the packages: all of a file's invoices, once, or none."""

import concurrent.futures
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import batches
import house
import import_batch
from lib.billing.batch_rows import BatchInvoice
from lib.books import revenues
from lib.core import storage
from lib.core.faults import printable
from lib.core.messages import say
from lib.core.root import Root
from lib.documents import facturx_xml, invoice_pdf, production, validators
from lib.inputs import cell_faults, inbox
from lib.values import document
from test_issuing import in_child, stop_at

NAME = f"{batches.CLIENT}__{house.MONTH}.csv"
DATES = (f"TODAY={house.TODAY}", f"ISSUE_DATE={house.TODAY}")
GOOD = batches.file_of(
    batches.row(1, **batches.group(2, vat_rate="10", discount="0,50", discount_reason="Geste")),
    batches.row(2, customer_siren=None, customer_person="yes", language="en"),
    batches.row(3, period_start="2026-08-01"),
)


def proof(root: Root, number: str, suffix: str = "json") -> Path:
    return revenues.proof_path(root, revenues.BATCH, batches.CLIENT, number, suffix)


def paths(root: Root) -> set[str]:
    """What issuing makes."""
    kinds = ("revenues_batch", "invoices_batch", "counters_batch", "usage")
    made = tuple(f"data/{kind}/" for kind in kinds)
    return {name for name in house.tree(root) if name.startswith(made)}


# --- a sound file --------------------------------------------------------------------


@pytest.fixture(scope="module")
def sound(tmp_path_factory: Any) -> Root:
    root = batches.build(tmp_path_factory.mktemp("sound"), GOOD)
    ran = batches.run(root)
    assert (ran.code, ran.err) == (0, ""), ran
    assert "3 invoices issued, FIL-2026-0001 to FIL-2026-0003" in ran.out
    return root


def test_each_line_is_an_invoice_in_the_order_of_the_file(sound):
    facts = batches.issued(sound)
    assert [fact["reference"] for fact in facts] == ["CMD-1", "CMD-2", "CMD-3"]
    assert [fact["number"] for fact in facts] == [f"FIL-2026-000{i}" for i in (1, 2, 3)]
    assert [fact["gross"] for fact in facts] == ["208.50", "192.00", "192.00"]
    assert facts[0]["period"] == {"start": "2026-10-01", "end": "2026-10-31"}
    assert facts[2]["period"]["start"] == "2026-08-01"


def test_an_invoice_is_issued_in_the_sellers_name_on_its_behalf(sound):
    made = document.from_json(proof(sound, "FIL-2026-0001").read_bytes())
    assert made.seller.name == "Atelier Fil & Plume"
    mandate = next(note for note in made.notes if note.code == "DCL")
    assert "Atelier du Nord" in mandate.text
    assert "in the name and on behalf of Atelier Fil & Plume" in mandate.text
    assert [(one.rate, one.vat) for one in made.vat_breakdown] == [
        (Decimal(20), Decimal("32.00")),
        (Decimal(10), Decimal("1.50")),
    ]
    assert document.from_json(proof(sound, "FIL-2026-0002").read_bytes()).language == "en"


def test_proofs_are_what_the_records_say_and_cannot_be_written_to(sound):
    for fact in batches.issued(sound):
        for suffix, key in (("json", "document_sha256"), ("pdf", "pdf_sha256")):
            path = proof(sound, fact["number"], suffix)
            assert storage.sha256_of_file(path) == fact[key]
            assert path.stat().st_mode & 0o777 == 0o444


def test_an_invoice_names_all_that_it_was_made_from(sound):
    (archived,) = sound.archive_batch.iterdir()
    assert archived.read_bytes() == GOOD
    assert archived.name == f"{NAME[:-4]}.{storage.sha256(GOOD)[:12]}.csv"
    made = document.from_json(proof(sound, "FIL-2026-0003").read_bytes())
    assert set(made.sources) == {
        "issuer.json",
        f"batch_clients/{batches.CLIENT}.json",
        f"data/archive_batch/{archived.name}",
    }
    for name, digest in made.sources.items():
        if not name.startswith("data/"):
            assert (sound.archive_inputs / digest).read_bytes() == (sound.path / name).read_bytes()


def test_the_inbox_is_empty_and_the_usage_written(sound):
    assert not list(sound.inbox_batch.iterdir())
    (usage,) = (sound.usage / batches.PAYER).iterdir()
    assert usage.name == "2026-10.batch_fil.json"
    assert json.loads(usage.read_bytes())["quantities"] == {"batch_invoices": "3"}


MONTH = ("month", f"TODAY={house.TODAY}", "MAIL=no", "MONTH=2026-10")


@pytest.fixture(scope="module")
def billed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root whose month is done."""
    root = batches.build(tmp_path_factory.mktemp("billed") / "root", GOOD)
    done = house.make(root, *MONTH)
    assert done.code == 0, done
    return root.path


def test_the_payer_is_billed_by_tier_in_the_same_month(billed, tmp_path):
    root = Root(shutil.copytree(billed, tmp_path / "root"))
    (bill,) = house.records(root, batches.PAYER)
    assert bill["net"] == "1.20", "two at 0.50, one at 0.20"
    assert (root.downloads / "fil__2026-10.zip").exists()
    before = house.tree(root, "data/heads")
    again = house.make(root, *MONTH)
    assert again.code == 0, again
    assert house.tree(root, "data/heads") == before


def test_each_month_goes_on_with_the_numbers_of_the_last(tmp_path):
    root = batches.build(tmp_path, batches.file_of(batches.row(1)))
    batches.hand_in(root, batches.file_of(batches.row(2)), "2026-11")
    assert batches.run(root, day="2026-12-03").code == 0
    assert [one["number"] for one in batches.issued(root)] == ["FIL-2026-0001", "FIL-2026-0002"]
    batches.hand_in(root, batches.file_of(batches.row(3)), "2026-12")
    assert batches.run(root, day="2027-01-04").code == 0
    assert batches.issued(root)[-1]["number"] == "FIL-2027-0001"


def test_one_client_alone_and_an_empty_inbox(tmp_path):
    root = batches.build(tmp_path, GOOD)
    done = batches.run(root, client="other")
    assert (done.code, done.out) == (0, "the inbox has no file\n")
    assert (root.inbox_batch / NAME).exists()


# --- the whole file or nothing -------------------------------------------------------


def two(**cells: str | None) -> bytes:
    """A file whose second invoice has these cells."""
    return batches.file_of(batches.row(1), batches.row(2, **cells))


TOTAL = dict.fromkeys(batches.row(), "12,50") | {"reference": "TOTAL TTC :"}
MARK = b"\xef\xbb\xbf"
LAST = GOOD.splitlines(keepends=True)[-1]
HOSTILE: dict[str, tuple[bytes, int, str, str]] = {
    "empty": (b"", 0, "", "begins with its header"),
    "a line break": (b"\n", 1, "", "this one is empty"),
    "header only": (GOOD.splitlines(keepends=True)[0], 0, "", "a line for each invoice"),
    "binary": (bytes(range(256)) * 20, 1, "", "a NUL byte"),
    "an image": (b"\x89PNG\r\n\x1a\n" + os.urandom(500), 1, "", "encoded in utf-8"),
    "a workbook": (
        b"PK\x03\x04\x14\0\x06\0",
        1,
        "",
        "a workbook, a document of Word or an archive, not",
    ),
    "UTF-16": (GOOD.decode().encode("utf-16"), 1, "", "UTF-16"),
    "windows-1252": (GOOD.decode().encode("cp1252"), 1, "", "it has the encoding windows-1252"),
    "a mark not declared": (MARK + GOOD, 1, "", "without a byte-order mark"),
    "a million columns": (b"a;" * 1_000_000 + b"\n1;2\n", 1, "", "at most 65536 bytes"),
    "unbalanced quotes": (GOOD.replace(b"Conseil", b'"Conseil', 1), 2, "", "quotes"),
    "a line break in quotes": (GOOD.replace(b"Conseil", b'"Con\nseil"', 1), 2, "", "quotes"),
    "a line of totals": (GOOD + b"Total;;;1234,50\r\n", 5, "", "this one a total"),
    "a total of all columns": (two(**TOTAL), 3, "", "this one a total"),
    "mixed endings": (GOOD[:-2] + b"\n", 4, "", "all lines end alike"),
    "a ragged line": (GOOD.replace(LAST, LAST[:-2] + b";\r\n"), 4, "", "as many cells"),
    "a doubled header": (GOOD.replace(b"period_end", b"reference"), 1, "reference", "stands once"),
    "another order": (
        GOOD.replace(b"period_start;period_end", b"period_end;period_start"),
        1,
        "period_start",
        "order",
    ),
    "a formula": (two(customer_name="=cmd|' /C calc'!A0"), 3, "customer_name", "none of = +"),
    "a formula as header": (GOOD.replace(b"note", b"x").replace(b"reference", b"=1+1"), 1, "", ""),
    "1e309": (two(quantity_1="1e309"), 3, "quantity_1", "nothing else"),
    "NaN": (two(unit_price_1="NaN"), 3, "unit_price_1", "nothing else"),
    "-0": (two(vat_rate_1="-0"), 3, "vat_rate_1", "nothing else"),
    "Arabic digits": (two(quantity_1="١٢"), 3, "quantity_1", "nothing else"),
    "30 February": (two(period_end="2026-02-30"), 3, "period_end", "no such day"),
    "thousands": (two(unit_price_1="1 234,50"), 3, "unit_price_1", "nothing else"),
    "a no-break space": (two(unit_price_1="1\u00a0234,50"), 3, "unit_price_1", "nothing else"),
    "21 groups": (GOOD.replace(b"vat_rate_1;", b"vat_rate_21;"), 1, "vat_rate_21", "no such"),
    "a gap": (two(**batches.group(3)), 3, "description_3", "without gaps"),
    "a discount over it": (
        two(discount_1="999,00", discount_reason_1="x"),
        3,
        "discount_1",
        "at most quantity",
    ),
    "a reference twice": (two(reference="CMD-1"), 3, "reference", "line 2 has it already"),
    "by case": (two(reference="cmd-1"), 3, "reference", "used once"),
    "by Unicode form": (two(reference="CMD-¹"), 3, "reference", "used once"),
    "decomposed": (two(reference=unicodedata.normalize("NFD", "É")), 3, "reference", "expected"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_one_error_rejects_the_file_and_says_where_and_what_to_do(tmp_path, name):
    data, line, column, rule = HOSTILE[name]
    root = batches.build(tmp_path, data)
    report = batches.rejected(root)
    told = [one for one in report if one["line"] == (str(line) if line else "")]
    assert any(one["column"] == column and rule in one["rule"] for one in told) or (
        name == "a formula as header" and any("=1+1" in one["column"] for one in told)
    ), report
    assert not paths(root)


def test_a_declared_mark_that_is_missing_is_reported(tmp_path):
    root = batches.build(tmp_path, GOOD, {"csv.byte_order_mark": True})
    (one,) = batches.rejected(root)
    assert "begin with a byte-order mark" in one["rule"]
    batches.hand_in(root, MARK + GOOD)
    assert batches.run(root).code == 0


def test_the_report_of_a_formula_is_not_a_formula(tmp_path):
    value = '=HYPERLINK("http://x")'
    (one,) = batches.rejected(batches.build(tmp_path, two(customer_name=value)))
    assert one["value"] == f'"{value}"'


def test_the_messages_can_be_acted_on(tmp_path):
    data = two(period_end="31/10/2026", unit_1="heure", unit_price_1="1 234,50", customer_siren="")
    root = batches.build(tmp_path, data)
    ran = batches.run(root)
    assert ran.err.splitlines()[-1] == (
        f"{NAME}: rejected with 4 errors, nothing was issued; correct the file (the report is"
        f" data/inbox_batch/rejected/{NAME}.errors.csv) and put it into data/inbox_batch/ again"
        " [B-CSV-REJECTED]"
    )
    said = {line.split(": ")[1].split(", ")[1]: line for line in ran.err.splitlines()[:-1]}
    assert (
        'line 3, period_end: 31/10/2026: expected a date; write "2026-10-31"'
        in (said["period_end"])
    )
    assert 'write "1234,50"' in said["unit_price_1"]
    assert 'write "HUR"' in said["unit_1"]
    assert 'write "yes" in customer_person for a private person' in said["customer_siren"]


def test_thousands_and_decomposed_accents_get_what_to_write(tmp_path):
    decomposed = unicodedata.normalize("NFD", "Société")
    data = two(unit_price_1="1.234,50", quantity_1="1,234.5", customer_name=decomposed)
    remedies = {
        one["column"]: one["remedy"] for one in batches.rejected(batches.build(tmp_path, data))
    }
    assert remedies == {
        "unit_price_1": 'write "1234,50"',
        "quantity_1": 'write "1234,5"',
        "customer_name": 'write "Société", its accents composed with their letters (NFC): type the'
        " cell again, or export from another program",
    }


def test_a_corrected_file_is_issued_from_the_first_number_on(tmp_path):
    root = batches.build(tmp_path, two(quantity_1="0"))
    batches.rejected(root)
    batches.hand_in(root, two())
    assert batches.run(root).code == 0
    assert batches.issued(root)[0]["number"] == "FIL-2026-0001"


def test_a_rejected_file_does_not_stop_the_others(tmp_path):
    root = batches.build(tmp_path, b"")
    other = house.changed(batches.client(), {"id": "aile", "code": "AILE"})
    house.write(root, "batch_clients/aile.json", other)
    batches.hand_in(root, two(), owner="aile")
    house.write(root, "data/inbox_batch/Wrong name.CSV", b"")
    ran = batches.run(root)
    assert ran.code == 1
    assert "aile__2026-10.csv: 2 invoices issued" in ran.out
    assert "Wrong name.CSV: is not named <client>__<month>.csv" in ran.err
    assert f"{NAME}: rejected with 1 error," in ran.err


@pytest.mark.parametrize("status", ["closed", "unknown"])
def test_a_file_of_nobody_is_rejected(tmp_path, status):
    root = batches.build(tmp_path, None, {"status": "closed"} if status == "closed" else {})
    owner = batches.CLIENT if status == "closed" else "stranger"
    path = batches.hand_in(root, GOOD, owner=owner)
    (one,) = batches.rejected(root, path.name)
    said = "as things stand" if status == "closed" else "is not a batch client"
    assert said in one["rule"]
    assert "batch_clients/" not in f"{one['rule']}{one['remedy']}"


STRAYS = {
    "fil__2026-09.CSV": "rename it to fil__2026-09.csv",
    "FIL__2026-09.csv.txt": "rename it to fil__2026-09.csv",
    "fil__2026-09": "rename it to fil__2026-09.csv",
    "fil__2026-09.xlsx": "save it as CSV under the name fil__2026-09.csv",
    "fil_2026-09.csv": "as atelier__2026-10.csv; rename it if it is a batch",
    "fil__2026-13.csv": "rename it if it is a batch",
    "fil__2026-08.XLS": "is an Excel workbook, not a CSV file; open it and save it as CSV under"
    ' the name fil__2026-08.csv: in Excel "Save as", type "CSV UTF-8"',
    "fil__2026-08.ods": 'in LibreOffice "Save as", type "Text CSV"',
    "octobre.numbers": 'name <client>__<month>.csv: in Numbers "Export to", "CSV"',
    "fil__2026-08.pdf": "hand in the table that it shows, saved as CSV under the name fil__2026-08",
    "fil__2026-08.zip": "unpack it and put the CSV here under the name fil__2026-08.csv",
    "notes.txt": "else move it elsewhere",
    "nl\n2026 INFO.csv": "else move it elsewhere",
    os.fsdecode(b"caf\xe9__2026-10.csv"): "else move it elsewhere",
}
KINDS: dict[str, Callable[[Path], None]] = {
    "is a folder": lambda path: path.mkdir(),
    "is a link": lambda path: path.symlink_to("/etc/hostname"),
    "is a link, not a file": lambda path: path.symlink_to("nowhere"),
    "is not a file but a pipe": lambda path: os.mkfifo(path),
}
PASSING = (".DS_Store", ".~lock.fil__2026-09.csv#", "~$fil__2026-09.xlsx", "fil__2026-09.csv.part")


def litter(root: Root) -> dict[str, str]:
    """Puts everything into the inbox that is not a batch; what is said of each name."""
    for name in (*STRAYS, *PASSING):
        house.write(root, f"data/inbox_batch/{name}", GOOD)
    kinds = {f"fil__2026-0{i}.csv": said for i, said in enumerate(KINDS, 1)}
    for name, said in kinds.items():
        KINDS[said](root.inbox_batch / name)
    return STRAYS | kinds | dict.fromkeys(PASSING, "is not read: it is an upload in progress")


def unnamed(said: dict[str, str], err: str) -> list[str]:
    """What has no line of its own that says so."""
    start = "data/inbox_batch/"
    pairs = ((f"{start}{printable(name)}: ", text) for name, text in said.items())
    lines = err.splitlines()
    return [
        name
        for name, text in pairs
        if sum(line.startswith(name) and text in line for line in lines) != 1
    ]


def test_a_stray_beside_the_batch_that_it_means_is_not_renamed_over_it(tmp_path):
    root = batches.build(tmp_path, GOOD)
    name = f"{batches.CLIENT}__2026-09"
    house.write(root, f"data/inbox_batch/{name}.csv.txt", GOOD)
    house.write(root, f"data/inbox_batch/{name}.csv", GOOD)
    (alert,) = [found for path in inbox.entries(root) if (found := inbox.stray(root, path))]
    assert "rename" not in alert.fault.text
    assert f"{name}.csv is here too" in alert.fault.text


def test_everything_in_the_inbox_is_read_or_named_and_left_where_it_is(tmp_path):
    root = batches.build(tmp_path, GOOD)
    said = litter(root)
    ran = batches.run(root)
    assert ran.code == 1
    assert "3 invoices issued" in ran.out
    assert not unnamed(said, ran.err)
    assert ran.err.count("[I-INBOX]") == len(PASSING)
    assert len(ran.err.splitlines()) == len(said)
    assert {path.name for path in root.inbox_batch.iterdir()} == set(said)
    again = house.call("show_status", root, today=house.TODAY, month=house.MONTH)
    assert f"batches         0 waiting, 0 rejected, {len(said)} not read: " in again.out
    assert ".~lock.fil__2026-09.csv#" in again.out


def test_what_only_passes_through_the_inbox_is_named_and_nothing_is_wrong(tmp_path):
    root = batches.build(tmp_path)
    house.write(root, "data/inbox_batch/fil__2026-10.csv.part", GOOD)
    ran = batches.run(root)
    assert (ran.code, ran.err.count("[I-INBOX]")) == (0, 1)
    assert not paths(root)


def test_a_batch_of_another_user_is_named_and_the_others_are_issued(tmp_path, monkeypatch):
    root = batches.build(tmp_path, GOOD)
    hidden = str(batches.hand_in(root, GOOD, "2026-09"))
    monkeypatch.setattr(inbox.os, "access", lambda path, _: str(path) != hidden)
    ran = batches.run(root)
    assert (ran.code, ran.err.count("fil__2026-09.csv: cannot be read by this user")) == (1, 1)
    assert "3 invoices issued" in ran.out


def test_what_is_not_a_batch_keeps_no_direct_invoice_waiting(tmp_path):
    root = batches.build(tmp_path, GOOD)
    said = litter(root)
    batches.hand_in(root, GOOD, owner="stranger")
    batches.hand_in(root, GOOD, "2027-01")
    ran = house.make(root, *MONTH)
    assert ran.code == 2
    assert not unnamed(said, ran.err)
    assert '"stranger" is not a batch client' in ran.err
    assert "2027-01 has not begun" in ran.err
    assert len(batches.issued(root)) == 3
    assert len(house.records(root, batches.PAYER)) == 1
    assert "1 issued, 3 issued in the name of batch clients" in ran.err
    log = (root.logs / "system.log").read_text()
    assert "ERROR send_alerts.py I-RUN month 2026-10: 1 issued" in log


def test_a_lone_stray_is_named_by_every_month(billed, tmp_path):
    root = Root(shutil.copytree(billed, tmp_path / "root"))
    for name in ("fil__2026-11.CSV", ".lock.pipe"):
        (root.inbox_batch / name).symlink_to("nowhere")
        ran = house.make(root, *MONTH)
        assert (ran.code, ran.err.count(f"{name}: is a link")) == (2, 1)
        (root.inbox_batch / name).unlink()


def test_a_batch_with_an_error_is_waited_for(tmp_path):
    root = batches.build(tmp_path, two(quantity_1="0"))
    assert batches.run(root, pass_strays="yes").code == 1


@pytest.mark.parametrize("is_link", [True, False])
def test_a_report_is_not_written_through_a_link(tmp_path, is_link):
    root = batches.build(tmp_path, two(quantity_1="0"))
    other = house.changed(batches.client(), {"id": "aile", "code": "AILE"})
    house.write(root, "batch_clients/aile.json", other)
    batches.hand_in(root, two(), owner="aile")
    (tmp_path / "outside").mkdir()
    if is_link:
        root.rejected.symlink_to(tmp_path / "outside")
    else:
        root.rejected.write_bytes(b"")
    assert house.call("show_status", root, today=house.TODAY, month=house.MONTH).code == 0
    ran = batches.run(root)
    assert (ran.code, "rejected: is a link or not a folder; remove it" in ran.err) == (3, True)
    assert "aile__2026-10.csv: 2 invoices issued" in ran.out
    assert not list((tmp_path / "outside").iterdir())


def test_a_file_that_changes_while_it_is_read_stays_in_the_inbox(tmp_path):
    root = batches.build(tmp_path, GOOD)

    def copy(source: BinaryIO, target: BinaryIO) -> None:
        target.write(GOOD + b"more")

    with mock.patch.object(storage.shutil, "copyfileobj", copy):
        ran = batches.run(root)
    assert (ran.code, "changes while it is read" in ran.err) == (1, True)
    assert not list(root.archive_batch.iterdir())
    assert batches.run(root).code == 0


def test_a_month_is_not_invoiced_before_it_begins_nor_post_dated(tmp_path):
    root = batches.build(tmp_path, GOOD)
    batches.hand_in(root, two(), "2026-12")
    ran = batches.run(root)
    assert ran.code == 1
    assert "fil__2026-12.csv: 2026-12 has not begun on 2026-11-08" in ran.err
    assert (root.inbox_batch / "fil__2026-12.csv").exists()
    ran = house.call("import_batch", root, issue_date="2026-12-09", today=house.TODAY)
    assert (ran.code, "in the future" in ran.err) == (1, True)


def test_a_date_before_the_last_number_uses_none(tmp_path):
    root = batches.build(tmp_path, GOOD)
    assert batches.run(root).code == 0
    batches.hand_in(root, batches.file_of(batches.row(9)), "2026-11")
    ran = batches.run(root, day="2026-11-07")
    assert (ran.code, "[B-NUMBER-DATE]" in ran.err) == (1, True)
    assert len(batches.issued(root)) == 3
    assert (root.inbox_batch / "fil__2026-11.csv").exists()


def test_an_invoice_that_the_standard_refuses_rejects_the_file_with_its_line(tmp_path):
    root = batches.build(tmp_path, GOOD)
    real = production.produce

    def produce(logo: bytes | None, made: document.Document) -> production.Product:
        if made.reference == "CMD-2":
            return production.Product(b"", b"", (validators.Verdict("BR-X-1", say("is not so")),))
        return real(logo, made)

    with mock.patch.object(production, "produce", produce):
        (one,) = batches.rejected(root)
    assert (one["line"], one["value"]) == ("3", "CMD-2")
    assert "BR-X-1 is not so" in one["rule"]
    assert not paths(root)


# --- once ----------------------------------------------------------------------------


def test_a_second_submission_of_a_month_is_refused_whatever_it_holds(tmp_path):
    root = batches.build(tmp_path, GOOD)
    assert batches.run(root).code == 0
    for data in (GOOD, batches.file_of(batches.row(77))):
        batches.hand_in(root, data)
        assert "2026-10 was invoiced already" in batches.rejected(root)[0]["rule"]
    assert len(batches.issued(root)) == 3


@pytest.mark.parametrize("reference", ["CMD-1", "cmd-1", "ＣＭＤ-1", "CMD-¹"])
def test_a_reference_of_an_earlier_month_is_refused(tmp_path, reference):
    root = batches.build(tmp_path, batches.file_of(batches.row(1)))
    assert batches.run(root).code == 0
    batches.hand_in(
        root, batches.file_of(batches.row(2), batches.row(reference=reference)), "2026-11"
    )
    (one,) = batches.rejected(root, "fil__2026-11.csv")
    assert (one["line"], one["column"]) == ("3", "reference")
    assert "FIL-2026-0001 has it" in one["rule"] or "expected" in one["rule"]


def test_a_month_that_its_payer_was_invoiced_for_is_refused(tmp_path):
    root = batches.build(tmp_path, GOOD)
    house.put_client(root, batches.payer({"plans.0.items": [house.item("flat"), *METERED]}))
    house.put_usage(root, house.usage(batches.PAYER, house.MONTH, {"batch_invoices": "0"}))
    ran = house.month(root)
    assert ran.code == 0, ran
    ran = batches.run(root)
    assert "nord was invoiced for 2026-10 already, by NORD-2026-0001; credit" in ran.err
    nothing_of_the_house_is_reported(root)


def nothing_of_the_house_is_reported(root: Root) -> None:
    """Who pays for the service, and how, is no matter of the batch client."""
    for end in ("csv", "txt"):
        report = (root.rejected / f"{NAME}.errors.{end}").read_text()
        assert "it cannot be invoiced as things stand" in report
        assert "ask us" in report
        for internal in (batches.PAYER, "clients/", "NORD", "payer"):
            assert internal not in report


METERED = batches.payer()["plans"][0]["items"]


def test_an_archive_that_a_stopped_run_left_is_not_an_obstacle(tmp_path):
    root = batches.build(tmp_path, GOOD)
    name = f"{NAME[:-4]}.{storage.sha256(GOOD)[:12]}.csv"
    house.write(root, f"data/archive_batch/{name}", GOOD)
    house.write(root, f"data/archive_batch/.{name}.tmp", b"half").chmod(0o444)
    assert batches.run(root).code == 0
    assert len(batches.issued(root)) == 3


def test_an_archive_with_other_bytes_is_a_broken_proof(tmp_path):
    root = batches.build(tmp_path, GOOD)
    name = f"{NAME[:-4]}.{storage.sha256(GOOD)[:12]}.csv"
    house.write(root, f"data/archive_batch/{name}", b"other")
    ran = batches.run(root)
    assert (ran.code, "[B-PROOF-CHANGED]" in ran.err) == (3, True)
    assert not paths(root)


def test_two_at_the_same_time_issue_once(tmp_path):
    root = batches.build(tmp_path, GOOD)
    command = ["make", "-C", str(house.HOME), f"ROOT={root.path}", *DATES, "batch"]
    clean = {name: text for name, text in os.environ.items() if name not in house._OF_MAKE}
    running = [
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean
        )
        for _ in range(2)
    ]
    said = [one.communicate(timeout=120) for one in running]
    assert [one.returncode for one in running] == [0, 0], said
    assert sum("3 invoices issued" in out for out, _ in said) == 1
    assert len(batches.issued(root)) == 3


# --- stopped at any moment -----------------------------------------------------------


@pytest.fixture
def products(sound: Root) -> Iterator[None]:
    """From now on nothing is rendered again: a run takes milliseconds and can be stopped often."""
    made = {
        fact["number"]: production.Product(
            proof(sound, fact["number"]).read_bytes(),
            proof(sound, fact["number"], "pdf").read_bytes(),
            (),
        )
        for fact in batches.issued(sound)
    }
    with mock.patch.object(production, "produce", lambda _, one: made[one.number]):
        yield


def test_stopped_at_any_write_and_run_again_the_bytes_are_the_same(tmp_path, sound, products):
    undisturbed = house.tree(sound)
    call, committed = -3, 0
    while True:
        call += 4
        root = batches.build(tmp_path / str(call), GOOD)

        def work(root: Root = root, call: int = call) -> None:
            with stop_at(call, torn=bool(call % 2)):
                batches.run(root)

        if in_child(work) == 0:
            break
        ran = batches.run(root)
        assert ran.code == 0, (call, ran)
        committed += "finished the stopped run" in ran.err
        assert house.tree(root) == undisturbed, call
    assert call > 60
    assert committed > 5


def test_killed_at_random_moments_and_run_again_the_bytes_are_the_same(tmp_path, sound):
    root = batches.build(tmp_path, GOOD)
    command = [sys.executable, str(house.SCRIPTS / "import_batch.py"), "--root", str(root.path)]
    command += ["--issue-date", house.TODAY, "--today", house.TODAY]
    dice = random.Random(7)
    for _ in range(2):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.2, 3))
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert batches.run(root).code == 0
    assert house.tree(root) == house.tree(sound)


# --- size ----------------------------------------------------------------------------


def test_the_number_of_workers_does_not_change_a_byte(tmp_path, monkeypatch):
    monkeypatch.setattr(production, "_WORTH_WORKERS", 5)
    pools = mock.Mock(wraps=concurrent.futures.ProcessPoolExecutor)
    monkeypatch.setattr(concurrent.futures, "ProcessPoolExecutor", pools)
    data = batches.file_of(*(batches.row(i) for i in range(1, 9)))
    trees = []
    for count in ("1", "2"):
        root = batches.build(tmp_path / count, data)
        monkeypatch.setenv("WORKERS", count)
        assert batches.run(root).code == 0
        trees.append(house.tree(root))
    assert pools.call_count == 1
    assert trees[0] == trees[1]
    assert [one["reference"] for one in batches.issued(root)] == [f"CMD-{i}" for i in range(1, 9)]


def rejecting(root: Root) -> tuple[float, int]:
    """Rejects in a child; returns seconds and the most memory it had, in MB."""
    start = time.monotonic()
    child = os.fork()
    if not child:
        try:
            os._exit(batches.run(root).code)
        finally:
            os._exit(70)
    _, status, used = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    return time.monotonic() - start, used.ru_maxrss // 1024


def test_a_line_of_200_megabytes_is_refused_quickly_with_little_memory(tmp_path):
    small = batches.build(tmp_path / "small", b"")
    _, usual = rejecting(small)
    root = batches.build(tmp_path / "large", GOOD)
    with (root.inbox_batch / NAME).open("ab") as stream:
        for _ in range(200):
            stream.write(b"x" * 1_000_000)
    seconds, most = rejecting(root)
    assert most < usual + 20
    assert seconds < 20
    report = (root.inbox_batch / "rejected" / f"{NAME}.errors.txt").read_text()
    assert "line 5: a line has at most 65536 bytes" in report


def test_only_the_beginning_of_a_long_value_is_kept_and_reported(tmp_path):
    root = batches.build(tmp_path, GOOD + b'"' + b"x" * 60_000 + b"\r\n")
    with mock.patch.object(cell_faults, "report_csv", wraps=cell_faults.report_csv) as made:
        (one,) = batches.rejected(root)
    (kept,) = made.call_args.args[0]
    assert (one["line"], len(one["value"]), len(kept.found)) == ("5", 60, 61)


def test_errors_without_end_stop_the_reading(tmp_path, monkeypatch):
    monkeypatch.setattr(import_batch, "_MOST", 50)
    root = batches.build(tmp_path, GOOD + b"\n" * 100_000)
    report = batches.rejected(root)
    assert len(report) == 51
    assert "stopped after 50 errors" in report[-1]["rule"]


# --- what is accepted is sound -------------------------------------------------------

_TEXT = st.text("aZ é&<>\"'’œ€ñß0Ωж;,", min_size=1, max_size=40).filter(
    lambda text: text == text.strip() and text[0] not in "=+-@"
)
_PRICE = st.decimals(0, 99999, places=4, allow_nan=False).map(lambda one: f"{one:f}")
_CHARGED = st.decimals(50, 99999, places=4, allow_nan=False).map(lambda one: f"{one:f}")
_QUANTITY = st.decimals("0.0001", 9999, places=4, allow_nan=False).map(lambda one: f"{one:f}")
_RATE = st.sampled_from(["20", "10", "5.5", "2.1", "20.00"])
EXEMPT = {
    "vat_rate": "0",
    "vat_category": "E",
    "exemption_code": "VATEX-FR-CGI261-4",
    "exemption_reason": "Exonération, art. 261-4-4° du CGI",
}
CUSTOMERS: list[tuple[dict[str, str | None], list[dict[str, str]]]] = [
    ({}, [{}, EXEMPT, {"vat_rate": "0", "vat_category": "AE", "category": "services"}]),
    ({"customer_siren": None, "customer_person": "yes"}, [{}, EXEMPT]),
    (
        {
            "customer_siren": None,
            "customer_country": "DE",
            "customer_vat_number": "DE136695976",
            "customer_email": "a@b.example",
        },
        [
            {"vat_rate": "0", "vat_category": "AE", "category": "services"},
            {"vat_rate": "0", "vat_category": "K", "category": "goods"},
        ],
    ),
    (
        {"customer_siren": None, "customer_country": "US", "customer_email": "a@b.example"},
        [{"vat_rate": "0", "vat_category": "G", "category": "goods"}, {}],
    ),
]


@st.composite
def valid_rows(draw: Any) -> batches.Row:
    customer, kinds = draw(st.sampled_from(CUSTOMERS))
    row = batches.row(1, customer_name=draw(_TEXT), language=draw(st.sampled_from(["fr", "en"])))
    row = {name: text for name, text in (row | customer).items() if text is not None}
    for i in range(1, draw(st.integers(1, 4)) + 1):
        cells = {
            "description": draw(_TEXT),
            "quantity": draw(_QUANTITY),
            "unit_price": draw(_PRICE),
            "vat_rate": draw(_RATE),
            "category": draw(st.sampled_from(["goods", "services"])),
        }
        row |= batches.group(i, **(cells | draw(st.sampled_from(kinds))))
    # An invoice of nothing is refused, which 0.0001 x 50 is not.
    row["unit_price_1"] = draw(_CHARGED)
    if draw(st.booleans()):
        row["note"] = draw(_TEXT)
    return row


MIXED = {"seller.operation_category": "mixed", "csv.decimal": ".", "csv.delimiter": ","}


@given(row=valid_rows())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_the_import_accepts_the_standard_accepts(tmp_path_factory, row):
    root = batches.build(
        tmp_path_factory.mktemp("valid"), batches.file_of(row, delimiter=","), MIXED
    )
    given_inputs = import_batch.inputs.load(root)
    client = given_inputs.batch_clients[batches.CLIENT]
    (found,) = import_batch.read_lines(root.inbox_batch / NAME, client)
    assert isinstance(found, BatchInvoice), found
    made = import_batch.batch_invoicing.invoice(
        client.client,
        found,
        "FIL-2026-0001",
        house.MONTH,
        import_batch.cli.day(house.TODAY),
        "Atelier du Nord",
        {},
        {},
    )
    xml = facturx_xml.generate(made)
    assert not validators.verdicts(made, xml)
    assert invoice_pdf.render(made, xml, None)


# --- the examples --------------------------------------------------------------------


def test_the_examples_are_sound_and_show_what_they_say(tmp_path):
    root = Root(house.HOME / "examples")
    given_inputs = import_batch.inputs.load(root)
    found: dict[str, list[BatchInvoice]] = {}
    for path in sorted(root.inbox_batch.glob("*.csv")):
        name = path.name.partition("__")[0]
        lines = list(import_batch.read_lines(path, given_inputs.batch_clients[name]))
        assert all(isinstance(one, BatchInvoice) for one in lines), path
        found[name] = [one for one in lines if isinstance(one, BatchInvoice)]
    assert {name: len(lines) for name, lines in found.items()} == {
        "atelier_ecluse": 12,
        "estran_vpc": 30,
    }
    every = [one for lines in found.values() for one in lines]
    assert max(len(one.lines) for one in every) == 20
    assert {line.vat_category for one in every for line in one.lines} == {"S", "E", "AE", "K", "G"}
    assert any(len({line.vat_rate for line in one.lines}) > 2 for one in every)
    assert any((one.period.end - one.period.start).days > 80 for one in every)
    assert any(one.buyer.person for one in every)
    dialects = {one.client.csv.encoding for one in given_inputs.batch_clients.values()}
    assert dialects == {"utf-8", "windows-1252"}
    assert b"\xc3" not in (root.inbox_batch / "estran_vpc__2026-10.csv").read_bytes()


@pytest.mark.parametrize("changes", [{"status": "closed"}, {"plans.0.end": "2026-09"}])
def test_a_batch_whose_payer_would_not_be_billed_is_rejected(tmp_path, changes):
    root = batches.build(tmp_path, batches.file_of(batches.row()))
    house.put_client(root, batches.payer(changes))
    ran = batches.run(root)
    assert ran.code == 1 and "so nobody would be billed; correct clients/nord.json" in ran.err
    assert batches.issued(root) == []
    nothing_of_the_house_is_reported(root)


def test_a_service_decades_away_is_a_slip(tmp_path):
    line = batches.row(period_start="2062-10-01", period_end="2062-10-31")
    root = batches.build(tmp_path, batches.file_of(line))
    columns = [one["column"] for one in batches.rejected(root)]
    assert columns == ["period_start", "period_end"]
