"""Judges of reports to the tax office (flux 10): the published rules, and another library."""

import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyfrctc
from lxml import etree
from pyfrctc import ereporting
from saxonche import PySaxonProcessor, PyXsltExecutable

import house
from conformance.court import Corpus, Report
from lib.core.root import Root

RULES = ("frr-xsd/ereporting.xsd", "frr-schematron/Flux10.xslt")
_SHIPPED = Path(pyfrctc.__file__).parent
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_PLATFORM = {"flow_url": "https://api.platform.example", "since": "2026-01-01"}
_MONTHS, _TODAY = ("2026-11", "2026-12"), "2027-02-15"


def reported(root: Root, folder: Path) -> list[Path]:
    """The reports of a copy of a root that has an account at a platform.

    Raises:
      RuntimeError: if the command refuses.
    """
    copy = Root(folder / root.path.name)
    shutil.copytree(root.path, copy.path)
    issuer = json.loads(copy.issuer.read_bytes())
    issuer["platform"] = {**_PLATFORM, "number": "0000", "name": "Plateforme"}
    issuer["vat_periods"] = "franchise" if issuer["vat_regime"] == "franchise" else "monthly"
    house.write(copy, "issuer.json", issuer)
    for month in _MONTHS:
        ran = house.make(copy, "ereporting", f"PERIOD={month}", f"TODAY={_TODAY}")
        if ran.code:
            raise RuntimeError(f"{root.path.name}: make ereporting: {ran.out}{ran.err}")
    return sorted((copy.path / "exports/ereporting").glob("*.xml"))


def rules(corpus: Corpus) -> Report:
    """The XSD and the schematron as pyfrctc ships them, without a shortcut of ours."""
    report = Report("reports")
    with TemporaryDirectory() as folder:
        for root in corpus.roots:
            for path in reported(root, Path(folder)):
                report.judged += 1
                xml = path.read_bytes()
                report.errors += (f"{path.stem}: {text}" for text in broken(xml, *RULES))
    return report


def broken(xml: bytes, xsd: str, schematron: str) -> Iterator[str]:
    """What rules that pyfrctc ships have against a message."""
    schema = etree.XMLSchema(file=str(_SHIPPED / xsd))
    if not schema.validate(etree.fromstring(xml)):
        yield str(schema.error_log)
    saxon, compiled = _compiled(schematron)
    svrl = compiled.transform_to_string(xdm_node=saxon.parse_xml(xml_text=xml.decode()))
    tree = etree.fromstring(svrl.encode())
    if tree.find(f"{_SVRL}fired-rule") is None:
        yield "no rule was fired"
    for failed in tree.iter(f"{_SVRL}failed-assert"):
        yield " ".join("".join(failed.itertext()).split())


@cache
def _compiled(schematron: str) -> tuple[PySaxonProcessor, PyXsltExecutable]:
    saxon = PySaxonProcessor(license=False)
    path = str(_SHIPPED / schematron)
    return saxon, saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=path)


def library(corpus: Corpus) -> Report:
    """pyfrctc writes the same sums and the same money from the same facts; invoices one by one
    are left out, since it does not write their lines."""
    report = Report("reports")
    with TemporaryDirectory() as folder:
        for root in corpus.roots:
            for path in reported(root, Path(folder)):
                report.judged += 1
                own = etree.parse(path, etree.XMLParser(remove_blank_text=True)).getroot()
                for invoice in own.findall("TransactionsReport/Invoice"):
                    invoice.getparent().remove(invoice)
                other = etree.fromstring(_written(own), etree.XMLParser(remove_blank_text=True))
                if etree.tostring(own, method="c14n") != etree.tostring(other, method="c14n"):
                    report.errors.append(f"{path.stem}: pyfrctc writes it otherwise")
    return report


def _written(own: etree._Element) -> bytes:
    """What pyfrctc writes from the facts of a report."""
    facts = _head(own)
    start, end = (_day(own, f"*/ReportPeriod/{name}") for name in ("StartDate", "EndDate"))
    if own.find("TransactionsReport") is not None:
        facts |= {"TT-17": start, "TT-18": end}
        facts["TG-31"] = [*map(_sales, own.iterfind("TransactionsReport/Transactions"))]
        return bytes(ereporting.generate_ereporting_transactions(facts))
    facts |= {"TT-89": start, "TT-90": end}
    facts["TG-34"] = [
        {
            "TT-91": paid.findtext("InvoiceID"),
            "TT-102": _day(paid, "IssueDate"),
            "TT-92": _day(paid, "Payment/Date"),
            "TG-36": [*_rates(paid, 93)],
        }
        for paid in own.iterfind("PaymentsReport/Invoice")
    ]
    facts["TG-37"] = [
        {"TT-96": _day(paid, "Payment/Date"), "TG-39": [*_rates(paid, 97)]}
        for paid in own.iterfind("PaymentsReport/Transactions")
    ]
    return bytes(ereporting.generate_ereporting_payments(facts))


def _head(own: etree._Element) -> dict[str, Any]:
    document = own.find("ReportDocument")
    assert document is not None
    moment = datetime.strptime(
        document.findtext("IssueDateTime/DateTimeString") or "", "%Y%m%d%H%M%S"
    )
    facts: dict[str, Any] = {"TT-1": document.findtext("Id"), "TT-3": moment}
    facts["TT-4"] = document.findtext("TypeCode")
    for name, first in (("Sender", 7), ("Issuer", 12)):
        party = document.find(name)
        assert party is not None
        scheme = party.find("Id")
        assert scheme is not None
        values = (scheme.get("schemeId"), scheme.text, *map(party.findtext, ("Name", "RoleCode")))
        facts |= {f"TT-{first + i}": value for i, value in enumerate(values)}
    return facts


def _sales(sales: etree._Element) -> dict[str, Any]:
    parts = [
        {
            "TT-86": part.findtext("TaxPercent"),
            "TT-87": part.findtext("TaxableAmount"),
            "TT-88": part.findtext("TaxTotal"),
        }
        for part in sales.iterfind("TaxSubtotal")
    ]
    return {
        "TT-77": _day(sales, "Date"),
        "TT-78": sales.findtext("TransactionsCurrency"),
        "TT-80": sales.findtext("TaxDueDateTypeCode"),
        "TT-81": sales.findtext("CategoryCode"),
        "TT-82": sales.findtext("TaxExclusiveAmount"),
        "TT-83": sales.findtext("TaxTotal"),
        "TT-85": sales.findtext("TransactionsCount"),
        "TG-32": parts,
    }


def _rates(paid: etree._Element, first: int) -> Iterator[dict[str, str | None]]:
    names = ("TaxPercent", "CurrencyCode", "Amount")
    for part in paid.iterfind("Payment/SubTotals"):
        yield {f"TT-{first + i}": part.findtext(name) for i, name in enumerate(names)}


def _day(element: etree._Element, path: str) -> datetime:
    return datetime.strptime(element.findtext(path) or "", "%Y%m%d")
