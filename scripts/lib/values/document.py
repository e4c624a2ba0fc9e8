"""The document: an invoice or a credit note as plain data, in EN 16931 terms.

A document says all that its PDF and its XML say: parties as they were, lines, VAT
breakdown, totals, mentions. Both are pure functions of it. It is made once (billing/invoicing),
written as `<number>.json`, and never changed. Names follow the standard; each field is
marked with its business term (BT) or group (BG).

Amounts are decimal.Decimal in the document's currency, with two decimals.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import msgspec
from msgspec import Struct

from lib.values import money
from lib.values.speech import Speech

INVOICE = "380"
CREDIT_NOTE = "381"
DEPOSIT = "386"  # an invoice of a deposit


class Address(Struct, frozen=True, kw_only=True):
    """BG-5, BG-8, BG-15. `country` is ISO 3166-1 alpha-2."""

    lines: tuple[str, ...]
    postcode: str = ""
    city: str
    country: str
    name: str = ""  # BT-70, for a delivery address whose recipient has another name


class ElectronicAddress(Struct, frozen=True, kw_only=True):
    """BT-34, BT-49: `scheme` is a code of the EAS list: 0225 (SIREN), EM (e-mail)."""

    scheme: str
    id: str


class BankAccount(Struct, frozen=True, kw_only=True):
    """BG-17. `iban` and `bic` without spaces."""

    iban: str  # BT-84
    bic: str = ""  # BT-86
    holder: str = ""  # BT-85; empty: the seller's name


class Party(Struct, frozen=True, kw_only=True):
    """BG-4 (seller) or BG-7 (buyer)."""

    name: str  # BT-27, BT-44
    trade_name: str = ""  # BT-28, BT-45: what it is known by, where that is another name
    contact: str = ""  # BT-41, BT-56: who is to be spoken to, a person or a department
    person: bool = False  # a private customer: no SIREN, no 40 euro indemnity
    taxable: bool = True  # False: an association, a co-ownership ... that buys outside VAT
    siren: str = ""  # BT-30, BT-47, scheme 0002
    siret: str = ""  # BT-29, BT-46, scheme 0009
    service_code: str = ""  # BT-46, scheme 0240: the service of a public body
    vat_number: str = ""  # BT-31, BT-48
    address: Address
    email: tuple[str, ...] = ()
    phone: str = ""
    electronic_address: ElectronicAddress | None = None  # BT-34, BT-49
    delivery_address: Address | None = None  # BG-13


class Seller(Party, frozen=True, kw_only=True):
    """BG-4 with the mentions of French law about the company."""

    legal_form: str = ""  # "EI" is printed beside the name
    capital: Decimal | None = None
    registration: str = ""  # "RCS Nantes 123 456 789", "RM 44"
    bank: BankAccount | None = None
    logo: str = ""  # SHA-256 of its bytes, kept in data/archive_inputs/
    colour: str = ""  # of the accents on its pages: "#14546b"; empty: the common one


class Period(Struct, frozen=True, kw_only=True):
    """BG-14: first and last day of the service."""

    start: date  # BT-73
    end: date  # BT-74


class Line(Struct, frozen=True, kw_only=True):
    """BG-25."""

    id: str  # BT-126: "1", "2", ...
    item: str = ""  # BT-155: the item of the plan that it charges
    name: str  # BT-153
    description: str = ""  # BT-154, in one line or several
    quantity: Decimal  # BT-129, up to 4 decimals
    unit: str  # BT-130, UN/ECE Recommendation 20: C62, HUR, DAY
    unit_price: Decimal  # BT-146, up to 4 decimals
    discount: Decimal = money.ZERO  # BT-136
    discount_reason: str = ""  # BT-139
    net: Decimal  # BT-131: quantity x unit price, rounded half up, - discount
    vat_category: str  # BT-151: S, E, AE, K, G, O
    vat_rate: Decimal  # BT-152, per cent
    category: str = "services"  # goods or services
    credited_quantity: Decimal | None = None  # on a credit note, where BT-129 does not say it
    plan: str = ""  # the plan that it charges; `item` is one of that plan
    period: Period | None = None  # BG-26: BT-134, BT-135
    pauses: tuple[Period, ...] = ()  # days within its period that it does not charge
    gross: Decimal | None = None  # with VAT, where that is what the seller declared
    preceding: str = ""  # the invoice of an earlier step that a line below 0 takes off
    preceding_type: str = ""  # its BT-3
    preceding_vat: Decimal = money.ZERO  # the VAT of what it takes off, as that invoice had it

    @property
    def is_amount(self) -> bool:
        """Whether a line of a credit note takes an amount back, and no quantity."""
        return self.credited_quantity is not None and not self.credited_quantity


class Allowance(Struct, frozen=True, kw_only=True):
    """BG-20: a discount on the document, for one VAT category and rate."""

    reason: str  # BT-97
    percent: Decimal | None = None  # BT-94
    base: Decimal | None = None  # BT-93, where there is a percentage
    amount: Decimal  # BT-92
    vat_category: str  # BT-95
    vat_rate: Decimal  # BT-96
    category: str = "services"  # goods or services
    position: int = 0  # on a credit note: which allowance of the invoice it takes back


class VatSubtotal(Struct, frozen=True, kw_only=True):
    """BG-23: one VAT category and rate (BR-CO-17: computed on the sum, never by line)."""

    category: str  # BT-118
    rate: Decimal  # BT-119
    taxable: Decimal  # BT-116
    vat: Decimal  # BT-117
    exemption_code: str = ""  # BT-121
    exemption_reason: str = ""  # BT-120


class Totals(Struct, frozen=True, kw_only=True):
    """BG-22."""

    lines_net: Decimal  # BT-106
    allowances: Decimal  # BT-107
    net: Decimal  # BT-109
    vat: Decimal  # BT-110
    gross: Decimal  # BT-112
    due: Decimal  # BT-115


class Note(Struct, frozen=True, kw_only=True):
    """BG-1: `code` is BT-21 (PMT, PMD, AAB, BAR, ABL, DCL), empty for free text."""

    code: str
    text: str


class Preceding(Struct, frozen=True, kw_only=True):
    """BG-3: the invoice that a credit note corrects, or what a final invoice takes off."""

    number: str  # BT-25
    issue_date: date  # BT-26


class Document(Struct, frozen=True, kw_only=True):
    """An invoice (BT-3 = 380), one of a deposit (386), or a credit note (381)."""

    number: str  # BT-1
    type_code: str = INVOICE  # BT-3
    client: str  # the id of its file in clients/ or batch_clients/
    month: str  # "2026-10": the month whose run issued it
    issue_date: date  # BT-2
    due_date: date | None = None  # BT-9
    currency: str = "EUR"  # BT-5
    language: str
    operation_category: str  # goods, services or mixed: BT-23
    vat_on_debits: bool = False  # BT-8 = 5
    period: Period  # BG-14
    delivery: date | None = None  # BT-72, where it is not the end of the period
    seller: Seller  # BG-4
    buyer: Party  # BG-7
    issued_by: str = ""  # a batch invoice's issuer, in the seller's name and on its behalf
    reference: str = ""  # the seller's own key of a batch invoice
    purchase_order: str = ""  # BT-13
    buyer_reference: str = ""  # BT-10
    order: str = ""  # the id of its file in data/orders/, of which it is the invoice of `step`
    step: str = ""
    step_kind: str = ""  # deposit, milestone or final
    subject: str = ""  # what it is about: the title of that order, or the subject of a plan
    note: str = (
        ""  # BT-22 of its own, read first: what the customer is told, in one line or several
    )
    preceding: tuple[Preceding, ...] = ()  # BG-3
    reason: str = ""  # why a credit note was issued
    lines: tuple[Line, ...]  # BG-25
    allowances: tuple[Allowance, ...] = ()  # BG-20
    vat_breakdown: tuple[VatSubtotal, ...]  # BG-23
    totals: Totals  # BG-22
    notes: tuple[Note, ...]  # BG-1
    paid: str = (
        ""  # how it was paid before it was issued (BT-113 = BT-112); empty: it is to be paid
    )
    payment_reference: str = ""  # BT-83: RF creditor reference, where money is due
    sources: dict[str, str] = {}  # input file -> SHA-256
    renderer: dict[str, str] = {}  # what shapes the bytes -> version

    @property
    def is_credit_note(self) -> bool:
        return self.type_code == CREDIT_NOTE

    @property
    def corrected(self) -> Preceding:
        """The invoice that a credit note corrects."""
        return self.preceding[0]

    @property
    def is_delivered_before(self) -> bool:
        """Whether an order's invoice has a day of delivery of its own, which it has to state."""
        is_invoice = bool(self.order) and not self.is_credit_note
        return is_invoice and self.period.end != self.issue_date

    @property
    def takes_off_deposits(self) -> bool:
        """Whether a final invoice follows deposits (BT-23), or a credit note takes such lines."""
        return any(line.preceding_type == DEPOSIT for line in self.lines)

    @property
    def kind(self) -> str:
        """What it is, as the words of languages name it: "deposit_invoice"."""
        if self.is_credit_note:
            return "credit_note"
        if self.step_kind == "final" and not self.preceding:
            return "invoice"
        return f"{self.step_kind}_invoice".strip("_")

    @property
    def title(self) -> str:
        """What it is called at the head of its page."""
        return self.speech.word(self.kind)

    @property
    def speech(self) -> Speech:
        """How its page and the letters about it speak."""
        return Speech(self.language)

    def __reduce__(self) -> tuple[Callable[[bytes], "Document"], tuple[bytes]]:
        """Between processes it goes as its JSON, in a third of the time that its parts take."""
        return from_json, (msgspec.json.encode(self),)


def to_json(document: Document) -> bytes:
    """The bytes of `<number>.json`: in the order of the fields, for a person to read."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def from_json(data: bytes) -> Document:
    """The document that `to_json` wrote.

    Raises:
      msgspec.ValidationError, msgspec.DecodeError: if these bytes are no document.
    """
    return msgspec.json.decode(data, type=Document)
