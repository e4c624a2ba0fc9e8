"""What mails say: subject and text of each letter, a pure function of what it is about.

Plain text, one paragraph a line: mail programs wrap it to the width that they have. Amounts,
dates, IBAN and reference are those of the document, written as its PDF writes them.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from lib.books import records
from lib.mail import mail_words
from lib.mail.mail_words import phrase
from lib.mail.reminders import Claim
from lib.values import mentions, money, words
from lib.values.document import INVOICE, Document, Party

_DAYS_TO_PAY = 8  # from a firm or formal reminder


class Text(NamedTuple):
    """The subject of a mail and its text."""

    subject: str
    body: str


class Package(NamedTuple):
    """A ZIP archive of a month; `attached` says whether the mail carries it."""

    path: str
    month: str
    facts: list[records.Record]
    size: int
    sha256: str
    attached: bool
    replaces: bool


# --- documents -----------------------------------------------------------------------


def document(made: Document) -> Text:
    """The mail that carries an invoice or a credit note to its buyer."""
    language = made.language
    paragraphs = [phrase("hello", language), _intro(made)]
    if made.type_code == INVOICE:
        paragraphs += _invoice_paragraphs(made)
    else:
        paragraphs.append(_lines(language, _credit_rows(made)))
        assert made.preceding is not None
        paragraphs.append(words.word("credit_terms", language, number=made.preceding.number) + ".")
    paragraphs.append(phrase("facturx", language))
    paragraphs.append(f"{phrase('regards', language)}\n\n{_signature(made.seller, language)}")
    if made.issued_by and made.seller.email:
        names = {"issuer": made.issued_by, "seller": made.seller.name}
        paragraphs.append(phrase("answer_seller", language, **names))
    return Text(_subject(made), _joined(paragraphs))


def _subject(made: Document) -> str:
    language = made.language
    if made.preceding is not None:
        return phrase(
            "credit_note_subject",
            language,
            number=made.number,
            invoice=made.preceding.number,
            amount=_amount(made.totals.gross, made),
        )
    if made.totals.due > 0 and made.due_date:
        return phrase(
            "invoice_subject",
            language,
            number=made.number,
            amount=_amount(made.totals.due, made),
            due=words.long_date(made.due_date, language),
        )
    title = words.word("invoice", language)
    day = words.long_date(made.issue_date, language)
    return phrase("plain_subject", language, title=title, number=made.number, date=day)


def _intro(made: Document) -> str:
    key = "invoice_intro" if made.preceding is None else "credit_note_intro"
    values = {"number": made.number, "date": words.long_date(made.issue_date, made.language)}
    if made.preceding is not None:
        values["invoice"] = made.preceding.number
        values["invoice_date"] = words.long_date(made.preceding.issue_date, made.language)
    if made.issued_by:
        key = f"mandate_{key}"
        values |= {"issuer": made.issued_by, "seller": made.seller.name}
    return phrase(key, made.language, **values)


def _invoice_paragraphs(made: Document) -> Iterable[str]:
    language = made.language
    rows = _about(made)
    if made.totals.due <= 0:
        yield _lines(language, [*rows, ("gross", _amount(made.totals.gross, made))])
        yield phrase("nothing_due", language)
        return
    rows.append(("due", _amount(made.totals.due, made)))
    if made.due_date:
        rows.append(("due_date", words.long_date(made.due_date, language)))
    yield _lines(language, rows)
    yield from _how_to_pay(made)


def _about(made: Document) -> list[tuple[str, str]]:
    """What a document is filed by."""
    rows = [
        ("number", made.number),
        ("purchase_order", made.purchase_order),
        ("buyer_reference", made.buyer_reference),
        ("period", words.period(made.period.start, made.period.end, made.language)),
    ]
    return [(key, value) for key, value in rows if value]


def _credit_rows(made: Document) -> list[tuple[str, str]]:
    rows = [*_about(made), ("credited", _amount(made.totals.gross, made))]
    return [*rows, ("reason", made.reason)] if made.reason else rows


def _how_to_pay(made: Document) -> Iterable[str]:
    """Account and reference of a transfer, where the seller has an account."""
    bank, language = made.seller.bank, made.language
    if bank is None:
        return
    rows = [
        ("holder", bank.holder or made.seller.name),
        ("iban", words.grouped(bank.iban, 4)),
        ("bic", bank.bic),
        ("payment_reference", words.grouped(made.payment_reference, 4)),
    ]
    yield _lines(language, [(key, value) for key, value in rows if value])
    if made.payment_reference:
        yield phrase("quote_reference", language)


# --- packages ------------------------------------------------------------------------


def package(issuer: Party, given: Package, language: str) -> Text:
    """The mail that carries a month's package to the seller, or names it where it is large."""
    month = _month(given.month, language)
    what = _count(given.facts, language)
    signs = {"invoice": Decimal(1), "credit_note": Decimal(-1)}
    gross = money.total(
        money.product(signs[fact["kind"]], Decimal(fact["gross"])) for fact in given.facts
    )
    amount = words.amount(gross, language, given.facts[0]["currency"])
    intro = "package_intro" if given.attached else "named_intro"
    paragraphs = [
        phrase("hello", language),
        phrase(intro, language, month=month, count=what, gross=amount),
    ]
    if not given.attached:
        size = words.number(Decimal(given.size), language)
        paragraphs.append(phrase("named", language, size=size, path=given.path))
    if given.replaces:
        paragraphs.append(phrase("replaces", language))
    paragraphs += [
        phrase("manifest", language),
        _lines(language, [("fingerprint", given.sha256)]),
        f"{phrase('regards', language)}\n\n{_signature(issuer, language)}",
    ]
    return Text(phrase("package_subject", language, month=month, count=what), _joined(paragraphs))


def _count(facts: list[records.Record], language: str) -> str:
    kinds = [fact["kind"] for fact in facts]
    parts = []
    for kind in ("invoice", "credit_note"):
        if kind in kinds:
            number = kinds.count(kind)
            parts.append(mail_words.count(f"one_{kind}", f"{kind}s", number, language))
    if len(parts) == 1:
        return parts[0]
    return phrase("and", language, first=parts[0], second=parts[1])


def _month(month: str, language: str) -> str:
    """octobre 2026, October 2026."""
    return words.long_date(date.fromisoformat(f"{month}-02"), language).partition(" ")[2]


# --- reminders -----------------------------------------------------------------------


def reminder(made: Document, level: str, claim: Claim) -> Text:
    """The reminder of an unpaid invoice, in the tone of its level."""
    language = made.language
    assert made.due_date is not None
    values = {
        "number": made.number,
        "date": words.long_date(made.issue_date, language),
        "due": words.long_date(made.due_date, language),
        "days": _days(claim.days, language),
        "what": phrase("balance_of" if _is_part(made, claim) else "payment_of", language),
        "total": _amount(claim.total, made),
        "deadline": words.long_date(claim.day + timedelta(_DAYS_TO_PAY), language),
    }
    formal = level == "formal"
    paragraphs = [
        phrase("formal_hello" if formal else "hello", language),
        phrase(f"{level}_intro", language, **values),
        phrase(f"{level}_request", language, **values),
        *_claim_paragraphs(made, level, claim),
        *_how_to_pay(made),
        phrase("again_attached", language),
        phrase("formal_regards" if formal else "regards", language)
        + f"\n\n{_signature(made.seller, language)}",
    ]
    return Text(phrase(f"{level}_subject", language, **values), _joined(paragraphs))


def _is_part(made: Document, claim: Claim) -> bool:
    return claim.outstanding < made.totals.due


def _claim_paragraphs(made: Document, level: str, claim: Claim) -> Iterable[str]:
    """The figures: in a polite reminder the law's share is only mentioned, later it is claimed."""
    language = made.language
    assert made.due_date is not None
    late = phrase(
        "late",
        language,
        due=words.long_date(made.due_date, language),
        days=_days(claim.days, language),
    )
    rows = [("number", made.number), ("gross", _amount(made.totals.gross, made))]
    if _is_part(made, claim):
        settled = made.totals.gross - claim.outstanding
        rows.append(("already", _amount(settled, made)))
    rows.append(("outstanding", _amount(claim.outstanding, made)))
    rows.append(("due_date", late))
    yield _lines(language, rows)
    laws = [note.text for note in made.notes if note.code in _law_of(level, made)]
    owed = []
    if claim.rate:
        rate, days = words.percent(claim.rate, language), _days(claim.days, language)
        label = phrase("penalty", language, rate=rate, days=days)
        owed.append(_labelled(label, _amount(claim.penalty, made), language))
    if claim.indemnity:
        label = phrase("indemnity", language)
        owed.append(_labelled(label, _amount(claim.indemnity, made), language))
    if owed:
        day = words.long_date(claim.day, language)
        if level == "polite":
            owed.insert(0, phrase("penalty_note", language, day=day))
        else:
            label = phrase("total", language, day=day)
            owed.append(_labelled(label, _amount(claim.total, made), language))
        yield "\n".join(owed)
    if laws:
        yield " ".join(laws)


def _law_of(level: str, made: Document) -> tuple[str, ...]:
    """Which mentions of the invoice a reminder quotes: PMD is on penalties, PMT on the indemnity.

    Who is not a business owes interest from formal notice on, and no indemnity.
    """
    if mentions.customer_of(made.buyer) in (mentions.PRIVATE, mentions.BODY):
        return ("PMD",) if level == "formal" else ()
    return () if level == "polite" else ("PMD", "PMT")


def _days(days: int, language: str) -> str:
    return mail_words.count("one_day", "days", days, language)


# --- what all letters share ----------------------------------------------------------


def _amount(value: Decimal, made: Document) -> str:
    return words.amount(value, made.language, made.currency)


def _lines(language: str, rows: Iterable[tuple[str, str]]) -> str:
    """A line for each key, of mail_words or of words, with its value."""
    return "\n".join(_labelled(_word(key, language), value, language) for key, value in rows)


def _word(key: str, language: str) -> str:
    if mail_words.is_phrase(key):
        return phrase(key, language)
    return words.word(key, language)


def _labelled(label: str, value: str, language: str) -> str:
    return phrase("labelled", language, label=label, value=value)


def _signature(party: Party, language: str) -> str:
    address = party.address
    town = words.town(address.postcode, address.city, address.country)
    reach = [party.phone, *party.email[:1]]
    lines = [
        party.name,
        ", ".join([*address.lines, town]),
        " · ".join(part for part in reach if part),
    ]
    return "\n".join(line for line in lines if line)


def _joined(paragraphs: Iterable[str]) -> str:
    return "\n\n".join(paragraphs) + "\n"
