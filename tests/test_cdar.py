"""What platforms say of invoices is read, and 212 is written, valid by the rules of others."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

import cdar_messages
from cdar_messages import message, status
from lib.books.cash_ins import CashIn
from lib.books.record_lines import CashInShare
from lib.platform import cdar
from lib.platform.cdar import Amount, Reason, Status
from test_facturx_xml import RICH

RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
CASH_IN = CashIn(
    "nord",
    RICH.number,
    f"{RICH.number}-212-1",
    ("nord/3",),
    (CashInShare("20.00", "120.00"), CashInShare("5.50", "-52.75")),
    "2026-11-08T15:10:00",
    date(2026, 12, 3),
    "Remboursement",
    date(2026, 12, 4),
)


# --- reading -------------------------------------------------------------------------


def test_one_status() -> None:
    data = message(
        status(
            "NORD-2027-0001",
            "207",
            reasons=(("TX_TVA_ERR", "Taux de TVA   erroné", "NIN"), ("AUTRE", "", "")),
            note="Voir le contrat",
        )
    )
    assert cdar.read(b"\xef\xbb\xbf" + data) == (
        Status(
            "NORD-2027-0001",
            "207",
            "2027-09-03T10:15:00",
            "732829320",
            (
                Reason("TX_TVA_ERR", "Taux de TVA erroné", "NIN"),
                Reason("AUTRE", "", ""),
                Reason("", "Voir le contrat", ""),
            ),
            (),
        ),
    )


def test_amounts_of_a_payment() -> None:
    amounts = (("MPA", "12000", ""), ("MEN", "-0.5", "5.5"))
    [read] = cdar.read(message(status("A", "211", amounts=amounts)))
    assert read.amounts == (
        Amount("MPA", Decimal("12000.00"), ""),
        Amount("MEN", Decimal("-0.50"), "5.50"),
    )


def test_several_invoices_in_one_message() -> None:
    data = message(status("A", "200"), status("B", "200"), status("C", "213"))
    assert [(read.number, read.code) for read in cdar.read(data)] == [
        ("A", "200"),
        ("B", "200"),
        ("C", "213"),
    ]


def test_a_message_to_the_tax_office_reads_alike() -> None:
    ours, theirs = (
        message(status("A", "200"), guideline=guideline)
        for guideline in (cdar_messages.INVOICE, cdar_messages.TO_TAX_OFFICE)
    )
    assert cdar.read(ours) == cdar.read(theirs)


@pytest.mark.parametrize(
    ("before", "after", "at"),
    [
        (b'format="204">20270903101500', b'format="102">20270903', "2027-09-03T00:00:00"),
        (b'format="204">20270903101500', b'format="203">202709031015', "2027-09-03T10:15:00"),
        (
            b'<udt:DateTimeString format="204">20270903101500</udt:DateTimeString>',
            b"<udt:DateTime>2027-09-03T10:15:00+02:00</udt:DateTime>",
            "2027-09-03T10:15:00",
        ),
    ],
)
def test_forms_of_a_moment(before: bytes, after: bytes, at: str) -> None:
    [read] = cdar.read(message(status("A", "202")).replace(before, after))
    assert read.at == at


_BOMB = b'<!DOCTYPE a [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>'


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the platform could not give it"),
        (b"{}", "is not XML"),
        (b"\x00" * 50, "is not XML"),
        (b"<a/>", "is a"),
        (message(status("A", "200")).replace(b"?>", b"?>" + _BOMB, 1), "declares a document type"),
        (message(status("", "200")), "has no MDT-87"),
        (message(status("A", "20")), "has no MDT-105"),
        (message(status("A", "200", at="20271303101500")), "has no MDT-78"),
        (message(status("A", "200", at="0")), "has no MDT-78"),
        (message(status("A", "211", amounts=(("MPA", "1.005", ""),))), '"1.005" is not an amount'),
        (message(status("A", "211", amounts=(("MPA", "NaN", ""),))), '"NaN" is not an amount'),
        (message(status("A", "211", amounts=(("MPA", "1e30", ""),))), '"1e30" is not an amount'),
    ],
)
def test_what_is_no_status_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        cdar.read(data)
    assert str(refused.value.args[0]).startswith(said)


def test_a_message_without_an_invoice_or_of_any_size_is_refused() -> None:
    whole = message(status("A", "200"))
    begin, end = whole.index(b"<ram:ReferenceReferencedDocument>"), whole.index(b"</rsm:Ack")
    with pytest.raises(ValueError, match="is about no document"):
        cdar.read(whole[:begin] + whole[end:])
    with pytest.raises(ValueError, match="is larger than"):
        cdar.read(whole + b" " * cdar.LARGEST)


@given(st.data())
def test_whatever_comes_is_read_or_refused(data: st.DataObject) -> None:
    """A message that is cut or scribbled on anywhere says something, or is refused in words."""
    whole = message(status("A", "210", reasons=(("AUTRE", "x", ""),)))
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    try:
        cdar.read(whole[:start] + data.draw(st.binary(max_size=6)) + whole[end:])
    except ValueError as refused:
        assert str(refused.args[0])


# --- 212 -----------------------------------------------------------------------------


def test_212_is_valid_and_says_what_was_received() -> None:
    xml = cdar.encashed(CASH_IN, RICH)
    assert cdar.verdicts(xml) == []
    assert xml == cdar.encashed(CASH_IN, RICH)
    assert cdar.read(xml) == (
        Status(
            RICH.number,
            "212",
            "2026-12-04T00:00:00",
            "732829320",
            (Reason("", "Remboursement", ""),),
            (
                Amount("MEN", Decimal("120.00"), "20.00"),
                Amount("MEN", Decimal("-52.75"), "5.50"),
            ),
        ),
    )


def test_212_names_its_parties_and_moments() -> None:
    root = etree.fromstring(cdar.encashed(CASH_IN, RICH))

    def texts(path: str) -> list[str]:
        return [str(text).strip() for text in root.xpath(path, namespaces={"ram": RAM})]

    assert texts("//ram:RoleCode/text()") == ["WK", "SE", "BY", "DFH"]
    assert texts("//ram:RecipientTradeParty/ram:GlobalID/text()") == ["552100554", "9998"]
    assert texts("//ram:RecipientTradeParty/ram:GlobalID/@schemeID") == ["0002", "0238"]
    assert texts("//ram:URIID/text()") == ["552100554_FACT"]
    assert texts("//ram:ReferenceReferencedDocument/ram:TypeCode/text()") == ["380"]
    assert texts("//ram:ReceiptDateTime/*/text()") == ["20261108151000"]
    assert texts("//ram:ValueDateTime/*/text()") == ["20261203"] * 2


def test_212_of_a_deposit_made_on_the_day_it_went_through() -> None:
    """Its moment is never before that of the deposit; nothing below 0, no comment."""
    day = CASH_IN._replace(date=date(2026, 11, 8), comment="")
    xml = cdar.encashed(day, replace(RICH, type_code="386"))
    assert cdar.verdicts(xml) == []
    [read] = cdar.read(xml)
    assert (read.at, read.reasons) == ("2026-11-08T15:10:00", ())
    assert b"<ram:TypeCode>386</ram:TypeCode>" in xml


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"ram:ValuePercent", b"ram:ValueQuantity", "BR-FR-CDV-14"),
        (b"urn.cpro.gouv.fr:1p0:CDV:invoice", b"urn:other", "BR-FR-CDV-02"),
        (b"ram:StatusCode", b"ram:Color", "XSD"),
    ],
)
def test_a_message_that_breaks_a_rule_does_not_pass(old: bytes, new: bytes, rule: str) -> None:
    broken = cdar.verdicts(cdar.encashed(CASH_IN, RICH).replace(old, new))
    assert any(verdict.rule.startswith(rule) for verdict in broken), broken


def test_what_tests_let_a_platform_say_is_valid_too() -> None:
    for code in ("200", "202", "205", "210", "213"):
        reasons = (("DOUBLON", "", ""),) if code in ("210", "213") else ()
        broken = cdar.verdicts(message(status("A", code, reasons=reasons)))
        assert [verdict.rule for verdict in broken] == [], code
