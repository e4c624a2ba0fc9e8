"""What is accepted though it is usually not lawful: notices on terms, penalties and VAT.

A person may know better (a special rule, an agreement), so that nothing here refuses. Each
function takes what was read and returns alerts, as those of summary/notices.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from lib.accounting import vat_returns
from lib.billing.batch_rows import BatchInvoice
from lib.books import tax_points
from lib.core.faults import Alert, Fault
from lib.core.messages import say
from lib.inputs import decisions, plans
from lib.inputs.batch_client_files import BatchClient
from lib.inputs.client_files import Client
from lib.inputs.inputs import Inputs
from lib.inputs.issuer_file import Issuer
from lib.inputs.plans import Item, Minimum, PaymentTerms
from lib.values import mentions, payment_law, territories, vat, vat_periods
from lib.values.document import Party
from lib.values.seller_terms import SellerTerms

_YEAR = timedelta(days=366)


def old_law(today: date) -> Iterator[Alert]:
    """Tables of law with entries that nobody has looked up for over a year."""
    tables = (mentions, payment_law, territories, decisions, vat_periods, vat_returns, tax_points)
    for table in tables:
        old = [
            entry
            for entry in table.sources()
            if today - date.fromisoformat(entry["looked_up"]) > _YEAR
        ]
        if old:
            text = say(
                "{entries}: looked up on {date}, over a year ago",
                entries=tuple(dict.fromkeys(entry["id"] for entry in old)),
                date=min(entry["looked_up"] for entry in old),
            )
            remedy = say("look the law up again, and update looked_up")
            file = f"scripts/{table.__name__.replace('.', '/')}.json"
            yield Alert("I-LAW-OLD", file, Fault("", text, remedy=remedy))


def of_inputs(inputs: Inputs, today: date) -> Iterator[Alert]:
    """What is accepted in inputs though it is usually not lawful: terms, penalties, VAT."""
    issuer = inputs.issuer.issuer
    yield from _penalties(issuer, inputs.issuer.source.name, "", today)
    if not issuer.numbering and territories.of_address(issuer.party.address).french:
        decision = decisions.every()["numbering"]
        text = say("is missing, and each client has a sequence of its own")
        remedy = say('write "issuer" or "client": {law}', law=decision.law)
        missing = Fault("numbering", text, remedy=remedy)
        yield Alert("I-NUMBERING", inputs.issuer.source.name, missing)
    for seller_file in inputs.batch_clients.values():
        seller, terms = seller_file.client.seller, seller_file.client.defaults.payment_terms
        yield from _penalties(seller, seller_file.source.name, "seller.", today)
        if territories.of_address(seller.party.address).french:
            place, customer = "defaults.payment_terms.days", mentions.BUSINESS
            if fault := payment_law.terms_notice(
                place, terms.days, terms.end_of_month, customer, periodic=False
            ):
                yield Alert("I-TERMS", seller_file.source.name, fault, seller_file.client.id)
    for client_file in inputs.clients.values():
        client, file = client_file.client, client_file.source.name
        if client.status == "active":
            periodic = bool(plans.metrics_of(client.plans))
            dated = [("payment_terms.days", client.payment_terms)]
            dated += [
                (f"plans[{i}].payment_terms.days", plan.payment_terms)
                for i, plan in enumerate(client.plans)
                if plan.payment_terms
            ]
            for place, own in dated:
                if fault := _terms_notice(place, issuer.party, client.party, own, periodic):
                    yield Alert("I-TERMS", file, fault, client.id)
            for code, fault in _vat_notices(client, issuer):
                yield Alert(code, file, fault, client.id)


def _penalties(seller: SellerTerms, file: str, place: str, today: date) -> Iterator[Alert]:
    if territories.of_address(seller.party.address).french:
        place = f"{place}late_penalty_rate"
        if fault := payment_law.penalty_notice(place, seller.late_penalty_rate, today):
            yield Alert("I-PENALTY-RATE", file, fault)


def _terms_notice(
    place: str, seller: Party, buyer: Party, terms: PaymentTerms, periodic: bool
) -> Fault | None:
    """What is unlawful about the terms between a French seller and a buyer in France."""
    parties = (territories.of_address(party.address) for party in (seller, buyer))
    if not all(territory.french for territory in parties):
        return None
    customer = mentions.customer_of(buyer)
    return payment_law.terms_notice(place, terms.days, terms.end_of_month, customer, periodic)


def _vat_notices(client: Client, issuer: Issuer) -> Iterator[tuple[str, Fault]]:
    """By code: a treatment that is mostly another one, a rate of another place."""
    treatment = client.vat.treatment
    rated: list[tuple[str, Item | Minimum]] = [
        (f"plans[{i}].items[{k}].vat_rate", item)
        for i, plan in enumerate(client.plans)
        for k, item in enumerate(plan.items)
        if item.vat is None
    ]
    rated += [
        (f"plans[{i}].minimum.vat_rate", plan.minimum)
        for i, plan in enumerate(client.plans)
        if plan.minimum
    ]
    kinds = {entry.category for _, entry in rated} or {"services"}
    laws = {
        sold: vat.law_of(sold, issuer.party, issuer.vat_regime, client.party)
        for sold in sorted(kinds)
    }
    for law in laws.values():
        if fault := vat.place_notice("vat.treatment", treatment, law):
            yield "I-VAT-PLACE", fault
    for place, entry in rated:
        if fault := vat.rate_notice(place, entry.vat_rate, laws[entry.category]):
            yield "I-VAT-RATE", fault


def of_batch_row(client: BatchClient, row: BatchInvoice) -> Iterator[tuple[str, Fault]]:
    """By code: what of a batch's line passes and is mostly not lawful."""
    seller = client.seller
    terms = client.defaults.payment_terms
    if row.payment_days is not None:
        terms = PaymentTerms(days=row.payment_days)
    if not row.paid and (
        fault := _terms_notice("", seller.party, row.buyer, terms, periodic=False)
    ):
        yield "I-TERMS", fault
    for line in row.lines:
        law = vat.law_of(line.category, seller.party, seller.vat_regime, row.buyer)
        treatment = vat.treatment_of(line.vat_category, seller.party, row.buyer)
        if fault := vat.place_notice("", treatment, law):
            yield "I-VAT-PLACE", fault
        if fault := vat.rate_notice("", line.vat_rate, law):
            yield "I-VAT-RATE", fault
