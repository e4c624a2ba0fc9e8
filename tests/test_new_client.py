"""`make client`: a file that `make check` accepts, or nothing."""

import os
from unittest import mock

import pytest

import house

TODAY = "2026-11-08"
ANSWERS = {
    "NAME": "Studio du Sud",
    "SIREN": house.siren(7),
    "ADDRESS": "1 place Foch",
    "POSTCODE": "59000",
    "CITY": "Lille",
    "CODE": "SUD",
    "DESCRIPTION": "Hébergement",
    "PRICE": "49.00",
    "VAT_RATE": "20",
}


@pytest.fixture
def root(tmp_path):
    return house.build(tmp_path / "root")


def make(root, name="sud", **changes):
    with mock.patch.dict(os.environ, {**ANSWERS, **changes}):
        return house.call("new_client", root, id=name, today=TODAY)


def test_the_file_is_one_that_is_invoiced(root):
    assert make(root).code == 0
    assert house.call("check_inputs", root).code == 0
    made = house.draft(root, "sud", "2026-11", "2026-12-01")
    assert made.buyer.name == "Studio du Sud"
    assert [(line.name, str(line.net)) for line in made.lines] == [("Hébergement", "49.00")]
    assert str(made.totals.gross) == "58.80"


def test_every_missing_answer_is_named_at_once_and_nothing_is_written(root):
    before = house.tree(root)
    ran = make(root, NAME="", PRICE="", CODE="sud")
    assert ran.code == 1
    places = [line.partition(":")[0] for line in ran.err.splitlines()]
    assert places == ["NAME", "CODE", "PRICE"]
    assert house.tree(root) == before


def test_an_exempt_client_with_an_address_of_three_lines_is_invoiced(root):
    reason = "Exonération de TVA, art. 261-4-4° du CGI"
    answers = {
        **ANSWERS,
        "ADDRESS": "1 place Foch; Bâtiment C; BP 12",
        "TREATMENT": "exempt",
        "EXEMPTION_CODE": "VATEX-FR-CGI261-4",
        "EXEMPTION_REASON": reason,
        "VAT_RATE": "0",
    }
    words = [f"{name}={text}" for name, text in answers.items()]
    ran = house.make(root, "client", "ID=sud", f"TODAY={TODAY}", *words)
    assert ran.code == 0, ran
    assert house.call("check_inputs", root).code == 0
    made = house.draft(root, "sud", "2026-11", "2026-12-01")
    assert made.buyer.address.lines == ("1 place Foch", "Bâtiment C", "BP 12")
    (subtotal,) = made.vat_breakdown
    assert (subtotal.category, subtotal.exemption_code, subtotal.exemption_reason) == (
        "E",
        "VATEX-FR-CGI261-4",
        reason,
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"TREATMENT": "exempt", "VAT_RATE": "0"}, "EXEMPTION_CODE: is missing: VATEX code of"),
        ({"TREATMENT": "exempt", "EXEMPTION_CODE": "261"}, 'EXEMPTION_CODE: "261" is not a VAT'),
        ({"EXEMPTION_REASON": "art. 261"}, "vat.exemption_reason: has no place here; remove it"),
        ({"ADDRESS": "1; 2; 3; 4"}, "party.address.lines: "),
        ({"ADDRESS": "1; ; 2"}, 'party.address.lines[1]: "" is not a text'),
        ({"CODE": "NORD"}, 'code: "NORD" is the code of clients/nord.json already'),
        ({"VAT_RATE": "19"}, 'vat_rate: "19" is not a rate in force in France'),
        ({"COUNTRY": "DE", "SIREN": ""}, "TREATMENT: is missing"),
        ({"EVERY": "37"}, "plans[0].every_months: 37 is not a number of months"),
    ],
)
def test_what_check_would_refuse_is_not_written(root, changes, said):
    ran = make(root, **changes)
    assert (ran.code, said in ran.err) == (1, True), ran.err
    assert not (root.clients / "sud.json").exists()


def test_a_file_that_exists_is_never_touched(root):
    before = (root.clients / "nord.json").read_bytes()
    ran = make(root, "nord")
    assert (ran.code, "exists already" in ran.err) == (1, True)
    assert (root.clients / "nord.json").read_bytes() == before


@pytest.mark.parametrize("name", ["Nord", "../nord", "", "n"])
def test_an_id_is_never_a_path(root, name):
    before = house.tree(root)
    assert make(root, name).code == 2
    assert house.tree(root) == before


def test_a_terminal_is_asked_for_what_is_missing_until_it_fits(root):
    typed = iter(["19.00 €", "39.00"])
    asked = []

    def answer(prompt):
        asked.append(prompt)
        return next(typed) if prompt.startswith("price") else ""

    with mock.patch("sys.stdin.isatty", return_value=True), mock.patch("builtins.input", answer):
        ran = make(root, PRICE="")
    assert ran.code == 0, ran.err
    assert [prompt for prompt in asked if prompt.startswith("price")] == [
        "price of a period, without VAT: "
    ] * 2
    assert "days to pay [30]: " in asked
    assert not [prompt for prompt in asked if "exemption" in prompt]
    draft = house.draft(root, "sud", "2026-11", "2026-12-01")
    assert str(draft.totals.net) == "39.00"


def test_a_name_in_the_environment_is_not_an_answer(root):
    ran = house.make(root, "client", "ID=sud", "TODAY=2026-11-08", environment={"NAME": "laptop-7"})
    assert "NAME: is missing" in ran.err


def test_an_association_needs_no_siren_and_is_not_taxable(root):
    assert make(root, SIREN="", TAXABLE="no").code == 0
    made = house.draft(root, "sud", "2026-11", "2026-12-01")
    assert (made.buyer.taxable, made.notes[0].text) == (False, "B2C")


def test_a_client_overseas_has_a_siren_and_the_rates_of_its_place(root):
    assert make(root, SIREN="", COUNTRY="RE", POSTCODE="97400").code == 1
    assert make(root, COUNTRY="RE", POSTCODE="97400", VAT_RATE="8.5").code == 0
    made = house.draft(root, "sud", "2026-11", "2026-12-01")
    assert (made.notes[0].text, str(made.totals.vat)) == ("B2B", "4.17")
