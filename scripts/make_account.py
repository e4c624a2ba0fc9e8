#!/usr/bin/env python3
"""A statement of account of a client, in exports/accounts/<client>-<date>.pdf.

Its opening balance, each document and each movement of money with the balance after it, what
is outstanding by document and by age on --date, and how to pay it in one transfer. The figures
come from the records alone; the seller and the client are as issuer.json and the client's
file have them.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--client", required=True, help="studio_nord")
    options.add_argument(
        "--from",
        dest="start",
        type=cli.day_or_none,
        default=None,
        help="the first day (default: 1 January of the year of --date)",
    )
    options.add_argument(
        "--date", type=cli.day_or_none, default=None, help="the last day (default: today)"
    )
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from lib.accounting import exports
from lib.billing import invoicing
from lib.books import client_accounts, histories
from lib.core import dates
from lib.core.messages import figure, say
from lib.core.root import Root
from lib.documents import account_pdf
from lib.documents.account_pdf import AccountPaper
from lib.inputs import inputs
from lib.values.money import text_of


def main(arguments: Namespace, root: Root) -> None:
    """One PDF."""
    client, day = arguments.client, arguments.date or arguments.today
    start = arguments.start or day.replace(month=1, day=1)
    dates.refuse_future("DATE", day, arguments.today, say("what is owed then is not known yet"))
    if start > day:
        found = say("{start} is after {day}, its last day", start=str(start), day=str(day))
        remedy = say("write an earlier FROM, or a later DATE")
        raise cli.refuse("B-USAGE", "", "FROM", found, remedy=remedy)
    with exports.held(root, f"make_account {client}"):
        content = inputs.load(root, client)
        content.check_client(client)
        (own,) = histories.by_client(root, [client], "")
        account = client_accounts.of_client(own, start, day)
        seller, logo = invoicing.seller_of(content.issuer.issuer, ""), content.issuer.logo
        buyer = content.clients[client].client
        statement = AccountPaper(account, seller, buyer.party, buyer.language, buyer.currency)
        pdf = account_pdf.render(statement, logo.data if logo else None)
        exports.write(root, {f"accounts/{client}-{day}.pdf": pdf})
    print(
        say(
            "{client}: balance {balance} {currency} on {day}, of which {late} late",
            client=client,
            balance=figure(text_of(account.closing)),
            currency=statement.currency,
            day=str(day),
            late=figure(text_of(account.late)),
        )
    )


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
