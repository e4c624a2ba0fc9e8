"""Messages of platforms about invoices (CDAR), invented: what tests let a platform say."""

from typing import Any
from xml.sax.saxutils import escape

_UN = "urn:un:unece:uncefact:data:standard:"
INVOICE, TO_TAX_OFFICE = "invoice", "einvoicingF2"
_PHASES = dict.fromkeys(("200", "201", "202", "203", "213"), ("305", "10"))


def status(
    number: str,
    code: str,
    at: str = "20270903101500",
    *,
    seller: str = "732829320",
    type_code: str = "380",
    reasons: tuple[tuple[str, str, str], ...] = (),
    note: str = "",
    amounts: tuple[tuple[str, str, str], ...] = (),
) -> dict[str, Any]:
    """What a message says of an invoice.

    Args:
      reasons: each with its code, its text, and the action that is asked for.
      amounts: each with its type, the amount and the rate.
    """
    return locals()


def message(*statuses: dict[str, Any], guideline: str = INVOICE, written: str = "") -> bytes:
    """One message about one invoice, or about several."""
    first = statuses[0]
    phase, number = _PHASES.get(first["code"], ("23", "47"))
    written = written or first["at"]
    process = "" if guideline == TO_TAX_OFFICE else _process()
    recipient = _tax_office() if guideline == TO_TAX_OFFICE else _seller(first["seller"])
    references = "".join(_reference(one, number) for one in statuses)
    multiple = str(len(statuses) > 1).lower()
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossDomainAcknowledgementAndResponse
  xmlns:rsm="{_UN}CrossDomainAcknowledgementAndResponse:100"
  xmlns:ram="{_UN}ReusableAggregateBusinessInformationEntity:100"
  xmlns:udt="{_UN}UnqualifiedDataType:100" xmlns:qdt="{_UN}QualifiedDataType:100">
<rsm:ExchangedDocumentContext>{process}
<ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>urn.cpro.gouv.fr:1p0:CDV:{guideline}</ram:ID>
</ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
<rsm:ExchangedDocument><ram:ID>M-{first["number"]}-{first["code"]}-{first["at"]}</ram:ID>
<ram:IssueDateTime>{_time(written)}</ram:IssueDateTime>
<ram:SenderTradeParty><ram:RoleCode>WK</ram:RoleCode></ram:SenderTradeParty>
<ram:IssuerTradeParty>
<ram:GlobalID schemeID="0238">0042</ram:GlobalID><ram:Name>Plateforme</ram:Name>
<ram:RoleCode>{"WK" if phase == "305" else "BY"}</ram:RoleCode></ram:IssuerTradeParty>
{recipient}</rsm:ExchangedDocument>
<rsm:AcknowledgementDocument>
<ram:MultipleReferencesIndicator><udt:Indicator>{multiple}</udt:Indicator></ram:MultipleReferencesIndicator>
<ram:TypeCode>{phase}</ram:TypeCode>
<ram:IssueDateTime>{_time(first["at"])}</ram:IssueDateTime>
{references}</rsm:AcknowledgementDocument></rsm:CrossDomainAcknowledgementAndResponse>
""".encode()


def _process() -> str:
    name = "BusinessProcessSpecifiedDocumentContextParameter"
    return f"<ram:{name}><ram:ID>REGULATED</ram:ID></ram:{name}>"


def _time(digits: str) -> str:
    return f'<udt:DateTimeString format="204">{digits}</udt:DateTimeString>'


def _tax_office() -> str:
    return (
        '<ram:RecipientTradeParty><ram:GlobalID schemeID="0238">0000</ram:GlobalID>'
        "<ram:RoleCode>DFH</ram:RoleCode></ram:RecipientTradeParty>"
    )


def _seller(siren: str) -> str:
    return (
        f'<ram:RecipientTradeParty><ram:GlobalID schemeID="0002">{siren}</ram:GlobalID>'
        "<ram:RoleCode>SE</ram:RoleCode><ram:URIUniversalCommunication>"
        f'<ram:URIID schemeID="0225">{siren}</ram:URIID>'
        "</ram:URIUniversalCommunication></ram:RecipientTradeParty>"
    )


def _reference(about: dict[str, Any], number: str) -> str:
    details = [
        f"<ram:SpecifiedDocumentStatus><ram:ReasonCode>{code}</ram:ReasonCode>"
        f"<ram:Reason>{escape(text)}</ram:Reason>"
        f"{f'<ram:RequestedActionCode>{action}</ram:RequestedActionCode>' if action else ''}"
        f"<ram:SequenceNumeric>{i}</ram:SequenceNumeric></ram:SpecifiedDocumentStatus>"
        for i, (code, text, action) in enumerate(about["reasons"], 1)
    ]
    if about["note"] or about["amounts"]:
        parts = "".join(
            "<ram:SpecifiedDocumentCharacteristic>"
            f'<ram:TypeCode>{type_}</ram:TypeCode><ram:ValueAmount currencyID="EUR">{amount}'
            f"</ram:ValueAmount>{f'<ram:ValuePercent>{rate}</ram:ValuePercent>' if rate else ''}"
            "</ram:SpecifiedDocumentCharacteristic>"
            for type_, amount, rate in about["amounts"]
        )
        content = f"<ram:Content>{escape(about['note'])}</ram:Content>"
        note = f"<ram:IncludedNote>{content}</ram:IncludedNote>"
        details.append(
            f"<ram:SpecifiedDocumentStatus><ram:SequenceNumeric>{len(details) + 1}"
            f"</ram:SequenceNumeric>{note if about['note'] else ''}{parts}"
            "</ram:SpecifiedDocumentStatus>"
        )
    return (
        "<ram:ReferenceReferencedDocument>"
        f"<ram:IssuerAssignedID>{escape(about['number'])}</ram:IssuerAssignedID>"
        f"<ram:StatusCode>{number}</ram:StatusCode><ram:TypeCode>{about['type_code']}</ram:TypeCode>"
        f"<ram:ReceiptDateTime>{_time(about['at'])}</ram:ReceiptDateTime>"
        '<ram:FormattedIssueDateTime><qdt:DateTimeString format="102">20270901'
        "</qdt:DateTimeString></ram:FormattedIssueDateTime>"
        f"<ram:ProcessConditionCode>{about['code']}</ram:ProcessConditionCode>"
        f'<ram:IssuerTradeParty><ram:GlobalID schemeID="0002">{about["seller"]}</ram:GlobalID>'
        f"</ram:IssuerTradeParty>{''.join(details)}</ram:ReferenceReferencedDocument>"
    )
