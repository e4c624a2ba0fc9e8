"""Recurring revenue: what plans were billed without VAT, in the months that it is for.

A service counts in equal parts in the months that begin within it, counted from its first day: a
fee of 1200.00 for a year from 15 March is 100.00 in each of twelve months from March on, one for
15 October to 14 November is all October's. Months whose first day it pauses on have nothing of
it. A credit note takes back in the months that its own days are of. Records of before 2026-11-30 do
not say what a service comes to: their documents do.
"""

from collections.abc import Iterator
from datetime import date
from operator import attrgetter

from msgspec import convert
from msgspec.structs import replace

from lib.books import proofs, records, revenues
from lib.books.record_lines import RecurringRevenue, RecurringService
from lib.core.faults import Alert, Broken, collecting
from lib.core.root import Root
from lib.values import periods
from lib.values.document import from_json
from lib.values.money import cents_of

Share = tuple[str, int]  # a month, and cents that count in it


def read(root: Root) -> Iterator[RecurringRevenue]:
    """The records of all clients that bill something of a plan, or take it back, in order of
    client.

    Raises:
      Broken: after the last of them, with every disagreement.
    """
    faults: list[Alert] = []
    for client in revenues.owners(root, revenues.DIRECT):
        with collecting(faults):
            path = revenues.chain_path(root, revenues.DIRECT, client)
            for line in records.read_typed(root, path, RecurringRevenue):
                if line.services:
                    yield _with_nets(root, line)
    if faults:
        raise Broken(faults)


def _with_nets(root: Root, line: RecurringRevenue) -> RecurringRevenue:
    if all(service.net for service in line.services):
        return line
    path = revenues.proof_path(root, revenues.DIRECT, line.client, line.number, "json")
    document = from_json(proofs.read(root, path, line.document_sha256, line.client))
    services = convert(revenues.services_of(document), tuple[RecurringService, ...])
    return replace(line, services=services)


def shares(line: RecurringRevenue) -> Iterator[Share]:
    """What a record adds to each month, in cents; below 0 what a credit note takes back.

    One-off lines, which are of no plan, do not come again.
    """
    sign = -1 if line.corrects else 1
    for service in filter(attrgetter("plan"), line.services):
        months = _months(service)
        before = 0
        for i, month in enumerate(months, 1):
            upto = cents_of(service.net) * i // len(months)
            yield month, sign * (upto - before)
            before = upto


def _months(service: RecurringService) -> list[str]:
    """The months that begin within a service, counted from its first day; at least one."""
    first = periods.month_of(service.start)
    count = periods.months_between(first, periods.month_of(service.end))
    days = [_same_day(periods.add_months(first, i), service.start) for i in range(count + 1)]
    begun = [day for day in days if day <= service.end]
    billed = [day for day in begun if not any(start <= day <= end for start, end in service.pauses)]
    return [periods.month_of(day) for day in billed or begun]


def _same_day(month: str, day: date) -> date:
    """The day of a month that has the number of another; its last one where it has none."""
    last = periods.last_day(month)
    return last.replace(day=min(day.day, last.day))
