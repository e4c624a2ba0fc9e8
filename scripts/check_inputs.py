#!/usr/bin/env python3
"""Checks every input of a root: issues nothing, writes nothing but its log."""

from argparse import ArgumentParser, Namespace

from lib import cli, inputs, settings
from lib.root import Root


def main(arguments: Namespace, root: Root) -> None:
    """Loads all that a run would load; what it refuses is listed line by line."""
    settings.load(root)
    given = inputs.load(root)
    usage = sum(len(sources) for sources in given.usage.values())
    print(f"the inputs are sound: {len(given.clients)} clients, {usage} usage files")


def parser() -> ArgumentParser:
    """The options of this script."""
    return cli.parser(__doc__ or "")


if __name__ == "__main__":
    cli.run(parser(), main)
