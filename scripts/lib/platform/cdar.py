"""CDAR: the messages in which platforms say what became of invoices, and 212, the one we send.

UN/CEFACT Cross Domain Acknowledgement and Response D22B, as AFNOR XP Z12-012 uses it. What comes
is read as it stands, with as little asked of it as its meaning needs: it is kept as a proof, and
a person has to know of a refusal whose form is odd. What leaves passes the XSD and the schematron.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from lib.books.cash_ins import CashIn
from lib.core import strict_xml
from lib.core.messages import say
from lib.documents import validators
from lib.documents.validators import Verdict
from lib.values import money
from lib.values.document import Document, Party

LARGEST = 10_000_000  # bytes; a message has two or three thousand, and what is attached to it
_MOST_TEXT = 500  # characters of a reason

_NAMESPACE = "urn:un:unece:uncefact:data:standard:"
_NAMES = {
    "rsm": f"{_NAMESPACE}CrossDomainAcknowledgementAndResponse:100",
    "ram": f"{_NAMESPACE}ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{_NAMESPACE}UnqualifiedDataType:100",
    "qdt": f"{_NAMESPACE}QualifiedDataType:100",
}
_ROOT = "CrossDomainAcknowledgementAndResponse"
_TIMES = {"102": "%Y%m%d", "203": "%Y%m%d%H%M", "204": "%Y%m%d%H%M%S"}  # UNTDID 2379
_CODE = re.compile(r"[0-9]{3}")
_LEGAL = "0002"  # SIREN

# --- reading -------------------------------------------------------------------------


class Reason(NamedTuple):
    """Why an invoice has a status (MDT-113, MDT-114), and the action that is asked for (MDT-121).

    `text` also has the comment (MDT-126), and what is wrong with which term of the invoice.
    """

    code: str
    text: str
    action: str


class Amount(NamedTuple):
    """An amount of a status (MDT-207, MDT-215, MDT-224); `vat_rate` is empty where it has none."""

    type: str
    amount: Decimal
    vat_rate: str


class Status(NamedTuple):
    """What a message says of one invoice.

    `number` is that of the invoice (MDT-87), `code` 200 to 213 (MDT-105), `at` when it got the
    status: 2027-09-03T10:15:00, as the platform's clock had it. `seller` is a SIREN.
    """

    number: str
    code: str
    at: str
    seller: str
    reasons: tuple[Reason, ...]
    amounts: tuple[Amount, ...]


def read(data: bytes) -> tuple[Status, ...]:
    """The statuses in a message: one, or several of one kind or another, about as many invoices.

    Raises:
      ValueError: with a Message, if it is not a message of this kind, or lacks a number, a code
        or a moment.
    """
    root = _parsed(data)
    written = _moment(root.find("rsm:ExchangedDocument/ram:IssueDateTime", _NAMES))
    statuses = []
    for part in root.iterfind("rsm:AcknowledgementDocument", _NAMES):
        at = _moment(part.find("ram:IssueDateTime", _NAMES)) or written
        for about in part.iterfind("ram:ReferenceReferencedDocument", _NAMES):
            code = next(_codes(part, about), "")
            number = _text(about, "ram:IssuerAssignedID")
            for name, value in (("MDT-87", number), ("MDT-105", code), ("MDT-78", at)):
                if not value:
                    raise ValueError(say("has no {term}", term=name))
            seller = about.xpath(
                f"string(ram:IssuerTradeParty/ram:GlobalID[@schemeID='{_LEGAL}'])",
                namespaces=_NAMES,
            )
            details = about.findall("ram:SpecifiedDocumentStatus", _NAMES)
            reasons = tuple(reason for detail in details for reason in _reasons(detail))
            amounts = tuple(amount for detail in details for amount in _amounts(detail))
            statuses.append(Status(number, code, at, seller.strip(), reasons, amounts))
    if not statuses:
        raise ValueError(say("is about no document"))
    return tuple(statuses)


def _parsed(data: bytes) -> etree._Element:
    """The root of a message.

    Raises:
      ValueError: with a Message.
    """
    if not data:
        raise ValueError(say("the platform could not give it; each run asks for it again"))
    if len(data) > LARGEST:
        raise ValueError(say("is larger than {bytes} bytes", bytes=LARGEST))
    root = strict_xml.root_of(data)
    if root.tag != f"{{{_NAMES['rsm']}}}{_ROOT}":
        raise ValueError(say("is {name}", name=root.tag[:100]))
    return root


def _text(element: etree._Element, path: str) -> str:
    return " ".join((element.findtext(path, "", _NAMES) or "").split())[:_MOST_TEXT]


def _codes(part: etree._Element, about: etree._Element) -> Iterator[str]:
    """The code of a status: of the invoice, of a detail of it (MDT-115), or of all invoices."""
    paths = ("ram:ProcessConditionCode", "ram:SpecifiedDocumentStatus/ram:ProcessConditionCode")
    for text in (*(_text(about, path) for path in paths), _text(part, paths[0])):
        if _CODE.fullmatch(text):
            yield text


def _moment(element: etree._Element | None) -> str:
    """A time as 2027-09-03T10:15:00; empty where there is none that can be read."""
    if element is None:
        return ""
    text = element.find("udt:DateTimeString", _NAMES)
    if text is None:
        return _iso(_text(element, "udt:DateTime")[:19], "%Y-%m-%dT%H:%M:%S")
    return _iso((text.text or "").strip(), _TIMES.get(text.get("format", "204"), ""))


def _iso(text: str, form: str) -> str:
    try:
        return datetime.strptime(text, form).isoformat() if form else ""
    except ValueError:
        return ""


def _reasons(detail: etree._Element) -> Iterator[Reason]:
    """What a detail of a status gives as a reason, if it does."""
    code, action = _text(detail, "ram:ReasonCode"), _text(detail, "ram:RequestedActionCode")
    notes = [" ".join((note.text or "").split()) for note in detail.iterfind("ram:Reason", _NAMES)]
    notes += [
        " ".join((note.text or "").split())
        for note in detail.iterfind("ram:IncludedNote/ram:Content", _NAMES)
    ]
    notes += [_text(detail, "ram:RequestedAction"), *_terms(detail)]
    text = "; ".join(dict.fromkeys(note for note in notes if note))
    if code or action or text:
        yield Reason(code, text[:_MOST_TEXT], action)


_OF_TERMS = {"DIV": "-", "DVA": "+"}  # what the invoice says, what it should say


def _terms(detail: etree._Element) -> Iterator[str]:
    """The terms of the invoice that are wrong: "BT-152 -10.00", and what is right: "+20.00"."""
    for about in detail.iterfind("ram:SpecifiedDocumentCharacteristic", _NAMES):
        sign = _OF_TERMS.get(_text(about, "ram:TypeCode"))
        if sign:
            values = (_text(about, f"ram:{name}") for name in ("Value", "ValueAmount"))
            value = next(filter(None, (*values, _text(about, "ram:ValuePercent"))), "")
            yield f"{_text(about, 'ram:ID') or _text(about, 'ram:Name')} {sign}{value}".strip()


def _amounts(detail: etree._Element) -> Iterator[Amount]:
    """The amounts of a detail that say what was paid or received.

    Raises:
      ValueError: with a Message, for one that is not an amount of money.
    """
    for about in detail.iterfind("ram:SpecifiedDocumentCharacteristic", _NAMES):
        type_, amount = _text(about, "ram:TypeCode"), _text(about, "ram:ValueAmount")
        if amount and type_ not in _OF_TERMS:
            rate = _text(about, "ram:ValuePercent")
            yield Amount(type_, _two_decimals(amount), str(_two_decimals(rate)) if rate else "")


def _two_decimals(text: str) -> Decimal:
    try:
        number = Decimal(text)
        cents = number.quantize(money.CENT)
    except InvalidOperation:
        cents, number = money.ZERO, Decimal(1)
    if number != cents or abs(cents) >= 10**15:
        raise ValueError(say('"{amount}" is not an amount', amount=text[:40]))
    return cents


# --- 212, which we send --------------------------------------------------------------

_PROCESS = "REGULATED"  # MDT-2: B2B within France
_GUIDELINE = "urn.cpro.gouv.fr:1p0:CDV:invoice"  # MDT-3
_TREATMENT = "23"  # MDT-77: what becomes of an invoice, not of its transport
_PAID = "47"  # MDT-88, UNTDID 1373
_CASHED_IN, _LABEL = "212", "Encaissée"  # MDT-105, MDT-106
_RECEIVED = "MEN"  # MDT-207: amount cashed in
_TAX_OFFICE = ("0238", "9998", "PPF", "DFH")  # the public portal, which hands it on


def encashed(cash_in: CashIn, invoice: Document) -> bytes:
    """The message (212) that says that money of an invoice came, or went back.

    The same facts give the same bytes: each moment is one of theirs.
    """
    root = etree.Element(_tag("rsm", _ROOT), nsmap=_NAMES)
    context = _add(root, "rsm:ExchangedDocumentContext")
    _path(context, "ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID", _PROCESS)
    _path(context, "ram:GuidelineSpecifiedDocumentContextParameter/ram:ID", _GUIDELINE)
    document = _add(root, "rsm:ExchangedDocument")
    _add(document, "ram:ID", cash_in.tracking_id)  # MDT-4
    _add(document, "ram:Name", cash_in.tracking_id)  # MDT-5
    moment = max(f"{cash_in.date}T00:00:00", cash_in.deposited)  # never before 200
    _time(document, "ram:IssueDateTime", moment)  # MDT-8
    _path(document, "ram:SenderTradeParty/ram:RoleCode", "WK")  # MDT-21
    seller, buyer = invoice.seller, invoice.buyer
    _party(document, "ram:IssuerTradeParty", _LEGAL, seller.siren, seller.name, "SE")
    recipient = _party(document, "ram:RecipientTradeParty", _LEGAL, buyer.siren, buyer.name, "BY")
    _address(recipient, buyer)
    _party(document, "ram:RecipientTradeParty", *_TAX_OFFICE)
    acknowledgement = _add(root, "rsm:AcknowledgementDocument")
    _path(acknowledgement, "ram:MultipleReferencesIndicator/udt:Indicator", "false")  # MDT-74
    _add(acknowledgement, "ram:TypeCode", _TREATMENT)
    _time(acknowledgement, "ram:IssueDateTime", moment)  # MDT-78
    about = _add(acknowledgement, "ram:ReferenceReferencedDocument")
    _add(about, "ram:IssuerAssignedID", invoice.number)  # MDT-87
    _add(about, "ram:StatusCode", _PAID)
    _add(about, "ram:TypeCode", invoice.type_code)  # MDT-91
    _time(about, "ram:ReceiptDateTime", cash_in.deposited)  # MDT-95
    issued = _add(_add(about, "ram:FormattedIssueDateTime"), "qdt:DateTimeString", format="102")
    issued.text = _day(invoice.issue_date)  # MDT-100
    _add(about, "ram:ProcessConditionCode", _CASHED_IN)
    _add(about, "ram:ProcessCondition", _LABEL)
    _path(about, "ram:IssuerTradeParty/ram:GlobalID", seller.siren, schemeID=_LEGAL)  # MDT-129
    detail = _add(about, "ram:SpecifiedDocumentStatus")
    _add(detail, "ram:SequenceNumeric", "1")  # MDT-124-2
    if cash_in.comment:
        _path(detail, "ram:IncludedNote/ram:Content", cash_in.comment)  # MDT-126
    for share in cash_in.shares:
        part = _add(detail, "ram:SpecifiedDocumentCharacteristic")
        _add(part, "ram:TypeCode", _RECEIVED)
        _path(part, "ram:ValueChangedIndicator/udt:IndicatorString", "false")  # MDT-209
        _add(part, "ram:ValueAmount", share.amount, currencyID=invoice.currency)  # MDT-215
        received = _add(part, "ram:ValueDateTime")  # MDT-219
        _add(received, "udt:DateTimeString", _day(cash_in.received), format="102")
        _add(part, "ram:ValuePercent", share.vat_rate)  # MDT-224
    xml: bytes = etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-8")
    return xml


def verdicts(xml: bytes) -> list[Verdict]:
    """The rules that a message of ours breaks: the XSD, and the French schematron of CDAR."""
    folder = rules_folder()
    schematron = folder / "cdar-schematron" / "BR-FR-CDV-Schematron-CDAR.xslt"
    return validators.broken_rules(xml, folder / "cdar-xsd" / f"{_ROOT}_100pD22B.xsd", [schematron])


def rules_folder() -> Path:
    """Where pyfrctc ships the rules of what goes to a platform (found without importing it)."""
    spec = find_spec("pyfrctc")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def _tag(prefix: str, name: str) -> str:
    return f"{{{_NAMES[prefix]}}}{name}"


def _add(parent: etree._Element, name: str, text: str = "", **attributes: str) -> etree._Element:
    child = etree.SubElement(parent, _tag(*name.split(":")), attributes)
    child.text = text or None
    return child


def _path(parent: etree._Element, path: str, text: str, **attributes: str) -> None:
    *names, last = path.split("/")
    for name in names:
        parent = _add(parent, name)
    _add(parent, last, text, **attributes)


def _time(parent: etree._Element, name: str, moment: str) -> None:
    text = datetime.fromisoformat(moment).strftime(_TIMES["204"])
    _add(_add(parent, name), "udt:DateTimeString", text, format="204")


def _day(day: date) -> str:
    return day.strftime(_TIMES["102"])


def _party(
    parent: etree._Element, name: str, scheme: str, identifier: str, label: str, role: str
) -> etree._Element:
    party = _add(parent, name)
    _add(party, "ram:GlobalID", identifier, schemeID=scheme)
    _add(party, "ram:Name", label)
    _add(party, "ram:RoleCode", role)
    return party


def _address(parent: etree._Element, buyer: Party) -> None:
    """MDT-73: where statuses reach the buyer, which is where its invoices do."""
    assert buyer.electronic_address is not None
    address = buyer.electronic_address
    _path(parent, "ram:URIUniversalCommunication/ram:URIID", address.id, schemeID=address.scheme)
