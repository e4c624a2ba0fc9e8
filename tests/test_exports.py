"""CSV for the accountant: what is in it, how a spreadsheet reads it, and that it is whole."""

import csv
import fcntl
import io
import json
import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

import house
import past
from lib.accounting import csv_tables
from lib.accounting.csv_tables import TABLES
from lib.books import issuing, records, revenues
from lib.core import messages, storage
from lib.core.root import Root
from lib.documents import csv_files
from lib.documents.csv_files import AMOUNT, CODE, TEXT, Column
from lib.inputs import settings

PLAIN = settings.load(Root(Path("/nowhere")))._replace(csv_dialect="rfc4180", csv_headers="en")
FRENCH = PLAIN._replace(csv_dialect="fr", csv_headers="fr")

SERVICES = ("services", "20.00", 10_000, 2_000)
GOODS = ("goods", "5.50", 20_000, 1_100)
MIXED = past.bill("nord", "NORD-2024-0001", "2024-02-29", SERVICES, GOODS)
PAID = past.money("nord", "NORD-2024-0001", "2024-03-01", 33_100, reference="VIR 12")


@pytest.fixture
def root(tmp_path):
    return past.root_of(tmp_path / "root", MIXED, PAID)


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def read(root: Root, name: str) -> list[dict[str, str]]:
    return rows_of((root.path / "exports" / name).read_bytes())


def total(rows, column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows), Decimal(0))


# --- what is in them -----------------------------------------------------------------


def test_goods_and_services_have_rows_of_their_own(root):
    assert house.call("export_revenues", root, year="2024").code == 0
    rows = read(root, "recettes/recettes-2024.csv")
    assert [(row["nature"], row["net"], row["vat"], row["gross"]) for row in rows] == [
        ("goods", "200.00", "11.00", "211.00"),
        ("services", "100.00", "20.00", "120.00"),
    ]
    assert {row["date"] for row in rows} == {"2024-03-01"}
    assert {(row["method"], row["reference"]) for row in rows} == {("transfer", "VIR 12")}


def test_a_month_has_the_money_of_the_month_and_the_invoices_of_the_month(root):
    house.call("export_revenues", root, month="2024-02")
    assert read(root, "recettes/recettes-2024-02.csv") == []
    assert total(read(root, "recettes/revenues-2024-02.csv"), "gross") == Decimal("331.00")
    house.call("export_revenues", root, month="2024-03")
    assert total(read(root, "recettes/recettes-2024-03.csv"), "gross") == Decimal("331.00")
    assert read(root, "recettes/revenues-2024-03.csv") == []


def test_a_reversal_is_negative_at_its_own_date_and_a_refund_too(root):
    past.lay(root, past.reversal(PAID, 1, "2024-04-02"))
    past.lay(root, past.money("nord", "NORD-2024-0001", "2024-04-03", -1_000))
    house.call("export_revenues", root, month="2024-04")
    rows = read(root, "recettes/recettes-2024-04.csv")
    by_kind = {
        kind: [row for row in rows if row["kind"] == kind] for kind in ("reversal", "refund")
    }
    assert total(by_kind["reversal"], "gross") == Decimal("-331.00")
    assert {row["date"] for row in by_kind["reversal"]} == {"2024-04-02"}
    assert {row["method"] for row in by_kind["reversal"]} == {"transfer"}
    assert total(by_kind["refund"], "gross") == Decimal("-10.00")


def test_a_credit_note_is_negative_in_the_revenues(root):
    note = past.bill("nord", "NORD-2024-0002", "2024-05-06", GOODS, corrects="NORD-2024-0001")
    past.lay(root, note)
    house.call("export_revenues", root, month="2024-05")
    (row,) = read(root, "recettes/revenues-2024-05.csv")
    assert (row["kind"], row["corrects"], row["vat_rate"]) == (
        "credit_note",
        "NORD-2024-0001",
        "5.50",
    )
    assert (row["net"], row["vat"], row["gross"]) == ("-200.00", "-11.00", "-211.00")


def test_records_about_no_invoice_of_the_client_are_all_named_and_nothing_is_written(root):
    past.lay(
        root,
        past.bill("sud", "SUD-2024-0001", "2024-05-06", GOODS),
        past.bill("sud", "SUD-2024-0002", "2024-05-07", GOODS, corrects="SUD-2024-0007"),
        past.money("sud", "NORD-2024-0001", "2024-05-08", 100),
        past.money("nord", "NORD-2024-0009", "2024-05-08", 100),
    )
    ran = house.call("export_revenues", root, year="2024")
    assert (ran.code, ran.out) == (3, "")
    said = [line.partition("; run")[0] for line in ran.err.splitlines()]
    assert said == [
        "data/payments/nord.jsonl: line 2: is about NORD-2024-0009,"
        " which is not an invoice of this client",
        "data/revenues/sud.jsonl: line 2: is about SUD-2024-0007,"
        " which is not an invoice of this client",
        "data/payments/sud.jsonl: line 1: is about NORD-2024-0001,"
        " which is not an invoice of this client",
    ]
    assert not (root.path / "exports").exists()


def forged(root: Root, name: str, line: int, **changed: object) -> None:
    """Changes a record and gives it the hash of what it says now."""
    path = root.data / name
    lines = path.read_bytes().splitlines(keepends=True)
    record = {**json.loads(lines[line - 1]), **changed}
    del record["hash"]
    record["hash"] = storage.sha256(storage.canonical_json(record))
    lines[line - 1] = storage.canonical_json(record) + b"\n"
    path.write_bytes(b"".join(lines))


@pytest.mark.parametrize(
    ("name", "line", "changed", "said"),
    [
        ("payments/nord.jsonl", 1, {"amount": "1.234"}, "line 2: does not follow"),
        ("payments/nord.jsonl", 1, {"reverses": 7}, "line 2: does not follow"),
        ("payments/nord.jsonl", 2, {"amount": "zz"}, "heads/payments/nord.json: disagrees with"),
        ("revenues/nord.jsonl", 1, {"gross": "1e3"}, "heads/revenues/nord.json: disagrees with"),
    ],
)
def test_a_record_that_cannot_be_counted_is_proved_before_it_is_used(
    root, name, line, changed, said
):
    past.lay(
        root,
        past.money("nord", "NORD-2024-0001", "2024-04-03", -1_000),
        past.bill("sud", "SUD-2024-0001", "2024-05-06", GOODS),
    )
    forged(root, name, line, **changed)
    other = root.data / "revenues/sud.jsonl"
    other.write_bytes(other.read_bytes()[:-9])
    ran = house.call("export_revenues", root, year="2024")
    assert (ran.code, len(ran.err.splitlines())) == (3, 2)
    assert said in ran.err and "data/revenues/sud.jsonl: line 1: is cut in half" in ran.err


def test_a_credit_note_of_nothing_is_not_an_invoice(tmp_path):
    note = past.bill("nord", "NORD-2024-0002", "2024-03-09", GOODS, corrects="")
    root = past.root_of(tmp_path / "root", MIXED, note)
    ran = house.call("export_revenues", root, year="2024")
    assert (ran.code, "line 2: is about NORD-2024-0002" in ran.err) == (3, True)


def test_both_records_of_a_client_are_looked_at(root):
    for name in ("revenues", "payments"):
        path = root.data / name / "nord.jsonl"
        path.write_bytes(path.read_bytes()[:-9])
    for command, options in (("export_revenues", {"year": "2024"}), ("reconcile", {})):
        ran = house.call(command, root, **options)
        assert (ran.code, ran.err.count(": is cut in half: ")) == (3, 2)


def test_a_credit_note_comes_before_the_money_of_the_same_day(tmp_path):
    note = past.bill("nord", "NORD-2024-0002", "2024-03-09", GOODS, corrects="NORD-2024-0001")
    root = past.root_of(
        tmp_path / "root",
        MIXED,
        past.money("nord", "NORD-2024-0001", "2024-03-08", 16_550),
        past.bill("nord", "NORD-2024-0003", "2024-03-09", SERVICES),
        past.money("nord", "NORD-2024-0003", "2024-03-09", 12_000),
        note,
    )
    house.call("export_revenues", root, month="2024-03")
    rows = read(root, "recettes/recettes-2024-03.csv")
    assert [(row["date"], row["kind"], row["nature"], row["gross"]) for row in rows] == [
        ("2024-03-08", "payment", "goods", "105.50"),
        ("2024-03-08", "payment", "services", "60.00"),
        ("2024-03-09", "credit_note", "goods", "-60.00"),
        ("2024-03-09", "credit_note", "services", "60.00"),
        ("2024-03-09", "payment", "services", "120.00"),
    ]


def test_a_second_credit_note_and_its_refund_have_the_vat_of_their_own_lines(tmp_path):
    nord, twenty = "NORD-2024-0001", ("goods", "20.00", 100_000, 20_000)
    five = ("services", "5.50", 100_000, 5_500)
    root = past.root_of(
        tmp_path / "root",
        past.bill("nord", nord, "2024-11-03", twenty, five),
        past.money("nord", nord, "2024-11-10", 225_500),
        past.bill("nord", "NORD-2024-0002", "2024-11-12", twenty, corrects=nord),
        past.money("nord", nord, "2024-11-15", -120_000),
        past.bill("nord", "NORD-2024-0003", "2024-11-25", five, corrects=nord),
        past.money("nord", nord, "2024-12-05", -105_500),
    )
    totals = {}
    for month in ("2024-11", "2024-12"):
        assert house.call("export_revenues", root, month=month).code == 0
        rows = read(root, f"recettes/recettes-{month}.totals.csv")
        totals[month] = {row["vat_rate"]: (row["net"], row["vat"]) for row in rows}
    assert totals == {
        "2024-11": {
            "20.00": ("0.00", "0.00"),
            "5.50": ("1000.00", "55.00"),
            "": ("1000.00", "55.00"),
        },
        "2024-12": {"5.50": ("-1000.00", "-55.00"), "": ("-1000.00", "-55.00")},
    }
    kinds = [row["kind"] for row in read(root, "recettes/recettes-2024-11.csv")]
    assert kinds == ["payment", "payment", "refund"]


def test_totals_stand_in_a_file_of_their_own(root):
    house.call("export_revenues", root, year="2024")
    totals = read(root, "recettes/recettes-2024.totals.csv")
    assert [tuple(row.values()) for row in totals] == [
        ("goods", "S", "5.50", "", "200.00", "11.00", "211.00"),
        ("services", "S", "20.00", "", "100.00", "20.00", "120.00"),
        ("total", "", "", "", "300.00", "31.00", "331.00"),
    ]


def test_a_year_without_anything_has_headings_and_a_total_of_nothing(root):
    assert house.call("export_revenues", root, year="2030").code == 0
    data = (root.path / "exports/recettes/recettes-2030.csv").read_bytes()
    assert data.startswith(b"date,invoice,client,") and data.count(b"\r\n") == 1
    (row,) = read(root, "recettes/recettes-2030.totals.csv")
    assert row["gross"] == "0.00"


def test_payments_have_every_line_ever_recorded(root):
    past.lay(root, past.reversal(PAID, 1, "2025-04-02"))
    assert house.call("export_payments", root).code == 0
    rows = read(root, "payments/payments.csv")
    assert [(row["id"], row["amount"], row["reverses"], row["note"]) for row in rows] == [
        ("nord/1", "331.00", "", ""),
        ("nord/2", "-331.00", "nord/1", "bounced"),
    ]


@given(past.past())
@profile(max_examples=40)
def test_the_months_add_up_to_the_year(facts):
    histories = past.histories_of(facts)
    for table_of in (csv_tables.recettes, csv_tables.revenues):
        for year in ("2023", "2024", "2025"):
            whole = rows_of(table_of(histories, year).table.to_bytes(PLAIN))
            months = [table_of(histories, f"{year}-{month:02d}") for month in range(1, 13)]
            parts = [row for month in months for row in rows_of(month.table.to_bytes(PLAIN))]
            assert parts == whole
            (*_, last) = rows_of(table_of(histories, year).totals.to_bytes(PLAIN))
            for figure in ("net", "vat", "gross"):
                assert Decimal(last[figure]) == total(whole, figure)


@given(past.past())
@profile(max_examples=40)
def test_recettes_are_the_payments(facts):
    histories = past.histories_of(facts)
    received: Counter[tuple[str, str]] = Counter()
    for year in range(2023, 2030):
        for row in rows_of(csv_tables.recettes(histories, str(year)).table.to_bytes(PLAIN)):
            received[row["client"], row["date"]] += int(row["gross"].replace(".", ""))
    moved: Counter[tuple[str, str]] = Counter()
    for row in rows_of(csv_tables.payments(histories).table.to_bytes(PLAIN)):
        if not row["cause"]:
            moved[row["client"], row["date"]] += int(row["amount"].replace(".", ""))
    assert {key: value for key, value in received.items() if value} == {
        key: value for key, value in moved.items() if value
    }


@given(past.past(("mill", "nord", "studio_sud")))
@profile(max_examples=40)
def test_the_parts_of_some_clients_each_come_together_to_the_whole(facts):
    histories = past.histories_of(facts)
    clients = ("mill", "nord", "studio_sud")
    for table_of in (csv_tables.recettes, csv_tables.revenues):
        whole = table_of(histories, "2024")
        own = [[one for one in histories if one.invoice.client == client] for client in clients]
        rows = [csv_tables.written(table_of(some, "2024"), FRENCH) for some in own]
        parts = [csv_tables.part(some) for some in (rows[:2], rows[2:])]
        data, joined = csv_tables.joined(whole.table.columns, parts, FRENCH)
        assert b"".join(data()) == whole.table.to_bytes(FRENCH)
        assert joined.totals == whole.totals


# --- how a spreadsheet reads them ----------------------------------------------------


def test_french_dialect():
    table = csv_tables.recettes(past.histories_of([MIXED, PAID]), "2024").table
    lines = table.to_bytes(FRENCH).split(b"\r\n")
    assert lines[0].startswith(b"\xef\xbb\xbfDate d'encaissement;Facture;Client;")
    assert lines[1].decode() == (
        "2024-03-01;NORD-2024-0001;nord;Client nord;;;règlement;ventes de biens;S;5,50;;"
        "200,00;11,00;211,00;EUR;virement;VIR 12;;"
    )


def test_headings_and_dialect_are_chosen_apart():
    table = csv_tables.payments(past.histories_of([MIXED, PAID])).table
    stable = table.to_bytes(FRENCH._replace(csv_headers="en"))
    assert stable.startswith(b"\xef\xbb\xbfid;date;kind;invoice")
    assert b";payment;" in stable and b";331,00;" in stable
    assert table.to_bytes(PLAIN._replace(csv_headers="fr")).startswith(b"Identifiant,Date,Type,")


def test_english_headings_and_codes_are_the_stable_names():
    tables = (csv_tables.PAYMENTS, csv_tables.TOTALS, *(one.columns for one in TABLES.values()))
    for columns in tables:
        names = ",".join(column.name for column in columns)
        assert csv_files.headings(columns, PLAIN).decode() == f"{names}\r\n"
    assert all(code == word for code, word in messages.words("en")["codes"].items())


HELP = ("sheets", "sheet_help", "column_help", "code_help", "file_help")


def test_a_language_is_a_file(tmp_path, monkeypatch):
    for language in messages.languages():
        assert messages.words(language).keys() == messages.words("en").keys()
        for section in ("columns", "codes", *HELP):
            assert messages.words(language)[section].keys() == messages.words("en")[section].keys()
    german = {"columns": {"kind": "Art", "amount": "Betrag"}, "codes": {"refund": "Erstattung"}}
    (tmp_path / "de.json").write_text(json.dumps(german))
    monkeypatch.setattr(messages, "_FOLDER", tmp_path)
    columns, cells = (Column("kind", CODE), Column("amount", AMOUNT)), {"kind": ["refund"]}
    data = csv_files.to_bytes(
        columns, {**cells, "amount": [150]}, FRENCH._replace(csv_headers="de")
    )
    assert data.decode("utf-8-sig") == "Art;Betrag\r\nErstattung;1,50\r\n"


@pytest.mark.parametrize("dialect", [PLAIN, FRENCH])
@given(
    st.sampled_from("=+-@\t\r\n"),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20),
)
def test_a_text_is_never_run_as_a_formula(dialect, first, rest):
    columns = (Column("note", TEXT), Column("amount", AMOUNT))
    data = csv_files.to_bytes(columns, {"note": [first + rest], "amount": [-150]}, dialect)
    delimiter = ";" if dialect is FRENCH else ","
    stream = io.StringIO(data.decode("utf-8-sig"), newline="")
    _, (note, amount) = csv.reader(stream, delimiter=delimiter)
    assert note == f"'{first}{rest}"
    assert amount.replace(",", ".") == "-1.50"


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), max_size=5))
def test_any_text_comes_back_from_the_file(texts):
    columns = (Column("note", TEXT), Column("amount", AMOUNT))
    cells = {"note": texts, "amount": list(range(len(texts)))}
    rows = rows_of(csv_files.to_bytes(columns, cells, PLAIN))
    assert [row["note"] for row in rows] == [csv_files.safe(text) for text in texts]


@pytest.mark.parametrize("dialect", [PLAIN, FRENCH])
@pytest.mark.parametrize("text", ['say "no"', "a,b", "a;b", "a\rb", "a\nb", "", " a "])
def test_texts_are_quoted_where_csv_wants_it(dialect, text):
    columns = (Column("note", TEXT), Column("amount", AMOUNT))
    data = csv_files.to_bytes(columns, {"note": [text, "b"], "amount": [5, 6]}, dialect)
    stream = io.StringIO(newline="")
    fr = dialect is FRENCH
    csv.writer(stream, delimiter=";" if fr else ",").writerows(
        [[text, "0,05" if fr else "0.05"], ["b", "0,06" if fr else "0.06"]]
    )
    assert data.decode().partition("\r\n")[2] == stream.getvalue()


def test_an_unknown_dialect_is_refused_with_the_known_ones(root):
    house.write(root, ".env", b"CSV_DIALECT=excel\n")
    ran = house.call("export_payments", root)
    assert (ran.code, ran.err) == (
        1,
        '.env: CSV_DIALECT: "excel" is not a dialect; write one of "rfc4180", "fr" [B-SETTING]\n',
    )


# --- whole, and only when needed -----------------------------------------------------


@given(past.past())
@profile(max_examples=10)
def test_the_same_records_give_the_same_bytes(facts):
    with tempfile.TemporaryDirectory() as folder:
        trees = []
        for name in ("one", "two"):
            root = past.root_of(Path(folder) / name, *facts)
            for script in ("export_revenues", "export_fec", "export_ledger"):
                assert house.call(script, root, year="2024").code == 0
            house.call("export_payments", root)
            trees.append(house.tree(root))
        assert trees[0] == trees[1]


def test_make_rebuilds_what_is_stale_and_only_that(root):
    first = house.make(root, "export", "YEAR=2024")
    assert first.code == 0, first.err
    made = root.path / "exports/recettes/recettes-2024.csv"
    before = made.stat()
    again = house.make(root, "export", "YEAR=2024")
    assert "nothing changed" in again.out
    assert made.stat() == before
    past.lay(root, past.money("nord", "NORD-2024-0001", "2024-03-02", 100))
    assert "nothing changed" not in house.make(root, "export", "YEAR=2024").out
    assert len(read(root, "recettes/recettes-2024.csv")) == 3
    (root.path / "exports/recettes/revenues-2024.totals.csv").unlink()
    house.make(root, "export", "YEAR=2024")
    assert (root.path / "exports/recettes/revenues-2024.totals.csv").exists()


def test_a_dialect_given_for_once_has_a_file_of_its_own(root):
    house.make(root, "payments-csv")
    made = root.path / "exports/payments/payments.csv"
    plain = made.read_bytes()
    house.make(root, "payments-csv", "CSV_DIALECT=fr")
    assert made.read_bytes() == plain
    once = made.with_name("payments.fr-en.csv")
    assert b";331,00;" in once.read_bytes()
    house.write(root, ".env", b"CSV_DIALECT=fr\n")
    house.make(root, "payments-csv")
    assert made.read_bytes() == once.read_bytes()


@pytest.mark.parametrize("target", ["export", "accountant"])
def test_make_wants_a_year_or_a_month(root, target):
    ran = house.make(root, target)
    assert ran.code == 2
    assert "YEAR or MONTH or QUARTER: is missing; add YEAR=2024 or MONTH=2024-03" in ran.err
    for words, said in (
        (["YEAR=24"], 'YEAR: "24" is not a year; write '),
        (["MONTH=2024-13"], 'MONTH: "2024-13" is not a month; write '),
        (["YEAR=2024", "MONTH=2024-03"], "expected one of them, YEAR=2024 or MONTH=2024-03 "),
        (["YEAR=$(x) ;"], 'YEAR: "$(x) ;" is not a year'),
    ):
        ran = house.make(root, target, *words)
        assert ran.code == 2 and said in ran.err
    assert not (root.path / "exports").exists()


def test_bytes_that_would_not_change_are_not_rewritten(root):
    house.call("export_payments", root)
    made = root.path / "exports/payments/payments.csv"
    before = made.stat()
    ran = house.call("export_payments", root)
    assert made.stat().st_ino == before.st_ino
    assert made.stat().st_mtime_ns > before.st_mtime_ns
    assert "payments.csv: as it was" in ran.out


def test_a_stopped_run_is_finished_before_the_export(root, monkeypatch):
    second = {**MIXED, "number": "NORD-2024-0002", "issue_date": "2024-06-30"}
    monkeypatch.setattr(issuing, "_carry_out", lambda *_: None)
    with issuing.begin(root, "a run that was stopped", 0) as run:
        chain = records.read(root, revenues.chain_path(root, revenues.DIRECT, "nord"))
        run.append(chain, [second])
        run.commit()
    monkeypatch.undo()
    ran = house.call("export_revenues", root, year="2024")
    assert ran.code == 0
    assert "finished the stopped run: a run that was stopped" in ran.err
    numbers = [row["number"] for row in read(root, "recettes/revenues-2024.csv")]
    assert "NORD-2024-0002" in numbers


def test_a_writer_keeps_an_export_waiting(root, monkeypatch):
    monkeypatch.setenv("LOCK_WAIT", "0")
    with root.lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ran = house.call("export_payments", root)
    assert ran.code == 4
    assert not (root.path / "exports").exists()


def test_two_exports_run_side_by_side(root, monkeypatch):
    monkeypatch.setenv("LOCK_WAIT", "0")
    with root.lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert house.call("export_payments", root).code == 0


def test_a_payment_of_no_invoice_is_named(root):
    past.lay(root, past.money("nord", "NORD-2024-0009", "2024-03-02", 100))
    ran = house.call("export_payments", root)
    assert ran.code == 3
    assert ran.err.startswith("data/payments/nord.jsonl: line 2: is about NORD-2024-0009,")
    assert not (root.path / "exports").exists()


def test_records_that_were_changed_are_not_exported(root):
    path = root.data / "payments/nord.jsonl"
    path.write_bytes(path.read_bytes().replace(b"331.00", b"931.00"))
    assert house.call("export_revenues", root, year="2024").code == 3
    assert not (root.path / "exports").exists()
