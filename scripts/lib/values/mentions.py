"""The legal mentions: values/mentions.json, chosen by date of issue, language and customer.

The law is renumbered now and then, so the texts are data with days from and until which
they hold; each names its source and the day on which it was looked up. No other file has
a legal wording in it. Those of French law stand on the invoices of French sellers alone.
"""

import json
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import say
from lib.values import money, territories, vat
from lib.values.document import Document, Note, Party
from lib.values.seller_terms import SellerTerms
from lib.values.speech import Speech


class _Mention(NamedTuple):
    id: str
    code: str
    valid_from: date
    valid_until: date
    applies: str
    texts: dict[str, str]
    amount: Decimal | None


# Who the customer is, for what it owes when it pays late: `applies` of an entry, or "all".
BUSINESS, PRIVATE, BODY, PUBLIC = "business", "private", "body", "public"


@cache
def _table() -> tuple[_Mention, ...]:
    return tuple(
        _Mention(
            entry["id"],
            entry["code"],
            date.fromisoformat(entry["from"]),
            date.fromisoformat(entry.get("until", "9999-12-31")),
            entry["applies"],
            entry["texts"],
            Decimal(entry["amount"]) if "amount" in entry else None,
        )
        for entry in sources()
    )


def sources() -> list[dict[str, Any]]:
    """The entries of the table as they stand there: each names its source and its day."""
    path = Path(__file__).with_suffix(".json")
    entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return entries


def customer_of(buyer: Party) -> str:
    """Which mentions of late payment a buyer reads: art. L441-10 C. com. binds professionals.

    A public body pays by the code de la commande publique, whether it is taxable or not.
    """
    if buyer.person:
        return PRIVATE
    if vat.is_public(buyer):
        return PUBLIC
    return BUSINESS if vat.is_taxable(buyer) else BODY


def mention(
    mention_id: str, day: date, language: str, customer: str = BUSINESS, **values: str
) -> Note:
    """The mention in force on `day`, its placeholders filled with `values`.

    Raises:
      Refused: if none is: the table does not reach so far.
    """
    for entry in _table():
        in_force = entry.valid_from <= day <= entry.valid_until and language in entry.texts
        if entry.id == mention_id and in_force and entry.applies in (customer, "all"):
            # One pass, so that a brace in a name is a brace.
            return Note(code=entry.code, text=entry.texts[language].format(**values))
    found = say(
        'no mention {mention} is known for {day} in "{language}"',
        mention=mention_id,
        language=language,
        day=day.isoformat(),
    )
    remedy = say("values/mentions.json has the dates")
    raise Refused([Alert("B-MENTION", "", Fault("ISSUE_DATE", found, remedy=remedy))])


def recovery_indemnity(day: date, customer: str = BUSINESS) -> Decimal:
    """What a customer owes for recovery costs where it pays late an invoice issued on `day`.

    Its mention says the same amount in words.
    """
    for entry in _table():
        in_force = entry.valid_from <= day <= entry.valid_until
        if entry.id == "recovery_indemnity" and in_force and entry.applies == customer:
            return entry.amount or money.ZERO
    return money.ZERO


def notes_of(
    seller: SellerTerms,
    buyer: Party,
    day: date,
    speech: Speech,
    audience: str,
    operation_category: str,
    issued_by: str = "",
) -> tuple[Note, ...]:
    """BG-1 of an invoice: what BR-FR-05 wants once each (PMT, PMD, AAB) and the law beside it.

    Args:
      audience: the code of note BAR (BR-FR-20): B2B, B2BINT, B2C, B2CINT, OUTOFSCOPE.
      issued_by: who issues in the seller's name and on its behalf; empty: the seller.
    """
    customer = customer_of(buyer)
    french = territories.of_address(seller.party.address).french

    def note(mention_id: str, **values: str) -> Note:
        return mention(mention_id, day, speech.language, customer, **values)

    notes = [Note(code="BAR", text=audience)] if french else []
    if issued_by:
        notes.append(note("mandate", issuer=issued_by, seller=seller.party.name))
    company = _company_line(seller, speech)
    if company:
        notes.append(note("company", text=company))
    notes += _of_payment(seller, french, speech, note)
    if french:
        notes.append(note(operation_category))
    if french and seller.debits:
        notes.append(note("debits"))
    return tuple(notes)


def of_quote(
    seller: SellerTerms,
    buyer: Party,
    day: date,
    speech: Speech,
    valid_until: date,
    has_deposit: bool,
) -> tuple[Note, ...]:
    """What a quote says of the offer, and of how it is to be paid.

    Args:
      has_deposit: whether money is asked for in advance.
    """
    customer = customer_of(buyer)
    french = territories.of_address(seller.party.address).french

    def note(mention_id: str, **values: str) -> Note:
        return mention(mention_id, day, speech.language, customer, **values)

    offer = "quote_offer" if french else "quote_offer_abroad"
    notes = [note(offer, until=speech.date(valid_until))]
    if french and customer == PRIVATE:
        notes += [note("quote_deposit")] if has_deposit else []
        notes.append(note("quote_withdrawal"))
    return (*notes, *_of_payment(seller, french, speech, note))


def _of_payment(
    seller: SellerTerms, french: bool, speech: Speech, note: Callable[..., Note]
) -> list[Note]:
    """What paying late costs, and paying early saves."""
    notes = []
    if french:
        rate = speech.percent(seller.late_penalty_rate)
        notes += [note("late_penalties", rate=rate), note("recovery_indemnity")]
    if seller.early_discount:
        percent = speech.percent(seller.early_discount.percent)
        notes.append(note("early_discount", rate=percent, days=str(seller.early_discount.days)))
    elif french:
        notes.append(note("no_early_discount"))
    return notes


def of_credited(
    notes: tuple[Note, ...], category: str, day: date, language: str
) -> tuple[Note, ...]:
    """The notes of an invoice on a credit note: its category of operation is what is credited.

    Args:
      category: goods, services or mixed, of the lines that are credited.
    """
    categories = {
        entry.texts.get(language)
        for entry in _table()
        if entry.id in ("goods", "services", "mixed")
    }
    return tuple(
        mention(category, day, language) if note.text in categories else note for note in notes
    )


def audience_of(document: Document) -> str:
    """What note BAR says of a document; empty where it has none (a seller outside France)."""
    return next((note.text for note in document.notes if note.code == "BAR"), "")


def unknown_in(document: Document) -> list[str]:
    """The mentions of a document that the table does not have for its day, whatever fills their
    placeholders: garbled ones, or of another law. A credit note repeats those of its invoice.

    Who is exempt gives a reason in words of their own.
    """
    days = [
        document.issue_date,
        *(part.issue_date for part in document.preceding if document.is_credit_note),
    ]
    said = [(note.code, note.text) for note in document.notes]
    said += [
        ("", part.exemption_reason)
        for part in document.vat_breakdown
        if part.category not in ("S", "E") or part.exemption_code == vat.FRANCHISE_CODE
    ]
    in_force: dict[str, list[str]] = {entry.code: [] for entry in _table()}
    for entry in _table():
        dated = any(entry.valid_from <= day <= entry.valid_until for day in days)
        if dated and document.language in entry.texts:
            in_force[entry.code].append(entry.texts[document.language])
    return [
        text
        for code, text in said
        if code in in_force and not any(_fits(text, wording) for wording in in_force[code])
    ]


def _fits(text: str, wording: str) -> bool:
    pattern = ".+".join(map(re.escape, re.split(r"\{\w+\}", wording)))
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def _company_line(seller: SellerTerms, speech: Speech) -> str:
    """BT-33: "SAS au capital de 10 000,00 €, RCS Nantes 732 829 320"."""
    form = seller.legal_form
    if seller.capital is not None:
        capital = speech.round_amount(seller.capital, "EUR")
        form = f"{form} {speech.word('capital', amount=capital)}".strip()
    return ", ".join(part for part in (form, seller.registration) if part)
