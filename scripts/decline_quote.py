#!/usr/bin/env python3
"""Records that a client declined a quote. REASON is free text and comes from the environment."""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--quote", required=True, help="NORD-D2026-0001")
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from lib.books import answering, issuing, quotations, recording, records
from lib.core.messages import say
from lib.core.root import Root
from lib.inputs import schemas, settings

_SCRIPT = "decline_quote.py"


def main(arguments: Namespace, root: Root) -> None:
    """The story of a refusal."""
    number, day = arguments.quote, arguments.today
    reason = recording.free_text("REASON")
    if reason:
        schemas.check_typed("REASON", reason, "text")
    command = f"decline_quote {number} {reason}"
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        if run.just_finished:
            print(say("{number} was declined by finishing the stopped run", number=number))
            return
        quotation = answering.find(root, number)
        answering.check_open(quotation, declines=True)
        answering.check_day(quotation, "TODAY", day)
        client = quotation.fact.client
        fact = quotations.refusal(quotation.fact, day, reason)
        run.append(records.end_of(quotations.chain_path(root, client), quotation.lines), [fact])
        run.commit()
    text = say("{number} declined on {day}", number=number, day=str(day))
    answering.report(root, client, _SCRIPT, text)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
