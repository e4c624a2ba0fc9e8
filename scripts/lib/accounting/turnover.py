"""Turnover received by category of activity, and the limits of the exemption from VAT.

What `make declare` and the year report say of it is computed here.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from lib.accounting import csv_tables
from lib.books import allocation, payments
from lib.books.allocation import Receipt
from lib.books.histories import History, VatShare
from lib.core.messages import Message, say
from lib.inputs.issuer_file import Issuer
from lib.values import money

FRANCHISE = "franchise"

CATEGORIES: dict[str, Message] = {
    "bic_sales": say("Sales of goods"),
    "bic_services": say("Services, BIC"),
    "bnc": say("Services, BNC"),
    "services": say("Services, BIC or BNC: write activity in issuer.json"),
    "overpayment": say("Received beyond invoices: given back or kept, not turnover yet"),
}


class VatLimit(NamedTuple):
    """What was invoiced since 1 January, in cents, against a limit of issuer.json; None where that
    has none. `percent` is cut to a whole number."""

    nature: str
    invoiced: int
    limit: Decimal | None
    raised: Decimal | None

    @property
    def percent(self) -> int | None:
        return 100 * self.invoiced // money.cents(self.limit) if self.limit else None


def is_declared(issuer: Issuer) -> bool:
    """Whether an issuer declares what it received: without VAT, or where it names its activity."""
    return issuer.vat_regime == FRANCHISE or bool(issuer.activity)


def received(history: History) -> Iterator[tuple[Receipt, VatShare]]:
    """Money received, and what a bank kept of it: the customer paid that too."""
    kept = (
        taken for taken in allocation.write_offs(history) if taken.cause == payments.BANK_CHARGE
    )
    for receipt in (*allocation.receipts(history), *kept):
        for share in csv_tables.shares_of(receipt):
            yield receipt, share


def category_of(activity: str, nature: str) -> str:
    """The category of CATEGORIES that what is sold, or was paid beyond invoices, counts in.

    Args:
      activity: of issuer.json; empty: nobody said what services are.
    """
    services = "bic_services" if activity == "bic_sales" else activity or "services"
    return {"goods": "bic_sales", "services": services}.get(nature, nature)


def limits(issuer: Issuer, year: str, invoiced: Mapping[str, int]) -> list[VatLimit]:
    """The year's turnover, as invoiced here and by the tool before, against its limits: services,
    and where goods are sold too, all of it against the limit of goods.

    Args:
      invoiced: net by nature, in cents.
    """
    known = issuer.thresholds.get(year)
    sums = dict(invoiced)
    if known:
        sums = {
            nature: sum_ + money.cents(getattr(known.before, nature))
            for nature, sum_ in sums.items()
        }
    compared = {"services": sums["services"]}
    if sums["goods"]:
        compared["goods"] = sum(sums.values())
    return [
        VatLimit(
            nature,
            amount,
            getattr(known, nature) if known else None,
            getattr(known, f"{nature}_raised") if known else None,
        )
        for nature, amount in compared.items()
    ]
