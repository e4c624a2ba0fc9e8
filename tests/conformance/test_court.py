"""The judges of the corpus really judge: each accepts a sound invoice and refuses a false one."""

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pypdf
import pytest
from msgspec.structs import replace

import books
import house
from conformance import accounts, bench, corpus, court, document, mails, pages, xmls
from conformance.court import Corpus, Report
from lib.core.root import Root
from lib.documents import facturx_xml, invoice_pdf

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """A root with one invoice, a part of it paid, and all that is exported."""
    root = house.build(tmp_path_factory.mktemp("sound") / "root")
    assert house.month(root).code == 0
    assert books.pay(root, "NORD-2026-0001", "10.00").code == 0
    assert house.call("reconcile", root).code == 0
    assert house.call("export_ledger", root, year=corpus.YEAR).code == 0
    assert house.call("export_payments", root).code == 0
    shutil.copytree(root.path / "exports/payments", root.path / "sheets/rfc4180")
    return root


@pytest.fixture
def root(sound: Root, tmp_path: Path) -> Root:
    copy = Root(tmp_path / "root")
    shutil.copytree(sound.path, copy.path)
    return copy


def replaced(path: Path, old: str, new: str) -> None:
    """Writes `new` for the first `old` of a file, which must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.chmod(0o644)
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def rendered(root: Root, xml_of_gross: str) -> None:
    """Makes the PDF again, with an XML whose total is another one."""
    made = house.issued(root, "nord", "NORD-2026-0001")
    totals = replace(made.totals, gross=Decimal(xml_of_gross), due=Decimal(xml_of_gross))
    xml = facturx_xml.generate(replace(made, totals=totals))
    pdf = house.proof(root, "nord", "NORD-2026-0001", "pdf")
    pdf.chmod(0o644)
    pdf.write_bytes(invoice_pdf.render(made, xml, None))


def falsify_document(root: Root) -> None:
    """The page and its XML no longer say what the document says."""
    path = house.proof(root, "nord", "NORD-2026-0001", "json")
    replaced(path, '"gross": "76.80"', '"gross": "76.81"')
    replaced(path, '"due": "76.80"', '"due": "76.81"')


def rename_buyer(root: Root) -> None:
    path = house.proof(root, "nord", "NORD-2026-0001", "json")
    replaced(path, '"name": "Client nord"', '"name": "Client norb"')


def falsify_xml(root: Root) -> None:
    """An XML whose total is not its lines and its VAT (BR-CO-15)."""
    rendered(root, "76.81")


def break_pdf(root: Root) -> None:
    """A PDF whose second half is lost."""
    pdf = house.proof(root, "nord", "NORD-2026-0001", "pdf")
    data = pdf.read_bytes()
    pdf.chmod(0o644)
    pdf.write_bytes(data[: len(data) // 2])


def loosen_font(root: Root) -> None:
    """A font whose file cannot be found."""
    pdf = house.proof(root, "nord", "NORD-2026-0001", "pdf")
    writer = pypdf.PdfWriter(clone_from=pdf)
    (font, *_) = writer.pages[0]["/Resources"]["/Font"].values()
    descendant = font.get_object()["/DescendantFonts"][0].get_object()
    del descendant["/FontDescriptor"].get_object()["/FontFile2"]
    pdf.chmod(0o644)
    writer.write(pdf)


def falsify_balance(root: Root) -> None:
    path = root.data / "balance/nord.json"
    last = '"outstanding": "{}",\n      "status"'
    replaced(path, last.format("66.80"), last.format("66.79"))


def break_accounts(root: Root) -> None:
    """An amount that the other side of its entry does not have."""
    for suffix in ("journal", "beancount"):
        path = root.path / f"exports/ledger/{corpus.YEAR}.{suffix}"
        replaced(path, "76.80 EUR", "76.79 EUR")


def group_thousands(root: Root) -> None:
    """An amount that a spreadsheet takes for text."""
    replaced(root.path / "sheets/rfc4180/payments.csv", "10.00", "10.00 EUR")


@pytest.mark.parametrize(
    ("judge", "falsify", "said"),
    [
        (xmls.cen, falsify_xml, "BR-CO-15"),
        (xmls.base, falsify_xml, "BR-CO-15"),
        (xmls.extraction, break_pdf, ""),
        (xmls.reader, falsify_document, "BT-112 is"),
        (pages.qpdf, break_pdf, "NORD-2026-0001.pdf"),
        (pages.text, falsify_document, "76,81 stands 0 times"),
        (pages.text, rename_buyer, "no 'Client norb'"),
        (pages.fonts, loosen_font, "not embedded"),
        (pages.attachment, falsify_xml, "is not the document's"),
        (pages.qr_code, falsify_document, "EUR76.80"),
        (accounts.hledger, falsify_balance, "nord is at 66.80"),
        (accounts.hledger, break_accounts, ""),
        (accounts.ledger, falsify_balance, "nord is at 66.80"),
        (accounts.ledger, break_accounts, ""),
        (accounts.beancount, falsify_balance, "is at 66.80"),
        (accounts.beancount, break_accounts, ""),
        (accounts.libreoffice, group_thousands, "amount '10.00 EUR': string"),
    ],
)
def test_a_judge_distinguishes_a_false_invoice_from_a_sound_one(
    judge: Callable[[Corpus], Report], falsify: Callable[[Root], None], said: str, root: Root
) -> None:
    before = judge(court.read([root]))
    assert (before.errors, before.judged > 0) == ([], True)
    falsify(root)
    assert any(said in error for error in judge(court.read([root])).errors)


def test_a_mail_with_another_pdf_is_seen(root: Root, tmp_path: Path) -> None:
    given = court.read([root])
    report = mails.server(given)
    assert (report.judged, report.errors) == (1, [])
    other = tmp_path / "other.pdf"
    other.write_bytes(b"%PDF-1.7")
    expected = tuple(issued._replace(pdf=other) for issued in given.issued)
    errors = mails.server(given._replace(issued=expected)).errors
    assert [error.rpartition(" ")[2] for error in errors] == ["sent", "unwanted"]


def test_a_page_that_changed_is_seen(root: Root, tmp_path: Path) -> None:
    picture = tmp_path / "page"
    pdf = house.proof(root, "nord", "NORD-2026-0001", "pdf")
    made = house.issued(root, "nord", "NORD-2026-0001")
    command = ("pdftoppm", "-r", "60", "-gray", "-png", "-singlefile")
    court.run(*command, pdf, picture)
    other = tmp_path / "other.pdf"
    line = replace(made.lines[0], name="Hébergement du site")
    changed = replace(made, lines=(line, *made.lines[1:]))
    other.write_bytes(invoice_pdf.render(changed, None, None))
    court.run(*command, other, tmp_path / "other")
    approved = picture.with_suffix(".png")
    assert pages._difference(approved, approved) == ""
    assert "differs" in pages._difference(tmp_path / "other.png", approved)


def test_a_missing_judge_is_named_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    missing = {one.install for one in bench.JUDGES if one.is_missing()}
    assert "apt-get install hledger" in missing


def test_a_notice_that_nobody_explained_is_reported() -> None:
    report = Report("files")
    report.notices.update(["[BR-DE-15] known", "[BR-X-1] new"])
    assert document.unexplained({"a judge": report}) == [("a judge", "[BR-X-1] new")]
