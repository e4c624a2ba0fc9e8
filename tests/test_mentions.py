"""The mentions of the law: the right ones, once, in the customer's language, on their day."""

from datetime import date

import pytest
import stdnum.luhn
from msgspec.structs import replace

import house
from lib.core.faults import Refused
from lib.values import mentions, payment_law, territories
from lib.values.document import Document, Note


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
    ("day", "article"), [("2026-12-31", "293 B du CGI"), ("2027-01-01", "L. 223-3 du CIBS")]
)
def test_the_franchise_is_worded_by_the_law_of_its_day(tmp_path, day, article):
    seller = {"vat_regime": "franchise", "party.vat_number": None}
    client = {
        "vat.treatment": "franchise",
        "plans.0.items": [house.item("hosting", vat_rate="0")],
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
    root = house.build(tmp_path, house.client(changes={"plans.0.start": "2020-01"}))
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


ABROAD = {
    "party.address": {"lines": ["Weg 1"], "postcode": "10115", "city": "Berlin", "country": "DE"},
    "party.siren": None,
    "party.siret": None,
    "party.vat_number": "DE136695976",
}


@pytest.mark.parametrize("early", [None, {"percent": "2", "days": 10}])
def test_a_seller_of_another_state_cites_no_french_law(tmp_path, early):
    made = drafted(
        tmp_path, {"language": "en"}, {**ABROAD, "early_discount": early, "debits": True}
    )
    texts = [note.text for note in made.notes]
    assert [note.code for note in made.notes] == (["ABL", "AAB"] if early else ["ABL"])
    assert not any("art." in text or "French" in text for text in texts), texts


def test_a_domestic_reverse_charge_abroad_has_the_code_of_the_directive(tmp_path):
    client = ABROAD | {
        "vat.treatment": "reverse_charge",
        "plans.0.items": [house.item("hosting", vat_rate="0")],
    }
    (subtotal,) = drafted(tmp_path, client, ABROAD).vat_breakdown
    assert subtotal.exemption_code == "VATEX-EU-AE"
    assert subtotal.exemption_reason == "Autoliquidation"


@pytest.mark.parametrize(
    ("changes", "seller", "reason"),
    [
        ({}, {}, "TVA non applicable, art. 259-1° du CGI"),
        ({"language": "en"}, ABROAD, "VAT not applicable, art. 44 of Directive 2006/112/EC"),
        (
            {"party.address.country": "YT", "party.siren": house.siren(1)},
            {},
            "TVA non applicable, art. 294 du CGI",
        ),
    ],
)
def test_services_outside_the_eu_say_why_they_bear_no_vat(tmp_path, changes, seller, reason):
    client = {
        "vat.treatment": "outside_eu",
        "party.siren": None,
        "party.address.country": "CH",
        "plans.0.items": [house.item("hosting", vat_rate="0")],
    }
    (subtotal,) = drafted(tmp_path, client | changes, seller).vat_breakdown
    assert (subtotal.category, subtotal.exemption_code) == ("O", "VATEX-EU-O")
    assert subtotal.exemption_reason == reason


def public_siren() -> str:
    body = "21440109"
    return body + stdnum.luhn.calc_check_digit(body)


def test_a_public_buyer_reads_the_law_of_public_contracts(tmp_path):
    found = notes(drafted(tmp_path, {"party.siren": public_siren()}))
    assert "art. L2192-13" in found["PMD"][0] and "L441-10" not in found["PMD"][0]
    assert "40 €" in found["PMT"][0]
    assert found["BAR"] == ["B2B"]


def test_a_body_that_is_not_taxable_is_not_a_business(tmp_path):
    made = drafted(tmp_path, {"party.siren": None, "party.taxable": False})
    found = notes(made)
    assert found["BAR"] == ["B2C"]
    assert "1231-6" in found["PMD"][0]
    assert "€" not in found["PMT"][0] and "particulier" not in found["PMT"][0]
    assert not made.buyer.taxable


def test_a_private_person_is_never_taxable(tmp_path):
    made = drafted(tmp_path, {"party.person": True, "party.siren": None})
    assert not made.buyer.taxable


def test_every_entry_of_a_table_of_law_has_a_source_and_a_day():
    for table in (mentions, payment_law, territories):
        for entry in table.sources():
            assert len(entry["source"]) > 10, entry
            assert date(2026, 1, 1) <= date.fromisoformat(entry["looked_up"]), entry


# --- what verify compares ----------------------------------------------------------------


def garbled(text: str) -> str:
    """UTF-8 that was read as another encoding."""
    return text.encode().decode("cp1252", "replace")


@pytest.mark.parametrize("changes", [{}, {"party.person": True, "party.siren": None}])
def test_a_garbled_mention_is_found_and_a_right_one_is_not(tmp_path, changes):
    made = drafted(tmp_path, changes, {"debits": True})
    assert mentions.unknown_in(made) == []
    # The form and capital of a company are its own words.
    wrong = [garbled(note.text) for note in made.notes if note.code not in ("ABL", "BAR")]
    wrong = [text for text in wrong if text not in [note.text for note in made.notes]]
    assert len(wrong) > 3
    notes = tuple(replace(note, text=garbled(note.text)) for note in made.notes)
    assert mentions.unknown_in(replace(made, notes=notes)) == wrong


def test_the_wording_of_another_law_is_found(tmp_path):
    client = {
        "vat.treatment": "franchise",
        "plans.0.items.0.vat_rate": "0",
        "plans.0.items.1.vat_rate": "0",
    }
    seller = {"vat_regime": "franchise", "party.vat_number": None}
    made = drafted(tmp_path, client, seller)
    assert mentions.unknown_in(made) == []
    [reason] = mentions.unknown_in(replace(made, issue_date=date(2027, 1, 1)))
    assert "293 B" in reason


def test_a_note_to_the_customer_is_not_taken_for_a_mention_and_hides_no_garbled_one(tmp_path):
    made = replace(drafted(tmp_path, {}), note="Colis déposé chez le gardien.")
    assert mentions.unknown_in(made) == []
    last = replace(made.notes[-1], text=garbled("Catégorie d’opération"))
    for more in ((), (Note(code="", text=made.note),)):
        notes = (*made.notes[:-1], last, *more)
        garbled_ones = [last.text, *(note.text for note in more)]
        assert mentions.unknown_in(replace(made, notes=notes)) == garbled_ones


def test_verify_names_a_document_whose_mentions_are_garbled(tmp_path, monkeypatch):
    root = house.build(tmp_path / "root")
    right = mentions.sources()
    with monkeypatch.context() as patched:
        patched.setattr(
            mentions,
            "sources",
            lambda: [{**one, "texts": {"fr": garbled(one["texts"]["fr"])}} for one in right],
        )
        mentions._table.cache_clear()
        assert house.month(root).code == 0
    mentions._table.cache_clear()
    ran = house.call("verify", root)
    assert ran.code == 0
    assert 'NORD-2026-0001.json: says "En cas de retard de paiement, pÃ©nalitÃ©s' in ran.err
    assert "[I-MENTION]" in ran.err
