"""A remedy taken literally is right: it fits, and it means what was written."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from babel import Locale
from babel.dates import format_date
from hypothesis import given, settings
from hypothesis import strategies as st

import batches
import house
from lib.core import readings
from lib.inputs import schemas
from lib.values import code_lists

NBSP, NARROW, THIN = "\u00a0", "\u202f", "\u2009"


def meant(name: str, written: str) -> list[str] | None:
    """What is proposed for a value of common.schema.json; None where it is accepted as it is."""
    misfit = schemas.check("common", ("$defs", name))(written)
    if misfit is None:
        return None
    found = [str(value) for value in misfit.meant]
    check = schemas.check("common", ("$defs", name))
    assert [text for text in found if check(text)] == []
    return found


def said(name: str, written: str) -> str:
    """What is said of a value of common.schema.json; nothing where it is accepted."""
    misfit = schemas.check("common", ("$defs", name))(written)
    return misfit.fault("").text if misfit else ""


def literal(text: str) -> list[str]:
    """What a message says to write, as a person would type it."""
    match = re.search(r'write ("[^"]*"(?: or "[^"]*")*)', text)
    return re.findall('"([^"]*)"', match[1]) if match else []


# --- numbers -------------------------------------------------------------------------

NUMBERS = {
    "amount": 2,
    "positive_amount": 2,
    "unit_price": 4,
    "quantity": 4,
    "positive_quantity": 4,
    "percent": 2,
    "vat_rate": 2,
}
MONEY = ("amount", "positive_amount", "unit_price")
RATES = ("percent", "vat_rate")


@st.composite
def written_numbers(draw: Any) -> tuple[str, Decimal, str]:
    """A kind, a number of it, and how somebody writes it."""
    name = draw(st.sampled_from(sorted(NUMBERS)))
    largest = 99 if name in RATES else 999_999_999
    whole = draw(st.one_of(st.integers(1, 99), st.integers(1, largest)))
    decimals = draw(st.text("0123456789", max_size=NUMBERS[name] + 1))
    separators = draw(st.sampled_from(["", " ", NBSP, NARROW, THIN, "'", "’", ".", ","]))
    sign = draw(st.sampled_from([one for one in ".," if one != separators]))
    digits = f"{whole:,}".replace(",", separators) if separators else str(whole)
    text = f"{digits}{sign}{decimals}" if decimals else digits
    marks = ["{}", " {}", "{} ", "+{}"]
    marks += ["{} €", "€{}", "{}€", "{} EUR", f"{{}}{NBSP}€"] if name in MONEY else []
    marks += ["{} %", "{}%", f"{{}}{NARROW}%"] if name in RATES else []
    return name, Decimal(f"{whole}.{decimals or 0}"), draw(st.sampled_from(marks)).format(text)


@given(written_numbers())
@settings(max_examples=600, deadline=None)
def test_a_number_is_proposed_as_what_it_was_or_not_at_all(one):
    name, number, written = one
    found = meant(name, written)
    if found:
        assert number in [Decimal(reading) for reading in found], (written, found)
        assert len({Decimal(reading) for reading in found}) == len(found) <= 2


@pytest.mark.parametrize(
    ("name", "written", "found"),
    [
        ("vat_rate", "5,5 %", ["5.5"]),
        ("vat_rate", "20,000", ["20.00"]),
        ("amount", f"1{NARROW}234,50{NBSP}€", ["1234.50"]),
        ("amount", "12€50", []),
        ("amount", "12 50", []),
        ("amount", "12.50 $", []),
        ("amount", "10 %", []),
        ("amount", "-12,50", []),
        ("amount", "1,234", []),
        ("amount", "12,505", []),
        ("unit_price", "1,234", ["1.234", "1234"]),
        ("quantity", "12 €", []),
        ("quantity", ",5", ["0.5"]),
    ],
)
def test_what_may_be_another_value_is_not_proposed(name, written, found):
    assert meant(name, written) == found


# --- days and months -----------------------------------------------------------------

DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))
WRITTEN_DAYS = (
    *("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"),
    *("%d%m%Y", "%d/%m/%y", "%y-%m-%d", " %Y-%m-%d", "%Y-%m-%dT00:00:00", "%Y-%m-%d 00:00"),
)
WRITTEN_MONTHS = ("%m/%Y", "%m-%Y", "%Y/%m", "%Y%m", "%m.%Y", "%m/%y", "%d/%m/%Y", "%Y-%m-%d")


@given(DAYS, st.sampled_from(WRITTEN_DAYS))
@settings(max_examples=400, deadline=None)
def test_a_day_is_among_its_readings(day, form):
    found = meant("date", day.strftime(form))
    assert found is not None
    assert day.isoformat() in found
    if "y" not in form and "m%d" not in form and "d%m" not in form and day.day > 12:
        assert found == [day.isoformat()]


@given(DAYS, st.sampled_from(["fr_FR", "en_GB", "en_US"]), st.sampled_from(["long", "medium"]))
@settings(max_examples=200, deadline=None)
def test_a_day_with_its_month_in_words_has_one_reading(day, locale, length):
    assert meant("date", format_date(day, length, locale)) == [day.isoformat()]


@given(DAYS, st.sampled_from(WRITTEN_MONTHS))
@settings(max_examples=300, deadline=None)
def test_a_month_is_among_its_readings(day, form):
    found = meant("month", day.strftime(form))
    assert found is not None
    assert f"{day:%Y-%m}" in found


def test_both_readings_of_a_day_are_proposed_and_no_impossible_one():
    assert meant("date", "02/10/2026") == ["2026-10-02", "2026-02-10"]
    assert meant("date", "22/11/2026") == ["2026-11-22"]
    assert meant("date", "31/02/2026") == meant("date", "12345") == meant("date", "2026-10") == []
    assert meant("date", "46297") == ["2026-10-02"], "a date as a spreadsheet counts it"
    assert meant("month", "octobre 2026") == meant("month", "2026-10-31") == ["2026-10"]
    assert meant("month_or_date", "02/10/2026") == ["2026-10-02", "2026-02-10"]
    assert meant("month_or_date", "10/2026") == ["2026-10"]


# --- identifiers and names -----------------------------------------------------------


@given(st.integers(0, 900_000), st.sampled_from([" ", NBSP, NARROW, ".", "-"]))
@settings(max_examples=100, deadline=None)
def test_an_identifier_loses_what_stands_between_its_groups_and_nothing_else(i, mark):
    siren = house.siren(i)
    siret, vat = house.siret(siren), house.vat_number(siren)
    spread = mark.join((siren[:3], siren[3:6], siren[6:]))
    assert meant("siren", spread) == [siren]
    assert meant("siret", f"{spread}{mark}{siret[9:]}") == [siret]
    assert meant("vat_number", f"{vat[:2]}{mark}{vat[2:4]}{mark}{spread}") == [vat]
    assert meant("vat_number", vat.lower()) == [vat]
    assert vat in (meant("vat_number", vat[2:]) or [])
    wrong = siren[:-1] + str((int(siren[-1]) + 1) % 10)
    text = said("siren", f"{wrong[:3]} {wrong[3:]}")
    assert f"in one piece it is {wrong}, and its check digits are wrong; copy its nine" in text
    assert "): its check digits are wrong; copy its nine digits again" in said("siren", wrong)
    assert literal(text) == []


def test_an_iban_a_bic_and_greek_vat_are_proposed_whole():
    bank = ("properties", "bank", "properties")
    iban = schemas.check("seller", ("$defs", *bank[1:], "iban"))
    found = iban("FR76 3000 6000 0112 3456 7890 189")
    assert found is not None and found.meant == ("FR7630006000011234567890189",)
    found = schemas.check("seller", ("$defs", *bank[1:], "bic"))("agri fr pp")
    assert found is not None and found.meant == ("AGRIFRPP",)
    assert meant("vat_number", "GR094259216") == ["EL094259216"]
    assert meant("vat_number", "GR094259217") == []


@given(
    st.sampled_from(sorted(filter(str.isalpha, code_lists.countries()))),
    st.sampled_from(["fr", "en", "de"]),
)
@settings(max_examples=100, deadline=None)
def test_a_country_is_proposed_by_its_name_or_in_small_letters(code, language):
    name = Locale.parse(language).territories.get(code, code.lower())
    for written in (name, name.upper(), code.lower()):
        found = meant("country", written)
        assert found is None or code in found
    assert meant("country", "UK") == ["GB"]


@pytest.mark.parametrize(
    ("name", "written", "found"),
    [
        ("category", "biens", ["goods"]),
        ("category", "Service", ["services"]),
        ("language", "FR", ["fr"]),
        ("currency", "USD", []),
        ("currency", "Euros", ["EUR"]),
        ("unit", "heures", ["HUR"]),
        ("unit", "hur", ["HUR"]),
        ("id", "Atelier Été", ["atelier_ete"]),
        ("code", "nord", ["NORD"]),
        ("email", "Compta <compta@exemple.fr>", ["compta@exemple.fr"]),
        ("text", " Atelier ", ["Atelier"]),
    ],
)
def test_a_word_is_proposed_as_the_one_that_is_known(name, written, found):
    assert meant(name, written) == found


def test_a_payment_is_proposed_by_its_name():
    found = schemas.check("payment_reversal", ("properties", "payment"))("Nord-3")
    assert found is not None and found.meant == ("nord/3",)


def test_no_remedy_has_an_example_for_a_value():
    for kind in readings._FORMS:
        assert not re.search('[0-9]{2}|"', str(readings.form(kind)).replace("MM-DD", ""))
    for name, schema in schemas.content("common")["$defs"].items():
        if schema.get("type") == "string":
            assert literal(said(name, "?!")) == [], name


# --- the same everywhere -------------------------------------------------------------

SLIPS = {
    "amount": ("1 234,50 €", ["1234.50"]),
    "day": ("02/10/2026", ["2026-10-02", "2026-02-10"]),
    "percent": ("5,5 %", ["5.5"]),
    "siren": ("912 345 675", ["912345675"]),
    "country": ("France", ["FR"]),
}


def told(text: str, place: str) -> list[str]:
    """What the message about a place says to write."""
    return literal(next(line for line in text.splitlines() if place in line))


def test_a_remedy_in_a_client_file_says_what_was_meant(tmp_path):
    places = {
        "plans.0.items.1.price": "amount",
        "plans.0.start": "day",
        "plans.0.items.0.vat_rate": "percent",
        "party.siren": "siren",
        "party.address.country": "country",
    }
    wrong = {place: SLIPS[kind][0] for place, kind in places.items()}
    ran = house.call("check_inputs", house.build(tmp_path, house.client(changes=wrong)))
    for place, kind in places.items():
        shown = re.sub(r"\.(\d)", r"[\1]", place)
        assert told(ran.err, f" {shown}: ") == SLIPS[kind][1]


def test_a_remedy_in_a_line_of_a_batch_says_what_was_meant(tmp_path):
    columns = {
        "discount_1": "amount",
        "period_start": "day",
        "vat_rate_1": "percent",
        "customer_siren": "siren",
        "customer_country": "country",
    }
    row = batches.row(**{name: SLIPS[kind][0] for name, kind in columns.items()})
    ran = batches.run(batches.build(tmp_path, batches.file_of(row)))
    for name, kind in columns.items():
        # The file has decimal commas, and the report says so.
        commas = kind in ("amount", "percent")
        right = [one.replace(".", ",") if commas else one for one in SLIPS[kind][1]]
        assert told(ran.err, f", {name}: ") == right


def test_a_remedy_of_payments_says_what_was_meant_typed_or_in_a_file(tmp_path):
    root = house.build(tmp_path / "root")
    file = tmp_path / "payments.csv"
    wrong = {"amount": SLIPS["amount"][0], "date": SLIPS["day"][0], "method": "virement"}
    typed = {"client": "nord", "invoice": "NORD-2026-0001", **wrong}
    file.write_text(
        "client,invoice,amount,date,method,reference,note\n"
        f'nord,NORD-2026-0001,"{wrong["amount"]}",{wrong["date"]},virement,,\n'
    )
    ran = house.call("import_payments", root, file=str(file), today=house.TODAY)
    one = house.call("record_payment", root, **typed, today=house.TODAY)
    right = {
        "amount": SLIPS["amount"][1],
        "date": SLIPS["day"][1],
        "method": ["transfer"],
    }
    for name, found in right.items():
        assert told(ran.err, f", {name}: ") == found
        assert told(one.err, f"{name.upper()}: ") == found


def test_a_payment_for_a_mistyped_number_names_the_open_invoices(tmp_path):
    root = house.build(tmp_path)
    assert house.month(root).code == 0
    typed = {"amount": "76.80", "date": "2026-11-08", "method": "transfer", "today": house.TODAY}
    ran = house.call("record_payment", root, client="nord", invoice="nord-2026-1", **typed)
    found = 'INVOICE: "nord-2026-1" is not an invoice of nord; its open ones are NORD-2026-0001 '
    assert ran.err.startswith(found)


def test_a_remedy_of_options_and_settings_says_what_was_meant(tmp_path):
    root = house.build(tmp_path)
    house.write(
        root,
        ".env",
        b"MAIL_SINCE=02/10/2026\nLOCK_WAIT=5 s\nSMTP_SECURITY=TLS\nCSV_HEADERS=French\n",
    )
    ran = house.call("check_inputs", root)
    assert told(ran.err, "MAIL_SINCE: ") == SLIPS["day"][1]
    assert told(ran.err, "LOCK_WAIT: ") == ["5"]
    assert told(ran.err, "SMTP_SECURITY: ") == ["tls"]
    assert told(ran.err, "CSV_HEADERS: ") == ["fr"]
    options = {"TODAY": "02/10/2026", "ISSUE_DATE": "2/10/2026", "MONTH": "10/2026"}
    for name, written in options.items():
        ran = house.make(root, "status", f"{name}={written}")
        right = ["2026-10"] if name == "MONTH" else SLIPS["day"][1]
        assert (ran.code, told(ran.err, f"{name}: ")) == (2, right)
    ran = house.run("export_revenues", root, month="octobre 2026")
    assert (ran.code, told(ran.err, "MONTH: ")) == (2, ["2026-10"])


def test_the_number_of_an_invoice_is_proposed_where_there_is_such_a_one(tmp_path, monkeypatch):
    root = house.build(tmp_path)
    assert house.month(root).code == 0
    monkeypatch.setenv("REASON", "Erreur")
    for number, found in (("nord 2026 1", ["NORD-2026-0001"]), ("nord 2026 2", [])):
        options = {"invoice": number, "issue_date": house.TODAY, "today": house.TODAY}
        ran = house.call("issue_credit_note", root, **options)
        assert (ran.code, literal(ran.err)) == (1, found)
