"""The mentions of the law: the right ones, once, in the customer's language, on their day."""

from datetime import date

import pytest

import house
from lib import mentions
from lib.alerts import Refused
from lib.document import Document


def notes(document: Document) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for note in document.notes:
        found.setdefault(note.code, []).append(note.text)
    return found


def drafted(tmp_path, client=None, seller=None, day=house.TODAY) -> Document:
    root = house.build(tmp_path, house.client(changes=client), seller=house.issuer(seller))
    return house.draft(root, day=day)


def test_a_business_reads_what_it_owes_when_late(tmp_path):
    found = notes(drafted(tmp_path))
    assert found["BAR"] == ["B2B"]
    assert "40 €" in found["PMT"][0]
    assert "12 %" in found["PMD"][0].replace("\N{NO-BREAK SPACE}", " ").replace("\u202f", " ")
    assert found["AAB"] == ["Pas d’escompte pour paiement anticipé."]
    assert "Catégorie d’opération : prestation de services." in found[""]
    company = found["ABL"][0].replace("\N{NO-BREAK SPACE}", " ").replace("\u202f", " ")
    assert company.startswith("SAS au capital de 10 000")
    assert f"RCS Nantes {house.siren(0)}" in company


def test_a_private_customer_owes_no_indemnity(tmp_path):
    changes = {"party.person": True, "party.siren": None, "language": "en"}
    found = notes(drafted(tmp_path, changes))
    assert found["BAR"] == ["B2C"]
    assert "40" not in found["PMT"][0]
    assert "statutory rate" in found["PMD"][0]
    assert "€" not in "".join(found["PMD"] + found["PMT"])


def test_each_code_that_the_law_wants_stands_exactly_once(tmp_path):
    for i, changes in enumerate(({}, {"party.person": True, "party.siren": None})):
        found = notes(drafted(tmp_path / str(i), changes))
        assert [len(found[code]) for code in ("PMT", "PMD", "AAB", "BAR")] == [1, 1, 1, 1]


def test_an_early_discount_and_the_option_for_debits_are_said(tmp_path):
    seller = {"early_discount": {"percent": "2", "days": 10}, "debits": True}
    made = drafted(tmp_path, {"language": "en"}, seller)
    found = notes(made)
    assert found["AAB"] == ["Discount of 2% for payment within 10 days."]
    assert "Option for payment of VAT on the basis of debits." in found[""]
    assert made.vat_on_debits


@pytest.mark.parametrize(
    ("day", "article"), [("2026-08-31", "293 B du CGI"), ("2026-09-01", "L. 223-3 du CIBS")]
)
def test_the_franchise_is_worded_by_the_law_of_its_day(tmp_path, day, article):
    seller = {"vat_regime": "franchise", "party.vat_number": None}
    client = {
        "vat.treatment": "franchise",
        "plan.items": [house.item("hosting", vat_rate="0")],
    }
    root = house.build(tmp_path, house.client(changes=client), seller=house.issuer(seller))
    (subtotal,) = house.draft(root, name=day[:7], day=day).vat_breakdown
    assert subtotal.exemption_reason == f"TVA non applicable, art. {article}"
    assert subtotal.exemption_code == "VATEX-FR-FRANCHISE"


def test_a_brace_in_a_name_is_a_brace():
    note = mentions.mention("mandate", date(2026, 1, 1), "en", issuer="{seller} {0}", seller="B")
    assert note.text == "Invoice issued by {seller} {0} in the name and on behalf of B."
    assert note.code == "DCL"


def test_a_day_that_the_table_does_not_know_is_refused(tmp_path):
    root = house.build(tmp_path, house.client(changes={"plan.start": "2020-01"}))
    ran = house.month(root, "2021-01", "2021-02-01")
    assert ran.code == 1
    assert ran.err.startswith("ISSUE_DATE: no mention services is known for 2021-02-01")
    with pytest.raises(Refused):
        mentions.mention("goods", date(2022, 9, 30), "fr")


def test_every_mention_has_both_languages_a_source_and_no_overlap():
    table = mentions._table()
    for entry in table:
        assert set(entry.texts) == {"fr", "en"}
        assert all(entry.texts.values())
        assert entry.valid_from <= entry.valid_until
        others = [
            other
            for other in table
            if other is not entry and (other.id, other.applies) == (entry.id, entry.applies)
        ]
        for other in others:
            assert entry.valid_until < other.valid_from or other.valid_until < entry.valid_from
