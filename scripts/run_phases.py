#!/usr/bin/env python3
"""Runs the phases of `make month`, `make batch` or `make reminders`, then reports to the operator.

Each phase is a make of its own, since one creates what the next one reads; before it, a flag
that no longer holds is removed, and a phase in which Make then has nothing to do says so. A phase
that fails ends the run. Whatever happened, the summary follows, and the exit status stays.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli

PHASES = {
    "month": ("batches", "direct", "packages", "balances", "mail", "platform"),
    "batch": ("batch",),
    "reminders": ("reminders",),
}
HANDED_ON = {"month": (), "batch": ("CLIENT",), "reminders": ("DATE", "DRY_RUN")}


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("command", choices=PHASES)
    cli.add_dates(options)
    options.add_argument("--mail", type=cli.yes, default=True, help="no: this month sends no mail")
    options.add_argument("--quiet", default="", help="1: say nothing where nothing is new")
    options.add_argument("--dry-run", type=cli.switch, default=False, help="1: without a summary")
    options.add_argument("--make", default="make", help="the make that runs a phase")
    options.add_argument("--show", action="store_true", help="only show what would be run")
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from lib.core import alerts, dates, flags
from lib.core.dates import Dates
from lib.core.faults import Refused
from lib.core.messages import Message, say
from lib.core.root import Root
from lib.summary import last_summary
from lib.summary.last_summary import EndedRun

_SCRIPT = "run_phases.py"
_FLAGS = {"direct", "packages", "balances", "mail", "platform"}
_OF_MAKE = ("MAKE", "MFLAGS", "GNUMAKE")


def main(arguments: Namespace, root: Root) -> None:
    """Phase after phase, and the summary."""
    if arguments.show:
        show(arguments, root)
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    is_quiet = arguments.quiet not in ("", "0", "no")
    with kept_back() if is_quiet else may_be_left() as said:
        status, is_news = run(arguments, root)
        if said is not None and not status and not is_news:
            sys.stdout.flush()
            said.truncate(0)
    sys.exit(status)


def run(arguments: Namespace, root: Root) -> tuple[int, bool]:
    """What the run ended with, and whether there was something to report."""
    with tempfile.NamedTemporaryFile() as log:
        os.environ["RUN_LOG"] = log.name
        failed, status = "", 0
        try:
            days = days_of(arguments, root)
        except Refused as refused:
            if not root.issuer.exists():
                raise
            alerts.report(root.logs, _SCRIPT, refused.alerts)
            days, failed, status = Dates(dates.of_machine(), dates.of_machine(), ""), "dates", 1
        else:
            if arguments.command == "month":
                print(
                    say(
                        "month {month}, issue date {day}",
                        month=days.month,
                        day=str(days.issue_date),
                    )
                )
            failed, status = run_phases(arguments, root, days)
        if arguments.dry_run:
            return status, True
        said = alerts.noted(Path(log.name))
        about = EndedRun(arguments.command, days.today, days.month, failed, said)
        return status, last_summary.report(root, about)


def days_of(arguments: Namespace, root: Root) -> Dates:
    """The days that the phases are given."""
    return dates.of_run(root, arguments.today, arguments.issue_date, arguments.month)


def run_phases(arguments: Namespace, root: Root, days: Dates) -> tuple[str, int]:
    """Runs what is to do; returns the phase that failed, or "", and its exit status."""
    names = phases_of(arguments)
    for name in names:
        drop_flag(root, name, days)
    command = make(arguments, days)
    if ask(command, *names):
        for name in names:
            print(_nothing_left(name))
        return "", 0
    for name in names:
        drop_flag(root, name, days)
        if ask(command, name):
            print(_nothing_left(name))
            continue
        if status := call(command, name):
            return name, status
    return "", 0


def _nothing_left(phase: str) -> Message:
    return say("{phase}: nothing left to do", phase=flags.step(phase))


def phases_of(arguments: Namespace) -> list[str]:
    """The phases of a command, in order."""
    names = PHASES[arguments.command]
    return [name for name in names if arguments.mail or name != "mail"]


def drop_flag(root: Root, name: str, days: Dates) -> None:
    """Removes the flag of a phase if it no longer holds."""
    if name in _FLAGS:
        flags.drop(root, name, days.month if name == "direct" else "")


def make(arguments: Namespace, days: Dates) -> list[str]:
    """The command line of a make for phases: all that it is to know is typed."""
    values = {"TODAY": days.today, "ISSUE_DATE": days.issue_date, "MONTH": days.month}
    values |= {name: cli.typed(name) for name in HANDED_ON[arguments.command]}
    values |= {"ROOT": arguments.root, "RUN_LOG": os.environ.get("RUN_LOG", "")}
    typed = [f"{name}={value}" for name, value in values.items()]
    return [arguments.make, "-f", str(cli.HOME / "Makefile"), "--no-print-directory", *typed]


def ask(command: list[str], *names: str) -> bool:
    """Whether Make has nothing to do for these phases."""
    return call([*command, "-q"], *names, errors=subprocess.DEVNULL) == 0


def call(command: list[str], *names: str, errors: int | None = None) -> int:
    """Runs a make for phases; interrupted with us, it ends in its own way before we do."""
    handed_down = {name: os.environ[name] for name in os.environ if not name.startswith(_OF_MAKE)}
    words = [*command, *(f"phase-{name}" for name in names)]
    sys.stdout.flush()
    process = subprocess.Popen(words, env=handed_down, stderr=errors)  # noqa: S603
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()
        raise


def show(arguments: Namespace, root: Root) -> None:
    """What the phases would run, as Make shows it; nothing is run, and no flag removed."""
    days = days_of(arguments, root)
    for name in phases_of(arguments):
        if name in _FLAGS and flags.stands(root, name, days.month if name == "direct" else ""):
            print(_nothing_left(name))
            continue
        call([*make(arguments, days), "-n", "-B"], name)
    print(
        f"{cli.HOME}/scripts/send_alerts.py --root {arguments.root} --command {arguments.command}"
    )


@contextmanager
def kept_back() -> Iterator[IO[bytes] | None]:
    """Keeps back what this process and its phases say, in the file that it yields, and says
    all that is left in it on stderr at the end, however that comes."""
    with tempfile.TemporaryFile() as said:
        out, err = os.dup(1), os.dup(2)
        sys.stdout.flush()
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        try:
            yield said
        finally:
            sys.stdout.flush()
            os.dup2(out, 1)
            os.dup2(err, 2)
            said.seek(0)
            shutil.copyfileobj(said, sys.stderr.buffer)
            sys.stderr.flush()


@contextmanager
def may_be_left() -> Iterator[IO[bytes] | None]:
    """Whoever reads the output may stop early, as `head` does: the run goes on all the same."""
    if sys.stdout is None or not stat.S_ISFIFO(os.fstat(1).st_mode):
        yield None
        return
    reading, writing = os.pipe()
    out = os.dup(1)
    os.dup2(writing, 1)
    os.close(writing)
    reader = threading.Thread(target=_copy, args=(reading, out))
    reader.start()
    try:
        yield None
    finally:
        sys.stdout.flush()
        os.dup2(out, 1)
        reader.join()


def _copy(reading: int, out: int) -> None:
    while data := os.read(reading, 1 << 16):
        with suppress(BrokenPipeError), os.fdopen(out, "wb", closefd=False) as stream:
            stream.write(data)


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, finds_days=False)
