#!/usr/bin/env python3
"""Shows the log of a client, or all logs as one story in order of time.

In colour on a terminal, line by line as they are anywhere else.
"""

from argparse import ArgumentParser, Namespace

from rich.console import Console
from rich.text import Text

from lib import alerts, cli
from lib.root import Root

_COLOURS = {"ERROR": "bold red", "NOTICE": "yellow", "INFO": "green"}


def main(arguments: Namespace, root: Root) -> None:
    """Reads only, without the lock: a log grows by whole lines."""
    names = sorted(path.stem for path in root.logs.glob("*.log"))
    chosen = [arguments.client] if arguments.client else names
    unknown = [name for name in chosen if name not in names]
    if unknown:
        known = ", ".join(names) or "none yet"
        text = f'"{unknown[0]}" has no log; those that have: {known}'
        raise cli.refuse("B-USAGE", "", "CLIENT", text)
    console = Console()
    for name, line in sorted(read(root, chosen), key=lambda entry: entry[1].partition(" ")[0]):
        shown = alerts.printable(line if arguments.client else f"{line} ({name})")
        if console.is_terminal:
            console.print(coloured(shown), soft_wrap=True)
        else:
            print(shown)


def read(root: Root, names: list[str]) -> list[tuple[str, str]]:
    """Each line of the logs, after the name of its log."""
    return [
        (name, line)
        for name in names
        for line in (root.logs / f"{name}.log").read_text("utf-8", "replace").split("\n")
        if line
    ]


def coloured(line: str) -> Text:
    """A line with its time dimmed and its level in colour."""
    text = Text(line)
    moment, level, *_ = [*line.split(" ", 2), ""]
    text.stylize("dim", 0, len(moment))
    text.stylize(_COLOURS.get(level, ""), len(moment) + 1, len(moment) + 1 + len(level))
    return text


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    made.add_argument("--client", default="", help="only this client's ('system': nobody's)")
    return made


if __name__ == "__main__":
    cli.run(parser(), main)
