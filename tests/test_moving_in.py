"""Moving in: the numbers go on after those of the tool before, in the format that they had."""

import csv
import io
import json
import re
import shlex
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import batches
import house
import post
import test_matching
from lib.core.root import Root
from lib.values import numbers
from lib.values.payment_code import creditor_reference

REASON = {"REASON": "moved from another tool"}
F = {"code": "F", "numbering": "issuer"}

# Codes that look like years and months are where numbers might be taken for each other.
CODES = st.from_regex("[A-Z0-9]{1,8}", fullmatch=True) | st.from_regex(
    "[AB]?20(2[0-9])?(0[1-9])?", fullmatch=True
)
DAYS = st.dates(date(2021, 1, 1), date(2099, 12, 31))
SEQS = st.integers(1, numbers.LARGEST)


def sequence(root: Root, monkeypatch: pytest.MonkeyPatch, **options: str) -> house.Ran:
    """`make sequence` in this process."""
    monkeypatch.setenv("REASON", options.pop("reason", REASON["REASON"]))
    wanted = {"code": "F", "year": "2026", "last": "147", "today": house.TODAY, **options}
    return house.call("record_sequence", root, **wanted)


def numbers_of(root: Root, *clients: str) -> list[str]:
    return [number for client in clients for number in house.numbers(root, client)]


def verify(root: Root) -> house.Ran:
    return house.call("verify", root, today=house.TODAY)


# --- numbers as texts -----------------------------------------------------------------


@given(st.sampled_from([*numbers.FORMATS, numbers.QUOTE]), CODES, DAYS, SEQS)
@example("{code}-{year}{seq:04d}", "A2021", date(2026, 11, 8), 148)
def test_a_number_is_read_by_its_own_format_and_no_other(format_, code, day, seq):
    text = numbers.write(format_, code, day, seq)
    formats = [one for one in (*numbers.FORMATS, numbers.QUOTE) if is_of(text, one)]
    assert formats == [format_]
    month = day.month if "{month}" in format_ else 0
    assert numbers.parse(text, (format_,)) == (code, day.year, seq, month, format_)


def is_of(text: str, format_: str) -> bool:
    try:
        return numbers.parse(text, (format_,)).format == format_
    except ValueError:
        return False


@given(st.sampled_from(numbers.FORMATS), CODES, DAYS)
def test_a_number_has_at_most_twenty_characters_where_its_code_may_be_so_long(format_, code, day):
    assume(len(code) <= numbers.longest_code(format_))
    assert len(numbers.write(format_, code, day, numbers.LARGEST)) <= 20


@given(
    st.integers(2021, 2099).flatmap(
        lambda year: st.lists(
            st.tuples(
                st.sampled_from(numbers.FORMATS),
                CODES,
                st.dates(date(year, 1, 1), date(year, 12, 31)),
                SEQS,
            ),
            min_size=2,
            max_size=2,
        )
    )
)
def test_numbers_of_one_format_differ_in_their_references_too(some):
    (format_, *_), _ = some
    texts = {numbers.write(format_, code, day, seq) for _, code, day, seq in some}
    texts = {text for text in texts if len(text) <= 20}
    assert len({creditor_reference(text) for text in texts}) == len(texts)


# --- a sequence that goes on ----------------------------------------------------------


def test_the_first_number_here_follows_the_last_of_the_tool_before(tmp_path, monkeypatch):
    seller = house.issuer({**F, "number_format": "{code}{year}-{seq:04d}"})
    root = house.build(tmp_path, house.client(), house.client("sud", i=2), seller=seller)
    ran = sequence(root, monkeypatch)
    assert ran.code == 0 and "the first one here is F2026-0148" in ran.out, ran
    assert json.loads((root.data / "counters/F.json").read_text()) == {"2026": 147}
    assert verify(root).code == 0
    assert house.month(root).code == 0
    assert numbers_of(root, "nord", "sud") == ["F2026-0148", "F2026-0149"]
    assert (root.data / "invoices/nord/2026/F2026-0148.pdf").is_file()
    assert house.issued(root, "nord", "F2026-0148").payment_reference.endswith("F20260148")
    paid = {"client": "nord", "invoice": "F2026-0148", "amount": "76.80", "date": house.TODAY}
    ran = house.call("record_payment", root, **paid, method="transfer", today=house.TODAY)
    assert ran.code == 0 and "outstanding 0.00" in ran.out, ran
    monkeypatch.setenv("REASON", "twice")
    noted = house.call("issue_credit_note", root, invoice="F2026-0148", today=house.TODAY)
    assert noted.code == 0, noted
    assert numbers_of(root, "nord")[-1] == "F2026-0150"
    assert verify(root).code == 0
    report = house.call("make_report", root, year="2026", language="en", today=house.TODAY)
    assert report.code == 0, report
    for script in ("export_revenues", "export_fec", "export_ledger", "pack_accountant"):
        period = {"year": "2026"}
        assert house.call(script, root, **period).code == 0
    assert verify(root).code == 0


def test_the_first_number_of_a_year_that_is_over_is_one_of_that_year(tmp_path, monkeypatch):
    root = house.build(tmp_path, seller=house.issuer(F))
    ran = sequence(root, monkeypatch, year="2025")
    assert ran.code == 0 and "the first one here is F-2025-0148" in ran.out, ran


def test_each_client_and_each_batch_seller_has_a_sequence_of_its_own(tmp_path, monkeypatch):
    root = batches.build(tmp_path, batches.file_of(batches.row(1)))
    assert sequence(root, monkeypatch, code="NORD", last="9").code == 0
    assert sequence(root, monkeypatch, code="FIL", last="12").code == 0
    assert house.call("import_batch", root, issue_date=house.TODAY, today=house.TODAY).code == 0
    assert house.month(root).code == 0
    assert house.numbers(root, "nord")[0] == "NORD-2026-0010"
    issued = house.records(root, batches.CLIENT, "revenues_batch")
    assert [one["number"] for one in issued] == ["FIL-2026-0013"]
    assert {path.name for path in (root.data / "revenues").iterdir()} >= {
        "NORD.jsonl",
        "nord.jsonl",
    }
    assert verify(root).code == 0


def test_a_sequence_begins_once_and_before_its_first_number(tmp_path, monkeypatch):
    root = house.build(tmp_path, seller=house.issuer(F))
    refused = [
        ({"code": "NORD"}, '"NORD" is not a code that numbers have here; they have F'),
        ({"year": "2027"}, "2027 has not begun"),
        ({"reason": ""}, "REASON"),
    ]
    for options, text in refused:
        ran = sequence(root, monkeypatch, **options)
        assert ran.code == 1 and text in ran.err and ran.err.count("\n") == 1, ran
    for options in ({"last": "0"}, {"last": "12a"}, {"year": "26"}):
        ran = sequence(root, monkeypatch, **options)
        assert ran.code == 2 and ran.err.count("\n") == 1, ran
    assert not (root.data / "revenues").exists()
    assert sequence(root, monkeypatch, last="174").code == 0
    again = sequence(root, monkeypatch)
    assert again.code == 1 and "go on after 174 already; AGAIN=yes" in again.err, again
    assert sequence(root, monkeypatch, again="yes").code == 0
    assert house.month(root).code == 0
    assert house.numbers(root, "nord") == ["F-2026-0148"]
    late = sequence(root, monkeypatch, last="200", again="yes")
    assert late.code == 1 and "F-2026-0148 exists" in late.err, late
    assert verify(root).code == 0


def test_a_format_does_not_change_within_a_year(tmp_path):
    root = house.build(tmp_path)
    assert house.month(root, "2026-09", "2026-10-08").code == 0
    other = house.issuer({"number_format": "{code}-{year}-{month}-{seq:03d}"})
    house.write(root, "issuer.json", other)
    before = house.tree(root, "issuer.json")
    ran = house.month(root)
    assert ran.code == 1 and "B-NUMBER-FORMAT" in ran.err and ran.err.count("\n") == 1, ran
    assert "number_format" in ran.err and house.tree(root, "issuer.json") == before
    checked = house.call("check_inputs", root, today=house.TODAY)
    assert (checked.code, checked.err) == (1, ran.err)
    assert house.call("check_inputs", root, today="2027-01-01").code == 0
    assert house.month(root, "2026-12", "2027-01-08").code == 0
    assert house.numbers(root, "nord") == ["NORD-2026-0001", "NORD-2027-01-001"]
    assert house.call("verify", root, today="2027-01-09").code == 0


def test_no_number_of_the_tool_before_is_given_once_more(tmp_path, monkeypatch):
    seller = house.issuer({**F, "number_format": "{code}{year}-{seq:04d}"})
    root = house.build(tmp_path / "root", house.client(), seller=seller)
    last_year, another = (
        SMALL.replace("F-0144", "F2025-0099"),
        SMALL.replace("F-0144", "G2026-0099"),
    )
    assert enter(root, HEADINGS + last_year + another).code == 0
    f147, f_148 = (SMALL.replace("F-0144", number) for number in ("f2026-0147", "F-2026-148"))
    refused = enter(root, HEADINGS + f147)
    assert refused.code == 1 and "make sequence CODE=F YEAR=2026 LAST=147 REASON=" in refused.err
    assert sequence(root, monkeypatch, last="146").code == 0
    refused = enter(root, HEADINGS + f147)
    assert refused.code == 1 and "LAST=147 AGAIN=yes" in refused.err, refused
    assert sequence(root, monkeypatch, last="147", again="yes").code == 0
    assert enter(root, HEADINGS + f147).code == 0
    short = sequence(root, monkeypatch, last="146", again="yes")
    assert short.code == 1 and "opening nord/3 has it" in short.err, short
    assert house.month(root).code == 0
    assert house.numbers(root, "nord") == ["F2026-0148"]
    for number in ("F2026-0149", "F-2026-0149", "F-2026-11-149"):
        refused = enter(root, HEADINGS + SMALL.replace("F-0144", number))
        assert refused.code == 1 and "they have begun here" in refused.err, refused
    assert enter(root, HEADINGS + f_148).code == 0
    assert verify(root).code == 0


def test_a_code_leaves_the_number_room(tmp_path):
    seller = house.issuer({"number_format": "{code}-{year}-{month}-{seq:03d}"})
    root = house.build(tmp_path, house.client(changes={"code": "NORDEST"}), seller=seller)
    ran = house.month(root)
    assert ran.code == 1 and "has more than 5 characters" in ran.err, ran


@pytest.mark.parametrize("change", [{"last": 146}, {"year": 2025}, {"code": "G"}, None])
def test_where_a_sequence_begins_is_verified(tmp_path, monkeypatch, change):
    root = house.build(tmp_path, seller=house.issuer(F))
    assert sequence(root, monkeypatch).code == 0 and house.month(root).code == 0
    rebuild(root, "F", change)
    ran = verify(root)
    assert ran.code == 3 and ("B-NUMBER-GAP" in ran.err or "B-COUNTER" in ran.err), ran


def rebuild(
    root: Root, owner: str, change: dict[str, Any] | None, family: str = "revenues"
) -> None:
    """A chain with its last line changed, hashes and head right; None: without it."""
    from lib.books import records

    path = root.data / f"{family}/{owner}.jsonl"
    *lines, last = [json.loads(line) for line in path.read_text().splitlines()]
    facts = [*lines, *([last | change] if change is not None else [])]
    bare = [{k: v for k, v in one.items() if k not in ("seq", "prev", "hash")} for one in facts]
    made = records.extend(records.empty(path), bare)
    head = records.head_path(root, path)
    for file, data in ((path, made.lines), (head, records.head_bytes(made.seq, made.hash))):
        write_over(file, data)
    if not facts:
        path.unlink()
        head.unlink()


def write_over(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


# --- open invoices of the tool before ---------------------------------------------------

HEADINGS = (
    "client,number,issue_date,due_date,currency,gross,nature,vat_category,vat_rate,net,vat,paid,"
    "reference,pdf\n"
)
TWO_RATES = (
    "nord,2026/F-0131,2026-09-30,2026-10-30,EUR,1750.00,services,S,20,1000.00,200.00,"
    "2026-10-20 600.00,RF18539007547034,old.pdf\n"
    "nord,2026/F-0131,,,,,goods,S,10,500.00,50.00,,,\n"
)
SMALL = "nord,F-0144,2026-10-31,,,120.00,services,,20,100.00,20.00,,,\n"
OF_SUD = "sud,2026-F-0140,2026-10-15,2026-11-14,EUR,240.00,services,S,20,200.00,40.00,,,\n"


def house_of_two(folder: Path, **changes: Any) -> Root:
    return house.build(
        folder, house.client(), house.client("sud", i=2), seller=house.issuer({**F, **changes})
    )


def enter(
    root: Root,
    text: str,
    *,
    pdf: bytes = b"%PDF-1.4 old",
    today: str = house.TODAY,
    encoding: str = "utf-8",
) -> house.Ran:
    """`make opening` in this process."""
    folder = root.path.parent / "old"
    folder.mkdir(exist_ok=True)
    for name in ("old.pdf", "né.pdf"):
        (folder / name).write_bytes(pdf)
    (folder / "opening.csv").write_text(text, encoding, newline="")
    return house.call("import_openings", root, file=str(folder / "opening.csv"), today=today)


def pay(root: Root, invoice: str, amount: str, day: str, client: str = "nord") -> house.Ran:
    options = {"client": client, "invoice": invoice, "amount": amount, "date": day}
    return house.call("record_payment", root, **options, method="transfer", today="2026-12-20")


def rows(root: Root, name: str) -> list[dict[str, str]]:
    text = (root.exports / name).read_text("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_open_invoices_are_owed_paid_and_declared_and_are_not_revenue(tmp_path, monkeypatch):
    monkeypatch.setenv("REASON", "too much")
    root = house_of_two(tmp_path / "root")
    ran = enter(root, HEADINGS + TWO_RATES + SMALL + OF_SUD)
    assert ran.code == 0, ran
    assert "nord/1: 2026/F-0131 of 2026-09-30, 1750.00 EUR, open 1150.00" in ran.out
    assert "411 nord  debit 1270.00" in ran.out and "411 sud  debit 240.00" in ran.out
    # Of 200.00 VAT on services 600/1750 was paid: 68.57; 131.43 wait, with 20.00 and 40.00.
    assert "44574  credit 191.43" in ran.out
    assert verify(root).code == 0
    assert house.month(root).code == 0
    assert pay(root, "2026/F-0131", "1150.00", "2026-12-02").code == 0
    assert pay(root, "2026-F-0140", "100.00", "2026-12-03", "sud").code == 0
    for script in ("export_revenues", "export_fec", "export_ledger", "pack_accountant"):
        assert house.call(script, root, year="2026").code == 0
    assert house.call("export_payments", root).code == 0
    assert house.call("reconcile", root).code == 0
    assert {row["number"] for row in rows(root, "recettes/revenues-2026.csv")} == {
        "F-2026-0001",
        "F-2026-0002",
    }
    received = {
        (row["invoice"], row["nature"]): (row["net"], row["vat"], row["gross"])
        for row in rows(root, "recettes/recettes-2026.csv")
    }
    assert received == {
        ("2026/F-0131", "goods"): ("328.57", "32.86", "361.43"),
        ("2026/F-0131", "services"): ("657.14", "131.43", "788.57"),
        ("2026-F-0140", "services"): ("83.33", "16.67", "100.00"),
    }
    due = {row["number"]: row["vat"] for row in rows(root, "recettes/vat_due-2026.csv")}
    assert due == {"2026/F-0131": "131.43", "2026-F-0140": "16.67"}
    fec = (root.exports / f"fec/{house.siren(0)}FEC20261231.txt").read_text().splitlines()
    of_old = [line.split("\t") for line in fec if "2026/F-0131" in line]
    posted = {(cells[4], cells[11], cells[12]) for cells in of_old}
    assert posted == {
        ("512", "1150,00", "0,00"),
        ("411", "0,00", "1150,00"),
        ("44574", "131,43", "0,00"),
        ("44571", "0,00", "131,43"),
    }
    balance = json.loads((root.data / "balance/nord.json").read_text())
    assert [one["number"] for one in balance["invoices"]] == [
        "2026/F-0131",
        "F-0144",
        "F-2026-0001",
    ]
    assert balance["invoices"][0]["status"] == "paid"
    late = house.call("show_overdue", root, date="2026-12-20", today="2026-12-20")
    assert "2026-F-0140" in late.out and "140.00" in late.out
    status = house.call("show_status", root, today="2026-12-20")
    assert status.code == 0
    ran = house.call("verify", root, today="2026-12-20")
    assert ran.code == 0, ran
    credit = house.call("issue_credit_note", root, invoice="F-0144", today="2026-12-20")
    assert credit.code == 1 and "make opening-reverse OPENING=nord/2 REASON" in credit.err, credit
    receipt = house.call("make_receipt", root, invoice="2026/F-0131")
    assert receipt.code == 1 and "issued by the tool before" in receipt.err
    report = house.call("make_report", root, year="2026", language="fr", today="2026-12-31")
    assert report.code == 0 and "invoiced 153.60" in report.out, report


def test_whatever_a_number_is_made_of_the_exports_stay_whole(tmp_path):
    root = house_of_two(tmp_path / "root", reminders={"polite": 7})
    number = """N° 7|8 (b); «é» 'x"""
    text = HEADINGS + SMALL.replace("F-0144", number).replace("10-31,", "10-31,2026-11-01")
    assert enter(root, text).code == 0
    assert pay(root, number, "20.00", "2026-12-02").code == 0
    for script in ("export_revenues", "export_fec", "export_ledger", "pack_accountant"):
        assert house.call(script, root, year="2026").code == 0
    fec = (root.exports / f"fec/{house.siren(0)}FEC20261231.txt").read_text().splitlines()
    assert {len(line.split("\t")) for line in fec} == {18} and "7 8 (b)" in fec[1]
    assert [line.split("\t")[2] for line in fec[1:]] == ["1", "1", "2", "2"]
    ledger = (root.exports / "ledger/2026.beancount").read_text()
    assert "^N__7_8__b_____" in ledger
    assert rows(root, "recettes/recettes-2026.csv")[0]["invoice"] == number
    assert house.call("send_reminders", root, today="2026-12-20").code == 0
    (mail,) = (root.data / "outbox").glob("reminder__*.eml")
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", mail.name)
    assert house.call("verify", root, today="2026-12-20").code == 0


def test_what_a_french_spreadsheet_saves_is_read_alike(tmp_path):
    text = (HEADINGS + TWO_RATES + SMALL).replace(",", ";")
    french = re.sub(r"(\d)\.(\d\d)\b", r"\1,\2", text).replace("1000,00;200,00", "1000;200")
    french = re.sub(r"(\d{4})-(\d\d)-(\d\d)", r"\3/\2/\1", french) + ";" * 13 + "\r\n"
    found = []
    text = HEADINGS + TWO_RATES + SMALL
    quoted = re.sub("[^;\r\n]+", lambda cell: f'"{cell[0]}"', french)
    shown = re.sub(r"\b0?(\d+)/(\d\d)/20(\d\d)", r"\1/\2/\3", french)
    shown = shown.replace(";1750,00;", ";1\u00a0750,00 €;").replace("600,00", "600")
    for name, some, encoding in (
        ("en", text, "utf-8"),
        ("fr", french, "utf-8-sig"),
        ("1252", french.replace("old.pdf", "né.pdf"), "cp1252"),
        ("quoted", quoted, "utf-8"),
        ("shown", shown, "cp1252"),
    ):
        root = house_of_two(tmp_path / name / "root")
        ran = enter(root, some, encoding=encoding)
        assert ran.code == 0, ran
        assert ("read as Windows-1252" in ran.out) is (encoding == "cp1252")
        lines = house.records(root, "nord", "openings")
        found.append([{**one, "source_sha256": "", "prev": "", "hash": ""} for one in lines])
    assert all(lines == found[0] for lines in found)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("client,number", "client;number", "has the columns client;number, and not client"),
        ("client,number", "sep=,\nclient,number", "line 1: is no header; remove the first line"),
        ("client,number", "Reprise\n\nclient,number", "the header is on line 3; remove what is"),
        ("client,number", "number,client", "another order; put the columns into this order: cl"),
        (",pdf", "", "line 1: has no column pdf; add it"),
        (",pdf", ",pdf,total", "line 1: has the column total, which is not known; remove the"),
        (HEADINGS, HEADINGS.replace(",", "\t"), "line 1: has neither commas nor semicolons"),
        (HEADINGS, "Kunde,Nummer\n", "line 1: the first line is not client,number"),
        (HEADINGS, "PK\x03\x04", "is a workbook, a document of Word or an archive, not a CSV"),
        ("nord,F-0144", 'nord,"F-0144', "is not CSV: a quote is opened and not closed"),
        ("nord,F-0144", "Total,,,,,1\nnord,F-0144", "line 4: holds a total, not an invoice"),
        ("1750.00", "1750.01", "line 2, gross: 1750.01 is not what net and VAT come to, 1750.00"),
        ("200.00,", "2000.00,", "line 2, vat: 2000.00 is not the VAT of 1000.00 at 20 %"),
        ("nord,F-0144", "ouest,F-0144", 'line 4, client: "ouest" is not a client'),
        ("nord,F-0144", "nord,F-2026-0001", 'line 4, number: "F-2026-0001" is known already'),
        ("nord,F-0144", "nord,2026-F-0140", "line 5, number"),
        ("2026-10-20 600.00", "2026-10-20 1750.00", "line 2, paid: 1750.00 of 1750.00 are paid"),
        ("2026-10-20 600.00", "2026-02-30 600.00", "line 2, paid"),
        ("2026-10-20 600.00", "600.00", "line 2, paid"),
        ("2026-10-31", "2026-12-31", "line 4, issue_date: 2026-12-31 is in the future"),
        ("2026-10-31", "31/10/2026", "line 4, issue_date"),
        ("2026-10-30", "2026-09-29", "line 2, due_date"),
        ("old.pdf", "gone.pdf", "line 2, pdf"),
        ("old.pdf", "../old.pdf", "line 2, pdf"),
        (",,,,goods,S,10", ",,,EUR,goods,S,20,", "line 3"),
        ("services,,20", "services,,0", "line 4, vat_category: is empty"),
        ("goods,S,10", "services,S,20", "line 3, vat_rate: this rate of services stands"),
    ],
)  # fmt: skip
def test_a_file_with_anything_wrong_records_nothing(tmp_path, old, new, said):
    root = house_of_two(tmp_path / "root")
    assert house.month(root).code == 0
    before = house.tree(root)
    text = HEADINGS + TWO_RATES + SMALL + OF_SUD
    assert old in text
    ran = enter(root, text.replace(old, new, 1))
    assert ran.code == 1 and said in ran.err and "Traceback" not in ran.err, ran
    assert len(ran.err.splitlines()) <= 2 and house.tree(root) == before, ran


def test_a_file_is_recorded_once_and_a_mistake_is_reversed(tmp_path, monkeypatch):
    root = house_of_two(tmp_path / "root")
    assert enter(root, HEADINGS + SMALL).code == 0
    again = enter(root, HEADINGS + SMALL)
    assert (
        again.code == 1 and 'line 2, number: "F-0144" is known already: opening nord/1' in again.err
    )
    assert pay(root, "F-0144", "20.00", "2026-11-08").code == 0
    monkeypatch.setenv("REASON", "paid long ago")
    refused = house.call("reverse_opening", root, opening="nord/1", today=house.TODAY)
    assert refused.code == 1 and "make payment-reverse PAYMENT=nord/1" in refused.err, refused
    assert house.call("reverse_payment", root, payment="nord/1", today="2026-12-20").code == 0
    ran = house.call("reverse_opening", root, opening="nord/1", today=house.TODAY)
    assert ran.code == 0 and "nord/2: reversal of nord/1, F-0144" in ran.out, ran
    assert house.call("reconcile", root).code == 0
    assert json.loads((root.data / "balance/nord.json").read_text())["invoices"] == []
    assert house.call("verify", root, today="2026-12-20").code == 0
    assert pay(root, "F-0144", "20.00", "2026-11-09").code == 1
    twice = house.call("reverse_opening", root, opening="nord/1", today=house.TODAY)
    assert twice.code == 1 and "is not an opening that stands" in twice.err
    assert enter(root, HEADINGS + SMALL.replace("20.00,,", "20.00,2026-11-02 60.00,")).code == 0
    assert "outstanding 0.00" in pay(root, "F-0144", "60.00", "2026-11-10").out
    assert house.call("verify", root, today="2026-12-20").code == 0


def test_what_of_an_opening_will_not_be_paid_is_written_off(tmp_path, monkeypatch):
    root = house_of_two(tmp_path / "root", write_off_limit="1000.00")
    assert enter(root, HEADINGS + TWO_RATES).code == 0
    monkeypatch.setenv("REASON", "bankrupt")
    facts = {"invoice": "2026/F-0131", "amount": "1150.00", "kind": "bad_debt"}
    ran = house.call("write_off", root, **facts, large="yes", date="2026-12-01", today="2026-12-20")
    assert ran.code == 0, ran
    assert house.call("reconcile", root).code == 0
    (row,) = json.loads((root.data / "balance/nord.json").read_text())["invoices"]
    assert (row["outstanding"], row["paid"]) == ("0.00", "600.00")
    assert house.call("export_fec", root, year="2026").code == 0
    fec = (root.exports / f"fec/{house.siren(0)}FEC20261231.txt").read_text().splitlines()[1:]
    posted = {(cells[4], cells[11], cells[12]) for cells in (line.split("\t") for line in fec)}
    assert posted == {
        ("654", "1018,57", "0,00"),
        ("44574", "131,43", "0,00"),
        ("411", "0,00", "1150,00"),
    }
    assert house.call("verify", root, today="2026-12-20").code == 0


# --- mail, statements, thresholds -------------------------------------------------------


def test_reminders_carry_the_pdf_that_was_kept(tmp_path, monkeypatch):
    root = house_of_two(tmp_path / "root", reminders={"polite": 7})
    due = SMALL.replace("2026-10-31,", "2026-10-31,2026-11-01")
    assert enter(root, HEADINGS + TWO_RATES + due).code == 0
    shown = house.call("send_reminders", root, today="2026-11-20", dry_run="1")
    assert shown.code == 0 and "2 reminders would go" in shown.out, shown
    with post.office() as server:
        for name, value in (
            ("HOST", "127.0.0.1"),
            ("PORT", str(server.port)),
            ("SECURITY", "none"),
        ):
            monkeypatch.setenv(f"SMTP_{name}", value)
        ran = house.call("send_reminders", root, today="2026-11-20")
        assert ran.code == 0, ran
        sent = {
            str(one.message["Subject"]): one.message for one in server.of("nord@client.example")
        }
    old = next(message for subject, message in sent.items() if "2026/F-0131" in subject)
    (attached,) = old.iter_attachments()
    assert attached.get_content() == b"%PDF-1.4 old"
    text = old.get_body().get_content()
    assert "1\u202f150,00" in text.replace("\xa0", "\u202f") and "RF18 5390 0754 7034" in text
    other = next(message for subject, message in sent.items() if "F-0144" in subject)
    assert not list(other.iter_attachments())
    names = [one["mail"] for one in house.records(root, "sent", "outbox")]
    assert all("/" not in name for name in names) and len(set(names)) == 2
    assert house.call("send_reminders", root, today="2026-11-21").out.count("sent") <= 1
    assert house.call("verify", root, today="2026-12-20").code == 0


def test_a_statement_pays_an_opening_by_number_and_by_reference(tmp_path):
    from lib.bank import matching
    from lib.books import recording

    root = house_of_two(tmp_path / "root")
    assert enter(root, HEADINGS + TWO_RATES + OF_SUD).code == 0
    numbers = {
        "2026/F-0131": "2026/F-0131",
        "RF18539007547034": "2026/F-0131",
        "2026-F-0140": "2026-F-0140",
    }
    paid = test_matching.transfer("1.00")._replace(references=tuple(numbers))
    books = [recording.open_books(root, [client]) for client in ("nord", "sud")]
    assert matching.known(books, [paid]).names == {name: [of] for name, of in numbers.items()}


def test_a_payment_that_an_opening_was_entered_with_is_not_recorded_once_more(tmp_path):
    root = house_of_two(tmp_path / "root")
    assert enter(root, HEADINGS + TWO_RATES).code == 0
    ran = pay(root, "2026/F-0131", "600.00", "2026-10-20")
    assert ran.code == 1 and "was entered with the same payment; AGAIN=yes" in ran.err, ran
    assert pay(root, "2026/F-0131", "600.00", "2026-10-21").code == 0


@pytest.mark.parametrize(("before", "code"), [("25000.00", "NEAR"), ("40000.00", "OVER")])
def test_the_turnover_before_the_move_counts_against_the_thresholds(tmp_path, before, code):
    limits = {"services": "25100.00", "services_raised": "41250.00", "before": {"services": before}}
    seller = house.issuer(
        {"vat_regime": "franchise", "thresholds": {"2026": limits}, "party.vat_number": None}
    )
    client = house.client(changes={"vat.treatment": "franchise"})
    for item in client["plans"][0]["items"]:
        item["vat_rate"] = "0"
    root = house.build(tmp_path, client, seller=seller)
    assert house.month(root).code == 0
    ran = house.call("send_alerts", root, command="month", today=house.TODAY)
    assert f"I-THRESHOLD-{code}" in ran.err, ran


# --- what is tampered with --------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"gross": "1750.01"}, "B-RECORD-WRONG"),
        ({"number": "F-2026-0001"}, "B-RECORD-WRONG"),
        ({"client": "sud"}, "B-RECORD-WRONG"),
        ({"paid": [{"amount": "1750.00", "date": "2026-10-20"}]}, "B-RECORD-WRONG"),
        ({"currency": "USD"}, "B-PAYMENT-STRAY"),
        ({"kind": "reversal", "reverses": 1, "reason": "x"}, "B-RECORD-WRONG"),
        ({"pdf_sha256": "0" * 64}, "B-ARCHIVE"),
        (None, "B-PAYMENT-STRAY"),
    ],
)
def test_openings_that_were_changed_are_named(tmp_path, change, code):
    root = house_of_two(tmp_path / "root")
    assert house.month(root).code == 0
    assert enter(root, HEADINGS + TWO_RATES).code == 0
    assert pay(root, "2026/F-0131", "10.00", "2026-12-02").code == 0
    assert verify(root).code == 0
    rebuild(root, "nord", change, "openings")
    ran = verify(root)
    assert ran.code == 3 and code in ran.err and "Traceback" not in ran.err, ran


# --- the walk of the documents ----------------------------------------------------------


def steps_of(name: str) -> tuple[dict[str, str], list[tuple[str, list[str]]]]:
    """The blocks of a document by their kind, and its commands with what they say."""
    text = (house.HOME / "docs" / name).read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    commands: list[tuple[str, list[str]]] = []
    for line in "".join(block for kind, block in found if kind == "console").splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], []))
        else:
            commands[-1][1].append(line)
    return {kind: block for kind, block in found if kind in ("json", "csv")}, commands


def by_make(root: Root, target: str, *words: str) -> house.Ran:
    return house.make(root, target, *words)


def by_script(root: Root, target: str, *words: str) -> house.Ran:
    """What `make` does with these words, in this process: a walk in another language need not
    show again that make starts the scripts."""
    if target == "init":  # there is no root yet
        return by_make(root, target, *words)
    rule = re.search(
        rf"^{target}: .*\n\t@.*/(\w+)\.py", house.MAKEFILES[0].read_text(), re.MULTILINE
    )
    phases = {"month": "generate_invoice", "reminders": "send_reminders"}
    with pytest.MonkeyPatch.context() as typed:
        typed.setenv("TYPED", " ".join(word.partition("=")[0] for word in words))
        for word in words:
            typed.setenv(*word.split("=", 1))
        return house.call(rule[1] if rule else phases[target], root)


@pytest.mark.parametrize(
    ("name", "language", "run"),
    [("moving-in.md", "en", by_make), ("moving-in.fr.md", "fr", by_script)],
    ids=["english", "french"],
)
def test_the_move_of_the_documents_runs_and_says_what_they_show(tmp_path, name, language, run):
    files, commands = steps_of(name)
    root = Root(tmp_path / "studio")
    (tmp_path / "old").mkdir()
    (tmp_path / "old/F2026-0098.pdf").write_bytes(b"%PDF-1.4 old")
    (tmp_path / "opening.csv").write_text(files["csv"])
    for command, shown in commands:
        words = shlex.split(command.replace("FILE=", f"FILE={tmp_path}/"))
        assert words[0] == "make" and words[2] == "ROOT=studio"
        today = [] if "TODAY=" in command else ["TODAY=2026-11-09"]
        ran = run(root, *words[1:2], *words[3:], *today)
        assert ran.code == 0, (command, ran)
        said = [squeezed(line) for line in ran.out.splitlines()]
        assert [line for line in shown if squeezed(line) not in said] == [], (command, ran)
        if words[1] == "init":
            reminders = {"reminders": {"polite": 7, "firm": 21, "formal": 45}}
            keys = json.loads(files["json"]) | reminders | {"language": language}
            house.write(root, "issuer.json", house.issuer(keys))
            (root.clients / "first_client.json").unlink()
    template = (house.HOME / "docs/template_opening.csv").read_text()
    assert files["csv"].startswith(template) and template == HEADINGS


def squeezed(line: str) -> str:
    return re.sub(r"\d+ s$", "0 s", " ".join(line.split()))
