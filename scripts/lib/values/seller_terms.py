"""The terms of a seller: what its invoices and the law's mentions need to know of it."""

from decimal import Decimal

from msgspec import Struct

from lib.values.document import BankAccount, Party


class EarlyDiscount(Struct, frozen=True, kw_only=True):
    """`percent` off for payment within `days`."""

    percent: Decimal
    days: int


class SellerTerms(Struct, frozen=True, kw_only=True):
    """A seller as issuer.json or a batch client's file gives it."""

    party: Party
    legal_form: str = ""
    capital: Decimal | None = None
    registration: str = ""
    bank: BankAccount | None = None
    logo: str = ""
    colour: str = ""
    vat_regime: str
    debits: bool = False
    late_penalty_rate: Decimal
    early_discount: EarlyDiscount | None = None
    operation_category: str
