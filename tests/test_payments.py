"""Payments, refunds and reversals, through their commands."""

import json
import os
import shutil
from decimal import Decimal
from pathlib import Path
from unittest import mock

import pytest

import books
import house
import record_payment
from lib.books import payments
from lib.core.root import Root


@pytest.fixture
def root(tmp_path: Path) -> Root:
    made = house.build(tmp_path / "root", house.client("nord"), house.client("sud", i=2))
    books.bill(made, "nord", 1, "175.80")
    books.bill(made, "nord", 2, "64.00")
    books.bill(made, "sud", 1, "100.00")
    return made


def write_csv(folder: Path, *lines: str, header: str = ",".join(payments.COLUMNS)) -> Path:
    path = folder / "payments.csv"
    path.write_bytes("\r\n".join([header, *lines, ""]).encode())
    return path


# --- one payment ---------------------------------------------------------------------


def test_a_payment_is_one_line_with_the_facts_as_they_were_typed(root: Root) -> None:
    ran = books.pay(root, "NORD-2026-0001", "175.80", reference="VIR 12", note="merci, M. O'Neil")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(
        "nord/1: payment of 175.80 for NORD-2026-0001 on 2026-12-03, transfer"
    )
    [line] = house.records(root, "nord", "payments")
    assert {key: line[key] for key in line.keys() - {"hash", "prev"}} == {
        "kind": "payment",
        "client": "nord",
        "invoice": "NORD-2026-0001",
        "date": "2026-12-03",
        "amount": "175.80",
        "currency": "EUR",
        "method": "transfer",
        "reference": "VIR 12",
        "note": "merci, M. O'Neil",
        "seq": 1,
    }


def test_an_amount_without_cents_stays_as_it_was_typed(root: Root) -> None:
    books.pay(root, "SUD-2026-0001", "100")
    books.reverse(root, "sud/1")
    assert [line["amount"] for line in house.records(root, "sud", "payments")] == ["100", "100"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"amount": "175,80"}, 'AMOUNT: "175,80" is not an amount above 0; write "175.80"'),
        ({"amount": "0.00"}, 'AMOUNT: "0.00" is not an amount above 0'),
        ({"amount": "-5.00"}, 'AMOUNT: "-5.00" is not'),
        ({"amount": "175.80\n"}, "AMOUNT: has a character that cannot be printed, U+000A"),
        (
            {"amount": "175.81"},
            "AMOUNT: 175.81 is more than is outstanding of NORD-2026-0001, 175.80",
        ),
        (
            {"day": "2026-11-07"},
            "DATE: 2026-11-07 is before the date of the invoice, 2026-11-08; correct it; money that"
            " comes before its invoice is a deposit, which has its own [B-PAYMENT]",
        ),
        ({"day": "2026-12-21"}, "DATE: 2026-12-21 is in the future (today is 2026-12-20)"),
        ({"day": "2026-02-30"}, "the calendar has no such day"),
        ({"day": "20261203"}, 'DATE: "20261203" is not a date'),
        ({"method": "wire"}, 'METHOD: "wire" is not a way to pay; write one of "transfer"'),
        ({"client": "sud"}, 'INVOICE: "NORD-2026-0001" is an invoice of nord, not of sud'),
        ({"client": "../nord"}, 'CLIENT: "../nord" is not an identifier'),
        ({"invoice": "NORD-2026-0009", "client": "nord"}, "its open ones are NORD-2026-0001, NORD"),
        ({"invoice": "EST-2026-0001"}, 'INVOICE: "EST-2026-0001" is unknown: est has no invoice'),
        ({"note": "a\nb"}, "NOTE: has a character that cannot be printed, U+000A"),
        ({"note": "a\u2028b"}, "NOTE: has a character that cannot be printed, U+2028"),
        ({"note": "\N{SNOWMAN}"}, "NOTE: "),
        ({"reference": "x" * 51}, "REFERENCE: "),
        ({"reference": " x"}, 'REFERENCE: " x" is not a reference'),
        ({"reference": "\udcff"}, "REFERENCE: has a character"),
    ],
)
def test_what_cannot_be_true_is_refused(root: Root, changes: dict[str, str], said: str) -> None:
    before = house.tree(root)
    given = {"invoice": "NORD-2026-0001", "amount": "10.00", "day": "2026-12-03", **changes}
    ran = books.pay(root, **given)
    assert ran.code == 1
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert house.tree(root) == before


def test_a_credit_note_is_not_paid_but_names_the_invoice_that_may_be(root: Root) -> None:
    number = books.credit(root, "nord", 3, "NORD-2026-0001", "10.00")
    ran = books.pay(root, number, "10.00")
    assert "is a credit note; name the invoice that it credits, NORD-2026-0001" in ran.err


def test_the_same_payment_twice_needs_again(root: Root) -> None:
    for _ in range(2):
        last = books.pay(root, "NORD-2026-0001", "50.00", reference="A")
    assert (last.code, len(house.records(root, "nord", "payments"))) == (1, 1)
    assert "the same payment stands in nord/1; AGAIN=yes" in last.err
    same = books.pay(root, "NORD-2026-0001", "50", reference="A")
    assert same.code == 1
    assert books.pay(root, "NORD-2026-0001", "50.00", reference="B").code == 0
    assert books.pay(root, "NORD-2026-0001", "50.00", reference="A", again="yes").code == 0


def test_a_reversed_payment_recorded_again_needs_AGAIN(root: Root) -> None:
    books.pay(root, "NORD-2026-0001", "50.00")
    books.reverse(root, "nord/1")
    ran = books.pay(root, "NORD-2026-0001", "50.00")
    assert "the same payment stands in nord/1, reversed by nord/2" in ran.err
    assert books.pay(root, "NORD-2026-0001", "50.00", again="yes").code == 0


def test_more_than_is_outstanding_needs_overpayment(root: Root) -> None:
    books.pay(root, "NORD-2026-0001", "175.80")
    ran = books.pay(root, "NORD-2026-0001", "0.01")
    assert "0.01 is more than is outstanding of NORD-2026-0001, 0.00" in ran.err
    ran = books.pay(root, "NORD-2026-0001", "0.01", overpayment="yes")
    assert "outstanding -0.01 EUR" in ran.out


# --- reversals and refunds -----------------------------------------------------------


def test_a_reversal_repeats_what_it_reverses_and_opens_the_invoice_again(root: Root) -> None:
    books.pay(root, "NORD-2026-0001", "175.80", method="cheque", reference="N° 7")
    ran = books.reverse(root, "nord/1", "sans provision", date="2026-12-10")
    assert ran.code == 0, ran.err
    line = house.records(root, "nord", "payments")[1]
    assert {key: line[key] for key in line.keys() - {"hash", "prev", "seq"}} == {
        "kind": "reversal",
        "client": "nord",
        "reverses": 1,
        "invoice": "NORD-2026-0001",
        "date": "2026-12-10",
        "amount": "175.80",
        "currency": "EUR",
        "reason": "sans provision",
    }
    paid, taken_out = payments.entries(payments.read(root)["nord"].records)
    assert (paid.reversed_by, paid.standing) == (2, False)
    assert taken_out.amount == -paid.amount
    assert (taken_out.reverses, taken_out.method, taken_out.reference) == (1, "cheque", "N° 7")
    assert (taken_out.standing, taken_out.note) == (False, "sans provision")
    assert books.pay(root, "NORD-2026-0001", "175.80", "2026-12-11").code == 0


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("nord/1", {}, "PAYMENT: nord/1 is reversed already, by nord/2"),
        ("nord/2", {}, "PAYMENT: nord/2 is a reversal itself"),
        ("nord/9", {}, "PAYMENT: there is no nord/9; nord has 3 lines"),
        ("est/1", {}, "PAYMENT: there is no est/1; est has 0 lines"),
        (
            "nord",
            {},
            'PAYMENT: "nord" is not the name of a payment; write its client, / and',
        ),
        ("../x/1", {}, 'PAYMENT: "../x/1" is not the name of a payment'),
        ("nord/3", {"reason": ""}, "REASON: is missing"),
        ("nord/3", {"reason": "a\tb"}, "REASON: has a character that cannot be printed"),
        (
            "nord/3",
            {"date": "2026-12-02"},
            "DATE: 2026-12-02 is before the date of nord/3, 2026-12-03; write 2026-12-03 or a"
            " later day [B-PAYMENT]",
        ),
        ("nord/3", {"date": "2026-12-21"}, "DATE: 2026-12-21 is in the future"),
    ],
)
def test_a_reversal_that_cannot_be_is_refused(
    root: Root, name: str, options: dict[str, str], said: str
) -> None:
    books.pay(root, "NORD-2026-0001", "50.00")
    books.reverse(root, "nord/1")
    books.pay(root, "NORD-2026-0001", "60.00")
    ran = books.reverse(root, name, **options)
    assert ran.code == 1
    assert said in ran.err
    assert len(house.records(root, "nord", "payments")) == 3


def test_a_refund_gives_back_what_was_credited_after_it_was_paid_and_no_more(root: Root) -> None:
    books.pay(root, "NORD-2026-0001", "175.80")
    assert "more than can be given back for NORD-2026-0001, 0.00" in (
        books.refund(root, "NORD-2026-0001", "0.01").err
    )
    books.credit(root, "nord", 3, "NORD-2026-0001", "75.80")
    assert books.refund(root, "NORD-2026-0001", "75.81").code == 1
    assert books.refund(root, "NORD-2026-0001", "25.80").code == 0
    assert "the same refund stands in nord/2" in books.refund(root, "NORD-2026-0001", "25.80").err
    assert books.refund(root, "NORD-2026-0001", "50.00").code == 0
    assert books.refund(root, "NORD-2026-0001", "0.01").code == 1
    assert [entry.amount for entry in payments.entries(payments.read(root)["nord"].records)] == [
        Decimal("175.80"),
        Decimal("-25.80"),
        Decimal("-50.00"),
    ]


def test_a_refund_is_not_before_the_credit_note_that_makes_it_due(root: Root) -> None:
    number = "NORD-2026-0001"
    books.pay(root, number, "175.80", "2026-11-20")
    books.credit(root, "nord", 3, number, "75.80", day="2026-12-10")
    early = books.refund(root, number, "75.80", "2026-12-09")
    assert (early.code, early.err) == (
        1,
        "DATE: 2026-12-09 is before 75.80 was to be given back for NORD-2026-0001; NORD-2026-0003"
        " made it so: write 2026-12-10 or a later day [B-PAYMENT]\n",
    )
    assert len(house.records(root, "nord", "payments")) == 1
    assert books.refund(root, number, "75.80", "2026-12-10").code == 0


def test_a_refund_is_not_before_the_overpayment_that_makes_it_due(root: Root) -> None:
    number = "NORD-2026-0002"
    books.pay(root, number, "70.00", "2026-11-20", overpayment="yes")
    books.pay(root, number, "1.00", "2026-12-05", overpayment="yes")
    assert "nord/2 made it so: write 2026-12-05" in (
        books.refund(root, number, "6.01", "2026-12-04").err
    )
    assert books.refund(root, number, "6.00", "2026-11-20").code == 0


def test_a_refund_never_takes_what_a_later_one_has_given_back(root: Root) -> None:
    number = "NORD-2026-0002"
    books.pay(root, number, "74.00", "2026-11-20", overpayment="yes")
    books.refund(root, number, "10.00", "2026-12-04")
    books.pay(root, number, "10.00", "2026-12-08", overpayment="yes", reference="again")
    # On 2026-12-01 10.00 were too much, but they are those that went back on 2026-12-04.
    early = books.refund(root, number, "10.00", "2026-12-01")
    assert "nord/3 made it so: write 2026-12-08" in early.err
    assert books.refund(root, number, "10.00", "2026-12-08").code == 0


def test_a_refund_that_came_back_can_be_reversed(root: Root) -> None:
    books.pay(root, "NORD-2026-0001", "200.00", overpayment="yes")
    books.refund(root, "NORD-2026-0001", "24.20")
    assert books.reverse(root, "nord/2").code == 0
    assert books.refund(root, "NORD-2026-0001", "24.20", "2026-12-05").code == 0


# --- many at once --------------------------------------------------------------------


def test_an_import_records_every_line_in_one_run(root: Root, tmp_path: Path) -> None:
    file = write_csv(
        tmp_path,
        'nord,NORD-2026-0001,100.00,2026-12-03,transfer,VIR 1,"l\'acompte, ""dit"""',
        "sud,SUD-2026-0001,100.00,2026-12-03,transfer,VIR 1,",
        "nord,NORD-2026-0001,75.80,2026-12-04,card,,",
    )
    ran = books.import_file(root, file)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("3 payments recorded, 275.80 in all\n")
    first, second = house.records(root, "nord", "payments")
    assert first["note"] == 'l\'acompte, "dit"'
    assert (second["amount"], "reference" in second) == ("75.80", False)
    again = books.import_file(root, file)
    assert (again.code, again.err.count("the same payment stands in")) == (1, 3)


def test_an_import_lists_every_wrong_line_and_records_none(root: Root, tmp_path: Path) -> None:
    file = write_csv(
        tmp_path,
        "nord,NORD-2026-0001,100.00,2026-12-03,transfer,,",
        "nord,NORD-2026-0001,100.00,2026-12-03,transfer,,",
        '"nord","NORD-2026-0001",75.80,2026-12-04,transfer,,',
        "nord,NORD-2026-0001,0.01,2026-12-04,transfer,,",
        "sud,NORD-2026-0002,64.00,2026-12-04,transfer,,",
    )
    ran = books.import_file(root, file)
    assert ran.code == 1
    places = [line.split(": ")[1] for line in ran.err.splitlines()]
    assert places == ["line 3", "line 5, amount", "line 6, invoice"]
    assert "the same payment stands in line 2" in ran.err
    assert not house.records(root, "nord", "payments")
    again = books.import_file(root, file, again="yes", overpayment="yes")
    assert [line.split(": ")[1] for line in again.err.splitlines()] == ["line 6, invoice"]


def test_an_unknown_number_is_answered_by_what_is_open_after_the_lines_above(
    root: Root, tmp_path: Path
) -> None:
    books.bill(root, "nord", 3, "10.00")
    file = write_csv(
        tmp_path,
        "nord,NORD-2026-0001,175.80,2026-12-03,transfer,,",
        "nord,NORD-2026-0009,5.00,2026-12-03,transfer,,",
    )
    ran = books.import_file(root, file)
    assert "its open ones are NORD-2026-0002, NORD-2026-0003 [" in ran.err, ran


def test_faults_of_form_and_of_rules_are_reported_together(root: Root, tmp_path: Path) -> None:
    books.pay(root, "NORD-2026-0002", "64.00")
    file = write_csv(
        tmp_path,
        "nord,NORD-2026-0001,100.00,2026-12-03,transfer,,",
        'nord,NORD-2026-0001,"75,80",2026-12-03,transfer,,',  # would use up what is outstanding
        "nord,NORD-2026-0009,5.00,2026-12-03,transfer,,",
        "nord,NORD-2026-0001,75.80,2026-12-04,transfer,,",
        "nord,NORD-2026-0001,75.80,2026-12-04",
        "nord,NORD-2026-0002,64.00,2026-12-03,transfer,,",
        "sud,SUD-2026-0001,100.01,2026-12-04,wire,,",
        "sud,SUD-2026-0001,100.02,2026-12-04,transfer,,",
        "sud,SUD-2026-0001,100.00,2026-12-04,transfer,,",
        'nord,"a"b,1,2,3,4,5',
    )
    ran = books.import_file(root, file)
    assert ran.code == 1
    assert [line.split(": ")[1] for line in ran.err.splitlines()] == [
        "line 3, amount",
        "line 4, invoice",
        "line 6",
        "line 7",
        "line 8, method",
        "line 9, amount",
        "line 11",
    ]
    assert "the same payment stands in nord/1" in ran.err
    assert len(house.records(root, "nord", "payments")) == 1
    assert not house.records(root, "sud", "payments")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"client,invoice\r\n", "line 1: the first line is not client,invoice,amount"),
        (b"client;invoice;amount;date;method;reference;note\n", "has no payment"),
        (b"HEADnord,X,1,2\n", "line 2: has 4 columns, expected 7"),
        (b"HEAD\n", "line 2: has 0 columns, expected 7"),
        (b'HEADnord,"a"b,1,2,3,4,5\n', "line 2: is not CSV"),
        (b"HEADnord,\xe9,1,2,3,4,5\n", "line 2: byte 0xE9 is not UTF-8"),
        (b"HEADnord,\x00,1,2,3,4,5\n", "line 2"),
        (b'HEADnord,"a\nb",1,2026-12-03,card,,\nnord,NORD-2026-0001\n', "line 3: has 2 columns"),
        (b"HEADnord,NORD-2026-0001, 1.00,2026-12-03,card,,\n", 'line 2, amount: " 1.00" is not'),
        (b"HEAD", "has no payment"),
    ],
)
def test_a_file_that_is_not_such_a_csv_is_refused(
    root: Root, tmp_path: Path, data: bytes, said: str
) -> None:
    file = tmp_path / "payments.csv"
    file.write_bytes(data.replace(b"HEAD", b",".join(c.encode() for c in payments.COLUMNS) + b"\n"))
    ran = books.import_file(root, file)
    assert ran.code == 1
    assert said in ran.err
    assert "B-INTERNAL" not in ran.err


def test_a_byte_order_mark_is_part_of_the_format(root: Root, tmp_path: Path) -> None:
    file = write_csv(tmp_path, "sud,SUD-2026-0001,100.00,2026-12-03,transfer,,")
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert books.import_file(root, file).code == 0


def test_a_path_that_is_not_a_file_is_refused_in_one_line(root: Root, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        ran = books.import_file(root, path)
        assert (ran.code, ran.err.count("\n")) == (1, 1)


# --- stopped anywhere ----------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("command", ["payment", "reversal", "import"])
def test_a_command_killed_at_any_write_and_run_again_gives_the_same_bytes(
    tmp_path: Path, command: str
) -> None:
    file = write_csv(
        tmp_path,
        "sud,SUD-2026-0001,100.00,2026-12-03,transfer,,",
        "nord,NORD-2026-0001,75.80,2026-12-04,card,,",
    )

    start = house.build(tmp_path / "start")
    books.bill(start, "nord", 1, "175.80")
    books.bill(start, "sud", 1, "100.00")
    books.pay(start, "NORD-2026-0001", "100.00")

    def fresh(name: str) -> Root:
        shutil.copytree(start.path, tmp_path / name)
        return Root(tmp_path / name)

    def run(root: Root) -> house.Ran:
        if command == "payment":
            return books.pay(root, "NORD-2026-0001", "75.80", reference="x")
        if command == "reversal":
            return books.reverse(root, "nord/1")
        return books.import_file(root, file)

    whole = fresh("whole")
    assert run(whole).code == 0
    expected = house.tree(whole)
    step, finished = 0, 0
    while True:
        step += 1
        root = fresh(f"root{step}")
        died = books.killed_at(step, lambda root=root: run(root))
        # Once nothing of the run is left, it looks like one that came to its end.
        left = list((root.data / "pending").glob("*/*"))
        complete = house.tree(root) == expected and not left
        again = run(root)
        assert house.tree(root) == expected, f"stopped at write {step}"
        assert again.code == (1 if complete else 0), f"stopped at write {step}: {again.err}"
        finished += "by finishing the run that had stopped" in again.out
        if not died:
            break
    assert step > 20
    assert finished > 5


# --- the interfaces ------------------------------------------------------------------


def test_the_methods_of_the_schema_are_those_that_have_words() -> None:
    schema = json.loads((house.HOME / "schemas/payment.schema.json").read_text())
    assert schema["properties"]["method"]["enum"] == list(payments.METHODS)
    assert sorted(schema["properties"]) == sorted(payments.ALL_COLUMNS)


def test_help_names_the_methods() -> None:
    said = " ".join(record_payment.parser().format_help().split())
    assert f"--method METHOD {', '.join(payments.METHODS)} " in said


def test_free_text_passes_make_and_the_shell_untouched(root: Root) -> None:
    text = """$(shell touch /tmp/x) `id` "q" 'q' \\ #; $$HOME % é"""
    facts = ["CLIENT=nord", "INVOICE=NORD-2026-0001", "AMOUNT=10.00", "DATE=2026-12-03"]
    words = [*facts, "METHOD=cash", f"NOTE={text}", f"TODAY={books.TODAY}"]
    ran = house.make(root, "payment", *words)
    assert ran.code == 0, ran.err
    assert house.records(root, "nord", "payments")[0]["note"] == text
    again = house.make(root, "payment", *words)
    assert (again.code, again.err.count("stands in nord/1")) == (2, 1)
    ran = house.make(
        root, "payment-reverse", "PAYMENT=nord/1", f"REASON={text}", f"TODAY={books.TODAY}"
    )
    assert ran.code == 0, ran.err
    assert house.records(root, "nord", "payments")[1]["reason"] == text


def test_only_the_records_decide_whatever_became_of_the_client_file(root: Root) -> None:
    (root.clients / "nord.json").unlink()
    with mock.patch.dict(os.environ, NOTE=""):
        assert books.pay(root, "NORD-2026-0001", "175.80").code == 0
