#!/usr/bin/env python3
"""Prints today, the issue date and the month of a run: what Make hands to all that follows.

Today is the date in issuer.json's time zone. The issue date defaults to today, the month
to the one before the issue date. Each can be given: TODAY, ISSUE_DATE, MONTH.
"""

import argparse
import contextlib
import json
import os
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo


def main() -> None:
    """Three words on one line. Starts fast: only the standard library is imported."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--root", type=Path, required=True)
    root = made.parse_args().root
    given = os.environ
    today = given.get("TODAY") or today_in(root / "issuer.json")
    issue_date = given.get("ISSUE_DATE") or today
    month = given.get("MONTH") or month_before(issue_date)
    for name, text in (("TODAY", today), ("ISSUE_DATE", issue_date), ("MONTH", month)):
        check(name, text)
    print(today, issue_date, month)


def check(name: str, text: str) -> None:
    """Stops here, since Make builds the path of a flag from the month."""
    with contextlib.suppress(ValueError):
        # Python reads 20261031 and 2026-W44-6 too.
        day = f"{text}-01" if name == "MONTH" else text
        if date.fromisoformat(day).isoformat() == day:
            return
    from lib import cli

    try:
        (cli.month if name == "MONTH" else cli.day)(text)
    except argparse.ArgumentTypeError as error:
        print(f"{name}: {error} [B-USAGE]", file=sys.stderr)
    sys.exit(2)


def today_in(issuer: Path) -> str:
    """The date in the time zone that issuer.json names."""
    try:
        if issuer.exists() and not issuer.is_file():
            raise OSError  # a pipe would never end
        zone = ZoneInfo(json.loads(issuer.read_bytes())["timezone"])
    except FileNotFoundError:
        sys.exit(f"{issuer} is missing; `make init ROOT=...` lays out a root [B-INPUT-MISSING]")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        sys.exit(f"{issuer}: names no time zone; `make check` says more [B-INPUT-VALUE]")
    return datetime.now(zone).date().isoformat()


def month_before(day: str) -> str:
    """The month before that of `day`; a day that is none is left to the script that uses it."""
    try:
        first = date.fromisoformat(day).replace(day=1)
    except ValueError:
        return "none"
    return (first - timedelta(days=1)).isoformat()[: len("2026-10")]


if __name__ == "__main__":
    main()
