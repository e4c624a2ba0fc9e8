"""CFONB 120, the statement of French banks: records of 120 characters, with line ends or without.

01 opens an account with its balance, 04 is an entry, 05 adds to it, 07 closes with the balance.
An amount is thirteen digits and a letter that is its last digit and its sign. Each record says how
many decimals its amount has.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from stdnum import iso11649

from lib.bank import statements
from lib.bank.statements import (
    SHOWN,
    Balance,
    BankMovement,
    File,
    Statement,
    StatementEntry,
    StatementError,
    on_line,
    refusal,
)
from lib.core.messages import Message, say

_LENGTH = 120
_SHORTEST = 45  # what a record has at least where a program cut the spaces at its end
_OPENS, _ENTRY, _ADDS, _CLOSES = "01", "04", "05", "07"
_START = re.compile(rb"\s*01[0-9]{5}.{4}[0-9]{5}(?:[A-Z]{3}|   )[0-9 ]", re.DOTALL)

# Positions as in the specification, which counts from 1: 91 to 104 is [90:104].
_BANK, _BRANCH, _CURRENCY, _DECIMALS = slice(2, 7), slice(11, 16), slice(16, 19), slice(19, 20)
_ACCOUNT, _DAY, _REJECT = slice(21, 32), slice(34, 40), slice(40, 42)
_LABEL, _NUMBER, _AMOUNT, _REFERENCE = slice(48, 79), slice(81, 88), slice(90, 104), slice(104, 120)
_KIND, _DETAIL = slice(45, 48), slice(48, 118)

# The last digit with its sign. Where ISO 646 is the French one, é and è stand for { and }.
_CREDIT, _DEBIT = "{ABCDEFGHI", "}JKLMNOPQR"
_FRENCH = str.maketrans("éè", "{}")
_SIGNED = re.compile(r"([0-9]{13})([{}A-R])")
# The second way: whatever looks like an entry, wherever it stands.
_LIKE_ENTRY = re.compile(
    r"04[0-9]{5}.{4}[0-9]{5}(?:[A-Z]{3}|   )([0-9 ]).[0-9A-Z ]{11}.{58}([0-9]{13}[{}A-Réè])"
)

# What a 05 says: who pays, who is paid, the payer's references, and texts.
_PAYER, _PAYEE, _CHARGES = "NPY", "NBE", "FEE"
_REFERENCES = ("RCN", "LCS")
_HALF = 35  # RCN has the payer's reference and then the purpose
_TEXTS = ("LIB", "LCC", "LC2", "LCS", "RCN", "REF")


class _Record(NamedTuple):
    """A record and the line, or where there are none the position, at which it begins."""

    line: int
    text: str

    @property
    def code(self) -> str:
        return self.text[:2]

    def wrong(self, where: slice, what: Message, expected: Message | None = None) -> StatementError:
        """A refusal that names the line, the positions and the value."""
        found = say(
            'record {code}, {first} to {last}: "{value}" {what}',
            code=self.code,
            first=where.start + 1,
            last=where.stop,
            value=self.text[where][:SHOWN],
            what=what,
        )
        return refusal(found, on_line(self.line), expected)


def is_cfonb(data: bytes) -> bool:
    """Whether a file begins with a record 01."""
    return bool(_START.match(data[:200].removeprefix(b"\xef\xbb\xbf")))


def read(data: bytes) -> File:
    """A statement file as it stands.

    Raises:
      StatementError: if it is not as its format says.
    """
    text = statements.text_of(data)
    groups: list[list[_Record]] = []
    for record in _records(text.rstrip("\0\x1a \n")):
        inside = bool(groups) and groups[-1][-1].code != _CLOSES
        if record.code == _OPENS:
            if inside:
                raise record.wrong(slice(0, 2), say("begins before the last account was closed"))
            groups.append([record])
            continue
        if not inside:
            raise record.wrong(slice(0, 2), say("stands outside of an account"))
        if record.code == _ADDS and groups[-1][-1].code == _OPENS:
            raise record.wrong(slice(0, 2), say("adds to no entry"))
        groups[-1].append(record)
    if not groups:
        raise refusal(say("holds no record"))
    last = groups[-1][-1]
    if last.code != _CLOSES:
        found, remedy = say("ends without a record 07: it is cut short"), say("download it again")
        raise refusal(found, on_line(last.line), remedy=remedy)
    found_statements = statements.gather(lambda one: _statement(*one), enumerate(groups, 1))
    count, amounts = _second_count(text)
    return File(found_statements, _ENTRY, count, amounts, [])


def _records(text: str) -> Iterator[_Record]:
    """The records, checked for their length and their code."""
    if "\n" in text:
        lines = [(i, line) for i, line in enumerate(text.split("\n"), 1) if line.strip()]
    else:
        parts = range(0, len(text), _LENGTH)
        lines = [(i // _LENGTH + 1, text[i : i + _LENGTH]) for i in parts]
    for i, line in lines:
        record = _Record(i, line.rstrip(" ").ljust(_LENGTH))
        if record.code not in (_OPENS, _ENTRY, _ADDS, _CLOSES):
            raise record.wrong(
                slice(0, 2), say("is not a record"), say("expected 01, 04, 05 or 07")
            )
        enough = _SHORTEST if record.code == _ADDS else _AMOUNT.stop
        if len(record.text) > _LENGTH or len(line.rstrip(" ")) < enough:
            found = say(
                "record {code} has {number} characters", code=record.code, number=len(line.rstrip())
            )
            raise refusal(found, on_line(i), say("expected {length}", length=_LENGTH))
        yield record


def _second_count(text: str) -> tuple[int, list[Decimal]]:
    """How many entries the text holds and the amounts in them, without regard to records."""
    found = _LIKE_ENTRY.findall(text)
    decimals = next((digit for digit, _ in found if digit != " "), "2")
    return len(found), [
        _value(amount, decimals if digit == " " else digit) for digit, amount in found
    ]


def _value(amount: str, decimals: str) -> Decimal:
    """An amount of thirteen digits and a letter; negative where it went out, be it 0."""
    last = amount[-1].translate(_FRENCH)
    digit = (_CREDIT if last in _CREDIT else _DEBIT).index(last)
    value = Decimal(f"{amount[:-1]}{digit}").scaleb(-int(decimals))
    return value if last in _CREDIT else value.copy_negate()


def _amount(record: _Record, decimals: str) -> Decimal:
    if not _SIGNED.fullmatch(record.text[_AMOUNT].translate(_FRENCH)):
        expected = say("expected 13 digits, then {credit} or {debit}", credit=_CREDIT, debit=_DEBIT)
        raise record.wrong(_AMOUNT, say("is not an amount"), expected)
    own = record.text[_DECIMALS].strip() or decimals
    if not own.isdecimal():
        raise record.wrong(_DECIMALS, say("is not a number of decimals"))
    return _value(record.text[_AMOUNT], own)


def _day(record: _Record) -> date:
    text = record.text[_DAY]
    found = statements.day(f"20{text[4:]}-{text[2:4]}-{text[:2]}")
    if not found:
        raise record.wrong(_DAY, say("is not a date"), say("expected {example}", example="311026"))
    return found


def _statement(number: int, records: list[_Record]) -> Statement:
    """An account from its record 01 to its 07."""
    place = str(say("statement {number}", number=number))
    opens, closes = records[0], records[-1]
    for record in records:
        for where in (_ACCOUNT, _CURRENCY, _DECIMALS):
            own, first = record.text[where].strip(), _first(records, where)
            if own != first and (own or where == _ACCOUNT):
                what = say("differs from the other records, which have {first}", first=first)
                raise record.wrong(where, what)
    # Some banks leave both empty in 01 and 07, which is all that a day without entries has.
    currency, decimals = _first(records, _CURRENCY) or "EUR", _first(records, _DECIMALS) or "2"
    account = "".join(opens.text[where] for where in (_BANK, _BRANCH, _ACCOUNT))
    entries: list[list[_Record]] = []
    for record in records[1:-1]:
        if record.code == _ENTRY:
            entries.append([record])
        else:
            entries[-1].append(record)
    return Statement(
        place,
        account,
        statements.gather(
            lambda one: _entry(
                statements.entry_place(place, one[0]),
                account,
                currency,
                decimals,
                one[1],
            ),
            enumerate(entries, 1),
        ),
        [],
        [Balance(_amount(opens, decimals), currency)],
        [Balance(_amount(closes, decimals), currency)],
    )


def _first(records: list[_Record], where: slice) -> str:
    """What the first record that says anything there says."""
    return next((text for record in records if (text := record.text[where].strip())), "")


def _entry(
    place: str, account: str, currency: str, decimals: str, records: list[_Record]
) -> StatementEntry:
    record = records[0]
    amount = _amount(record, decimals)
    details = [(one.text[_KIND].strip(), one.text[_DETAIL].strip()) for one in records[1:]]
    named = [detail[:_HALF].strip() for kind, detail in details if kind in _REFERENCES]
    texts = [record.text[_LABEL].strip(), record.text[_REFERENCE].strip()]
    texts += [detail for kind, detail in details if kind in _TEXTS]
    credit = not amount.is_signed()
    reject = record.text[_REJECT].strip(" 0")
    movement = BankMovement(
        place=place,
        account=account,
        booked=_day(record),
        amount=abs(amount),
        currency=currency,
        credit=credit,
        odd=bool(reject),
        method="transfer",
        references=tuple(
            statements.compact(text) for text in (*named, *filter(iso11649.is_valid, texts)) if text
        ),
        text=" ".join(" ".join(texts).split()),
        party=next((text for kind, text in details if kind == (_PAYER if credit else _PAYEE)), ""),
        bank_reference=record.text[_NUMBER].strip(" 0"),
        doubt=say("a transfer that came back ({reason})", reason=reject)
        if reject
        else _charges(details)
        if credit
        else None,
    )
    return StatementEntry(place, amount, currency, True, [movement])


def _charges(details: list[tuple[str, str]]) -> Message | None:
    """Charges that may have been taken from the amount."""
    text = next((text for kind, text in details if kind == _CHARGES), "")
    return say("charges are in it: {text}", text=text[:SHOWN]) if text.strip("0 ") else None
