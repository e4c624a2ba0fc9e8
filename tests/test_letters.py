"""Formal reminders as letters for the post: their pages, who gets them how, and what is kept."""

import io
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdf
import pytest

import books
import house
import past
import post
import screen_reader
import test_invoice_pdf
from lib.core.root import Root
from lib.inputs.logos import MM
from lib.mail import letter_pdf, letters, outbox, reminders
from lib.mail.mime import Attachment
from test_reminders import AFTER, DUE, remind, served_by

DAY = "2027-01-30"
NUMBER = "NORD-2026-0001"


@pytest.fixture(scope="module")
def issued(tmp_path_factory: Any) -> Root:
    """76.80 due on 8 December by a client with an address of mail, and by one without."""
    root = house.build(
        tmp_path_factory.mktemp("issued") / "root",
        house.client("nord", {"party.contact": "Jeanne Martin", "delivery": {"email": False}}),
        house.client("sud", {"language": "en", "party.email": None}, i=2),
        seller=house.issuer({"reminders": {"formal": AFTER["formal"]}}),
    )
    assert house.month(root).code == 0
    return root


@pytest.fixture
def root(issued: Root, tmp_path: Path) -> Root:
    shutil.copytree(issued.path, tmp_path / "root")
    return Root((tmp_path / "root").resolve())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Any:
    with post.office() as office:
        for name, value in served_by(office).items():
            monkeypatch.setenv(name, value)
        yield office


def attachments(root: Root, client: str) -> list[Attachment]:
    """What the waiting formal reminder of a client carries."""
    number = f"{client.upper()}-2026-0001"
    path = outbox.folder(root) / f"reminder__{client}__{number}__formal.eml"
    return list(outbox.mime.read(path.read_bytes()).attachments)


def said(pdf: bytes) -> str:
    return " ".join(" ".join(screen_reader.read(pdf).said()).split())


def test_a_letter_says_what_the_mail_says_in_the_order_of_a_letter(root):
    books.pay(root, NUMBER, "26.80")
    remind(root, DAY)
    letter, invoice = attachments(root, "nord")
    assert letter.name == f"mise-en-demeure-{NUMBER}.pdf"
    assert invoice.data == house.proof(root, "nord", NUMBER, "pdf").read_bytes()
    found = screen_reader.read(letter.data)
    assert [node.text for node in found.all("H1")] == [
        f"Mise en demeure : facture {NUMBER}, échue le 8 décembre 2026"
    ]
    text = said(letter.data)
    order = [
        "Atelier du Nord", "44000 Nantes", "Client nord", "À l’attention de Jeanne Martin",
        "3 quai de la Fosse", "Nantes, le 30 janvier 2027", "Mise en demeure", "Madame, Monsieur,",
        "le solde de la facture", "nous vous mettons en demeure de nous régler la somme de 90,87 €",
        "art. L441-10 du code de commerce", "FR76 3000 6000 0112 3456 7890 189",
        "Veuillez agréer, Madame, Monsieur, nos salutations distinguées.",
    ]  # fmt: skip
    places = [text.index(phrase) for phrase in order]
    assert places == sorted(places), order
    assert f"Pièce jointe : facture {NUMBER}" in text
    of_invoice, owed = found.all("Table")
    assert [cell.text for cell in of_invoice.kids[1].kids] == [
        NUMBER, "8 novembre 2026", "8 décembre 2026", "53 jours", "76,80 €", "50,00 €",
    ]  # fmt: skip
    # 50.00 x 12 % x 53 / 365 = 0.8712
    assert [[cell.text for cell in row.kids] for row in owed.kids[1:]] == [
        ["Reste à payer", "50,00 €"],
        ["Pénalités de retard (12 % par an, 53 jours)", "0,87 €"],
        ["Indemnité forfaitaire pour frais de recouvrement", "40,00 €"],
        ["Total dû au 30 janvier 2027", "90,87 €"],
    ]
    assert len(pypdf.PdfReader(io.BytesIO(letter.data)).pages) == 1


def test_the_window_of_the_envelope_shows_the_recipient_and_nothing_else(root):
    lines = [
        f"{i} rue de la Grande Fosse aux Loups, bâtiment {i}, escalier {i}" for i in range(1, 4)
    ]
    changes = {"party.name": "Société d’aménagement du littoral et de l’arrière-pays nantais",
               "party.address.lines": lines, "party.contact": "Service de la comptabilité",
               "delivery": {"email": False}}  # fmt: skip
    house.put_client(root, house.client("nord", changes))
    remind(root, DAY)
    (letter, _) = attachments(root, "nord")
    within: list[str] = []
    page = pypdf.PdfReader(io.BytesIO(letter.data)).pages[0]
    height = page.mediabox.height

    def visit(text: str, _: Any, matrix: list[Any], __: Any, size: Any) -> None:
        left, baseline = float(matrix[4]), float(height) - float(matrix[5])
        if not text.strip() or baseline < letter_pdf.WINDOW_TOP:
            return
        if baseline <= letter_pdf.WINDOW_TOP + letter_pdf.WINDOW_HEIGHT and left > 90 * MM:
            assert left >= letter_pdf.WINDOW_LEFT - 0.1
            within.append(text.strip())

    page.extract_text(visitor_text=visit)
    text = " ".join(" ".join(within).split())
    assert text.startswith("Société d’aménagement") and text.endswith("44100 Nantes")
    assert all(line.split()[0] in text for line in lines) and "Nantes, le" not in text


def test_a_letter_that_went_by_mail_is_kept(root, server):
    ran = remind(root, DAY)
    assert ran.code == 0
    (got,) = server.of("nord@client.example")
    letter, _ = got.message.iter_attachments()
    (record,) = house.records(root, "sent", "outbox")
    (kept,) = (root.data / "letters_sent").iterdir()
    assert kept.name == f"reminder__nord__{NUMBER}__formal__{record['letter_sha256'][:12]}.pdf"
    assert kept.read_bytes() == letter.get_content() and kept.stat().st_mode & 0o777 == 0o444
    assert house.call("verify", root).code == 0


def test_who_has_no_address_of_mail_gets_a_letter_by_post(root, server):
    ran = remind(root, DAY, dry_run="1")
    assert "by post" in ran.out and not (root.path / "exports").exists()
    ran = remind(root, DAY)
    name = "reminder__sud__SUD-2026-0001__formal"
    assert f"exports/letters/{name}.pdf: is to be posted" in ran.err
    assert f"`make mail SENT={name}`" in ran.err and "[I-LETTER-POST]" in ran.err
    assert "I-NO-EMAIL" not in ran.err and len(server.received) == 1
    letter = root.path / f"exports/letters/{name}.pdf"
    text = said(letter.read_bytes())
    assert "Formal notice: invoice SUD-2026-0001, due on 8 December 2026" in text
    assert "the sum of €118.14 by 7 February 2027 at the latest" in text
    assert house.call("verify", root).code == 0
    # It waits, whatever is run, as the same bytes, until a person says that it was posted.
    first = letter.read_bytes()
    assert "I-LETTER-POST" in remind(root, DAY).err and letter.read_bytes() == first
    ran = house.call("send_invoices", root, today="2027-01-31", sent=name)
    assert ran.code == 0 and f"{name} recorded: it was posted" in ran.out
    record = house.records(root, "sent", "outbox")[-1]
    assert record["elsewhere"] and record["to"] == []
    (kept,) = (root.data / "letters_sent").glob(f"{name}__*.pdf")
    assert kept.read_bytes() == first
    assert remind(root, "2027-02-01").err == "" and not letter.exists()
    assert house.call("verify", root).code == 0


def test_a_letter_that_waits_is_gone_once_it_is_paid(root):
    remind(root, DAY)
    past.lay(root, past.money("sud", "SUD-2026-0001", DAY, 7_680))
    assert "I-LETTER-POST" not in remind(root, "2027-01-31").err
    assert list((root.path / "exports/letters").iterdir()) == []
    assert [path.stem for path in outbox.waiting(root)] == [f"reminder__nord__{NUMBER}__formal"]


def test_what_comes_before_a_letter_needs_an_address(root):
    house.write(root, "issuer.json", house.issuer({"reminders": AFTER}))
    ran = remind(root, "2026-12-20")
    assert "has no address to send 1 reminder to" in ran.err and "LETTER" not in ran.err
    ran = remind(root, DAY)
    assert "I-NO-EMAIL" not in ran.err and "[I-LETTER-POST]" in ran.err


def test_reminders_carry_a_statement_of_account_where_it_is_asked_for(root, server):
    delivery = {"email": False, "statement": True}
    house.put_client(root, house.client("nord", {"delivery": delivery}))
    house.write(root, "issuer.json", house.issuer({"reminders": AFTER}))
    assert remind(root, DAY).code == 0
    (got,) = server.of("nord@client.example")
    assert "Votre relevé de compte est joint à ce message." in got.message.get_body().get_content()
    _, account = got.message.iter_attachments()
    assert account.get_filename() == "releve-de-compte-2027-01-30.pdf"
    house.call("make_account", root, client="nord", today=DAY)
    stated = root.path / f"exports/accounts/nord-{DAY}.pdf"
    assert account.get_content() == stated.read_bytes()


def test_who_is_no_business_is_asked_for_the_invoice_alone(root):
    changes = {"party.person": True, "party.siren": None, "party.email": None}
    house.put_client(root, house.client("pia", changes, i=3))
    assert house.month(root, "2026-11", "2026-12-08").code == 0
    remind(root, "2027-03-01")
    letter, _ = attachments(root, "pia")
    _, owed = screen_reader.read(letter.data).all("Table")
    assert [[cell.text for cell in row.kids] for row in owed.kids[1:]] == [
        ["Total dû au 1er mars 2027", "76,80 €"]
    ]


def test_a_letter_calls_a_deposit_a_deposit():
    document = test_invoice_pdf.make_document(step_kind="deposit")
    claim = reminders.claim(
        document.totals.due, DUE, date.fromisoformat(DAY), Decimal(0), Decimal(0)
    )
    notice = letters.formal_notice(document, claim, enclosed=True)
    assert notice.subject.startswith("Mise en demeure\N{NO-BREAK SPACE}: facture d’acompte")
    assert "la facture d’acompte" in notice.before[1] and "facture d’acompte" in notice.enclosed


@pytest.mark.parametrize(
    ("hurt", "code"),
    [
        (lambda path: path.write_bytes(b"%PDF-1.7 another"), "B-PROOF-CHANGED"),
        (lambda path: path.unlink(), "B-PROOF-MISSING"),
        (lambda path: shutil.copy(path, path.with_name("added.pdf")), "B-PROOF-STRAY"),
    ],
)
def test_a_letter_that_was_sent_is_audited(root, server, hurt, code):
    remind(root, DAY)
    (kept,) = (root.data / "letters_sent").iterdir()
    kept.chmod(0o644)
    hurt(kept)
    ran = house.call("verify", root)
    assert ran.code == 3 and code in ran.err and "letters_sent" in ran.err
