"""Judges of the PDF as a file and as a picture: qpdf, poppler, zbar, and the eye.

The eye is that of whoever approved the pictures of chosen pages: tests/conformance/approved/.
"""

import re
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from PIL import Image, ImageChops

from conformance import court
from conformance.court import Corpus, Issued, Report
from lib.documents import facturx_xml
from lib.values.document import CREDIT_NOTE, INVOICE, Document
from lib.values.vat import FRANCHISE_CODE

APPROVED = Path(__file__).parent / "approved"


def qpdf(corpus: Corpus) -> Report:
    """No syntax error in any PDF."""
    report = Report("PDF files")
    for path in [*(issued.pdf for issued in corpus.issued), *corpus.others]:
        report.judged += 1
        done = court.run("qpdf", "--check", path)
        if done.returncode != 0 or b"No syntax or stream encoding errors" not in done.stdout:
            report.errors.append(f"{path.name}: {court.said(done)}")
    return report


def fonts(corpus: Corpus) -> Report:
    """Every font is embedded, as a subset, with its letters' Unicode."""
    report = Report("PDF files")
    for issued in corpus.issued:
        report.judged += 1
        done = court.run("pdffonts", issued.pdf)
        rows = done.stdout.decode().splitlines()[2:]
        if done.returncode or done.stderr or not rows:
            report.errors.append(f"{issued.name}: {court.said(done)}")
        for row in rows:
            if row.split()[-5:-2] != ["yes", "yes", "yes"]:
                report.errors.append(f"{issued.name}: not embedded as a subset: {row}")
    return report


def attachment(corpus: Corpus) -> Report:
    """The one attached file is the XML that the document gives, byte for byte."""
    report = Report("PDF files")
    with tempfile.TemporaryDirectory() as folder:
        for issued in corpus.issued:
            report.judged += 1
            file = Path(folder) / "factur-x.xml"
            file.unlink(missing_ok=True)
            listed = court.run("pdfdetach", "-list", issued.pdf).stdout.decode().split()
            court.run("pdfdetach", "-savefile", file.name, "-o", file, issued.pdf)
            if listed != ["1", "embedded", "files", "1:", file.name]:
                report.errors.append(f"{issued.name}: holds {' '.join(listed)}")
            elif not file.exists() or file.read_bytes() != facturx_xml.generate(issued.document):
                report.errors.append(f"{issued.name}: its factur-x.xml is not the document's")
    return report


# --- text ----------------------------------------------------------------------------


def text(corpus: Corpus) -> Report:
    """Every amount, name and identifier of the document can be read on its pages."""
    report = Report("texts and amounts")
    for issued in corpus.issued:
        amounts = Counter(_amounts(issued.document))
        texts = dict.fromkeys(_texts(issued.document))
        report.judged += amounts.total() + len(texts)
        plain = _text_of(issued, "-layout")
        found = {_joined(plain), _joined(_text_of(issued)), _joined(_text_of(issued, "-raw"))}
        for wanted in texts:
            if not any(_joined(wanted) in pages for pages in found):
                report.errors.append(f"{issued.name}: no {wanted!r} on its pages")
        for amount, count in amounts.items():
            times = len(re.findall(_alone(amount), plain))
            if times < count:
                text = f"{amount} stands {times} times on its pages, expected {count}"
                report.errors.append(f"{issued.name}: {text}")
    return report


def _text_of(issued: Issued, *mode: str) -> str:
    done = court.run("pdftotext", *mode, "-enc", "UTF-8", issued.pdf, "-")
    return unicodedata.normalize("NFC", done.stdout.decode())


def _joined(value: str) -> str:
    """Without white space: a text may be broken into lines anywhere."""
    return "".join(value.split())


def _amounts(document: Document) -> Iterator[str]:
    """Each amount as often as the page must say it."""
    totals = document.totals
    values = [abs(line.net) for line in document.lines]  # a minus may be another character
    values += [allowance.amount for allowance in document.allowances]
    values.append(totals.due)
    parts = document.vat_breakdown
    if any(part.rate for part in parts) or len({part.exemption_reason for part in parts}) > 1:
        values += [value for part in parts for value in (part.taxable, part.vat)]
        values += [totals.net, totals.gross]
        values += [totals.vat] if len([part for part in parts if part.rate]) > 1 else []
    elif parts[0].exemption_code != FRANCHISE_CODE:
        values.append(totals.net)
    for value in values:
        yield _printed(value, document.language)


def _printed(amount: Decimal, language: str) -> str:
    """1234567.80 as French (1 234 567,80) or English (1,234,567.80) writes it."""
    english = f"{amount:,.2f}"
    return english.translate(str.maketrans(",.", " ,")) if language == "fr" else english


def _alone(amount: str) -> str:
    """A pattern for the amount, and not for a longer one that has it in it."""
    spaces = "[ \u00a0\u202f]"
    return rf"(?<![\d.,])(?<!\d{spaces}){re.escape(amount).replace(chr(92) + ' ', spaces)}(?!\d)"


def _texts(document: Document) -> Iterator[str]:
    yield document.number
    yield from (document.seller.legal_form, document.seller.registration)
    for party in (document.seller, document.buyer):
        yield from (party.name, party.trade_name, party.contact)
        yield from party.address.lines
        yield party.address.city
        yield party.address.postcode
        yield party.siren
        yield party.vat_number
    if delivery := document.buyer.delivery_address:
        yield from (delivery.name, *delivery.lines, delivery.city)
    for line in document.lines:
        yield from (line.name, line.description, line.discount_reason)
    yield from (allowance.reason for allowance in document.allowances)
    yield from (part.exemption_reason for part in document.vat_breakdown)
    # BAR is for machines; ABL is what the legal line at the foot of the page says in its words.
    # Where no money is asked for, late payment and discounts are said by the XML alone, save
    # between businesses (art. L441-9 C. com.).
    unsaid = {"BAR", "ABL"}
    is_business = document.buyer.taxable and not document.buyer.person
    if document.type_code == CREDIT_NOTE or (document.paid and not is_business):
        unsaid |= {"PMT", "PMD", "AAB"}
    yield from (note.text for note in document.notes if note.code not in unsaid)
    yield from (document.purchase_order, document.buyer_reference, document.reference)
    yield from (document.subject, document.note, document.reason)
    yield from (preceding.number for preceding in document.preceding)
    if _asks_for_money(document):
        assert document.seller.bank
        yield from (document.seller.bank.iban, document.seller.bank.bic)
        yield document.payment_reference


def _asks_for_money(document: Document) -> bool:
    """Whether the page must say where to send money."""
    is_invoice = document.type_code != CREDIT_NOTE
    return bool(is_invoice and document.seller.bank and document.totals.due > 0)


# --- pictures ------------------------------------------------------------------------


def qr_code(corpus: Corpus) -> Report:
    """The code on the page, photographed at 200 dpi, holds the transfer; nothing else does."""
    report = Report("documents")
    with tempfile.TemporaryDirectory() as folder:
        for i, issued in enumerate(corpus.issued):
            report.judged += 1
            prefix = Path(folder) / f"{i}"
            court.run("pdftoppm", "-r", "200", "-gray", issued.pdf, prefix)
            pages = sorted(Path(folder).glob(f"{i}-*.pgm"))
            # Without "binary" zbar guesses the encoding, which line 3 of the code says: UTF-8.
            scan = ("zbarimg", "--quiet", "--nodbus", "--raw", "-Sbinary", "-Sdisable")
            done = court.run(*scan, "-Sqrcode.enable", *pages)
            wanted = _transfer(issued.document) if _asks_for_money(issued.document) else ""
            if not pages or done.stdout.decode(errors="replace").rstrip("\n") != wanted:
                report.errors.append(f"{issued.name}: the QR code says {court.said(done)!r}")
            for page in pages:
                page.unlink()
    return report


def _transfer(document: Document) -> str:
    """EPC069-12, version 002, by its own numbering: AT-... are the lines below."""
    bank = document.seller.bank
    assert bank
    lines = (
        "BCD",  # service tag
        "002",  # version: the BIC may be left out
        "1",  # UTF-8
        "SCT",
        bank.bic,
        bank.holder or document.seller.name,
        bank.iban,
        f"EUR{document.totals.due}",
        "",  # purpose
        document.payment_reference,
    )
    return "\n".join(lines)


# The pages to look at: root, client, type (BT-3) and page of the first such document.
CHOSEN = (
    ("examples", "amis_du_phare", INVOICE, 1),
    ("examples", "aigaio_ekdoseis", INVOICE, 1),
    ("examples", "aigaio_ekdoseis", CREDIT_NOTE, 1),
    ("examples", "batisseurs_aunis", INVOICE, 1),
    ("examples", "atelier_ecluse", INVOICE, 1),
    ("examples", "estran_vpc", INVOICE, 1),
    ("franchise", "menuiserie_corre", INVOICE, 1),
    ("wide", "lines_1", INVOICE, 1),
    ("wide", "lines_1_en", INVOICE, 1),
    ("wide", "lines_30_fr", INVOICE, 1),
    ("wide", "lines_30_en", INVOICE, 1),
    ("wide", "lines_75", INVOICE, 2),
    ("wide", "lines_300", INVOICE, 1),
    ("wide", "lines_300_en", INVOICE, 2),
    ("wide", "name_long", INVOICE, 1),
    ("wide", "name_bulgarian", INVOICE, 1),
    ("wide", "seller_trader", INVOICE, 1),
)
# And the first pages of other papers: how their paths begin, after the folder of roots.
CHOSEN_OTHERS = (
    "examples/data/quotes/biscuiterie_estran/2026/ESTR-D2026-0001",
    "wide/data/quotes/flat_standard_en/2026/ATL-D2026-0001",
    "examples/exports/receipts/AIGA-2026-0001-paid",
    "examples/exports/reports/report-2026",
    "franchise/exports/reports/report-2026",
    "examples/exports/accounts/librairie_rose_des_vents",
    "examples/exports/accounts/aigaio_ekdoseis",
    "wide/exports/letters/reminder__lines_12__",
    "wide/exports/letters/reminder__lines_13__",
)
_DPI = 60
# Of 255 shades of grey. Poppler's versions draw the edges of letters a little differently.
_MEAN = 1.0  # over the whole page
_SPOT = 18  # over a square of 8 pixels: a word that is lost or moved goes beyond it


def pictures(corpus: Corpus) -> Report:
    """Chosen pages look as they did when they were approved."""
    report = Report("pages")
    with tempfile.TemporaryDirectory() as folder:
        for name, picture in _pictures(corpus, Path(folder)):
            report.judged += 1
            approved = APPROVED / f"{name}.png"
            if not approved.exists():
                report.errors.append(f"{name}: no approved picture; make conformance APPROVE=yes")
            elif fault := _difference(picture, approved):
                report.errors.append(f"{name}: {fault}; if meant, make conformance APPROVE=yes")
    return report


def approve(corpus: Corpus) -> None:
    """Takes the chosen pages, as they are now, for right."""
    APPROVED.mkdir(exist_ok=True)
    for path in APPROVED.glob("*.png"):
        path.unlink()
    with tempfile.TemporaryDirectory() as folder:
        for name, picture in _pictures(corpus, Path(folder)):
            with Image.open(picture) as image:
                # Sixteen shades are enough to see by, and make a small file.
                image.quantize(16).save(APPROVED / f"{name}.png", optimize=True)


def _pictures(corpus: Corpus, folder: Path) -> Iterator[tuple[str, Path]]:
    """Each chosen page's name, and its picture in `folder`."""
    for name, pdf, page in _chosen(corpus):
        span = ("-f", str(page), "-l", str(page), "-singlefile")
        court.run("pdftoppm", "-r", str(_DPI), "-gray", "-png", *span, pdf, folder / name)
        yield name, folder / f"{name}.png"


def _chosen(corpus: Corpus) -> Iterator[tuple[str, Path, int]]:
    for root, client, kind, page in CHOSEN:
        pdf = next(
            issued.pdf
            for issued in corpus.issued
            if issued.root.path.name == root
            and (issued.document.client, issued.document.type_code) == (client, kind)
        )
        yield f"{root}-{client}-{kind}-{page}", pdf, page
    roots = corpus.roots[0].path.parent
    for start in CHOSEN_OTHERS:
        pdf = next(pdf for pdf in corpus.others if str(pdf.relative_to(roots)).startswith(start))
        yield start.strip("_").replace("/", "-"), pdf, 1


def _difference(picture: Path, approved: Path) -> str:
    """What is too different between two pictures; empty where nothing is."""
    with Image.open(picture) as new, Image.open(approved) as old:
        if new.size != old.size:
            return f"is {new.size} pixels, approved {old.size}"
        difference = ImageChops.difference(new.convert("L"), old.convert("L"))
    mean = difference.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    spots = difference.reduce(8)
    worst = spots.getextrema()[1]
    if mean > _MEAN or worst > _SPOT:
        return f"differs from its approved picture (mean {mean}, worst square {worst} of 255)"
    return ""
