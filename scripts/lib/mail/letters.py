"""What mails say: subject and text of each letter, a pure function of what it is about.

Plain text, one paragraph a line: mail programs wrap it to the width that they have. Amounts,
dates, IBAN and reference are those of the document, written as its PDF writes them.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from lib.books import records
from lib.mail.reminders import Claim
from lib.values import mentions, money
from lib.values.document import Document, Party
from lib.values.quote import Paper, Quote
from lib.values.speech import Speech, grouped, town

_DAYS_TO_PAY = 8  # from a firm or formal reminder


class MailText(NamedTuple):
    """The subject of a mail and its text."""

    subject: str
    body: str


class FormalNotice(NamedTuple):
    """A formal reminder as a letter for the post: what stands before its figures and after them.

    `owed` has a label and an amount each, the last of them the sum that is asked for.
    """

    subject: str
    before: tuple[str, ...]
    owed: tuple[tuple[str, str], ...]
    after: tuple[str, ...]
    enclosed: str
    regards: str


class BatchPackage(NamedTuple):
    """A ZIP archive of a month; `attached` says whether the mail carries it."""

    path: str
    month: str
    facts: list[records.Record]
    size: int
    sha256: str
    attached: bool
    replaces: bool


# --- documents -----------------------------------------------------------------------


def document(document: Document) -> MailText:
    """The mail that carries an invoice or a credit note to its buyer."""
    speech = document.speech
    paragraphs = [speech.word("hello"), _intro(document)]
    if document.is_credit_note:
        paragraphs.append(_lines(speech, _credit_rows(document)))
        paragraphs.append(speech.word("credit_terms", number=document.corrected.number) + ".")
    else:
        paragraphs += _invoice_paragraphs(document)
    paragraphs.append(speech.word("facturx"))
    paragraphs.append(f"{speech.word('regards')}\n\n{_signature(document.seller)}")
    if document.issued_by and document.seller.email:
        names = {"issuer": document.issued_by, "seller": document.seller.name}
        paragraphs.append(speech.word("answer_seller", **names))
    return MailText(_subject(document), _joined(paragraphs))


def _subject(document: Document) -> str:
    speech = document.speech
    if document.is_credit_note:
        return speech.word(
            "credit_note_subject",
            number=document.number,
            invoice=document.corrected.number,
            amount=_amount(document.totals.gross, document),
        )
    if document.totals.due > 0 and document.due_date:
        return speech.word(
            "invoice_subject",
            title=document.title,
            number=document.number,
            amount=_amount(document.totals.due, document),
            due=speech.date(document.due_date),
        )
    day = speech.date(document.issue_date)
    return speech.word("plain_subject", title=document.title, number=document.number, date=day)


def _intro(document: Document) -> str:
    key = "credit_note_intro" if document.is_credit_note else "invoice_intro"
    values = {"number": document.number, "date": document.speech.date(document.issue_date)}
    values["kind"] = document.speech.word(f"this_{document.kind}")
    if document.is_credit_note:
        values["invoice"] = document.corrected.number
        values["invoice_date"] = document.speech.date(document.corrected.issue_date)
    if document.issued_by:
        key = f"mandate_{key}"
        values |= {"issuer": document.issued_by, "seller": document.seller.name}
    return document.speech.word(key, **values)


def _invoice_paragraphs(document: Document) -> Iterable[str]:
    speech = document.speech
    rows = _about(document)
    if document.totals.due <= 0:
        yield _lines(speech, [*rows, ("gross", _amount(document.totals.gross, document))])
        yield speech.word("nothing_due")
        return
    rows.append(("due", _amount(document.totals.due, document)))
    if document.due_date:
        rows.append(("due_date", speech.date(document.due_date)))
    yield _lines(speech, rows)
    yield from _how_to_pay(document)


def _about(document: Document) -> list[tuple[str, str]]:
    """What a document is filed by."""
    rows = [
        ("number", document.number),
        ("purchase_order", document.purchase_order),
        ("buyer_reference", document.buyer_reference),
        ("period", document.speech.period(document.period.start, document.period.end)),
    ]
    return [(key, value) for key, value in rows if value]


def _credit_rows(document: Document) -> list[tuple[str, str]]:
    rows = [*_about(document), ("credited", _amount(document.totals.gross, document))]
    return [*rows, ("reason", document.reason)] if document.reason else rows


def _how_to_pay(document: Document) -> Iterable[str]:
    """Account and reference of a transfer, where the seller has an account."""
    bank, speech = document.seller.bank, document.speech
    if bank is None:
        return
    rows = [
        ("holder", bank.holder or document.seller.name),
        ("iban", grouped(bank.iban, 4)),
        ("bic", bank.bic),
        ("payment_reference", grouped(document.payment_reference, 4)),
    ]
    yield _lines(speech, [(key, value) for key, value in rows if value])
    if document.payment_reference:
        yield speech.word("quote_reference")


# --- quotes --------------------------------------------------------------------------


def quote(quote: Quote) -> MailText:
    """The mail that carries a quote to whom it is offered."""
    speech = quote.speech
    values = {"number": quote.number, "subject": quote.subject}
    amount = _amount(quote.totals.gross, quote)
    paragraphs = [
        speech.word("hello"),
        speech.word("quote_mail_intro", date=speech.date(quote.issue_date), **values),
    ]
    if quote.supersedes:
        day = speech.date(quote.supersedes.issue_date)
        paragraphs.append(
            speech.word("quote_mail_supersedes", number=quote.supersedes.number, date=day)
        )
    until = speech.date(quote.valid_until)
    rows = [("number", quote.number), ("quote_total", amount), ("valid_until", until)]
    paragraphs.append(_lines(speech, rows))
    if quote.steps[0].kind == "deposit":
        deposit = _amount(quote.steps[0].gross, quote)
        paragraphs.append(speech.word("quote_mail_deposit", amount=deposit))
    paragraphs.append(speech.word("quote_mail_answer", until=until))
    paragraphs.append(f"{speech.word('regards')}\n\n{_signature(quote.seller)}")
    subject = speech.word("quote_mail_subject", amount=amount, **values)
    return MailText(subject, _joined(paragraphs))


# --- packages ------------------------------------------------------------------------


def package(issuer: Party, package: BatchPackage, speech: Speech) -> MailText:
    """The mail that carries a month's package to the seller, or names it where it is large."""
    month = speech.month_and_year(date.fromisoformat(f"{package.month}-01"))
    what = _count(package.facts, speech)
    signs = {"invoice": Decimal(1), "credit_note": Decimal(-1)}
    gross = money.total(
        money.product(signs[fact["kind"]], Decimal(fact["gross"])) for fact in package.facts
    )
    amount = speech.amount(gross, package.facts[0]["currency"])
    intro = "package_intro" if package.attached else "named_intro"
    paragraphs = [
        speech.word("hello"),
        speech.word(intro, month=month, count=what, gross=amount),
    ]
    if not package.attached:
        size = speech.number(Decimal(package.size))
        paragraphs.append(speech.word("named", size=size, path=package.path))
    if package.replaces:
        paragraphs.append(speech.word("replaces"))
    paragraphs += [
        speech.word("manifest"),
        _lines(speech, [("fingerprint", package.sha256)]),
        f"{speech.word('regards')}\n\n{_signature(issuer)}",
    ]
    return MailText(speech.word("package_subject", month=month, count=what), _joined(paragraphs))


def _count(facts: list[records.Record], speech: Speech) -> str:
    kinds = [fact["kind"] for fact in facts]
    parts = []
    for kind in ("invoice", "credit_note"):
        if kind in kinds:
            number = kinds.count(kind)
            parts.append(speech.counted(f"one_{kind}", f"many_{kind}s", number))
    if len(parts) == 1:
        return parts[0]
    return speech.word("and", first=parts[0], second=parts[1])


# --- reminders -----------------------------------------------------------------------


def reminder(
    document: Document, level: str, claim: Claim, *, attached: bool = True, account: bool = False
) -> MailText:
    """The reminder of an unpaid invoice, in the tone of its level.

    Args:
      attached: the mail carries the invoice, and `account` a statement of account.
    """
    speech, values = document.speech, _reminder_values(document, claim)
    formal = level == "formal"
    paragraphs = [
        speech.word("formal_hello" if formal else "hello"),
        speech.word(f"{level}_intro", **values),
        speech.word(f"{level}_request", **values),
        *_claim_paragraphs(document, level, claim),
        *_how_to_pay(document),
        *([speech.word("again_attached")] if attached else []),
        *([speech.word("account_attached")] if account else []),
        speech.word("formal_regards" if formal else "regards")
        + f"\n\n{_signature(document.seller)}",
    ]
    return MailText(speech.word(f"{level}_subject", **values), _joined(paragraphs))


def formal_notice(document: Document, claim: Claim, *, enclosed: bool) -> FormalNotice:
    """The formal reminder of an unpaid invoice, which it may enclose, as a letter."""
    speech, values = document.speech, _reminder_values(document, claim)
    outstanding = (speech.word("outstanding"), _amount(claim.outstanding, document))
    total = (speech.word("total", day=speech.date(claim.day)), _amount(claim.total, document))
    owed = (outstanding, *_owed(document, claim), total)
    return FormalNotice(
        speech.word("formal_subject", **values),
        (speech.word("formal_hello"), speech.word("formal_intro", **values)),
        owed if len(owed) > 2 else (total,),
        (speech.word("formal_request", **values), " ".join(_laws("formal", document))),
        speech.word("enclosed", **values) if enclosed else "",
        speech.word("formal_regards"),
    )


def _reminder_values(document: Document, claim: Claim) -> dict[str, str]:
    """What the phrases of a reminder name."""
    speech = document.speech
    assert document.due_date is not None
    return {
        "kind": speech.word(f"this_{document.kind}"),
        "number": document.number,
        "date": speech.date(document.issue_date),
        "due": speech.date(document.due_date),
        "days": speech.counted("one_day", "days", claim.days),
        "what": speech.word("balance_of" if _is_part(document, claim) else "payment_of"),
        "total": _amount(claim.total, document),
        "deadline": speech.date(claim.day + timedelta(_DAYS_TO_PAY)),
    }


def _is_part(document: Document, claim: Claim) -> bool:
    return claim.outstanding < document.totals.due


def _claim_paragraphs(document: Document, level: str, claim: Claim) -> Iterable[str]:
    """The figures: in a polite reminder the law's share is only mentioned, later it is claimed."""
    speech = document.speech
    assert document.due_date is not None
    late = speech.word(
        "late",
        due=speech.date(document.due_date),
        days=speech.counted("one_day", "days", claim.days),
    )
    rows = [("number", document.number), ("gross", _amount(document.totals.gross, document))]
    if _is_part(document, claim):
        settled = document.totals.gross - claim.outstanding
        rows.append(("already", _amount(settled, document)))
    rows.append(("outstanding", _amount(claim.outstanding, document)))
    rows.append(("due_date", late))
    yield _lines(speech, rows)
    owed = [_labelled(label, amount, speech) for label, amount in _owed(document, claim)]
    if owed:
        day = speech.date(claim.day)
        if level == "polite":
            owed.insert(0, speech.word("penalty_note", day=day))
        else:
            label = speech.word("total", day=day)
            owed.append(_labelled(label, _amount(claim.total, document), speech))
        yield "\n".join(owed)
    if laws := _laws(level, document):
        yield " ".join(laws)


def _owed(document: Document, claim: Claim) -> Iterable[tuple[str, str]]:
    """What being late adds by law: a label and an amount each."""
    speech = document.speech
    if claim.rate:
        rate, days = speech.percent(claim.rate), speech.counted("one_day", "days", claim.days)
        yield speech.word("penalty", rate=rate, days=days), _amount(claim.penalty, document)
    if claim.indemnity:
        yield speech.word("indemnity"), _amount(claim.indemnity, document)


def _laws(level: str, document: Document) -> list[str]:
    """The mentions of the invoice that a reminder quotes."""
    return [note.text for note in document.notes if note.code in _law_of(level, document)]


def _law_of(level: str, document: Document) -> tuple[str, ...]:
    """Which mentions of the invoice a reminder quotes: PMD is on penalties, PMT on the indemnity.

    Who is not a business owes interest from formal notice on, and no indemnity.
    """
    if mentions.customer_of(document.buyer) in (mentions.PRIVATE, mentions.BODY):
        return ("PMD",) if level == "formal" else ()
    return () if level == "polite" else ("PMD", "PMT")


# --- what all letters share ----------------------------------------------------------


def _amount(value: Decimal, document: Paper) -> str:
    return document.speech.amount(value, document.currency)


def _lines(speech: Speech, rows: Iterable[tuple[str, str]]) -> str:
    """A line for each key with its value."""
    return "\n".join(_labelled(speech.word(key), value, speech) for key, value in rows)


def _labelled(label: str, value: str, speech: Speech) -> str:
    return speech.word("labelled", label=label, value=value)


def _signature(party: Party) -> str:
    address = party.address
    place = town(address.postcode, address.city, address.country)
    reach = [party.phone, *party.email[:1]]
    lines = [
        party.name,
        ", ".join([*address.lines, place]),
        " · ".join(part for part in reach if part),
    ]
    return "\n".join(line for line in lines if line)


def _joined(paragraphs: Iterable[str]) -> str:
    return "\n\n".join(paragraphs) + "\n"
