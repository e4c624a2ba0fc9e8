"""The life of an invoice at the approved platform: its state, out of all that was said of it.

Platforms repeat statuses, send them in any order, and contradict themselves. So the state is a
function of the set of statuses, whatever the order in which they came:

- a status counts once, however often it comes; the latest by its own moment is the state, and at
  the same moment the one with the higher number;
- 200 to 203 are about transport: none of them takes back what the customer said (204 to 212);
- 210 is the customer's last word: whatever comes after it contradicts it, and a person decides;
- 213 is the platform's last word on a deposit, until a later status says that the invoice went
  through, or until it is deposited again. For a duplicate (DOUBLON) it is about the delivery: the
  invoice is there already, and this status does not count;
- a customer who objects (206, 207, 208) does so until it says otherwise (204, 205, 209, 210, 211);
  a payment that we reported (212) settles nothing.
"""

from collections.abc import Iterable
from typing import NamedTuple

from lib.books import exchanges
from lib.books.record_lines import ExchangeLine
from lib.core.messages import Message, say

DEPOSITED = "200"
APPROVED = "205"
SUSPENDED = "208"
REFUSED = "210"
PAYMENT_SENT = "211"
CASHED_IN = "212"
REJECTED = "213"

_OBJECTIONS = ("206", "207", SUSPENDED)
_TRANSPORT = ("200", "201", "202", "203")
_DUPLICATE = "DOUBLON"

WAITING = say("waiting to be deposited")
HANDED_OVER = say("handed over")
NOT_TAKEN = say("not taken by the platform")
# What an invoice is by each status, in the words of XP Z12-012.
STAGES = {
    DEPOSITED: say("deposited"),
    "201": say("sent on by the platform"),
    "202": say("received by the customer's platform"),
    "203": say("made available to the customer"),
    "204": say("taken in charge by the customer"),
    APPROVED: say("approved by the customer"),
    "206": say("approved in part by the customer"),
    "207": say("disputed by the customer"),
    SUSPENDED: say("suspended by the customer"),
    "209": say("completed"),
    REFUSED: say("refused by the customer"),
    PAYMENT_SENT: say("payment sent by the customer"),
    CASHED_IN: say("payment reported"),
    REJECTED: say("rejected by the platform"),
}


class State(NamedTuple):
    """What became of a document at the platform.

    Attributes:
      stage: waiting to be deposited, handed over, not taken, or what `STAGES` says of `code`.
      code: the status that it has; empty before there is one.
      since: the moment of that status; the day of the deposit before there is one.
      objection: the status with which it is objected to (206, 207, 208, 210, 213), while it is.
      reasons: why, as the customer or the platform said it.
      deposited: the moment at which it was deposited (200); empty where it was not.
    """

    stage: Message
    code: str = ""
    since: str = ""
    objection: str = ""
    reasons: tuple[dict[str, str], ...] = ()
    deposited: str = ""

    @property
    def why(self) -> tuple[str, ...]:
        """The reasons as a person reads them: "TX_TVA_ERR Taux de TVA erroné"."""
        return tuple(
            " ".join(filter(None, (reason.get("code"), reason.get("text"))))
            for reason in self.reasons
        )

    @property
    def decision(self) -> bool:
        """Whether a person has to decide: until then nothing more happens with it."""
        return self.objection in (REFUSED, REJECTED)

    @property
    def disputed(self) -> bool:
        """Whether the customer objects to it, or to a part of it, and has not refused it."""
        return self.objection in _OBJECTIONS


def state(lines: Iterable[ExchangeLine], number: str) -> State:
    """The state of an invoice or a credit note.

    Args:
      lines: all that stands in the file of its client.
    """
    return _state([line for line in lines if line.number == number or line.deposit], number)


def states(lines: Iterable[ExchangeLine]) -> dict[str, State]:
    """The state of each document that was deposited, or has a status."""
    by_number: dict[str, list[ExchangeLine]] = {}
    answers: dict[int, list[ExchangeLine]] = {}
    for line in lines:
        if line.deposit:
            answers.setdefault(line.deposit, []).append(line)
        elif line.number and line.what != exchanges.CASH_IN and line.kind != exchanges.CASH_IN:
            by_number.setdefault(line.number, []).append(line)
    return {
        number: _state([*own, *(a for line in own for a in answers.get(line.seq, ()))], number)
        for number, own in by_number.items()
    }


def _state(lines: list[ExchangeLine], number: str) -> State:
    documents = (exchanges.INVOICE, exchanges.CREDIT_NOTE)
    own = [each for each in exchanges.deposits(lines) if each.line.number == number]
    deposits = [each for each in own if each.line.what in documents]
    last = deposits[-1].line.seq if deposits else 0
    first_of: dict[tuple[str, str, tuple[str, ...]], ExchangeLine] = {}
    for line in lines:
        if line.kind == exchanges.STATUS and line.number == number and line.code in STAGES:
            codes = tuple(reason["code"] for reason in line.reasons)
            first_of.setdefault((line.at, line.code, codes), line)
    counting = [line for _, line in sorted(first_of.items()) if not _is_of_duplicate(line)]
    # What was rejected and deposited again begins again: what came before was about the first.
    again = last if any(line.code == REJECTED and line.seq < last for line in counting) else 0
    statuses = [line for line in counting if line.seq > again]
    through = [line for line in statuses if line.code != REJECTED]
    deposited = next((line.at for line in statuses if line.code == DEPOSITED), "")
    if not statuses:
        return _unseen(deposits[-1] if deposits else None)
    refused = [line for line in statuses if line.code == REFUSED]
    rejected = [line for line in statuses if line.code == REJECTED]
    if through and rejected and through[-1].at > rejected[-1].at:
        rejected = []
    said = [line for line in through if line.code not in _TRANSPORT]
    state_ = (refused or rejected or said or through)[-1]
    answers = [line for line in said if line.code != CASHED_IN]
    objection = state_
    if not refused and not rejected:
        objection = answers[-1] if answers else state_
    objects = objection.code in (REFUSED, REJECTED, *_OBJECTIONS)
    return State(
        STAGES[state_.code],
        state_.code,
        state_.at,
        objection.code if objects else "",
        tuple(objection.reasons) if objects else (),
        deposited,
    )


def _is_of_duplicate(line: ExchangeLine) -> bool:
    """Whether it rejects nothing but a second delivery of what the platform has."""
    codes = [reason["code"] for reason in line.reasons if reason["code"]]
    return line.code == REJECTED and bool(codes) and all(code == _DUPLICATE for code in codes)


def _unseen(deposit: exchanges.Deposit | None) -> State:
    """The state of what has no status yet."""
    if deposit is None:
        return State(WAITING)
    taken = deposit.outcome not in (exchanges.REFUSED, exchanges.REJECTED)
    return State(HANDED_OVER if taken else NOT_TAKEN, since=deposit.line.date)
