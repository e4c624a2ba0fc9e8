"""A statement of account: its balance computed another way, and what its pages say."""

import io
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import house
import past
import screen_reader
import test_matching
from lib.accounting import ledgers
from lib.accounting.bookkeeping import FiscalYear
from lib.books import balances, client_accounts
from lib.books.records import Record
from lib.core.root import Root
from lib.documents import qr_code
from lib.values import payment_code

SERVICES = ("services", "20.00", 100_000, 20_000)
ACCOUNT = {"client": "nord", "today": "2026-11-30"}


def invoice(i: int, day: str, due: str) -> Record:
    return past.bill("nord", f"NORD-{day[:4]}-{i:04d}", day, SERVICES, due_date=due)


def laid(folder: Path, *facts: Record, **changes: Any) -> Root:
    root = house.build(folder / "root", house.client("nord", changes))
    past.lay(root, *facts)
    return root


def pdf_of(root: Root, day: str = "2026-11-30") -> bytes:
    return (root.path / f"exports/accounts/nord-{day}.pdf").read_bytes()


def text_of(data: bytes) -> str:
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]
    return plain("\n".join(pages))


def plain(text: str) -> str:
    return " ".join(text.split())


def rows_of(data: bytes) -> list[list[list[str]]]:
    """The cells of each table, as they are read aloud."""
    tables = screen_reader.read(data).all("Table")
    return [[[cell.text for cell in row.kids] for row in table.kids[1:]] for table in tables]


# --- the balance -----------------------------------------------------------------------


def changes_of(facts: list[Record]) -> list[tuple[str, int]]:
    """What each record of one client changes of its balance, with its day, by what it says."""
    moves = [fact for fact in facts if "number" not in fact]
    signs = {"invoice": 1, "credit_note": -1, "payment": -1, "refund": 1, "write_off": -1}
    found = []
    for fact in facts:
        original, sign = fact, 1
        if fact["kind"] == "reversal":
            original, sign = moves[fact["reverses"] - 1], -1
        sign *= signs[original["kind"]] * (-1 if original.get("cause") == "surplus" else 1)
        amount = original.get("gross") or original["amount"]
        found.append((fact.get("issue_date") or fact["date"], sign * int(amount.replace(".", ""))))
    return found


days = st.dates(past.FIRST - timedelta(20), past.LAST + timedelta(400))


@given(
    st.one_of(past.past(("nord",)), past.order().map(lambda order: order.facts)),
    st.tuples(days, days, days).map(sorted),
)
@settings(max_examples=60, deadline=None)
def test_a_balance_is_what_the_records_come_to_day_by_day(facts, between):
    start, middle, end = between
    own = past.histories_of(facts)
    whole = client_accounts.of_client(own, start, end)
    changes = changes_of(facts)
    assert whole.opening == sum(amount for day, amount in changes if day < str(start))
    assert sorted((entry.date, entry.amount) for entry in whole.entries) == sorted(
        (day, amount) for day, amount in changes if str(start) <= day <= str(end)
    )
    balance = whole.opening
    for entry in whole.entries:
        balance += entry.amount
        assert entry.balance == balance
    assert [entry.date for entry in whole.entries] == sorted(entry.date for entry in whole.entries)
    # What a period ends with is what the next one begins with.
    later = client_accounts.of_client(own, middle + timedelta(1), end + timedelta(1))
    assert client_accounts.of_client(own, start, middle).closing == later.opening
    # What is outstanding of each document, and of all by age, is the same sum.
    assert sum(item.outstanding for item in whole.items) == sum(whole.ages) == whole.closing
    # So is what ledgers have of the client, which are made of what is posted.
    of_past = ledgers.ledger_of(FiscalYear("2020-01-01", str(end)), [own])
    receivable = [
        amount
        for account, amount in of_past.closing.items()
        if account.startswith(ledgers.RECEIVABLE)
    ]
    assert sum(receivable) == whole.closing


def test_ages_are_counted_from_the_due_date():
    due = [date(2026, 11, 30) - timedelta(days) for days in (-1, 0, 1, 30, 31, 60, 61, 90, 91)]
    facts = [invoice(i, "2026-06-01", str(day)) for i, day in enumerate(due, 1)]
    account = client_accounts.of_client(
        past.histories_of(facts), date(2026, 1, 1), date(2026, 11, 30)
    )
    assert account.ages == [240_000, 240_000, 240_000, 240_000, 120_000, 0]
    assert account.late == 7 * 120_000


# --- through the commands ----------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """Of the year before 400.00 is open; of this one an invoice that is not due, and one late."""
    credited = ("services", "20.00", 10_000, 2_000)
    note = past.bill("nord", "NORD-2026-0002", "2026-02-20", credited, corrects="NORD-2026-0001")
    payment = past.money("nord", "NORD-2025-0001", "2025-12-20", 80_000)
    bounced = past.money("nord", "NORD-2026-0001", "2026-03-02", 120_000, method="cheque")
    return laid(
        tmp_path,
        invoice(1, "2025-11-10", "2025-12-10"),
        invoice(1, "2026-02-10", "2026-03-10"),
        note,
        invoice(3, "2026-11-10", "2026-12-10"),
        payment,
        bounced,
        past.reversal(bounced, 2, "2026-03-05"),
        past.lost("nord", "NORD-2026-0001", "2026-04-01", 1_000, "bank_charge"),
    )


def test_a_statement_says_what_happened_and_what_is_owed(root):
    ran = house.make(root, "--no-print-directory", "account", "CLIENT=nord", "TODAY=2026-11-30")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "exports/accounts/nord-2026-11-30.pdf\n"
        "nord: balance 2670.00 EUR on 2026-11-30, of which 1470.00 late\n"
    )
    data = pdf_of(root)
    entries, items, ages = rows_of(data)
    assert entries == [
        ["1er janvier 2026", "Solde d’ouverture", "", "", "", "400,00"],
        ["10 février 2026", "Facture", "NORD-2026-0001", "1 200,00", "", "1 600,00"],
        ["20 février 2026", "Avoir", "NORD-2026-0002", "", "120,00", "1 480,00"],
        ["2 mars 2026", "Règlement (chèque)", "NORD-2026-0001", "", "1 200,00", "280,00"],
        ["5 mars 2026", "Règlement annulé (chèque)", "NORD-2026-0001", "1 200,00", "", "1 480,00"],
        ["1er avril 2026", "Frais bancaires", "NORD-2026-0001", "", "10,00", "1 470,00"],
        ["10 novembre 2026", "Facture", "NORD-2026-0003", "1 200,00", "", "2 670,00"],
        ["30 novembre 2026", "Solde", "", "3 600,00", "1 330,00", "2 670,00"],
    ]
    assert items == [
        [number, issued, due, late, "1 200,00", rest]
        for number, issued, due, late, rest in (
            ("NORD-2025-0001", "10 novembre 2025", "10 décembre 2025", "355 jours", "400,00"),
            ("NORD-2026-0001", "10 février 2026", "10 mars 2026", "265 jours", "1 070,00"),
            ("NORD-2026-0003", "10 novembre 2026", "10 décembre 2026", "non échu", "1 200,00"),
        )
    ] + [["Total", "", "", "", "", "2 670,00"]]
    figures = ["1 200,00", "0,00", "0,00", "0,00", "1 470,00", "2 670,00"]
    assert ages == [["Reste à payer", *figures]], "a figure is not the heading of its row"
    found = screen_reader.read(data)
    said = " ".join(found.said())
    places = [said.index(text) for text in (
        "RELEVÉ DE COMPTE au 30 novembre 2026", "Client nord", "Opérations", "Solde d’ouverture",
        "Reste à payer par pièce", "Ancienneté du solde", "Pour solder le compte",
    )]  # fmt: skip
    assert places == sorted(places)
    (code,) = found.all("Figure")
    assert plain(code.alt).startswith("Code QR du virement : 2 670,00 € à Atelier du Nord")
    # The balances of the house and of the books are the same.
    assert house.call("reconcile", root).code == 0
    totals = json.loads((root.data / "balance/nord.json").read_text())["totals"]
    assert Decimal(totals["outstanding"]) - Decimal(totals["overpaid"]) == Decimal("2670.00")
    for year in ("2025", "2026"):
        assert house.call("export_fec", root, year=year).code == 0
    booked = Decimal(0)
    for path in (root.path / "exports/fec").glob("*FEC*.txt"):
        for line in path.read_text().splitlines()[1:]:
            fields = line.split("\t")
            if fields[4].startswith("411"):
                debit, credit = (Decimal(text.replace(",", ".")) for text in fields[11:13])
                booked += debit - credit
    assert booked == Decimal("2670.00")


def test_the_same_records_give_the_same_bytes(root):
    house.call("make_account", root, **ACCOUNT)
    first = pdf_of(root)
    ran = house.call("make_account", root, **ACCOUNT)
    assert "nord-2026-11-30.pdf: as it was" in ran.out and pdf_of(root) == first
    (folder,) = (root.path / "exports").iterdir()
    assert [path.name for path in folder.iterdir()] == ["nord-2026-11-30.pdf"]


def test_a_period_of_the_past_shows_what_was_known_then_and_asks_for_nothing(root):
    options = {**ACCOUNT, "from": "2025-11-01", "date": "2026-03-03"}
    ran = house.call("make_account", root, **options)
    assert "balance 280.00 EUR on 2026-03-03, of which 400.00 late" in ran.out
    data = pdf_of(root, "2026-03-03")
    entries, items, _ = rows_of(data)
    assert entries[0][-1] == "0,00" and len(entries) == 7
    assert [row[-1] for row in items] == ["400,00", "−120,00", "280,00"]
    # The payment bounced since: who paid what this says would pay another sum than is due.
    assert "virement" not in text_of(data).split("Ancienneté")[1]


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ({"date": "2026-12-01"}, 1, "DATE: 2026-12-01 is in the future"),
        ({"from": "2026-12-01"}, 2, "FROM: 2026-12-01 is after 2026-11-30, its last day"),
        ({"client": "sud"}, 2, '"sud" is not a client'),
        ({"client": ""}, 2, "CLIENT"),
    ],
)
def test_what_cannot_be_stated_is_one_line(root, options, code, says):
    ran = house.call("make_account", root, **{**ACCOUNT, **options})
    assert ran.code == code and says in ran.err and len(ran.err.splitlines()) == 1
    assert not (root.path / "exports").exists()


# --- what is to be paid ------------------------------------------------------------------


def asked_of(monkeypatch: pytest.MonkeyPatch, root: Root) -> list[str]:
    """The lines of each payment code of nord's statement."""
    payloads: list[str] = []
    whole = qr_code.of_payment
    monkeypatch.setattr(qr_code, "of_payment", lambda text: (payloads.append(text), whole(text))[1])
    ran = house.call("make_account", root, **ACCOUNT)
    assert (ran.code, ran.err) == (0, "")
    return [line for payload in payloads for line in payload.split("\n")]


def test_one_transfer_settles_all_that_is_outstanding(root, monkeypatch):
    """As the bank statement is read: its text names each invoice, its sum is all of them."""
    lines = asked_of(monkeypatch, root)
    amount, text = Decimal(lines[7].removeprefix("EUR")), lines[-1]
    owed = {
        balance.number.replace("-", "_"): str(balance.outstanding)
        for balance in balances.of_client(balances.read_lines(root, "nord"))
    }
    transfers = [test_matching.transfer(str(amount), text)]
    found = test_matching.matched(transfers, test_matching.books_of(**owed))
    assert not found.review
    assert {each.match.number: each.amount for each in found.proposed} == {
        "NORD-2025-0001": Decimal("400.00"),
        "NORD-2026-0001": Decimal("1070.00"),
        "NORD-2026-0003": Decimal("1200.00"),
    }


def test_one_invoice_is_paid_by_its_own_reference(tmp_path, monkeypatch):
    root = laid(tmp_path, invoice(1, "2026-11-10", "2026-12-10"), language="en")
    lines = asked_of(monkeypatch, root)
    assert lines[7] == "EUR1200.00"
    assert lines[-1] == payment_code.creditor_reference("NORD-2026-0001")
    text = text_of(pdf_of(root))
    assert "STATEMENT OF ACCOUNT as of 30 November 2026" in text
    assert "10 November 2026 Invoice NORD-2026-0001 1,200.00 1,200.00" in text
    assert "To settle the account by one transfer: €1,200.00" in text


def test_no_code_asks_for_what_no_transfer_can_name(tmp_path, monkeypatch):
    many = [invoice(i, "2026-11-10", "2026-12-10") for i in range(1, 41)]
    root = laid(tmp_path, *many)
    assert asked_of(monkeypatch, root) == []
    text = text_of(pdf_of(root))
    assert "Pour solder le compte en un seul virement : 48 000,00 €" in text
    assert "les numéros des factures réglées" in text
    # Rows run on, each once, under headings that are read once.
    entries, items, _ = rows_of(pdf_of(root))
    assert len(entries) == 42 and len(items) == 41
    pages = pypdf.PdfReader(io.BytesIO(pdf_of(root))).pages
    assert len(pages) == 3 and all("Relevé de compte" in page.extract_text() for page in pages[1:])


@pytest.mark.parametrize(
    ("paid", "says"),
    [
        (120_000, "Le compte est soldé : rien ne reste à payer."),
        (150_000, "Solde en votre faveur : 300,00 €."),
    ],
)
def test_who_owes_nothing_is_asked_for_nothing(tmp_path, monkeypatch, paid, says):
    root = laid(
        tmp_path,
        invoice(1, "2026-11-10", "2026-12-10"),
        past.money("nord", "NORD-2026-0001", "2026-11-20", paid),
    )
    assert asked_of(monkeypatch, root) == []
    assert says in text_of(pdf_of(root)) and "IBAN" not in text_of(pdf_of(root))


def test_what_was_paid_too_much_is_taken_off_and_asked_for_without_a_code(tmp_path, monkeypatch):
    root = laid(
        tmp_path,
        invoice(1, "2026-11-10", "2026-12-10"),
        invoice(2, "2026-11-10", "2026-12-10"),
        past.money("nord", "NORD-2026-0001", "2026-11-20", 150_000),
    )
    assert asked_of(monkeypatch, root) == []
    _, items, ages = rows_of(pdf_of(root))
    assert items[0][3:] == ["Trop-perçu", "1 200,00", "−300,00"]
    figures = ["1 200,00", "0,00", "0,00", "0,00", "0,00", "−300,00", "900,00"]
    assert ages == [["Reste à payer", *figures]]


def test_a_client_without_any_document_has_an_account_of_nothing(tmp_path, monkeypatch):
    root = laid(tmp_path)
    assert asked_of(monkeypatch, root) == []
    assert "Le compte est soldé" in text_of(pdf_of(root))


def test_open_invoices_of_the_tool_before_stand_in_it_with_what_was_paid(tmp_path):
    root = laid(tmp_path)
    whole = {
        "client": "nord", "number": "2025/117", "issue_date": "2025-10-01",
        "due_date": "2025-10-31", "currency": "EUR", "gross": "1200.00", "nature": "services",
        "vat_category": "S", "vat_rate": "20", "net": "1000.00", "vat": "200.00",
        "paid": "2025-10-20 200.00", "reference": "", "pdf": "",
    }  # fmt: skip
    file = tmp_path / "opening.csv"
    file.write_text(f"{','.join(whole)}\n{','.join(whole.values())}\n")
    ran = house.call("import_openings", root, file=str(file), today="2026-11-01")
    assert ran.code == 0, ran
    house.call("make_account", root, **ACCOUNT, **{"from": "2025-10-01"})
    entries, items, _ = rows_of(pdf_of(root))
    assert [row[1:] for row in entries[1:3]] == [
        ["Facture", "2025/117", "1 200,00", "", "1 200,00"],
        ["Règlement", "2025/117", "", "200,00", "1 000,00"],
    ]
    assert items[0][0] == "2025/117" and items[0][-1] == "1 000,00"


def test_the_pages_have_the_colour_and_name_of_the_seller(tmp_path):
    root = laid(tmp_path, invoice(1, "2026-11-10", "2026-12-10"))
    changes = {"colour": "#8a1c4a", "party.trade_name": "Atelier Rose"}
    house.write(root, "issuer.json", house.issuer(changes))
    house.call("make_account", root, **ACCOUNT)
    assert "Atelier Rose" in text_of(pdf_of(root))
    content = pypdf.PdfReader(io.BytesIO(pdf_of(root))).pages[0].get_contents()
    assert content is not None
    assert b"0.541 0.11 0.29 rg" in content.get_data()


def test_where_goods_are_delivered_is_not_on_it(tmp_path):
    place = {"lines": ["ZA des Prés"], "postcode": "35000", "city": "Rennes", "country": "FR"}
    root = house.build(tmp_path, house.client(changes={"party.delivery_address": place}))
    assert house.month(root).code == 0
    assert house.call("make_account", root, client="nord", today="2026-12-31").code == 0
    data = (root.path / "exports/accounts/nord-2026-12-31.pdf").read_bytes()
    assert "76,80" in text_of(data) and "ZA des Prés" not in text_of(data)


def test_documents_are_called_what_their_pages_call_them(tmp_path):
    half = ("services", "20.00", 50_000, 10_000)
    number = "NORD-2026-0001"
    deposit = past.bill("nord", number, "2026-10-01", half, type="386", order="site")
    off = [{"number": number, "breakdown": deposit["breakdown"]}]
    final = past.bill("nord", "NORD-2026-0002", "2026-11-01", half, order="site", deposits=off)
    root = laid(tmp_path, deposit, final)
    house.call("make_account", root, **ACCOUNT)
    entries, items, _ = rows_of(pdf_of(root))
    assert [row[1] for row in entries[1:3]] == ["Facture d’acompte", "Facture de solde"]
    # Without a due date nothing is late.
    assert [row[3] for row in items[:2]] == ["non échu", "non échu"]
