"""The quote: an order as it is offered to a client, as plain data.

Like a document it says all that its PDF says, and is written as `<number>.json`, never changed.
It is not an invoice: nothing is due, and nothing of it is declared. `content` keeps the terms of
the order that an acceptance binds both sides to, so that what changed since can be named.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from lib.values.document import (
    Allowance,
    Document,
    Line,
    Note,
    Party,
    Preceding,
    Seller,
    Totals,
    VatSubtotal,
)
from lib.values.speech import Speech


class QuoteStep(Struct, frozen=True, kw_only=True):
    """An invoice that is to come: `days` from its date of issue it is due, then to the end of the
    month where `end_of_month`. `description` says when it comes, or what of the order it is for."""

    id: str
    kind: str  # deposit, milestone or final
    description: str = ""
    percent: Decimal | None = None
    net: Decimal
    vat: Decimal
    gross: Decimal
    days: int
    end_of_month: bool = False


class Quote(Struct, frozen=True, kw_only=True):
    """A version of what an order was offered for; it supersedes the version before."""

    number: str
    version: int
    supersedes: Preceding | None = None
    client: str
    order: str
    issue_date: date
    valid_until: date
    currency: str
    language: str
    subject: str
    note: str = ""
    seller: Seller
    buyer: Party
    purchase_order: str = ""
    buyer_reference: str = ""
    lines: tuple[Line, ...]
    allowances: tuple[Allowance, ...] = ()
    vat_breakdown: tuple[VatSubtotal, ...]
    totals: Totals
    steps: tuple[QuoteStep, ...]
    notes: tuple[Note, ...]
    content: dict[str, Any]
    sources: dict[str, str]  # input file -> SHA-256
    renderer: dict[str, str]  # what shapes the bytes -> version

    @property
    def speech(self) -> Speech:
        """How its page and the letter about it speak."""
        return Speech(self.language)


Paper = Document | Quote  # what is laid out and sent to a client


def to_json(quote: Quote) -> bytes:
    """The bytes of `<number>.json`: in the order of the fields, for a person to read."""
    return msgspec.json.format(msgspec.json.encode(quote), indent=2) + b"\n"


def from_json(data: bytes) -> Quote:
    """The quote that `to_json` wrote.

    Raises:
      msgspec.ValidationError, msgspec.DecodeError: if these bytes are not a quote.
    """
    return msgspec.json.decode(data, type=Quote)
