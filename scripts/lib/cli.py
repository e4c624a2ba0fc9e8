"""How every script starts and ends: options, the root, exit codes, no traceback.

A script reads its options before it imports the rest of the house: --help and an option that
is mistyped are answered at once.

0 done, 1 input refused, 2 wrong usage, 3 integrity broken, 4 environment.
"""

import argparse
import errno
import os
import re
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NoReturn

from lib import alerts
from lib.alerts import Alert, Refused, Stop, WrongUsage
from lib.root import Root

HOME = Path(__file__).resolve().parents[2]
_REMEDIES = {
    errno.EACCES: "give this user the right to it, then ",
    errno.ENOSPC: "make room, then ",
}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with an option as any other error is said, in one line."""

    def error(self, message: str) -> NoReturn:
        # argparse writes "argument --keep-days: ..."; people typed KEEP_DAYS=... to `make`.
        option, _, text = message.removeprefix("argument --").partition(": ")
        place = option.replace("-", "_").upper() if message.startswith("argument --") else ""
        fault = Alert("B-USAGE", "", place, text if place else f"{message}; --help has them all")
        alerts.report(None, self.prog, [fault])
        sys.exit(2)


def parser(description: str) -> argparse.ArgumentParser:
    """A parser with the one option that all scripts have."""
    made = _Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument(
        "--root", type=Path, default=HOME, help="the folder that holds issuer.json (default: ours)"
    )
    return made


def add_period(made: argparse.ArgumentParser) -> None:
    """--year or --month, one of them."""
    either = made.add_mutually_exclusive_group(required=True)
    either.add_argument("--year", dest="period", type=year, help="2024")
    either.add_argument("--month", dest="period", type=month, help="2024-03")


def add_payment(made: argparse.ArgumentParser) -> None:
    """The options that a payment and a refund share; empty texts count as missing."""
    made.add_argument("--client", default="", help="studio_nord")
    made.add_argument("--invoice", default="", help="NORD-2026-0001")
    made.add_argument("--amount", default="", help="175.80")
    made.add_argument("--date", default="", help="the day on which the money moved, 2026-12-03")
    made.add_argument(
        "--method", default="", help="transfer, card, cheque, cash, direct_debit, other"
    )
    made.add_argument("--again", type=yes, default=False, help="yes: the same once more")
    made.add_argument("--today", type=day, required=True, help="the date of today")


def run(arguments: argparse.Namespace, main: Callable[[argparse.Namespace, Root], None]) -> None:
    """Runs `main`, tells every alert that stops it, and exits with its code."""
    from lib import storage

    root = Root(arguments.root.resolve())
    script = Path(sys.argv[0]).name
    logs: Path | None = None
    try:
        if not root.path.is_dir():
            text = "is no folder; `make init ROOT=...` lays one out"
            raise WrongUsage([Alert("B-USAGE", str(root.path), "", text)])
        storage.refuse_links(root)
        logs = root.logs if root.issuer.exists() else None
        main(arguments, root)
        sys.stdout.flush()
    except Stop as stop:
        alerts.report(logs, script, stop.alerts)
        sys.exit(stop.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(4)
    except OSError as error:
        alerts.report(logs, script, [_of_machine(error)])
        sys.exit(4)
    except MemoryError:
        alerts.report(logs, script, [Alert("B-ENVIRONMENT", "", "", "out of memory")])
        sys.exit(4)
    except KeyboardInterrupt:
        text = "interrupted; run the command again"
        alerts.report(logs, script, [Alert("B-INTERRUPTED", "", "", text)])
        sys.exit(4)
    except Exception:
        import traceback

        # A fault of ours: the person gets one line, the log keeps what we need to mend it.
        text = f"a fault of the program; {'data/logs/system.log' if logs else 'stderr'} has it"
        if logs:
            trace = traceback.format_exc()
            alerts.write_log(logs, "", "ERROR", script, "B-INTERNAL", trace)
        else:
            traceback.print_exc()
        alerts.report(None, script, [Alert("B-INTERNAL", script, "", text)])
        sys.exit(4)


def run_without_root(main: Callable[[], None]) -> None:
    """Runs what makes a root, where none is yet, and tells in a line what the machine refuses."""
    try:
        main()
    except OSError as error:
        alerts.report(None, Path(sys.argv[0]).name, [_of_machine(error)])
        sys.exit(4)


def _of_machine(error: OSError) -> Alert:
    """What the machine refused, and what to do about it."""
    first = _REMEDIES.get(error.errno or 0, "")
    text = f"{error.strerror or error}; nothing was half-done: {first}run the command again"
    return Alert("B-ENVIRONMENT", str(error.filename or ""), "", text)


def month(text: str) -> str:
    """A month given as an option."""
    if not _is_month(text):
        raise unfit("month", text, _is_month)
    return text


def year(text: str) -> str:
    """A year given as an option."""
    if not _is_year(text):
        raise unfit("year", text, _is_year)
    return text


def day(text: str) -> date:
    """A date given as an option."""
    if not _is_day(text):
        raise unfit("day", text, _is_day, "a date")
    return date.fromisoformat(text)


def _is_month(text: str) -> bool:
    return _is_day(f"{text}-01")


def _is_year(text: str) -> bool:
    return re.fullmatch("20[0-9]{2}", text) is not None


def _is_day(text: str) -> bool:
    # Python reads 20261031 and 2026-W44-6 too.
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def unfit(
    kind: str, text: str, fits: Callable[[str], bool], named: str = ""
) -> argparse.ArgumentTypeError:
    """What an option's text is not, and what was most likely meant; `kind` is of lib/readings."""
    from lib import readings

    remedy = readings.remedy(kind, text, fits)
    return argparse.ArgumentTypeError(f'"{text}" is not {named or f"a {kind}"}; {remedy}')


def day_or_none(text: str) -> date | None:
    """A date; an empty text is none, since Make passes an unset variable so."""
    return day(text) if text else None


def switch(text: str) -> bool:
    """1 or yes; 0, no and an empty text are no."""
    if text not in ("", "0", "1", "no", "yes"):
        raise argparse.ArgumentTypeError(f'"{text}" is neither 1 nor 0')
    return text in ("1", "yes")


def yes(text: str) -> bool:
    """yes or no; an empty text is no, since Make passes an unset variable so."""
    if text not in ("", "yes", "no"):
        raise argparse.ArgumentTypeError(f'"{text}" is neither yes nor no')
    return text == "yes"


def refuse(code: str, file: str, place: str, text: str, client: str = "") -> Refused:
    """A refusal with one reason, to raise."""
    return Refused([Alert(code, file, place, text, client)])
