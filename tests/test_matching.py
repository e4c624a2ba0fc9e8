"""What a transfer's label may say, and the files of payments from statement to records and back."""

import csv
import io
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import books
import house
from lib.bank import matching, payment_files
from lib.bank.matching import Matched
from lib.bank.statements import BankMovement
from lib.books.payment_rules import Books, Change, Invoice
from lib.core import messages
from lib.core.messages import say
from lib.core.root import Root
from lib.values import payment_code

DAY = date(2026, 12, 3)
RF = payment_code.creditor_reference("NORD-2026-0001")


def transfer(
    amount: str, text: str = "", bank_reference: str = "", place: str = "1"
) -> BankMovement:
    return BankMovement(
        place, "FR76", DAY, Decimal(amount), "EUR", True, False, "transfer", (), text, "",
        bank_reference, None,
    )  # fmt: skip


def books_of(**outstanding: str) -> Books:
    """Invoices by number, `_` for `-`, each with what is to pay of it."""
    invoices = {}
    for name, amount in outstanding.items():
        number = name.replace("_", "-")
        invoices[number] = Invoice(
            "nord", number, date(2026, 11, 8), "EUR", Decimal(amount), (), ()
        )
    return Books({}, invoices, {})


def matched(movements: list[BankMovement], books: Books) -> Matched:
    return matching.match(movements, matching.known([books], movements))


def test_what_was_paid_before_the_move_is_recorded_already_once() -> None:
    books = books_of(F_117="1200.00")
    entered = (Change(DAY, Decimal("700.00"), "F-117"),)
    books.invoices["F-117"] = books.invoices["F-117"]._replace(movements=entered)
    before = transfer("700.00", "acompte f-117")
    for movements, recorded in (
        ([before], 1),
        ([before, before._replace(place="2")], 1),
        ([before._replace(booked=date(2026, 12, 4))], 0),
        ([transfer("700.00", "acompte")], 0),
        ([before._replace(doubt=say("is not booked"))], 0),
    ):
        result = matched(movements, books)
        assert len(result.recorded) == recorded and not result.proposed
        assert len(result.review) == len(movements) - recorded


NORD = {"NORD_2026_0001": "76.80", "NORD_2026_0002": "23.20", "NORD_2026_00011": "76.80"}


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("VIR NORD-2026-0001 MERCI", "number_in_text"),
        ("facture nord-2026-0001", "number_in_text"),
        ("FACT/NORD-2026-0001.", "number_in_text"),
        ("(NORD-2026-0001)", "number_in_text"),
        (f"VIR {RF} OCT", "rf_in_text"),
        (f"{RF[:4]} {RF[4:8]} {RF[8:12]} {RF[12:]} MERCI", "rf_in_text"),
        (f"ref:{RF.lower()};", "rf_in_text"),
        (f"{RF} NORD-2026-0001", "rf_in_text"),
        ("NORD-2026-00012", ""),
        ("XNORD-2026-0001", ""),
        ("NORD-2026-0001-B", ""),
        ("A_NORD-2026-0001", ""),
        ("NORD 2026 0001", ""),
        ("NORD20260001", ""),
        (f"X{RF}", ""),
        (f"{RF}9", ""),
        (RF.replace("RF61", "RF62"), ""),
        ("", ""),
    ],
)
def test_a_label_names_an_invoice_whole_or_not_at_all(text: str, by: str) -> None:
    result = matched([transfer("76.80", text)], books_of(**NORD))
    assert [proposal.match.by for proposal in result.proposed] == [by] * bool(by)
    assert [proposal.match.number for proposal in result.proposed] == ["NORD-2026-0001"] * bool(by)
    assert len(result.review) == (not by)


@pytest.mark.parametrize(
    ("amount", "text", "reason"),
    [
        ("76.79", "NORD-2026-0001", "NORD-2026-0001 has another amount outstanding"),
        ("76.80", "NORD-2026-0001 NORD-2026-0002", "names several invoices"),
        ("99.99", "NORD-2026-0001 NORD-2026-0002", "names several invoices, of which 100.00"),
        ("76.80", "Client nord", "names no invoice of ours"),
    ],
)
def test_what_is_not_equal_to_the_cent_is_for_a_person(amount: str, text: str, reason: str) -> None:
    result = matched([transfer(amount, text)], books_of(**NORD))
    assert not result.proposed
    assert str(result.review[0].reason).startswith(reason)


def test_one_transfer_pays_all_the_invoices_that_it_names() -> None:
    paid = transfer("100.00", "NORD-2026-0001/NORD-2026-0002")
    result = matched([paid, paid._replace(place="2")], books_of(**NORD))
    assert [(one.match.number, str(one.amount)) for one in result.proposed] == [
        ("NORD-2026-0001", "76.80"),
        ("NORD-2026-0002", "23.20"),
    ]
    assert {one.reference for one in result.proposed} == {"NORD-2026-0001 NORD-2026-0002"}
    assert "a second transfer for NORD-2026-0001" in str(result.review[0].reason)


def test_a_short_number_of_the_tool_before_proves_nothing_in_a_text() -> None:
    invoice = Invoice("nord", "148", date(2026, 11, 8), "EUR", Decimal("76.80"), (), ())
    books = Books({}, {"148": invoice}, {})
    assert matched([transfer("76.80", "VIR 148")], books).review
    in_a_field = transfer("76.80")._replace(references=("148",))
    assert matched([in_a_field], books).proposed


WORDS = st.sampled_from(
    ["NORD-2026-0001", "NORD-2026-0002", RF, "VIR", "MERCI", "2026", "RF61", "-", "/", " "]
)


@given(
    st.lists(st.tuples(st.sampled_from(["76.80", "23.20", "100.00"]), st.lists(WORDS)), max_size=6)
)
def test_no_invoice_is_paid_twice_and_no_money_is_lost(
    transfers: list[tuple[str, list[str]]],
) -> None:
    movements = [
        transfer(amount, "".join(words), place=str(i))
        for i, (amount, words) in enumerate(transfers)
    ]
    result = matched(movements, books_of(**NORD))
    numbers = [one.match.number for one in result.proposed]
    assert len(numbers) == len(set(numbers))
    ended = sum((one.amount for one in result.proposed), Decimal(0))
    ended += sum((one.movement.amount for one in result.review), Decimal(0))
    assert ended == sum((one.amount for one in movements), Decimal(0))
    for one in result.proposed:
        text = one.movement.text
        assert one.match.number in text or (one.match.number == "NORD-2026-0001" and RF in text)


# --- from the statement to the records, by way of the review --------------------------

SAMPLE = Path(__file__).parent / "statements" / "camt053_02_sepa.xml"
FRENCH = {"CSV_DIALECT": "fr", "CSV_HEADERS": "fr"}


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """Four clients, each with two invoices of 76.80."""
    root = house.build(tmp_path / "root")
    for client in ("nord", "sud", "est", "ouest"):
        books.bill(root, client, 1, "76.80", day="2026-11-08")
        books.bill(root, client, 2, "76.80", day="2026-12-08", due="2027-01-07")
    return root


def statement(root: Root, **settings: str) -> tuple[Path, Path]:
    """The proposed file and the review of the sample."""
    if settings:
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        (root.path / ".env").write_text(lines)
    ran = house.call("read_statement", root, file=str(SAMPLE))
    assert (ran.code, ran.err) == (0, "")
    folder = root.path / "exports/payments"
    [proposed], [review] = folder.glob("*.proposed.csv"), folder.glob("*.review.csv")
    return proposed, review


def fill_in(review: Path, place: str, client: str, invoice: str, amount: str = "") -> None:
    """Does what a person does in a spreadsheet: client and invoice on the line of a place."""
    text = review.read_text(encoding="utf-8-sig")
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    [row] = [row for row in rows if row[-1] == place]
    row[:2] = [client, invoice]
    row[2] = amount or row[2]
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter).writerows(rows)
    review.write_text(stream.getvalue(), encoding="utf-8-sig")


def test_a_review_that_is_filled_in_is_recorded_and_the_rest_left_alone(root: Root) -> None:
    proposed, review = statement(root)
    assert books.import_file(root, proposed).code == 0
    untouched = books.import_file(root, review)
    assert untouched.code == 1
    assert "nothing to record; write client and invoice on each line that pays one" in untouched.err
    fill_in(review, "statement 1, entry 9", "ouest", "OUEST-2026-0002")
    ran = books.import_file(root, review)
    assert (ran.code, ran.err) == (0, "")
    assert "1 payment recorded" in ran.out
    assert "7 without client and invoice left alone" in ran.out
    last = house.records(root, "ouest", "payments")[-1]
    assert (last["invoice"], last["reference"]) == ("OUEST-2026-0002", "RF67OUEST20260002")
    again = house.call("read_statement", root, file=str(SAMPLE))
    assert "0 proposed" in again.out
    assert "6 recorded already" in again.out  # five transfers were proposed, one of them as two
    assert "entry 9" not in review.read_text()


def test_money_that_names_nothing_is_known_again_by_the_reference_of_the_bank(root: Root) -> None:
    _, review = statement(root)
    place = "statement 1, entry 6, detail 2"
    fill_in(review, place, "sud", "SUD-2026-0001")
    assert books.import_file(root, review, overpayment="yes").code == 0
    house.call("read_statement", root, file=str(SAMPLE))
    assert place not in review.read_text()


def test_money_of_which_the_bank_says_a_text_alone_is_known_again_by_it() -> None:
    text = "VIR SEPA M DUPONT JEAN POUR LE SITE DE NOVEMBRE ET D'OCTOBRE"
    two = [transfer("76.80", text), transfer("76.80", text, place="2")]
    books = books_of(**NORD)
    for times in range(3):
        known = matching.known([books], two)
        reference = matching.reference(two[0], [])
        assert reference == text[:50].strip()
        known.recorded[DAY, reference] = [Decimal("76.80")] * times
        result = matching.match(two, known)
        assert (len(result.recorded), len(result.review)) == (times, 2 - times)


@pytest.mark.parametrize(
    ("place", "client", "invoice", "said"),
    [
        ("statement 1, entry 9", "ouest", "", "invoice"),
        ("statement 1, entry 9", "nord", "OUEST-2026-0002", "is an invoice of ouest, not of nord"),
        (
            "statement 1, entry 10",
            "ouest",
            "OUEST-2026-0002",
            "came in USD, OUEST-2026-0002 is in EUR",
        ),
        (
            "statement 1, entry 13",
            "sud",
            "SUD-2026-0001",
            "-5.00 went out; record it by `make refund`",
        ),
    ],
)
def test_a_review_that_is_filled_in_wrongly_records_nothing(
    root: Root, place: str, client: str, invoice: str, said: str
) -> None:
    _, review = statement(root)
    fill_in(review, place, client, invoice)
    before = house.tree(root)
    ran = books.import_file(root, review)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert house.tree(root) == before


def test_both_files_follow_the_dialect_and_are_read_back(root: Root) -> None:
    proposed, review = statement(root, **FRENCH)
    assert proposed.read_bytes().startswith("\ufeffClient;Facture;Montant;Date;".encode())
    assert "nord;NORD-2026-0001;76,80;2026-12-03;virement;" in proposed.read_text()
    fill_in(review, "statement 1, entry 9", "ouest", "OUEST-2026-0002")
    for file in (proposed, review):
        ran = books.import_file(root, file)
        assert (ran.code, ran.err) == (0, ""), ran
    assert {fact["amount"] for fact in house.records(root, "nord", "payments")} == {"76.80"}
    assert {fact["method"] for fact in house.records(root, "nord", "payments")} == {"transfer"}


@pytest.mark.parametrize(
    ("amount", "day"),
    [("76,8", "03/12/2026"), ("76,80 €", "03/12/26"), ("76,80\u00a0€", "3/12/26")],
)
def test_a_french_spreadsheet_may_have_saved_it(root: Root, amount: str, day: str) -> None:
    """Its dates, its decimals without a last 0, Windows-1252, rows of nothing but semicolons."""
    proposed, _ = statement(root, **FRENCH)
    text = proposed.read_text(encoding="utf-8-sig").replace("76,80", amount) + ";;;;;;;\n"
    text = text.replace("2026-12-03;", f"{day};")
    proposed.write_bytes(text.encode("cp1252"))
    ran = books.import_file(root, proposed)
    assert (ran.code, ran.err) == (0, "")
    assert "read as Windows-1252" in ran.out
    fact = house.records(root, "nord", "payments")[0]
    assert (fact["amount"], fact["date"]) == ("76.80", "2026-12-03")


def test_a_reference_that_a_spreadsheet_rounded_is_refused(root: Root) -> None:
    proposed, _ = statement(root, **FRENCH)
    text = proposed.read_text(encoding="utf-8-sig").replace("RF61NORD20260001", "2,02612E+15")
    proposed.write_text(text, encoding="utf-8")
    ran = books.import_file(root, proposed)
    assert ran.code == 1
    assert "line 2, reference" in ran.err
    assert "rounded" in ran.err


@pytest.mark.conformance
def test_a_reference_of_digits_is_shielded_and_recorded_without_its_shield(
    root: Root, tmp_path: Path
) -> None:
    """LibreOffice writes the file again without changing what is recorded of it."""
    _, review = statement(root, **FRENCH)
    ofx = tmp_path / "digits.ofx"
    sample = Path(__file__).parent / "statements" / "ofx_102.ofx"
    ofx.write_bytes(sample.read_bytes().replace(b"<FITID>A4", b"<FITID>2026120300000001"))
    review.unlink()
    house.call("read_statement", root, file=str(ofx))
    [review] = (root.path / "exports/payments").glob("*.review.csv")
    assert ";'2026120300000001;" in review.read_text()
    saved = tmp_path / "saved"
    french = "59,34,76,1,,1036,false,true"
    office = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile"]
    office += ["--infilter=CSV:59,34,76,1,,1036"]
    office += ["--convert-to", f"csv:Text - txt - csv (StarCalc):{french}"]
    office += ["--outdir", str(saved), str(review)]
    subprocess.run(office, check=True, capture_output=True)
    [again] = saved.iterdir()
    fill_in(again, "statement 1, entry 4", "est", "EST-2026-0001")
    ran = books.import_file(root, again)
    assert (ran.code, ran.err) == (0, ""), ran
    [fact] = house.records(root, "est", "payments")
    assert (fact["reference"], fact["date"]) == ("2026120300000001", "2026-12-04")


@pytest.mark.parametrize("language", messages.languages())
def test_no_two_columns_have_the_same_heading(language: str) -> None:
    headings = messages.words(language)["columns"]
    names = [headings[column.heading or column.name] for column in payment_files.REVIEW]
    assert len(set(names)) == len(names)
