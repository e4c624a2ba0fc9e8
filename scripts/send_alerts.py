#!/usr/bin/env python3
"""Reports a run to the operator: on stderr, in the log, by mail.

`make month`, `make batch` and `make reminders` end with such a summary, whatever happened: what
was recorded since the last one, by any command, what was refused, what needs a decision, and a
witness, the heads of the records. Without any of it, and without a new notice, no mail is sent.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--command", required=True, help="month, batch or reminders")
    cli.add_today(options)
    options.add_argument("--month", default="", help="2026-10 (empty: it is not known)")
    options.add_argument("--status", type=int, default=0, help="what the run ended with")
    options.add_argument(
        "--run", type=Path, help="the folder of Make's notes of it (default: none)"
    )
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from lib.core import alerts
from lib.core.root import Root
from lib.summary import last_summary
from lib.summary.last_summary import EndedRun


def main(arguments: Namespace, root: Root) -> None:
    """One summary, or one line."""
    last_summary.report(root, run_of(arguments))


def run_of(arguments: Namespace) -> EndedRun:
    """The run, from the notes of it in a folder, if any: the step it came to, its alerts."""
    if arguments.run is None:
        return EndedRun(arguments.command, arguments.today, arguments.month, "", [])
    failed = ""
    if arguments.status:
        failed = (arguments.run / "step").read_text(encoding="utf-8").strip()
    said = alerts.noted(arguments.run / "alerts")
    return EndedRun(arguments.command, arguments.today, arguments.month, failed, said)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
