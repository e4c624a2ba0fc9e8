#!/usr/bin/env python3
"""Reverses one open invoice of the tool before that was entered wrongly.

The line stays; a line that takes it out again follows. REASON is free text and comes from the
environment. Once something was paid of it here, that payment is reversed first.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--opening", default="", help="studio_nord/3, as its recording said")
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from datetime import date

from lib.books import closed_periods, issuing, openings, payments, recording, records
from lib.books.record_lines import OpeningLine
from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import counted, say
from lib.core.root import Root
from lib.inputs import schemas, settings


def main(arguments: Namespace, root: Root) -> None:
    """One line in data/openings/<client>.jsonl, or a refusal."""
    name, reason = arguments.opening, recording.free_text("REASON")
    typed = {"opening": name, "reason": reason}
    if wrong := schemas.faults(typed, "opening_reversal", ""):
        places = [alert.fault._replace(place=alert.fault.place.upper()) for alert in wrong]
        raise Refused(Alert("B-OPENING", "", fault) for fault in places)
    client, seq = payments.parse_name(name)
    command = f"opening reversal {name} {recording.fingerprint(typed)}"
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        if run.just_finished:
            print(say("{name} was reversed by finishing the run that had stopped", name=name))
            return
        lines = openings.read(root, client)
        line = _standing(lines, client, seq)
        _refuse_if_paid(root, line)
        _refuse_if_closed(line, run.closed)
        chain = records.read(root, openings.chain_path(root, client))
        fact = openings.reversal(line, arguments.today.isoformat(), reason)
        run.append(chain, [fact])
        run.commit()
    new = payments.name(client, chain.seq + 1)
    said = say("{name}: reversal of {of}, {number}", name=new, of=name, number=line.number)
    recording.report(root, client, "reverse_opening.py", said)


def _standing(lines: list[OpeningLine], client: str, seq: int) -> OpeningLine:
    """The opening of this name.

    Raises:
      Refused: if there is none, or it is reversed already.
    """
    for line in openings.standing(lines):
        if line.seq == seq:
            return line
    name = payments.name(client, seq)
    found = say("{name} is not an opening that stands", name=name)
    count = counted(len(lines), "1 line", "{number} lines")
    remedy = say("{client} has {lines}", client=client, lines=count)
    raise cli.refuse("B-OPENING", "", "OPENING", found, client, remedy)


def _refuse_if_closed(line: OpeningLine, closed: date) -> None:
    """What was owed when a period was closed stays so; what will not be paid is written off.

    Raises:
      Refused: if its date is closed.
    """
    remedy = say(
        "it stays: `make write-off INVOICE={number} KIND=difference` closes what was wrong of it",
        number=line.number,
    )
    day = date.fromisoformat(line.issue_date)
    if found := closed_periods.faults("OPENING", day, closed, remedy):
        raise Refused(closed_periods.alerts(found, client=line.client))


def _refuse_if_paid(root: Root, line: OpeningLine) -> None:
    """What was recorded of an opening here has to be taken out first.

    Raises:
      Refused: with each payment of it that stands.
    """
    paid = payments.entries(payments.read_client(root, line.client).records)
    standing = [entry for entry in paid if entry.invoice == line.number and entry.standing]
    if standing:
        raise Refused(
            Alert(
                "B-OPENING",
                "",
                Fault(
                    "OPENING",
                    say("{number} has {entry}", number=line.number, entry=entry.name),
                    remedy=say(
                        "take that out first: `make payment-reverse PAYMENT={entry} REASON=...`",
                        entry=entry.name,
                    ),
                ),
                line.client,
            )
            for entry in standing
        )


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
