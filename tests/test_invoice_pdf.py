"""What a customer reads on the page, found by another reader (pypdf) than the one that wrote it."""

import io
import os
import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import fpdf
import pypdf
import pypdfium2
import pytest
from babel.numbers import format_currency, format_decimal
from facturx.facturx import generate_xmp_object
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace
from PIL import Image

import house
from lib.core import messages
from lib.documents import (
    facturx_xml,
    fonts,
    invoice_pdf,
    pdf_writer,
    qr_code,
    transfer,
    typeset,
    validators,
)
from lib.documents.pdf_writer import Picture
from lib.inputs import logos
from lib.values import characters, code_lists, money, payment_code, vat
from lib.values.document import (
    CREDIT_NOTE,
    Address,
    Allowance,
    BankAccount,
    Document,
    Line,
    Note,
    Party,
    Period,
    Preceding,
    Seller,
    Totals,
    VatSubtotal,
    to_json,
)
from lib.values.speech import MINUS, Speech

XML = b"<?xml version='1.0' encoding='UTF-8'?><invoice/>"
SCRIPTS = Path(__file__).parents[1] / "scripts"


def make_line(i: int, rate: str = "20.00", **changes: Any) -> Line:
    quantity, price = Decimal(i % 7 + 1), Decimal("12.3400")
    fields = {
        "id": str(i),
        "name": f"Prestation n° {i}",
        "quantity": quantity,
        "unit": "HUR",
        "unit_price": price,
        "net": money.round_half_up(quantity * price),
        "vat_category": "S",
        "vat_rate": Decimal(rate),
    }
    return Line(**(fields | changes))


def make_document(lines: int | tuple[Line, ...] = 4, **changes: Any) -> Document:
    """An invoice with everything on it; totals follow from its lines."""
    if isinstance(lines, int):
        lines = tuple(make_line(i) for i in range(1, lines + 1))
    allowances: tuple[Allowance, ...] = changes.get("allowances", ())
    breakdown = []
    for rate in dict.fromkeys(line.vat_rate for line in lines):
        taxable = money.total(line.net for line in lines if line.vat_rate == rate)
        taxable -= money.total(each.amount for each in allowances if each.vat_rate == rate)
        vat = money.percentage_of(taxable, rate)
        breakdown.append(VatSubtotal(category="S", rate=rate, taxable=taxable, vat=vat))
    lines_net = money.total(line.net for line in lines)
    reduction = money.total(each.amount for each in allowances)
    vat = money.total(each.vat for each in breakdown)
    gross = lines_net - reduction + vat
    fields = {
        "number": "ACME-2026-0012",
        "client": "acme",
        "month": "2026-10",
        "issue_date": date(2026, 10, 31),
        "due_date": date(2026, 11, 30),
        "language": "fr",
        "operation_category": "services",
        "period": Period(start=date(2026, 10, 1), end=date(2026, 10, 31)),
        "seller": Seller(
            name="Studio Lumière",
            siren="732829320",
            siret="73282932000074",
            vat_number="FR44732829320",
            address=Address(lines=("12 rue Basse",), postcode="44000", city="Nantes", country="FR"),
            email=("bonjour@studio.example",),
            legal_form="SAS",
            capital=Decimal("10000.00"),
            registration="RCS Nantes 732 829 320",
            bank=BankAccount(iban="FR1420041010050500013M02606", bic="PSSTFRPPXXX"),
        ),
        "buyer": Party(
            name="Acme Éditions",
            siren="552100554",
            address=Address(lines=("8 quai",), postcode="75011", city="Paris", country="FR"),
        ),
        "purchase_order": "PO-4500012",
        "lines": lines,
        "vat_breakdown": tuple(breakdown),
        "totals": Totals(
            lines_net=lines_net,
            allowances=reduction,
            net=lines_net - reduction,
            vat=vat,
            gross=gross,
            due=gross,
        ),
        "notes": (
            Note(code="PMT", text="Indemnité forfaitaire : 40 €."),
            Note(code="PMD", text="Pénalités de retard : 12 %."),
            Note(code="BAR", text="B2B"),
        ),
        "payment_reference": "RF98ACME20260012",
    }
    return Document(**(fields | changes))


def read(data: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]


def text_of(document: Document, **arguments: Any) -> str:
    """All its text, each kind of space as a plain one."""
    data = invoice_pdf.render(document, arguments.pop("xml", XML), None, **arguments)
    return " ".join("\n".join(read(data)).replace("\n", " ").split())


def amount(figure: str) -> Decimal:
    return Decimal(re.sub(r"\s", "", figure).replace(",", "."))


CORRECTED = Preceding(number="ACME-2026-0011", issue_date=date(2026, 9, 30))
EXTREME = replace(
    make_document(
        tuple(
            make_line(i, quantity=Decimal("123456789.1234"), unit_price=Decimal("9999999.9999"))
            for i in range(1, 12)
        )
    ),
    number="ABCDEFGH-2026-000123456789012345678",
    seller=replace(
        make_document().seller,
        name="Compagnie générale internationale des études, travaux et développements " * 3,
        bank=BankAccount(iban="FR1420041010050500013M02606", holder="Compagnie " + "x" * 50),
    ),
    purchase_order="9" * 60,
    buyer=Party(
        name="Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbau" * 2,
        address=Address(lines=("x" * 60, "y " * 40, "BP 12"), city="Paris", country="FR"),
        email=("comptabilite.fournisseurs.direction.generale@nom.de.domaine.example",),
        delivery_address=Address(lines=("Quai 4",), city="Marseille", country="FR", name="Dépôt"),
    ),
)


# --- what is read --------------------------------------------------------------------


def test_french_page() -> None:
    text = text_of(make_document())
    for expected in (
        "FACTURE ACME-2026-0012",
        "Date d’émission 31 octobre 2026",
        "Échéance 30 novembre 2026",
        "Période de service 1er–31 octobre 2026",
        "Bon de commande PO-4500012",
        "SIRET 732 829 320 00074",
        "N° TVA FR44732829320",
        "Prestation n° 1 2 heures 12,34 20 % 24,68",
        "Total HT 172,76 €",
        "TVA 20 % sur 172,76 € 34,55 €",
        "Total TTC 207,31 €",
        "Net à payer 207,31 €",
        "FR14 2004 1010 0505 0001 3M02 606",
        "RF98 ACME 2026 0012",
        "Indemnité forfaitaire : 40 €.",
        "SAS au capital de 10 000 €",
        "page 1 / 1",
    ):
        assert expected in text
    assert "B2B" not in text


def test_a_description_that_wraps_is_read_whole_before_its_figures() -> None:
    long = "Maintenance et surveillance du site, mises à jour, sauvegardes et rapport mensuel " * 2
    reason = {"discount": Decimal("2.00"), "discount_reason": "fidélité"}
    text = text_of(make_document((make_line(1, name=long.strip(), **reason), make_line(2))))
    assert f"{long}2 heures 12,34 20 % " in text
    assert text.index("Remise") < text.index("Prestation n° 2")
    lines = tuple(make_line(i, name=long.strip()) for i in range(1, 40))
    assert len(re.findall(f"{long}[1-9] heures? 12,34 ", text_of(make_document(lines)))) == 39


def test_english_page_holds_no_french() -> None:
    seller = replace(make_document().seller, registration="", legal_form="Ltd")
    line = make_line(1, name="Hosting", discount=Decimal("2.00"), discount_reason="loyalty")
    text = text_of(make_document((line,), language="en", notes=(), seller=seller))
    for expected in (
        "INVOICE ACME-2026-0012",
        "Issue date 31 October 2026",
        "Hosting 2 hours 12.34 20% 24.68",
        "Discount −€2.00: loyalty",
        "VAT 20% on €24.68 €4.94",
        "Amount due €29.62",
        "share capital €10,000",
    ):
        assert expected in text
    assert not foreign_words(text, french=True)


def test_french_page_holds_no_english() -> None:
    assert not foreign_words(text_of(make_document()), french=False)


def foreign_words(text: str, french: bool) -> list[str]:
    """The words of documents in the other language that stand in a text."""
    pairs = [pair if french else pair[::-1] for pair in both("words").values()]
    spoken = " ".join(own for _, own in pairs)
    return [
        word
        for word, _ in pairs
        if "{" not in word and not stands(word, spoken) and stands(word, text)
    ]


def stands(word: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) is not None


def both(section: str) -> dict[str, tuple[str, str]]:
    """The words of a section in French and in English."""
    french, english = (messages.words(language)[section] for language in ("fr", "en"))
    assert french.keys() == english.keys()
    return {key: (french[key], english[key]) for key in french}


def test_every_word_has_the_same_places_in_both_languages() -> None:
    for french, english in (*both("words").values(), *both("letters").values()):
        assert sorted(re.findall(r"{\w+}", french)) == sorted(re.findall(r"{\w+}", english))
        assert not characters.missing(french + english)
        assert re.sub("[“”]", "", english).isascii(), "French in the English column"
    for french, english in [*both("units").values(), *many_units()]:
        assert french and english and not characters.missing(french + english)


def many_units() -> list[tuple[str, str]]:
    french, english = (messages.words(language)["units_many"] for language in ("fr", "en"))
    assert {"HUR", "DAY", "C62"} <= french.keys() & english.keys()
    return [(french.get(code) or "x", english.get(code) or "x") for code in french | english]


@pytest.mark.parametrize(
    ("quantity", "french", "english"),
    [
        ("0", "heure", "hours"),
        ("1", "heure", "hour"),
        ("1.00", "heure", "hour"),
        ("1.5", "heure", "hours"),
        ("2", "heures", "hours"),
        ("-1", "heure", "hour"),
        ("1000000", "heures", "hours"),
    ],
)
def test_a_unit_has_the_number_of_its_quantity(quantity: str, french: str, english: str) -> None:
    names = {language: Speech(language).unit("HUR", Decimal(quantity)) for language in ("fr", "en")}
    assert names == {"fr": french, "en": english}


def test_allowances_and_rates() -> None:
    allowance = Allowance(
        reason="Remise partenaire",
        percent=Decimal("10.00"),
        base=Decimal("100.00"),
        amount=Decimal("10.00"),
        vat_category="S",
        vat_rate=Decimal("5.50"),
    )
    lines = (make_line(6), make_line(13, "5.50"))
    text = text_of(make_document(lines, allowances=(allowance,)))
    for expected in (
        "Remise partenaire (10 % de 100,00 €) 5,5 % −10,00",
        "Total des lignes HT 172,76 €",
        "Remises −10,00 €",
        "Total HT 162,76 €",
        "TVA 5,5 % sur 76,38 € 4,20 €",
    ):
        assert expected in text


def test_exemption_reason_is_printed_once_below_the_totals() -> None:
    document = make_document()
    reason = "TVA non applicable, art. 293 B du CGI"
    vat = replace(document.vat_breakdown[0], exemption_reason=reason)
    text = text_of(replace(document, vat_breakdown=(vat,)))
    assert text.count(reason) == 1
    assert text.index("Net à payer") < text.index(reason)


FRANCHISE = ("E", vat.FRANCHISE_CODE, "TVA non applicable, art. 293 B du CGI")
REVERSE = ("AE", "VATEX-FR-AE", "Autoliquidation")


def without_vat(category: str, code: str, reason: str, **changes: Any) -> Document:
    """An invoice that has no VAT, for one reason."""
    lines = tuple(make_line(i, "0.00", vat_category=category) for i in (1, 2))
    document = make_document(lines, **changes)
    [part] = document.vat_breakdown
    part = replace(part, category=category, exemption_code=code, exemption_reason=reason)
    return replace(document, vat_breakdown=(part,))


def test_a_seller_without_vat_has_one_total_and_the_mention_beside_it() -> None:
    seller = replace(make_document().seller, vat_number="")
    text = text_of(without_vat(*FRANCHISE, seller=seller))
    assert "Quantité Unité Prix unitaire Montant Prestation n° 1 2 heures 12,34 24,68" in text
    assert "37,02 TVA non applicable, art. 293 B du CGI Net à payer 61,70 €" in text
    assert text.count("61,70 €") == 2 and text.count("TVA") == 1  # at the head, and at the foot
    assert not re.search(r"\bHT\b|TTC|0 %", text)


def test_one_reason_without_vat_stands_in_the_place_of_its_column_and_its_rows() -> None:
    text = text_of(without_vat(*REVERSE))
    assert "Prix unitaire HT Montant HT Prestation n° 1 2 heures 12,34 24,68" in text
    assert "Total HT 61,70 € Autoliquidation Net à payer 61,70 €" in text
    assert "0 %" not in text and "TTC" not in text


def test_a_part_that_is_paid_is_taken_off_a_total_without_vat() -> None:
    document = without_vat(*FRANCHISE)
    settled = invoice_pdf.Settled(("virement",), money.ZERO, Decimal("60.00"), money.ZERO)
    text = text_of(document, settled=settled)
    assert "Total 61,70 € TVA non applicable, art. 293 B du CGI Réglé −60,00 €" in text


def test_the_vat_of_several_rates_is_added_up() -> None:
    text = text_of(make_document((make_line(1), make_line(2, "5.50"))))
    assert "Total TVA 6,98 € Total TTC" in text
    assert "Total TVA" not in text_of(make_document())


def test_what_is_due_and_when_stands_at_the_head() -> None:
    head = text_of(make_document(60)).partition("Émetteur")[0]
    assert "Échéance 30 novembre 2026 Net à payer 3 524,30 €" in head


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_fact_at_the_head_wraps(language: str) -> None:
    long = Period(start=date(2026, 9, 15), end=date(2027, 9, 14))
    facts = {"purchase_order": "PO-2026-00045678-LYON", "buyer_reference": "SERVICE-FACTURIER-1234"}
    document = make_document(period=long, reference="R-1", language=language, **facts)
    [page] = invoice_pdf._lay_out(document, None, "")
    texts = [mark.text for mark in page if isinstance(mark, pdf_writer.Text)]
    period = document.speech.period(long.start, long.end)
    assert {period, *facts.values()} <= set(texts)


@pytest.mark.parametrize(("language", "zero"), [("fr", "0 %"), ("en", "0%")])
def test_each_reason_without_vat_is_tied_to_its_lines_and_its_subtotal(
    language: str, zero: str
) -> None:
    lines = (
        make_line(1, "0.00", vat_category="K"),
        make_line(2, "0.00", vat_category="AE"),
        make_line(3),
    )
    reasons = {"AE": "Autoliquidation", "K": "Livraison intracommunautaire"}
    breakdown = tuple(
        VatSubtotal(
            category=category,
            rate=Decimal(rate),
            taxable=Decimal("24.68"),
            vat=Decimal("0.00"),
            exemption_reason=reasons.get(category, ""),
        )
        for category, rate in (("AE", "0.00"), ("K", "0.00"), ("S", "20.00"))
    )
    allowance = Allowance(
        reason="Remise",
        amount=Decimal("1.00"),
        vat_category="K",
        vat_rate=Decimal("0.00"),
    )
    document = make_document(lines, allowances=(allowance,), language=language)
    text = text_of(replace(document, vat_breakdown=breakdown))
    on, hour, price = {"fr": ("sur", "heures", "12,34"), "en": ("on", "hours", "12.34")}[language]
    for expected in (
        f"n° 1 2 {hour} {price} {zero} (2)",
        f"n° 2 3 {hour} {price} {zero} (1)",
        f"Remise {zero} (2)",
        f"{zero} (1) {on} ",
        f"{zero} (2) {on} ",
        "(1) Autoliquidation (2) Livraison intracommunautaire",
    ):
        assert expected in text
    assert f"{zero.replace('0', '20')} (" not in text


def test_sole_trader_and_mandate() -> None:
    document = make_document()
    mention = "Facture établie par Plateforme SA au nom et pour le compte de Studio Lumière"
    seller = replace(document.seller, legal_form="EI", capital=None)
    text = text_of(replace(document, seller=seller, notes=(Note(code="DCL", text=mention),)))
    assert "Studio Lumière EI" in text
    assert text.count(mention) == 1
    assert text.index(mention) < text.index("Date d’émission")


def test_a_trade_name_stands_beside_the_legal_name() -> None:
    document = make_document()
    trader = {"name": "Maëlle Quéméneur", "trade_name": "Atelier Kemener", "legal_form": "EI"}
    seller = replace(document.seller, capital=None, **trader)
    buyer = replace(document.buyer, trade_name="Acme Poche")
    text = text_of(replace(document, seller=seller, buyer=buyer))
    assert "Émetteur Maëlle Quéméneur EI Atelier Kemener 12 rue Basse" in text
    assert "Client Acme Éditions Acme Poche 8 quai" in text
    assert text.startswith("Atelier Kemener FACTURE")  # where there is no logo


def test_the_accents_are_of_the_colour_of_the_seller() -> None:
    document = make_document()
    pink = replace(document, seller=replace(document.seller, colour="#A8325F"))
    colours = {
        tuple(
            {
                mark.colour
                for page in invoice_pdf._lay_out(each, None, "")
                for mark in page
                if isinstance(mark, pdf_writer.Text | pdf_writer.Box)
            }
            & {typeset.ACCENT, (0xA8, 0x32, 0x5F)}
        )
        for each in (document, pink)
    }
    assert colours == {(typeset.ACCENT,), ((0xA8, 0x32, 0x5F),)}


def test_credit_note_asks_for_no_money() -> None:
    why = {"preceding": (CORRECTED,), "note": "Motif de l’avoir : Erreur."}
    text = text_of(make_document(type_code=CREDIT_NOTE, **why))
    assert "AVOIR ACME-2026-0012" in text
    head = "Avoir sur la facture ACME-2026-0011 du 30 septembre 2026 Motif de l’avoir : Erreur."
    assert text.index(head) < text.index("Date d’émission")
    assert text.count("Motif") == 1 and "À déduire de la facture ACME-2026-0011" in text
    assert "Total à déduire 207,31 €" in text
    for unwanted in ("Échéance", "IBAN", "RF98", "QR", "Net à payer", "Pénalités", "40 €"):
        assert unwanted not in text


def test_draft_has_no_number_and_cannot_be_paid() -> None:
    text = text_of(make_document(), xml=None, watermark="BROUILLON")
    assert text.count("BROUILLON") >= 2
    for unwanted in ("ACME-2026-0012", "RF98", "QR"):
        assert unwanted not in text


def test_copy_keeps_its_number() -> None:
    text = text_of(make_document(), xml=None, watermark="ACQUITTÉE")
    assert "ACQUITTÉE" in text
    assert "FACTURE ACME-2026-0012" in text


def test_nothing_optional() -> None:
    address = Address(lines=(), city="Nantes", country="FR")
    document = make_document(
        1,
        due_date=None,
        purchase_order="",
        notes=(),
        payment_reference="",
        seller=Seller(name="Jeanne Petit", address=address),
        buyer=Party(name="Marie {nb} **Martin**", person=True, address=address),
    )
    text = text_of(document)
    assert "Marie {nb} **Martin**" in text
    for unwanted in ("Échéance", "IBAN", "SIREN", "TVA FR", "Règlement", "None"):
        assert unwanted not in text


# --- long tables ---------------------------------------------------------------------


def test_carried_totals_add_up_over_300_lines() -> None:
    document = make_document(300)
    pages = read(invoice_pdf.render(document, XML, None))
    assert len(pages) > 5
    nets = {line.name: line.net for line in document.lines}
    so_far = money.ZERO
    seen = []
    for i, page in enumerate(pages):
        names = re.findall(r"Prestation n° \d+", page)
        brought = re.findall(r"^Report (.+)$", page, re.MULTILINE)
        carried = re.findall(r"^À reporter (.+)$", page, re.MULTILINE)
        assert [amount(figure) for figure in brought] == ([so_far] if i else [])
        so_far += sum(nets[name] for name in names)
        assert [amount(figure) for figure in carried] == ([so_far] if page != pages[-1] else [])
        assert names and "Désignation" in page
        assert f"page {i + 1} / {len(pages)}" in page
        assert "ACME-2026-0012" in page and "Studio Lumière" in page
        seen += names
    assert seen == list(nets)
    assert so_far == document.totals.net


@pytest.mark.parametrize("lines", [*range(1, 40), 100])
def test_totals_stand_whole_with_a_line(lines: int) -> None:
    pages = invoice_pdf._lay_out(make_document(lines), None, "")
    texts = [[mark.text for mark in page if isinstance(mark, pdf_writer.Text)] for page in pages]
    last = next(page for page in texts if f"Prestation n° {lines}" in page)
    assert last.count("Net à payer") == (2 if last is texts[0] else 1)
    for expected in ("Total HT", "Total TTC", "IBAN"):
        assert [expected in page for page in texts] == [page is last for page in texts]


def test_a_description_longer_than_a_page() -> None:
    tall = make_line(2, description="mot " * 3000)
    data = invoice_pdf.render(make_document((make_line(1), tall, make_line(3))), XML, None)
    pages = read(data)
    assert sum(len(re.findall(r"\bmot\b", page)) for page in pages) == 3000
    carried = money.total((make_line(1).net, tall.net))
    assert f"Report {Speech('fr').number(carried, 2)}" in pages[2]


@pytest.mark.parametrize(
    "document",
    [
        *(make_document(n) for n in (1, 9, 17, 18, 19, 20, 45)),
        EXTREME,
        replace(EXTREME, type_code=CREDIT_NOTE, language="en", preceding=(CORRECTED,)),
        make_document(20, notes=make_document().notes * 40),
    ],
)
def test_nothing_overlaps_or_leaves_the_page(document: Document) -> None:
    for page in invoice_pdf._lay_out(document, None, ""):
        boxes = []
        for mark in page:
            if isinstance(mark, pdf_writer.Text):
                right = mark.x + fonts.width(mark.text, mark.face, mark.size)
                boxes.append((mark.x, right, mark.y - 0.5 * mark.size, mark.y, mark.text))
        for left, right, top, bottom, text in boxes:
            assert left >= typeset.LEFT - 0.01, text
            assert right <= typeset.RIGHT + 0.01, text
            assert top > 30 and bottom < typeset.PAGE_HEIGHT - 30, text
        for i, (left, right, top, bottom, text) in enumerate(boxes):
            for other_left, other_right, other_top, other_bottom, other in boxes[:i]:
                apart = left >= other_right or other_left >= right
                assert apart or top >= other_bottom or other_top >= bottom, (text, other)


@given(st.text(alphabet="ab éЖ«»:\u00a0", max_size=80), st.integers(5, 200))
def test_wrapping_keeps_every_character(text: str, limit: int) -> None:
    lines = fonts.wrap(text, fonts.REGULAR, 9, limit)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(len(line) <= 1 or fonts.width(line, fonts.REGULAR, 9) <= limit for line in lines)


def test_an_address_is_parted_after_a_sign_of_its_own() -> None:
    address = "comptabilite.fournisseurs@direction-generale.acme-editions.example"
    lines = fonts.wrap(address, fonts.REGULAR, 7.8, 220)
    assert lines == ["comptabilite.fournisseurs@direction-generale.acme-editions.", "example"]
    address = "achats.et.services.de.la.presquile@architectes-dupont-martinon.example"
    assert fonts.wrap(address, fonts.REGULAR, 7.8, 220) == [
        "achats.et.services.de.la.presquile@", "architectes-dupont-martinon.example",
    ], "a reader that copies leaves out a hyphen at the end of a line"  # fmt: skip
    assert fonts.wrap("Saint-Germain-en-Laye", fonts.REGULAR, 9, 60) == [
        "Saint-",
        "Germain-en-",
        "Laye",
    ]


def test_signs_of_french_and_short_last_words_do_not_stand_alone() -> None:
    for text in (
        "Avancement de 40 % de la commande « Site et livret “Les Flots” »",
        "Brochure pliée en trois volets, papier recyclé 135 g",
        "Motif : un geste, comme convenu ; les livres sont gardés ! Merci ? Oui : 12 %",
        "Acompte déduit : facture PROJET-2026-0001 du 8 novembre 2026",
    ):
        for limit in range(110, 300):
            lines = fonts.wrap(text, fonts.REGULAR, 9, limit)
            assert " ".join(lines) == text
            assert not any(line[0] in ":;!?»%" for line in lines), lines
            assert not any(line.endswith(("«", " 8", " 12")) for line in lines[:-1]), lines
            if len(lines) > 1 and len(lines[-2].split()) > 2:
                assert " " in lines[-1] or len(lines[-1]) > 6, lines


# --- glyphs --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "character",
    ["漢", "\U0001f600", "\n", "\t", "\x00", "\x7f", "\u0301", "\u00ad", "\u200b", "\u202e", "א"],
)
def test_a_character_without_glyph_is_refused(character: str) -> None:
    assert characters.missing(f"abc{character}{character}") == [character]
    buyer = replace(make_document().buyer, name=f"Acme{character}SA")
    with pytest.raises(ValueError, match=f"U\\+{ord(character):04X}"):
        invoice_pdf.render(make_document(buyer=buyer), XML, None)


def test_what_counts_as_printable_is_what_both_faces_have() -> None:
    assert characters.printable() == set.intersection(
        *(set(fonts.advances(f)) for f in fonts.FACES)
    )


def test_european_names_have_their_glyphs() -> None:
    names = "Łódź Ğüneş Đặng Þórður ÆØÅ ẞß Őű Στούντιο Φωτός «Северный ветер» Љубљана №№ œŒ ÿŸ"
    figures = "\u202f\u00a0’€−\u2011–—…•“”„·×²³½°™®©§¶£¥%‰"
    assert characters.missing(names + figures) == []
    document = make_document(buyer=replace(make_document().buyer, name=names))
    assert names in text_of(document)


def test_digits_are_equally_wide() -> None:
    for face in fonts.FACES:
        assert len({fonts.width(digit, face, 10) for digit in "0123456789\N{MINUS SIGN}"}) == 1


# --- figures -------------------------------------------------------------------------


FIGURES = st.decimals("-9999999999999", "9999999999999", places=4)


@given(FIGURES, st.sampled_from(["fr", "en"]))
def test_numbers_are_written_as_babel_writes_them(value: Decimal, language: str) -> None:
    locale = messages.words(language)["forms"]["locale"]
    expected = format_decimal(value, "#,##0.00##", locale=locale, decimal_quantization=False)
    expected = expected.replace("-", MINUS)
    if not value:
        expected = expected.removeprefix(MINUS)
    assert Speech(language).number(value, 2) == expected


@given(st.decimals("-99999999", "99999999", places=2), st.sampled_from(["fr", "en"]))
def test_amounts_are_written_as_babel_writes_them(value: Decimal, language: str) -> None:
    expected = format_currency(
        value.copy_abs(), "EUR", locale=messages.words(language)["forms"]["locale"]
    )
    sign = MINUS if value < 0 else ""
    assert Speech(language).amount(value, "EUR") == sign + expected


def test_periods() -> None:
    days = date(2025, 12, 15), date(2026, 1, 14), date(2026, 1, 31), date(2026, 3, 1)
    assert Speech("fr").period(days[0], days[1]) == "15 décembre 2025 – 14 janvier 2026"
    assert Speech("en").period(days[1], days[2]) == "14–31 January 2026"
    assert Speech("en").period(days[1], days[3]) == "14 January – 1 March 2026"
    assert Speech("fr").period(days[1], days[1]) == "14 janvier 2026"


# --- the file ------------------------------------------------------------------------


def test_attachment_and_metadata() -> None:
    reader = pypdf.PdfReader(io.BytesIO(invoice_pdf.render(make_document(), XML, None)))
    assert dict(reader.attachments) == {"factur-x.xml": [XML]}
    (specification,) = (reference.get_object() for reference in reader.root_object["/AF"])
    assert specification["/AFRelationship"] == "/Alternative"
    stream = specification["/EF"]["/F"].get_object()
    assert stream["/Subtype"] == "/text/xml"
    assert stream["/Params"]["/ModDate"] == "D:20261031000000Z"
    assert reader.root_object["/Lang"] == "fr"
    assert reader.metadata is None
    xmp = reader.root_object["/Metadata"].get_object().get_data().decode()
    for expected in (
        ">3</pdfaid:part>",
        ">A</pdfaid:conformance>",
        ">1</pdfuaid:part>",
        ">Facture ACME-2026-0012</rdf:li>",
        ">Studio Lumière</rdf:li>",
        ">2026-10-31T00:00:00+00:00</xmp:CreateDate>",
        ">EN 16931</fx:ConformanceLevel>",
        ">factur-x.xml</fx:DocumentFileName>",
    ):
        assert expected in xmp


def test_draft_has_no_attachment() -> None:
    data = invoice_pdf.render(make_document(), None, None, "BROUILLON")
    reader = pypdf.PdfReader(io.BytesIO(data))
    assert dict(reader.attachments) == {}
    xmp = reader.root_object["/Metadata"].get_object().get_data().decode()
    assert ">3</pdfaid:part>" in xmp
    assert "fx:" not in xmp and "ACME-2026-0012" not in xmp


def test_every_font_is_embedded() -> None:
    reader = pypdf.PdfReader(io.BytesIO(invoice_pdf.render(make_document(), XML, None)))
    dictionaries = reader.pages[0]["/Resources"]["/Font"].values()
    assert len(dictionaries) == 2
    for dictionary in dictionaries:
        (descendant,) = dictionary.get_object()["/DescendantFonts"]
        assert "/FontFile2" in descendant.get_object()["/FontDescriptor"]


def test_same_bytes_in_another_process(tmp_path: Path) -> None:
    document = make_document(30)
    (tmp_path / "document.json").write_bytes(to_json(document))
    (tmp_path / "logo.png").write_bytes(picture("PNG", "RGBA"))
    program = (
        "import sys; from pathlib import Path\n"
        "from lib.documents import invoice_pdf; from lib.values import document\n"
        "there = Path(sys.argv[1])\n"
        "made = document.from_json((there / 'document.json').read_bytes())\n"
        f"pdf = invoice_pdf.render(made, {XML!r}, (there / 'logo.png').read_bytes())\n"
        "(there / 'other.pdf').write_bytes(pdf)\n"
    )
    environment = os.environ | {
        "PYTHONPATH": str(SCRIPTS),
        "PYTHONHASHSEED": "1",
        "TZ": "Asia/Tokyo",
    }
    subprocess.run([sys.executable, "-c", program, tmp_path], check=True, env=environment)
    data = invoice_pdf.render(document, XML, picture("PNG", "RGBA"))
    assert (tmp_path / "other.pdf").read_bytes() == data
    assert invoice_pdf.render(document, XML, picture("PNG", "RGBA")) == data


# --- logo and code -------------------------------------------------------------------


def picture(kind: str, mode: str, size: tuple[int, int] = (300, 60)) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("PNG", "L"), ("JPEG", "RGB")])
@pytest.mark.parametrize("size", [(300, 60), (60, 300), (1, 1)])
def test_logo_keeps_its_proportions(kind: str, mode: str, size: tuple[int, int]) -> None:
    (page,) = invoice_pdf._lay_out(make_document(), picture(kind, mode, size), "")
    (mark,) = (mark for mark in page if isinstance(mark, Picture))
    assert mark.width / mark.height == pytest.approx(size[0] / size[1])
    assert mark.width <= 50 * logos.MM + 0.01
    assert mark.height <= 18 * logos.MM + 0.01
    data = invoice_pdf.render(make_document(), XML, picture(kind, mode, size))
    assert len(pypdf.PdfReader(io.BytesIO(data)).pages[0].images) == 1


@pytest.mark.parametrize(
    "logo",
    [
        b"",
        b"<svg/>",
        picture("PNG", "RGB")[:-30],
        picture("JPEG", "RGB")[:-300],
        picture("GIF", "L"),
        picture("JPEG", "CMYK"),
    ],
)
def test_other_logos_are_refused(logo: bytes) -> None:
    with pytest.raises(ValueError, match="the logo is"):
        invoice_pdf.render(make_document(), XML, logo)


def test_code_is_drawn_as_it_was_computed() -> None:
    document = make_document()
    (page,) = invoice_pdf._lay_out(document, None, "")
    (code,) = [mark for mark in page if isinstance(mark, pdf_writer.Modules)]
    matrix = qr_code.of_payment(
        payment_code.epc_payload(
            name="Studio Lumière",
            iban="FR1420041010050500013M02606",
            bic="PSSTFRPPXXX",
            amount=document.totals.due,
            reference="RF98ACME20260012",
        )
    )
    scale = 4
    drawn = pypdfium2.PdfDocument(invoice_pdf.render(document, XML, None))[0]
    picture = drawn.render(scale=scale).to_pil().convert("L")
    module = transfer.QR_SIZE / len(matrix)

    def is_dark(row: int, column: int) -> int:
        place = (code.x + (column + 0.5) * module, code.y + (row + 0.5) * module)
        return int(picture.getpixel((int(place[0] * scale), int(place[1] * scale))) < 128)

    modules = range(len(matrix))
    assert [bytes(is_dark(i, j) for j in modules) for i in modules] == list(matrix)


@pytest.mark.parametrize(
    "name",
    ['Éts <Dupont> & "Fils" l’œil', "{title} {0} {{day}} {nb}", "]]> &amp; &#13; <!-- %s", "é Ǖ №"],
)
@pytest.mark.parametrize("with_xml", [True, False])
def test_metadata_is_that_of_factur_x_whatever_the_texts(name: str, with_xml: bool) -> None:
    document = make_document()
    document = replace(document, seller=replace(document.seller, name=name))
    metadata = {
        "pdfa3_flavor": "A",
        "title": "Facture ACME-2026-0012",
        "author": name,
        "subject": f"Facture ACME-2026-0012 du 31 octobre 2026, {name}",
        "producer": f"fpdf2 {fpdf.__version__}",
        "creator_tool": "invoice_pdf",
        "timestamp": "2026-10-31T00:00:00+00:00",
    }
    if with_xml:
        metadata |= {
            "version": "1.0",
            "documenttype": "INVOICE",
            "xml_filename": "factur-x.xml",
            "xmp_level": "EN 16931",
            "urn": "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#",
        }
    expected = etree.tostring(generate_xmp_object(metadata), method="c14n")
    # What says PDF/UA is ours, and described, since PDF/A knows no such schema.
    found = invoice_pdf._xmp(document, with_xml, "")
    for ours in (
        "<rdf:li [^>]*><pdfaSchema:schema>PDF/UA.*</pdfaSchema:property></rdf:li>",
        "<rdf:Description[^>]*><pdfuaid:part>1</pdfuaid:part></rdf:Description>",
        ' xmlns:pdfuaid="[^"]*"',
        *([] if with_xml else ["<rdf:Description[^>]*><pdfaExtension:.*</rdf:Description>"]),
    ):
        found, count = re.subn(ours, "", found)
        assert count == 1, ours
    assert etree.tostring(etree.fromstring(found), method="c14n") == expected


def test_account_that_the_code_cannot_hold_is_refused() -> None:
    seller = replace(make_document().seller, name="x" * 71)
    with pytest.raises(ValueError, match="account holder"):
        invoice_pdf.render(make_document(seller=seller), XML, None)


def test_what_is_outside_the_scope_of_vat_has_no_vat_number_and_no_rate(tmp_path):
    swiss = {
        "party.siren": None,
        "party.vat_number": "CHE318462755TVA",
        "party.address.country": "CH",
        "vat.treatment": "outside_eu",
        "plans.0.items": [house.item("hosting", vat_rate="0")],
        "plans.0.discounts": [{"id": "gift", "description": {"fr": "Offert"}, "percent": "10"}],
    }
    made = house.draft(house.build(tmp_path, house.client(changes=swiss)))
    xml = facturx_xml.generate(made)
    assert validators.verdicts(made, xml) == []
    assert b"SpecifiedTaxRegistration" not in xml
    assert b"RateApplicablePercent" not in xml
    page = text_of(made)
    assert made.seller.vat_number in page and "CHE318462755TVA" in page
    assert "0 %" not in page.replace("10 %", "")
    assert "TVA non applicable, art. 259-1° du CGI" in page


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_country_that_an_address_may_have_has_a_name(language):
    assert all(Speech(language).country(code) for code in code_lists.countries())
