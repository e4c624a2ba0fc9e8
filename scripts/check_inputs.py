#!/usr/bin/env python3
"""Checks every input of a root: issues nothing, writes nothing but its log."""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--today", type=cli.day, help="what the law says on that day, 2026-11-08")
    options.add_argument(
        "--month", type=cli.month, help="shows the prices that hold in it, 2027-01"
    )
    options.add_argument("--law", action="store_true", help="what it says today")
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from lib.books import bills, revenues
from lib.core import alerts, dates, lock, tables
from lib.core.faults import Alert, Refused
from lib.core.messages import counted, say
from lib.core.root import Root
from lib.inputs import inputs, settings
from lib.inputs.inputs import Inputs
from lib.summary import law_notices


def main(arguments: Namespace, root: Root) -> None:
    """Loads all that a run would load; what it refuses is listed line by line."""
    wait = settings.load(root).lock_wait
    content = inputs.load(root)
    unfit = unfit_usage(root, content, wait)
    if unfit:
        raise Refused(unfit)
    if arguments.law or arguments.today:
        today = dates.of_run(root, arguments.today, None, None).today
        with lock.shared(root, wait):
            revenues.refuse_other_format(root, today.year, content.issuer.issuer.number_format)
        notices = [*law_notices.of_inputs(content, today), *law_notices.old_law(today)]
        alerts.report(root.logs, "check_inputs.py", notices)
    if arguments.month:
        headings = [say("client"), say("plan"), say("item"), say("since"), say("price")]
        rows = [
            (price.client, price.plan, price.item, price.since, price.price)
            for price in bills.prices_in(content, arguments.month)
        ]
        title = say("prices in {month}", month=arguments.month)
        tables.show(title, headings, rows, right=1)
    files = sum(len(sources) for sources in content.usage.values())
    clients = counted(len(content.clients), "1 client", "{number} clients")
    usage = counted(files, "1 usage file", "{number} usage files")
    orders = counted(len(content.orders), "1 order", "{number} orders")
    print(
        say(
            "the inputs are sound: {clients}, {usage}, {orders}",
            clients=clients,
            usage=usage,
            orders=orders,
        )
    )


def unfit_usage(root: Root, content: Inputs, wait: int) -> list[Alert]:
    """What does not fit the plans, in the usage of months that are not invoiced yet."""
    unfit = {
        key: files for key, files in content.usage.items() if any(file.unfit for file in files)
    }
    with lock.shared(root, wait):
        issued = {
            client: revenues.lines_of(root, revenues.DIRECT, client)
            for client in sorted({client for client, _ in unfit})
        }
    return [
        alert
        for (client, month), files in unfit.items()
        if not revenues.is_invoiced(issued[client], month)
        for file in files
        for alert in file.unfit
    ]


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, finds_days=False)
