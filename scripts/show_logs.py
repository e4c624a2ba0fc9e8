#!/usr/bin/env python3
"""Shows the log of a client, or all logs as one story in order of time.

In colour on a terminal, line by line as they are anywhere else.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli
from lib.core.faults import printable


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument(
        "--client", default="", help="only this client's log ('system': no client's)"
    )
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import re
from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from lib.core import storage
from lib.core.messages import say
from lib.core.root import Root

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")
_COLOURS = {"ERROR": "bold red", "NOTICE": "yellow", "INFO": "green"}


class LogLine(NamedTuple):
    """A line of a log, and the moment that it stands at."""

    moment: str
    log: str
    line: str


def main(arguments: Namespace, root: Root) -> None:
    """Reads only, without the lock: a log grows by whole lines."""
    names = sorted(path.stem for path in root.logs.glob("*.log"))
    chosen = [arguments.client] if arguments.client else names
    unknown = [name for name in chosen if name not in names]
    if unknown:
        known = say("those that have: {names}", names=tuple(names) or say("none yet"))
        text = say('"{client}" has no log', client=unknown[0])
        raise cli.refuse("B-USAGE", "", "CLIENT", text, remedy=known)
    console = Console()
    entries = [entry for name in chosen for entry in read(root, name)]
    for entry in entries if arguments.client else sorted(entries, key=lambda entry: entry.moment):
        line = entry.line if arguments.client else f"{entry.line} ({entry.log})"
        shown = printable(line)
        if console.is_terminal:
            console.print(coloured(shown), soft_wrap=True)
        else:
            print(shown)


def read(root: Root, name: str) -> Iterator[LogLine]:
    """The lines of a log; one without a time of its own belongs to the line before it."""
    moment = ""
    for line in storage.read(root.logs / f"{name}.log").decode("utf-8", "replace").split("\n"):
        moment = line.partition(" ")[0] if _TIME.match(line) else moment
        if line:
            yield LogLine(moment, name, line)


def coloured(line: str) -> Text:
    """A line with its time dimmed and its level in colour."""
    text = Text(line)
    moment, level, *_ = [*line.split(" ", 2), ""]
    text.stylize("dim", 0, len(moment))
    text.stylize(_COLOURS.get(level, ""), len(moment) + 1, len(moment) + 1 + len(level))
    return text


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
