"""Closings: what the books had of a month or a year when it was closed.

A line holds the numbers that documents of the period have, what was invoiced, received and due in
it by nature, VAT category, rate and reason of exemption, the sums of all time up to its end (the
grand totals, which never begin again), the accounts that its books post to, and the heads of all
record files. All but accounts and heads can be made again from the records, on any later day:
`make verify` does, and what comes out has to be the same. The accounts stand there so that the FEC
of a closed period does not follow what issuer.json and clients/ say later.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple, TypeVar

import msgspec

from lib.books import allocation, closed_periods, histories, records, revenues, tax_points
from lib.books.histories import History, IssuedDocument, VatShare
from lib.books.record_lines import BalanceRevenue, ClosedPeriod, ClosingAccounts
from lib.books.revenues import Ledger
from lib.core.messages import Message, counted, say
from lib.core.root import Root
from lib.values import numbers, periods
from lib.values.money import text_of

CLOSING = "closing"

INVOICED, RECEIVED, DUE = "invoiced", "received", "due"
WHAT = (INVOICED, RECEIVED, DUE)

_Kind = tuple[str, str, str, str]  # nature, VAT category, VAT rate, reason of exemption
_Sum = tuple[int, int]  # net, VAT: cents
_NEVER = "9999-99"  # after any month
Sums = dict[tuple[str, str, _Kind], _Sum]  # by month, one of WHAT, and kind
_Key = TypeVar("_Key", tuple[str, str, _Kind], _Kind)


class ClosedPast(NamedTuple):
    """What closings are made of: what each month has, as the exports of it count, and the numbers
    that were given in it, by month and folder of records."""

    sums: Sums
    numbers: dict[tuple[str, str], list[str]]

    @property
    def first_month(self) -> str:
        """The first month of which there is anything; empty where there is nothing."""
        months = [month for month, _, _ in self.sums]
        return min([*months, *(month for month, _ in self.numbers)], default="")

    def enter(self, history: History) -> None:
        """One more history."""
        for bill in history.issued:
            self.enter_number(bill.date[:7], revenues.DIRECT, bill.number)
        for day, what, kind, net, vat in _amounts(history):
            _add(self.sums, (day[:7], what, kind), net, vat)

    def enter_number(self, month: str, ledger: Ledger, number: str) -> None:
        """One more number."""
        self.numbers.setdefault((month, ledger.records), []).append(number)


def past(root: Root, histories: Iterable[History]) -> ClosedPast:
    """All that the records say.

    Raises:
      Broken: with every disagreement of those of batches, which histories do not have.
    """
    books = ClosedPast({}, {})
    for history in histories:
        books.enter(history)
    for line in _of_batches(root):
        books.enter_number(periods.month_of(line.issue_date), revenues.BATCH, line.number)
    return books


def _of_batches(root: Root) -> Iterator[BalanceRevenue]:
    for client in revenues.owners(root, revenues.BATCH):
        path = revenues.chain_path(root, revenues.BATCH, client)
        yield from records.read_typed(root, path, BalanceRevenue)


def _add(sums: dict[_Key, _Sum], key: _Key, net: int, vat: int) -> None:
    so_far = sums.get(key, (0, 0))
    sums[key] = (so_far[0] + net, so_far[1] + vat)


def _amounts(history: History) -> Iterator[tuple[str, str, _Kind, int, int]]:
    for bill in history.issued:
        sign = -1 if bill.corrects else 1
        for share in bill.shares:
            yield bill.date, INVOICED, _kind(bill, share), sign * share.net, sign * share.vat
    for receipt in allocation.receipts(history):
        day = receipt.source.date
        for share in receipt.shares:
            yield day, RECEIVED, _kind(history.invoice, share), share.net, share.vat
        if receipt.overpaid:
            yield day, RECEIVED, (allocation.OVERPAYMENT, "", "", ""), receipt.overpaid, 0
    for due in tax_points.dues(history):
        yield due.date, DUE, _kind(history.invoice, due.share), due.share.net, due.share.vat


def _kind(bill: IssuedDocument, share: VatShare) -> _Kind:
    exemption = bill.exemptions.get(share.vat_category, "")
    return share.nature, share.vat_category, share.vat_rate, exemption


# --- what is closed ------------------------------------------------------------------


class NotClosed(ValueError):
    """Why a period cannot be closed, and what to do."""

    def __init__(self, why: Message, remedy: Message | None = None):
        self.why, self.remedy = why, remedy
        super().__init__(str(why))


def months_to_close(
    period: str, closed: Iterable[ClosedPeriod], first_month: str, today: date
) -> list[str]:
    """The months that are closed with a period: itself, or those of a year that are open.

    Args:
      first_month: of the records, "2026-10"; empty where there are none.

    Raises:
      NotClosed: for a period that is not over, is closed already, or has an open month before it.
    """
    known = [line.period for line in closed]
    if periods.last_day_of(period) >= today:
        why = say("{period} is not over on {today}", period=period, today=str(today))
        raise NotClosed(why, say("a period is closed when it is over"))
    months = [month for month in known if len(month) > len("2026")]
    own = periods.months_of(period)
    if period in known or (len(own) == 1 and months and own[0] <= max(months)):
        raise NotClosed(say("{period} is closed already", period=period))
    following = next_month(months, first_month, own[-1])
    if following < own[0]:
        why = say("{month}, before {period}, is open", month=following, period=period)
        raise NotClosed(why, say("close it first: make close MONTH={month}", month=following))
    return [month for month in own if month >= following]


def next_month(closed: Iterable[str], first_month: str, otherwise: str) -> str:
    """The month that is to be closed next: after the last one, or the first that has records."""
    last = max(closed, default="")
    if last:
        return periods.add_months(last, 1)
    return min(first_month or otherwise, otherwise)


def could_be_closed(closed: Iterable[ClosedPeriod], first_month: str, today: date) -> list[str]:
    """The months that are over and open, in order; none before the first record."""
    months = [line.period for line in closed if len(line.period) > len("2026")]
    this = periods.month_of(today)
    following = next_month(months, first_month, this)
    return periods.months(following, periods.add_months(this, -1)) if following < this else []


def open_months(root: Root, today: date) -> list[str]:
    """The months that are over and could be closed, in order.

    Raises:
      Broken: with every disagreement of the records that say so.
    """
    closed = closed_periods.read(root)
    first = "" if closed else _first_month(root)
    return could_be_closed(closed, first, today)


def _first_month(root: Root) -> str:
    """ClosedPast.first_month: only histories that have an earlier day are counted for it."""
    first = _NEVER
    for own in histories.by_client(root, histories.clients_of(root), ""):
        for history in own:
            if _first_day(history) < first:
                first = min((first, *(day[:7] for day, *_ in _amounts(history))))
    months = (periods.month_of(line.issue_date) for line in _of_batches(root))
    first = min((first, *months))
    return first if first < _NEVER else ""


def _first_day(history: History) -> str:
    """A day that nothing of it is counted before."""
    invoice = history.invoice
    days = [invoice.date, invoice.delivery, invoice.delivered or invoice.date]
    days += [note.date for note in history.credit_notes]
    days += [movement.date for movement in history.movements]
    return min(days)


def state(closed: Sequence[ClosedPeriod], months: Sequence[str]) -> Message:
    """Up to which day the books are closed, and which months could be.

    Args:
      months: those that are over and open.
    """
    last = max((periods.last_day_of(line.period) for line in closed), default=None)
    until = say("up to {day}", day=str(last)) if last else say("nothing")
    if not months:
        return until
    return say(
        "{until}; {months} could be: make close MONTH={month}",
        until=until,
        months=counted(len(months), "1 month", "{number} months"),
        month=months[0],
    )


# --- the lines -----------------------------------------------------------------------


def facts(
    period: str,
    day: date,
    books: ClosedPast,
    accounts: ClosingAccounts | None,
    heads: list[records.Record],
) -> records.Record:
    """The line of a period that is closed on a day.

    Args:
      accounts: None for a line as it was before 2026-11-30, without them and without reasons of
        exemption.
    """
    months = periods.months_of(period)
    sums = books.sums if accounts else _without_exemptions(books.sums)
    return {
        "kind": CLOSING,
        "period": period,
        "date": day.isoformat(),
        "numbers": _numbers(months, books.numbers),
        **{what: _shares(sums, what, months) for what in WHAT},
        "grand_totals": {what: _grand_total(sums, what, months[-1]) for what in WHAT},
        **({"accounts": msgspec.to_builtins(accounts)} if accounts else {}),
        "heads": heads,
    }


def _numbers(
    months: tuple[str, ...], given: Mapping[tuple[str, str], Iterable[str]]
) -> list[dict[str, object]]:
    """By ledger and code, the first and the last number, and how many there are."""
    of_codes: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for (month, ledger), of_month in given.items():
        for number in of_month if month in months else ():
            parsed = numbers.parse(number)
            of_codes.setdefault((ledger, parsed.code), []).append((parsed.seq, number))
    return [
        {
            "ledger": ledger,
            "code": code,
            "first": min(own)[1],
            "last": max(own)[1],
            "documents": len(own),
        }
        for (ledger, code), own in sorted(of_codes.items())
    ]


def _without_exemptions(sums: Sums) -> Sums:
    merged: Sums = {}
    for (month, what, (nature, category, rate, _)), amounts in sums.items():
        _add(merged, (month, what, (nature, category, rate, "")), *amounts)
    return merged


def _shares(sums: Sums, what: str, months: tuple[str, ...]) -> list[dict[str, str]]:
    found: dict[_Kind, _Sum] = {}
    for (month, of, kind), (net, vat) in sums.items():
        if of == what and month in months:
            _add(found, kind, net, vat)
    return [
        {
            "nature": nature,
            "vat_category": category,
            "vat_rate": rate,
            "net": text_of(net),
            "vat": text_of(vat),
            **({"exemption": exemption} if exemption else {}),
        }
        for (nature, category, rate, exemption), (net, vat) in sorted(found.items())
    ]


def _grand_total(sums: Sums, what: str, last: str) -> dict[str, str]:
    own = [amounts for (month, of, _), amounts in sums.items() if of == what and month <= last]
    return {"net": text_of(sum(net for net, _ in own)), "vat": text_of(sum(vat for _, vat in own))}
