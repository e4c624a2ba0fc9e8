"""What a screen reader says of each PDF, in order, compared with the document that it is of."""

import io
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdf
import pytest
from PIL import Image

import house
import past
import screen_reader
from lib.documents import invoice_pdf, pdf_writer
from lib.documents.structure import ARTIFACT, END, TD, TR, Tag
from lib.values.document import Document
from screen_reader import Node

SERVICES = ("services", "20.00", 100_000, 20_000)


def drafted(folder: Path, language: str, lines: int) -> Document:
    """An invoice of so many lines, some with details, all with a discount on the whole."""
    changes = {
        "language": language,
        "party.contact": "Jeanne Martin",
        "note": {language: "Merci de votre confiance.\nÀ bientôt."},
        "subject": {language: "Refonte du site"},
        "plans.0.discounts": [
            {"id": "loyal", "description": {language: "Fidélité"}, "percent": "10"}
        ],
        "plans.0.items": [
            house.item(
                f"item_{i}",
                f"{i + 1}.50",
                description={language: f"Page {i}"},
                **({"details": {language: "Maquette,\nintégration."}} if i % 3 == 0 else {}),
            )
            for i in range(lines)
        ],
    }
    return house.draft(house.build(folder, house.client(changes=changes)))


def plain(text: str) -> str:
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def logo() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (80, 30), (20, 84, 107)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(("language", "lines", "with_logo"), [
    ("fr", 1, True), ("en", 30, False), ("fr", 60, True),
])  # fmt: skip
def test_an_invoice_is_read_as_its_document_says(tmp_path, language, lines, with_logo):
    document = drafted(tmp_path, language, lines)
    data = invoice_pdf.render(document, b"<xml/>", logo() if with_logo else None)
    found = screen_reader.read(data)
    speech, totals = document.speech, document.totals

    def amount(value: Decimal) -> str:
        return plain(speech.amount(value, document.currency))

    assert plain(speech.word("about")) in [node.text for node in found.all("H2")]
    (title,) = found.all("H1")
    assert title.text == f"{document.title.upper()} {document.number}"
    # The lines are one table, however many pages they stand on, each cell under its heading.
    table, sums = found.all("Table")
    words = [speech.word(key) for key in ("description", "quantity", "unit_price", "line_net")]
    rows = screen_reader.cells(table)
    assert len(rows) == len(document.lines) + len(document.allowances)
    for row, line in zip(rows, document.lines, strict=False):
        name, quantity, price, net = (row[plain(word)] for word in words)
        assert name == plain(line.name), "what is heard with each figure is short"
        assert row.get("", "") == plain(line.description)
        figures = (speech.number(line.quantity), speech.number(line.unit_price, 2))
        assert (quantity, price) == tuple(map(plain, figures))
        assert net == plain(speech.number(line.net, 2))
    read = {row.kids[0].text: row.kids[1].text for row in sums.kids}
    assert read[plain(speech.word("net"))] == amount(totals.net)
    assert read[plain(speech.word("due"))] == amount(totals.due)
    assert amount(document.vat_breakdown[0].vat) in read.values()
    # All that is told in passing is said once, in the order of the page.
    said = [plain(text) for text in found.said()]
    whole = " ".join(said)
    bank = document.seller.bank
    assert bank is not None
    order = [
        document.title.upper(),
        document.buyer.name,
        "Jeanne Martin",
        "Refonte du site",
        "Merci de votre confiance. À bientôt.",
        "Page 0",
        amount(totals.net),
        plain(speech.word("payment")) if language == "fr" else bank.bic,
    ]
    places = [whole.index(text) for text in order]
    assert places == sorted(places), order
    assert speech.word("page", page="1", pages="1") not in whole
    assert whole.count(plain(speech.word("line_net"))) == 1, "repeated headings are not read"
    figures = list(found.all("Figure"))
    assert [each.text for each in found.all("Link")] == list(document.seller.email)
    assert len(figures) == 1 + with_logo
    assert all(text in plain(figures[-1].alt) for text in (amount(totals.due), bank.iban[:4]))
    if with_logo:
        assert document.seller.name in figures[0].alt


def test_what_is_read_is_what_stands_on_the_pages(tmp_path):
    """Nothing that the pages show is left unread but what repeats, and nothing is added."""
    document = drafted(tmp_path, "fr", 1)
    data = invoice_pdf.render(document, None, None)
    shown = pypdf.PdfReader(io.BytesIO(data)).pages[0].extract_text()
    found = screen_reader.read(data)
    said = Counter("".join(node.text for node in _all(found)).replace(" ", ""))
    assert not said - Counter("".join(shown.split())), "nothing is added"
    left = Counter("".join(shown.split())) - said
    legal = next(note.text for note in document.notes if note.code == "ABL")
    assert left.total() < 40 + len("".join(f"{document.seller.name}{legal}".split())), left


def _all(node: Node) -> list[Node]:
    return [node, *(each for kid in node.kids for each in _all(kid))]


def test_a_credit_note_a_receipt_and_a_draft_are_read(tmp_path, monkeypatch):
    root = house.build(tmp_path / "root")
    assert house.month(root).code == 0
    number = house.numbers(root, "nord")[0]
    past.lay(root, past.money("nord", number, "2026-11-10", 7_680))
    assert house.call("make_receipt", root, invoice=number).code == 0
    receipt = screen_reader.read((root.path / f"exports/receipts/{number}-paid.pdf").read_bytes())
    assert [node.text for node in receipt.all("H2")][-1] == "ACQUITTÉE"
    assert any("10 novembre 2026" in node.text for node in receipt.all("LBody"))
    monkeypatch.setenv("REASON", "Erreur de prix")
    ran = house.call("issue_credit_note", root, invoice=number,
                     issue_date="2026-11-20", today="2026-11-20")  # fmt: skip
    assert ran.code == 0, ran
    note = house.numbers(root, "nord")[1]
    found = screen_reader.read(house.proof(root, "nord", note, "pdf").read_bytes())
    assert [node.text for node in found.all("P")][1:3] == [
        f"Avoir sur la facture {number} du 8 novembre 2026", "Motif de l’avoir : Erreur de prix",
    ]  # fmt: skip
    whole = " ".join(found.said())
    assert whole.index("AVOIR") < whole.index("Erreur de prix") < whole.index("Hébergement")
    assert not list(found.all("Figure")), "nothing is to be paid"
    draft = invoice_pdf.render(house.draft(root, name="2026-11"), None, None, "BROUILLON")
    (title,) = screen_reader.read(draft).all("H1")
    assert title.text == "FACTURE BROUILLON"


def test_a_receipt_says_by_date_what_settled_its_invoice(tmp_path, monkeypatch):
    root = house.build(tmp_path)
    assert house.month(root).code == 0
    number = house.numbers(root, "nord")[0]
    monkeypatch.setenv("REASON", "Panne")
    days = {"issue_date": "2026-11-12", "today": "2026-11-12"}
    assert house.call("issue_credit_note", root, invoice=number, amount="5.00", **days).code == 0
    past.lay(root, past.money("nord", number, "2026-11-20", 7_180))
    assert house.call("make_receipt", root, invoice=number).code == 0
    found = screen_reader.read((root.path / f"exports/receipts/{number}-paid.pdf").read_bytes())
    settled = [plain(node.text) for node in found.all("LBody") if "·" in node.text]
    assert settled == [
        f"12 novembre 2026 · Avoir {house.numbers(root, 'nord')[1]} · 5,00 €",
        "20 novembre 2026 · virement · 71,80 €",
    ]
    labels = [node.text for node in found.all("P")]
    assert "Soldée par" in labels, labels


def test_a_quote_is_read(tmp_path):
    root = house.build(tmp_path, house.client(changes={"plans": []}))
    steps = [house.step("deposit", percent="30"), house.step("final", percent="70")]
    house.put_order(root, house.order("site", "nord", *steps))
    ran = house.call("issue_quote", root, client="nord", order="site", today=house.TODAY)
    assert ran.code == 0, ran
    (path,) = (root.data / "quotes").rglob("*.pdf")
    found = screen_reader.read(path.read_bytes())
    headings = [node.text for node in found.all("H1", "H2")]
    assert headings[0].startswith("DEVIS ") and "Bon pour accord" in headings[-1]
    lines, sums, steps_table = found.all("Table")
    assert [row["Montant HT"] for row in screen_reader.cells(lines)] == ["600,00", "400,00"]
    assert "1 200,00 €" in [plain(row.kids[1].text) for row in sums.kids]
    assert len(screen_reader.cells(steps_table)) == 2


def test_a_report_is_read(tmp_path):
    facts = [
        past.bill("nord", f"NORD-2024-{i:04d}", f"2024-{i:02d}-10", SERVICES,
                  due_date=f"2024-{i:02d}-28")
        for i in range(1, 13)
    ]  # fmt: skip
    root = past.root_of(tmp_path / "root", *facts)
    assert house.call("make_report", root, year="2024", today="2025-01-20").code == 0
    found = screen_reader.read((root.path / "exports/reports/report-2024.pdf").read_bytes())
    (chart,) = found.all("Figure")
    assert chart.alt.startswith("Graphique")
    months = screen_reader.cells(next(found.all("Table")))
    assert [row["Mois"] for row in months][-1] == "Total" and len(months) == 13
    assert plain(months[-1]["Facturé TTC"]) == "14 400,00"


# --- the tags ------------------------------------------------------------------------


def written(*marks: Any) -> Node:
    data = pdf_writer.write(
        [[Tag("H1"), text("Titre"), END, *marks]],
        moment=datetime(2026, 11, 8, tzinfo=UTC),
        language="fr",
        xmp='<x:xmpmeta xmlns:x="adobe:ns:meta/"/>',
    )
    return screen_reader.read(data)


def text(words: str, y: float = 100) -> pdf_writer.Text:
    return pdf_writer.Text(40, y, words, "InvoiceSans-Regular", 9, (0, 0, 0))


def test_what_is_open_goes_on_and_what_is_artifact_is_not_read():
    link = "mailto:a@b.example"
    found = written(
        Tag("P"), text("Un"), text("paragraphe,", 112), text("data/", 124), text("revenues", 136),
        END, ARTIFACT, Tag("P"), text("En-tête"), END, END,
        text("sans élément"),
        Tag("Table"), TR, Tag("TH", scope="Row"), text("Nom"), END, TD, text("1"), END,
        Tag("TH", again=True), text("et suite"), END, END, END,
        Tag("P"), text("Voir "), Tag("Link", uri=link), text("a@b.example"), END, END,
    )  # fmt: skip
    assert found.said() == [
        "Titre", "Un paragraphe, data/revenues", "sans élément", "Nom et suite", "1",
        "Voir", "a@b.example",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["Table", "TR", "L", "LI"])
def test_text_stands_in_no_element_that_holds_elements_alone(kind):
    with pytest.raises(ValueError, match=f"text directly in {kind}"):
        written(Tag(kind), text("Perdu"), END)
