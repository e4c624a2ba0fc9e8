#!/usr/bin/env python3
"""Tells a studio's quarter in a copy of examples/: each command as it is typed, and its answer.

A copy that has records stays as it is.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli
from lib.core.messages import Message, say


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--show", action="store_true", help="only show what would be run")
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_HEAD, _TAIL = 24, 2  # lines of a long answer that are shown; the others are counted
_OF_MAKE = ("MAKE", "MFLAGS", "GNUMAKE")


class StoryStep(NamedTuple):
    """What happens, and the command that is typed for it; ROOT comes behind the command's name."""

    title: Message
    command: str


_QUOTE = "CLIENT=biscuiterie_estran ORDER=boutique"
_FILES = "{root}/exports/payments/statement"
STORY = (
    StoryStep(
        say("A client orders a web shop: a quote to sign"), f"quote {_QUOTE} TODAY=2026-10-12"
    ),
    StoryStep(
        say("It is accepted"), "accept QUOTE=ESTR-D2026-0001 DATE=2026-10-14 TODAY=2026-10-14"
    ),
    StoryStep(say("The deposit is invoiced"), f"invoice {_QUOTE} TODAY=2026-10-14"),
    StoryStep(
        say("The bank's statement of October is read: the deposit was paid"),
        "statement FILE={root}/bank/2026-10.csv BANK=cmo TODAY=2026-11-02",
    ),
    StoryStep(
        say("What it proposes is recorded"),
        f"payments-import FILE={_FILES}-c014ed8a4e06.proposed.csv TODAY=2026-11-02",
    ),
    StoryStep(
        say("Two batch clients hand in October's sales"),
        "cp examples/data/inbox_batch/*.csv {root}/data/inbox_batch/",
    ),
    StoryStep(
        say("October is invoiced: batches, subscriptions, usage"),
        "month MONTH=2026-10 TODAY=2026-11-08",
    ),
    StoryStep(say("What to declare for October"), "declare MONTH=2026-10 TODAY=2026-11-10"),
    StoryStep(say("October is closed"), "close MONTH=2026-10 TODAY=2026-11-10"),
    StoryStep(say("The designs are approved: the milestone"), f"invoice {_QUOTE} TODAY=2026-11-16"),
    StoryStep(
        say("Catalogues came damaged: a credit note for a part"),
        "credit-note INVOICE=PHAR-2026-0001 AMOUNT=120.00"
        ' REASON="Catalogues abîmés" TODAY=2026-11-18',
    ),
    StoryStep(
        say("The statement of November: what names an invoice to the cent is proposed"),
        "statement FILE={root}/bank/2026-11.csv BANK=cmo TODAY=2026-12-01",
    ),
    StoryStep(
        say("It is recorded"),
        f"payments-import FILE={_FILES}-d0ef0f5a1979.proposed.csv TODAY=2026-12-01",
    ),
    StoryStep(
        say("The rest is for a person: a cheque"),
        "payment CLIENT=sidonie_kervella INVOICE=KERV-2026-0001 AMOUNT=484.80 DATE=2026-11-24"
        " METHOD=cheque TODAY=2026-12-01",
    ),
    StoryStep(
        say("And a first instalment"),
        "payment CLIENT=librairie_rose_des_vents INVOICE=ROSE-2026-0001 AMOUNT=500.00"
        " DATE=2026-11-26 METHOD=transfer REFERENCE=ROSE-2026-0001 TODAY=2026-12-01",
    ),
    StoryStep(say("November is invoiced"), "month MONTH=2026-11 TODAY=2026-12-08"),
    StoryStep(say("What to declare for November"), "declare MONTH=2026-11 TODAY=2026-12-10"),
    StoryStep(
        say("The shop is online: the final invoice, less deposit and milestone"),
        f"invoice {_QUOTE} TODAY=2026-12-14",
    ),
    StoryStep(
        say("This demo has no mail server: the mails are said to have left"),
        "mail SENT=all TODAY=2026-12-14",
    ),
    StoryStep(
        say("The statement of December, as camt.053"),
        "statement FILE={root}/bank/2026-12.xml TODAY=2027-01-04",
    ),
    StoryStep(
        say("It is recorded"),
        f"payments-import FILE={_FILES}-9bd25e6a0c42.proposed.csv TODAY=2027-01-04",
    ),
    StoryStep(say("Who owes what"), "overdue DATE=2027-01-04 TODAY=2027-01-04"),
    StoryStep(say("Who is late is reminded"), "reminders TODAY=2027-01-04"),
    StoryStep(say("December is invoiced"), "month MONTH=2026-12 TODAY=2027-01-08"),
    StoryStep(say("What to declare for December"), "declare MONTH=2026-12 TODAY=2027-01-10"),
    StoryStep(say("The year is closed"), "close YEAR=2026 TODAY=2027-01-10"),
    StoryStep(
        say("A client asks for its account"),
        "account CLIENT=biscuiterie_estran FROM=2026-10-01 DATE=2027-01-10 TODAY=2027-01-10",
    ),
    StoryStep(say("A workbook for people who calculate"), "workbook YEAR=2026 TODAY=2027-01-10"),
    StoryStep(say("The year on paper"), "report YEAR=2026 TODAY=2027-01-10"),
    StoryStep(
        say("All that the accountant needs, in one archive"),
        "accountant YEAR=2026 TODAY=2027-01-10",
    ),
    StoryStep(say("Everything is read again and compared"), "verify"),
)


MADE = (
    (say("the quote"), "data/quotes/biscuiterie_estran/2026/ESTR-D2026-0001.pdf"),
    (say("the final invoice"), "data/invoices/biscuiterie_estran/2026/ESTR-2026-0005.pdf"),
    (say("the client's account"), "exports/accounts/biscuiterie_estran-2027-01-10.pdf"),
    (say("the workbook"), "exports/workbook/workbook-2026.xlsx"),
    (say("the year on paper"), "exports/reports/report-2026.pdf"),
    (say("for the accountant"), "exports/accountant/accountant-2026.zip"),
    (say("mails that would have left"), "data/outbox/"),
)


def main(arguments: Namespace, root: Path) -> None:
    """One command after the other; the first that fails ends the story with its status."""
    name = name_of(root)
    commands = [command_of(step, name) for step in STORY]
    if arguments.show:
        print(*commands, sep="\n")
        return
    if (root / "data/heads").exists():
        print(say("its quarter was told already; what it made:"))
    else:
        for step, command in zip(STORY, commands, strict=True):
            print(f"\n# {step.title}\n$ {command}", flush=True)
            answer(command)
        print(f"\n{say('what the quarter made:')}")
    for what, file in MADE:
        print(f"  {name}/{file}  ({what})")
    print(say("edit a client in {folder}/clients/, then: make check ROOT={folder}", folder=name))


def name_of(folder: Path) -> str:
    """A folder as it is typed in the project's own."""
    return str(folder.relative_to(cli.HOME) if folder.is_relative_to(cli.HOME) else folder)


def command_of(step: StoryStep, root: str) -> str:
    """The command of a step, as it is typed."""
    words = step.command.format(root=root)
    if words.startswith("cp "):
        return words
    target, _, values = words.partition(" ")
    return f"make {target} ROOT={root} {values}".rstrip()


def answer(command: str) -> None:
    """Runs a command in the project's folder and shows what it says; the middle of a long answer
    is counted.

    Raises:
      SystemExit: if it fails.
    """
    handed_down = {name: os.environ[name] for name in os.environ if not name.startswith(_OF_MAKE)}
    ran = subprocess.run(  # noqa: S603
        ["/bin/bash", "-c", command],
        cwd=cli.HOME,
        env=handed_down,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    lines = ran.stdout.splitlines()
    more = len(lines) - _HEAD - _TAIL
    if more > 1 and not ran.returncode:
        lines[_HEAD:-_TAIL] = [str(say("… {number} more lines", number=more))]
    if lines:
        print(*lines, sep="\n", flush=True)
    if ran.returncode:
        sys.exit(ran.returncode)


if __name__ == "__main__":
    cli.run_without_root(lambda: main(ARGUMENTS, ARGUMENTS.root.resolve()))
