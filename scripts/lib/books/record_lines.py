"""The shapes in which lines of records are read: whole ones, which an audit holds each line
against, and narrow ones with the facts that one piece of work needs, which are read fastest.

Every fact of a record has its name here. A line is chained to the one before by the facts of
`records.Link`, with which each narrow shape begins.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, TypedDict

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from lib.books.records import Link
from lib.inputs.issuer_file import Accounts
from lib.values import numbers, spans
from lib.values.document import Period
from lib.values.spans import Spans

# --- whole lines ---------------------------------------------------------------------

_Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,39}\Z")]
_Number = Annotated[str, Meta(pattern=rf"^(?:{numbers.any_of(*numbers.FORMATS)})\Z")]
_AnyNumber = Annotated[str, Meta(pattern=r"^\S(.{0,33}\S)?\Z")]  # of any tool
_QuoteNumber = Annotated[str, Meta(pattern=rf"^(?:{numbers.any_of(numbers.QUOTE)})\Z")]
_Month = Annotated[str, Meta(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])\Z")]
_Amount = Annotated[str, Meta(pattern=r"^-?[0-9]{1,15}\.[0-9]{2}\Z")]
_Paid = Annotated[str, Meta(pattern=r"^[0-9]{1,15}(\.[0-9]{1,2})?\Z")]
_Quantity = Annotated[str, Meta(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,16})?\Z")]
_Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class RevenuePeriod(Struct):
    start: date
    end: date


class RevenueShare(Struct):
    nature: Literal["goods", "services"]
    vat_category: str
    vat_rate: _Amount
    net: _Amount
    vat: _Amount


class RevenueService(Struct):
    """What lines of a plan charge, or take back: `net` is less discounts of the document; records
    of before 2026-11-30 lack it."""

    plan: str
    item: str
    start: date
    end: date
    lines: list[str]
    net: _Amount = ""
    pauses: list[tuple[date, date]] = []


class RevenueDeposit(Struct):
    """What a final invoice takes off of a deposit."""

    number: _Number
    breakdown: list[RevenueShare]


class RevenueRecord(Struct):
    """What `revenues.facts` gives; a document's facts are compared with all of it.

    `exemptions` has the VATEX code (BT-121) of each VAT category, `places` by nature the part of
    France whose rates its VAT has, where that is not the mainland.
    """

    client: _Id
    number: _Number
    month: _Month
    issue_date: date
    period: RevenuePeriod
    currency: str
    buyer: str
    net: _Amount
    vat: _Amount
    gross: _Amount
    breakdown: list[RevenueShare]
    document_sha256: _Sha256
    pdf_sha256: _Sha256
    buyer_country: Annotated[str, Meta(pattern=r"^([A-Z]{2})?\Z")] = ""
    buyer_vat_number: str = ""
    exemptions: dict[str, str] = {}
    places: dict[Literal["goods", "services"], str] = {}
    due_date: date | None = None
    delivery: date | None = None
    services: list[RevenueService] = []
    vat_on_debits: bool = False
    paid: str = ""
    reference: str = ""
    type: Literal["", "386"] = ""
    order: str = ""
    step: str = ""
    deposits: list[RevenueDeposit] = []


class InvoiceRecord(RevenueRecord, tag="invoice", tag_field="kind"):
    pass


class CreditNoteRecord(RevenueRecord, tag="credit_note", tag_field="kind", kw_only=True):
    corrects: _Number
    reason: str
    lines: dict[str, _Quantity]
    amounts: dict[str, _Amount] = {}


class SequenceRecord(Struct, tag="sequence", tag_field="kind"):
    """The last number of a year that the tool before gave: the next one is the first here."""

    code: Annotated[str, Meta(pattern=r"^[A-Z0-9]{1,8}\Z")]
    year: Annotated[int, Meta(ge=2000, le=2099)]
    last: Annotated[int, Meta(ge=1, le=numbers.LARGEST)]
    date: date
    reason: str


class OpeningPayment(Struct):
    date: date
    amount: _Paid


class OpeningRecord(Struct, tag="opening", tag_field="kind", kw_only=True):
    """What openings.fact gives."""

    client: _Id
    number: _AnyNumber
    issue_date: date
    due_date: date | None = None
    currency: str
    buyer: str
    net: _Amount
    vat: _Amount
    gross: _Amount
    breakdown: list[RevenueShare]
    paid: list[OpeningPayment]
    date: date
    vat_on_debits: bool = False
    reference: str = ""
    source_sha256: _Sha256
    pdf_sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""


class OpeningReversalRecord(Struct, tag="reversal", tag_field="kind", kw_only=True):
    client: _Id
    number: _AnyNumber
    reverses: int
    date: date
    reason: str


class MoneyRecord(Struct):
    """What payments.fact, payments.write_off and payments.reversal give."""

    client: _Id
    invoice: _AnyNumber
    amount: _Paid
    date: date
    currency: str


class PaymentRecord(MoneyRecord, tag="payment", tag_field="kind", kw_only=True):
    """`value_date` is the day on which the money moved, where that was closed already."""

    method: str
    value_date: date | None = None
    reference: str = ""
    note: str = ""


class RefundRecord(PaymentRecord, tag="refund", tag_field="kind"):
    pass


class WriteOffRecord(MoneyRecord, tag="write_off", tag_field="kind", kw_only=True):
    cause: Literal["difference", "bank_charge", "bad_debt", "surplus"]
    reason: str


class ReversalRecord(MoneyRecord, tag="reversal", tag_field="kind", kw_only=True):
    reverses: int
    reason: str


class QuoteRecord(Struct, tag="quote", tag_field="kind"):
    """What `quotations.facts` gives; a quote's facts are compared with all of it."""

    client: _Id
    number: _QuoteNumber
    order: _Id
    version: int
    issue_date: date
    valid_until: date
    currency: str
    buyer: str
    net: _Amount
    vat: _Amount
    gross: _Amount
    content_sha256: _Sha256
    document_sha256: _Sha256
    pdf_sha256: _Sha256
    supersedes: _QuoteNumber = ""


class AnswerRecord(Struct, kw_only=True):
    """What a client said of a quote."""

    client: _Id
    quote: _QuoteNumber
    date: date


class AcceptanceRecord(AnswerRecord, tag="acceptance", tag_field="kind", kw_only=True):
    """`signed` is the ending of the signed file that was kept."""

    signed: Literal["", "pdf", "jpg", "png"] = ""
    signed_sha256: str = ""


class RefusalRecord(AnswerRecord, tag="refusal", tag_field="kind", kw_only=True):
    reason: str = ""


class MailRecord(Struct):
    """What outbox keeps of a mail that a server took."""

    client: str
    mail: str
    date: date


class SummaryMailRecord(MailRecord, tag="summary", tag_field="kind"):
    pass


class PackageMailRecord(MailRecord, tag="package", tag_field="kind"):
    month: _Month
    package_sha256: _Sha256


class DocumentMailRecord(MailRecord):
    number: _Number
    pdf_sha256: _Sha256


class QuoteMailRecord(MailRecord, tag="quote", tag_field="kind"):
    number: _QuoteNumber
    pdf_sha256: _Sha256


class InvoiceMailRecord(DocumentMailRecord, tag="invoice", tag_field="kind"):
    pass


class CreditNoteMailRecord(DocumentMailRecord, tag="credit_note", tag_field="kind"):
    pass


class CustomerMailRecord(DocumentMailRecord, tag="customer", tag_field="kind"):
    pass


class ReminderMailRecord(MailRecord, tag="reminder", tag_field="kind"):
    number: _AnyNumber
    level: str
    pdf_sha256: str = ""
    letter_sha256: str = ""


_TrackingId = Annotated[str, Meta(pattern=r"^[!-~]{1,64}\Z")]
_FlowId = Annotated[str, Meta(min_length=1, max_length=64)]


class DepositRecord(Struct, tag="deposit", tag_field="kind", kw_only=True):
    """What is about to be handed to the approved platform; `number` is empty for a report."""

    client: str
    what: Literal["invoice", "credit_note", "cash_in", "report"]
    number: str
    tracking_id: _TrackingId
    name: str
    sha256: _Sha256
    date: date


class ExchangeReason(Struct):
    """Why a platform refuses a deposit, in its own words."""

    code: str
    item: str = ""
    message: str = ""


class ExchangeAnswerRecord(Struct, tag="answer", tag_field="kind", kw_only=True):
    """What the platform said of a deposit, at once or later; `deposit` is the line of that."""

    client: str
    deposit: Annotated[int, Meta(ge=1)]
    outcome: Literal["accepted", "refused", "exists", "acknowledged", "rejected"]
    flow_id: Annotated[str, Meta(max_length=64)] = ""
    reasons: list[ExchangeReason] = []
    date: date


class StatusReason(Struct):
    """Why an invoice has a status, and what is asked for."""

    code: str
    text: str = ""
    action: str = ""


class StatusAmount(Struct):
    """An amount with VAT that a status is about; `vat_rate` is empty where it names none."""

    amount: _Amount
    vat_rate: str = ""
    type: str = ""


class StatusRecord(Struct, tag="status", tag_field="kind", kw_only=True):
    """What the platform said of an invoice, at the moment that its message and its flow name.

    `code` is empty for a file that could not be read: it is kept, and a person looks at it.
    `number` is as the message has it, which may not be a number of ours.
    """

    client: str
    number: str
    code: Annotated[str, Meta(pattern=r"^([0-9]{3})?\Z")]
    at: str
    updated: str
    flow_id: _FlowId
    sha256: _Sha256
    reasons: list[StatusReason] = []
    amounts: list[StatusAmount] = []


class CashInShare(Struct):
    """What was received at a VAT rate, with VAT; negative where it was given back."""

    vat_rate: _Amount
    amount: _Amount


class CashInRecord(Struct, tag="cash_in", tag_field="kind", kw_only=True):
    """The decision to report that money of an invoice was received or given back.

    What books/cash_ins.record gives; `at` is the moment at which the invoice was deposited.
    """

    client: str
    number: str
    tracking_id: _TrackingId
    payments: list[str]
    shares: list[CashInShare]
    at: str
    received: date
    comment: str
    sha256: _Sha256
    date: date


class ClosingNumbers(Struct):
    """The numbers of a code that documents of a period have."""

    ledger: Literal["revenues", "revenues_batch"]
    code: str
    first: _Number
    last: _Number
    documents: int


class ClosingShare(Struct):
    """What a period has of a nature at a VAT category and rate, for a reason of exemption (BT-121)
    where it has one; an overpayment has none of them."""

    nature: Literal["goods", "services", "overpayment"]
    vat_category: str
    vat_rate: Annotated[str, Meta(pattern=r"^([0-9]{1,3}\.[0-9]{2})?\Z")]
    net: _Amount
    vat: _Amount
    exemption: str = ""


class ClosingSum(Struct):
    net: _Amount
    vat: _Amount


class GrandTotals(Struct):
    """All that was ever invoiced, received and due, up to the end of a period."""

    invoiced: ClosingSum
    received: ClosingSum
    due: ClosingSum


class ClosingHead(Struct):
    file: str
    seq: Annotated[int, Meta(ge=1)]
    hash: _Sha256


class ClosingAccounts(Struct):
    """What the books of a period post to, and when its fiscal year ends: of issuer.json, and the
    auxiliary accounts of clients that had one of their own."""

    clients: dict[_Id, str]
    fiscal_year_end: str
    issuer: Accounts


class ClosingRecord(Struct, tag="closing", tag_field="kind", kw_only=True):
    """What books/closings.facts gives: a month or a year that was closed on a day. Those of before
    2026-11-30 lack `accounts`, and their shares the reason of exemption."""

    period: Annotated[str, Meta(pattern=r"^20[0-9]{2}(-(0[1-9]|1[0-2]))?\Z")]
    date: date
    numbers: list[ClosingNumbers]
    invoiced: list[ClosingShare]
    received: list[ClosingShare]
    due: list[ClosingShare]
    grand_totals: GrandTotals
    accounts: ClosingAccounts | None = None
    heads: list[ClosingHead]


# Each family of records, and what its lines are; a new one is a line here.
FAMILIES: dict[str, Any] = {
    "revenues": InvoiceRecord | CreditNoteRecord,
    "revenues_batch": InvoiceRecord | CreditNoteRecord,
    "payments": PaymentRecord | RefundRecord | WriteOffRecord | ReversalRecord,
    "quotations": QuoteRecord | AcceptanceRecord | RefusalRecord,
    "openings": OpeningRecord | OpeningReversalRecord,
    "closings": ClosingRecord,
    "outbox": SummaryMailRecord
    | PackageMailRecord
    | QuoteMailRecord
    | InvoiceMailRecord
    | CreditNoteMailRecord
    | CustomerMailRecord
    | ReminderMailRecord,
    "platform": DepositRecord | ExchangeAnswerRecord | StatusRecord | CashInRecord,
}


def shape_of(family: str, owner: str) -> Any:
    """What the lines of a record file are; that of a code, whose letters are capitals, has where
    its sequences begin."""
    is_of_code = family in ("revenues", "revenues_batch") and not owner[:1].islower()
    return SequenceRecord if is_of_code else FAMILIES[family]


# --- histories of invoices, for exports -----------------------------------------------

# The facts of a record stand in alphabetical order, in which they are found fastest.


class HistoryShare(Struct, gc=False):
    """An entry of a revenue record's breakdown."""

    nature: str
    net: str
    vat: str
    vat_category: str
    vat_rate: str


class HistoryDeposit(Struct, gc=False):
    """What a final invoice takes off of a deposit."""

    breakdown: list[HistoryShare]
    number: str


class HistoryPeriod(Struct, gc=False):
    """The last day of a revenue record's period."""

    end: str


class HistoryRevenue(Link, gc=False, kw_only=True):
    """What histories need of a revenue record."""

    breakdown: list[HistoryShare]
    buyer: str
    buyer_country: str = ""
    buyer_vat_number: str = ""
    client: str
    corrects: str = ""
    currency: str
    delivery: str = ""
    deposits: tuple[HistoryDeposit, ...] = ()
    document_sha256: str
    due_date: str = ""
    exemptions: dict[str, str] = field(default_factory=dict)
    gross: str
    issue_date: str
    kind: str
    number: str
    order: str = ""
    pdf_sha256: str
    period: HistoryPeriod
    places: dict[str, str] = field(default_factory=dict)
    type: str = ""
    vat_on_debits: bool = False


class HistoryPayment(Link, gc=False, kw_only=True):
    """What histories need of a payment record."""

    amount: str
    cause: str = ""
    client: str
    currency: str
    date: str
    invoice: str
    kind: str
    method: str = ""
    note: str = ""
    reason: str = ""
    reference: str = ""
    reverses: int = 0
    value_date: str = ""


class PlainRevenue(Link, gc=False, kw_only=True):
    """An invoice that is neither of an order's deposits nor exempt for a reason: no other revenue
    record fits. Its facts are those of HistoryRevenue; `breakdown` is not taken apart yet."""

    breakdown: Raw
    buyer: str
    buyer_country: str = ""
    buyer_vat_number: str = ""
    client: str
    corrects: UnsetType = UNSET
    currency: str
    delivery: str = ""
    deposits: UnsetType = UNSET
    document_sha256: str
    due_date: str = ""
    exemptions: UnsetType = UNSET
    gross: str
    issue_date: str
    kind: Literal["invoice"]
    number: str
    order: str = ""
    pdf_sha256: str
    period: HistoryPeriod
    places: dict[str, str] | UnsetType = UNSET
    type: UnsetType = UNSET
    vat_on_debits: bool = False


class PlainPayment(Link, gc=False, kw_only=True):
    """Money that came: no other payment record fits. Its facts are those of HistoryPayment."""

    amount: str
    cause: UnsetType = UNSET
    client: str
    currency: str
    date: str
    invoice: str
    kind: Literal["payment"]
    method: str = ""
    note: str = ""
    reason: UnsetType = UNSET
    reference: str = ""
    reverses: UnsetType = UNSET
    value_date: str = ""


class OpeningLinePayment(Struct, gc=False):
    """A payment of an open invoice in the tool before."""

    amount: str
    date: str


class OpeningLine(Link, gc=False, kw_only=True):
    """A line about an open invoice of the tool before: all of it, for there are few."""

    breakdown: tuple[HistoryShare, ...] = ()
    buyer: str = ""
    client: str
    currency: str = ""
    due_date: str = ""
    gross: str = "0.00"
    issue_date: str = ""
    kind: str
    number: str
    paid: tuple[OpeningLinePayment, ...] = ()
    pdf_sha256: str = ""
    reference: str = ""
    reverses: int = 0
    vat_on_debits: bool = False


# --- closed periods ------------------------------------------------------------------


class ClosedHead(Struct, gc=False):
    """How many lines a record file had when a period was closed."""

    file: str
    seq: int


class ClosedHeads(Link, gc=False, kw_only=True):
    """Where all record files ended when a period was closed."""

    heads: list[ClosedHead]
    period: str


class ClosedPeriod(Link, gc=False, kw_only=True):
    """What else others need of a closing."""

    accounts: ClosingAccounts | None = None
    period: str


# --- balances ------------------------------------------------------------------------

_Day = date  # lines have a field of that name


class BalanceRevenue(Link, gc=False, kw_only=True):
    """What balances need of a revenue record."""

    buyer: str
    client: str
    corrects: str = ""
    currency: str
    due_date: date | None = None
    gross: Decimal
    issue_date: date
    kind: str
    number: str


class BalancePayment(Link, gc=False, kw_only=True):
    """What a payment record does to its invoice."""

    amount: Decimal
    cause: str = ""
    date: date
    invoice: str
    kind: str
    reverses: int = 0


class PlainBalanceRevenue(Link, gc=False, kw_only=True):
    """An invoice, with the facts of BalanceRevenue as they stand there."""

    buyer: str
    client: str
    corrects: UnsetType = UNSET
    currency: str
    due_date: str = ""
    gross: str
    issue_date: str
    kind: Literal["invoice"]
    number: str


class PlainBalancePayment(Link, gc=False, kw_only=True):
    """Money that came, with the facts of BalancePayment as they stand there."""

    amount: str
    cause: UnsetType = UNSET
    date: str
    invoice: str
    kind: Literal["payment"]
    reverses: UnsetType = UNSET


class PaymentFacts(BalancePayment, gc=False, kw_only=True):
    """A whole payment record."""

    client: str
    currency: str
    method: str = ""
    reference: str = ""
    note: str = ""
    reason: str = ""
    value_date: _Day | None = None


# --- quotes --------------------------------------------------------------------------


class QuotationLine(Link, gc=False, kw_only=True):
    """A whole quotation record: of a quote, or of the answer to one."""

    kind: str
    client: str
    number: str = ""
    order: str = ""
    version: int = 0
    issue_date: str = ""
    valid_until: _Day | None = None
    currency: str = ""
    gross: Decimal = Decimal(0)
    content_sha256: str = ""
    document_sha256: str = ""
    pdf_sha256: str = ""
    supersedes: str = ""
    quote: str = ""
    date: _Day | None = None
    signed: str = ""
    signed_sha256: str = ""
    reason: str = ""


# --- the approved platform -----------------------------------------------------------


class RevenueNumber(Struct, gc=False):
    """The number of a deposit that a final invoice takes off."""

    number: str


class DepositRevenue(Link, gc=False, kw_only=True):
    """What depositing an invoice or a credit note needs of its record."""

    client: str
    corrects: str = ""
    deposits: tuple[RevenueNumber, ...] = ()
    document_sha256: str
    issue_date: date
    kind: str
    number: str
    pdf_sha256: str


class ExchangeLine(Link, gc=False, kw_only=True):
    """A whole line about what went to the platform, or came from it."""

    amounts: tuple[StatusAmount, ...] = ()
    at: str = ""
    client: str
    code: str = ""
    comment: str = ""
    date: str = ""
    deposit: int = 0
    flow_id: str = ""
    kind: str
    name: str = ""
    number: str = ""
    outcome: str = ""
    payments: tuple[str, ...] = ()
    reasons: tuple[dict[str, str], ...] = ()
    received: str = ""
    sha256: str = ""
    shares: tuple[CashInShare, ...] = ()
    tracking_id: str = ""
    updated: str = ""
    what: str = ""


# --- the next invoice ----------------------------------------------------------------


class Service(Struct, gc=False):
    """The days that lines of a document charge for an item of a plan, or take back."""

    end: date
    item: str
    lines: tuple[str, ...]
    plan: str
    start: date
    pauses: tuple[tuple[date, date], ...] = ()

    @property
    def days(self) -> Spans:
        whole = (Period(start=self.start, end=self.end),)
        if not self.pauses:
            return whole
        return spans.minus(whole, tuple(Period(start=a, end=b) for a, b in self.pauses))


class BillingRevenue(Link, gc=False, kw_only=True):
    """What deciding on the next invoice needs of a record."""

    buyer: str
    corrects: str = ""
    document_sha256: str = ""
    gross: Decimal
    issue_date: str
    month: str
    number: str
    order: str = ""
    period: Period
    services: tuple[Service, ...] = ()


class RecurringService(Struct, gc=False, kw_only=True):
    """What an item of a plan comes to for some days; one-off lines have no plan."""

    end: date
    net: str = ""
    plan: str
    start: date
    pauses: tuple[tuple[date, date], ...] = ()


class RecurringRevenue(Link, gc=False, kw_only=True):
    """What recurring revenue is made of."""

    client: str
    corrects: str = ""
    document_sha256: str
    issue_date: str
    month: str
    number: str
    services: tuple[RecurringService, ...] = ()


class OrderShare(Struct, gc=False):
    """A share of what the invoice of an order charges."""

    nature: Literal["goods", "services"]
    net: Decimal
    vat: Decimal
    vat_category: str
    vat_rate: Decimal


class OrderDeposit(Struct, gc=False):
    """What a final invoice takes off of a deposit."""

    breakdown: tuple[OrderShare, ...]
    number: str


class OrderRevenue(Link, gc=False, kw_only=True):
    """What the next invoice of an order needs of a record."""

    breakdown: tuple[OrderShare, ...]
    corrects: str = ""
    deposits: tuple[OrderDeposit, ...] = ()
    gross: Decimal
    issue_date: date
    number: str
    order: str = ""
    step: str = ""
    type: str = ""


class SequenceStart(Link, gc=False):
    """Where a sequence goes on from another tool's."""

    code: str
    last: int
    year: int


class RevenueMonth(Struct, gc=False):
    """The month of a revenue record, and the order that it is of."""

    month: str
    order: str = ""


# --- summaries and packages ----------------------------------------------------------


class SummaryLine(Link, gc=False, kw_only=True):
    """What a summary tells of a record; payments and mails have fewer of these."""

    client: str = ""
    currency: str = ""
    gross: Decimal = Decimal(0)
    kind: str
    net: Decimal = Decimal(0)
    number: str = ""
    vat: Decimal = Decimal(0)


class MailFacts(TypedDict):
    """What the mail that carries a document needs of its record."""

    kind: str
    client: str
    number: str
    issue_date: str
    document_sha256: str
    pdf_sha256: str


class SentLine(Link, gc=False, kw_only=True):
    """What is asked of a mail that was sent: who has it, and who refused it."""

    date: str
    mail: str
    refused: tuple[str, ...] = ()
    to: tuple[str, ...]


class NoticeShare(Struct, gc=False):
    """A share of what a record invoices."""

    nature: str
    net: Decimal


class NoticeRevenue(BalanceRevenue, gc=False, kw_only=True):
    """What notices need of a revenue record."""

    breakdown: tuple[NoticeShare, ...] = ()
    month: str
    order: str = ""


class DatedRevenue(Link, gc=False):
    """What they need of the records of batches, of which there are many."""

    issue_date: date
    month: str


class PackageFacts(TypedDict, total=False):
    """What a package is made from: these facts of each record."""

    kind: str
    client: str
    month: str
    number: str
    reference: str
    buyer: str
    net: str
    vat: str
    gross: str
    due_date: str
    pdf_sha256: str
