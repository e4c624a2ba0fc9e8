"""MT940, the statement of SWIFT, and MT942, its report within a day; read by the library mt-940.

The library is handed each message alone and only as far as its closing balance: what follows
there is of the account, and it would take that for the last entry's. What it does not
understand it refuses, and so does this reader. Balances are read here.
"""

import logging
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from mt940.models import Transaction, Transactions
from mt940.options import Options
from mt940.tags import StatementASNB, StatementGLS
from stdnum import iso11649

from lib.bank import statements
from lib.bank.statements import (
    SHOWN,
    Balance,
    BankMovement,
    Declared,
    File,
    Statement,
    StatementEntry,
    on_line,
    refusal,
)
from lib.core.messages import say

_START = re.compile(rb"^:20:", re.MULTILINE)
_NEXT = re.compile(rb"^:(25|28C?|60[FM]?|61|13D|34F)[A-Z]?:", re.MULTILINE)
_HEAD = 4000  # bytes in which a file says what it is
_TAG = re.compile(r"^:([0-9]{2})([A-Z])?:", re.MULTILINE)
# The second way: what begins an entry, and the mark and the amount behind its date.
_ENTRY_TAG = re.compile(r"^:61:", re.MULTILINE)
_ENTRY = re.compile(
    r"\s*[0-9]{6}(?:[0-9]{4}|\s{4})?(R?[DC])[A-Z]?\s?([0-9]+,?[0-9]*)", re.IGNORECASE
)

_BALANCE = re.compile(r"([CDcd])[0-9]{6}([A-Z]{3})?([0-9]+,?[0-9]*)")
_SUMS = (("sum_debit_entries", ":90D:", "out"), ("sum_credit_entries", ":90C:", "in"))
_TEXTS = ("posting_text", "purpose", "transaction_details", "extra_details", "additional_purpose")
_IN_TEXT = re.compile(r"/EREF/([^/]{1,35})/")
_NO_REFERENCE = ("NONREF", "NOTPROVIDED", "NOTPROVIDED.")
# Banks whose references are longer than SWIFT's; each reads what the one before refuses.
_DIALECTS: tuple[dict[int | str, Any], ...] = ({}, {61: StatementGLS()}, {61: StatementASNB()})
_WRONG = (RuntimeError, ValueError, LookupError, TypeError, AttributeError, InvalidOperation)

logging.getLogger("mt940").addHandler(logging.NullHandler())  # what it says is said here


def is_mt940(data: bytes) -> bool:
    """Whether a file holds the first fields of a message."""
    head = data[:_HEAD].replace(b"\r", b"\n").removeprefix(b"\xef\xbb\xbf")
    return bool(_START.search(head) and _NEXT.search(head))


def read(data: bytes) -> File:
    """A statement file as it stands.

    Raises:
      StatementError: if it is not as its format says.
    """
    text = statements.text_of(data)
    messages = list(enumerate(_messages(text), 1))
    if not messages:
        raise refusal(say("holds no message (:20:)"))
    found = statements.gather(lambda one: _statement(one[0], *one[1]), messages)
    count, amounts = _second_count(text)
    return File(found, ":61:", count, amounts, [])


def _messages(text: str) -> Iterator[tuple[int, str]]:
    """The line on which each begins, and its text: from :20:, or what follows a closing balance."""
    starts, closed = [], False
    for tag in _TAG.finditer(text):
        if tag[1] == "20" or (closed and tag[1] in ("25", "28", "60")):
            starts.append(tag.start())
            closed = False
        elif not starts and tag[1] in ("60", "61", "62"):
            found = say("has {tag} before the first :20:", tag=tag[0].strip())
            remedy = say("its beginning is missing; download the file again")
            raise refusal(found, on_line(text.count("\n", 0, tag.start()) + 1), remedy=remedy)
        closed = closed or tag[1] == "62"
    line, before = 1, 0
    for start, end in pairwise([*starts, len(text)]):
        line, before = line + text.count("\n", before, start), start
        yield line, text[start:end]


def _second_count(text: str) -> tuple[int, list[Decimal]]:
    """How many entries the text holds, and the amount with its mark in each."""
    parts = _ENTRY_TAG.split(text)[1:]
    amounts = []
    for part in parts:
        if found := _ENTRY.match(part):
            value = Decimal(found[2].replace(",", "."))
            amounts.append(value if found[1].upper() in ("C", "RD") else value.copy_negate())
    return len(parts), amounts


def _statement(number: int, line: int, text: str) -> Statement:
    place = str(say("statement {number}", number=number))
    tags = [tag[1] for tag in _TAG.finditer(text)]
    within_a_day = "60" not in tags and ("34" in tags or "13" in tags or "90" in tags)
    opening, closing = tags.count("60"), tags.count("62")
    found = None
    if opening != 1:
        found = say("has {number} opening balances (:60F: or :60M:)", number=opening)
    elif closing != 1:
        found = say("has {number} closing balances (:62F: or :62M:)", number=closing)
    if found and not within_a_day:
        expected = say("expected one; is it cut short?")
        raise refusal(found, on_line(line, place), expected)
    message = _parsed(_without_the_end(text), line, place)
    currency = message.currency or ""
    entries = statements.gather(
        lambda one: _entry(
            statements.entry_place(place, one[0]),
            str(message.data.get("account_identification", "")).strip(),
            currency,
            one[1],
        ),
        enumerate(message.transactions, 1),
    )
    balances = (_balances(text, tag, currency, line, place) for tag in ("60", "62"))
    declared = [
        Declared(name, side, int(total.number or 0), abs(total.amount))
        for key, name, side in _SUMS
        if (total := message.data.get(key))
    ]
    return Statement(
        place,
        str(message.data.get("account_identification", "")).strip(),
        entries,
        declared,
        *balances,
    )


def _balances(text: str, tag: str, currency: str, line: int, place: str) -> list[Balance]:
    """Those of a tag. The library takes digits for the currency where a bank leaves it out."""
    found = []
    for match in re.finditer(rf"^:{tag}[FM]?:(.*)$", text, re.MULTILINE):
        parts = _BALANCE.fullmatch(match[1].strip())
        if not parts or parts[2] not in (currency, None):
            wrong = say(
                '"{value}" is not a balance in {currency}',
                value=match[0][:SHOWN],
                currency=currency,
            )
            raise refusal(wrong, on_line(line + text.count("\n", 0, match.start()), place))
        value = Decimal(parts[3].replace(",", "."))
        found.append(Balance(value if parts[1] in "Cc" else -value, currency))
    return found


def _without_the_end(text: str) -> str:
    """A message as far as its closing balance, and the totals of :90D: and :90C:."""
    after = False
    kept = []
    for part in re.split(r"^(?=:[0-9]{2}[A-Z]?:)", text, flags=re.MULTILINE):
        if not after or part.startswith(":90"):
            kept.append(part)
        after = after or part.startswith((":62", ":90"))
    return "".join(kept)


def _parsed(text: str, line: int, place: str) -> Transactions:
    for tags in _DIALECTS:
        message = Transactions(tags=tags, options=Options.all())
        try:
            message.parse(text)
        except _WRONG as error:
            refused = error
        else:
            return message
    value = str(refused.args[-1]) if refused.args else ""
    at = text.find(value.split("\n")[0]) if value else -1
    found = say('"{value}" cannot be read', value=value.split("\n")[0][:SHOWN])
    raise refusal(found, on_line(line + max(text.count("\n", 0, max(at, 0)), 0), place))


def _entry(place: str, account: str, currency: str, entry: Transaction) -> StatementEntry:
    facts = entry.data
    if "amount" not in facts or "date" not in facts:
        raise refusal(say("cannot be read"), place)
    amount, mark = facts["amount"].amount, str(facts["status"]).upper()
    credit = mark in ("C", "RD")
    texts = [" ".join(str(facts.get(name) or "").split()) for name in _TEXTS]
    texts = [text for text in texts if text]
    named = [str(facts.get(key) or "") for key in ("end_to_end_reference", "customer_reference")]
    named += [found for text in texts for found in _IN_TEXT.findall(text)]
    named += filter(iso11649.is_valid, texts)
    references = (" ".join(reference.split()) for reference in named)
    booked = facts.get("entry_date") or facts["date"]
    reversal = mark.startswith("R")
    movement = BankMovement(
        place=place,
        account=account,
        booked=statements.day(booked.isoformat()),
        amount=abs(amount),
        currency=currency,
        credit=credit,
        odd=reversal,
        method="transfer",
        references=tuple(
            statements.compact(text) for text in references if text not in ("", *_NO_REFERENCE)
        ),
        text=" ".join(texts),
        party=" ".join(str(facts.get("applicant_name") or "").split()),
        bank_reference=str(facts.get("bank_reference") or "").strip(),
        doubt=say("the bank reverses an earlier movement") if reversal else None,
    )
    signed = amount if credit else abs(amount).copy_negate()
    return StatementEntry(place, signed, currency, True, [movement])
