#!/usr/bin/env python3
"""Issues a quote of an order: a number of its own, a PDF to sign, a record.

An order that changed since is quoted again as the next version, which supersedes the one before.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--client", required=True, help="studio_nord")
    options.add_argument("--order", required=True, help="website")
    cli.add_dates(options, month_too=False)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from datetime import date

from lib.billing import quoting
from lib.billing.quoting import Version
from lib.books import issuing, numbering, quotations, records
from lib.books.numbering import Numbered, Sequences
from lib.books.quotations import ACCEPTED, WAITING, Quotation
from lib.books.record_lines import QuotationLine
from lib.core import alerts, dates
from lib.core.faults import Alert, Broken, Fault, Refused, Stop, collecting
from lib.core.messages import say
from lib.core.root import Root
from lib.documents import direct_invoices, production, quote_pdf
from lib.inputs import inputs, settings
from lib.inputs.inputs import Inputs
from lib.inputs.order_files import OrderInput
from lib.values import money, numbers
from lib.values.document import Preceding
from lib.values.quote import Quote, to_json

_SCRIPT = "issue_quote.py"


def main(arguments: Namespace, root: Root) -> None:
    """The story of a quote."""
    client, day = arguments.client, arguments.issue_date
    dates.refuse_future("ISSUE_DATE", day, arguments.today, say("a quote is not post-dated"))
    command = f"issue_quote {client} {arguments.order}"
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        files = inputs.load(root, only=client)
        order = inputs.order_of(files, client, arguments.order)
        lines, numbered = read(root, client)
        sequences = numbering.read(root, quotations.LEDGER.counters, numbered)
        versions = quotations.of_order(lines, order.order.id)
        quote = decide(files, order, versions, sequences, day)
        if standing := same_quote(root, quote, versions, day):
            if not run.just_finished:
                raise refuse_again(order, standing, day)
            print(say("{number} was issued by finishing the stopped run", number=standing.number))
            return
        pdf = quote_pdf.render(quote, files.issuer.logo.data if files.issuer.logo else None)
        fact = quotations.stage(run, quote, to_json(quote), pdf)
        run.append(records.end_of(quotations.chain_path(root, client), lines), [fact])
        direct_invoices.archive(run, files, quote.sources.values())
        numbering.stage(run, quotations.LEDGER.counters, sequences)
        run.commit()
    report(root, quote)


def read(root: Root, client: str) -> tuple[list[QuotationLine], list[Numbered]]:
    """The quotation records of a client, and the numbers of all quotes.

    Raises:
      Broken: with every disagreement of the records.
    """
    own: list[QuotationLine] = []
    numbered: list[Numbered] = []
    faults: list[Alert] = []
    for owner in records.owners(root, quotations.folder(root)):
        with collecting(faults):
            lines = quotations.read(root, owner)
            numbered += quotations.numbers_of(root, owner, lines)
            own = lines if owner == client else own
    if faults:
        raise Broken(faults)
    return own, numbered


def decide(
    files: Inputs, order: OrderInput, versions: list[Quotation], sequences: Sequences, day: date
) -> Quote:
    """The quote, with the next number of `sequences`.

    Raises:
      Refused: if the sequence has a later date already.
    """
    client, issuer = files.clients[order.order.client].client, files.issuer.issuer
    number = direct_invoices.next_number(files, client, sequences, day, numbers.QUOTE)
    supersedes = None
    if versions:
        last = versions[-1].fact
        issued = date.fromisoformat(last.issue_date)
        supersedes = Preceding(number=last.number, issue_date=issued)
    return quoting.quote(
        order.order,
        Version(number, len(versions) + 1, supersedes),
        client,
        issuer,
        day,
        direct_invoices.sources_of(files, client.id, [order.source]),
        dict(production.renderer()),
        direct_invoices.logo_of(files),
    )


def same_quote(root: Root, quote: Quote, versions: list[Quotation], day: date) -> Quotation | None:
    """The quote that stands and says the same: it waits, or was accepted.

    What was declined or has expired may be offered again as it was.
    """
    if not versions or versions[-1].status(day) not in (WAITING, ACCEPTED):
        return None
    before = quotations.proved_quote(root, versions[-1].fact)
    return versions[-1] if quoting.is_unchanged(before, quote) else None


def refuse_again(order: OrderInput, standing: Quotation, day: date) -> Stop:
    """A refusal to quote the same again, which says what stands."""
    number = standing.number
    if standing.status(day) == ACCEPTED:
        found = say("{number} quotes it as it is, and was accepted", number=number)
    else:
        until = str(standing.fact.valid_until)
        found = say(
            "{number} quotes it as it is, and waits for an answer until {day}",
            number=number,
            day=until,
        )
    remedy = say("change {file} first", file=order.source.name)
    fault = Fault("ORDER", found, remedy=remedy)
    return Refused([Alert("B-QUOTE", "", fault, order.order.client)])


def report(root: Root, quote: Quote) -> None:
    """Prints what was issued, and logs it."""
    text = say(
        "{number}: quote of {order}, version {version}, {amount} {currency}, valid until {day}",
        number=quote.number,
        order=quote.order,
        version=quote.version,
        amount=money.shown(quote.totals.gross),
        currency=quote.currency,
        day=str(quote.valid_until),
    )
    alerts.write_log(root.logs, quote.client, "INFO", _SCRIPT, "I-ISSUED", text)
    print(text)
    if quote.supersedes:
        print(say("it supersedes {number}", number=quote.supersedes.number))
    path = quotations.proof_path(root, quote.client, quote.number, "pdf")
    print(say("{file}; `make mail` sends it", file=root.name_of(path)))


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
