#!/usr/bin/env python3
"""Records that a client accepted a quote, and keeps the file that was signed.

A quote is accepted once, after it has expired too: whoever offered it may still agree.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--quote", required=True, help="NORD-D2026-0001")
    options.add_argument("--date", type=cli.day, required=True, help="2026-12-03")
    options.add_argument("--file", default="", help="what was signed: a PDF, JPEG or PNG file")
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from pathlib import Path
from typing import NamedTuple

from lib.books import answering, issuing, quotations, records
from lib.core import dates, handed_file, storage
from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import say
from lib.core.root import Root
from lib.inputs import settings

_SCRIPT = "accept_quote.py"
_LARGEST = 20_000_000  # bytes of a signed file
_BEGINNINGS = {b"%PDF-": "pdf", b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png"}


class Signed(NamedTuple):
    """A file that was signed: its bytes, and what its name ends with; neither without one."""

    data: bytes
    suffix: str


def main(arguments: Namespace, root: Root) -> None:
    """The story of an acceptance."""
    number, day = arguments.quote, arguments.date
    signed = read_signed(arguments.file)
    digest = storage.sha256(signed.data) if signed.suffix else ""
    command = f"accept_quote {number} {day} {digest[:12]}"
    with issuing.begin(root, command, settings.load(root).lock_wait) as run:
        if run.just_finished:
            print(say("{number} was accepted by finishing the stopped run", number=number))
            return
        quotation = answering.find(root, number)
        answering.check_open(quotation, declines=False)
        expected = say("give the day on which it was accepted")
        dates.refuse_future("DATE", day, arguments.today, expected, quotation.fact.client)
        answering.check_day(quotation, "DATE", day)
        client = quotation.fact.client
        if signed.suffix:
            name = quotations.signed_path(root, client, number, signed.suffix)
            run.stage_proof(name, signed.data)
        fact = quotations.acceptance(quotation.fact, day, signed.suffix, digest)
        run.append(records.end_of(quotations.chain_path(root, client), quotation.lines), [fact])
        run.commit()
    values = {"number": number, "order": quotation.fact.order, "day": str(day)}
    text = say("{number} accepted on {day}: order {order} may be invoiced", **values)
    answering.report(root, client, _SCRIPT, text)
    if signed.suffix:
        print(say("{file} kept", file=root.name_of(name)))


def read_signed(file: str) -> Signed:
    """The file that was signed.

    Raises:
      Refused: if it is missing, too large, or not of a kind that is kept.
    """
    if not file:
        return Signed(b"", "")
    data = handed_file.read(Path(file), _LARGEST, say("scan it again, smaller"))
    for beginning, suffix in _BEGINNINGS.items():
        if data.startswith(beginning):
            return Signed(data, suffix)
    found = say("is not a PDF, JPEG or PNG file")
    fault = Fault("FILE", found, remedy=say("scan or save it as one of these"))
    raise Refused([Alert("B-QUOTE", file, fault)])


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
