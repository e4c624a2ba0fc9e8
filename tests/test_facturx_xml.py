"""What goes into the XML comes out of it: factur-x drops a key that it does not know in silence."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree
from msgspec import Struct
from msgspec.structs import fields, replace

from lib.documents import facturx_xml, validators
from lib.values.document import (
    CREDIT_NOTE,
    Address,
    Allowance,
    BankAccount,
    Document,
    ElectronicAddress,
    Line,
    Note,
    Party,
    Period,
    Preceding,
    Seller,
    Totals,
    VatSubtotal,
)

NAMESPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}

RICH = Document(
    number="NORD-2026-0042",
    client="nord",
    month="2026-10",
    issue_date=date(2026, 11, 8),
    due_date=date(2026, 12, 8),
    language="fr",
    operation_category="mixed",
    vat_on_debits=True,
    period=Period(start=date(2026, 10, 2), end=date(2026, 10, 30)),
    seller=Seller(
        name="Le Vendeur & Fils",
        trade_name="Chez le vendeur",
        siren="732829320",
        siret="73282932000074",
        vat_number="FR44732829320",
        address=Address(
            lines=("1 rue du Vendeur", "Bâtiment V", "Étage V"),
            postcode="44001",
            city="Nantes",
            country="FR",
        ),
        email=("vendeur@example.org", "second@example.org"),
        phone="+33 2 40 00 00 01",
        electronic_address=ElectronicAddress(scheme="0225", id="732829320"),
        bank=BankAccount(iban="FR7630006000011234567890189", bic="AGRIFRPP", holder="Titulaire"),
    ),
    buyer=Party(
        name="L’Acheteur <SA>",
        trade_name="Chez l’acheteur",
        siren="552100554",
        siret="55210055400013",
        vat_number="FR54552100554",
        address=Address(
            lines=("2 rue de l’Acheteur", "Bâtiment A", "Étage A"),
            postcode="75002",
            city="Paris",
            country="FR",
        ),
        email=("acheteur@example.org",),
        phone="+33 1 00 00 00 02",
        electronic_address=ElectronicAddress(scheme="0225", id="552100554_FACT"),
        delivery_address=Address(
            lines=("3 quai du Dépôt", "Porte D", "Casier D"),
            postcode="59003",
            city="Lille",
            country="FR",
            name="Le Dépôt",
        ),
    ),
    purchase_order="BC-13",
    buyer_reference="SERVICE-10",
    lines=(
        Line(
            id="1",
            item="boxes",
            name="Boîtes",
            description="de 1 à 10",
            quantity=Decimal("12.3456"),
            unit="H87",
            unit_price=Decimal("8.1234"),
            discount=Decimal("0.29"),
            discount_reason="Geste commercial",
            net=Decimal("100.00"),
            vat_category="S",
            vat_rate=Decimal("20"),
            category="goods",
        ),
        Line(
            id="2",
            name="Conseil",
            quantity=Decimal("2"),
            unit="HUR",
            unit_price=Decimal("25"),
            net=Decimal("50.00"),
            vat_category="S",
            vat_rate=Decimal("5.5"),
        ),
    ),
    allowances=(
        Allowance(
            reason="Remise de bienvenue",
            percent=Decimal("10"),
            base=Decimal("100.00"),
            amount=Decimal("10.00"),
            vat_category="S",
            vat_rate=Decimal("20"),
        ),
    ),
    vat_breakdown=(
        VatSubtotal(
            category="S", rate=Decimal("20"), taxable=Decimal("90.00"), vat=Decimal("18.00")
        ),
        VatSubtotal(
            category="S", rate=Decimal("5.5"), taxable=Decimal("50.00"), vat=Decimal("2.75")
        ),
    ),
    totals=Totals(
        lines_net=Decimal("150.00"),
        allowances=Decimal("10.00"),
        net=Decimal("140.00"),
        vat=Decimal("20.75"),
        gross=Decimal("160.75"),
        due=Decimal("160.75"),
    ),
    notes=(
        Note(code="BAR", text="B2B"),
        Note(code="PMT", text="Indemnité : 40 €"),
        Note(code="PMD", text="Pénalités"),
        Note(code="AAB", text="Pas d’escompte"),
        Note(code="", text="Texte libre"),
    ),
    payment_reference="RF18NORD20260042",
)

AGREEMENT = "//ram:ApplicableHeaderTradeAgreement"
DELIVERY = "//ram:ApplicableHeaderTradeDelivery"
SETTLEMENT = "//ram:ApplicableHeaderTradeSettlement"
SUMS = f"{SETTLEMENT}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"
ITEMS = "//ram:IncludedSupplyChainTradeLineItem"
PRICE = "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:ChargeAmount"
LINE_TAX = "ram:SpecifiedLineTradeSettlement/ram:ApplicableTradeTax"
LINE_ALLOWANCE = "ram:SpecifiedLineTradeSettlement/ram:SpecifiedTradeAllowanceCharge"
BANK = f"{SETTLEMENT}/ram:SpecifiedTradeSettlementPaymentMeans"


def party_terms(path: str, party: Party) -> dict[str, list[str]]:
    """Where a party's terms are found, and what they are."""
    address = party.address
    electronic = party.electronic_address
    assert electronic is not None
    return {
        f"{path}/ram:Name": [party.name],
        f"{path}/ram:SpecifiedLegalOrganization/ram:TradingBusinessName": [party.trade_name],
        f"{path}/ram:GlobalID[@schemeID='0009']": [party.siret],
        f"{path}/ram:SpecifiedLegalOrganization/ram:ID[@schemeID='0002']": [party.siren],
        f"{path}//ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']": [party.vat_number],
        f"{path}/ram:URIUniversalCommunication/ram:URIID[@schemeID='{electronic.scheme}']": [
            electronic.id
        ],
        f"{path}//ram:TelephoneUniversalCommunication/ram:CompleteNumber": [party.phone],
        f"{path}//ram:EmailURIUniversalCommunication/ram:URIID": [party.email[0]],
        **address_terms(path, address),
    }


def address_terms(path: str, address: Address) -> dict[str, list[str]]:
    path = f"{path}/ram:PostalTradeAddress"
    return {
        f"{path}/ram:LineOne": [address.lines[0]],
        f"{path}/ram:LineTwo": [address.lines[1]],
        f"{path}/ram:LineThree": [address.lines[2]],
        f"{path}/ram:PostcodeCode": [address.postcode],
        f"{path}/ram:CityName": [address.city],
        f"{path}/ram:CountryID": [address.country],
    }


TERMS: dict[str, list[str]] = {
    "//rsm:ExchangedDocument/ram:ID": ["NORD-2026-0042"],
    "//rsm:ExchangedDocument/ram:TypeCode": ["380"],
    "//rsm:ExchangedDocument/ram:IssueDateTime/udt:DateTimeString": ["20261108"],
    "//ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID": ["M1"],
    "//ram:IncludedNote/ram:SubjectCode": ["BAR", "PMT", "PMD", "AAB"],
    "//ram:IncludedNote/ram:Content": [note.text for note in RICH.notes],
    f"{AGREEMENT}/ram:BuyerReference": ["SERVICE-10"],
    f"{AGREEMENT}/ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID": ["BC-13"],
    **party_terms(f"{AGREEMENT}/ram:SellerTradeParty", RICH.seller),
    **party_terms(f"{AGREEMENT}/ram:BuyerTradeParty", RICH.buyer),
    f"{DELIVERY}/ram:ShipToTradeParty/ram:Name": ["Le Dépôt"],
    **address_terms(f"{DELIVERY}/ram:ShipToTradeParty", RICH.buyer.delivery_address),
    f"{DELIVERY}//ram:OccurrenceDateTime/udt:DateTimeString": ["20261030"],
    f"{SETTLEMENT}/ram:BillingSpecifiedPeriod/ram:StartDateTime/udt:DateTimeString": ["20261002"],
    f"{SETTLEMENT}/ram:BillingSpecifiedPeriod/ram:EndDateTime/udt:DateTimeString": ["20261030"],
    f"{SETTLEMENT}/ram:PaymentReference": ["RF18NORD20260042"],
    f"{SETTLEMENT}/ram:InvoiceCurrencyCode": ["EUR"],
    f"{SETTLEMENT}/ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/udt:DateTimeString": [
        "20261208"
    ],
    f"{BANK}/ram:TypeCode": ["30"],
    f"{BANK}/ram:PayeePartyCreditorFinancialAccount/ram:IBANID": ["FR7630006000011234567890189"],
    f"{BANK}/ram:PayeePartyCreditorFinancialAccount/ram:AccountName": ["Titulaire"],
    f"{BANK}/ram:PayeeSpecifiedCreditorFinancialInstitution/ram:BICID": ["AGRIFRPP"],
    f"{SETTLEMENT}/ram:ApplicableTradeTax/ram:BasisAmount": ["90.00", "50.00"],
    f"{SETTLEMENT}/ram:ApplicableTradeTax/ram:CalculatedAmount": ["18.00", "2.75"],
    f"{SETTLEMENT}/ram:ApplicableTradeTax/ram:CategoryCode": ["S", "S"],
    f"{SETTLEMENT}/ram:ApplicableTradeTax/ram:RateApplicablePercent": ["20.00", "5.50"],
    f"{SETTLEMENT}/ram:ApplicableTradeTax/ram:DueDateTypeCode": ["5", "5"],
    f"{SETTLEMENT}/ram:SpecifiedTradeAllowanceCharge/ram:ChargeIndicator/udt:Indicator": ["false"],
    f"{SETTLEMENT}/ram:SpecifiedTradeAllowanceCharge/ram:CalculationPercent": ["10.00"],
    f"{SETTLEMENT}/ram:SpecifiedTradeAllowanceCharge/ram:BasisAmount": ["100.00"],
    f"{SETTLEMENT}/ram:SpecifiedTradeAllowanceCharge/ram:ActualAmount": ["10.00"],
    f"{SETTLEMENT}/ram:SpecifiedTradeAllowanceCharge/ram:Reason": ["Remise de bienvenue"],
    f"{SETTLEMENT}/ram:SpecifiedTradeAllowanceCharge//ram:CategoryCode": ["S"],
    f"{SETTLEMENT}/ram:SpecifiedTradeAllowanceCharge//ram:RateApplicablePercent": ["20.00"],
    f"{SUMS}/ram:LineTotalAmount": ["150.00"],
    f"{SUMS}/ram:AllowanceTotalAmount": ["10.00"],
    f"{SUMS}/ram:TaxBasisTotalAmount": ["140.00"],
    f"{SUMS}/ram:TaxTotalAmount[@currencyID='EUR']": ["20.75"],
    f"{SUMS}/ram:GrandTotalAmount": ["160.75"],
    f"{SUMS}/ram:DuePayableAmount": ["160.75"],
    f"{ITEMS}/ram:AssociatedDocumentLineDocument/ram:LineID": ["1", "2"],
    f"{ITEMS}/ram:SpecifiedTradeProduct/ram:SellerAssignedID": ["boxes"],
    f"{ITEMS}/ram:SpecifiedTradeProduct/ram:Name": ["Boîtes", "Conseil"],
    f"{ITEMS}/ram:SpecifiedTradeProduct/ram:Description": ["de 1 à 10"],
    f"{ITEMS}//ram:BilledQuantity[@unitCode='H87']": ["12.3456"],
    f"{ITEMS}//ram:BilledQuantity[@unitCode='HUR']": ["2"],
    f"{ITEMS}/{PRICE}": ["8.1234", "25.00"],
    f"{ITEMS}/{LINE_ALLOWANCE}/ram:ActualAmount": ["0.29"],
    f"{ITEMS}/{LINE_ALLOWANCE}/ram:Reason": ["Geste commercial"],
    f"{ITEMS}/{LINE_TAX}/ram:CategoryCode": ["S", "S"],
    f"{ITEMS}/{LINE_TAX}/ram:RateApplicablePercent": ["20.00", "5.50"],
    f"{ITEMS}//ram:LineTotalAmount": ["100.00", "50.00"],
}


def read(document: Document, path: str) -> list[str]:
    root = etree.fromstring(facturx_xml.generate(document))
    return [element.text for element in root.xpath(path, namespaces=NAMESPACES)]


@pytest.fixture(scope="module")
def rich_xml() -> Any:
    return etree.fromstring(facturx_xml.generate(RICH))


@pytest.mark.parametrize("path", TERMS)
def test_every_term_is_read_back(rich_xml, path):
    found = [element.text for element in rich_xml.xpath(path, namespaces=NAMESPACES)]
    assert found == TERMS[path]


def test_the_rich_document_passes_its_judges():
    assert validators.verdicts(RICH, facturx_xml.generate(RICH)) == []


# What the standard has no place for, or what stands in the XML in other words.
ELSEWHERE = {
    "client", "month", "language", "operation_category", "vat_on_debits", "person", "taxable",
    "email", "legal_form", "capital", "registration", "logo", "colour", "issued_by", "reference",
    "category", "sources", "renderer", "type_code", "preceding", "preceding_type", "preceding_vat",
    "order", "step", "step_kind", "subject", "exemption_code", "exemption_reason",
}  # fmt: skip


def leaves(value: Any) -> Iterator[tuple[str, Any]]:
    for field in fields(value):
        inner = getattr(value, field.name)
        if isinstance(inner, Struct):
            yield from leaves(inner)
        elif isinstance(inner, tuple) and inner and isinstance(inner[0], Struct):
            for one in inner:
                yield from leaves(one)
        elif field.name not in ELSEWHERE:
            yield field.name, inner


def test_no_field_of_a_document_is_forgotten(rich_xml):
    text = " ".join(rich_xml.itertext())
    attributes = {value for element in rich_xml.iter() for value in element.attrib.values()}
    for name, value in leaves(RICH):
        for one in value if isinstance(value, tuple) else (value,):
            if one is None or one == "":
                continue
            shown = f"{one:%Y%m%d}" if isinstance(one, date) else str(one)
            amount = f"{one:.2f}" if isinstance(one, Decimal) else shown
            assert shown in text or amount in text or shown in attributes, (name, one)


def test_a_seller_without_vat_number_is_known_to_the_tax_office_by_its_siren():
    seller = replace(RICH.seller, vat_number="")
    path = "//ram:SellerTradeParty/ram:SpecifiedTaxRegistration/ram:ID[@schemeID='FC']"
    assert read(replace(RICH, seller=seller), path) == [RICH.seller.siren]


def test_an_exemption_is_written_with_code_and_text():
    subtotal = VatSubtotal(
        category="E",
        rate=Decimal("0"),
        taxable=Decimal("150.00"),
        vat=Decimal("0.00"),
        exemption_code="VATEX-FR-FRANCHISE",
        exemption_reason="TVA non applicable",
    )
    document = replace(RICH, vat_breakdown=(subtotal,))
    tax = f"{SETTLEMENT}/ram:ApplicableTradeTax"
    assert read(document, f"{tax}/ram:ExemptionReasonCode") == ["VATEX-FR-FRANCHISE"]
    assert read(document, f"{tax}/ram:ExemptionReason") == ["TVA non applicable"]
    assert read(document, f"{tax}/ram:CalculatedAmount") == ["0.00"]


def test_a_credit_note_names_what_it_corrects_and_asks_for_no_money():
    preceding = Preceding(number="NORD-2026-0041", issue_date=date(2026, 10, 8))
    document = replace(RICH, type_code=CREDIT_NOTE, preceding=(preceding,), due_date=None)
    reference = f"{SETTLEMENT}/ram:InvoiceReferencedDocument"
    assert read(document, f"{reference}/ram:IssuerAssignedID") == ["NORD-2026-0041"]
    assert "20261008" in "".join(etree.fromstring(facturx_xml.generate(document)).itertext())
    assert read(document, "//rsm:ExchangedDocument/ram:TypeCode") == ["381"]
    assert read(document, f"{BANK}//*") == []
    assert validators.verdicts(document, facturx_xml.generate(document)) == []


def test_an_invoice_of_nothing_asks_for_no_transfer():
    zero = Decimal("0.00")
    totals = replace(RICH.totals, due=zero)
    assert read(replace(RICH, totals=totals), f"{BANK}//*") == []


@pytest.mark.parametrize(
    ("sold", "process"), [("goods", "B1"), ("services", "S1"), ("mixed", "M1")]
)
def test_what_is_sold_is_the_process(sold, process):
    path = "//ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID"
    assert read(replace(RICH, operation_category=sold), path) == [process]


def test_without_the_option_for_debits_no_date_of_tax_is_claimed():
    assert read(replace(RICH, vat_on_debits=False), "//ram:DueDateTypeCode") == []
