#!/usr/bin/env python3
"""Tells the operator what a run came to: on stderr, in the log, by mail.

`make month`, `make batch` and `make reminders` end with it, whatever happened. What was
recorded since the last summary, by whichever command, what was refused, what needs a
decision, and a witness: the heads of the records. Where there is none of it and no new
notice, nothing is said and no mail goes.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    made.add_argument("--command", required=True, help="month, batch or reminders")
    made.add_argument("--today", type=cli.day, required=True, help="the date of today")
    made.add_argument("--month", default="", help="2026-10 (empty: it could not be told)")
    made.add_argument("--status", type=int, default=0, help="what the run ended with")
    made.add_argument("--run", type=Path, required=True, help="the folder of Make's notes of it")
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from lib import alerts, told
from lib.alerts import Refused
from lib.root import Root
from lib.told import Run

_SCRIPT = "send_alerts.py"


def main(arguments: Namespace, root: Root) -> None:
    """Looks whether there may be something to tell, and only then reads the house.

    Raises:
      Refused: if the run went on past something that is wrong, and ended well but for that.
    """
    run = run_of(arguments)
    before, sight = told.read(root), told.sight(root, run)
    if sight and sight == before.sight and not (run.failed or run.said):
        say_nothing(arguments.run, root, run)
        return
    # Reads inputs and records, and imports what all of that needs.
    from lib import summaries

    summary = summaries.look(root, run, before)
    if summary.is_news:
        summaries.say(root, summary, _SCRIPT)
    else:
        say_nothing(arguments.run, root, run)
    summaries.send(root, summary, before, sight, _SCRIPT)
    if not arguments.status and any(alert.code.startswith("B-") for alert in run.said):
        raise Refused([])  # each was said where it was found


def run_of(arguments: Namespace) -> Run:
    """The run, from what Make noted of it in a folder: the step it came to, its alerts."""
    failed = (arguments.run / "step").read_text().strip() if arguments.status else ""
    said = alerts.noted(arguments.run / "alerts")
    return Run(arguments.command, arguments.today, arguments.month, failed, said)


def say_nothing(folder: Path, root: Root, run: Run) -> None:
    """One line, and nothing at all where Make keeps back what was said (QUIET)."""
    outcome = f"{run.name}: nothing to do, nothing new"
    alerts.write_log(root.logs, "", "INFO", _SCRIPT, "I-RUN", outcome)
    print(outcome)
    (folder / "said").unlink(missing_ok=True)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
