"""The CSV of banks: in the form that issuer.json says, by the name that was typed, or refused."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import house
import statement_files
from lib.bank import bank_csv, statements
from lib.bank.statements import BankMovement, StatementError
from lib.core.root import Root
from lib.inputs import bank_files
from statement_files import CSV, FOOT, FORM, HEAD, ROWS, SAMPLES, read, reasons

IBAN = "FR7630006000011234567890189"


def with_banks(root: Root, banks: dict[str, Any]) -> Root:
    house.write(root, "issuer.json", house.issuer({"bank_files": banks}))
    return root


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return with_banks(statement_files.build(tmp_path / "root"), {"ma_banque": FORM})


def handed(tmp_path: Path, text: str, encoding: str = "cp1252") -> Path:
    file = tmp_path / "releve.csv"
    file.write_bytes(text.encode(encoding))
    return file


def movements(text: str, form: dict[str, Any], encoding: str = "cp1252") -> list[BankMovement]:
    found = bank_csv.read(text.encode(encoding), bank_files.form(form), "ma_banque")
    return statements.check(found)


def test_a_csv_in_the_form_that_was_said(root: Root, tmp_path: Path) -> None:
    found = read(root, handed(tmp_path, CSV), bank="ma_banque")
    rows = [(row["invoice"], row["amount"], row["date"], row["note"]) for row in found.proposed]
    assert rows[0] == ("NORD-2026-0001", "76.80", "2026-12-03", "bank reference A1")
    assert len(rows) + len(found.review) == 3
    assert reasons(found)[-1] == ("line 8", "names no invoice of ours", "")
    assert "165.94 EUR came in, of which" in found.out
    assert {row["account"] for row in found.review} == {"ma_banque"}
    newest_first = HEAD + "".join(f"{row}\n" for row in ROWS[::-1]) + FOOT
    assert len(read(root, handed(tmp_path, newest_first), bank="ma_banque").proposed) == len(rows)


def test_make_takes_the_bank(root: Root, tmp_path: Path) -> None:
    ran = house.make(root, "statement", f"FILE={handed(tmp_path, CSV)}", "BANK=ma_banque")
    assert (ran.code, ran.err) == (0, "")
    assert "4 movements" in ran.out


@pytest.mark.parametrize(
    ("banks", "remedy"),
    [
        ({"ma_banque": FORM, "cic": {"preset": "cic"}}, "whose it is: BANK=ma_banque, BANK=cic"),
        ({}, "say its form in bank_files of issuer.json (docs/statements.md)"),
    ],
)  # fmt: skip
def test_a_csv_without_its_bank_is_refused_with_the_banks_there_are(
    root: Root, tmp_path: Path, banks: dict[str, Any], remedy: str
) -> None:
    with_banks(root, banks)
    ran = house.call("read_statement", root, file=str(handed(tmp_path, CSV)))
    assert (ran.code, ran.out) == (1, "")
    assert "does not say what it is" in ran.err
    assert remedy in ran.err
    ran = house.call("read_statement", root, file=str(handed(tmp_path, "%PDF-1.7")))
    assert (ran.code, "is a PDF, not a statement; download it as" in ran.err) == (1, True)


def test_a_bank_that_is_not_configured_is_wrong_usage(root: Root, tmp_path: Path) -> None:
    ran = house.call("read_statement", root, file=str(handed(tmp_path, CSV)), bank="bnp")
    assert (ran.code, ran.out) == (2, "")
    assert 'BANK: "bnp" is not in bank_files of issuer.json, which has ma_banque' in ran.err


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("Montant;R", "Amount;R", "line 3: has the columns Date, Valeur, Libellé, Détail, Tiers, "),
        ("Montant;R", "Amount;R", "expected each of Montant once"),
        ("\n\nDate", "\n\nx\nDate", 'line 3: is "x"; expected each of'),
        ("\n\nDate", "\n\nx\nDate", "the header is on line 4: write skip_head 3 in bank_files"),
        ("Tiers", "Date", "expected each of Tiers, Date once"),
        (";", ",", "expected each of"),
        ("03/12/2026;VIR", "3/12/2026;VIR", 'line 4: Valeur "3/12/2026" is not a date; expe'),
        ("05/12/2026;05", "31/11/2026;05", 'line 8: Date "31/11/2026" is not a date'),
        ("-450,00", "-450.00", 'line 5: Montant "-450.00" is not an amount; expected -1 234,50'),
        ("-450,00", "(450,00)", 'line 5: Montant "(450,00)" is not an amount'),
        ("-450,00", "", 'line 5: Montant "" is not an amount'),
        ("1 076,80", "1 07 6,80", 'line 4: Solde "1 07 6,80" is not an amount'),
        ("-450,00", "-440,00", "line 5: the balance does not follow from the amounts"),
        ("626,80", "636,80", "the balance does not follow from the amounts and"),
        (";A2;", ";A2;;", "line 5: has 9 cells; expected 8"),
        (";A2;626,80", ";A2", "line 5: has 7 cells; expected 8"),
        ("Total;;;;;-296,40;;\n", "", "line 8: is an entry, but skip_foot leaves it out"),
        ("Compte;3", ROWS[0] + "\nC;3", "line 1: is an entry, but skip_head leaves it out"),
        ('merci"', "merci", "line 8: is not CSV"),
        ("é", "Ã©", "is encoded in UTF-8; bank_files says windows-1252"),
    ],
)  # fmt: skip
def test_a_csv_that_is_not_in_its_form_is_refused_whole(
    root: Root, tmp_path: Path, old: str, new: str, fault: str
) -> None:
    before = house.tree(root)
    file = handed(tmp_path, CSV.replace(old, new) if old in ";é" else CSV.replace(old, new, 1))
    ran = house.call("read_statement", root, file=str(file), bank="ma_banque")
    assert (ran.code, ran.out, house.tree(root)) == (1, "", before)
    assert fault in ran.err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_encoding_that_was_not_said_is_refused(encoding: str) -> None:
    with pytest.raises(StatementError, match=r"UTF-8|expected each of|bank_files says"):
        movements(CSV, FORM, encoding)
    said = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    assert len(movements(CSV, FORM | {"encoding": said}, encoding)) == 4


def two_columns(**more: Any) -> dict[str, Any]:
    columns = {"date": "Date", "label": ["Texte"], "debit": "Débit", "credit": "Crédit"}
    return FORM | {"skip_head": 0, "skip_foot": 0, "columns": columns} | more


@pytest.mark.parametrize(
    ("row", "negative", "amount"),
    [
        ("x;12,34;", False, "-12.34"),
        ("x;-12,34;", True, "-12.34"),
        ("x;;12,34", False, "12.34"),
        ("x;;+12,34", True, "12.34"),
        ("x;0,00;12,34", False, "12.34"),
        ("x;12,34;0,00", False, "-12.34"),
        ("x;0,00;0,00", False, "0.00"),
        ("x;12,34;;;", False, "-12.34"),
        ("x;;1\u202f234,5", False, "1234.50"),
        ("x;-12,34;", False, "has a minus sign; bank_files says debit_is_negative false"),
        ("x;12,34;", True, "has no minus sign; bank_files says debit_is_negative true"),
        ("x;;-12,34", False, "has a minus sign; expected none"),
        ("x;1,00;1,00", False, "stands beside an amount that came in"),
        ("x;;", False, "has neither Débit nor Crédit"),
    ],
)
def test_amounts_in_two_columns(row: str, negative: bool, amount: str) -> None:
    text = f"Date;Texte;Débit;Crédit\n03/12/2026;{row}\n"
    form = two_columns(debit_is_negative=negative, encoding="utf-8")
    if amount[-1].isdigit():
        assert [str(statements.signed(one)) for one in movements(text, form, "utf-8")] == [amount]
    else:
        with pytest.raises(StatementError, match=amount):
            movements(text, form, "utf-8")


@pytest.mark.parametrize(
    ("row", "amount"),
    [("C;12,34", "12.34"), ("D;12,34", "-12.34"), ("X;1,00", "says no direction; expected C or D"),
     ("D;-1,00", "has a sign beside the sign column")],
)  # fmt: skip
def test_a_sign_column_and_columns_by_number(row: str, amount: str) -> None:
    columns = {"date": "1", "label": ["2"], "sign": "3", "amount": "4"}
    form = FORM | {"skip_head": 0, "skip_foot": 0, "header": False, "columns": columns}
    form["signs"] = {"credit": "C", "debit": "D"}
    text = f"03/12/2026;x;{row}\n"
    if amount[-1].isdigit():
        assert [str(statements.signed(one)) for one in movements(text, form)] == [amount]
    else:
        with pytest.raises(StatementError, match=amount):
            movements(text, form)


@pytest.mark.parametrize(
    ("cell", "amount"),
    [("76,80 €", "76.80"), ("-76,80\u00a0€", "-76.80"), ("€76,80", "76.80"), ("-€ 76,80", "-76.80"),
     ("€-76,80", "-76.80"), ("76,80 EUR", "76.80"), ("EUR 1 076,80", "1076.80"), ("€ 76", "76.0"),
     ("$76,80", "is not an amount"), ("76,80 USD", "is not an amount"), ("€", "is not an amount"),
     ("1,234", "is not an amount"), ("76,8000", "76.8000")],
)  # fmt: skip
def test_an_amount_may_have_the_sign_of_its_currency(cell: str, amount: str) -> None:
    form = house.changed(FORM, {"skip_head": 0, "skip_foot": 0, "encoding": "utf-8"})
    form["columns"] = {"date": "Date", "label": ["Texte"], "amount": "Montant"}
    text = f"Date;Texte;Montant\n03/12/2026;x;{cell}\n"
    if amount[-1].isdigit():
        assert [str(statements.signed(one)) for one in movements(text, form, "utf-8")] == [amount]
    else:
        with pytest.raises(StatementError, match=amount):
            movements(text, form, "utf-8")


def test_what_a_status_column_does_not_say_is_booked_is_for_a_person(
    root: Root, tmp_path: Path
) -> None:
    columns = {"date": "Day", "label": ["Text"], "amount": "Amount", "status": "State"}
    columns["balance"] = "Balance"
    form = FORM | {"skip_head": 0, "skip_foot": 0, "columns": columns, "booked": ["COMPLETED"]}
    with_banks(root, {"neo": form})
    text = (
        "Day;Text;Amount;State;Balance\n"
        "03/12/2026;NORD-2026-0001;76,80;COMPLETED;176,80\n"
        "03/12/2026;SUD-2026-0001;76,80;PENDING;\n"
        "03/12/2026;EST-2026-0001;76,80;declined;176,80\n"
        "04/12/2026;card;-6,80;DECLINED;176,80\n"
        "05/12/2026;card;-6,80;COMPLETED;170,00\n"
    )
    found = read(root, handed(tmp_path, text), bank="neo")
    assert [row["invoice"] for row in found.proposed] == ["NORD-2026-0001"]
    assert reasons(found) == [
        ("line 3", "is not booked (PENDING)", "SUD-2026-0001"),
        ("line 4", "is not booked (declined)", "EST-2026-0001"),
    ]
    assert "230.40 EUR came in, of which 76.80 proposed, 153.60 to review" in found.out
    with_banks(root, {"neo": house.changed(form, {"booked": None})})
    assert "a status column and its words" in house.call("check_inputs", root).err


# Rows as these banks were seen to write them, invented.
EXPORTS = {
    "banque_populaire": (
        "Date de comptabilisation;Libelle simplifie;Libelle operation;Reference;Informations"
        " complementaires;Type operation;Categorie;Sous categorie;Debit;Credit;Date operation;"
        "Date de valeur;Pointage operation\n"
        "01/03/2026;EPICERIE;CB EPICERIE;R1;;Carte;A;B;-50,10;;01/03/2026;01/03/2026;0\n"
        "02/03/2026;NORD;VIR NORD;R2;;Virement;A;B;;+1 800,00;01/03/2026;02/03/2026;0\n",
        ["-50.10", "1800.00"],
    ),
    "boursobank": (
        "\ufeffdateOp;dateVal;label;category;categoryParent;supplierFound;amount;comment;"
        "accountNum;accountLabel;accountbalance\n"
        '2026-02-09;2026-02-09;"VIR SEPA";"Virements";"Virements";"x";-568,13;;001;Compte;37.29\n'
        '2026-02-03;2026-02-03;"VIR NORD";"Virements";"Vir.";"x";1 718,70;;001;Compte;605.42\n',
        ["-568.13", "1718.70"],
    ),
    "cic": (
        "Date d'opération,Date de valeur,Montant,Libellé,Solde\n"
        "04/10/2026,04/10/2026,1584.00,VIR NORD,19261.85\n"
        "05/10/2026,05/10/2026,-4.00,PRLV,19257.85\n",
        ["1584.00", "-4.00"],
    ),
    "credit_agricole": (
        "\nTéléchargement du 19/12/2026;\n\n  \nM. NORD\nCCHQ no 1;\nSolde au 18/12/26 : 1,00 EUR\n"
        "\nListe des opérations;\n\nDate;Libellé;Débit Euros;Crédit Euros;\n"
        '18/12/2026;"CARTE \nNORD\n";3,18;\n18/12/2026;"REMISE \nCHEQUE\n";;1 030,13;\n',
        ["-3.18", "1030.13"],
    ),
    "credit_mutuel": (
        "Date;Date de valeur;Débit;Crédit;Libellé;Solde\n"
        "09/07/2026;09/07/2026;-45,67;;PRLV;1234,56\n08/07/2026;08/07/2026;;2500,00;VIR;1280,23\n",
        ["-45.67", "2500.00"],
    ),
    "societe_generale": (
        '="0001";15/09/2026;01/10/2026;2;01/10/2026;1842,37 EUR\n\n'
        "Date de l'opération;Libellé;Détail de l'écriture;Montant de l'opération;Devise\n"
        "16/09/2026;CARTE;CARTE NORD ;-4,30;EUR\n17/09/2026;VIR;VIR DE: SUD ;2,99;EUR\n",
        ["-4.30", "2.99"],
    ),
    "societe_generale_2019": (
        '="0001";17/05/2026;16/11/2026;\n'
        "date_comptabilisation;libellé_complet_operation;montant_operation;devise;\n"
        "15/11/2026;CARTE NORD ;-14,90;EUR;\n13/11/2026;VIR RECU ;2188,28;EUR;\n",
        ["-14.90", "2188.28"],
    ),
}


@pytest.mark.parametrize("name", sorted(bank_files.presets()))
def test_every_preset_reads_what_its_bank_was_seen_to_write(name: str) -> None:
    text, amounts = EXPORTS[name]
    preset = bank_files.presets()[name]
    assert preset["source"].startswith("https://")
    assert preset["looked_up"] == "2026-11-29"
    found = movements(text, {"preset": name}, preset["form"]["encoding"])
    assert [str(statements.signed(one)) for one in found] == amounts
    with pytest.raises(StatementError):
        movements(text.replace("\n1", "\nx", 1).replace("\n0", "\nx", 1).replace("\n2", "\nx", 1),
                  {"preset": name}, preset["form"]["encoding"])  # fmt: skip


CENTS = st.integers(-9_999_999_99, 9_999_999_99).map(lambda cents: Decimal(cents).scaleb(-2))
TEXT = st.sampled_from(["Nord", 'dit "Sud"', "a;b", "deux\nlignes", "", "x"])


def written(amounts: list[Decimal], texts: list[str], upwards: bool) -> str:
    """A file with balances, oldest first or newest first."""
    rows, balance = [], Decimal("100.00")
    for amount, text in zip(amounts, texts, strict=True):
        balance += amount
        said = f"{amount:,}".replace(",", " ").replace(".", ",")
        cell = '"' + text.replace('"', '""') + '"'
        rows.append(f"03/12/2026;;{cell};;;{said};;{balance}".replace(".", ",") + "\n")
    return HEAD + "".join(rows[::-1] if upwards else rows) + FOOT


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CENTS, TEXT), min_size=1, max_size=6), st.booleans())
def test_what_a_csv_holds_is_read(rows: list[tuple[Decimal, str]], upwards: bool) -> None:
    amounts, texts = [row[0] for row in rows], [row[1] for row in rows]
    found = movements(written(amounts, texts, upwards), FORM)
    signed = [statements.signed(one) for one in found]
    assert signed == (amounts[::-1] if upwards else amounts)
    words = [" ".join(text.split()) for text in texts]
    assert [one.text for one in found] == (words[::-1] if upwards else words)


@settings(max_examples=60, deadline=None)
@given(st.lists(CENTS, min_size=3, max_size=6), st.booleans(), st.data())
def test_a_line_that_is_missing_or_changed_contradicts_the_balances(
    amounts: list[Decimal], upwards: bool, data: st.DataObject
) -> None:
    lines = written(amounts, ["x"] * len(amounts), upwards).splitlines(keepends=True)
    at = data.draw(st.integers(4, len(lines) - 3))
    middle = amounts[::-1][at - 3] if upwards else amounts[at - 3]
    if not middle:
        return
    changed = lines[at].replace(";;x", ";;x").split(";")
    changed[5] = "1,00" if middle != 1 else "2,00"
    for other in ([], [";".join(changed)]):
        with pytest.raises(StatementError):
            movements("".join([*lines[:at], *other, *lines[at + 1 :]]), FORM)


def test_a_foot_is_no_part_of_an_entry_and_no_text_holds_one() -> None:
    for cut in (len("05/1"), len("05/12/2026;"), len("05/12/2026;05/12/2026;VIR SEPA;acompte;C")):
        with pytest.raises(StatementError, match="the beginning of an entry"):
            movements(HEAD + "\n".join(ROWS[:3]) + "\n" + ROWS[3][:cut], FORM)
    assert len(movements(CSV.rstrip("\n"), FORM)) == len(ROWS)
    first, last = ROWS[2].split("\n")
    swallowed = "\n".join((*ROWS[:2], first, ROWS[3].replace("715,94", ""), last))
    with pytest.raises(StatementError, match="line 7: is an entry, but stands in a text"):
        movements(f"{HEAD}{swallowed}\n{FOOT}", FORM)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=30), st.integers(0), st.booleans())
def test_no_byte_leads_to_anything_but_a_refusal(noise: bytes, where: int, cut: bool) -> None:
    whole = CSV.encode("cp1252")
    at = where % len(whole)
    rest = b"" if cut else whole[at + len(noise) :]
    try:
        found = bank_csv.read(whole[:at] + noise + rest, bank_files.form(FORM), "x")
        assert len(statements.check(found)) <= 4
    except StatementError as error:
        assert all(fault.text for fault in error.faults)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"encoding": None}, "bank_files.ma_banque: has no encoding"),
        ({"columns.amount": None}, "columns: names neither one column of amounts nor two"),
        ({"columns.debit": "Débit"}, "columns: names neither one column of amounts nor two"),
        ({"columns.sign": "Sens"}, "columns.sign: a sign column, its words (signs)"),
        ({"header": False}, '"Date" is not the number of a column'),
        ({"thousands": ","}, "thousands: is the decimal sign too"),
        ({"date_format": "D/M/Y"}, "date_format"),
        ({"preset": "my_bank"}, "preset"),
        ({"skip": 3}, "skip"),
    ],
)
def test_a_form_that_says_too_little_or_too_much_is_refused(
    root: Root, changes: dict[str, Any], fault: str
) -> None:
    with_banks(root, {"ma_banque": house.changed(FORM, changes)})
    ran = house.call("check_inputs", root)
    assert ran.code == 1
    assert fault in ran.err


def test_what_stands_beside_a_preset_takes_the_place_of_its_own(root: Root) -> None:
    form = bank_files.form({"preset": "credit_agricole", "skip_head": 7, "iban": IBAN})
    assert (form.skip_head, form.iban, form.decimal) == (7, IBAN, ",")
    with_banks(root, {"ca": {"preset": "credit_agricole", "skip_head": 7}, "other": {"iban": IBAN}})
    assert house.call("check_inputs", root).code == 0


# --- whose account it is --------------------------------------------------------------


@pytest.mark.parametrize(
    ("account", "ours"),
    [
        (IBAN, True),
        ("30006000011234567890189", True),
        ("300060000112345678901", True),
        ("12345678901", True),
        ("30006/00001/12345678901", True),
        ("FR76 3000 6000 0112 3456 7890 189", True),
        ("FR1420041010050500013M02606", False),
        ("12345678902", False),
        ("000123456", False),
    ],
)
def test_whether_an_account_is_that_of_an_iban(account: str, ours: bool) -> None:
    assert statements.is_account(account, IBAN) == ours


def test_a_statement_of_another_account_says_so(root: Root, tmp_path: Path) -> None:
    bank = house.issuer({"bank": {"iban": IBAN}})
    house.write(root, "issuer.json", bank)
    out = read(root, SAMPLES / "camt053_08_six.xml").out
    assert "account 000123456 is neither bank.iban nor an iban of bank_files" in out
    assert "neither bank.iban" not in read(root, SAMPLES / "cfonb_120.txt").out
    house.write(root, "issuer.json", {**bank, "bank_files": {"ma_banque": {"iban": IBAN}}})
    assert "neither bank.iban" not in read(root, SAMPLES / "mt940_de.sta").out
