"""Files of payments: what `make statement` writes, people fill in and `make payments-import` reads.

Three kinds of CSV begin with the same columns, those of a payment; what a file is, its first line
says: `PAYMENTS`, `PROPOSED` (what matched besides) or `REVIEW` (all that a person needs to decide;
client and invoice are empty until somebody fills them in). They are written in the dialect and
with the headings that the settings name, and read in any of these, also as a French spreadsheet
saves them: dates as 03/12/2026 or 03/12/26, amounts as 76,8 or 1 076,80 €, Windows-1252.
"""

import csv
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from lib.bank import matching, statements
from lib.bank.matching import Proposal, Review
from lib.bank.statements import BankMovement
from lib.books import payment_rules, payments
from lib.books.payment_rules import Books
from lib.core import handed_file, messages, readings
from lib.core.faults import Alert, Fault, Refused, at_line, printable
from lib.core.messages import Message, figure, say
from lib.documents import csv_files
from lib.documents.csv_files import Column
from lib.inputs.settings import Settings
from lib.values import money

MOST_FAULTS = 100  # of a file that are reported

PAYMENTS = (
    Column("client"),
    Column("invoice"),
    Column("amount", csv_files.FIGURE),
    Column("date"),
    Column("method", csv_files.CODE),
    Column("reference"),
    Column("note"),
)
WITH_VALUE_DATES = (*PAYMENTS, Column("value_date"))  # of money found in a closed period
PROPOSED = (*PAYMENTS, Column("matched_by", csv_files.CODE))
REVIEW = (
    *WITH_VALUE_DATES,
    Column("currency"),
    Column("reason"),
    Column("candidate"),
    Column("outstanding", csv_files.FIGURE),
    Column("party"),
    Column("text"),
    Column("references"),
    Column("account"),
    Column("place"),
)

_ROUNDED = re.compile(r"[0-9]+([.,][0-9]+)?E\+[0-9]+", re.IGNORECASE)

LineFaults = list[tuple[int, Alert]]  # with the number that a spreadsheet shows of the line


# --- writing -------------------------------------------------------------------------


def proposed(proposals: list[Proposal], settings: Settings) -> bytes:
    """The file of what leaves no doubt."""
    return _table(PROPOSED, [_proposed_row(proposal) for proposal in proposals], settings)


def review(reviews: list[Review], books: Books, settings: Settings) -> bytes:
    """The file of what a person decides, with what is outstanding of the invoices to look at."""
    return _table(REVIEW, [_review_row(reviewed, books) for reviewed in reviews], settings)


def _table(columns: tuple[Column, ...], rows: list[list[str]], settings: Settings) -> bytes:
    cells = {column.name: [row[i] for row in rows] for i, column in enumerate(columns)}
    return csv_files.to_bytes(columns, cells, settings)


def _proposed_row(proposal: Proposal) -> list[str]:
    movement, invoice = proposal.movement, proposal.match
    payment = _payment(movement, money.plain(proposal.amount, 2), proposal.reference)
    return [proposal.client, invoice.number, *payment, invoice.by]


def _review_row(reviewed: Review, books: Books) -> list[str]:
    movement, invoices = reviewed.movement, books.invoices
    numbers = [invoice.number for invoice in reviewed.matches]
    amount = money.plain(statements.signed(movement), 2)
    texts = [movement.party, movement.text, " ".join(movement.references), movement.account]
    amount, day, *how = _payment(movement, amount, matching.reference(movement, reviewed.matches))
    # Where the day is closed, a person writes an open one.
    is_closed = matching.is_closed(movement, books)
    return [
        "",
        "",
        *(amount, "" if is_closed else day, *how, day if is_closed else ""),
        _harmless(movement.currency),
        _harmless(str(reviewed.reason)),
        " ".join(numbers),
        " ".join(money.plain(invoices[number].outstanding, 2) for number in numbers),
        *map(_harmless, texts),
        movement.place,
    ]


def _payment(movement: BankMovement, amount: str, reference: str) -> list[str]:
    """Amount, date, method, reference and note of the payment that a movement is."""
    note = ""
    if movement.bank_reference and movement.bank_reference != reference:
        note = str(say("bank reference {reference}", reference=movement.bank_reference))
    day = movement.booked.isoformat() if movement.booked else ""
    texts = {"reference": reference, "note": note}
    sound = [
        text if text and payment_rules.is_sound("payment", name, text) else ""
        for name, text in texts.items()
    ]
    return [amount, day, movement.method, *map(_shielded, sound)]


def _harmless(text: str) -> str:
    """A text from outside for a spreadsheet: on one line, and never a formula."""
    return csv_files.safe(printable(text))


def _shielded(text: str) -> str:
    """A reference that a spreadsheet neither runs nor takes for a number, which it would round."""
    return f"'{text}" if text.isdecimal() else csv_files.safe(text)


# --- reading -------------------------------------------------------------------------


class Form(NamedTuple):
    """What the first line of a file says of it: its columns, and how it was written."""

    columns: tuple[Column, ...]
    language: str
    delimiter: str


class Payments(NamedTuple):
    """The payments of a file, by the number that a spreadsheet shows of their line.

    `currencies`: where the file says in which one the money came. `left_alone`: how many rows
    of a review nobody filled in. `notes` are for the person who hands the file over.
    """

    rows: dict[int, dict[str, str]]
    currencies: dict[int, str]
    faults: LineFaults
    left_alone: int
    notes: list[Message]


def read(file: str, data: bytes) -> Payments:
    """The lines of a file that are of the right form, and what is wrong with the others.

    Raises:
      Refused: for a file that is not read by lines at all, or has nothing to record.
    """
    text, notes = handed_file.text(file, data)
    if not text:
        raise Refused([Alert("B-CSV-EMPTY", file, Fault("", say("is empty")))])
    form = _form(file, text)
    rows: dict[int, dict[str, str]] = {}
    currencies: dict[int, str] = {}
    faults: LineFaults = []
    line, left_alone = 1, 0
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter, strict=True)
    try:
        next(lines)
        for line, cells in enumerate(lines, 2):
            if len(faults) >= MOST_FAULTS:
                faults.append(stopped(file, line))
                break
            if cells and not any(cells):
                continue  # spreadsheets leave such lines below the last
            row = dict(zip((column.name for column in form.columns), cells, strict=False))
            if form.columns == REVIEW and not any(cells[:2]):
                left_alone += 1
            elif wrong := [*_shape_faults(form, cells)] or [*_value_faults(form, row)]:
                faults += [on_line("B-CSV-LINE", file, line, fault) for fault in wrong]
            else:
                rows[line] = _facts(form, row)
                currencies[line] = row.get("currency", "")
    except csv.Error as error:
        broken = say("is not CSV: {why}", why=handed_file.not_csv(error))
        faults.append(on_line("B-CSV-LINE", file, line + 1, Fault("", broken)))
    if not rows and not faults:
        fill_in = say("write client and invoice on each line that pays one") if left_alone else None
        empty = Fault("", say("has no payment: nothing to record"), remedy=fill_in)
        raise Refused([Alert("B-CSV-EMPTY", file, empty)])
    return Payments(rows, currencies, faults, left_alone, notes)


def on_line(code: str, file: str, line: int, fault: Fault) -> tuple[int, Alert]:
    """What is wrong with a value of a line, or with the line."""
    return line, Alert(code, file, fault._replace(place=at_line(line, fault.place)))


def stopped(file: str, line: int) -> tuple[int, Alert]:
    """Reading stops where enough is wrong: nobody reads a hundred lines of errors."""
    found = say("reading stopped after {errors} errors", errors=MOST_FAULTS)
    return on_line("B-CSV-LINE", file, line, Fault("", found, remedy=say("correct these first")))


def _form(file: str, text: str) -> Form:
    """What the first line says, which is to the letter one of those that are written here.

    Raises:
      Refused: if it is not.
    """
    first = text.partition("\n")[0].removesuffix("\r").replace('"', "")
    known: list[list[str]] = []
    for language in messages.languages():
        headings = messages.words(language)["columns"]
        for columns in (PAYMENTS, WITH_VALUE_DATES, PROPOSED, REVIEW):
            names = [headings[column.heading or column.name] for column in columns]
            known.append(names)
            for delimiter in ",;":
                if first == delimiter.join(names):
                    return Form(columns, language, delimiter)
    wrong = handed_file.header_fault(text, [column.name for column in PAYMENTS], *known)
    raise Refused([Alert("B-CSV-HEADER", file, wrong)])


def _shape_faults(form: Form, cells: list[str]) -> Iterator[Fault]:
    if len(cells) != len(form.columns):
        found = say(
            "has {cells} columns, expected {columns}", cells=len(cells), columns=len(form.columns)
        )
        remedy = say("check the delimiters of this line; a cell that holds one stands in quotes")
        if readings.is_total(cells):
            found, remedy = say("holds a total, not a payment"), say("remove the line")
        yield Fault("", found, remedy=remedy)


def _value_faults(form: Form, row: dict[str, str]) -> Iterator[Fault]:
    """What is wrong with the form of each value."""
    if form.columns == REVIEW and row["amount"].startswith("-"):
        yield Fault(
            "amount",
            say("{amount} went out", amount=figure(row["amount"])),
            remedy=say("record it by `make refund` or `make payment-reverse`; empty this line"),
        )
        return
    for name in ("reference", "note"):
        if _ROUNDED.fullmatch(row[name]):
            found = say('"{value}" was a number that the spreadsheet has rounded', value=row[name])
            yield Fault(name, found, remedy=say("write it out, in a cell of the format text"))
    yield from payment_rules.form_faults(_facts(form, row), "payment")


def _facts(form: Form, row: dict[str, str]) -> dict[str, str]:
    """The facts of a payment, as `payments.fact` takes them."""
    codes = {word: code for code, word in messages.words(form.language)["codes"].items()}
    facts = {name: row[name] for name in payments.ALL_COLUMNS if row.get(name)}
    if "method" in facts:
        facts["method"] = codes.get(facts["method"], facts["method"])
    for name in facts.keys() & {"reference", "note"}:
        text = facts[name].removeprefix("'")
        facts[name] = text if _shielded(text) == facts[name] else facts[name]
    if form.delimiter == ";":
        facts |= _of_french_spreadsheet(facts)
    return facts


def _of_french_spreadsheet(facts: dict[str, str]) -> dict[str, str]:
    """The values that a spreadsheet set to French writes in its own way."""
    values = {}
    if "amount" in facts:
        values["amount"] = handed_file.plain_amount(facts["amount"])
    for name in facts.keys() & {"date", "value_date"}:
        values[name] = handed_file.iso_days(facts[name])
    return values
