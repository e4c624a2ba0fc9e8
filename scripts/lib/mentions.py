"""The legal mentions: lib/mentions.json, chosen by date of issue, language and customer.

The law is renumbered now and then, so the texts are data with days from and until which
they hold; each names its source. No other file has a legal wording in it.
"""

import json
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lib import money, words
from lib.alerts import Alert, Refused
from lib.document import Note
from lib.inputs import SellerTerms


class _Mention(NamedTuple):
    id: str
    code: str
    valid_from: date
    valid_until: date
    applies: str
    texts: dict[str, str]
    amount: Decimal | None


@cache
def _table() -> tuple[_Mention, ...]:
    entries = json.loads(Path(__file__).with_suffix(".json").read_text())
    return tuple(
        _Mention(
            entry["id"],
            entry["code"],
            date.fromisoformat(entry["from"]),
            date.fromisoformat(entry.get("until", "9999-12-31")),
            entry["applies"],
            {language: entry[language] for language in ("fr", "en")},
            Decimal(entry["amount"]) if "amount" in entry else None,
        )
        for entry in entries
    )


def mention(
    mention_id: str, day: date, language: str, private: bool = False, **values: str
) -> Note:
    """The mention in force on `day`, its placeholders filled with `values`.

    Raises:
      Refused: if none is: the table does not reach so far.
    """
    customer = "private" if private else "business"
    for entry in _table():
        in_force = entry.valid_from <= day <= entry.valid_until
        if entry.id == mention_id and in_force and entry.applies in (customer, "all"):
            # One pass, so that a brace in a name is a brace.
            return Note(code=entry.code, text=entry.texts[language].format(**values))
    text = f"no mention {mention_id} is known for {day}; scripts/lib/mentions.json has the dates"
    raise Refused([Alert("B-MENTION", "", "ISSUE_DATE", text)])


def recovery_indemnity(day: date) -> Decimal:
    """What a business owes for recovery costs where it pays late an invoice issued on `day`.

    Its mention says the same amount in words.
    """
    for entry in _table():
        in_force = entry.valid_from <= day <= entry.valid_until
        if entry.id == "recovery_indemnity" and in_force and entry.amount is not None:
            return entry.amount
    return money.ZERO


def notes_of(
    seller: SellerTerms,
    day: date,
    language: str,
    private: bool,
    audience: str,
    operation_category: str,
    issued_by: str = "",
) -> tuple[Note, ...]:
    """BG-1 of an invoice: what BR-FR-05 wants once each (PMT, PMD, AAB) and the law beside it.

    Args:
      audience: the code of note BAR (BR-FR-20): B2B, B2BINT, B2C, B2CINT.
      issued_by: who issues in the seller's name and on its behalf; empty: the seller.
    """

    def note(mention_id: str, **values: str) -> Note:
        return mention(mention_id, day, language, private, **values)

    notes = [Note(code="BAR", text=audience)]
    if issued_by:
        notes.append(note("mandate", issuer=issued_by, seller=seller.party.name))
    company = _company_line(seller, language)
    if company:
        notes.append(note("company", text=company))
    rate = words.percent(seller.late_penalty_rate, language)
    notes.append(note("late_penalties", rate=rate))
    notes.append(note("recovery_indemnity"))
    if seller.early_discount:
        percent = words.percent(seller.early_discount.percent, language)
        notes.append(note("early_discount", rate=percent, days=str(seller.early_discount.days)))
    else:
        notes.append(note("no_early_discount"))
    notes.append(note(operation_category))
    if seller.debits:
        notes.append(note("debits"))
    return tuple(notes)


def _company_line(seller: SellerTerms, language: str) -> str:
    """BT-33: "SAS au capital de 10 000,00 €, RCS Nantes 732 829 320"."""
    form = seller.legal_form
    if seller.capital is not None:
        capital = words.round_amount(seller.capital, language, "EUR")
        form = f"{form} {words.word('capital', language, amount=capital)}".strip()
    return ", ".join(part for part in (form, seller.registration) if part)
