"""Answering: the quote that a client answered is found, and whether it may be answered so."""

from datetime import date
from typing import NamedTuple

from lib.books import quotations, records
from lib.books.quotations import Quotation
from lib.books.record_lines import QuotationLine
from lib.core import alerts, readings
from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import Message, say
from lib.core.root import Root


class AnsweredQuote(NamedTuple):
    """The quote that is answered, the newest version of its order, all records of its client."""

    quotation: Quotation
    newest: Quotation
    lines: list[QuotationLine]

    @property
    def fact(self) -> QuotationLine:
        return self.quotation.fact


def find(root: Root, number: str) -> AnsweredQuote:
    """The quote with this number.

    Raises:
      Broken: with the first disagreement of the records.
      Refused: if there is no such quote.
    """
    waiting: list[str] = []
    for client in records.owners(root, quotations.folder(root)):
        lines = quotations.read(root, client)
        known = quotations.quotations(lines)
        for quotation in known:
            if quotation.number == number:
                newest = quotations.of_order(lines, quotation.fact.order)[-1]
                return AnsweredQuote(quotation, newest, lines)
        waiting += [quotation.number for quotation in known if quotation.is_open]
    meant = readings.readings("invoice_number", number, waiting.__contains__)
    remedy = say("none waits for an answer")
    if waiting:
        remedy = say("these wait for an answer: {numbers}", numbers=tuple(meant or waiting))
    raise refusal(
        Fault("QUOTE", say('"{number}" is not a quote of ours', number=number), remedy=remedy)
    )


def check_open(answered: AnsweredQuote, *, declines: bool) -> None:
    """Whether a quote waits for an answer.

    Args:
      declines: what the answer is to be.

    Raises:
      Refused: if it was answered, or superseded.
    """
    quotation, newest = answered.quotation, answered.newest
    if quotation.is_open:
        return
    values = {"client": answered.fact.client, "order": answered.fact.order}
    remedy: Message | None = None
    if newest.is_open:
        remedy = say("answer {newest}, the version that waits", newest=newest.number)
    answer, number = quotation.answer, quotation.number
    if answer is None:
        text = say(
            "{number} is superseded by {newer}", number=number, newer=quotation.superseded_by
        )
    elif answer.kind == quotations.REFUSAL:
        text = say("{number} was declined on {day}", number=number, day=str(answer.date))
        if not declines and not remedy:
            remedy = say("`make quote CLIENT={client} ORDER={order}` offers it again", **values)
    else:
        text = say("{number} was accepted on {day}", number=number, day=str(answer.date))
        if declines and not remedy:
            remedy = say(
                "an order that changed is quoted again: `make quote CLIENT={client} ORDER={order}`;"
                " of one that is called off, `make credit-note` takes back what was invoiced",
                **values,
            )
    raise refusal(Fault("QUOTE", text, remedy=remedy), answered.fact.client)


def check_day(quotation: AnsweredQuote, place: str, day: date) -> None:
    """An answer is not before its quote.

    Raises:
      Refused: if it is.
    """
    fact = quotation.fact
    if day.isoformat() < fact.issue_date:
        text = say(
            "{day} is before {number} was issued, on {issued}",
            day=str(day),
            number=fact.number,
            issued=fact.issue_date,
        )
        raise Refused([Alert("B-DATE", "", Fault(place, text), fact.client)])


def refusal(fault: Fault, client: str = "") -> Refused:
    """Why an answer cannot be recorded, to raise."""
    return Refused([Alert("B-QUOTE", "", fault, client)])


def report(root: Root, client: str, script: str, text: Message) -> None:
    """Prints what was recorded, and logs it."""
    alerts.write_log(root.logs, client, "INFO", script, "I-RECORDED", text)
    print(text)
