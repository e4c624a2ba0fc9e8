"""The CSV of a batch: its structure, its cells, its specification; thousands of broken ones."""

import importlib.util
import io
import json
import re
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import batches
import house
from lib.billing import batch_cells, batch_files, batch_invoicing, batch_rows
from lib.billing.batch_rows import BatchInvoice
from lib.core import messages
from lib.inputs import batch_client_files, batch_csv, cell_faults, schemas
from lib.inputs.batch_csv import Dialect
from lib.inputs.cell_faults import CellFault

HOME = Path(__file__).parents[1]
DAY = date(2026, 11, 8)
FIL = Dialect(delimiter=";", decimal=",", encoding="utf-8", byte_order_mark=False)


def client_of(changes: dict[str, Any] | None = None) -> batch_client_files.BatchClient:
    value = batches.client(changes)
    return msgspec.convert(value, type=batch_client_files.BatchClient)


def read(
    data: bytes, changes: dict[str, Any] | None = None
) -> list[BatchInvoice | list[CellFault]]:
    """Each line of a file: an invoice, or its faults."""
    client = client_of(changes)
    return list(batch_files.read(io.BytesIO(data), client))


def faults(data: bytes, changes: dict[str, Any] | None = None) -> list[CellFault]:
    return [fault for found in read(data, changes) if isinstance(found, list) for fault in found]


def fault(data: bytes, changes: dict[str, Any] | None = None) -> CellFault:
    (one,) = faults(data, changes)
    assert one.expected and one.remedy
    return one


def fault_of(**cells: str | None) -> CellFault:
    """The one fault of a line with these cells."""
    return fault(batches.file_of(batches.row(**cells)))


def invoice(changes: dict[str, Any] | None = None, **cells: str | None) -> BatchInvoice:
    (one,) = read(batches.file_of(batches.row(**cells)), changes)
    assert isinstance(one, BatchInvoice), one
    return one


# --- structure -----------------------------------------------------------------------

GROUP_PATH = ("$defs", "group", "properties")
HEAD = "reference;period_start;period_end"


def rows_of(text: str | bytes, dialect: Dialect = FIL) -> list[batch_csv.Row]:
    data = text if isinstance(text, bytes) else text.encode(dialect.encoding)
    return list(batch_csv.read(io.BytesIO(data), dialect))


def test_cells_come_out_as_they_were_written():
    (row,) = rows_of('a;"b;b";"say ""no"" ""now""";;"";é;" d "\n')
    assert row.cells == ("a", "b;b", 'say "no" "now"', "", "", "é", " d ")


@pytest.mark.parametrize(
    ("text", "cells"), [("a", 1), ("a;", 2), (";a", 2), (";a;", 3), ('"a;b";', 2), ('"";"x"', 2)]
)
def test_each_delimiter_outside_of_quotes_parts_two_cells(text, cells):
    assert len(rows_of(text)[0].cells) == cells


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_last_line_may_end_without_a_line_break(ending):
    assert rows_of(ending.join(["a;b", "c;d"])) == rows_of(ending.join(["a;b", "c;d", ""]))


@pytest.mark.parametrize(
    "line", ['a;"b', 'a;b"', 'a;"b"c', 'a;""b"', 'a;"b""', 'a;x"y"', 'a;"b" ;c']
)
def test_quotes_that_do_not_stand_around_a_cell_are_refused(line):
    (row,) = rows_of(line)
    assert "quotes stand around a whole cell" in str(row.faults[0].expected)


@pytest.mark.parametrize("cell", ["c\nc", "c\n\nc", 'c ""1""\nc', "c\nc;c"])
def test_a_line_break_in_quotes_is_one_fault_with_the_number_of_its_line(cell):
    head, *broken, last = rows_of(f'a;b\n"{cell}";d\ne;f\n')
    assert [row.line for row in broken if row.faults] == ([2, 3] if ";" in cell else [2])
    assert "line break" in str(broken[0].faults[0].remedy)
    assert head.cells == ("a", "b")
    assert last.cells == ("e", "f")


def test_a_quote_that_is_left_open_hides_no_other_line():
    _, *rows = rows_of('a;b\n5" c;d\n7" e;f\nx;"g\n;h\n')
    assert [(row.line, bool(row.faults)) for row in rows] == [
        (2, True),
        (3, True),
        (4, True),
        (5, False),
    ]


def test_a_line_longer_than_any_is_refused_and_the_next_ones_are_read():
    long, after = rows_of("x" * 500_000 + "\na;b\n")
    assert "at most 65536 bytes" in str(long.faults[0].expected)
    assert (after.line, after.cells) == (2, ("a", "b"))


def longest_of(column: str) -> int:
    """The most characters that the schema lets a cell of a column have."""
    content = schemas.content("batch_row")
    single = column in content["properties"]
    path = ("properties", column) if single else (*GROUP_PATH, column.rpartition("_")[0])
    return int(schemas.resolved("batch_row", path).get("maxLength", 0))


def test_twenty_full_groups_fit_a_line():
    cell = "“" + "é”" * 99 + "”"
    texts = [name for name in batch_cells.columns() if len(cell) <= longest_of(name)]
    assert len(texts) > 60
    text = batches.file_of(dict.fromkeys(texts, cell) | batches.row())
    assert len(text.splitlines()[1]) < batch_csv.LONGEST_LINE


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"a;b\r\nc;d\ne;f\r\n", "all lines end alike"),
        (b"a;b\n\nc;d\n", "this one is empty"),
        (b"a;b\n;\nc;d\n", "this one is empty"),
        (b'a;b\n"";""\nc;d\n', "this one is empty"),
        (b"a;b\nc\0;d\n", "a NUL byte"),
        (b"a;b\nc\t;d\n", "a tab"),
        (b"a;b\nc;d\re;f\n", "a carriage return"),
        (b"a;b\nc\x1b;d\n", "U+001B"),
        ("a;b\nc\u2028;d\n".encode(), "a line separator"),
        ("a;b\nc\x85;d\n".encode(), "U+0085"),
        (b"a;b\n\xe9;d\n", "encoded in utf-8"),
        (b"a;b\n\xed\xa0\x80;d\n", "encoded in utf-8"),
    ],
)
def test_what_a_line_cannot_hold_is_refused_with_its_number(data, rule):
    (wrong,) = [row for row in rows_of(data) if row.faults]
    assert wrong.line == 2
    assert rule in str(wrong.faults[0].expected)


@pytest.mark.parametrize("lines", [3, 20_000])
def test_a_file_whose_lines_end_with_cr_alone_is_reported_once_and_how_to_save_it(lines):
    (wrong,) = rows_of(b"\r".join([b"a;b"] * lines) + b"\r")
    (fault,) = wrong.faults
    assert fault.line == 1
    assert str(fault.expected) == "a line ends with CR LF or with LF; here each ends with CR alone"
    assert '"CSV (Windows)", not "CSV (Macintosh)"' in str(fault.remedy)


def test_a_tab_may_be_the_delimiter_and_hides_nothing():
    dialect = Dialect(delimiter="\t", decimal=".", encoding="utf-8", byte_order_mark=False)
    good, bad = rows_of(b"a\tb\nc\td\0\n", dialect)
    assert good.cells == ("a", "b")
    assert "a NUL byte" in str(bad.faults[0].expected)


def test_the_byte_order_mark_is_the_declared_one():
    marked = Dialect(delimiter=";", decimal=",", encoding="utf-8", byte_order_mark=True)
    assert rows_of(b"\xef\xbb\xbfa;b\n", marked)[0].cells == ("a", "b")
    assert "begin with a byte-order mark" in str(rows_of(b"a;b\n", marked)[0].faults[0].expected)
    assert "without a byte-order mark" in str(rows_of(b"\xef\xbb\xbfa;b\n")[0].faults[0].expected)
    assert rows_of("a;b\n\ufeffc;d\n")[1].cells == ("\ufeffc", "d")


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252", "iso-8859-1"])
@pytest.mark.parametrize("other", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_in_one_line_that_says_so(encoding, other):
    dialect = Dialect(delimiter=";", decimal=",", encoding=encoding, byte_order_mark=False)
    mark = b"\xff\xfe" if other == "utf-16-le" else b"\xfe\xff" if other == "utf-16-be" else b""
    first = rows_of(mark + (HEAD + "\r\n").encode(other), dialect)[0]
    assert "this one in UTF-16" in str(first.faults[0].expected)
    assert str(first.faults[0].remedy).startswith(f"save the file as {encoding}")


def test_utf_8_declared_as_windows_1252_is_not_printed_as_gibberish():
    dialect = Dialect(delimiter=";", decimal=",", encoding="windows-1252", byte_order_mark=False)
    assert rows_of("Évrard;œuf € ’".encode("cp1252"), dialect)[0].cells == ("Évrard", "œuf € ’")
    (fault,) = rows_of("Évrard;b".encode(), dialect)[0].faults
    assert "this line in UTF-8" in str(fault.expected)


# --- header --------------------------------------------------------------------------

VALID = batches.file_of(batches.row(1), batches.row(2))


def with_header(old: str, new: str) -> bytes:
    assert old.encode() in VALID
    return VALID.replace(old.encode(), new.encode(), 1)


def test_a_header_of_the_required_columns_and_of_all_columns_is_read():
    assert not faults(VALID)
    full = dict.fromkeys(batch_cells.columns(), "") | batches.row()
    assert not faults(batches.file_of(full))


@pytest.mark.parametrize(
    ("old", "new", "column", "rule", "remedy"),
    [
        ("reference", "Reference", "Reference", "no such column", 'write "reference"'),
        ("customer_city", "total_ttc", "total_ttc", "no such", "remove it"),
        ("customer_city", " customer_city", " customer_city", "no such", 'write "customer_city"'),
        ("period_start;", "reference;", "reference", "stands once", "remove one"),
        ("reference;period_start", "period_start;reference", "reference", "order", "before"),
        ("vat_rate_1", "vat_rate_1;", "", "column 15 has none", "remove the column"),
        ("vat_rate_1", "vat_rate_1;vat_rate_21", "vat_rate_21", "no such column", "perhaps"),
        ("vat_rate_1", "vat_rate_01", "vat_rate_01", "no such column", 'write "vat_rate_1"'),
    ],
)
def test_a_header_that_is_not_the_specified_one_says_how_to_fix_it(old, new, column, rule, remedy):
    found = faults(with_header(old, new))
    one = next(fault for fault in found if fault.column == column)
    assert one.line == 1
    assert rule in str(one.expected)
    assert remedy in str(one.remedy)


@pytest.mark.parametrize("name", batch_cells.required())
def test_a_required_column_is_missed(name):
    first, *rest = VALID.decode().splitlines()
    names = [one for one in first.split(";") if one != name]
    found = faults("\n".join([";".join(names), *rest]).encode())
    assert [(one.column, str(one.expected)) for one in found] == [(name, "this column is required")]


def test_the_wrong_delimiter_is_named():
    written = batches.row(unit_price_1="80")
    found = fault(batches.file_of(written, delimiter=","))
    assert "it has commas between the cells" in str(found.expected)
    assert "files have semicolons between the cells" in str(found.expected)


def test_thousands_of_unknown_columns_are_one_fault():
    assert "at most 252 columns" in str(fault(";".join(map(str, range(10_000))).encode()).expected)


def test_a_line_with_more_or_fewer_cells_is_refused():
    for change in (b";x\r\n", b""):
        lines = VALID.splitlines(keepends=True)
        lines[2] = lines[2].rstrip() + change if change else lines[2].rpartition(b";")[0] + b"\r\n"
        found = fault(b"".join(lines))
        assert found.line == 3
        assert "as many cells as the header: 14" in str(found.expected)


# --- cells ---------------------------------------------------------------------------

NBSP = "\u00a0"
NOT_NUMBERS = (
    *("1e309", "1e3", "NaN", "Infinity", "-0", "-1", "+1", "١٢", "１２", "0x10", "1_000", "12.50"),
    *("1 234,50", f"1{NBSP}234,50", "1\u202f234,50", "1.234,50", "12,50 €", ",5", "5,", "0,12345"),
    *("1234567890", " 1", f"1{NBSP}", "1/2", "½", "01", "=1+1", "=cmd|' /C calc'!A0"),
)


@pytest.mark.parametrize("value", NOT_NUMBERS)
@pytest.mark.parametrize("column", ["quantity_1", "unit_price_1"])
def test_what_is_not_a_plain_number_is_refused(column, value):
    found = fault_of(**{column: value})
    assert (found.line, found.column, found.found) == (2, column, value)
    assert "digits with a decimal comma and nothing else" in str(found.expected)
    assert str(found.remedy).startswith("write ")
    assert "." not in str(found.remedy)


@pytest.mark.parametrize(
    ("value", "written"),
    [("1 234,50", "1234,50"), (f"1{NBSP}234,50", "1234,50"), ("12.50", "12,50"), (" 7 ", "7")],
)
def test_a_number_that_can_be_understood_is_proposed_and_not_taken(value, written):
    assert str(fault_of(unit_price_1=value).remedy) == f'write "{written}"'


def test_a_decimal_point_where_it_is_declared():
    changes = {"csv.decimal": ".", "csv.delimiter": ","}
    row = batches.row(unit_price_1="12.50")
    assert not faults(batches.file_of(row, delimiter=","), changes)
    row = batches.row(unit_price_1="12,50")
    found = fault(batches.file_of(row, delimiter=","), changes)
    assert (str(found.remedy), str(found.expected).count("decimal point")) == ('write "12.50"', 1)


TEXTS = ("customer_name", "customer_address_1", "customer_city", "description_1", "reference")


@pytest.mark.parametrize("column", TEXTS)
@pytest.mark.parametrize(
    "value",
    [
        *("=cmd|' /C calc'!A0", "+33 2 40", "-", "@SUM(A1)", " a", "a ", f"a{NBSP}", "\u200b"),
        *("e\u0301", "日本", "\U0001f600", "a\u00adb", "a\u202eb", "x" * 201),
    ],
)
def test_a_text_that_would_run_or_not_print_is_refused(column, value):
    found = fault_of(**{column: value})
    assert found.column == column
    assert str(found.expected).startswith("expected a ")


@pytest.mark.parametrize(
    "value", ["../../etc/passwd", "/etc/passwd", "C:\\x", "..\\..\\x", "$(id)"]
)
def test_a_path_in_a_cell_is_a_text_like_any_other(value):
    one = invoice(reference=value, customer_name=value)
    assert (one.reference, one.buyer.name) == (value, value)


MAIRIE = {"customer_siren": "217500016", "customer_service_code": "SVC-7"}
MAIRIE_SIRET = house.siret(MAIRIE["customer_siren"])


@pytest.mark.parametrize(
    ("cells", "column", "rule"),
    [
        ({"period_end": "2026-02-30"}, "period_end", "the calendar has no such day"),
        ({"period_end": "31/10/2026"}, "period_end", "a date"),
        ({"period_end": "2026-1-5"}, "period_end", "a date"),
        ({"period_end": "20261031"}, "period_end", "a date"),
        ({"period_end": "2026-09-30"}, "period_end", "does not end before it starts"),
        ({"customer_siren": "732829321"}, "customer_siren", "check digits"),
        ({"customer_siren": "732 829 320"}, "customer_siren", "a SIREN"),
        ({"customer_siren": None}, "customer_siren", "a French business has a SIREN"),
        ({"customer_person": "yes"}, "customer_siren", "a private person has none"),
        ({"customer_person": "oui"}, "customer_person", "yes (or an empty cell)"),
        ({"customer_siret": "73282932000074"}, "customer_siret", "begin with the SIREN"),
        ({"customer_service_code": "SVC-7"}, "customer_service_code", "public bodies alone"),
        ({"customer_service_code": "SVC 7"}, "customer_service_code", "a service code"),
        (MAIRIE | {"customer_siret": MAIRIE_SIRET}, "customer_service_code", "never both"),
        ({"customer_vat_number": "FR44732829320"}, "customer_vat_number", "end with the SIREN"),
        ({"customer_country": "DE"}, "customer_siren", "a SIREN is French"),
        ({"customer_country": "ZZ"}, "customer_country", "a country"),
        ({"customer_postcode": None}, "customer_postcode", "five digits"),
        ({"customer_postcode": "1000"}, "customer_postcode", "five digits"),
        ({"customer_email": "a@b.fr,c@d.fr"}, "customer_email", "an e-mail address"),
        ({"customer_electronic_scheme": "0225"}, "customer_electronic_id", "go together"),
        ({"delivery_city": "Brest", "delivery_country": "FR"}, "delivery_address_1", "at least"),
        ({"unit_1": "heure"}, "unit_1", "a unit"),
        ({"vat_rate_1": "19"}, "vat_rate_1", "not a rate of VAT in France"),
        ({"vat_rate_1": "0"}, "vat_rate_1", "a rate above 0"),
        ({"vat_category_1": "E"}, "vat_rate_1", "has the rate 0"),
        ({"language": "de"}, "language", "a language"),
        ({"payment_days": "121"}, "payment_days", "0 to 120"),
        ({"discount_1": "160,01", "discount_reason_1": "x"}, "discount_1", "at most quantity"),
        ({"discount_1": "1,00"}, "discount_reason_1", "go together"),
        ({"discount_reason_1": "Fidélité"}, "discount_reason_1", "go together"),
        ({"category_1": "goods"}, "category_1", "sells services only"),
        ({"unit_price_1": None}, "unit_price_1", "go together"),
        (
            {"unit_price_1": "416666666,67"},
            "unit_price_1",
            "an invoice comes to at most 999999999.99 with VAT, this one to 1000000000.01",
        ),
        ({"unit_price_1": "0,00"}, "unit_price_1", "more than 0.00 before its discounts"),
        (
            {"unit_price_1": "0,001", "quantity_1": "4,9"},
            "unit_price_1",
            "more than 0.00 before its discounts",
        ),
        ({"customer_name": None}, "customer_name", "required"),
        (batches.group(3), "description_3", "without gaps"),
        ({"description_2": "x"} | batches.group(2) | {"unit_2": ""}, "unit_2", "go together"),
    ],
)
def test_a_cell_or_rule_that_is_broken_is_reported_by_column(cells, column, rule):
    found = faults(batches.file_of(batches.row(1), batches.row(2, **cells)))
    assert {fault.line for fault in found} == {3}
    one = next(fault for fault in found if fault.column == column)
    assert rule in str(one.expected)
    assert one.remedy


NO_VAT = {"vat_rate_1": "0", "customer_siren": None}
GERMAN = NO_VAT | {"customer_country": "DE", "customer_vat_number": "DE136695976"}
GOODS = {"seller.operation_category": "goods"}


@pytest.mark.parametrize(
    ("cells", "changes", "column", "rule"),
    [
        (
            GERMAN | {"customer_vat_number": None, "vat_category_1": "AE"},
            {},
            "customer_vat_number",
            "in another state of the EU",
        ),
        (GERMAN | {"vat_category_1": "K"}, {}, "vat_category_1", "K is for goods"),
        (
            GERMAN | {"vat_category_1": "AE"},
            GOODS,
            "vat_category_1",
            "AE abroad is for services; goods delivered in Germany are intra-EU supplies",
        ),
        (GERMAN | {"vat_category_1": "G"}, {}, "vat_category_1", "are taxed there, by the buyer"),
        (
            NO_VAT | {"vat_category_1": "AE", "customer_person": "yes"},
            {},
            "vat_category_1",
            "services to a private person bear French VAT",
        ),
        (
            NO_VAT | {"vat_category_1": "E", "customer_person": "yes"},
            {},
            "exemption_code_1",
            "a code and a reason",
        ),
        ({"exemption_reason_1": "x"}, {}, "exemption_reason_1", "only an exempt line"),
        ({}, batches.FRANCHISE, "vat_rate_1", "has the rate 0"),
        ({"vat_category_1": "S"}, batches.FRANCHISE, "vat_category_1", "charges no VAT"),
        (
            {"vat_rate_1": "0", "vat_category_1": "AE"},
            batches.FRANCHISE,
            "vat_category_1",
            "charges no VAT",
        ),
        (
            GERMAN | {"vat_category_1": "K"},
            batches.FRANCHISE | GOODS,
            "vat_category_1",
            "no exempt intra-EU supply",
        ),
        (
            {"vat_rate_1": "0", "exemption_code_1": "VATEX-FR-CGI261-4"},
            batches.FRANCHISE,
            "exemption_reason_1",
            "a code and a reason",
        ),
        ({}, {"seller.operation_category": "mixed"}, "category_1", "each line says which"),
    ],
)
def test_vat_without_what_the_law_asks_is_refused(cells, changes, column, rule):
    found = faults(batches.file_of(batches.row(**cells)), changes)
    assert [one.column for one in found] == [column], found
    assert rule in str(found[0].expected)
    assert "issuer.json" not in str(found[0].expected) + str(found[0].remedy)


def test_one_invoice_has_one_reason_of_exemption():
    exempt = {"vat_rate": "0", "vat_category": "E", "exemption_code": "VATEX-FR-CGI261-4"}
    rows = [
        batches.row()
        | batches.group(1, **exempt, exemption_reason="Formation")
        | batches.group(2, **exempt, exemption_reason=reason)
        for reason in ("Formation", "Santé")
    ]
    found = fault(batches.file_of(*rows))
    assert (found.line, found.column) == (3, "exemption_code_2")


def test_a_report_is_in_its_clients_language_whatever_the_operator_speaks():
    one = fault_of(customer_name="")
    messages.speak("fr")
    assert str(one.fault().remedy) == "remplissez cette cellule"
    report = cell_faults.report_csv([one], ";", "en").decode("utf-8-sig")
    assert report.splitlines()[1] == "2;customer_name;;this cell is required;fill it in"
    assert one.line_of_report("en") == "line 2, customer_name: this cell is required; fill it in"
    messages.speak("en")
    [heads, line] = cell_faults.report_csv([one], ";", "fr").decode("utf-8-sig").splitlines()
    assert heads == "ligne;colonne;valeur;règle;que faire"
    assert line == "2;customer_name;;cette cellule est obligatoire;remplissez cette cellule"


def test_the_units_are_proposed_in_the_order_of_their_list():
    remedy = str(fault_of(unit_1="heures?").remedy)
    codes = re.findall(r"(\w+) \(", remedy)
    assert codes == list(messages.words("en")["units"])
    messages.speak("fr")
    assert "HUR (heure), DAY (jour)" in str(fault_of(unit_1="heures?").remedy)


def test_all_that_is_wrong_with_a_file_is_reported_at_once():
    rows = [batches.row(i, quantity_1="x", vat_rate_1="y") for i in range(1, 30)]
    found = faults(batches.file_of(*rows))
    assert len(found) == 58
    assert [fault.line for fault in found] == [line for line in range(2, 31) for _ in "qv"]


@pytest.mark.parametrize(
    ("first", "second"),
    [("CMD-É", "cmd-é"), ("ﬁl", "FIL"), ("A²", "a2"), ("Straße", "STRASSE"), ("ΣΑΣ", "σας")],
)
def test_references_that_differ_by_case_or_unicode_form_are_one(first, second):
    assert batch_rows.reference_key(first) == batch_rows.reference_key(second)


def test_references_that_people_distinguish_are_two():
    keys = {batch_rows.reference_key(one) for one in ("A-1", "A_1", "A1", "A 1", "Á-1", "A-I")}
    assert len(keys) == 6


# --- an invoice that is read ---------------------------------------------------------


def test_every_column_reaches_the_invoice():
    one = invoice(
        customer_siret=house.siret(house.siren(601)),
        customer_email="a@b.example",
        customer_address_2="Bâtiment B",
        customer_address_3="BP 12",
        customer_electronic_scheme="0225",
        customer_electronic_id=batches.row()["customer_siren"] + "_X",
        delivery_name="Quai 4",
        delivery_address_1="ZA",
        delivery_city="Brest",
        delivery_postcode="29200",
        delivery_country="FR",
        purchase_order="PO-1",
        buyer_reference="Achats",
        note="Merci",
        language="en",
        payment_days="0",
        discount_1="60,00",
        discount_reason_1="Fidélité",
        vat_category_1="S",
        category_1="services",
    )
    assert one.buyer.address.lines == ("3 rue du Moulin", "Bâtiment B", "BP 12")
    assert one.buyer.delivery_address is not None
    assert (one.buyer.delivery_address.name, one.buyer.delivery_address.city) == ("Quai 4", "Brest")
    assert (one.purchase_order, one.buyer_reference, one.note) == ("PO-1", "Achats", "Merci")
    assert (one.language, one.payment_days) == ("en", 0)
    assert one.buyer.electronic_address is not None
    address = f"{MAIRIE['customer_siren']}_{MAIRIE_SIRET}_SVC-7"
    both = {"customer_electronic_scheme": "0225", "customer_electronic_id": address}
    public = invoice(**MAIRIE, **both, purchase_order="ENGAGEMENT-7")
    assert (public.buyer.service_code, public.purchase_order) == ("SVC-7", "ENGAGEMENT-7")
    document = batch_invoicing.invoice(
        client_of(), one, "FIL-2026-0001", "2026-10", DAY, "Studio", {}, {}
    )
    assert (str(document.totals.net), str(document.totals.vat)) == ("100.00", "20.00")
    assert document.due_date == DAY
    assert document.lines[0].discount_reason == "Fidélité"


# --- the specification ---------------------------------------------------------------


def written() -> ModuleType:
    path = HOME / "tools" / "write_format_csv.py"
    spec = importlib.util.spec_from_file_location("write_format_csv", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_documents_are_what_schema_and_code_say():
    for name, data in written().files().items():
        assert (HOME / "docs" / name).read_bytes() == data, name


def test_the_document_names_every_column_in_both_languages():
    texts = [(HOME / "docs" / name).read_text() for name in ("format_csv.md", "format_csv.fr.md")]
    single = set(schemas.content("batch_row")["properties"])
    for name in batch_cells.columns():
        shown = name if name in single else f"{name.rpartition('_')[0]}_N"
        assert [text.count(f"| `{shown}` |") for text in texts] == [1, 1], shown


def test_the_template_is_the_header():
    for name, mark, delimiter in (("csv", b"", ","), ("fr.csv", b"\xef\xbb\xbf", ";")):
        data = (HOME / "docs" / f"template_batch.{name}").read_bytes()
        assert data.startswith(mark)
        header = data.removeprefix(mark).decode("ascii").strip().split(delimiter)
        assert tuple(header) == batch_cells.columns()
    assert len(batch_cells.columns()) == 32 + 11 * 20


def properties() -> dict[str, dict[str, Any]]:
    content = schemas.content("batch_row")
    group = content["$defs"]["group"]["properties"]
    return content["properties"] | {f"{name}_1": value for name, value in group.items()}


@pytest.mark.parametrize("column", properties())
def test_what_the_specification_calls_refused_is_refused(column):
    changes = {"csv.decimal": ".", "csv.delimiter": "|", "seller.operation_category": "mixed"}
    good = batches.row(unit_price_1="80.00", category_1="services")
    assert not faults(batches.file_of(good, delimiter="|"), changes)
    for value in properties()[column]["x-rejected"]:
        found = faults(batches.file_of(good | {column: value}, delimiter="|"), changes)
        assert column in {fault.column for fault in found}, value


def test_the_example_is_valid():
    mixed = {"seller.operation_category": "mixed"}
    english = {"csv.decimal": ".", "csv.delimiter": ",", **mixed}
    french = {"csv.byte_order_mark": True, **mixed}
    found, same = (
        read((HOME / "docs" / name).read_bytes(), changes)
        for name, changes in (("example_batch.csv", english), ("example_batch.fr.csv", french))
    )
    assert len(found) == 3
    assert all(isinstance(one, BatchInvoice) for one in found), found
    assert found == same


def test_the_schema_as_a_whole_agrees_with_the_columns():
    value = {name: text for name, text in batches.row().items() if not name.endswith("_1")}
    value |= {"customer_address_1": "3 rue du Moulin"}
    assert not schemas.faults(value, "batch_row", "x")
    assert schemas.faults(value | {"customer_town": "x"}, "batch_row", "x")


# --- mutation ------------------------------------------------------------------------

WHOLE = batches.file_of(
    batches.row(1) | batches.group(2, discount="1,00", discount_reason="Geste"),
    batches.row(2, note='say "no"; never', language="en"),
    batches.row(3, **GERMAN, vat_category_1="AE"),
)
TOKENS = [
    *(b'"', b'""', b";", b"\n", b"\r", b"\r\n", b"\0", b"\t", b",", b".", b"-", b"=", b"9" * 40),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3", b"\xe2\x80\xa8", "é".encode(), "e\u0301".encode()),
    *(b"1e309", b"NaN", b"-0", "١٢".encode(), b"2026-02-30", b"\xc2\xa0", b" ", b"../", b"%s{0}"),
    *(
        b"AE",
        b"K",
        b"G",
        b"E",
        b"S",
        b"0",
        b"yes",
        b"FR",
        b"XI",
        b"GR",
        b"vat_rate_1",
        b"A" * 70_000,
    ),
]


def test_a_discount_may_reach_the_rounded_amount_of_its_line():
    given = {"quantity_1": "3", "unit_price_1": "9,995", "discount_reason_1": "Offert"}
    (invoice,) = read(batches.file_of(batches.row(**given, discount_1="29,99")))
    assert [str(line.net) for line in invoice.lines] == ["0.00"]
    ((fault,),) = read(batches.file_of(batches.row(**given, discount_1="30,00")))
    assert (fault.column, str(fault.expected)) == (
        "discount_1",
        "a discount is an amount of at most quantity x unit price, rounded",
    )


def test_what_is_given_away_is_invoiced_where_it_says_so():
    gift = batches.row(discount_1="160,00", discount_reason_1="Offert")
    free_line = batches.row(2, **batches.group(2), unit_price_1="0,00")
    first, second = read(batches.file_of(gift, free_line))
    assert [str(line.net) for line in first.lines] == ["0.00"]
    assert [bool(line.net) for line in second.lines] == [False, True]


EDITS = st.lists(
    st.tuples(
        st.integers(0, len(WHOLE)),
        st.integers(0, 30),
        st.one_of(st.sampled_from(TOKENS), st.binary(max_size=4)),
    ),
    min_size=1,
    max_size=4,
)


def survives(data: bytes, changes: dict[str, Any] | None = None) -> None:
    """Whatever the bytes: faults that say something, or an invoice that can be made."""
    for found in read(data, changes):
        if isinstance(found, BatchInvoice):
            made = batch_invoicing.invoice(
                client_of(changes), found, "FIL-2026-0001", "2026-10", DAY, "Studio", {}, {}
            )
            assert made.totals.due >= 0
            assert made.totals.gross <= 999_999_999
            continue
        assert found
        for one in found:
            assert one.line >= 1 or not data
            assert one.expected and one.remedy, one
            assert "\n" not in one.line_of_report("en")


@given(EDITS, st.sampled_from([{}, batches.FRANCHISE, GOODS, {"csv.encoding": "windows-1252"}]))
@settings(max_examples=400)  # and 1500 files in `make fuzz`
def test_no_mutated_file_gets_beyond_its_faults(edits, changes):
    data = WHOLE
    for at, cut, token in edits:
        data = data[:at] + token + data[at + cut :]
    survives(data, changes)


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_no_bytes_at_all_get_beyond_their_faults(data):
    survives(data)


@given(
    st.dictionaries(
        st.sampled_from([name for name in batch_cells.columns() if name in properties()]),
        st.one_of(
            st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12),
            st.sampled_from([token.decode("utf-8", "replace") for token in TOKENS]),
        ),
        max_size=3,
    )
)
@settings(max_examples=200)
def test_no_cell_gets_beyond_its_faults(cells):
    whole = batches.row() | cells
    clean = {name: text.replace("\r", "").replace("\n", "") for name, text in whole.items()}
    survives(batches.file_of(clean))


# --- a file that a spreadsheet has rewritten -------------------------------------------


def rewritten(rows: list[batches.Row], form: str, point: bool = False) -> list[batches.Row]:
    """Rows as a spreadsheet of another country writes them again."""
    dates, numbers = ("period_start", "period_end"), ("quantity_1", "unit_price_1")

    def cell(name: str, value: str) -> str:
        if name in dates and form:
            return date.fromisoformat(value).strftime(form)
        return value.replace(",", ".") if name in numbers and point else value

    return [{name: cell(name, value) for name, value in row.items()} for row in rows]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252"])
@pytest.mark.parametrize("form", ["", "%d/%m/%Y", "%d.%m.%y"])
def test_a_file_that_a_spreadsheet_has_rewritten_is_told_so_once(mark, encoding, form):
    if mark and encoding != "utf-8":
        return
    rows = [batches.row(i, unit_price_1="80,50") for i in (1, 2, 3)]
    data = mark + batches.file_of(*rewritten(rows, form), encoding=encoding)
    found = fault(data, {"csv.delimiter": ",", "csv.decimal": "."})
    said, remedy = str(found.expected), str(found.remedy)
    assert "semicolons between the cells, decimal commas" in said
    assert ("the encoding windows-1252" in said) == (encoding != "utf-8")
    assert ("a byte-order mark" in said) == bool(mark)
    assert "ask us to read your files as this one is written" in remedy
    assert ("2026-10-01 for 01" in remedy) == bool(form)
    internal = found.fault().remedy
    declared = re.search(r'declare "csv": (\{.*?\}) in', str(internal))
    assert declared
    # What the operator is told to declare, and the dates, are all that it takes.
    changes = {f"csv.{key}": value for key, value in json.loads(declared[1]).items()}
    assert len(faults(data, changes)) == bool(form)
    whole = mark + batches.file_of(*rows, encoding=encoding)
    assert not faults(whole, changes)


def test_what_else_is_wrong_with_a_rewritten_file_is_told_with_it():
    rows = [batches.row(i, unit_price_1="80,50") for i in (1, 2, 3)]
    rows[1]["customer_country"] = "France"
    found = faults(batches.file_of(*rewritten(rows, "%d/%m/%Y")), {"csv.decimal": "."})
    assert [(one.line, one.column) for one in found] == [(1, ""), (3, "customer_country")]


@pytest.mark.parametrize(
    ("form", "right"),
    [("%d/%m/%Y", "2026-10-02 for 02/10/2026"), ("%m/%d/%y", "2026-10-02 for 10/02/26")],
)
def test_a_day_above_12_says_how_all_dates_are_read(form, right):
    rows = [batches.row(i, period_start="2026-10-02", period_end="2026-10-31") for i in (1, 2)]
    found = fault(batches.file_of(*rewritten(rows, form)))
    assert f"set the columns of dates to the format Text and write year-month-day: {right}" in str(
        found.remedy
    )


def test_dates_that_may_be_two_are_proposed_both_ways():
    rows = [batches.row(i, period_start="2026-02-10", period_end="2026-03-12") for i in (1, 2)]
    found = fault(batches.file_of(*rewritten(rows, "%d/%m/%Y")))
    assert "2026-02-10 or 2026-10-02 for 10/02/2026" in str(found.remedy)


def test_a_slip_in_few_cells_is_told_of_each():
    rows = [batches.row(i, unit_price_1="80,50") for i in (1, 2, 3)]
    rows[0] |= {"unit_price_1": "80.50", "period_start": "01/10/2026"}
    found = faults(batches.file_of(*rows))
    assert {one.column for one in found} == {"unit_price_1", "period_start"}


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"PK\x03\x04x", "a workbook"), (b"%PDF-1.7", "a PDF"), (b"<html>", "a web page")],
)
def test_what_is_no_csv_whatever_its_name_is_named(data, kind):
    assert f"this is {kind}" in str(fault(data).expected)


def test_a_page_of_a_site_is_not_opened_in_a_spreadsheet_but_exported_again():
    assert str(fault(b"<html>").remedy) == "export it again as CSV"


def test_a_file_without_a_header_is_told_so_once():
    data = VALID.split(b"\r\n", 1)[1]
    found = fault(data)
    assert (found.line, str(found.expected)) == (1, "a file begins with its header")
    assert str(found.remedy).startswith("put the names of the columns above it")


def test_of_a_file_with_another_delimiter_one_price_tells_the_decimal_sign():
    rows = [batches.row(1, unit_price_1="80.50", vat_rate_1="20")]
    data = batches.file_of(*rows).replace(b";", b",")
    assert "decimal points" in str(fault(data).expected)


def test_the_line_by_which_excel_is_told_the_delimiter_is_to_be_removed():
    found = fault(b"sep=;\r\n" + VALID)
    assert (found.line, str(found.remedy)) == (1, "remove the first line")


@pytest.mark.parametrize(
    ("cells", "remedy"),
    [
        ({"vat_rate_1": "0,2"}, 'write "20"'),
        ({"vat_rate_1": "0,055"}, 'write "5,5"'),
        ({"vat_rate_1": "20,123"}, "write one within these limits"),
        ({"quantity_1": "0"}, "write one within these limits"),
        ({"payment_days": "150"}, "write one within these limits"),
        ({"unit_1": "h"}, 'write "HUR"'),
        ({"customer_email": "a@b"}, "such as name@example.fr"),
        ({"vat_rate_1": "19,6"}, "8,5 - 5,5"),
        ({"customer_siren": "7,32829E+08"}, "set the column to the format Text"),
        ({"quantity_1": "-1"}, "what is given back is a credit note"),
        ({"discount_1": "10 %", "discount_reason_1": "x"}, "not the percentage"),
    ],
)
def test_what_a_spreadsheet_or_a_habit_leaves_in_a_cell_has_its_own_remedy(cells, remedy):
    assert remedy in str(fault_of(**cells).remedy)


def test_a_title_above_the_header_is_to_be_removed():
    found = fault(b"Factures d'octobre\r\n\r\n" + VALID)
    assert "its header, which is on line 3" in str(found.expected)
    assert str(found.remedy) == "remove what is above it"
