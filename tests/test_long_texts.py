"""Texts of several lines: details of what is sold, what a customer is told, subject and contact."""

import io
from typing import Any

import facturx
import pypdf
import pytest
from lxml import etree
from msgspec.structs import replace

import house
from lib.documents import facturx_xml, invoice_pdf, validators
from lib.documents.pdf_writer import Text
from lib.values.document import Document

DETAILS = "Trois gabarits :\n– accueil,\n– article,\n\nDeux séries de corrections."
NOTE = "Nos bureaux déménagent le 1er décembre.\nMerci d’en tenir compte."
RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
LONGEST = "\n".join(f"Livrable {i:02d} : maquette." for i in range(100))[:2000].strip()
LAST = LONGEST.splitlines()[-2]


def client(**changes: Any) -> dict[str, Any]:
    """A client whose invoices have a subject, a note and a contact, and items with details."""
    tiers = [{"up_to": "10", "unit_price": "5.00"}, {"unit_price": "4.00"}]
    support = house.metered("support", "hours", charge="graduated", tiers=tiers)
    del support["unit_price"]
    items = [house.item("site"), support]
    for item in items:
        item["details"] = {"fr": DETAILS}
    told = {"note": {"fr": NOTE}, "subject": {"fr": "Refonte du site"}}
    return house.client(
        changes={"party.contact": "Jeanne Martin", "plans.0.items": items, **told, **changes}
    )


def texts(xml: bytes, path: str) -> list[str]:
    return [node.text or "" for node in etree.fromstring(xml).iter(RAM + path)]


def pages(data: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]


def test_what_goes_in_stands_on_the_page_and_comes_out_of_the_xml(tmp_path):
    one_off = house.one_off(details={"fr": "Sur place.\nRepas compris."})
    used = house.usage("nord", house.MONTH, {"hours": "12"}, one_off)
    seller = house.issuer({"party.contact": "Service facturation"})
    root = house.build(tmp_path, client(), seller=seller, used=(used,))
    ran = house.month(root)
    assert ran.code == 0, ran
    pdf = house.proof(root, "nord", "NORD-2026-0001", "pdf").read_bytes()
    _, xml = facturx.get_xml_from_pdf(pdf, check_xsd=True)
    assert texts(xml, "Description") == [DETAILS, f"{DETAILS}\nde 0 à 10",
                                         "au-delà de 10", "Sur place.\nRepas compris."]  # fmt: skip
    assert texts(xml, "Content")[:2] == ["Refonte du site", NOTE]
    assert texts(xml, "PersonName") == ["Service facturation", "Jeanne Martin"]
    page = "\n".join(pages(pdf))
    lines = [line.strip() for line in page.splitlines()]
    for line in (*filter(None, DETAILS.split("\n")), *NOTE.split("\n"), "Refonte du site",
                 "À l’attention de Jeanne Martin", "Contact : Service facturation"):  # fmt: skip
        assert line in [text.replace("\N{NO-BREAK SPACE}", " ") for text in lines], line
    assert page.index("Refonte du site") < page.index("Nos bureaux") < page.index("Hébergement")
    assert house.call("verify", root).code == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"note": {"en": "Hello"}}, "note.fr: is missing"),
        ({"note": {"fr": "a\r\nb"}}, "no glyph for U+000D; write it without"),
        ({"note": {"fr": "a\tb"}}, "no glyph for U+0009"),
        ({"note": {"fr": "a\n"}}, "note.fr: "),
        ({"note": {"fr": "x" * 2001}}, "shorten it to 2000 characters"),
        ({"note": {"fr": "x\n" * 100 + "x"}}, "it has 101 lines; write at most 100 lines"),
        ({"subject": {"fr": "a\nb"}}, "subject.fr: "),
        ({"plans.0.subject": {"en": "Site"}}, "plans[0].subject.fr: is missing"),
        ({"plans.0.items.0.details": {"en": "Site"}}, "plans[0].items[0].details.fr: is missing"),
        ({"party.contact": "a\nb"}, "party.contact: "),
    ],
)
def test_texts_that_cannot_be_printed_are_refused(tmp_path, changes, said):
    root = house.build(tmp_path, client(**changes))
    ran = house.call("check_inputs", root)
    assert ran.code == 1 and said in ran.err, ran
    assert ran.err.startswith("clients/nord.json: ")


def test_plans_of_another_subject_are_invoiced_apart(tmp_path):
    value = client(**{"plans.0.items": [house.item("hosting")]})
    other = {**value["plans"][0], "id": "other", "subject": {"fr": "Entretien"}}
    other["items"] = [house.item("mail", "15.00")]
    root = house.build(tmp_path, {**value, "plans": [*value["plans"], other]})
    assert house.month(root).code == 0
    issued = [house.issued(root, "nord", number) for number in house.numbers(root, "nord")]
    assert [one.subject for one in issued] == ["Refonte du site", "Entretien"]


def test_a_credit_note_says_at_its_head_why_it_is_one(tmp_path, monkeypatch):
    root = house.build(tmp_path, client(**{"plans.0.items": [house.item("hosting")]}))
    assert house.month(root).code == 0
    monkeypatch.setenv("REASON", "Geste commercial")
    ran = house.call("issue_credit_note", root, invoice="NORD-2026-0001",
                     issue_date="2026-11-20", today="2026-11-20")  # fmt: skip
    assert ran.code == 0, ran
    note = house.issued(root, "nord", "NORD-2026-0002")
    (page,) = pages(house.proof(root, "nord", "NORD-2026-0002", "pdf").read_bytes())
    assert note.subject == "Refonte du site" and NOTE not in page
    assert page.index("Geste commercial") < page.index("Hébergement")


def test_a_quote_has_them_too(tmp_path):
    line = house.one_off(details={"fr": DETAILS})
    root = house.build(tmp_path, client(plans=[]))
    house.put_order(root, house.order("site", "nord", lines=[line], note={"fr": NOTE}))
    ran = house.call("issue_quote", root, client="nord", order="site", today=house.TODAY)
    assert ran.code == 0, ran
    (path,) = (root.data / "quotes").rglob("*.pdf")
    page = "\n".join(pages(path.read_bytes())).replace("\N{NO-BREAK SPACE}", " ")
    for line in (*filter(None, DETAILS.split("\n")), *NOTE.split("\n"), "À l’attention de Jeanne"):
        assert line in page, line
    assert house.call("verify", root).code == 0


# --- over pages ----------------------------------------------------------------------


def long_document(tmp_path: Any, lines: int, **changes: Any) -> Document:
    """An invoice whose lines all have the longest details."""
    root = house.build(tmp_path, client(**{"plans.0.items": [house.item("hosting")]}))
    made = house.draft(root)
    each = made.lines[0]
    every = tuple(replace(each, id=str(i + 1), description=LONGEST) for i in range(lines))
    return replace(made, lines=every, **changes)


@pytest.mark.parametrize("lines", [1, 2, 7])
def test_long_details_run_over_pages_and_the_totals_never_stand_alone(tmp_path, lines):
    made = long_document(tmp_path, lines)
    found = pages(invoice_pdf.render(made, None, None))
    assert "".join(found).count("Livrable 80 : maquette.") == lines
    last = found[-1]
    assert "Total TTC" in last and LAST in last, last
    for page in found[1:]:
        assert "Désignation" in page.partition("Livrable")[0], page


def test_no_page_stays_empty_for_a_row_that_is_taller_than_its_rest(tmp_path):
    rows = [house.one_off(), house.one_off(details={"fr": LONGEST}), house.one_off()]
    used = house.usage("nord", house.MONTH, {}, *rows)
    root = house.build(tmp_path, house.client(changes={"plans": []}), used=(used,))
    document = house.draft(root)
    first, second = invoice_pdf._lay_out(document, None, "")
    lowest = max(mark.y for mark in first if isinstance(mark, Text) and mark.y < 750)
    assert lowest > 600, "the first page is filled"
    shown = pages(invoice_pdf.render(document, None, None))
    assert "Livrable 00" in shown[0] and LAST in shown[1]
    assert second


def test_a_note_longer_than_a_page_runs_on(tmp_path):
    note = "\n".join(f"Ligne {i}" for i in range(100))
    found = pages(invoice_pdf.render(long_document(tmp_path, 1, note=note), None, None))
    assert "Ligne 99" in "".join(found) and "Ligne 99" not in found[0]


@pytest.mark.parametrize("note", [NOTE, "x" * 2000, "y\n" * 99 + "y"])
def test_the_judges_pass_them(tmp_path, note):
    root = house.build(tmp_path, client(**{"plans.0.items": [house.item("hosting")]}))
    made = house.draft(root)
    made = replace(made, note=note, lines=(replace(made.lines[0], description=note),
                                           *made.lines[1:]))  # fmt: skip
    assert validators.verdicts(made, facturx_xml.generate(made)) == []
