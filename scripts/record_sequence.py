#!/usr/bin/env python3
"""Records the last number of a year that the tool before gave: the next one is the first here.

It stands in the revenues of its code (data/revenues/F.jsonl), before the first number of that
year. REASON is free text and comes from the environment. AGAIN=yes corrects it, as long as no
number of the year exists.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli
from lib.core.messages import say


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--code", default="", help="F: the code in front of the numbers")
    options.add_argument("--year", type=cli.year, required=True, help="2026")
    options.add_argument("--last", type=_last, required=True, help="147")
    options.add_argument("--again", type=cli.yes, default=False, help="yes: it takes its place")
    cli.add_today(options)
    return options


def _last(text: str) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= 999_999:
        return int(text)
    found = say('"{text}" is not a whole number from 1 to 999999', text=text)
    raise cli.Unfit(found, say("write one such as 147"))


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from datetime import date

from lib.books import (
    histories,
    issuing,
    numbering,
    openings,
    payments,
    recording,
    records,
    revenues,
)
from lib.books.numbering import Sequence, Sequences
from lib.books.revenues import Ledger
from lib.core.faults import Alert, Refused
from lib.core.root import Root
from lib.inputs import inputs, schemas, settings
from lib.inputs.inputs import Inputs
from lib.values import numbers


def main(arguments: Namespace, root: Root) -> None:
    """One line in data/revenues/<code>.jsonl, or a refusal."""
    code, year, last = arguments.code, int(arguments.year), arguments.last
    reason = recording.free_text("REASON")
    if misfit := schemas.check("common", ("$defs", "text"))(reason):
        raise Refused([Alert("B-SEQUENCE", "", misfit.fault("REASON"))])
    fact = {"kind": "sequence", "code": code, "year": year, "last": last, "reason": reason}
    fact["date"] = arguments.today.isoformat()
    command = f"sequence {code} {year} {last} {reason}"
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        if run.just_finished:
            return
        content = inputs.load(root)
        ledger = _ledger(content, code)
        if year > arguments.today.year:
            text = say("{year} has not begun; its numbers begin at 1 here", year=str(year))
            raise cli.refuse("B-SEQUENCE", "", "YEAR", text)
        sequences = revenues.sequences(root, ledger)
        _refuse_if_begun(sequences.get((code, year)), code, year, arguments.again)
        sequences[code, year] = Sequence(last, date(year, 1, 1), "")
        _refuse_openings_to_come(root, sequences, code, year)
        run.append(records.read(root, revenues.chain_path(root, ledger, code)), [fact])
        numbering.stage(run, ledger.counters, sequences)
        run.commit()
    day = min(arguments.today, date(year, 12, 31))
    first = numbers.write(content.issuer.issuer.number_format, code, day, last + 1)
    said = say(
        "the numbers of {code} in {year} go on after {last}: the first one here is {first}",
        code=code,
        year=str(year),
        last=last,
        first=first,
    )
    recording.report(root, "", "record_sequence.py", said)


def _ledger(content: Inputs, code: str) -> Ledger:
    """Whose numbers have a code.

    Raises:
      Refused: if no client has it.
    """
    codes = revenues.codes(content)
    if code in codes:
        return codes[code]
    found = say('"{code}" is not a code that numbers have here', code=code)
    remedy = say("they have {codes}", codes=tuple(codes))
    raise cli.refuse("B-SEQUENCE", "", "CODE", found, remedy=remedy)


def _refuse_if_begun(sequence: Sequence | None, code: str, year: int, again: bool) -> None:
    """A sequence goes on from another tool's before its first number here, and once.

    Raises:
      Refused: where it has begun.
    """
    if sequence is None:
        return
    if sequence.format:
        found = say(
            "{number} exists: the numbers of {code} in {year} have begun here",
            number=sequence.last_number(code),
            code=code,
            year=str(year),
        )
        raise cli.refuse("B-SEQUENCE", "", "YEAR", found)
    if not again:
        found = say(
            "the numbers of {code} in {year} go on after {last} already",
            code=code,
            year=str(year),
            last=sequence.seq,
        )
        remedy = say("AGAIN=yes puts another LAST in its place")
        raise cli.refuse("B-SEQUENCE", "", "LAST", found, remedy=remedy)


def _refuse_openings_to_come(root: Root, sequences: Sequences, code: str, year: int) -> None:
    """An open invoice of the tool before has a number that was given there.

    Raises:
      Refused: where the sequence would give it again.
    """
    for client in histories.clients_of(root):
        for line in openings.standing(openings.read(root, client)):
            number = numbering.still_to_come(sequences, line.number, year)
            if number and (number.code, number.year) == (code, year):
                found = say(
                    "{number} comes later, but opening {name} has it: it was given already",
                    number=line.number,
                    name=payments.name(client, line.seq),
                )
                remedy = say("write the last number that the tool before gave")
                raise cli.refuse("B-SEQUENCE", "", "LAST", found, remedy=remedy)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
