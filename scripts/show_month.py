#!/usr/bin/env python3
"""Shows what a month made: the tree of files, a table of the invoices, where to look next."""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    made.add_argument("--month", type=cli.month, required=True, help="2026-10")
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from pathlib import Path

from rich.console import Console
from rich.tree import Tree

from lib.books import revenues
from lib.core import lock
from lib.core.root import Root
from lib.inputs import settings

_SHOWN = 3  # files of a folder that the tree names; it counts the others
_DEEP = 2  # from here on it names the first folder only


def main(arguments: Namespace, root: Root) -> None:
    """Reads only."""
    with lock.shared(root, settings.load(root).lock_wait):
        facts = [
            record
            for _, chain in revenues.each_chain(root, revenues.DIRECT)
            for record in chain.records
            if record["month"] == arguments.month
        ]
    print()
    Console(highlight=False).print(_tree(root.path, Tree(f"{root.path}/")))
    print()
    revenues.show(facts)
    if facts:
        first = facts[0]
        pdf = revenues.proof_path(root, revenues.DIRECT, first["client"], first["number"], "pdf")
        print(f"\nLook at an invoice:     {pdf}")
        print(f"and what it says:       {pdf.with_suffix('.json')}")
    print(f"the story of the run:   {root.logs}/")
    print(f"edit a client:          {root.clients}/, then: make check ROOT={root.path}")


def _tree(folder: Path, tree: Tree, depth: int = 0) -> Tree:
    """Folders down to the clients' and the first files of each; the others are counted."""
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    folders = [path for path in entries if path.is_dir()]
    for path in folders if depth < _DEEP else folders[:1]:
        _tree(path, tree.add(f"{path.name}/"), depth + 1)
    if depth >= _DEEP and len(folders) > 1:
        tree.add(f"… and {len(folders) - 1} more folders")
    files = [path for path in entries if path.is_file()]
    for path in files[:_SHOWN]:
        tree.add(path.name if len(path.name) < 40 else f"{path.name[:12]}…")
    if len(files) > _SHOWN:
        tree.add(f"… and {len(files) - _SHOWN} more")
    return tree


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
